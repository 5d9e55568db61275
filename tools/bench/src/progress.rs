//! Progress of several runs on standard error: a line for each that has ended, and on a terminal one that counts.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::machine::{End, Outcome};

/// What is shown of a set of runs.
pub struct Progress {
    runs: usize,
    start: Instant,
    terminal: bool,
    state: Mutex<State>,
}

struct State {
    ended: usize,
    /// When to say something again.
    next: Duration,
}

impl Progress {
    /// Of so many runs.
    #[must_use]
    pub fn new(runs: usize) -> Self {
        let state = Mutex::new(State { ended: 0, next: Duration::from_secs(1) });
        Self { runs, start: Instant::now(), terminal: std::io::stderr().is_terminal(), state }
    }

    /// One of them still runs.
    pub fn tick(&self, label: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = self.start.elapsed();
        if elapsed < state.next {
            return;
        }
        let line = format!("[{}/{}] {label} ... {} s", state.ended, self.runs, elapsed.as_secs());
        if self.terminal {
            eprint!("\r{line:<60}");
            state.next = elapsed + Duration::from_secs(1);
        } else {
            eprintln!("{line}");
            state.next = elapsed + Duration::from_secs(10);
        }
    }

    /// One of them has ended.
    pub fn done(&self, label: &str, outcome: &Outcome) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended += 1;
        let how = match outcome.end {
            End::Exited(0) => "done".to_owned(),
            end => end.to_string(),
        };
        let line =
            format!("[{}/{}] {label}: {how}, {:.1} s", state.ended, self.runs, outcome.elapsed.as_secs_f64());
        let again = if self.terminal { "\r" } else { "" };
        eprintln!("{again}{line:<60}");
    }
}
