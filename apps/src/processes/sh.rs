//! sh: a shell. At the console it edits lines, and runs pipelines in the foreground and in the background; given a pipe, or
//! `-c`, it runs what it reads. It is a program like any other: everything it does other programs can do by the library.
//!
//! - `terminal`: the console while a job has it
//! - `job`: pipelines and their processes
//! - `builtin`: commands of the shell's own
//! - `machine`: those that show what Aegis keeps
#![no_std]
#![no_main]

extern crate alloc;

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use exos::edit::{Editor, Event};
use exos::signal::{self, Action};
use exos::{command, console, eprintln, io, machine, println, process};

#[path = "sh/builtin.rs"]
mod builtin;
#[path = "sh/job.rs"]
mod job;
#[path = "sh/machine.rs"]
mod machine_commands;
#[path = "sh/terminal.rs"]
mod terminal;

use job::Job;

exos::process!(main);

const PROMPT: &str = "$ ";

/// The shell.
pub struct Shell {
    editor: Editor,
    /// Keys that were pressed while a job ran, and that it has not taken.
    keys: VecDeque<u8>,
    jobs: Vec<Job>,
    /// How the last command ended: `$?`.
    status: u32,
    /// The last process started in the background: `$!`.
    last: u32,
    /// It has the console: jobs are told apart into foreground and background.
    interactive: bool,
    /// Set by `exit`.
    ends: bool,
}

fn main() -> u32 {
    let mut shell = Shell {
        editor: Editor::new(PROMPT),
        keys: VecDeque::new(),
        jobs: Vec::new(),
        status: 0,
        last: 0,
        interactive: process::argument(1).is_none() && io::is_console(0),
        ends: false,
    };
    match (process::argument(1), process::argument(2)) {
        (Some("-c"), Some(line)) => shell.run(line),
        (None, _) if shell.interactive => shell.converse(),
        (None, _) => shell.read_script(),
        _ => {
            eprintln!("usage: sh [-c LINE]");
            shell.status = 2;
        }
    }
    shell.status
}

impl Shell {
    /// Reads lines at the console until `exit`, or Control-D.
    fn converse(&mut self) {
        // They are for the jobs. What a job does with them is its own affair again: an exec forgets it.
        for signal in [signal::SIGINT, signal::SIGPIPE] {
            let _ = signal::set_action(signal, Action::Ignore);
        }
        if let Ok(pages) = machine::pages() {
            println!("ExOS on Aegis: {} of {} pages are free. Type help for help.", pages.free, pages.all);
        }
        while !self.ends {
            self.report_ended();
            match self.read_line() {
                Some(line) => self.run(&line),
                None => return println!(),
            }
        }
    }

    /// A line from the console; `None` when no more will come.
    fn read_line(&mut self) -> Option<String> {
        let mut out = Vec::new();
        self.editor.redraw(&mut out);
        loop {
            console::write(&out);
            out.clear();
            let early = self.keys.pop_front().map(Some);
            let key = early.map_or_else(|| io::wait_for_key(process::has_ended_child), Ok);
            if process::has_ended_child() && job::reap_all(&mut self.jobs) {
                // Said at once, and the line drawn again below.
                console::write(b"\r\x1b[K");
                self.report_ended();
                self.editor.redraw(&mut out);
            }
            let Ok(Some(key)) = key else { continue };
            match self.editor.key(key, &mut out) {
                Event::Line(line) => {
                    console::write(&out);
                    return Some(line);
                }
                Event::End => return None,
                Event::Complete => {
                    let programs: Vec<String> =
                        machine::programs().map(|found| found.name().to_string()).collect();
                    let words = builtin::names().chain(programs.iter().map(String::as_str));
                    self.editor.complete(words, &mut out);
                }
                Event::Interrupt | Event::Suspend => {
                    self.status = 128 + signal::SIGINT;
                    self.editor.redraw(&mut out);
                }
                Event::Nothing => {}
            }
        }
    }

    /// Runs the lines of the standard input.
    fn read_script(&mut self) {
        let mut text = Vec::new();
        let mut chunk = [0; 256];
        // One line at a time: the rest of the input is the commands'.
        while !self.ends {
            match io::read(0, &mut chunk[..1]) {
                Ok(0) => break,
                Ok(_) if chunk[0] == b'\n' => {
                    let line = String::from_utf8_lossy(&text).into_owned();
                    text.clear();
                    self.run(&line);
                }
                Ok(_) => text.push(chunk[0]),
                Err(io::IoError::Interrupted) => {}
                Err(_) => break,
            }
        }
        if !self.ends {
            self.run(&String::from_utf8_lossy(&text));
        }
    }

    /// Runs a line, if all of it means something.
    fn run(&mut self, line: &str) {
        if let Err(error) = command::check(line) {
            eprintln!("sh: {error}");
            self.status = 2;
            return;
        }
        let mut rest = line;
        while let Ok(Some((pipeline, behind))) = command::first(rest, &|name| self.value(name)) {
            self.run_pipeline(&pipeline);
            if self.ends || self.interactive && self.status == 128 + signal::SIGINT {
                return;
            }
            rest = behind;
        }
    }

    /// The value of a variable.
    fn value(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "$" => Some(process::id().to_string()),
            "!" => Some(self.last.to_string()),
            name => process::environment(name).map(ToString::to_string),
        }
    }

    /// Says which background jobs have ended, and forgets them.
    fn report_ended(&mut self) {
        job::reap_all(&mut self.jobs);
        self.jobs.retain(|job| {
            if let Some(status) = job.status() {
                println!("[{}] {}: {}", job.number, job.text, job::ending(status));
            }
            job.status().is_none()
        });
    }
}
