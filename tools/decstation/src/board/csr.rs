//! The KN02's control and status register and the interrupt cascade behind IP2.
//!
//! | bits | read | write |
//! |---|---|---|
//! | 7:0 | interrupt requests: 7 DZ, 6 slot 6 (LANCE), 5 slot 5 (SCSI), 2:0 slots 2..0 | LEDs (a set bit is a dark one) |
//! | 8 | BAUD38: rate code 15 is 38400 | the same |
//! | 9 | DIAGDN | the same |
//! | 10 | BNK32M: memory banks of 32 MB | the same |
//! | 11 | TXDIS: serial transmitters disabled | the same |
//! | 12 | LEDIAG: latch ECC state | the same |
//! | 13 | CORRECT: correct single-bit errors | the same |
//! | 15:14 | ECC diagnosis | the same |
//! | 23:16 | interrupt enables of 7:0 | the same |
//! | 24 | NRMMOD: normal mode jumper | ignored |
//! | 31:25 | refresh, battery jumper, power supply warning: 0 here | ignored |
//!
//! Source: KN02 System Module Functional Specification (August 1990), section on the CSR.

use super::{lane_read, lane_write};
use crate::bus::{BusError, Cycles, Device, Width};

/// CSR input of the serial lines.
pub const INPUT_DZ: u32 = 7;
/// CSR input of TURBOchannel slot 6.
pub const INPUT_LANCE: u32 = 6;

const BAUD38: u32 = 1 << 8;
const TXDIS: u32 = 1 << 11;
const ENABLE_SHIFT: u32 = 16;
/// Bits that read back as written.
const CONTROL: u32 = 0x00ff_ff00;

/// The register.
#[derive(Debug, Default)]
pub struct Csr {
    control: u32,
    leds: u8,
    pending: u8,
}

impl Csr {
    /// The register after reset: nothing enabled.
    #[must_use]
    pub fn new() -> Csr {
        Csr::default()
    }

    /// Sets what a read shows in bits 7:0.
    pub fn set_pending(&mut self, pending: u8) {
        self.pending = pending;
    }

    /// Level of IP2 for the requests `pending`.
    #[must_use]
    pub const fn cascade(&self, pending: u8) -> bool {
        (self.control >> ENABLE_SHIFT) as u8 & pending != 0
    }

    /// Whether rate code 15 of the serial lines means 38400 and not 19200.
    #[must_use]
    pub const fn fast_line_rate(&self) -> bool {
        self.control & BAUD38 != 0
    }

    /// Whether the serial transmitters are cut off.
    #[must_use]
    pub const fn transmitters_disabled(&self) -> bool {
        self.control & TXDIS != 0
    }

    /// The diagnostic LEDs as last written.
    #[must_use]
    pub const fn leds(&self) -> u8 {
        self.leds
    }

    /// Sets the LEDs, as the PROM's callback does.
    pub fn set_leds(&mut self, leds: u8) {
        self.leds = leds;
    }
}

impl Device for Csr {
    fn name(&self) -> &'static str {
        "CSR"
    }

    fn read(&mut self, offset: u32, width: Width, _now: Cycles) -> Result<u32, BusError> {
        let register = self.control | u32::from(self.pending);
        Ok(lane_read(register, offset, width))
    }

    fn write(&mut self, offset: u32, value: u32, width: Width, _now: Cycles) -> Result<(), BusError> {
        let old = self.control | u32::from(self.leds);
        let new = lane_write(old, offset, value, width);
        self.control = new & CONTROL;
        self.leds = new as u8;
        Ok(())
    }

    fn advance(&mut self, _now: Cycles) {}

    fn interrupt(&self) -> bool {
        self.cascade(self.pending)
    }

    fn next_event(&self) -> Option<Cycles> {
        None
    }
}

#[cfg(test)]
#[path = "tests_csr.rs"]
mod tests;
