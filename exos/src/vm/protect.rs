//! Protection, and what is known of pages (paper, section 6.2: prot1, prot100, unprot100, dirty).
//!
//! A change of protection touches the page table and both TLBs. One page is bound anew at once. Of a range the
//! bindings are taken back, in one call, if rights are lost; what gains rights is bound when it is touched.

use aegis_abi::layout::{Mapping, PAGE_SIZE, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::map::{Protection, pages_of};
use super::{ABSENT, DEMAND, OWN, Vm, VmError, fault, pinned, pinned_words, vm};
use crate::call;
use crate::layout::address;

const RIGHTS: Soft = Soft::READ.union(Soft::WRITE);

/// Sets what the program may do with the memory at an address, a multiple of a page, for so many bytes.
///
/// # Errors
/// [`VmError::Range`], [`VmError::Unmapped`] if something of it is not mapped: nothing is changed then;
/// [`VmError::NoMemory`] if that cannot be noted for all of it: what has been touched is changed then.
#[inline]
pub fn protect(start: u32, bytes: u32, protection: Protection) -> Result<(), VmError> {
    let code = pinned_words([start, bytes, protection.soft().bits()], protect_words).cast_signed();
    if code >= 0 { Ok(()) } else { Err(error_of(code)) }
}

/// What is not an error of Aegis's, as a word.
const RANGE: i32 = -100;
const UNMAPPED: i32 = -101;
const NO_MEMORY: i32 = -102;

/// What a refused protection answers in a word.
fn error_of(code: i32) -> VmError {
    match code {
        RANGE => VmError::Range,
        UNMAPPED => VmError::Unmapped,
        NO_MEMORY => VmError::NoMemory,
        code => VmError::Refused(
            aegis_abi::Error::from_code(code.cast_unsigned()).unwrap_or(aegis_abi::Error::Invalid),
        ),
    }
}

/// A negative word if it is refused.
#[unsafe(link_section = ".text.warm")]
extern "C" fn protect_words(start: u32, bytes: u32, soft: u32) -> u32 {
    let one = bytes == PAGE_SIZE && start & (USER_END | (PAGE_SIZE - 1)) == 0 && start >= SECOND_SEGMENT_END;
    if one && let Some(code) = vm().rebind(crate::layout::page(start), Soft::from_bits_retain(soft)) {
        return code;
    }
    protect_any(start, bytes, soft)
}

#[inline(never)]
fn protect_any(start: u32, bytes: u32, soft: u32) -> u32 {
    let soft = Soft::from_bits_truncate(soft);
    let done = pages_of(start, bytes).and_then(|(first, end)| {
        if end - first == 1 { vm().protect_page(first, soft) } else { vm().protect_range(first, end, soft) }
    });
    match done {
        Ok(()) => 0,
        Err(VmError::Range | VmError::Taken) => RANGE.cast_unsigned(),
        Err(VmError::Unmapped) => UNMAPPED.cast_unsigned(),
        Err(VmError::NoMemory) => NO_MEMORY.cast_unsigned(),
        Err(VmError::Refused(error)) => error.code(),
    }
}

/// Whether the page of an address has been written since it was mapped. `None` if nothing is mapped there.
#[inline]
#[must_use]
pub fn is_dirty(address: u32) -> Option<bool> {
    #[unsafe(link_section = ".text.warm")]
    extern "C" fn dirty(address: u32, _: u32, _: u32) -> u32 {
        match vm().table().find(crate::layout::page(address)) {
            Some(pte) => u32::from(pte.soft().contains(Soft::DIRTY)),
            None => untouched(address),
        }
    }
    // Mapped, and neither touched nor protected yet: it has no entry.
    #[inline(never)]
    fn untouched(address: u32) -> u32 {
        if vm().region_of(crate::layout::page(address)).is_some() { 0 } else { 2 }
    }
    match pinned_words([address, 0, 0], dirty) {
        2 => None,
        dirty => Some(dirty != 0),
    }
}

/// Whether the page of an address has been touched since it was last asked about by whoever looks for pages to give up.
#[must_use]
pub fn is_referenced(address: u32) -> Option<bool> {
    pinned(address, |address| {
        let vpn = crate::layout::page(address);
        match vm().table().find(vpn) {
            Some(pte) => Some(pte.soft().contains(Soft::REFERENCED)),
            None => vm().region_of(vpn).map(|_| false),
        }
    })
}

/// Notes what the program may do with a page from now on.
#[inline(always)]
fn note(pte: &mut Pte, soft: Soft) {
    let mut now = pte.soft() - RIGHTS | soft;
    if soft.contains(Soft::WRITE) {
        if fault::about_to_be_written(pte.vpn()) {
            // It is tried again now: this spares it another fault.
            now |= Soft::DIRTY;
        }
        fault::unprotected(pte.vpn());
    } else {
        fault::protected(pte.vpn());
    }
    pte.set_soft(now);
}

impl Vm {
    /// Protects one page that is there and stays readable; tells what Aegis answers. `None` for any other.
    #[inline(always)]
    fn rebind(&mut self, vpn: u32, soft: Soft) -> Option<u32> {
        let pte = self.table().find(vpn)?;
        if !soft.contains(Soft::READ) || pte.entry & ABSENT != 0 {
            return None;
        }
        let old = pte.soft();
        note(pte, soft);
        let pte = *pte;
        let code = self.bind_code(pte);
        if code.cast_signed() < 0 {
            self.refused(vpn, old);
        }
        Some(code)
    }

    /// Protects one page.
    fn protect_page(&mut self, vpn: u32, soft: Soft) -> Result<(), VmError> {
        let Some(pte) = self.table().find(vpn) else { return self.protect_range(vpn, vpn + 1, soft) };
        let old = *pte;
        note(pte, soft);
        if !soft.contains(Soft::READ) || old.entry & ABSENT != 0 {
            call::tlb_delete(address(vpn))?;
            return Ok(());
        }
        let now = *pte;
        self.bind(now).inspect_err(|_| self.refused(vpn, old.soft()))
    }

    /// A page keeps the protection that it had: its capabilities do not cover another.
    #[cold]
    #[inline(never)]
    fn refused(&mut self, vpn: u32, old: Soft) {
        if let Some(pte) = self.table().find(vpn) {
            pte.set_soft(old);
        }
    }

    /// Whether something is mapped in all of `first..end`.
    fn is_mapped(&mut self, first: u32, end: u32) -> bool {
        // Mostly it is one mapping.
        self.region_of(first).is_some_and(|region| end <= region.end)
            || (first..end).all(|vpn| self.table().find(vpn).is_some() || self.region_of(vpn).is_some())
    }

    /// Protects pages `first..end`.
    fn protect_range(&mut self, first: u32, end: u32, soft: Soft) -> Result<(), VmError> {
        if !self.is_mapped(first, end) {
            return Err(VmError::Unmapped);
        }
        let mut at = first;
        let mut count = 0;
        while at < end {
            let run = self.table().run(at, end);
            let Some(last) = run.last() else { break };
            at = last.vpn() + 1;
            count += run.len() as u32;
            // By four: what one waits for, the others fill.
            let (fours, rest) = run.as_chunks_mut::<4>();
            for four in fours {
                // SAFETY: the places are references'. Volatile: the compiler would load each where it is used, and wait.
                let tags = four.each_ref().map(|pte| unsafe { (&raw const pte.tag).read_volatile() });
                for (pte, tag) in four.iter_mut().zip(tags) {
                    pte.tag = tag & !RIGHTS.bits() | soft.bits();
                }
            }
            for pte in rest {
                pte.tag = pte.tag & !RIGHTS.bits() | soft.bits();
            }
        }
        // Some of it may not have been touched yet. Whether that can be noted or not, what was changed is to hold.
        let noted = if count < end - first { self.protect_untouched(first, end, soft) } else { Ok(()) };
        if soft.contains(Soft::WRITE) {
            fault::unprotected_many();
        } else {
            fault::protected_many(first, end);
        }
        // Whether a page had the rights that none has now is not looked at: mostly they had.
        if !soft.contains(RIGHTS) {
            call::tlb_delete_range(address(first), end - first)?;
        }
        noted
    }

    /// Notes the protection of pages that regions will bring.
    fn protect_untouched(&mut self, first: u32, end: u32, soft: Soft) -> Result<(), VmError> {
        for vpn in first..end {
            if self.table().find(vpn).is_none() {
                self.insert(Pte::new(vpn, soft, OWN, DEMAND))?;
            }
        }
        Ok(())
    }

    /// Chooses whether a page is cached, from now on or from when it comes.
    pub(super) fn set_cached(&mut self, vpn: u32, cached: bool) -> Result<(), VmError> {
        if self.table().find(vpn).is_none() {
            let region = self.region_of(vpn).ok_or(VmError::Unmapped)?;
            let soft = Soft::from_bits_truncate(region.soft);
            self.insert(Pte::new(vpn, soft, OWN, DEMAND))?;
        }
        let Some(pte) = self.table().find(vpn) else { return Err(VmError::Unmapped) };
        let uncached = Mapping::UNCACHED.bits();
        pte.entry = if cached { pte.entry & !uncached } else { pte.entry | uncached };
        let pte = *pte;
        if pte.entry & ABSENT != 0 {
            return Ok(());
        }
        if cached {
            // What was stored past the cache is not what is in it.
            let [low, high] = self.rights[pte.capability()].read.words();
            call::cache_flush(pte.page(), low, high)?;
        }
        if pte.soft().contains(Soft::READ) {
            self.bind(pte)
        } else {
            Ok(call::tlb_delete(address(vpn)).map(|_| ())?)
        }
    }
}
