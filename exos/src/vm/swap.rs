//! Pages given up and brought back (paper, sections 3.3, 3.4 and 6.2).
//!
//! Aegis asks for pages; which ones, and where their contents go, is the library's choice. The victim is found by a
//! clock that goes round the page table: a page that was touched since the clock last came by is passed over once. The
//! backing store is pages that somebody else owns and has lent with their capabilities: the paper's disk blocks are not
//! there yet.

use aegis_abi::Capability;
use aegis_abi::layout::{Mapping, PAGE_SHIFT, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::{DEMAND, OWN, Rights, SWAPPED, Vm, VmError, pinned, vm};
use crate::layout::{address, page};
use crate::memory::{self, WINDOWS};
use crate::{call, vm::map::Share};

/// Pages that a backing store can have.
pub const STORE_PAGES: usize = 64;

/// The backing store, and how far the clock has come.
pub(crate) struct Swap {
    pages: [u32; STORE_PAGES],
    /// How many there are.
    count: usize,
    used: u64,
    rights: Rights,
    hand: u32,
    /// Pages that went out and came in, for whoever wants to know.
    out: u32,
    back: u32,
}

impl Swap {
    pub(crate) const NEW: Self = Self {
        pages: [0; STORE_PAGES],
        count: 0,
        used: 0,
        rights: Rights { read: Capability::NONE, write: Capability::NONE },
        hand: 0,
        out: 0,
        back: 0,
    };

    /// A place that is free.
    fn free_place(&self) -> Option<usize> {
        (0..self.count).find(|place| self.used & 1 << place == 0)
    }

    /// Frees the place of a page that is not needed any more.
    pub(crate) fn forget(&mut self, pte: Pte) {
        self.used &= !(1 << pte.page());
    }
}

/// Chooses a backing store: pages of somebody's that all answer to the capabilities of the first, at most
/// [`STORE_PAGES`]. Tells how many were taken.
///
/// # Errors
/// [`VmError::Taken`] while something is in the one that there is.
pub fn set_store(shares: &[Share]) -> Result<usize, VmError> {
    // Copied here: what is on the program's stack is not touched in there.
    let mut pages = [0; STORE_PAGES];
    let mut count = 0;
    let Some(first) = shares.first() else { return Ok(0) };
    let same = |share: &&Share| share.read == first.read && share.write == first.write;
    for (place, share) in pages.iter_mut().zip(shares.iter().filter(same)) {
        *place = share.page;
        count += 1;
    }
    pinned((pages, count, first.read, first.write), |(pages, count, read, write)| {
        let swap = &mut vm().swap;
        if swap.used != 0 {
            return Err(VmError::Taken);
        }
        swap.pages = pages;
        swap.count = count;
        swap.rights = Rights { read, write };
        Ok(count)
    })
}

/// How many pages went to the backing store, and how many came back.
#[must_use]
pub fn traffic() -> (u32, u32) {
    pinned((), |()| (vm().swap.out, vm().swap.back))
}

/// Gives so many pages back to Aegis; tells how many it could.
pub fn give_up(count: u32) -> u32 {
    pinned(count, |count| (0..count).take_while(|_| vm().evict()).count() as u32)
}

impl Vm {
    /// Gives one page of this process's back to Aegis, its contents to the backing store. False if there is no page
    /// or no place for it.
    pub(crate) fn evict(&mut self) -> bool {
        let Some(place) = self.swap.free_place() else { return false };
        let Some(victim) = self.victim() else { return false };
        let (read, write) = (self.rights[OWN].read, self.swap.rights.write);
        if copy((victim.page(), read), (self.swap.pages[place], write)).is_err() {
            return false;
        }
        let mut gone = victim;
        gone.entry = (place as u32) << PAGE_SHIFT | victim.entry & Mapping::UNCACHED.bits() | SWAPPED;
        if let Some(entry) = self.table().find(victim.vpn()) {
            *entry = gone;
        }
        self.swap.used |= 1 << place;
        self.swap.out += 1;
        let _ = call::tlb_delete(address(victim.vpn()));
        self.give_page(victim.page());
        true
    }

    /// The next page of this process's alone that has not been touched since the clock last came by.
    fn victim(&mut self) -> Option<Pte> {
        let (begin, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        let entries = self.table().len();
        let mut at = self.swap.hand.max(begin);
        // Once round to take the referenced bits, once more to find one without, and the rest of the round it began in.
        for _ in 0..3 * entries + 2 {
            let Some(pte) = self.table().run(at, end).first_mut() else {
                at = begin;
                continue;
            };
            at = pte.vpn() + 1;
            let soft = pte.soft();
            if pte.capability() != OWN
                || pte.entry & (SWAPPED | DEMAND) != 0
                || soft.intersects(Soft::SHARED | Soft::COW)
            {
                continue;
            }
            if !soft.contains(Soft::REFERENCED) {
                let victim = *pte;
                self.swap.hand = at;
                return Some(victim);
            }
            pte.set_soft(soft - Soft::REFERENCED);
            // So that the next touch comes here.
            let _ = call::tlb_delete(address(at - 1));
        }
        None
    }

    /// Brings a page back.
    pub(crate) fn swap_in(&mut self, pte: Pte) -> Result<Pte, VmError> {
        let place = pte.page() as usize;
        let (number, _) = self.take_page(pte.vpn())?;
        let (read, write) = (self.swap.rights.read, self.rights[OWN].write);
        let from = *self.swap.pages.get(place).ok_or(VmError::NoMemory)?;
        if let Err(error) = copy((from, read), (number, write)) {
            self.give_page(number);
            return Err(error);
        }
        self.swap.used &= !(1 << place);
        self.swap.back += 1;
        let mut here = pte;
        here.entry = number << PAGE_SHIFT | pte.entry & Mapping::UNCACHED.bits();
        Ok(here)
    }
}

impl Vm {
    /// Brings everything back: a child could not.
    pub(crate) fn swap_in_all(&mut self) -> Result<(), VmError> {
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        while self.swap.used != 0 {
            let Some(pte) = self.table().run(at, end).first().copied() else { break };
            at = pte.vpn() + 1;
            if pte.entry & SWAPPED != 0 {
                let here = self.swap_in(pte)?;
                if let Some(entry) = self.table().find(here.vpn()) {
                    *entry = here;
                }
            }
        }
        Ok(())
    }
}

/// Copies a page by way of two windows.
pub(super) fn copy((from, read): (u32, Capability), (to, write): (u32, Capability)) -> Result<(), VmError> {
    let [source, target] = [WINDOWS[2], WINDOWS[3]];
    memory::pin(memory::myself(), source, from, Mapping::empty(), read)?;
    let pinned = memory::pin(memory::myself(), target, to, Mapping::WRITABLE, write);
    if pinned.is_ok() {
        // SAFETY: both pages are pinned at their windows.
        unsafe { core::ptr::copy_nonoverlapping(source as *const u32, target as *mut u32, 1024) };
        memory::unpin(memory::myself(), target)?;
    }
    memory::unpin(memory::myself(), source)?;
    Ok(pinned?)
}
