//! CHKSYN: check and syndrome bits of the memory's error correction, for the two banks.
//!
//! Bits 6:0 and 22:16 the syndrome, 7 and 23 a single-bit error, 14:8 and 30:24 the check bits, 15
//! and 31 valid. RAM here has no bit errors and its check bits are not modelled: the register reads
//! as zero (nothing valid), which is also what any write leaves.
//!
//! Source: KN02 System Module Functional Specification.

use crate::bus::{BusError, Cycles, Device, Width};

/// The register.
#[derive(Debug, Default)]
pub struct CheckSyndrome;

impl CheckSyndrome {
    /// The register after reset.
    #[must_use]
    pub fn new() -> CheckSyndrome {
        CheckSyndrome
    }
}

impl Device for CheckSyndrome {
    fn name(&self) -> &'static str {
        "CHKSYN"
    }

    fn read(&mut self, _: u32, _: Width, _: Cycles) -> Result<u32, BusError> {
        Ok(0)
    }

    fn write(&mut self, _: u32, _: u32, _: Width, _: Cycles) -> Result<(), BusError> {
        Ok(())
    }

    fn advance(&mut self, _now: Cycles) {}

    fn interrupt(&self) -> bool {
        false
    }

    fn next_event(&self) -> Option<Cycles> {
        None
    }
}
