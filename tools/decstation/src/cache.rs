//! A direct-mapped cache of the R2000 and R3000: physically tagged, one tag for each word.
//!
//! A miss fetches a block of several words, each with its tag, as the hardware does; a single word
//! can therefore become invalid alone. The cache holds copies, so a store to memory leaves an old
//! instruction in the instruction cache until it is flushed or replaced.

use crate::isa::{self, Op};

/// One cached word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Physical address of the word, with bit 0 set when valid.
    pub tag: u32,
    /// The word.
    pub word: u32,
    /// The word, decoded (kept up only in the instruction cache).
    pub op: Op,
}

/// The tag of a valid word at physical address `paddr`.
#[inline]
#[must_use]
pub const fn tag(paddr: u32) -> u32 {
    paddr & !3 | 1
}

/// The cache.
#[derive(Clone, Debug)]
pub struct Cache {
    lines: Box<[Line]>,
    mask: u32,
}

impl Cache {
    /// An empty cache of `bytes`, a power of two.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Cache { lines: vec![Line::default(); bytes as usize / 4].into(), mask: bytes / 4 - 1 }
    }

    /// The place where the word at `paddr` would be.
    #[inline]
    #[must_use]
    pub fn line(&self, paddr: u32) -> &Line {
        &self.lines[(paddr >> 2 & self.mask) as usize]
    }

    /// The same, to change.
    #[inline]
    pub fn line_mut(&mut self, paddr: u32) -> &mut Line {
        &mut self.lines[(paddr >> 2 & self.mask) as usize]
    }

    /// Whether the word at `paddr` is present.
    #[must_use]
    pub fn hit(&self, paddr: u32) -> bool {
        self.line(paddr).tag == tag(paddr)
    }

    /// Puts the word at `paddr` in, undecoded.
    #[inline]
    pub fn fill(&mut self, paddr: u32, word: u32) {
        let line = self.line_mut(paddr);
        line.tag = tag(paddr);
        line.word = word;
    }

    /// Puts the word at `paddr` in, decoded.
    pub fn fill_decoded(&mut self, paddr: u32, word: u32) {
        *self.line_mut(paddr) = Line { tag: tag(paddr), word, op: isa::decode(word) };
    }

    /// Makes the place of `paddr` invalid, whatever it holds.
    pub fn invalidate(&mut self, paddr: u32) {
        self.line_mut(paddr).tag = 0;
    }

    /// Makes everything invalid.
    pub fn clear(&mut self) {
        self.lines.fill(Line::default());
    }

    /// All places, for the state hash.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}
