//! `bench test`: a guest test suite, or a guest that must end in a certain way, through the same runner.
//!
//! A guest prints one line for each test and ends with `N passed, N failed`.

use std::path::PathBuf;

use anyhow::bail;

use crate::defects::Defects;
use crate::dialogue::Step;
use crate::machine::{End, Job, Limits, Line, Machine, Outcome, Stream, Watch, run};
use crate::runner::failure;

/// One guest to test.
#[derive(Debug, Clone)]
pub struct GuestTest {
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    /// The name in messages, and of the log.
    pub name: String,
    /// Wall-clock limit, seconds.
    pub seconds: u64,
    /// The exit status that is success.
    pub status: i32,
    /// The kernel command line.
    pub append: Option<String>,
    /// Text that must appear in the console's lines, in this order.
    pub expect: Vec<String>,
    /// Whether the totals line must be there (not in a run that ends in a planted fault).
    pub totals: bool,
    /// What to type, and when.
    pub dialogue: Vec<Step>,
    /// What is known to fail on this machine.
    pub defects: Option<Defects>,
    /// Where the log goes.
    pub log: PathBuf,
}

/// The totals line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that did not.
    pub failed: u64,
    /// Tests that failed as a known defect of the machine makes them.
    pub known: u64,
}

/// Read a totals line: `12 passed, 0 failed`.
#[must_use]
pub fn totals(line: &str) -> Option<Totals> {
    let (passed, failed) = line.trim().split_once(", ")?;
    let passed = passed.strip_suffix(" passed")?.parse().ok()?;
    let failed = failed.strip_suffix(" failed")?.parse().ok()?;
    Some(Totals { passed, failed, known: 0 })
}

/// What is wrong with how a guest ended, if anything is.
fn judge(test: &GuestTest, outcome: &Outcome) -> Result<Totals, String> {
    if let Some(wanted) = &outcome.waits {
        return Err(format!("{}: the dialogue waited for {wanted:?} in vain", outcome.end));
    }
    let all: Vec<Totals> = outcome.console().filter_map(totals).collect();
    match outcome.end {
        End::Exited(status) if status == test.status => {}
        // Failed tests are the better message for the status that they cause.
        End::Exited(_) if all.iter().any(|t| t.failed > 0) => {}
        End::Exited(status) => {
            return Err(format!("exited with status {status}, expected {}", test.status));
        }
        end => return Err(end.to_string()),
    }
    let mut wanted = test.expect.iter().peekable();
    for line in outcome.console() {
        wanted.next_if(|w| line.contains(w.as_str()));
    }
    if let Some(text) = wanted.next() {
        return Err(format!("ended without the expected line {text:?}"));
    }
    match all[..] {
        [Totals { failed: 1.., .. }] if test.defects.is_some() => {
            // Which tests failed decides.
            test.defects.as_ref().map_or(Ok(all[0]), |defects| defects.judge(outcome.console()))
        }
        [] if test.totals => Err("ended without its line \"N passed, N failed\"".to_owned()),
        [] => Ok(Totals::default()),
        [Totals { failed: 1.., .. }] => Err(format!("{} failed, {} passed", all[0].failed, all[0].passed)),
        [Totals { passed: 0, .. }] => Err("no test ran".to_owned()),
        [totals] => Ok(totals),
        _ => Err("several lines \"N passed, N failed\": did the guest start again?".to_owned()),
    }
}

/// Run one test; `show` gets each line of the console as it comes.
///
/// # Errors
/// When the guest hangs, dies, fails, or does not print what it must; the message has its last lines and its log.
pub fn run_test(
    test: &GuestTest,
    machine: &dyn Machine,
    mut show: impl FnMut(&str),
) -> anyhow::Result<(Totals, Outcome)> {
    let job = Job {
        kernel: test.kernel.clone(),
        append: test.append.clone().or_else(|| test.defects.as_ref()?.append.clone()),
        dialogue: test.dialogue.clone(),
        ..Job::default()
    };
    let outcome = run(machine, &job, Limits::seconds(test.seconds), &test.log, |line| {
        if let Some(Line { stream: Stream::Console, text }) = line {
            show(text);
        }
        Watch::On
    })?;
    match judge(test, &outcome) {
        Ok(totals) => Ok((totals, outcome)),
        Err(reason) => bail!(failure(&test.name, &reason, &outcome)),
    }
}

#[cfg(test)]
mod tests;
