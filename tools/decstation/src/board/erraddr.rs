//! ERRADDR: the address of the first bus timeout since it was cleared.
//!
//! Bit 31 VALID, 30 CPU (not DMA), 29 WRITE, 28 ECC error, 26:0 the physical word address (address
//! bits 28:2). Any write clears the register and drops the memory interrupt. A read that timed out
//! is reported to the processor as a bus error at once and raises no interrupt; a write that timed
//! out can only be reported by IP5, because the write buffer let the processor go on.
//! While VALID is set a later error is not recorded.
//!
//! Source: KN02 System Module Functional Specification. RAM here has no bit errors, so ECC is never
//! set.

use super::lane_read;
use crate::bus::{BusError, Cycles, Device, Width};

/// The register holds an error.
pub const VALID: u32 = 1 << 31;
/// The processor, not a DMA device, made the access.
pub const CPU: u32 = 1 << 30;
/// The access was a write.
pub const WRITE: u32 = 1 << 29;
/// The word address.
pub const ADDRESS: u32 = 0x07ff_ffff;

/// The register.
#[derive(Debug, Default)]
pub struct ErrorAddress {
    register: u32,
    interrupt: bool,
}

impl ErrorAddress {
    /// The register after reset: clear.
    #[must_use]
    pub fn new() -> ErrorAddress {
        ErrorAddress::default()
    }

    /// Records an access of the processor to `paddr` that nothing answered.
    pub fn latch(&mut self, paddr: u32, write: bool) {
        if self.register & VALID == 0 {
            self.register = VALID | CPU | paddr >> 2 & ADDRESS;
            if write {
                self.register |= WRITE;
            }
        }
        self.interrupt |= write;
    }
}

impl Device for ErrorAddress {
    fn name(&self) -> &'static str {
        "ERRADDR"
    }

    fn read(&mut self, offset: u32, width: Width, _now: Cycles) -> Result<u32, BusError> {
        Ok(lane_read(self.register, offset, width))
    }

    fn write(&mut self, _: u32, _: u32, _: Width, _: Cycles) -> Result<(), BusError> {
        *self = ErrorAddress::default();
        Ok(())
    }

    fn advance(&mut self, _now: Cycles) {}

    fn interrupt(&self) -> bool {
        self.interrupt
    }

    fn next_event(&self) -> Option<Cycles> {
        None
    }
}

#[cfg(test)]
#[path = "tests_erraddr.rs"]
mod tests;
