//! Commands of the shell's own.

use alloc::string::String;

use exos::process::{self, ProcessError};
use exos::{eprintln, machine, println, signal};

use crate::Shell;
use crate::job::{self, Job};
use crate::machine_commands as show;

/// A command: its name, its arguments, what it does, and the function that does it and tells its status.
pub struct Builtin {
    pub name: &'static str,
    pub arguments: &'static str,
    pub what: &'static str,
    pub run: fn(&mut Shell, &[String]) -> u32,
}

const fn entry(
    name: &'static str,
    arguments: &'static str,
    what: &'static str,
    run: fn(&mut Shell, &[String]) -> u32,
) -> Builtin {
    Builtin { name, arguments, what, run }
}

const BUILTINS: &[Builtin] = &[
    entry("help", "", "this list", help),
    entry("ls", "", "the programs of the boot image", show::ls),
    entry("ps", "", "the processes", show::ps),
    entry("jobs", "", "the jobs in the background", jobs),
    entry("fg", "[%JOB]", "brings a job, the last one, to the foreground", fg),
    entry("wait", "[%JOB]", "waits for a job, or for all", wait),
    entry("kill", "[-SIGNAL] PID|%JOB...", "sends a signal, SIGTERM if none is named", kill),
    entry("time", "PIPELINE", "runs it, and tells how long it took", |_, _| 0),
    entry("share", "PID TICKETS", "sets a process's share of the processor", share),
    entry("env", "", "the environment variables", env),
    entry("export", "NAME=VALUE...", "sets some, as NAME=VALUE alone does", export),
    entry("history", "", "the lines before this one", history),
    entry("exit", "[STATUS]", "ends the shell, and the machine with it if it is the first", exit),
    entry("free", "", "Aegis's map of physical pages, in numbers", show::free),
    entry("slices", "", "Aegis's vector of time slices", show::slices),
    entry("stlb", "", "whose bindings are in the software TLB", show::stlb),
    entry("caps", "", "the shell's own capabilities and guaranteed mappings", show::caps),
];

/// The command with this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Their names.
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    BUILTINS.iter().map(|builtin| -> &'a str { builtin.name })
}

/// Says how a command is used; its status.
fn usage(name: &str) -> u32 {
    if let Some(builtin) = find(name) {
        eprintln!("usage: {name} {}    ({})", builtin.arguments, builtin.what);
    }
    2
}

fn help(_: &mut Shell, _: &[String]) -> u32 {
    for Builtin { name, arguments, what, .. } in BUILTINS {
        println!("  {name} {arguments:width$} {what}", width = 31 - name.len());
    }
    println!("Programs: {}.", Programs);
    println!("a | b passes output on, a & runs in the background, a; b one after the other, NAME=VALUE sets");
    println!("a variable and $NAME is its value. Tab completes, up and down go through the history,");
    println!("Control-C ends what runs, Control-Z sends it to the background, Control-D ends its input.");
    0
}

struct Programs;

impl core::fmt::Display for Programs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, program) in machine::programs().filter(|program| program.is_process).enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, program.name())?;
        }
        Ok(())
    }
}

fn jobs(shell: &mut Shell, _: &[String]) -> u32 {
    for job in &shell.jobs {
        let alive = job.members.iter().filter(|member| member.status.is_none()).count();
        println!("[{}] {}: {alive} of {} processes", job.number, job.text, job.members.len());
    }
    0
}

/// The place of the job that a word names, or of the last one.
fn job_at(shell: &Shell, word: Option<&String>) -> Option<usize> {
    let Some(word) = word else { return shell.jobs.len().checked_sub(1) };
    let number: u32 = word.strip_prefix('%').unwrap_or(word).parse().ok()?;
    shell.jobs.iter().position(|job| job.number == number)
}

fn fg(shell: &mut Shell, words: &[String]) -> u32 {
    let Some(at) = job_at(shell, words.get(1)) else {
        eprintln!("fg: there is no such job");
        return 1;
    };
    let job: Job = shell.jobs.remove(at);
    println!("{}", job.text);
    shell.finish(job);
    shell.status
}

fn wait(shell: &mut Shell, words: &[String]) -> u32 {
    if words.len() > 1 && job_at(shell, words.get(1)).is_none() {
        eprintln!("wait: there is no such job");
        return 127;
    }
    let mut status = 0;
    while let Some(at) = job_at(shell, words.get(1)) {
        let job: Job = shell.jobs.remove(at);
        let number = job.number;
        shell.finish(job);
        status = shell.status;
        // Control-C and Control-Z end the waiting, too.
        let goes_on = shell.jobs.iter().any(|job| job.number == number);
        if words.len() > 1 || goes_on || status == 128 + signal::SIGINT {
            break;
        }
    }
    status
}

fn kill(shell: &mut Shell, words: &[String]) -> u32 {
    let (signal, targets) = match words.get(1).and_then(|word| word.strip_prefix('-')) {
        Some(name) => {
            let found = signal::number(name).or_else(|| name.parse().ok().filter(|number| *number < 32));
            let Some(found) = found else {
                eprintln!("kill: there is no signal {name}");
                return 1;
            };
            (found, &words[2..])
        }
        None => (signal::SIGTERM, &words[1..]),
    };
    if targets.is_empty() {
        return usage("kill");
    }
    let mut status = 0;
    for target in targets {
        let sent = match (target.strip_prefix('%'), target.parse()) {
            (Some(_), _) => match job_at(shell, Some(target)) {
                Some(at) => shell.jobs[at].kill(signal),
                None => Err(ProcessError::NoProcess),
            },
            (None, Ok(pid)) => signal::kill(pid, signal),
            (None, Err(_)) => Err(ProcessError::NoProcess),
        };
        if let Err(error) = sent {
            match error {
                ProcessError::NoProcess => eprintln!("kill: {target}: there is no such process or job"),
                error => eprintln!("kill: {target}: {error}"),
            }
            status = 1;
        }
    }
    status
}

fn share(_: &mut Shell, words: &[String]) -> u32 {
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<u32>().ok());
    match (number(1), number(2)) {
        (Some(pid), Some(tickets @ 1..=1000)) => match process::set_share(pid, tickets) {
            Ok(()) => 0,
            Err(_) => {
                eprintln!("share: there is no process {pid}");
                1
            }
        },
        _ => usage("share"),
    }
}

fn env(_: &mut Shell, _: &[String]) -> u32 {
    for variable in process::arguments::variables() {
        println!("{variable}");
    }
    0
}

fn export(_: &mut Shell, words: &[String]) -> u32 {
    for word in &words[1..] {
        let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return usage("export");
        };
        if !process::set_environment(name, value) {
            eprintln!("export: there is no room for {name}");
            return 1;
        }
    }
    0
}

fn history(shell: &mut Shell, _: &[String]) -> u32 {
    for (index, line) in shell.editor.history().enumerate() {
        println!("{:5}  {line}", index + 1);
    }
    0
}

fn exit(shell: &mut Shell, words: &[String]) -> u32 {
    let status = match words.get(1).map(|word| word.parse()) {
        None => shell.status,
        Some(Ok(status)) => status,
        Some(Err(_)) => return usage("exit"),
    };
    // Whoever ends with the machine has no time to.
    for job in &shell.jobs {
        let _ = job.kill(signal::SIGHUP);
    }
    job::reap_all(&mut shell.jobs);
    shell.ends = true;
    status
}
