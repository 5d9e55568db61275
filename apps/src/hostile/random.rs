//! Random numbers that a seed determines.

/// A generator (xorshift, Marsaglia 2003). Good enough to try things with.
pub struct Random(u32);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u32) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b1) | 1);
        for _ in 0..8 {
            random.word();
        }
        random
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.wrapping_mul(0x85eb_ca6b).rotate_left(11)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u32) -> u32 {
        self.word() % end
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
