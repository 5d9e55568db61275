//! Faults: TLB misses and stores to what is bound read-only (paper, sections 5.4 and 6.2).
//!
//! Runs in the trampoline of [`crate::exception`], on the handlers' stack. In this order: a page that the program has
//! protected itself is its own fault handler's at once, without a search (that is the `trap` of Table 10); what the page table or a
//! region explains is mended here; the rest is an exception of the program.

use aegis_abi::environment::cause;
use aegis_abi::layout::{Mapping, PAGE_SHIFT, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::{ABSENT, DEMAND, LOST, OWN, Vm, VmError, pages, pinned, vm};
use crate::exception::Frame;
use crate::layout::address;

/// The program's own handler of faults on pages that it has protected: after Appel and Li. It is given what was
/// interrupted, the address, and whether it is a store; usually it unprotects the page, and then the access
/// is tried again. It may fault itself.
pub type Handler = fn(&mut Frame, u32, bool);

const WATCHED: usize = 256;
/// Pages of a range that are watched.
const RANGE: usize = 512;

/// What is known of the program's own faults without a search.
struct Watch {
    handler: Option<Handler>,
    /// Pages that the program has protected, by the low bits of their number: page and epoch. One that is not here is searched
    /// for in the table.
    pages: [u32; WATCHED],
    /// An entry of another epoch means nothing. Never zero while there is a handler.
    epoch: u32,
    /// The range that was protected last: its first page, and a bit for each page that still is.
    range: u32,
    bits: [u32; RANGE / 32],
    /// Words of `bits` that may not be zero: the first so many.
    words: usize,
    /// The page of the fault that is being handled, if it is a store's: who unprotects it now will write it.
    storing: u32,
}

#[unsafe(link_section = ".bss.pinned.watch")]
static mut WATCH: Watch = Watch {
    handler: None,
    pages: [0; WATCHED],
    epoch: 0,
    range: 0,
    bits: [0; RANGE / 32],
    words: 0,
    storing: 0,
};

fn watch() -> &'static mut Watch {
    // SAFETY: as `vm()`: from handlers and pinned operations, none of which keeps it.
    unsafe { &mut *&raw mut WATCH }
}

/// Notes that the program has taken rights from a page.
#[inline(always)]
pub(super) fn protected(vpn: u32) {
    let watch = watch();
    watch.pages[vpn as usize % WATCHED] = vpn << PAGE_SHIFT | watch.epoch;
}

/// Notes that it has given them back.
#[inline(always)]
pub(super) fn unprotected(vpn: u32) {
    let watch = watch();
    let place = &mut watch.pages[vpn as usize % WATCHED];
    if *place >> PAGE_SHIFT == vpn {
        *place = 0;
    }
    let index = vpn.wrapping_sub(watch.range) as usize;
    if let Some(word) = watch.bits.get_mut(index / 32) {
        *word &= !(1 << (index % 32));
    }
}

/// Notes that it has taken rights from pages `first..end`. What does not fit is searched for in the table.
pub(super) fn protected_many(first: u32, end: u32) {
    let watch = watch();
    watch.range = first;
    let count = ((end - first) as usize).min(RANGE);
    let (whole, part) = (count / 32, count % 32);
    let before = core::mem::replace(&mut watch.words, count.div_ceil(32));
    for (index, word) in watch.bits.iter_mut().enumerate().take(before.max(whole)) {
        *word = if index < whole { u32::MAX } else { 0 };
    }
    if let Some(word) = watch.bits.get_mut(whole) {
        *word = (1 << part) - 1;
    }
}

/// Notes that it has given them back to many pages.
pub(super) fn unprotected_many() {
    let watch = watch();
    watch.bits.iter_mut().take(core::mem::take(&mut watch.words)).for_each(|word| *word = 0);
    watch.epoch = watch.epoch % 0xfff + 1;
    if watch.epoch == 1 {
        watch.pages.fill(0);
    }
}

/// Whether the store that faulted on this page waits to be tried again.
#[inline(always)]
pub(super) fn about_to_be_written(vpn: u32) -> bool {
    watch().storing == vpn
}

/// Makes `handler` the one of faults on pages that the program has protected, or nobody.
pub fn set_handler(handler: Option<Handler>) {
    pinned(handler, |handler| {
        unprotected_many();
        watch().handler = handler;
    });
}

/// Called by the trampoline with what was interrupted. 0: it can go on; else it is for the handler of exceptions.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.hot.fault")]
extern "C" fn exos_fault(frame: &mut Frame, bad_address: u32, cause_word: u32) -> u32 {
    let watch = watch();
    let tag = bad_address & !0xfff | watch.epoch;
    let vpn = bad_address >> PAGE_SHIFT;
    let known = watch.pages[vpn as usize % WATCHED] == tag || {
        let index = vpn.wrapping_sub(watch.range) as usize;
        watch.bits.get(index / 32).is_some_and(|word| word >> (index % 32) & 1 != 0)
    };
    // No protected page may be written, but some may be read: a load that only misses is the table's affair. The codes of
    // stores to what may be mapped; an unaligned one is not the handler's.
    let store = matches!(cause::code(cause_word), cause::TLB_STORE | cause::MODIFIED);
    if let Some(handler) = watch.handler.filter(|_| known && store) {
        call_handler(handler, frame, bad_address, true);
        return 0;
    }
    search(frame, bad_address, cause_word)
}

#[inline(always)]
fn call_handler(handler: Handler, frame: &mut Frame, bad_address: u32, store: bool) {
    watch().storing = if store { bad_address >> PAGE_SHIFT } else { 0 };
    handler(frame, bad_address, store);
    watch().storing = 0;
}

#[inline(never)]
fn search(frame: &mut Frame, bad_address: u32, cause_word: u32) -> u32 {
    frame.bad_address = bad_address;
    frame.cause = cause_word;
    let store = match cause::code(cause_word) {
        cause::TLB_LOAD => false,
        cause::TLB_STORE | cause::MODIFIED => true,
        _ => return 1,
    };
    if !(SECOND_SEGMENT_END..USER_END).contains(&bad_address) || vm().table.is_none() {
        return 1;
    }
    let vpn = bad_address >> PAGE_SHIFT;
    let done = loop {
        match vm().resolve(vpn, store) {
            Err(Fault::Lost) if vm().notice_losses() => {}
            done => break done,
        }
    };
    match done {
        Ok(()) => 0,
        Err(Fault::Protection) => match watch().handler {
            Some(handler) => {
                protected(vpn);
                call_handler(handler, frame, bad_address, store);
                0
            }
            None => 1,
        },
        Err(Fault::NoMemory) => {
            crate::signal::out_of_memory(frame);
            1
        }
        Err(Fault::Nothing) => 1,
        Err(Fault::Lost) => {
            // As the hardware says it where there is no memory.
            frame.cause = cause::with_code(cause_word, cause::BUS_DATA);
            1
        }
    }
}

/// What a fault is if it is not the library's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The page is there, and the access is not allowed.
    Protection,
    /// Nothing is mapped there.
    Nothing,
    /// It cannot be brought there.
    NoMemory,
    /// It was taken away, by Aegis or by whom it belongs to.
    Lost,
}

impl From<VmError> for Fault {
    fn from(error: VmError) -> Self {
        match error {
            VmError::NoMemory => Self::NoMemory,
            _ => Self::Lost,
        }
    }
}

impl Vm {
    /// Brings a page to where it can be read, or written, and binds it.
    pub(crate) fn resolve(&mut self, vpn: u32, store: bool) -> Result<(), Fault> {
        let Some(found) = self.table().find(vpn) else { return self.touch_region(vpn, store) };
        let soft = found.soft();
        if !soft.contains(Soft::READ) || store && !soft.contains(Soft::WRITE) {
            return Err(Fault::Protection);
        }
        let mut pte = *found;
        if pte.entry & ABSENT != 0 {
            if pte.entry & DEMAND != 0 {
                return self.bring(vpn, soft, pte.entry & Mapping::UNCACHED.bits(), store);
            } else if pte.entry & LOST != 0 {
                return Err(Fault::Lost);
            }
            pte = self.swap_in(pte)?;
        }
        if store && soft.contains(Soft::COW) {
            pte = self.copy(pte)?;
        }
        let gained = if store { Soft::REFERENCED | Soft::DIRTY } else { Soft::REFERENCED };
        pte.set_soft(pte.soft() | gained);
        if let Some(entry) = self.table().find(vpn) {
            *entry = pte;
        }
        Ok(self.bind(pte)?)
    }

    /// A page that is touched for the first time.
    fn touch_region(&mut self, vpn: u32, store: bool) -> Result<(), Fault> {
        let Some(region) = self.region_of(vpn) else { return Err(Fault::Nothing) };
        let soft = Soft::from_bits_truncate(region.soft);
        if !soft.contains(Soft::READ) || store && !soft.contains(Soft::WRITE) {
            return Err(Fault::Protection);
        }
        self.bring(vpn, soft, 0, store)
    }

    /// Gives a page of zeroes to where there is none yet, mapped with these bits.
    fn bring(&mut self, vpn: u32, soft: Soft, bits: u32, store: bool) -> Result<(), Fault> {
        let (page, clean) = self.take_page(vpn)?;
        let gained = if store { Soft::REFERENCED | Soft::DIRTY } else { Soft::REFERENCED };
        let pte = Pte::new(vpn, soft | gained, OWN, page << PAGE_SHIFT | bits);
        self.insert(pte).inspect_err(|_| self.give_page(page))?;
        if !clean {
            // Once bound it can be cleared where it is. What may be written only later is bound so for that long.
            let mut writable = pte;
            writable.set_soft(pte.soft() | Soft::WRITE | Soft::DIRTY);
            self.bind(writable)?;
            pages::clear(address(vpn));
            // A miss in the middle of that counts as the program's store: it is not.
            if let Some(entry) = self.table().find(vpn) {
                *entry = pte;
            }
        }
        if clean || !store {
            self.bind(pte)?;
        }
        Ok(())
    }

    /// Replaces a page that is shared until it is written by a copy of this process's own. The page stays with whom it
    /// belongs to; if that is this process and nobody borrows from it any more, it is the copy.
    fn copy(&mut self, pte: Pte) -> Result<Pte, VmError> {
        let mut own = pte;
        own.set_soft(pte.soft() - Soft::COW);
        if pte.capability() == OWN && !crate::process::somebody_borrows() {
            return Ok(own);
        }
        let (page, _) = self.take_page(pte.vpn())?;
        let rights = self.rights[OWN];
        let source = self.rights[pte.capability()].read;
        super::swap::copy((pte.entry, source), (page << PAGE_SHIFT, rights.write))
            .inspect_err(|_| self.give_page(page))?;
        if pte.capability() == OWN {
            // Somebody borrows it still: it is freed when nobody does any more.
            crate::process::hot().lend(pte.page());
        }
        let mut own = own.with_capability(OWN);
        own.entry = page << PAGE_SHIFT | own.entry & Mapping::UNCACHED.bits();
        Ok(own)
    }
}
