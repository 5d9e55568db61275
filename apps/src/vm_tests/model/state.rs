//! The model: for each page of some places of the address space, what the library has to know of it.

use exos::abi::layout::PAGE_SHIFT;
use exos::vm::map::{Share, map_shared, sbrk};
use exos::vm::swap::Store;
use exos::vm::{Protection, VmError};
use exos::{process, vm};

use super::{Outcome, access, sharing};
use crate::model_says;
use crate::vm_tests::random::Random;

/// Pages where `map` finds room, far from there, and of the heap.
pub const NEAR: usize = 96;
/// See [`NEAR`].
pub const FAR: usize = 48;
/// See [`NEAR`].
pub const HEAP: usize = 32;
/// All of them.
pub const PAGES: usize = NEAR + FAR + HEAP;
/// Where the first ones are: what the library hands out first.
pub const NEAR_PAGE: u32 = 0x1_0200;
/// So far away that hashing mixes it with the others.
pub const FAR_PAGE: u32 = 0x6_fe01;
/// Regions that a process can have (exos/src/vm/mod.rs).
pub const REGIONS: usize = 32;
/// The region of the heap's pages.
pub const HEAP_REGION: u32 = 1;

/// One page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// The mapping that it belongs to; zero: none.
    pub region: u32,
    /// Which shared page it is, plus one.
    pub share: usize,
    /// What the program may do with it.
    pub protection: Protection,
    /// Whether a physical page is there.
    pub touched: bool,
    /// Whether it has been written.
    pub dirty: bool,
    /// Its first word, if it is not shared; the last is its complement, once it has been written.
    pub value: u32,
}

impl Page {
    /// Nothing.
    pub const NONE: Self =
        Self { region: 0, share: 0, protection: Protection::None, touched: false, dirty: false, value: 0 };

    /// Just mapped.
    #[must_use]
    pub const fn new(region: u32, protection: Protection) -> Self {
        Self { region, protection, ..Self::NONE }
    }

    /// Whether something is mapped.
    #[must_use]
    pub const fn mapped(&self) -> bool {
        self.region != 0 || self.share != 0
    }
}

/// All of it.
pub struct Model {
    /// The pages.
    pub pages: [Page; PAGES],
    /// The pages that are shared: what to map, and the first word.
    pub shares: [(Option<Share>, u32); sharing::SHARES],
    /// What a child waits at.
    pub gate: Option<Share>,
    /// Whether this process knows what is in them, and may write them.
    pub shares_known: bool,
    /// The number of the next mapping.
    pub next: u32,
    /// Regions that are not in `pages`.
    pub others: usize,
    /// The heap's first page, its end, and where it ended in the beginning.
    pub heap: (u32, u32, u32),
    /// Whether there is a fault handler.
    pub handler: bool,
    /// Whether pages may be given up: what has been touched may not be there, and the clock forgets who has.
    pub swaps: bool,
    /// A child that waits beside.
    pub beside: Option<u32>,
}

impl Model {
    /// Before [`Self::begin`].
    pub const EMPTY: Self = Self {
        pages: [Page::NONE; PAGES],
        shares: [(None, 0); sharing::SHARES],
        gate: None,
        shares_known: true,
        next: HEAP_REGION + 1,
        others: 0,
        heap: (0, 0, 0),
        handler: false,
        swaps: false,
        beside: None,
    };

    /// Makes what all operations need: a heap, shared pages.
    pub fn begin(&mut self, store: Option<Store>) -> Outcome {
        self.start_swapping(store)?;
        let first = process::data_end().div_ceil(4096);
        let old = sbrk(4096).map_err(|_| "no heap")?;
        self.heap = (first, old + 4096, old);
        for page in first..self.heap.1.div_ceil(4096) {
            self.pages[NEAR + FAR + (page - first) as usize] = Page::new(HEAP_REGION, Protection::ReadWrite);
        }
        for share in &mut self.shares {
            *share = (Some(sharing::fresh()?), 0);
        }
        self.gate = Some(sharing::fresh()?);
        let gate = self.gate.ok_or("no gate")?;
        map_shared(sharing::GATE, gate, Protection::ReadWrite).map_err(|_| "no room for the gate")?;
        access::install();
        self.count_other_regions()
    }

    /// Gives all of it back.
    pub fn finish(&mut self) -> Outcome {
        self.end_beside()?;
        self.verify()?;
        for (from, count) in [(NEAR_PAGE, NEAR), (FAR_PAGE, FAR)] {
            vm::map::unmap(from << PAGE_SHIFT, (count as u32) << PAGE_SHIFT).map_err(|_| "no unmapping")?;
        }
        self.pages[..NEAR + FAR].fill(Page::NONE);
        self.verify()?;
        model_says!(vm::map::unmap(sharing::GATE, 4096).is_ok(), "the gate is not unmapped");
        for share in self.shares.iter().map(|(share, _)| share).chain([&self.gate]) {
            model_says!(
                share.is_some_and(|share| vm::map::free_shared(share).is_ok()),
                "a share is not ours"
            );
        }
        let (_, end, old) = self.heap;
        model_says!(sbrk(old.wrapping_sub(end).cast_signed()) == Ok(end), "the heap is not where it was");
        Ok(())
    }

    /// How many regions the library has that the model does not know of: as many as are missing when none is left.
    fn count_other_regions(&mut self) -> Outcome {
        let mut mapped = 0;
        let answer = loop {
            let at = (FAR_PAGE + 2 * mapped as u32) << PAGE_SHIFT;
            match vm::map::map(at, 4096, Protection::Read) {
                Ok(_) => mapped += 1,
                Err(error) => break error,
            }
        };
        model_says!(answer == VmError::NoMemory && mapped < REGIONS, "regions do not run out");
        self.others = REGIONS - mapped - self.regions();
        vm::map::unmap(FAR_PAGE << PAGE_SHIFT, 128 << PAGE_SHIFT).map_err(|_| "no unmapping")
    }

    /// How many regions the pages of the model make.
    #[must_use]
    pub fn regions(&self) -> usize {
        let begins = |index: usize| {
            let region = self.pages[index].region;
            let first = index == 0 || index == NEAR || index == NEAR + FAR;
            region != 0 && (first || self.pages[index - 1].region != region)
        };
        (0..PAGES).filter(|index| begins(*index)).count()
    }

    /// Whether another region has room in the library's list.
    #[must_use]
    pub fn has_region(&self) -> bool {
        self.regions() + self.others < REGIONS
    }

    /// The address of a page.
    #[must_use]
    pub fn address(&self, index: usize) -> u32 {
        let page = match index {
            0..NEAR => NEAR_PAGE + index as u32,
            _ if index < NEAR + FAR => FAR_PAGE + (index - NEAR) as u32,
            _ => self.heap.0 + (index - NEAR - FAR) as u32,
        };
        page << PAGE_SHIFT
    }

    /// The page at an address that `map` has chosen.
    #[must_use]
    pub fn near(address: u32) -> usize {
        ((address >> PAGE_SHIFT) - NEAR_PAGE) as usize
    }

    /// A range of pages side by side; outside the heap, if so wanted.
    pub fn range(&self, random: &mut Random, heap: bool) -> core::ops::Range<usize> {
        let (from, count) = match random.below(if heap { 8 } else { 7 }) {
            0..5 => (0, NEAR),
            5..7 => (NEAR, FAR),
            _ => (NEAR + FAR, HEAP),
        };
        let longest = if random.once_in(8) { count as u32 } else { 6 };
        let length = 1 + random.below(longest) as usize;
        let first = from + random.below((count - length.min(count) + 1) as u32) as usize;
        first..first + length.min(count)
    }

    /// A page that something is mapped in, more likely than one where nothing is.
    pub fn page(&self, random: &mut Random) -> usize {
        let draw = |random: &mut Random| random.below(PAGES as u32) as usize;
        (0..8).map(|_| draw(random)).find(|index| self.pages[*index].mapped()).unwrap_or_else(|| draw(random))
    }

    /// A number for a mapping.
    pub fn new_region(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
}

/// A protection.
pub fn protection(random: &mut Random) -> Protection {
    match random.below(5) {
        0 => Protection::None,
        1 => Protection::Read,
        _ => Protection::ReadWrite,
    }
}
