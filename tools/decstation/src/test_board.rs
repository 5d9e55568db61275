//! A board with nothing on it, for tests and benchmarks of the processor alone.

use crate::board::{PromAction, PromResult};
use crate::bus::{AccessClass, Board, BusError, Cycles, Width};

/// Nothing answers; the interrupt lines are what the test sets, from the cycle it sets on.
#[derive(Clone, Debug, Default)]
pub struct EmptyBoard {
    /// Lines (IP7..IP2) and the cycle from which they are up.
    pub raised: Option<(Cycles, u8)>,
    /// One register at 0x1fe00000, which holds what is written.
    pub register: u32,
    now: Cycles,
}

/// Physical address of [`EmptyBoard::register`].
pub const REGISTER: u32 = 0x1fe0_0000;

impl Board for EmptyBoard {
    fn read(&mut self, paddr: u32, _: Width, _: Cycles) -> Result<u32, BusError> {
        if paddr == REGISTER { Ok(self.register) } else { Err(BusError) }
    }

    fn write(&mut self, paddr: u32, value: u32, _: Width, _: Cycles) {
        if paddr == REGISTER {
            self.register = value;
        }
    }

    fn class(&self, _: u32) -> AccessClass {
        AccessClass::Register
    }

    fn advance(&mut self, now: Cycles) {
        self.now = now;
    }

    fn interrupt_lines(&self) -> u8 {
        match self.raised {
            Some((at, lines)) if self.now >= at => lines,
            _ => 0,
        }
    }

    fn next_event(&self) -> Option<Cycles> {
        self.raised.map(|(at, _)| at).filter(|&at| at > self.now)
    }

    fn prom_entry(&self, _: u32) -> Option<u32> {
        None
    }

    fn prom_call(&mut self, _: u32, _: &[u32; 32], _: &mut [u8], _: Cycles) -> PromResult {
        PromResult { value: 0, action: PromAction::Return, cycles: 0, written: None }
    }
}
