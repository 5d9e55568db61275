//! Random numbers that repeat.

/// Marsaglia's xorshift.
#[derive(Clone, Copy, Debug)]
pub struct Random(u32);

impl Random {
    /// A sequence of its own for each seed.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        // Zero would stay zero, and neighbours would begin alike.
        Self(seed.wrapping_mul(2_654_435_761) ^ 0x5bd1_e995 | 1)
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u32) -> u32 {
        (self.word() >> 4) % end
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }
}
