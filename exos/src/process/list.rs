//! Who there is: the table of processes as programs may look at it, as `ps` does.

use core::fmt;

use aegis_abi::Name;

use super::table::{self, PROCESSES, channel, get, state};

/// A process, as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's number; zero if that is the scheduler.
    pub parent: u32,
    /// Its environment: what Aegis knows it as.
    pub environment: Name,
    /// What it is doing.
    pub state: State,
    /// Its share of the processor, in tickets.
    pub share: u32,
    /// Turns that the scheduler has given it.
    pub turns: u32,
    program: [u8; 16],
}

/// What a process is doing. Shown, it is one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is being made.
    Starting,
    /// It runs, or can.
    Ready,
    /// It waits for a child to end.
    WaitsForChild,
    /// It waits for a key at the console.
    WaitsForConsole,
    /// It waits for a time.
    Sleeps,
    /// It waits to read from a pipe, or to write to one.
    WaitsForPipe,
    /// It serves calls of others.
    Serves,
    /// It waits for something else.
    Waits,
    /// It has ended, and its parent has not asked yet.
    Zombie,
    /// It has ended, and others use its pages still.
    Lends,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::WaitsForChild => "wait",
            Self::WaitsForConsole => "console",
            Self::Sleeps => "sleep",
            Self::WaitsForPipe => "pipe",
            Self::Serves => "serves",
            Self::Waits => "waits",
            Self::Zombie => "zombie",
            Self::Lends => "lends",
        })
    }
}

impl Process {
    /// The name of its program.
    #[must_use]
    pub fn program(&self) -> &str {
        let length = self.program.iter().position(|byte| *byte == 0).unwrap_or(self.program.len());
        core::str::from_utf8(&self.program[..length]).unwrap_or("?")
    }

    /// What stands at a place of the table.
    fn at(slot: usize) -> Option<Self> {
        let waiting = match get!(slot, waits_for) {
            channel::CHILD => State::WaitsForChild,
            channel::CONSOLE => State::WaitsForConsole,
            channel::TIME => State::Sleeps,
            channel::SERVER => State::Serves,
            channel::NONE | channel::SIGNAL => State::Waits,
            _ => State::WaitsForPipe,
        };
        let state = match get!(slot, state) {
            state::STARTING => State::Starting,
            state::READY => State::Ready,
            state::BLOCKED => waiting,
            state::ZOMBIE => State::Zombie,
            state::LENDING => State::Lends,
            _ => return None,
        };
        Some(Self {
            pid: get!(slot, pid),
            parent: get!(get!(slot, parent) as usize % PROCESSES, pid),
            environment: Name(get!(slot, name)),
            state,
            share: get!(slot, share),
            turns: get!(slot, turns),
            program: get!(slot, program),
        })
    }
}

/// All processes of the family, the scheduler not among them.
pub fn processes() -> impl Iterator<Item = Process> {
    (1..table::used()).filter_map(Process::at)
}
