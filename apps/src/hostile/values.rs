//! Arguments that programs get wrong, and some that look right.

use exos::abi::Call;
use exos::abi::calls::{BASE, SLOTS};
use exos::abi::layout::{ANY, Mapping};
use exos::memory;

use super::random::Random;

/// Kinds of faults and of planted errors that there are are below this.
pub const KINDS: u32 = 64;

impl Random {
    /// A number that programs get wrong.
    pub fn odd(&mut self) -> u32 {
        let random = self.word();
        let special =
            [0, 1, 2, ANY, ANY - 1, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0x7fff_fffc, 0xffff_f000];
        match self.below(4) {
            0 => random,
            1 => random % 256,
            2 => 1 << (random % 32),
            _ => self.pick(&special),
        }
    }

    /// Where an event may be bound.
    pub fn pc(&mut self) -> u32 {
        match self.below(8) {
            0 => 0x8000_0000 | self.word(),
            1 => self.word() >> 1 | 1,
            2 => self.odd(),
            3 => 0,
            _ => self.word() >> 1 & !3,
        }
    }

    /// A page of the second segment: inside, outside, far away, and those that nobody may have.
    pub fn vpn(&mut self, playground: &[core::ops::Range<u32>; 2]) -> u32 {
        match self.below(16) {
            0 => self.below(2),
            1 => 128 + self.below(4),
            2 => self.odd(),
            3 => 1 << 20 | self.below(128),
            _ => self.within(playground),
        }
    }

    /// A number in one of two ranges.
    pub fn within(&mut self, ranges: &[core::ops::Range<u32>; 2]) -> u32 {
        let range = ranges[self.below(2) as usize].clone();
        range.start + self.below(range.end - range.start)
    }

    /// A mapping's bits.
    pub fn bits(&mut self) -> u32 {
        match self.below(8) {
            0..5 => self.pick(&[Mapping::WRITABLE.bits(), 0]),
            5 => self.word() & Mapping::all().bits(),
            6 => 1 << self.below(32),
            _ => self.odd(),
        }
    }

    /// A number for a system call that is seldom Aegis's.
    pub fn foreign(&mut self) -> u32 {
        match self.below(4) {
            0 => self.below(7000),
            1 => BASE + self.below(8 * SLOTS as u32 + 64),
            2 => BASE + 8 * self.below(SLOTS as u32),
            _ => self.word() >> 1,
        }
    }

    /// A call that takes or makes more of what there is, or one that gives it back.
    pub fn more_or_less(&mut self, greedy: bool) -> Call {
        const MORE: [Call; 5] =
            [Call::PageAlloc, Call::PageAlloc, Call::PageAlloc, Call::EnvironmentCreate, Call::SliceAlloc];
        const LESS: [Call; 5] =
            [Call::PageFree, Call::PageFree, Call::PageFree, Call::EnvironmentDestroy, Call::SliceFree];
        self.pick(if greedy { &MORE } else { &LESS })
    }
}

/// Where an event of this environment's enters now.
pub fn entry(event: u32) -> Option<u32> {
    let mut page = *memory::environment();
    page.entry(event).copied()
}
