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
//! | 24 | NRMMOD: no manufacturing jumper, so 1 | ignored |
//! | 25 | REFEVEN: which bank is refreshed, alternating | ignored |
//! | 26 | PRSVNVRAM: no jumper that clears the clock's memory, so 1 | ignored |
//! | 27 | PSWARN: the power supply is too hot, so 0 | ignored |
//! | 31:28 | 0 | ignored |
//!
//! The PROM leaves CORRECT set, and BNK32M if the memory is more than fifteen banks of 8 MB; RAM
//! stays where it is whatever BNK32M says.
//!
//! Source: KN02 System Module Functional Specification (August 1990), section on the CSR. The
//! sense of the jumper bits is as Linux and NetBSD name them. How long REFEVEN stays is the model's
//! choice (a row every 15.6 us at 25 MHz).

use super::{lane_read, lane_write};
use crate::bus::{BusError, Cycles, Device, Width};

/// CSR input of the serial lines.
pub const INPUT_DZ: u32 = 7;
/// CSR input of TURBOchannel slot 6.
pub const INPUT_LANCE: u32 = 6;

const BAUD38: u32 = 1 << 8;
const BNK32M: u32 = 1 << 10;
const TXDIS: u32 = 1 << 11;
const CORRECT: u32 = 1 << 13;
const NRMMOD: u32 = 1 << 24;
const REFEVEN: u32 = 1 << 25;
const PRSVNVRAM: u32 = 1 << 26;
const ENABLE_SHIFT: u32 = 16;
/// Bits that read back as written.
const CONTROL: u32 = 0x00ff_ff00;
/// Memory that fits into banks of 8 MB.
const SMALL_BANKS: u32 = 120 << 20;
/// Cycles between two rows' refreshes.
const REFRESH: Cycles = 390;

/// The register.
#[derive(Debug, Default)]
pub struct Csr {
    control: u32,
    leds: u8,
    pending: u8,
}

impl Csr {
    /// The register as the PROM leaves it with `ram_bytes` of memory: no interrupt enabled.
    #[must_use]
    pub fn new(ram_bytes: u32) -> Csr {
        let banks = if ram_bytes > SMALL_BANKS { BNK32M } else { 0 };
        Csr { control: CORRECT | banks, ..Csr::default() }
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

    /// Enables or disables the request of `input` (0..=7), as the PROM's callbacks do; whether it
    /// was enabled before.
    pub fn set_enable(&mut self, input: u32, on: bool) -> bool {
        let bit = 1 << (ENABLE_SHIFT + (input & 7));
        let before = self.control & bit != 0;
        self.control = if on { self.control | bit } else { self.control & !bit };
        before
    }

    /// Whether `input` (0..=7) requests an interrupt, enabled or not.
    #[must_use]
    pub const fn requested(&self, input: u32) -> bool {
        self.pending >> (input & 7) & 1 == 1
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

    fn read(&mut self, offset: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        let refresh = if (now / REFRESH).is_multiple_of(2) { REFEVEN } else { 0 };
        let register = self.control | u32::from(self.pending) | NRMMOD | PRSVNVRAM | refresh;
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
