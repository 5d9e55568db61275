//! What Aegis has taken by force (paper, section 3.4): the library looks at the repossession vector and corrects its page
//! table. What was saved to the backing store comes back like what went there by itself ([`swap`](super::swap)); what had
//! never been written begins as zeroes again; the rest is lost, and touching it is a bus error.
//!
//! A page is missed in one of three places: at the start of the next slice, which begins where Aegis tells of it; when a
//! binding is refused in the middle of a handler; and before a page is allocated, so that an entry never names a
//! page that has come back as another.

use aegis_abi::environment::{REPOSSESSIONS, Repossession, Taken};
use aegis_abi::layout::{ANY, Mapping, PAGE_SHIFT, Resource, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::{ABSENT, DEMAND, LOST, OWN, SWAPPED, Vm};
use crate::layout::page;
use crate::{call, memory, slice};

/// Whether Aegis has taken something by force that this process has not looked at.
pub(crate) fn has_losses() -> bool {
    // SAFETY: the environment's page is mapped. Volatile: Aegis writes it while this process does not run.
    unsafe { (&raw const memory::environment().repossession.count).read_volatile() != 0 }
}

impl Vm {
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
            let is_it =
                |taken: &&Taken| taken.resource == Resource::Pages as u32 && taken.number == pte.page();
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
        let bits = pte.entry & Mapping::UNCACHED.bits();
        let gone = match self.swap.store.place_of(saved) {
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
