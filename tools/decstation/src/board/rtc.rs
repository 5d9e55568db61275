//! The DS1287 clock (an MC146818 with its oscillator): date, alarm, periodic interrupt, 50 bytes of
//! battery-backed memory. It is the system's only timer; its interrupt is IP3.
//!
//! On the KN02 register n is the low byte of the word at 4n. The oscillator runs at 32768 Hz of
//! modelled time: a 15-stage divider whose taps give the periodic rates and whose last carry is the
//! second. All of it is computed from the cycle count, so nothing drifts.
//!
//! | register | |
//! |---|---|
//! | 0, 2, 4 | seconds, minutes, hours; 1, 3, 5 their alarms (0xc0..0xff match anything) |
//! | 6..=9 | day of the week (1 = Sunday), day, month, year of the century |
//! | A | UIP, divider control 6:4 (010 = run, 11x = held in reset), rate select 3:0 |
//! | B | SET, PIE, AIE, UIE, SQWE, DM (binary), 24/12, DSE |
//! | C | IRQF, PF, AF, UF; reading clears it and drops the interrupt |
//! | D | VRT: the battery is good |
//! | 0x0e..=0x3f | memory; 0x3f is the year correction that DECstation systems keep |
//!
//! Rate select n gives a period of 2^(n-1) / 32768 s from n = 3 on; 1 and 2 give 256 and 128 Hz;
//! 0 none. UIP is set for the 2228 us before a second (244 us of warning, 1984 us of update).
//!
//! Sources: Dallas Semiconductor DS1287 and Motorola MC146818A data sheets.

mod date;

pub use date::Date;

use date::Calendar;

use super::lane_read;
use crate::bus::{BusError, Cycles, Device, Width};
use crate::net::time::Clock;

const REGISTERS: usize = 64;
const A: usize = 0x0a;
const B: usize = 0x0b;
const C: usize = 0x0c;
const D: usize = 0x0d;
/// Where DECstation systems keep the year that the clock's own year leaves out.
const YEAR_CORRECTION: usize = 0x3f;

const A_UIP: u8 = 0x80;
const B_SET: u8 = 0x80;
const B_ENABLES: u8 = 0x70;
const C_PERIODIC: u8 = 0x40;
const C_ALARM: u8 = 0x20;
const C_UPDATE: u8 = 0x10;
const D_VALID: u8 = 0x80;

/// The oscillator, and ticks in a second.
const OSCILLATOR_HZ: u64 = 32_768;
/// Ticks before a second at which UIP rises: 244 us and 1984 us.
const UPDATE_TICKS: u64 = 73;
/// Ticks from the divider's release to the first second: half of one.
const FIRST_SECOND: u64 = OSCILLATOR_HZ / 2;

/// The clock.
#[derive(Debug)]
pub struct Rtc {
    clock: Clock,
    registers: [u8; REGISTERS],
    /// The cycle (before reset, if negative) at which the divider stood at zero; `None` while it is held or stopped.
    zero: Option<i64>,
    /// Ticks that have been accounted for.
    ticks: u64,
}

impl Rtc {
    /// A running clock that shows `start` at cycle 0, as the PROM leaves it: binary, 24 hours, no
    /// interrupts.
    #[must_use]
    pub fn new(clock: Clock, start: &Date) -> Rtc {
        let mut registers = [0; REGISTERS];
        registers[A] = 0x20;
        registers[B] = 0x06;
        registers[D] = D_VALID;
        let (year, correction) = start.split_year();
        registers[0] = start.second;
        registers[2] = start.minute;
        registers[4] = start.hour;
        registers[6] = start.weekday();
        registers[7] = start.day;
        registers[8] = start.month;
        registers[9] = year;
        registers[YEAR_CORRECTION] = correction;
        Rtc { clock, registers, zero: Some(0), ticks: 0 }
    }

    /// The date and time registers and the 50 bytes of memory, as they stand.
    #[must_use]
    pub const fn registers(&self) -> &[u8; REGISTERS] {
        &self.registers
    }

    /// Seconds since 1970 as the calendar and the year correction say; 32 bits of them.
    #[must_use]
    pub fn unix_time(&mut self, now: Cycles) -> u32 {
        self.advance(now);
        let correction = self.registers[YEAR_CORRECTION];
        Calendar::new(&mut self.registers).date(correction).unix_time()
    }

    /// The divider's count at `now`.
    fn divider(&self, now: Cycles) -> u64 {
        match self.zero {
            Some(zero) => {
                let cycles = now.saturating_sub_signed(zero);
                (u128::from(cycles) * u128::from(OSCILLATOR_HZ) / u128::from(self.clock.hz())) as u64
            }
            None => self.ticks,
        }
    }

    /// The first cycle at which the divider has counted `ticks`.
    fn cycle_of(&self, ticks: u64) -> Option<Cycles> {
        let zero = self.zero?;
        let cycles = (u128::from(ticks) * u128::from(self.clock.hz())).div_ceil(u128::from(OSCILLATOR_HZ));
        (cycles as Cycles).checked_add_signed(zero)
    }

    /// Ticks in a period of the selected rate.
    fn period(&self) -> Option<u64> {
        match self.registers[A] & 0x0f {
            0 => None,
            1 => Some(128),
            2 => Some(256),
            rate => Some(1 << (rate - 1)),
        }
    }

    fn updates_stopped(&self) -> bool {
        self.registers[B] & B_SET != 0
    }

    /// Whether an update is about to take place or under way.
    fn updating(&self, now: Cycles) -> bool {
        self.zero.is_some()
            && !self.updates_stopped()
            && OSCILLATOR_HZ - self.divider(now) % OSCILLATOR_HZ <= UPDATE_TICKS
    }

    /// Flags that are set and enabled.
    fn requests(&self) -> u8 {
        self.registers[C] & self.registers[B] & B_ENABLES
    }

    fn second(&mut self) {
        if self.updates_stopped() {
            return;
        }
        let mut calendar = Calendar::new(&mut self.registers);
        calendar.tick();
        let alarm = calendar.alarm_matches();
        self.registers[C] |= C_UPDATE;
        if alarm {
            self.registers[C] |= C_ALARM;
        }
    }

    /// Acts on divider control bits: the divider runs, or is held at zero, or the oscillator stops.
    fn set_divider(&mut self, old: u8, new: u8, now: Cycles) {
        let runs = |a: u8| a & 0x70 == 0x20;
        if runs(old) == runs(new) {
            return;
        }
        if runs(new) {
            // The first second ends half a second after release: the count starts in its middle.
            self.zero = Some(now as i64 - (self.clock.hz() / 2) as i64);
            self.ticks = FIRST_SECOND;
        } else {
            self.zero = None;
            self.ticks = 0;
        }
    }
}

impl Device for Rtc {
    fn name(&self) -> &'static str {
        "clock (DS1287)"
    }

    fn read(&mut self, offset: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        self.advance(now);
        let index = offset as usize / 4 % REGISTERS;
        let value = match index {
            A if self.updating(now) => self.registers[A] | A_UIP,
            C => {
                let flags = self.registers[C];
                let summary = if self.requests() != 0 { 0x80 } else { 0 };
                // Reading anywhere but the byte itself does not select the register.
                if offset & 3 == 0 {
                    self.registers[C] = 0;
                }
                flags | summary
            }
            _ => self.registers[index],
        };
        Ok(lane_read(u32::from(value), offset, width))
    }

    fn write(&mut self, offset: u32, value: u32, _width: Width, now: Cycles) -> Result<(), BusError> {
        self.advance(now);
        if offset & 3 != 0 {
            return Ok(());
        }
        let index = offset as usize / 4 % REGISTERS;
        let value = value as u8;
        match index {
            A => {
                self.set_divider(self.registers[A], value, now);
                self.registers[A] = value & !A_UIP;
            }
            B if value & B_SET != 0 => {
                // SET clears UIE.
                self.registers[B] = value & !C_UPDATE;
            }
            C | D => {}
            _ => self.registers[index] = value,
        }
        Ok(())
    }

    fn advance(&mut self, now: Cycles) {
        let target = self.divider(now);
        if target <= self.ticks {
            return;
        }
        let before = self.ticks;
        if let Some(period) = self.period()
            && target / period > before / period
        {
            self.registers[C] |= C_PERIODIC;
        }
        for _ in before / OSCILLATOR_HZ..target / OSCILLATOR_HZ {
            self.second();
        }
        self.ticks = target;
    }

    fn interrupt(&self) -> bool {
        self.requests() != 0
    }

    fn next_event(&self) -> Option<Cycles> {
        let quiet = self.registers[B] & B_ENABLES & !self.registers[C];
        if quiet == 0 || self.zero.is_none() {
            return None;
        }
        let period = match self.period() {
            Some(period) if quiet & C_PERIODIC != 0 => Some(period),
            _ if quiet & (C_ALARM | C_UPDATE) != 0 => Some(OSCILLATOR_HZ),
            _ => None,
        }?;
        self.cycle_of((self.ticks / period + 1) * period)
    }
}

#[cfg(test)]
#[path = "tests_rtc.rs"]
mod tests;
