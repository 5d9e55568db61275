//! The command `decstation`: boots an ELF program on a modelled DECstation.

#![forbid(unsafe_code)]

#[path = "cli/args.rs"]
mod args;
#[path = "cli/build.rs"]
mod build;
#[path = "cli/report.rs"]
mod report;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use decstation::board::trace::Note;
use decstation::cluster::Cluster;
use decstation::cpu::Stop;
use decstation::machine::Machine;
use decstation::net::segment::Segment;
use decstation::net::time::Clock;
use decstation::params::table::table;

use args::Args;

/// Exit status when `--max-cycles` is reached.
const TIMED_OUT: i32 = 124;
/// Exit status when the model stops the program.
const FAULTED: i32 = 125;

/// Cycles between two looks at what a run has to say (unanswered accesses, output held back).
const SLICE: u64 = 1_000_000;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version are no errors: they have their text and status.
        Err(text) if !text.use_stderr() => text.exit(),
        Err(error) => {
            eprintln!("decstation: {}", args::complaint(&error));
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(status) => ExitCode::from(u8::try_from(status & 0xff).unwrap_or(u8::MAX)),
        Err(error) => {
            eprintln!("decstation: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<i32> {
    if args.parameters_table {
        print!("{}", table(&build::parameters(args)?)?);
        return Ok(0);
    }
    let mut setup = build::setup(args)?;
    let started = Instant::now();
    let mut machines = std::mem::take(&mut setup.machines);
    let mut log = Log { trace_io: args.trace_io, ..Log::default() };
    if let Some(path) = &args.marks {
        machines[0].cpu.counter_device.keep_marks();
        log.marks = Some(build::writer(path)?);
    }
    let (who, stop) = if let Some(address) = &args.gdb {
        (0, decstation::gdb::serve(address, &mut machines[0], setup.max_cycles)?)
    } else if let Some(segment) = setup.segment.take() {
        let (back, outcome) = run_cluster(machines, segment, setup.max_cycles, &mut log);
        machines = back;
        outcome
    } else {
        (0, run_one(&mut machines[0], setup.max_cycles, &mut log))
    };
    let seconds = started.elapsed().as_secs_f64();
    for machine in &mut machines {
        log.take(machine);
        finish(machine);
    }
    log.finish()?;
    let (status, ended) = outcome(&machines[who], &stop);
    if let Some(message) = &ended {
        let which = if who == 0 { String::new() } else { format!("machine {who}: ") };
        eprintln!("decstation: {which}{message}");
    }
    report(args, &machines[0], &setup, status, &stop, seconds)?;
    report::watched(&machines[0])?;
    Ok(status)
}

fn report(
    args: &Args,
    machine: &Machine,
    setup: &build::Setup,
    status: i32,
    stop: &Stop,
    seconds: f64,
) -> Result<()> {
    if let Some(most) = args.profile
        && let Some(table) = report::profile(machine, most)
    {
        eprint!("{table}");
    }
    if args.stats {
        eprint!("{}", report::text(machine, seconds));
    }
    if let Some(path) = &args.stats_json {
        let ended = match stop {
            Stop::Exit(_) => "exit",
            Stop::Halt(_) => "halt",
            Stop::Limit => "max-cycles",
            Stop::Fault(_) => "fault",
            Stop::Breakpoint => "debugger",
            Stop::Observed => "followed",
        };
        let line = report::json(machine, setup.bound, status, ended);
        let mut output = build::writer(path)?;
        writeln!(output, "{line}")?;
        output.flush()?;
    }
    Ok(())
}

/// The exit status and what to say about the end.
fn outcome(machine: &Machine, stop: &Stop) -> (i32, Option<String>) {
    let at = || {
        let pc = machine.cpu.pc();
        format!("{pc:08x} ({})", machine.symbols.describe(pc))
    };
    match stop {
        #[allow(clippy::cast_possible_wrap)]
        Stop::Exit(status) => (*status as i32, None),
        Stop::Halt(how) => (0, Some((*how).to_owned())),
        Stop::Limit => (TIMED_OUT, Some(format!("gave up at --max-cycles, at {}", at()))),
        Stop::Fault(report) => (FAULTED, Some(format!("{report}\n  next instruction at {}", at()))),
        Stop::Breakpoint => (0, Some("the debugger ended the run".to_owned())),
        Stop::Observed => (0, None),
    }
}

/// What a run has to say while it goes on.
#[derive(Default)]
struct Log {
    /// Accesses are printed.
    trace_io: bool,
    /// Accesses that nothing answered.
    unanswered: u64,
    /// Where marks go.
    marks: Option<Box<dyn Write>>,
    /// What went wrong in writing them.
    error: Option<std::io::Error>,
}

impl Log {
    /// Prints and writes what a machine has kept since the last time.
    fn take(&mut self, machine: &mut Machine) {
        for entry in machine.cpu.board.take_trace() {
            if self.trace_io {
                eprintln!("{entry}");
            }
            self.unanswered += u64::from(entry.note != Note::Answered);
        }
        if let Some(output) = &mut self.marks {
            for mark in machine.cpu.counter_device.take_marks() {
                if let Err(error) = writeln!(output, "{}", report::mark(&mark)) {
                    self.error = Some(error);
                }
            }
        }
    }

    fn finish(self) -> Result<()> {
        if self.unanswered != 0 && !self.trace_io {
            eprintln!(
                "decstation: {} accesses outside RAM had no effect or no answer; --trace-io lists them",
                self.unanswered
            );
        }
        let flushed = self.marks.map_or(Ok(()), |mut output| output.flush());
        self.error.map_or(flushed, Err).context("cannot write the marks")
    }
}

fn finish(machine: &mut Machine) {
    machine.cpu.board.finish();
    if let Some(hooks) = machine.cpu.hooks.as_mut() {
        for observer in &mut hooks.observers {
            observer.finish();
        }
    }
}

fn run_one(machine: &mut Machine, max_cycles: u64, log: &mut Log) -> Stop {
    loop {
        let until = machine.cpu.now().saturating_add(SLICE).min(max_cycles);
        let stop = machine.run(until);
        log.take(machine);
        machine.cpu.board.flush();
        if stop != Stop::Limit || machine.cpu.now() >= max_cycles {
            return stop;
        }
    }
}

/// Runs until machine 0 ends, or another one fails.
fn run_cluster(
    machines: Vec<Machine>,
    segment: Segment,
    max_cycles: u64,
    log: &mut Log,
) -> (Vec<Machine>, (usize, Stop)) {
    let clock = Clock::new(machines[0].params.clock_hz);
    let mut cluster = Cluster::new(machines, segment);
    let end = loop {
        let slice_end = cluster.now() + clock.nanos(SLICE);
        let limit = match max_cycles {
            u64::MAX => u64::MAX,
            cycles => clock.nanos(cycles),
        };
        let stopped = cluster.run(slice_end.min(limit));
        for machine in &mut cluster.machines {
            log.take(machine);
            machine.cpu.board.flush();
        }
        if let Some(end) = stopped {
            break end;
        }
        if cluster.now() >= limit {
            break (0, Stop::Limit);
        }
    };
    (cluster.machines, end)
}
