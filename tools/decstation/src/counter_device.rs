//! The one device that no DECstation has: counters, and a register that ends the run.
//!
//! It answers at physical 0x1fc80000, which the KN02 reserves and leaves unused.
//!
//! | offset | read | write |
//! |---|---|---|
//! | 0x00 | microseconds since reset, low word | |
//! | 0x04, 0x08 | cycles: low word; high word as of the last read of the low one | |
//! | 0x0c, 0x10 | instructions: low word; high word as of the last read of the low one | |
//! | 0x14, 0x18 | instruction-cache misses, data-cache misses | |
//! | 0x1c | nops issued | |
//! | 0x20 .. 0x3c | stall cycles: mult/div, I-miss, D-miss, write buffer, partial store, device, exception entry, micro-TLB | |
//! | 0x40 | 0x44454353, the sign that the device is there | ends the run with this status |
//! | 0x44 | CPU clock, hertz | |
//!
//! All words, all low halves; an access of another size or at another offset is a bus error on
//! reading and ignored on writing. A read costs what a device register costs.
//!
//! A benchmark reads the cycles where it begins and where it ends. With [`CounterDevice::keep_marks`] each
//! such read is a *mark*: all counters at that moment, for whoever runs the benchmark. So the guest
//! prints cycles alone, and the rest is known as exactly, without a further instruction in the guest.

use crate::bus::{BusError, Width};
use crate::counters::Counters;

/// Physical address of the first register.
pub const BASE: u32 = 0x1fc8_0000;
/// Bytes decoded.
pub const SIZE: u32 = 0x48;
/// What offset 0x40 reads.
pub const SIGNATURE: u32 = 0x4445_4353;

/// The device's state.
#[derive(Clone, Debug)]
pub struct CounterDevice {
    clock_hz: u64,
    cycles_high: u32,
    instructions_high: u32,
    exit: Option<u32>,
    marks: Option<Vec<Counters>>,
}

#[allow(clippy::cast_possible_truncation)]
fn low(v: u64) -> u32 {
    v as u32
}

fn high(v: u64) -> u32 {
    low(v >> 32)
}

impl CounterDevice {
    /// A device for a CPU clock of `clock_hz`.
    #[must_use]
    pub fn new(clock_hz: u64) -> Self {
        CounterDevice { clock_hz, cycles_high: 0, instructions_high: 0, exit: None, marks: None }
    }

    /// Whether `paddr` is this device's.
    #[must_use]
    pub fn contains(paddr: u32) -> bool {
        paddr.wrapping_sub(BASE) < SIZE
    }

    /// Reads a register, given the counters as of now.
    ///
    /// # Errors
    /// A size or an offset that the device does not have.
    pub fn read(&mut self, paddr: u32, width: Width, c: &Counters) -> Result<u32, BusError> {
        let offset = paddr.wrapping_sub(BASE);
        if width != Width::Word || !offset.is_multiple_of(4) {
            return Err(BusError);
        }
        Ok(match offset {
            0x00 => low((u128::from(c.cycles) * 1_000_000 / u128::from(self.clock_hz)) as u64),
            0x04 => {
                self.cycles_high = high(c.cycles);
                if let Some(marks) = &mut self.marks {
                    marks.push(*c);
                }
                low(c.cycles)
            }
            0x08 => self.cycles_high,
            0x0c => {
                self.instructions_high = high(c.instructions);
                low(c.instructions)
            }
            0x10 => self.instructions_high,
            0x14 => low(c.icache_misses),
            0x18 => low(c.dcache_misses),
            0x1c => low(c.nops),
            0x20..=0x3c => low(c.stalls[(offset as usize - 0x20) / 4]),
            0x40 => SIGNATURE,
            0x44 => low(self.clock_hz),
            _ => return Err(BusError),
        })
    }

    /// Writes a register.
    pub fn write(&mut self, paddr: u32, value: u32, width: Width) {
        if paddr == BASE + 0x40 && width == Width::Word {
            self.exit = Some(value);
        }
    }

    /// From now on, keeps a mark of each read of the cycles.
    pub fn keep_marks(&mut self) {
        self.marks.get_or_insert_default();
    }

    /// The marks kept since the last time.
    pub fn take_marks(&mut self) -> Vec<Counters> {
        self.marks.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The status that the guest ended the run with.
    #[must_use]
    pub fn exit_status(&self) -> Option<u32> {
        self.exit
    }
}
