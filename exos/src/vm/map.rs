//! What is mapped where: anonymous memory, shared pages, the heap (paper, section 6.2).

use aegis_abi::Capability;
use aegis_abi::layout::{PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END, USER_END};
use exos_core::page_table::{Pte, Soft};

use super::{ABSENT, OWN, Region, Rights, SWAPPED, Vm, VmError, pinned, vm};
use crate::call;
use crate::layout::{MAPPINGS, STACK_BYTES, STACK_END, address, page};
use crate::memory::Page;

/// What a program may do with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Nothing.
    None,
    /// Read and execute it.
    Read,
    /// Write it, too.
    ReadWrite,
}

impl Protection {
    #[inline(always)]
    pub(crate) const fn soft(self) -> Soft {
        match self {
            Self::None => Soft::empty(),
            Self::Read => Soft::READ,
            Self::ReadWrite => Soft::READ.union(Soft::WRITE),
        }
    }
}

/// A page of anybody's, with the rights to it: what processes give each other to share memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// Its number.
    pub page: u32,
    /// The capability to read it.
    pub read: Capability,
    /// The capability to write it, [`Capability::NONE`] if it is not to be written.
    pub write: Capability,
}

impl From<Page> for Share {
    fn from(page: Page) -> Self {
        Self { page: page.number, read: page.read, write: page.write }
    }
}

/// The pages of a range of the first segment, first and end.
pub(super) fn pages_of(start: u32, bytes: u32) -> Result<(u32, u32), VmError> {
    let end = start.checked_add(bytes).ok_or(VmError::Range)?;
    if !start.is_multiple_of(PAGE_SIZE) || bytes == 0 || start < SECOND_SEGMENT_END || end > USER_END {
        return Err(VmError::Range);
    }
    Ok((page(start), end.div_ceil(PAGE_SIZE)))
}

/// Maps memory that is zeroes until it is written, at an address or, if that is zero, where there is room. Tells where.
///
/// # Errors
/// [`VmError::Range`], [`VmError::Taken`], [`VmError::NoMemory`] if there is no room for so much or no place in the list
/// of regions. Pages come when they are touched.
pub fn map(start: u32, bytes: u32, protection: Protection) -> Result<u32, VmError> {
    pinned((start, bytes, protection), |(start, bytes, protection)| {
        let start = if start == 0 { vm().room(bytes)? } else { start };
        let (first, end) = pages_of(start, bytes)?;
        vm().add_region(first, end, protection.soft())?;
        Ok(start)
    })
}

/// Maps a page that is shared, and stays shared over a fork.
///
/// # Errors
/// As [`map`]; [`VmError::Refused`] if the capabilities do not cover the protection.
pub fn map_shared(start: u32, share: Share, protection: Protection) -> Result<u32, VmError> {
    pinned((start, share, protection), |(start, share, protection)| {
        let start = if start == 0 { vm().room(PAGE_SIZE)? } else { start };
        let (first, end) = pages_of(start, PAGE_SIZE)?;
        if vm().is_taken(first, end) {
            return Err(VmError::Taken);
        }
        let place = vm().place_of(Rights { read: share.read, write: share.write })?;
        // Whether somebody writes it is not this process's to know: it counts as dirty.
        let soft = protection.soft() | Soft::SHARED | Soft::REFERENCED | Soft::DIRTY;
        let pte = Pte::new(first, soft, place, share.page << PAGE_SHIFT);
        // Bound at once, so that it is found out now whether the rights suffice; where it may not be touched there is nothing
        // to bind.
        if soft.contains(Soft::READ) {
            vm().bind(pte)?;
        }
        if let Err(error) = vm().insert(pte) {
            let _ = call::tlb_delete(start);
            return Err(error);
        }
        Ok(start)
    })
}

/// Allocates a physical page, a certain one if the number is not [`aegis_abi::layout::ANY`], with capabilities of its own, to be
/// mapped and given to others ([`map_shared`]). It is this process's until [`free_shared`].
///
/// # Errors
/// [`VmError::NoMemory`], [`VmError::Refused`].
pub fn new_shared(number: u32) -> Result<Share, VmError> {
    let page = Page::allocate(number)?;
    Ok(page.into())
}

/// Frees a page of [`new_shared`]. Aegis takes it from all who have it mapped.
///
/// # Errors
/// [`VmError::Refused`] if it is not this process's.
pub fn free_shared(share: Share) -> Result<(), VmError> {
    call::page_free(share.page)?;
    Ok(())
}

/// Takes away what is mapped in a range; nothing mapped is no error.
///
/// # Errors
/// [`VmError::Range`], [`VmError::NoMemory`] if a region would fall into two and there is no place for the other.
pub fn unmap(start: u32, bytes: u32) -> Result<(), VmError> {
    pinned((start, bytes), |(start, bytes)| {
        let (first, end) = pages_of(start, bytes)?;
        vm().cut_regions(first, end)?;
        vm().drop_pages(first, end);
        Ok(())
    })
}

/// Moves the end of the heap by so many bytes; tells where it was.
///
/// # Errors
/// [`VmError::Range`] if it would end before it begins, [`VmError::Taken`] where something else is mapped.
pub fn sbrk(bytes: i32) -> Result<u32, VmError> {
    pinned(bytes, |bytes| vm().sbrk(bytes))
}

/// Chooses whether accesses to the page of an address go through the data cache.
///
/// # Errors
/// [`VmError::Unmapped`].
pub fn set_cached(address: u32, cached: bool) -> Result<(), VmError> {
    pinned((address, cached), |(address, cached)| vm().set_cached(page(address), cached))
}

/// The physical page behind an address, if one is there.
#[must_use]
pub fn physical(address: u32) -> Option<u32> {
    pinned(address, |address| {
        let pte = vm().table().find(page(address))?;
        (pte.entry & ABSENT == 0).then(|| pte.page())
    })
}

/// Entries of the page table: pages that have been touched, those that are swapped out now included, and pages of a region
/// whose protection was changed before they were touched.
#[must_use]
pub fn resident() -> u32 {
    pinned((), |()| vm().table().len() as u32)
}

impl Vm {
    /// An address where so many bytes fit that nothing is mapped in.
    fn room(&mut self, bytes: u32) -> Result<u32, VmError> {
        if bytes == 0 {
            return Err(VmError::Range);
        }
        let pages = bytes.div_ceil(PAGE_SIZE);
        let (mut at, end) = (page(MAPPINGS.start), page(MAPPINGS.end));
        while pages <= end - at {
            let region = self
                .regions
                .iter()
                .filter(|region| region.start < at + pages && at < region.end)
                .map(|region| region.end)
                .max();
            let entry = self.table().run(at, at + pages).last().map(|pte| pte.vpn() + 1);
            match region.max(entry) {
                None => return Ok(address(at)),
                Some(behind) => at = behind,
            }
        }
        Err(VmError::NoMemory)
    }

    pub(super) fn is_taken(&mut self, first: u32, end: u32) -> bool {
        self.regions.iter().any(|region| region.start < end && first < region.end)
            || !self.table().run(first, end).is_empty()
    }

    pub(crate) fn add_region(&mut self, first: u32, end: u32, soft: Soft) -> Result<(), VmError> {
        if self.is_taken(first, end) {
            return Err(VmError::Taken);
        }
        let place = self.regions.iter_mut().find(|region| region.end == 0).ok_or(VmError::NoMemory)?;
        *place = Region { start: first, end, soft: soft.bits() };
        Ok(())
    }

    /// Takes pages out of all regions.
    fn cut_regions(&mut self, first: u32, end: u32) -> Result<(), VmError> {
        // Of one region, at most, something is left on both sides.
        let split = self.regions.iter().position(|region| region.start < first && end < region.end);
        if let Some(index) = split {
            let place = self.regions.iter().position(|region| region.end == 0).ok_or(VmError::NoMemory)?;
            self.regions[place] = Region { start: end, ..self.regions[index] };
            self.regions[index].end = first;
            return Ok(());
        }
        for region in &mut self.regions {
            if region.start < end && first < region.end {
                if first <= region.start {
                    region.start = region.end.min(end);
                } else {
                    region.end = first;
                }
                if region.start == region.end {
                    *region = Region { start: 0, end: 0, soft: 0 };
                }
            }
        }
        Ok(())
    }

    /// Takes entries out of the table, their bindings back, and frees the pages that are this process's alone.
    pub(crate) fn drop_pages(&mut self, first: u32, end: u32) {
        // What is mapped there next is not what the program has protected.
        super::fault::unprotected_many();
        let mut at = first;
        while let Some(pte) = self.table().run(at, end).first().copied() {
            at = pte.vpn() + 1;
            self.table().remove(pte.vpn());
            if pte.entry & SWAPPED != 0 {
                self.swap.forget(pte);
            } else if pte.entry & ABSENT == 0 {
                let _ = call::tlb_delete(address(pte.vpn()));
                if pte.capability() == OWN && !pte.soft().contains(Soft::SHARED) {
                    self.drop_own(pte.page());
                }
            }
        }
    }

    /// Frees what is this process's alone even while somebody borrows from it: what has come since the last fork.
    pub(crate) fn free_unshared(&mut self) {
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(USER_END));
        while let Some(pte) = self.table().run(at, end).first().copied() {
            at = pte.vpn() + 1;
            let alone = !pte.soft().intersects(Soft::COW | Soft::SHARED);
            if pte.capability() == OWN && alone && pte.entry & ABSENT == 0 {
                self.table().remove(pte.vpn());
                self.give_page(pte.page());
            }
        }
    }

    /// Frees a page of this process's, or keeps it for those who borrow it.
    fn drop_own(&mut self, page: u32) {
        if crate::process::somebody_borrows() {
            crate::process::hot().lend(page);
        } else {
            self.give_page(page);
        }
    }

    fn sbrk(&mut self, bytes: i32) -> Result<u32, VmError> {
        let old = self.heap_end;
        let new = old.checked_add_signed(bytes).ok_or(VmError::Range)?;
        let start = crate::process::data_end();
        if new < start || new > MAPPINGS.start {
            return Err(VmError::Range);
        }
        let (first, old_end, new_end) =
            (start.div_ceil(PAGE_SIZE), old.div_ceil(PAGE_SIZE), new.div_ceil(PAGE_SIZE));
        if new_end > old_end {
            if old_end == first {
                self.add_region(first, new_end, Protection::ReadWrite.soft())?;
            } else {
                if self.is_taken(old_end, new_end) {
                    return Err(VmError::Taken);
                }
                let region = self.region_of(old_end - 1).ok_or(VmError::Unmapped)?;
                region.end = new_end;
            }
        } else if new_end < old_end {
            self.cut_regions(new_end, old_end)?;
            self.drop_pages(new_end, old_end);
        }
        self.heap_end = new;
        Ok(old)
    }

    /// Maps the stack's region.
    pub(crate) fn start_stack(&mut self) -> Result<(), VmError> {
        self.add_region(page(STACK_END - STACK_BYTES), page(STACK_END), Protection::ReadWrite.soft())
    }

    /// Maps pages of the boot image from `image_page` on at an address, to be copied when they are written.
    pub(crate) fn map_image(&mut self, start: u32, image_page: u32, pages: u32) -> Result<(), VmError> {
        for index in 0..pages {
            let soft = Protection::ReadWrite.soft() | Soft::COW;
            let entry = image_page + index << PAGE_SHIFT;
            self.insert(Pte::new(page(start) + index, soft, super::PUBLIC, entry))?;
        }
        Ok(())
    }
}
