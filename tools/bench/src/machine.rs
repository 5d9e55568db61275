//! What a machine is, and how one is run: under a time limit, in a process group of its own, with a log of all it said.
//!
//! A [`Machine`] only makes a command line. Everything that can go wrong with a running guest (it hangs, it floods the
//! console, it dies of a signal) is handled here once, for every machine.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::dialogue::{Step, Talk, Waits};
use crate::trace;
use rustix::process::{Pid, Signal, kill_process_group};

/// One guest to run.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    /// The kernel command line.
    pub append: Option<String>,
    /// Ask the machine for an execution trace on standard error (see [`crate::trace`]).
    pub trace: bool,
    /// Where to write marks, on machines that keep them (see [`crate::marks`]).
    pub marks: Option<PathBuf>,
    /// What to type, and when (see [`crate::dialogue`]); nothing, and the input closed, if it is empty.
    pub dialogue: Vec<Step>,
}

/// Something that runs a kernel: an emulator of a board, or a model of one.
pub trait Machine: Sync {
    /// The name that results carry: `malta`, `DEC5000/125`, ...
    fn name(&self) -> &str;

    /// The command that runs `job`. The guest's console is the command's standard output.
    fn command(&self, job: &Job) -> Command;

    /// Cycles a second, of a machine whose ticks are cycles and that keeps marks (see [`crate::marks`]).
    fn clock_hz(&self) -> Option<u64> {
        None
    }

    /// Name and version of the tool behind this machine, for the results' environment.
    ///
    /// # Errors
    /// When the tool cannot be started, or is older than what the project needs.
    fn tool(&self) -> Result<Tool, MachineError>;
}

/// A tool and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The program's name without its path.
    pub name: String,
    /// The version as the tool prints it.
    pub version: String,
}

/// Why a machine cannot be used, or a run cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The program is not there.
    #[error("cannot start {program}: {source} (scripts/setup.sh finds or installs it)")]
    Start {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The program is there, but too old or unknown.
    #[error("{program} is version {found}, but {needed} or later is needed")]
    Version {
        /// The program.
        program: String,
        /// What it says of itself.
        found: String,
        /// What the project needs.
        needed: String,
    },
    /// The kernel image is not there.
    #[error("kernel image {0} does not exist (scripts/build.sh makes it)")]
    NoKernel(PathBuf),
    /// The log cannot be written.
    #[error("cannot write {path}: {source}")]
    Log {
        /// The log file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// How much a run may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wall-clock time, from start to end.
    pub time: Duration,
    /// Bytes that the guest may print on its console.
    pub output: usize,
}

impl Limits {
    /// Limits of a run that may take `seconds` and print 16 MiB.
    #[must_use]
    pub fn seconds(seconds: u64) -> Self {
        Self { time: Duration::from_secs(seconds), output: 16 << 20 }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The guest ended the machine with this status.
    Exited(i32),
    /// The machine's process died of this signal.
    Signalled(i32),
    /// The time limit was reached, and the machine killed.
    TimedOut,
    /// The guest printed more than it may, and the machine was killed.
    Flooded,
    /// The observer had seen enough, and the machine was killed.
    Stopped,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Exited(status) => write!(f, "exited with status {status}"),
            End::Signalled(signal) => write!(f, "died of signal {signal}"),
            End::TimedOut => write!(f, "hung: killed at its time limit"),
            End::Flooded => write!(f, "printed without end: killed"),
            End::Stopped => write!(f, "was stopped"),
        }
    }
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The guest's console.
    Console,
    /// The emulator's own messages (or its trace).
    Emulator,
}

/// One line of output, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who said it.
    pub stream: Stream,
    /// What.
    pub text: String,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What it printed. Lines of a trace are left out.
    pub lines: Vec<Line>,
    /// How long it took, wall clock.
    pub elapsed: Duration,
    /// What the dialogue waited for when the run ended, if it had not come to its end.
    pub waits: Option<String>,
    /// Where the whole output is.
    pub log: PathBuf,
}

impl Outcome {
    /// The lines of the guest's console.
    pub fn console(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|l| l.stream == Stream::Console).map(|l| l.text.as_str())
    }

    /// The last `n` lines that anybody printed, indented, for an error message.
    #[must_use]
    pub fn tail(&self, n: usize) -> String {
        let skip = self.lines.len().saturating_sub(n);
        if self.lines.is_empty() {
            return "    (nothing was printed)\n".to_owned();
        }
        self.lines[skip..].iter().map(|l| format!("    {}\n", l.text)).collect()
    }
}

/// What an observer wants after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Go on.
    On,
    /// Enough: kill the machine.
    Stop,
}

/// The process groups that run now: for [`kill_running`].
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Forgets a group that has ended.
fn forget(pid: Pid) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != pid);
}

/// Kill the machines that run now. For when `bench` is interrupted: it leaves no emulator behind. Not for the context
/// of a signal itself: it takes a lock.
pub fn kill_running() {
    let running = std::mem::take(&mut *RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
    for group in running {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The process group of a child; it is killed when this is dropped.
struct Group {
    child: Child,
    pid: Option<Pid>,
}

impl Group {
    fn spawn(mut command: Command, input: Stdio) -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let child =
            command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(pid);
        Ok(Self { child, pid })
    }

    /// Kill every process of the group, and collect the child's status. The group's id cannot have been taken by
    /// another: it is free only when the child has been collected, which only this function does.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(pid) = self.pid.take() {
            let _ = kill_process_group(pid, Signal::KILL);
            forget(pid);
        }
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// What the reading threads send.
enum Event {
    Line(Line),
    Closed,
}

/// Read lines, in pieces of 64 KiB at most so that a guest that prints no line end is caught as well. `hear` gets the bytes
/// as they come.
fn read_lines(stream: Stream, from: impl Read, to: &mpsc::SyncSender<Event>, mut hear: impl FnMut(&[u8])) {
    const LONGEST: usize = 64 << 10;
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    let send = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned();
        line.clear();
        to.send(Event::Line(Line { stream, text })).is_ok()
    };
    while let Ok(chunk) = from.fill_buf()
        && !chunk.is_empty()
    {
        hear(chunk);
        let count = chunk.len();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            let whole = line.ends_with(b"\n") || line.len() >= LONGEST;
            if whole && !send(&mut line) {
                return;
            }
        }
        from.consume(count);
    }
    if line.is_empty() || send(&mut line) {
        let _ = to.send(Event::Closed);
    }
}

/// Run `job` on `machine` to its end or its limit. Every line goes to the file `log` and to `observe`, which may stop the
/// run; `observe` is also called with `None` about ten times a second, for progress.
///
/// # Errors
/// When the run cannot be started or its log not be written. However the guest ends is an [`Outcome`], not an error.
pub fn run(
    machine: &dyn Machine,
    job: &Job,
    limits: Limits,
    log: &Path,
    mut observe: impl FnMut(Option<&Line>) -> Watch,
) -> Result<Outcome, MachineError> {
    if !job.kernel.is_file() {
        return Err(MachineError::NoKernel(job.kernel.clone()));
    }
    let log_error = |source| MachineError::Log { path: log.to_owned(), source };
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir).map_err(log_error)?;
    }
    let mut log_file = std::io::BufWriter::new(File::create(log).map_err(log_error)?);
    let command = machine.command(job);
    let program = command.get_program().to_string_lossy().into_owned();
    writeln!(log_file, "$ {}", shown(&command)).map_err(log_error)?;

    let start = Instant::now();
    let input = if job.dialogue.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut group = Group::spawn(command, input).map_err(|source| MachineError::Start { program, source })?;
    let (sender, events) = mpsc::sync_channel(1024);
    let waits = Waits::default();
    // In the thread that reads, so that typing follows at once; the input stays open as long as that.
    let mut talk =
        group.child.stdin.take().map(|stdin| Talk::begin(job.dialogue.clone(), stdin, waits.clone()));
    if let Some(stdout) = group.child.stdout.take() {
        let sender = sender.clone();
        thread::spawn(move || {
            read_lines(Stream::Console, stdout, &sender, |bytes| {
                if let Some(talk) = &mut talk {
                    talk.hear(bytes);
                }
            });
        });
    }
    if let Some(stderr) = group.child.stderr.take() {
        thread::spawn(move || read_lines(Stream::Emulator, stderr, &sender, |_| {}));
    }

    let mut lines = Vec::new();
    let mut printed = 0usize;
    let mut open = 2;
    let mut forced = None;
    while open > 0 {
        let left = limits.time.saturating_sub(start.elapsed());
        if left.is_zero() {
            forced = Some(End::TimedOut);
            break;
        }
        match events.recv_timeout(left.min(Duration::from_millis(100))) {
            Ok(Event::Line(line)) => {
                let traced =
                    job.trace && line.stream == Stream::Emulator && trace::entry(&line.text).is_some();
                if observe(Some(&line)) == Watch::Stop {
                    forced = Some(End::Stopped);
                }
                if !traced {
                    printed += line.text.len() + 1;
                    writeln!(log_file, "{}", line.text).map_err(log_error)?;
                    lines.push(line);
                }
                if printed > limits.output {
                    forced = Some(End::Flooded);
                }
                if forced.is_some() {
                    break;
                }
            }
            Ok(Event::Closed) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {
                if observe(None) == Watch::Stop {
                    forced = Some(End::Stopped);
                    break;
                }
                // The machine has ended, but a process of its group holds its output open (and so the group is still theirs).
                if let Ok(Some(_)) = group.child.try_wait()
                    && let Some(pid) = group.pid
                {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Both outputs are closed, so that a sound machine is about to end; one that closed them and stays is a hang.
    while forced.is_none() && group.child.try_wait().ok().flatten().is_none() {
        if start.elapsed() >= limits.time {
            forced = Some(End::TimedOut);
        }
        thread::sleep(Duration::from_millis(2));
    }
    let status = group.end();
    let end = forced.unwrap_or_else(|| status.map_or(End::Signalled(0), ended));
    writeln!(log_file, "[{end}]").map_err(log_error)?;
    log_file.flush().map_err(log_error)?;
    let waits = waits.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Outcome { end, lines, elapsed: start.elapsed(), waits, log: log.to_owned() })
}

fn ended(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or(0)),
    }
}

/// A command as one would type it.
#[must_use]
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    for argument in command.get_args() {
        let word = argument.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,./:@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            words.push(word.into_owned());
        } else {
            words.push(format!("'{}'", word.replace('\'', r"'\''")));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
