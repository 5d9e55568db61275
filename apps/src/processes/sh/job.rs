//! Jobs: pipelines and their processes.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use exos::command::{Command, Pipeline};
use exos::process::{self, ProcessError};
use exos::signal::{self, Action};
use exos::{eprintln, io, println};

use crate::{Shell, builtin};

/// A process of a job.
#[derive(Clone, Debug)]
pub struct Member {
    pub pid: u32,
    /// What it runs, for messages.
    pub name: String,
    /// How it ended.
    pub status: Option<u32>,
    /// Turns that it was given.
    pub turns: u32,
}

/// A pipeline that runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// What `%` and the number name it by.
    pub number: u32,
    /// As it was typed.
    pub text: String,
    pub members: Vec<Member>,
    /// Where what is typed for it goes: the other end of its standard input, if that is open.
    pub input: Option<usize>,
}

impl Job {
    /// How it ended: as its last process did. `None` while any of them goes on.
    pub fn status(&self) -> Option<u32> {
        let all: Option<Vec<u32>> = self.members.iter().map(|member| member.status).collect();
        all?.last().copied()
    }

    /// Sends a signal to all of its processes.
    pub fn kill(&self, signal: u32) -> Result<(), ProcessError> {
        for member in self.members.iter().filter(|member| member.status.is_none()) {
            process_or_gone(signal::kill(member.pid, signal))?;
        }
        Ok(())
    }

    /// No more input will come.
    pub fn close_input(&mut self) {
        if let Some(descriptor) = self.input.take() {
            let _ = io::close(descriptor);
        }
    }

    /// Notes which of its processes have ended; tells whether any has just now.
    fn reap(&mut self) -> bool {
        let mut any = false;
        for member in self.members.iter_mut().filter(|member| member.status.is_none()) {
            // Gone with its place in the table, once it has been waited for.
            let seen = process::processes().find(|found| found.pid == member.pid);
            member.turns = seen.map_or(member.turns, |found| found.turns);
            member.status = match process::try_wait_for(member.pid) {
                Ok(status) => status,
                // Nobody's child any more: it cannot be, and must not be waited for for ever.
                Err(_) => Some(127),
            };
            any |= member.status.is_some();
        }
        if self.status().is_some() {
            self.close_input();
        }
        any
    }
}

/// Takes a process that has just ended for one that got the signal.
fn process_or_gone(result: Result<(), ProcessError>) -> Result<(), ProcessError> {
    match result {
        Err(ProcessError::NoProcess) => Ok(()),
        other => other,
    }
}

/// Notes which processes of all jobs have ended; tells whether any has just now.
pub fn reap_all(jobs: &mut [Job]) -> bool {
    jobs.iter_mut().fold(false, |any, job| job.reap() | any)
}

/// How something ended, in words.
pub fn ending(status: u32) -> String {
    match status {
        0 => "done".to_string(),
        129..=159 => signal::name(status - 128).to_string(),
        status => format!("status {status}"),
    }
}

impl Shell {
    /// Runs a pipeline, and waits for it unless it is to run in the background.
    pub fn run_pipeline(&mut self, pipeline: &Pipeline) {
        let mut pipeline = pipeline.clone();
        let timed = pipeline
            .commands
            .first()
            .and_then(|first| first.words.first())
            .is_some_and(|word| word == "time");
        if timed {
            pipeline.commands[0].words.remove(0);
        }
        let begun = exos::call::microseconds().unwrap_or(0);
        let turns = self.dispatch(&pipeline);
        if timed && !pipeline.background {
            let taken = exos::call::microseconds().unwrap_or(0).wrapping_sub(begun);
            eprintln!("{}.{:06} s, {turns} slices", taken / 1_000_000, taken % 1_000_000);
        }
    }

    /// Tells the turns that its processes had.
    fn dispatch(&mut self, pipeline: &Pipeline) -> u32 {
        if let [command] = &pipeline.commands[..]
            && !pipeline.background
        {
            if command.words.is_empty() {
                set_variables(command);
                self.status = 0;
                return 0;
            }
            // With variables of its own it gets a process of its own, too.
            if let Some(builtin) = builtin::find(&command.words[0])
                && command.variables.is_empty()
            {
                self.status = (builtin.run)(self, &command.words);
                return 0;
            }
        }
        match self.start(pipeline) {
            Ok(job) if pipeline.background => {
                self.last = job.members.last().map_or(0, |member| member.pid);
                println!("[{}] {}", job.number, self.last);
                self.jobs.push(job);
                self.status = 0;
                0
            }
            Ok(job) => self.finish(job),
            Err(error) => {
                eprintln!("sh: {}: {error}", pipeline.text);
                self.status = 126;
                0
            }
        }
    }

    /// Runs a job in the foreground, and tells the turns that it had.
    pub fn finish(&mut self, mut job: Job) -> u32 {
        let turns = |job: &Job| job.members.iter().map(|member| member.turns).sum();
        if self.interactive {
            self.foreground(&mut job);
        } else {
            while job.status().is_none() {
                job.reap();
                if job.status().is_none() {
                    // Whoever of them, or of another job, ends: it is looked for.
                    let _ = process::sleep(1000);
                }
            }
        }
        match job.status() {
            Some(status) => {
                self.status = status;
                for member in &job.members {
                    let status = member.status.unwrap_or(0);
                    if status > 128 && ![signal::SIGINT, signal::SIGPIPE].contains(&(status - 128)) {
                        eprintln!("sh: {} (pid {}): {}", member.name, member.pid, ending(status));
                    }
                }
                turns(&job)
            }
            // It was sent to the background.
            None => {
                println!("[{}] {}", job.number, job.text);
                let turns = turns(&job);
                self.jobs.push(job);
                turns
            }
        }
    }

    /// Starts the processes of a pipeline.
    fn start(&self, pipeline: &Pipeline) -> Result<Job, String> {
        let number = (1..).find(|number| self.jobs.iter().all(|job| job.number != *number)).unwrap_or(0);
        let mut job = Job { number, text: pipeline.text.clone(), members: Vec::new(), input: None };
        let result = self.start_members(pipeline, &mut job);
        if let Err(error) = result {
            let _ = job.kill(signal::SIGKILL);
            for member in &job.members {
                let _ = process::wait_for(member.pid);
            }
            job.close_input();
            return Err(error);
        }
        if pipeline.background {
            job.close_input();
        }
        Ok(job)
    }

    fn start_members(&self, pipeline: &Pipeline, job: &mut Job) -> Result<(), String> {
        // At the console the shell reads the keys and passes them on; else the first command reads what the shell would.
        let mut input = if self.interactive || pipeline.background {
            let (read, write) = io::pipe().map_err(|error| format!("no pipe for its input: {error}"))?;
            job.input = Some(write);
            Some(read)
        } else {
            None
        };
        let last = pipeline.commands.len() - 1;
        for (index, command) in pipeline.commands.iter().enumerate() {
            let between = if index < last { io::pipe().map(Some) } else { Ok(None) };
            let started = between.map_err(|error| format!("no pipe: {error}")).and_then(|between| {
                let output = between.map(|(_, write)| write);
                let forked = process::fork().map_err(|error| format!("{error}"));
                if forked == Ok(0) {
                    become_command(command, input, output)
                }
                if let Some(write) = output {
                    let _ = io::close(write);
                }
                Ok((between.map(|(read, _)| read), forked?))
            });
            if let Some(read) = input.take() {
                let _ = io::close(read);
            }
            let (next, pid) = started?;
            input = next;
            let name = command.words.first().cloned().unwrap_or_default();
            job.members.push(Member { pid, name, status: None, turns: 0 });
        }
        Ok(())
    }
}

/// In the child: becomes the command.
fn become_command(command: &Command, input: Option<usize>, output: Option<usize>) -> ! {
    for signal in [signal::SIGINT, signal::SIGPIPE] {
        let _ = signal::set_action(signal, Action::Default);
    }
    for (from, to) in [(input, 0), (output, 1)] {
        if let Some(from) = from {
            let _ = io::duplicate_to(from, to);
        }
    }
    for descriptor in 3..process::arguments::FILES {
        let _ = io::close(descriptor);
    }
    set_variables(command);
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let Some(name) = words.first() else { process::exit(0) };
    if let Some(builtin) = builtin::find(name) {
        let mut shell = Shell {
            editor: exos::edit::Editor::new(""),
            keys: VecDeque::new(),
            jobs: Vec::new(),
            status: 0,
            last: 0,
            interactive: false,
            ends: false,
        };
        process::exit((builtin.run)(&mut shell, &command.words));
    }
    let error = process::exec(name, &words);
    match error {
        process::ExecError::NotFound => {
            eprintln!("sh: there is no program {name}; ls lists them, help the shell's commands")
        }
        error => eprintln!("sh: {name}: {error}"),
    }
    process::exit(127)
}

fn set_variables(command: &Command) {
    for (name, value) in &command.variables {
        if !process::set_environment(name, value) {
            eprintln!("sh: there is no room for the variable {name}");
        }
    }
}
