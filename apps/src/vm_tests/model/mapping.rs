//! Mapping, unmapping, protection, the heap.

use exos::abi::layout::{PAGE_SHIFT, PAGE_SIZE};
use exos::vm::map::{map, sbrk, set_cached, unmap};
use exos::vm::pages::held;
use exos::vm::{Protection, VmError, protect};

use super::Outcome;
use super::state::{FAR, HEAP, HEAP_REGION, Model, NEAR, NEAR_PAGE, Page, protection};
use crate::model_says;
use crate::vm_tests::random::Random;

/// Where [`Model::many`] maps: outside the model.
const MANY: u32 = 0x3000_0000;
/// How many pages: more than a page of any table has.
const MANY_PAGES: u32 = 700;

/// Bytes that so many pages are needed for.
fn bytes(pages: usize, random: &mut Random) -> u32 {
    let whole = (pages as u32) << PAGE_SHIFT;
    if random.once_in(4) { whole - random.below(PAGE_SIZE) } else { whole }
}

impl Model {
    /// Maps where the program says.
    pub(super) fn map(&mut self, random: &mut Random) -> Outcome {
        let range = self.range(random, false);
        let (start, wanted) = (self.address(range.start), protection(random));
        let answer = map(start, bytes(range.len(), random), wanted);
        let expected = if self.pages[range.clone()].iter().any(Page::mapped) {
            Err(VmError::Taken)
        } else if self.has_region() {
            Ok(start)
        } else {
            Err(VmError::NoMemory)
        };
        model_says!(answer == expected, "map answers something else");
        if answer.is_ok() {
            let page = Page::new(self.new_region(), wanted);
            self.pages[range].fill(page);
        }
        Ok(())
    }

    /// Maps where the library finds room. What reaches behind the model's pages is unmapped again.
    pub(super) fn map_anywhere(&mut self, random: &mut Random) -> Outcome {
        let (count, wanted) = (1 + random.below(12) as usize, protection(random));
        let start = match map(0, bytes(count, random), wanted) {
            Ok(start) => start,
            Err(error) => {
                model_says!(error == VmError::NoMemory && !self.has_region(), "map finds no room");
                return Ok(());
            }
        };
        model_says!(self.has_region(), "map has taken one region too many");
        model_says!(start >= NEAR_PAGE << PAGE_SHIFT && start.is_multiple_of(PAGE_SIZE), "no such room");
        let first = Self::near(start);
        let inside = first.min(NEAR)..(first + count).min(NEAR);
        model_says!(!self.pages[inside].iter().any(Page::mapped), "map has found room where there is none");
        if first + count <= NEAR {
            let page = Page::new(self.new_region(), wanted);
            self.pages[first..first + count].fill(page);
        } else {
            model_says!(
                unmap(start, (count as u32) << PAGE_SHIFT).is_ok(),
                "what was mapped is not unmapped"
            );
        }
        Ok(())
    }

    /// Unmaps, whether something is there or not.
    pub(super) fn unmap(&mut self, random: &mut Random) -> Outcome {
        let range = self.range(random, false);
        let answer = unmap(self.address(range.start), bytes(range.len(), random));
        let splits = self.splits(&range) && !self.has_region();
        model_says!(
            answer == if splits { Err(VmError::NoMemory) } else { Ok(()) },
            "unmap answers something else"
        );
        if answer.is_ok() {
            self.pages[range].fill(Page::NONE);
        }
        Ok(())
    }

    /// Whether a range lies in the middle of a region.
    fn splits(&self, range: &core::ops::Range<usize>) -> bool {
        let inner = if range.start < NEAR { 1..NEAR } else { NEAR + 1..NEAR + FAR };
        let region = self.pages[range.start].region;
        region != 0
            && range.start >= inner.start
            && range.end < inner.end
            && self.pages[range.start - 1..=range.end].iter().all(|page| page.region == region)
    }

    /// Protects a range, parts of which may be unmapped.
    pub(super) fn protect(&mut self, random: &mut Random) -> Outcome {
        let mut range = self.range(random, true);
        if random.once_in(2) {
            range.end = range.start + 1;
        }
        let wanted = protection(random);
        let answer = protect(self.address(range.start), bytes(range.len(), random), wanted);
        let whole = self.pages[range.clone()].iter().all(Page::mapped);
        model_says!(
            answer == if whole { Ok(()) } else { Err(VmError::Unmapped) },
            "protect answers something else"
        );
        if whole {
            self.pages[range].iter_mut().for_each(|page| page.protection = wanted);
        }
        Ok(())
    }

    /// Moves the heap's end, not always by whole pages. It keeps a page at least.
    pub(super) fn sbrk(&mut self, random: &mut Random) -> Outcome {
        let (first, old, _) = self.heap;
        let lowest = (first + 1) << PAGE_SHIFT;
        let new = lowest + random.below((HEAP as u32 - 1) << PAGE_SHIFT);
        model_says!(sbrk(new.wrapping_sub(old).cast_signed()) == Ok(old), "sbrk answers something else");
        self.heap.1 = new;
        let place = |end: u32| NEAR + FAR + (end.div_ceil(PAGE_SIZE) - first) as usize;
        let (before, after) = (place(old), place(new));
        if after > before {
            self.pages[before..after].fill(Page::new(HEAP_REGION, Protection::ReadWrite));
        } else {
            self.pages[after..before].fill(Page::NONE);
        }
        Ok(())
    }

    /// Takes a page out of the data cache or puts it back, which its contents must not notice.
    pub(super) fn set_cached(&mut self, random: &mut Random) -> Outcome {
        let index = self.page(random);
        let page = self.pages[index];
        // Who shares a page with others cannot choose alone.
        if page.share != 0 {
            return Ok(());
        }
        let answer = set_cached(self.address(index), random.once_in(2));
        let expected = if page.mapped() { Ok(()) } else { Err(VmError::Unmapped) };
        model_says!(answer == expected, "set_cached answers something else");
        Ok(())
    }

    /// Maps more than the page table has room for, so that it grows, and unmaps it.
    pub(super) fn many(&mut self, random: &mut Random) -> Outcome {
        if !self.has_region() {
            return Ok(());
        }
        let length = MANY_PAGES * PAGE_SIZE;
        model_says!(map(MANY, length, Protection::Read) == Ok(MANY), "no room for many");
        model_says!(protect(MANY, length, Protection::ReadWrite) == Ok(()), "many are not protected");
        let before = held();
        for _ in 0..8 {
            let at = MANY + random.below(MANY_PAGES) * PAGE_SIZE;
            // SAFETY: mapped just now.
            let fresh = unsafe { (at as *mut u32).read_volatile() };
            model_says!(fresh == 0 || fresh == at, "a page of many does not begin as zeroes");
            // SAFETY: as above.
            unsafe { (at as *mut u32).write_volatile(at) };
        }
        model_says!(held() > before, "touching brings no page");
        model_says!(unmap(MANY, length) == Ok(()), "many are not unmapped");
        // A child that lives borrows what it may; the program's own may have been out.
        model_says!(self.beside.is_some() || self.swaps || held() == before, "unmapping frees no page");
        Ok(())
    }
}
