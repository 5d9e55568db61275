//! Physical pages: which ones this process asks Aegis for, and which of them have to be cleared (paper, sections 3.1 and
//! 6.2: libraries name the pages that they want, so that they can colour them).

use aegis_abi::Error;
use aegis_abi::calls::Fact;
use aegis_abi::layout::{ANY, ENVIRONMENT_PAGE, PAGE_SIZE};
use aegis_abi::map::{Binding, STLB_ENTRIES};

use super::{OWN, Vm, VmError, pinned, vm};
use crate::layout::DATA;
use crate::memory::{COLOURS, colour};
use crate::{call, memory, process};

/// Which physical page a virtual one gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Colouring {
    /// One of the virtual page's own colour, so that neighbours never meet in a cache that is mapped by physical address;
    /// every other process is half a cache away, so that two that call each other seldom meet.
    Virtual = 0,
    /// The one that Aegis gives.
    Any = 1,
    /// One of always the same colour: the worst choice, for those who want to see what it costs.
    Same = 2,
}

/// Where pages come from.
pub(crate) struct Source {
    colouring: u32,
    /// Where to look next for a page of each colour.
    next: [u32; COLOURS as usize],
    /// How many own pages it has.
    pub held: u32,
}

impl Source {
    pub(crate) const NEW: Self = Self { colouring: 0, next: [0; COLOURS as usize], held: 0 };
}

/// How far a physical page's colour is from its virtual page's: none or half a cache; and one more where the program's first
/// page of data, all that small programs have, would meet the environment's page, which every exception goes through.
fn shift() -> u32 {
    let shift = process::slot() as u32 % 2 * (COLOURS / 2);
    let environment = memory::pinned(ENVIRONMENT_PAGE).unwrap_or(0);
    let meet = colour(crate::layout::page(DATA) + shift) == colour(environment);
    shift + u32::from(meet)
}

/// Clears the page at an address that is mapped writable.
pub(crate) fn clear(address: u32) {
    // SAFETY: the caller's page, mapped there. A miss on it is a matter of the STLB.
    unsafe { core::ptr::write_bytes(address as *mut u32, 0, PAGE_SIZE as usize / 4) };
}

impl Vm {
    fn allocate(&mut self, number: u32) -> Result<u32, Error> {
        let own = self.rights[OWN];
        let ([read_low, read_high], [write_low, write_high]) = (own.read.words(), own.write.words());
        call::page_alloc(number, read_low, read_high, write_low, write_high)
    }

    /// A page of a colour, or any if none is found soon.
    fn allocate_colour(&mut self, wanted: u32) -> Result<u32, Error> {
        const TRIES: u32 = 64;
        let next = self.pages.next[wanted as usize];
        let mut candidate = if next == 0 { wanted } else { next };
        for _ in 0..TRIES {
            match self.allocate(candidate) {
                Ok(page) => {
                    self.pages.next[wanted as usize] = page + COLOURS;
                    return Ok(page);
                }
                Err(Error::NoPage) => candidate = wanted,
                Err(Error::Busy) => candidate += COLOURS,
                Err(error) => return Err(error),
            }
        }
        self.pages.next[wanted as usize] = candidate;
        self.allocate(ANY)
    }

    /// A page of this process's for a virtual page, and whether it is all zeroes. If there is none left, one is
    /// swapped out.
    pub(crate) fn take_page(&mut self, vpn: u32) -> Result<(u32, bool), VmError> {
        self.take(match self.pages.colouring {
            0 => Some(colour(vpn + shift())),
            1 => None,
            _ => Some(0),
        })
    }

    /// The same for the page table's memory, of which this is the page `index`: away from the software TLB, which whoever
    /// changes a mapping goes through together with the table, and which takes half of the cache.
    pub(super) fn take_table_page(&mut self, index: u32) -> Result<(u32, bool), VmError> {
        const STLB_PAGES: u32 = (STLB_ENTRIES * size_of::<Binding>()) as u32 / PAGE_SIZE;
        let stlb = call::machine(Fact::StlbPage as u32)?;
        self.take(Some(colour(stlb + STLB_PAGES + index % (COLOURS - STLB_PAGES))))
    }

    fn take(&mut self, wanted: Option<u32>) -> Result<(u32, bool), VmError> {
        loop {
            // So that an entry of the table that names a page is not older than the page.
            self.notice_losses();
            let page = match wanted {
                Some(colour) => self.allocate_colour(colour),
                None => self.allocate(ANY),
            };
            match page {
                Ok(page) if super::repossession::has_losses() => {
                    let _ = call::page_free(page);
                }
                Ok(page) => {
                    self.pages.held += 1;
                    return Ok((page, !process::hot().know(page)));
                }
                Err(Error::Exhausted) if self.evict() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Frees what was kept for those who borrowed it, if nobody does any more.
    pub(crate) fn free_lent(&mut self) {
        if process::hot().lends == 0 || process::somebody_borrows() {
            return;
        }
        process::hot().lends = 0;
        for index in 0..process::hot().lent.len() {
            let mut word = core::mem::take(&mut process::hot().lent[index]);
            while word != 0 {
                let bit = word.trailing_zeros();
                word &= word - 1;
                self.give_page(index as u32 * 32 + bit);
            }
        }
    }

    /// Gives a page of this process's back.
    pub(crate) fn give_page(&mut self, page: u32) {
        if call::page_free(page).is_ok() {
            self.pages.held -= 1;
        }
    }
}

/// Chooses which physical pages are asked for from now on.
pub fn set_colouring(colouring: Colouring) {
    pinned(colouring as u32, |colouring| vm().pages.colouring = colouring);
}

/// How many physical pages this process holds for its memory and its page table.
#[must_use]
pub fn held() -> u32 {
    pinned((), |()| vm().pages.held)
}
