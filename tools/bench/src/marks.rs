//! Marks: all that the DECstation model counts, at each moment when the guest read the cycle counter
//! (`decstation --marks`, a line of JSON for each).
//!
//! A benchmark reads the counter where a measurement begins and where it ends, and prints both; so the two marks of the
//! measurement are found by the cycles, and what was counted between them needs no instruction of the guest's.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// Counts of a measurement, or for each of its operations, by name; see [`CYCLES`] and its neighbours.
pub type Cost = BTreeMap<String, f64>;

/// Cycles of the processor.
pub const CYCLES: &str = "cycles";
/// Instructions.
pub const INSTRUCTIONS: &str = "instructions";
/// Of these, those that do nothing: delay slots that could not be filled.
pub const NOPS: &str = "nops";
/// Instruction-cache misses.
pub const I_MISSES: &str = "i_misses";
/// Data-cache misses.
pub const D_MISSES: &str = "d_misses";
/// Before the name of a kind of stall: cycles that were spent so.
pub const STALL: &str = "stall ";

/// The counters at one moment.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq, Default)]
pub struct Mark {
    cycles: u64,
    instructions: u64,
    nops: u64,
    stalls: BTreeMap<String, u64>,
    icache_misses: u64,
    dcache_misses: u64,
}

/// The marks of a run, in order.
#[derive(Debug, Clone, Default)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// Read a file of marks.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no mark.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} holds no marks", path.display()))
    }

    /// Read marks, one in each line.
    ///
    /// # Errors
    /// When a line is none.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(Self(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
    }

    /// What was counted from the mark at which the counter's low word was `at` to the one `ticks` later. Others may lie between:
    /// programs that run meanwhile look at the clock too. `None` if there is no such pair, or more than one.
    #[must_use]
    pub fn between(&self, at: u64, ticks: u64) -> Option<Cost> {
        let mut pairs =
            self.0.iter().enumerate().filter(|(_, begin)| begin.cycles & 0xffff_ffff == at).filter_map(
                |(index, begin)| {
                    // In order of time, so that the search ends where it is too late.
                    let later =
                        self.0[index + 1..].iter().take_while(|end| end.cycles <= begin.cycles + ticks);
                    Some((begin, later.last().filter(|end| end.cycles == begin.cycles + ticks)?))
                },
            );
        match (pairs.next(), pairs.next()) {
            (Some((begin, end)), None) => Some(difference(begin, end)),
            _ => None,
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn difference(begin: &Mark, end: &Mark) -> Cost {
    let mut cost = Cost::new();
    for (name, before, after) in [
        (CYCLES, begin.cycles, end.cycles),
        (INSTRUCTIONS, begin.instructions, end.instructions),
        (NOPS, begin.nops, end.nops),
        (I_MISSES, begin.icache_misses, end.icache_misses),
        (D_MISSES, begin.dcache_misses, end.dcache_misses),
    ] {
        cost.insert(name.to_owned(), (after - before) as f64);
    }
    for (kind, after) in &end.stalls {
        let before = begin.stalls.get(kind).copied().unwrap_or_default();
        cost.insert(format!("{STALL}{kind}"), (after - before) as f64);
    }
    cost
}

#[cfg(test)]
mod tests;
