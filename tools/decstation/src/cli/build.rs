//! From the command line to machines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use decstation::board::serial::{Null, SerialBackend, Stream};
use decstation::board::{Attachment, BoardConfig, LineTiming};
use decstation::config::{Config, parse_station};
use decstation::console::Scripted;
use decstation::cpu::Strict;
use decstation::follow::{Follow, Place};
use decstation::loader;
use decstation::machine::Machine;
use decstation::net::pcap::Capture;
use decstation::net::segment::Segment;
use decstation::params::{BUILT_IN, Bound, Params};
use decstation::profile::Profile;
use decstation::trace::{DEFAULT_LIMIT, Trace};

use crate::args::{Args, SymbolFile};

/// Everything that a run needs.
pub struct Setup {
    /// Machine 0 first.
    pub machines: Vec<Machine>,
    /// The segment between them, if there are several.
    pub segment: Option<Segment>,
    /// Which end of the uncertain parameters is used.
    pub bound: Bound,
    /// When to give up, cycles of machine 0.
    pub max_cycles: u64,
}

/// The file's settings with the command line's over them.
fn settings(args: &Args) -> Result<Config> {
    let mut c = match &args.config {
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read configuration {}", path.display()))?;
            Config::parse(&text).map_err(|e| anyhow!("configuration {}, {e}", path.display()))?
        }
        None => Config::default(),
    };
    c.machine = args.machine.clone().or(c.machine);
    c.ram_mb = args.ram.or(c.ram_mb);
    c.append = args.append.clone().or(c.append);
    c.serial = args.serial.clone().or(c.serial);
    c.station = args.station.clone().or(c.station);
    c.seed = args.seed.or(c.seed);
    c.max_cycles = args.max_cycles.or(c.max_cycles);
    if let Some(path) = &args.serial_input {
        c.serial_input = Some(path.display().to_string());
    }
    Ok(c)
}

fn bound(args: &Args, config: &Config) -> Bound {
    if args.low {
        Bound::Low
    } else if args.high {
        Bound::High
    } else {
        config.bound.map_or(Bound::Central, Bound::from)
    }
}

/// The text of the parameter file that is used.
pub fn parameters(args: &Args) -> Result<String> {
    match &args.parameters {
        Some(path) => {
            fs::read_to_string(path).with_context(|| format!("cannot read parameters {}", path.display()))
        }
        None => Ok(BUILT_IN.to_owned()),
    }
}

/// Builds and loads the machines.
pub fn setup(args: &Args) -> Result<Setup> {
    let config = settings(args)?;
    let bound = bound(args, &config);
    let name = config.machine.as_deref().unwrap_or("5000/200");
    let text = parameters(args)?;
    let params = Params::from_toml(&text, name, bound, &config.parameters)?;
    let stations = match (args.net, config.ethernet.as_deref()) {
        (Some(n), _) => n,
        (None, None | Some("none")) => 0,
        (None, Some("segment")) => 1,
        (None, Some(other)) => bail!("ethernet is `{other}`, not none or segment"),
    };
    if args.elf.len() > stations.max(1) {
        bail!("{} programs for {} machine(s): see --net", args.elf.len(), stations.max(1));
    }
    let mut segment = match stations {
        0 => None,
        _ => Some(make_segment(args, config.seed.unwrap_or(1))?),
    };
    let mut machines = Vec::new();
    for i in 0..stations.max(1) {
        let attachment = match stations {
            0 => Attachment::Unplugged,
            1 => segment.take().map_or(Attachment::Unplugged, Attachment::Private),
            _ => Attachment::Shared,
        };
        machines.push(machine(args, &config, &params, i, attachment)?);
    }
    if machines.len() > 1 && args.gdb.is_some() {
        bail!("--gdb debugs one machine; leave --net out or at 1");
    }
    Ok(Setup { machines, segment, bound, max_cycles: config.max_cycles.unwrap_or(u64::MAX) })
}

fn make_segment(args: &Args, seed: u64) -> Result<Segment> {
    let mut segment = Segment::new(seed);
    if let Some(path) = &args.pcap {
        let file = File::create(path).with_context(|| format!("cannot write capture {}", path.display()))?;
        segment.set_capture(Capture::new(Box::new(BufWriter::new(file)))?);
    }
    Ok(segment)
}

fn machine(
    args: &Args,
    config: &Config,
    params: &Params,
    index: usize,
    ethernet: Attachment,
) -> Result<Machine> {
    let elf = &args.elf[index.min(args.elf.len() - 1)];
    let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let program = loader::parse(&bytes).with_context(|| elf.display().to_string())?;
    let mut board = BoardConfig { ethernet, ..BoardConfig::default() };
    board.station = station(config, index)?;
    board.lines[3] = console(config, index)?;
    if args.fast_serial {
        board.line_timing = LineTiming::Immediate;
    }
    if let Some(append) = &config.append {
        board.boot_args.extend(append.split_whitespace().map(str::to_owned));
    }
    let megabytes = config.ram_mb.unwrap_or(16);
    if !(1..=480).contains(&megabytes) {
        bail!("{megabytes} MB of RAM: a KN02 takes 1 to 480");
    }
    let mut machine = Machine::new(params.clone(), megabytes << 20, board);
    machine.boot(&program).with_context(|| elf.display().to_string())?;
    for SymbolFile { space, path } in &args.symbols {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let names = loader::parse_symbols(&bytes).with_context(|| path.display().to_string())?;
        machine.symbols.extend_in(*space, names);
    }
    machine.cpu.board.set_trace(args.trace_io);
    watch(args, &mut machine, index)?;
    Ok(machine)
}

fn station(config: &Config, index: usize) -> Result<[u8; 6]> {
    let mut address = match &config.station {
        Some(text) => parse_station(text)
            .with_context(|| format!("`{text}` is not a station address like 08:00:2b:00:00:01"))?,
        None => [0x08, 0x00, 0x2b, 0x00, 0x00, 0x01],
    };
    address[5] = address[5].wrapping_add(index as u8);
    Ok(address)
}

fn console(config: &Config, index: usize) -> Result<Box<dyn SerialBackend>> {
    let kind = config.serial.as_deref().unwrap_or("terminal");
    let output: Box<dyn Write + Send> = match kind.split_once(':') {
        None if kind == "none" => return Ok(Box::new(Null)),
        None if kind == "terminal" => Box::new(std::io::stdout()),
        Some(("file", path)) => {
            let path = if index == 0 { path.to_owned() } else { format!("{path}.{index}") };
            Box::new(File::create(&path).with_context(|| format!("cannot write the console to {path}"))?)
        }
        _ => bail!("serial is `{kind}`, not terminal, none or file:PATH"),
    };
    if index > 0 {
        return Ok(Box::new(Scripted::new(Vec::new(), output, format!("{index}: "))));
    }
    if let Some(path) = &config.serial_input {
        let input = fs::read(path).with_context(|| format!("cannot read {path}"))?;
        return Ok(Box::new(Scripted::new(input, output, String::new())));
    }
    if kind == "terminal" {
        return Ok(Box::new(Stream::terminal()));
    }
    Ok(Box::new(Scripted::new(Vec::new(), output, String::new())))
}

fn watch(args: &Args, machine: &mut Machine, index: usize) -> Result<()> {
    if args.strict {
        machine.cpu.hooks_mut().strict = Some(Strict::default());
    }
    if index > 0 {
        return Ok(());
    }
    if let Some(path) = &args.trace {
        let output = writer(path)?;
        let (from, to) = args.trace_range.unwrap_or((0, u64::MAX));
        let mut trace = Trace::new(output, machine.symbols.clone(), from..to);
        let limit = args.trace_limit.unwrap_or(DEFAULT_LIMIT);
        if limit != 0 {
            trace = trace.limited(limit);
        }
        machine.cpu.hooks_mut().observers.push(Box::new(trace));
    }
    if let Some((from, until)) = &args.follow {
        let symbols = machine.symbols.clone();
        let place = |text: &String| {
            Place::parse(text, &symbols).map_err(|problem| anyhow!("--follow {from}..{until}: {problem}"))
        };
        let places = (place(from)?, place(until)?);
        let output = Box::new(BufWriter::new(std::io::stdout()));
        let follow = Follow::new(output, symbols, machine.params.clock_hz, places, args.follow_pass);
        machine.cpu.hooks_mut().observers.push(Box::new(follow));
    }
    if args.profile.is_some() {
        let profile = Box::new(Profile::default());
        machine.cpu.hooks_mut().observers.push(profile);
    }
    Ok(())
}

/// A file to write to; `-` is standard error.
pub fn writer(path: &Path) -> Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stderr()));
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
