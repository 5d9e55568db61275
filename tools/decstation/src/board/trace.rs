//! The log of accesses to the board, by name and address.
//!
//! Accesses that nothing answers, that reach no documented register, that write to ROM, and calls of
//! PROM functions that are not provided are always kept; others only when tracing is on.
//! The log holds a bounded number of entries and counts what it had to drop.

use super::audit::oddity;
use super::map::Region;
use crate::bus::{Cycles, Width};

/// Entries kept between two calls of [`TraceLog::take`].
const CAPACITY: usize = 1 << 16;

/// What a log entry reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// A device answered.
    Answered,
    /// Nothing answered: a bus timeout.
    Unanswered,
    /// A write to a read-only memory, without effect.
    RomWrite,
    /// A device answered, at an image of its registers that no document gives.
    Image,
    /// A device answered, and no register is in that part of the word.
    NoRegister,
    /// A PROM function that the model does not provide was called.
    Prom(&'static str),
}

/// One access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceEntry {
    /// When.
    pub cycle: Cycles,
    /// What was there.
    pub region: Region,
    /// The physical address.
    pub paddr: u32,
    /// How many bits.
    pub width: Width,
    /// Whether it was a write.
    pub write: bool,
    /// The value read or written; 0 when nothing answered a read.
    pub value: u32,
    /// What came of it.
    pub note: Note,
}

impl std::fmt::Display for TraceEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let TraceEntry { cycle, paddr, value, .. } = self;
        let verb = if self.write { "write" } else { "read" };
        let bits = 8 * self.width.bytes();
        let name = self.region.name();
        if let Note::Prom(function) = self.note {
            return write!(
                formatter,
                "{cycle:>12} call     {paddr:#010x} {name}: {function} is not provided, {value:#x} returned"
            );
        }
        write!(formatter, "{cycle:>12} {verb:<5} {bits:>2} {paddr:#010x} {value:#010x} {name}")?;
        match self.note {
            Note::Answered => Ok(()),
            Note::Unanswered => formatter.write_str(": no answer"),
            Note::RomWrite => formatter.write_str(": write to ROM ignored"),
            Note::Image => formatter.write_str(": an undocumented image"),
            Note::NoRegister => formatter.write_str(": no register in this part of the word"),
            Note::Prom(_) => Ok(()),
        }
    }
}

/// The log.
#[derive(Debug, Default)]
pub struct TraceLog {
    on: bool,
    entries: Vec<TraceEntry>,
    dropped: u64,
}

impl TraceLog {
    /// An empty log that keeps unanswered accesses only.
    #[must_use]
    pub fn new() -> TraceLog {
        TraceLog::default()
    }

    /// Keeps answered accesses too, or stops doing so.
    pub fn set(&mut self, on: bool) {
        self.on = on;
    }

    /// The entries since the last call.
    pub fn take(&mut self) -> Vec<TraceEntry> {
        std::mem::take(&mut self.entries)
    }

    /// Entries that found no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Logs an access that was answered; `written` is set for a write. What is odd about it (see
    /// [`oddity`]) is kept without tracing too.
    pub fn access(
        &mut self,
        region: Region,
        paddr: u32,
        width: Width,
        written: Option<u32>,
        value: u32,
        cycle: Cycles,
    ) {
        let odd = oddity(region, paddr, width, written.is_some());
        if self.on || odd.is_some() {
            let note = odd.unwrap_or(Note::Answered);
            self.push(TraceEntry { cycle, region, paddr, width, write: written.is_some(), value, note });
        }
    }

    /// Logs an access that nothing answered.
    pub fn unanswered(
        &mut self,
        region: Region,
        paddr: u32,
        width: Width,
        written: Option<u32>,
        cycle: Cycles,
    ) {
        self.push(TraceEntry {
            cycle,
            region,
            paddr,
            width,
            write: written.is_some(),
            value: written.unwrap_or_default(),
            note: Note::Unanswered,
        });
    }

    /// Logs a write of `value` to a read-only memory.
    pub fn rom_write(&mut self, region: Region, paddr: u32, width: Width, value: u32, cycle: Cycles) {
        self.push(TraceEntry { cycle, region, paddr, width, write: true, value, note: Note::RomWrite });
    }

    /// Logs the call of a PROM function, entered at `paddr`, that is not provided and returned `value`.
    pub fn prom(&mut self, function: &'static str, paddr: u32, value: u32, cycle: Cycles) {
        self.push(TraceEntry {
            cycle,
            region: Region::Rom,
            paddr,
            width: Width::Word,
            write: false,
            value,
            note: Note::Prom(function),
        });
    }

    fn push(&mut self, entry: TraceEntry) {
        if self.entries.len() < CAPACITY {
            self.entries.push(entry);
        } else {
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
#[path = "tests_trace.rs"]
mod tests;
