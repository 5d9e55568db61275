//! Conversion between one machine's cycles and the wire's nanoseconds.
//!
//! Machines on a segment may run at different clocks; the wire's time is the common one. Both
//! directions are exact integer arithmetic, so that a run repeats.

use crate::bus::Cycles;

/// Nanoseconds since the machines were switched on.
pub type Nanos = u64;

/// One machine's clock against the wire's time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    hz: u64,
}

impl Clock {
    /// A clock of `hz` cycles a second. A rate of zero is taken as one.
    #[must_use]
    pub const fn new(hz: u64) -> Clock {
        Clock { hz: if hz == 0 { 1 } else { hz } }
    }

    /// Cycles a second.
    #[must_use]
    pub const fn hz(self) -> u64 {
        self.hz
    }

    /// The nanosecond in which cycle `cycles` begins (rounded down).
    #[must_use]
    pub const fn nanos(self, cycles: Cycles) -> Nanos {
        (cycles as u128 * 1_000_000_000 / self.hz as u128) as Nanos
    }

    /// The first cycle that begins at or after `nanos`.
    #[must_use]
    pub const fn cycles(self, nanos: Nanos) -> Cycles {
        (nanos as u128 * self.hz as u128).div_ceil(1_000_000_000) as Cycles
    }
}

#[cfg(test)]
#[path = "tests_time.rs"]
mod tests;
