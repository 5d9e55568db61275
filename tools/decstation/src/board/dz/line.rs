//! One line of the DZ: its parameters, its holding and shift register, the pace of its receiver.

use super::{LineTiming, RX_ENABLE};
use crate::bus::Cycles;
use crate::net::time::Clock;

/// Rates by code, LPR bits 11:8, in hundredths of a baud.
const RATES: [u64; 16] = [
    5_000, 7_500, 11_000, 13_450, 15_000, 30_000, 60_000, 120_000, 180_000, 200_000, 240_000, 360_000,
    480_000, 720_000, 960_000, 1_920_000,
];
/// Code 15 with the board's BAUD38 set.
const FAST_RATE: u64 = 3_840_000;
/// 9600 baud, eight bits, no parity, one stop bit, receiver off.
const PROM_PARAMETERS: u16 = 0x0e18;
/// How often a receiver without line timing looks for a character.
const POLL_NS: u64 = 250_000;

/// The line.
#[derive(Debug)]
pub struct Line {
    clock: Clock,
    timing: LineTiming,
    parameters: u16,
    fast: bool,
    shifting: Option<(Cycles, u8)>,
    holding: Option<u8>,
    /// When the next character can have come in.
    receive_at: Option<Cycles>,
}

impl Line {
    /// An idle line as the PROM leaves it.
    pub fn new(clock: Clock, timing: LineTiming) -> Line {
        Line {
            clock,
            timing,
            parameters: PROM_PARAMETERS,
            fast: false,
            shifting: None,
            holding: None,
            receive_at: None,
        }
    }

    /// Takes new parameters: LPR without its line number.
    pub fn set_parameters(&mut self, lpr: u16) {
        self.parameters = lpr;
    }

    /// Rate code 15 is 38400.
    pub fn set_fast(&mut self, fast: bool) {
        self.fast = fast;
    }

    /// Bits that a character has on this line.
    pub fn data_mask(&self) -> u8 {
        0xff >> (3 - (self.parameters >> 3 & 3))
    }

    /// Cycles that one character takes: start bit, data, parity, stop bits at the line's rate.
    pub fn character(&self) -> Cycles {
        if self.timing == LineTiming::Immediate {
            return 0;
        }
        let data = 5 + u64::from(self.parameters >> 3 & 3);
        let parity = u64::from(self.parameters >> 6 & 1);
        let stop = 1 + u64::from(self.parameters >> 5 & 1);
        let bits = 1 + data + parity + stop;
        let rate = match usize::from(self.parameters >> 8 & 0xf) {
            15 if self.fast => FAST_RATE,
            code => RATES[code],
        };
        (bits * self.clock.hz() * 100).div_ceil(rate)
    }

    /// Whether the holding register is free.
    pub fn has_room(&self) -> bool {
        self.holding.is_none()
    }

    /// Takes a character to send. Without line timing it is out at once and comes back.
    pub fn load(&mut self, byte: u8, now: Cycles) -> Option<u8> {
        if self.timing == LineTiming::Immediate {
            return Some(byte & self.data_mask());
        }
        if self.shifting.is_none() {
            self.shifting = Some((now + self.character(), byte));
        } else {
            self.holding = Some(byte);
        }
        None
    }

    /// The character whose last bit is out at `at`, if there is one; the next one follows it.
    pub fn shifted_out(&mut self, at: Cycles) -> Option<u8> {
        let (end, byte) = self.shifting.filter(|(end, _)| *end <= at)?;
        self.shifting = self.holding.take().map(|next| (end + self.character(), next));
        Some(byte & self.data_mask())
    }

    /// The next character under way, out of turn.
    pub fn drain(&mut self) -> Option<u8> {
        let (_, byte) = self.shifting.take()?;
        self.shifting = self.holding.take().map(|next| (0, next));
        Some(byte & self.data_mask())
    }

    fn pace(&self) -> Cycles {
        match self.timing {
            LineTiming::LineRate => self.character(),
            LineTiming::Immediate => self.clock.cycles(POLL_NS),
        }
        .max(1)
    }

    /// Starts the receiver if the parameters enable it and `possible`, or stops it.
    pub fn set_receiver(&mut self, possible: bool, now: Cycles) {
        if !possible || self.parameters & RX_ENABLE == 0 {
            self.receive_at = None;
        } else if self.receive_at.is_none() {
            self.receive_at = Some(now + self.pace());
        }
    }

    /// Lets the receiver run with the parameters as they are.
    pub fn enable_receiver(&mut self) {
        self.parameters |= RX_ENABLE;
    }

    /// Master clear disables the receiver.
    pub fn stop_receiver(&mut self) {
        self.parameters &= !RX_ENABLE;
        self.receive_at = None;
    }

    /// Whether a character can have come in at `at`; if so the next can a character later.
    pub fn receiver_due(&mut self, at: Cycles) -> bool {
        match self.receive_at {
            Some(due) if due <= at => {
                self.receive_at = Some(at + self.pace());
                true
            }
            _ => false,
        }
    }

    /// When something happens on this line.
    pub fn next_event(&self) -> Option<Cycles> {
        let shifted = self.shifting.map(|(end, _)| end);
        shifted.into_iter().chain(self.receive_at).min()
    }
}
