//! What the processor counts: instructions, and cycles by what they were spent on.

use serde::Serialize;

use crate::bus::Cycles;

/// What a cycle that is not an instruction's issue was spent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stall {
    /// Waiting for the multiply and divide unit.
    MultDiv,
    /// Instruction-cache misses.
    ICache,
    /// Data-cache misses.
    DCache,
    /// A full write buffer, or a read behind a write that had started.
    WriteBuffer,
    /// The read before the write of a byte or halfword store (R3000).
    PartialStore,
    /// Uncached memory and devices.
    Device,
    /// Exception entry.
    Exception,
    /// Micro-TLB misses of instruction fetches.
    MicroTlb,
}

/// The number of kinds of [`Stall`].
pub const STALLS: usize = 8;

/// The names of the kinds, in the order of [`Stall`].
pub const STALL_NAMES: [&str; STALLS] =
    ["mult/div", "I-miss", "D-miss", "write buffer", "partial store", "device", "exception", "micro-TLB"];

/// Counts since reset. `cycles` = `instructions` + the sum of `stalls`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counters {
    /// Cycles.
    pub cycles: Cycles,
    /// Instructions issued, those that took an exception included.
    pub instructions: u64,
    /// Of these, `nop` (the word zero): load and branch delay slots left empty.
    pub nops: u64,
    /// Stall cycles by kind, in the order of [`Stall`].
    pub stalls: [u64; STALLS],
    /// Instruction-cache misses.
    pub icache_misses: u64,
    /// Data-cache misses.
    pub dcache_misses: u64,
    /// Exceptions and interrupts taken.
    pub exceptions: u64,
    /// Of these, UTLB misses.
    pub utlb_misses: u64,
    /// Exceptions between `mfhi`/`mflo` and a following multiply that the hardware would have let
    /// spoil the result.
    pub hilo_windows: u64,
}

impl std::ops::Sub for Counters {
    type Output = Counters;

    fn sub(self, before: Counters) -> Counters {
        Counters {
            cycles: self.cycles - before.cycles,
            instructions: self.instructions - before.instructions,
            nops: self.nops - before.nops,
            stalls: std::array::from_fn(|i| self.stalls[i] - before.stalls[i]),
            icache_misses: self.icache_misses - before.icache_misses,
            dcache_misses: self.dcache_misses - before.dcache_misses,
            exceptions: self.exceptions - before.exceptions,
            utlb_misses: self.utlb_misses - before.utlb_misses,
            hilo_windows: self.hilo_windows - before.hilo_windows,
        }
    }
}

impl Counters {
    /// The cycles spent on one kind of stall.
    #[must_use]
    pub fn stall(&self, kind: Stall) -> u64 {
        self.stalls[kind as usize]
    }
}
