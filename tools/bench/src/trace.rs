//! `bench path`: how many instructions were executed from one address to another, by the emulator's execution trace.
//!
//! QEMU is told to translate one instruction at a time and to name each (`-d exec,nochain`), on standard error, which is read
//! as it comes: no trace file is written. Two of its lines take back what was named before: an instruction that touches a
//! device is retried ("rewound"), and one may be named and then not be executed ("Stopped"). Everything is filtered here
//! and not with `-dfilter`, which would hide these lines. The DECstation model's trace has a line for each instruction that
//! it executed, and takes none back.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use object::{Object, ObjectSymbol, SymbolKind};

use crate::machine::{Job, Limits, Machine, Outcome, Stream, Watch, run};

/// Where user addresses end: below is the program, at and above the kernel.
pub const KERNEL: u32 = 0x8000_0000;

/// One line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// This instruction is executed.
    Executed(u32),
    /// What was named last is not, from this address on.
    TakenBack(u32),
}

/// Read one line of the model's trace: the cycle, mode and address space, the address, and what is executed there,
/// which may be nothing.
fn modelled(line: &str) -> Option<Entry> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.parse::<u64>().ok()?;
    let mode = words.next()?;
    let pc = words.next()?;
    let sound = mode.len() == 3 && mode.starts_with(['k', 'u']) && pc.len() == 8;
    let pc = u32::from_str_radix(pc, 16).ok().filter(|_| sound)?;
    (!line.contains("(no instruction)")).then_some(Entry::Executed(pc))
}

/// Read one line of a trace, QEMU's or the DECstation model's; `None` for anything else.
#[must_use]
pub fn entry(line: &str) -> Option<Entry> {
    if line.starts_with(|first: char| first == ' ' || first.is_ascii_digit()) {
        return modelled(line);
    }
    let hex = |text: &str| u32::try_from(u64::from_str_radix(text, 16).ok()? & 0xffff_ffff).ok();
    // [cs_base/pc/flags/cflags] where one is named (cflags is missing in older versions), [pc] where one is stopped.
    let bracket = |text: &str| {
        let inside = text.split_once('[')?.1.split_once(']')?.0;
        hex(inside.split('/').nth(1).unwrap_or(inside))
    };
    if let Some(rest) = line.strip_prefix("Trace ") {
        return Some(Entry::Executed(bracket(rest)?));
    }
    if let Some(rest) = line.strip_prefix("Stopped execution of TB chain before ") {
        return Some(Entry::TakenBack(bracket(rest)?));
    }
    let rest = line.strip_prefix("cpu_io_recompile: rewound execution of TB to ")?;
    Some(Entry::TakenBack(hex(rest.trim())?))
}

/// Where passes begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// A pass begins when one of these is executed; it counts as the first instruction.
    pub from: Vec<u32>,
    /// A pass ends before this.
    pub until: Until,
}

/// Where a pass ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Before the first user instruction.
    User,
    /// Before this address.
    At(u32),
}

/// What passes have in common that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pass {
    /// Where it began.
    pub from: u32,
    /// The instruction executed before it (0: none): the one that trapped or called.
    pub origin: u32,
    /// The instruction executed after it.
    pub end: u32,
    /// Instructions executed in it.
    pub instructions: u64,
}

/// The passes of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passes {
    /// How often each kind of pass happened.
    pub counts: BTreeMap<Pass, u64>,
    /// Passes that began again before they ended, or had not ended when the run did.
    pub unfinished: u64,
    /// Instructions executed in all.
    pub executed: u64,
}

/// Fewest and most instructions of some passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// How many passes.
    pub passes: u64,
    /// Fewest instructions.
    pub min: u64,
    /// Most instructions.
    pub max: u64,
}

impl Passes {
    /// Passes that ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Fewest and most instructions of the passes that `wanted` picks; `None` if it picks none.
    pub fn stats(&self, wanted: impl Fn(&Pass) -> bool) -> Option<Stats> {
        let mut stats: Option<Stats> = None;
        for (pass, count) in self.counts.iter().filter(|(pass, _)| wanted(pass)) {
            let n = pass.instructions;
            let old = stats.unwrap_or(Stats { passes: 0, min: n, max: n });
            stats = Some(Stats { passes: old.passes + count, min: old.min.min(n), max: old.max.max(n) });
        }
        stats
    }
}

/// Counts passes as the lines of a trace come.
#[derive(Debug, Clone)]
pub struct Counter {
    span: Span,
    /// What was named and may still be taken back: an instruction, or a branch and its delay slot.
    pending: VecDeque<u32>,
    open: Option<Pass>,
    last: u32,
    passes: Passes,
}

impl Counter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(span: Span) -> Self {
        Self { span, pending: VecDeque::new(), open: None, last: 0, passes: Passes::default() }
    }

    /// Read one line. Lines that are not of a trace change nothing.
    pub fn feed(&mut self, line: &str) {
        match entry(line) {
            None => {}
            Some(Entry::Executed(pc)) => {
                self.pending.push_back(pc);
                if self.pending.len() > 2 {
                    self.step();
                }
            }
            Some(Entry::TakenBack(pc)) => {
                if let Some(place) = self.pending.iter().rposition(|p| *p == pc) {
                    self.pending.truncate(place);
                }
            }
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn passes(&self) -> &Passes {
        &self.passes
    }

    /// The run has ended.
    #[must_use]
    pub fn finish(mut self) -> Passes {
        while !self.pending.is_empty() {
            self.step();
        }
        self.passes.unfinished += u64::from(self.open.is_some());
        self.passes
    }

    /// Count the oldest instruction, which can no longer be taken back.
    fn step(&mut self) {
        let Some(pc) = self.pending.pop_front() else {
            return;
        };
        self.passes.executed += 1;
        if let Some(mut pass) = self.open.take() {
            let ends = match self.span.until {
                Until::User => pc < KERNEL,
                Until::At(address) => pc == address,
            };
            if ends {
                pass.end = pc;
                *self.passes.counts.entry(pass).or_insert(0) += 1;
            } else if pc == pass.from {
                self.passes.unfinished += 1;
            } else {
                pass.instructions += 1;
                self.open = Some(pass);
            }
        }
        if self.open.is_none() && self.span.from.contains(&pc) {
            self.open = Some(Pass { from: pc, origin: self.last, end: 0, instructions: 1 });
        }
        self.last = pc;
    }
}

/// Run `job` with a trace and count its passes, until it ends, reaches a limit, or `enough` passes are counted.
///
/// # Errors
/// When the run cannot be started.
pub fn passes(
    machine: &dyn Machine,
    job: &Job,
    span: Span,
    limits: Limits,
    enough: u64,
    log: &Path,
) -> anyhow::Result<(Passes, Outcome)> {
    let job = Job { trace: true, ..job.clone() };
    let mut counter = Counter::new(span);
    let mut seen = 0u64;
    let outcome = run(machine, &job, limits, log, |line| {
        if let Some(line) = line
            && line.stream == Stream::Emulator
        {
            counter.feed(&line.text);
            seen += 1;
        }
        // Summing up is not free: now and then is enough.
        match seen.is_multiple_of(4096) && counter.passes().total() >= enough {
            true => Watch::Stop,
            false => Watch::On,
        }
    })?;
    Ok((counter.finish(), outcome))
}

/// Names of addresses, from the symbol tables of the kernel and of programs.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    by_name: BTreeMap<String, u32>,
    by_address: BTreeMap<u32, String>,
}

impl Symbols {
    /// Add the symbols of an ELF file. The first file that has a name keeps it.
    ///
    /// # Errors
    /// When it cannot be read or is no ELF file.
    pub fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let context = || format!("cannot read the symbols of {}", path.display());
        let bytes = std::fs::read(path).with_context(context)?;
        let file = object::File::parse(&*bytes).with_context(context)?;
        for symbol in file.symbols() {
            let (Ok(name), Ok(address)) = (symbol.name(), u32::try_from(symbol.address())) else {
                continue;
            };
            let named = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Label | SymbolKind::Unknown);
            if name.is_empty() || symbol.is_undefined() || !named {
                continue;
            }
            self.by_name.entry(name.to_owned()).or_insert(address);
            self.by_address.entry(address).or_insert_with(|| name.to_owned());
        }
        Ok(())
    }

    /// The address of a symbol, or of a hexadecimal number (`0x80000180`).
    ///
    /// # Errors
    /// When it is neither.
    pub fn resolve(&self, name: &str) -> anyhow::Result<u32> {
        if let Some(digits) = name.strip_prefix("0x") {
            return u32::from_str_radix(digits, 16).with_context(|| format!("{name} is no address"));
        }
        self.by_name.get(name).copied().with_context(|| format!("no symbol {name} in the given ELF files"))
    }

    /// An address as people read it: `0x80000188 <exception+0x8>`.
    #[must_use]
    pub fn show(&self, address: u32) -> String {
        match self.by_address.range(..=address).next_back() {
            Some((at, name)) if address - at < 0x1_0000 && (*at < KERNEL) == (address < KERNEL) => {
                let offset = match address - at {
                    0 => String::new(),
                    n => format!("+{n:#x}"),
                };
                format!("{address:#010x} <{name}{offset}>")
            }
            _ => format!("{address:#010x}"),
        }
    }
}

/// A report of some passes: for each entry its passes, then each kind, the most frequent first.
#[must_use]
pub fn render(passes: &Passes, symbols: &Symbols, wanted: impl Fn(&Pass) -> bool) -> String {
    const KINDS: usize = 20;
    let mut text = String::new();
    let mut from: Vec<u32> = passes.counts.keys().filter(|p| wanted(p)).map(|p| p.from).collect();
    from.dedup();
    for from in from {
        let Some(s) = passes.stats(|p| p.from == from && wanted(p)) else {
            continue;
        };
        let name = symbols.show(from);
        let _ = writeln!(text, "{name}: {} passes, min {}, max {} instructions", s.passes, s.min, s.max);
        let mut kinds: Vec<(&Pass, &u64)> =
            passes.counts.iter().filter(|(p, _)| p.from == from && wanted(p)).collect();
        kinds.sort_by_key(|(pass, count)| (std::cmp::Reverse(**count), **pass));
        for (pass, count) in kinds.iter().take(KINDS) {
            let _ = writeln!(
                text,
                "  {count:>8} x {:>4} instructions, after {}, to {}",
                pass.instructions,
                symbols.show(pass.origin),
                symbols.show(pass.end)
            );
        }
        if kinds.len() > KINDS {
            let _ = writeln!(text, "  and {} kinds more", kinds.len() - KINDS);
        }
    }
    let _ =
        writeln!(text, "{} instructions executed, {} passes not ended", passes.executed, passes.unfinished);
    text
}

#[cfg(test)]
mod tests;
