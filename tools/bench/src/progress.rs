//! Progress of several runs on standard error: a line for each that has ended, how long the rest may take, and on a terminal a line that counts.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::machine::{End, Outcome};
use crate::results::write_file;

/// How long each run took the last time, in seconds, by its label. They decide the order and the estimate, and nothing else.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times(BTreeMap<String, f64>);

impl Times {
    /// Of a file; none if it is not there or not readable.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Keep them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        write_file(path, &(serde_json::to_string_pretty(&self.0)? + "\n"))
    }

    /// What a run may take: as long as the last time, or as long as the others do on average.
    fn of(&self, label: &str) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let average = || self.0.values().sum::<f64>() / self.0.len().max(1) as f64;
        self.0.get(label).copied().unwrap_or_else(average)
    }
}

/// What is shown of a set of runs.
pub struct Progress {
    runs: usize,
    workers: usize,
    start: Instant,
    terminal: bool,
    before: Times,
    state: Mutex<State>,
}

struct State {
    ended: usize,
    /// Seconds that those which have not ended may take, one after the other.
    left: f64,
    /// Seconds that those which have ended took.
    spent: f64,
    /// Of these, those that were estimated: what they took, and the estimate.
    took: f64,
    estimated: f64,
    times: Times,
    /// When to say something again.
    next: Duration,
}

impl Progress {
    /// Of these runs, so many at once, which took so long `before`.
    #[must_use]
    pub fn new(labels: &[String], workers: usize, before: Times) -> Self {
        let left = labels.iter().map(|label| before.of(label)).sum();
        let next = Duration::from_secs(1);
        let times = before.clone();
        let state = Mutex::new(State { ended: 0, left, spent: 0.0, took: 0.0, estimated: 0.0, times, next });
        let terminal = std::io::stderr().is_terminal();
        let it = Self { runs: labels.len(), workers, start: Instant::now(), terminal, before, state };
        eprintln!("{} runs, {} at a time{}", labels.len(), workers, it.estimate());
        it
    }

    /// In which order they are best begun: the longest first, so that no processor waits for the last one.
    #[must_use]
    pub fn order(&self, labels: &[String]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        // Stable: where nothing is known, in the order of the suite.
        order.sort_by(|a, b| self.before.of(&labels[*b]).total_cmp(&self.before.of(&labels[*a])));
        order
    }

    /// How long the rest may take, in words; nothing if nothing is known.
    fn estimate(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A machine that is slower than the last time stays so.
        let pace = if state.estimated > 0.0 { state.took / state.estimated } else { 1.0 };
        let workers = u32::try_from(self.workers).unwrap_or(1).max(1);
        // The first time: the others take as long as those so far.
        #[allow(clippy::cast_precision_loss)]
        let average = || state.spent / state.ended.max(1) as f64 * (self.runs - state.ended) as f64;
        let left = if self.before.0.is_empty() { average() } else { state.left * pace };
        match left / f64::from(workers) {
            left if left < 0.5 => String::new(),
            left if left < 100.0 => format!(", about {left:.0} s left"),
            left => format!(", about {:.0} min left", left / 60.0),
        }
    }

    /// One of them still runs.
    pub fn tick(&self, label: &str) {
        let elapsed = self.start.elapsed();
        let ended = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if elapsed < state.next {
                return;
            }
            state.next = elapsed + Duration::from_secs(if self.terminal { 1 } else { 10 });
            state.ended
        };
        let line = format!("[{ended}/{}] {label} ... {} s{}", self.runs, elapsed.as_secs(), self.estimate());
        if self.terminal {
            eprint!("\r{line:<76}");
        } else {
            eprintln!("{line}");
        }
    }

    /// One of them has ended.
    pub fn done(&self, label: &str, outcome: &Outcome) {
        let seconds = outcome.elapsed.as_secs_f64();
        let ended = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let expected = self.before.of(label);
            state.ended += 1;
            state.left -= expected;
            state.spent += seconds;
            // Without an earlier time there is nothing to compare with.
            if expected > 0.0 {
                state.took += seconds;
                state.estimated += expected;
            }
            if outcome.end == End::Exited(0) {
                state.times.0.insert(label.to_owned(), (seconds * 10.0).round() / 10.0);
            }
            state.ended
        };
        let how = match outcome.end {
            End::Exited(0) => "done".to_owned(),
            end => end.to_string(),
        };
        let line = format!("[{ended}/{}] {label}: {how}, {seconds:.1} s{}", self.runs, self.estimate());
        let again = if self.terminal { "\r" } else { "" };
        eprintln!("{again}{line:<76}");
    }

    /// What they took, for the next time.
    #[must_use]
    pub fn into_times(self) -> Times {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        Times([("a".to_owned(), 1.0), ("b".to_owned(), 9.0), ("c".to_owned(), 5.0)].into())
    }

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn outcome(seconds: u64, end: End) -> Outcome {
        Outcome {
            end,
            lines: Vec::new(),
            elapsed: Duration::from_secs(seconds),
            waits: None,
            log: std::path::PathBuf::new(),
        }
    }

    #[test]
    fn the_longest_come_first_and_new_ones_count_as_average() {
        let labels = labels(&["a", "b", "new", "c"]);
        let progress = Progress::new(&labels, 2, times());
        assert_eq!(progress.order(&labels), [1, 2, 3, 0]);
        let first = Progress::new(&labels, 2, Times::default());
        assert_eq!(first.order(&labels), [0, 1, 2, 3]);
    }

    #[test]
    fn the_estimate_follows_the_pace() {
        let labels = labels(&["a", "b", "c"]);
        let progress = Progress::new(&labels, 2, times());
        assert_eq!(progress.estimate(), ", about 8 s left");
        // Twice as slow as the last time: 6 seconds of the others are 12, and two run at once.
        progress.done("b", &outcome(18, End::Exited(0)));
        assert_eq!(progress.estimate(), ", about 6 s left");
        progress.done("a", &outcome(2, End::Exited(1)));
        progress.done("c", &outcome(10, End::Exited(0)));
        assert_eq!(progress.estimate(), "");
        // What failed took no time worth keeping.
        let kept = progress.into_times();
        assert_eq!([kept.of("a"), kept.of("b"), kept.of("c")], [1.0, 18.0, 10.0]);
    }

    #[test]
    fn without_earlier_times_those_so_far_tell() {
        let labels = labels(&["a", "b", "c"]);
        let progress = Progress::new(&labels, 1, Times::default());
        assert_eq!(progress.estimate(), "");
        progress.done("a", &outcome(100, End::Exited(0)));
        assert_eq!(progress.estimate(), ", about 3 min left");
    }

    #[test]
    fn times_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("target/times.json");
        assert_eq!(Times::read(&path), Times::default());
        times().write(&path).expect("writes");
        assert_eq!(Times::read(&path), times());
    }
}
