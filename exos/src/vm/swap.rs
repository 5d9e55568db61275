//! Pages given up and brought back (paper, sections 3.3 and 6.2); what is taken by force is the next room's
//! ([`repossession`](super::repossession)).
//!
//! Aegis asks for pages; which ones, and where their contents go, is the library's choice. The victim is found by a
//! clock that goes round the page table: a page that was touched since the clock last came by is passed over once. What
//! has never been written is forgotten, the rest goes to the backing store, if the program has chosen one
//! ([`set_store`]): pages that somebody else owns and lends. The paper's disk blocks are not there yet.
//!
//! Places of the store that are free are in the repossession vector beforehand: what Aegis takes by force it saves
//! there.

use aegis_abi::Capability;
use aegis_abi::layout::{ANY, BACKINGS, Mapping, PAGE_SHIFT, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::repossession::has_losses;
use super::{ABSENT, DEMAND, OWN, Rights, SWAPPED, Vm, VmError, pinned, vm};
use crate::call;
use crate::layout::{address, page};
use crate::memory::{self, WINDOWS};

/// Pages that a backing store can have.
pub const STORE_PAGES: usize = 64;

/// A backing store: pages of somebody's that answer to one pair of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    pages: [u32; STORE_PAGES],
    pub(super) count: usize,
    rights: Rights,
}

impl Store {
    const NONE: Self = Self {
        pages: [0; STORE_PAGES],
        count: 0,
        rights: Rights { read: Capability::NONE, write: Capability::NONE },
    };

    /// Allocates so many pages, at most [`STORE_PAGES`], for a store to lend: they stay this process's, and a child's own
    /// pages can go there.
    ///
    /// # Errors
    /// [`VmError::NoMemory`]: none are allocated then.
    pub fn allocate(count: usize) -> Result<Self, VmError> {
        let rights = Rights { read: memory::capability(), write: memory::capability() };
        let mut store = Self { rights, ..Self::NONE };
        let ([a, b], [c, d]) = (rights.read.words(), rights.write.words());
        for place in store.pages.iter_mut().take(count) {
            match call::page_alloc(ANY, a, b, c, d) {
                Ok(page) => *place = page,
                Err(error) => {
                    store.free();
                    return Err(error.into());
                }
            }
            pinned(*place, |number| crate::process::hot().know(number));
            store.count += 1;
        }
        Ok(store)
    }

    /// The place of a page.
    pub(super) fn place_of(&self, page: u32) -> Option<usize> {
        self.pages[..self.count].iter().position(|found| *found == page)
    }

    /// Frees its pages. Whose memory is there has lost it.
    pub fn free(self) {
        for page in &self.pages[..self.count] {
            let _ = call::page_free(*page);
        }
    }
}

/// The backing store, and how far the clock has come.
pub(crate) struct Swap {
    pub(super) store: Store,
    /// Places of the store that something is in, a bit each.
    pub(super) used: u64,
    /// Places that Aegis may save to.
    loaded: u64,
    hand: u32,
    /// Nothing is to go out now.
    holds: bool,
    /// For whoever wants to know.
    pub(super) traffic: Traffic,
}

/// What has happened to pages of this process's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Went to the backing store, by this process or by force.
    pub out: u32,
    /// Came back from there.
    pub back: u32,
    /// Were forgotten, since nothing had been written to them.
    pub forgotten: u32,
    /// Were taken by force, with what was in them.
    pub lost: u32,
}

impl Swap {
    pub(crate) const NEW: Self = Self {
        store: Store::NONE,
        used: 0,
        loaded: 0,
        hand: 0,
        holds: false,
        traffic: Traffic { out: 0, back: 0, forgotten: 0, lost: 0 },
    };

    fn free_places(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let used = self.used;
        (0..self.store.count).filter(move |place| used & 1 << place == 0)
    }

    /// Frees the place of a page that is not needed any more.
    pub(crate) fn forget(&mut self, pte: Pte) {
        self.used &= !(1 << pte.page());
    }

    /// Loads the repossession vector with free places, from the last on: what this process gives up itself goes to
    /// the first.
    pub(super) fn load(&mut self) {
        let [low, high] = self.store.rights.write.words();
        let mut free = self.free_places().rev();
        let mut loaded = 0;
        for index in 0..BACKINGS as u32 {
            let place = free.next();
            let page = place.map_or(ANY, |place| self.store.pages[place]);
            let answer = call::backing(index, page, low, high);
            if let (Some(place), Ok(_)) = (place, answer) {
                loaded |= 1 << place;
            }
        }
        self.loaded = loaded;
    }

    /// There is no store any more: nothing is to be saved there.
    pub(crate) fn forget_store(&mut self) {
        if self.store.count > 0 {
            *self = Self::NEW;
            self.load();
        }
    }
}

/// Chooses a backing store. A child has none before it chooses one itself.
///
/// # Errors
/// [`VmError::Taken`] while something is in the one that there is.
pub fn set_store(store: Store) -> Result<(), VmError> {
    pinned(store, |store| {
        let swap = &mut vm().swap;
        if swap.used != 0 {
            return Err(VmError::Taken);
        }
        swap.store = store;
        swap.load();
        Ok(())
    })
}

/// What has happened to pages of this process's.
#[must_use]
pub fn traffic() -> Traffic {
    pinned((), |()| vm().swap.traffic)
}

/// Gives so many pages back to Aegis; tells how many it could.
pub fn give_up(count: u32) -> u32 {
    pinned(count, |count| {
        let vm = vm();
        vm.free_lent();
        vm.take_back();
        let given = (0..count).take_while(|_| vm.evict()).count() as u32;
        if vm.swap.store.count > 0 {
            vm.swap.load();
        }
        given
    })
}

impl Vm {
    /// Gives one page of this process's back to Aegis. False if there is none that could be had again.
    #[cold]
    pub(crate) fn evict(&mut self) -> bool {
        if self.swap.holds {
            return false;
        }
        let has_place = self.swap.free_places().next().is_some();
        let Some(victim) = self.victim(has_place) else { return false };
        let mut gone = victim;
        let bits = victim.entry & Mapping::UNCACHED.bits();
        if !victim.soft().contains(Soft::DIRTY) {
            gone.entry = bits | DEMAND;
            self.swap.traffic.forgotten += 1;
        } else {
            let Some(place) = self.take_place() else { return false };
            let (read, write) = (self.rights[OWN].read, self.swap.store.rights.write);
            let to = (self.swap.store.pages[place] << PAGE_SHIFT, write);
            if copy((victim.entry, read), to).is_err() {
                self.swap.used &= !(1 << place);
                return false;
            }
            gone.entry = (place as u32) << PAGE_SHIFT | bits | SWAPPED;
            self.swap.traffic.out += 1;
        }
        if let Some(entry) = self.table().find(victim.vpn()) {
            *entry = gone;
        }
        let _ = call::tlb_delete(address(victim.vpn()));
        self.give_page(victim.page());
        true
    }

    /// Takes a free place of the store, which Aegis has not saved to and does not save to any more.
    fn take_place(&mut self) -> Option<usize> {
        loop {
            self.notice_losses();
            let place = self.swap.free_places().next()?;
            self.swap.used |= 1 << place;
            if self.swap.loaded & 1 << place == 0 {
                return Some(place);
            }
            self.swap.load();
            if !has_losses() {
                return Some(place);
            }
            // Perhaps it was saved to in between.
            self.swap.used &= !(1 << place);
        }
    }

    /// The next page of this process's alone that has not been touched since the clock last came by, a written one only
    /// if there is a place for it.
    fn victim(&mut self, has_place: bool) -> Option<Pte> {
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
                || pte.entry & ABSENT != 0
                || soft.intersects(Soft::SHARED | Soft::COW)
                || soft.contains(Soft::DIRTY) && !has_place
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

    /// Pages that children have borrowed, and nobody does any more, are this process's alone again.
    fn take_back(&mut self) {
        if crate::process::somebody_borrows() {
            return;
        }
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        while let Some(pte) = self.table().run(at, end).first_mut() {
            at = pte.vpn() + 1;
            if pte.capability() == OWN {
                pte.set_soft(pte.soft() - Soft::COW);
            }
        }
    }

    /// Brings a page back.
    #[cold]
    pub(crate) fn swap_in(&mut self, pte: Pte) -> Result<Pte, VmError> {
        let place = pte.page() as usize;
        let (number, _) = self.take_page(pte.vpn())?;
        let (read, write) = (self.swap.store.rights.read, self.rights[OWN].write);
        let from = *self.swap.store.pages.get(place).ok_or(VmError::NoMemory)?;
        if let Err(error) = copy((from << PAGE_SHIFT, read), (number << PAGE_SHIFT, write)) {
            self.give_page(number);
            return Err(error);
        }
        self.swap.used &= !(1 << place);
        self.swap.traffic.back += 1;
        let mut here = pte;
        here.entry = number << PAGE_SHIFT | pte.entry & Mapping::UNCACHED.bits();
        Ok(here)
    }

    /// Brings everything back: a child could not.
    pub(crate) fn swap_in_all(&mut self) -> Result<(), VmError> {
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        // One page is not to come back at the cost of another.
        self.swap.holds = true;
        let mut done = Ok(());
        while self.swap.used != 0
            && done.is_ok()
            && let Some(pte) = self.table().run(at, end).first().copied()
        {
            at = pte.vpn() + 1;
            if pte.entry & SWAPPED != 0 {
                done = self.swap_in(pte).map(|here| {
                    if let Some(entry) = self.table().find(here.vpn()) {
                        *entry = here;
                    }
                });
            }
        }
        self.swap.holds = false;
        done
    }
}

/// Copies a page by way of two windows: from one entry's page to another's, cached or not as these say.
pub(super) fn copy((from, read): (u32, Capability), (to, write): (u32, Capability)) -> Result<(), VmError> {
    let [source, target] = [WINDOWS[2], WINDOWS[3]];
    let cached = |entry: u32| Mapping::from_bits_truncate(entry & Mapping::UNCACHED.bits());
    memory::pin(memory::myself(), source, from >> PAGE_SHIFT, cached(from), read)?;
    let to_be_written = Mapping::WRITABLE | cached(to);
    let pinned = memory::pin(memory::myself(), target, to >> PAGE_SHIFT, to_be_written, write);
    if pinned.is_ok() {
        // SAFETY: both pages are pinned at their windows.
        unsafe { core::ptr::copy_nonoverlapping(source as *const u32, target as *mut u32, 1024) };
        memory::unpin(memory::myself(), target)?;
    }
    memory::unpin(memory::myself(), source)?;
    Ok(pinned?)
}
