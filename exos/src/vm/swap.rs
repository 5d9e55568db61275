//! Pages given up, pages taken by force, and pages brought back (paper, sections 3.3, 3.4 and 6.2).
//!
//! Aegis asks for pages; which ones, and where their contents go, is the library's choice. The victim is found by a
//! clock that goes round the page table: a page that was touched since the clock last came by is passed over once. What
//! has never been written is forgotten, the rest goes to the backing store, if the program has chosen one
//! ([`set_store`]): pages that somebody else owns and lends. The paper's disk blocks are not there yet.
//!
//! Places of the store that are free are in the repossession vector beforehand: what Aegis takes by force it saves
//! there. What could not be saved is lost, and touching it is a bus error.

use aegis_abi::Capability;
use aegis_abi::environment::{REPOSSESSIONS, Repossession};
use aegis_abi::layout::{ANY, BACKINGS, Mapping, PAGE_SHIFT, Resource, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::{ABSENT, DEMAND, LOST, OWN, Rights, SWAPPED, Vm, VmError, pinned, vm};
use crate::layout::{address, page};
use crate::memory::{self, WINDOWS};
use crate::{call, slice};

/// Pages that a backing store can have.
pub const STORE_PAGES: usize = 64;

/// A backing store: pages of somebody's that answer to one pair of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    pages: [u32; STORE_PAGES],
    count: usize,
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

    /// Frees its pages. Whose memory is there has lost it.
    pub fn free(self) {
        for page in &self.pages[..self.count] {
            let _ = call::page_free(*page);
        }
    }
}

/// The backing store, and how far the clock has come.
pub(crate) struct Swap {
    store: Store,
    /// Places of the store that something is in, a bit each.
    used: u64,
    /// Places that Aegis may save to.
    loaded: u64,
    hand: u32,
    /// Nothing is to go out now.
    holds: bool,
    /// Pages that went out, came in, and were lost, for whoever wants to know.
    traffic: Traffic,
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
    fn load(&mut self) {
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

    /// Takes a free place.
    fn take_place(&mut self) -> Option<usize> {
        let place = self.free_places().next()?;
        self.used |= 1 << place;
        if self.loaded & 1 << place != 0 {
            self.load();
        }
        Some(place)
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

/// Whether Aegis has taken something by force that this process has not looked at.
pub(crate) fn has_losses() -> bool {
    // SAFETY: the environment's page is mapped. Volatile: Aegis writes it while this process does not run.
    unsafe { (&raw const memory::environment().repossession.count).read_volatile() != 0 }
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
            let Some(place) = self.swap.take_place() else { return false };
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
        if crate::process::is_process() && crate::process::somebody_borrows() {
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

    /// Notes in the table what Aegis has taken by force, and where it is now. Tells whether there was something.
    #[inline(always)]
    pub(crate) fn notice_losses(&mut self) -> bool {
        let something = has_losses();
        if something {
            self.note_losses();
        }
        something
    }

    #[cold]
    #[inline(never)]
    fn note_losses(&mut self) {
        // Whole: what is taken from now on is told anew.
        let lost = slice::critical(|| {
            // SAFETY: as in `has_losses`.
            let lost: Repossession =
                unsafe { (&raw const memory::environment().repossession).read_volatile() };
            let _ = call::repossession_done();
            lost
        });
        let told = &lost.taken[..(lost.count as usize).min(REPOSSESSIONS)];
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        while let Some(pte) = self.table().run(at, end).first().copied() {
            at = pte.vpn() + 1;
            if pte.capability() != OWN || pte.entry & ABSENT != 0 {
                continue;
            }
            let is_it = |taken: &&_| {
                let aegis_abi::environment::Taken { resource, number, .. } = **taken;
                resource == Resource::Pages as u32 && number == pte.page()
            };
            let saved = match told.iter().find(is_it) {
                Some(taken) => taken.saved,
                // More were taken than the vector has room for: that one was nobody has said.
                None if lost.count as usize > REPOSSESSIONS
                    && call::page_owner(pte.page()) != Ok(memory::myself().0) =>
                {
                    ANY
                }
                None => continue,
            };
            self.pages.held -= 1;
            self.lose(pte, saved);
        }
        if self.swap.store.count > 0 {
            self.swap.load();
        }
    }

    /// A page is not this process's any more: it was saved to one of the store's, or nowhere.
    fn lose(&mut self, pte: Pte, saved: u32) {
        let store = &self.swap.store;
        let place = store.pages[..store.count].iter().position(|page| *page == saved);
        let bits = pte.entry & Mapping::UNCACHED.bits();
        let gone = match place {
            Some(place) => {
                self.swap.used |= 1 << place;
                self.swap.traffic.out += 1;
                (place as u32) << PAGE_SHIFT | SWAPPED
            }
            None if !pte.soft().contains(Soft::DIRTY) => {
                self.swap.traffic.forgotten += 1;
                DEMAND
            }
            None => {
                self.swap.traffic.lost += 1;
                LOST
            }
        };
        if let Some(entry) = self.table().find(pte.vpn()) {
            entry.entry = bits | gone;
        }
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
