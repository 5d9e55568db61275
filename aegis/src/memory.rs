//! Physical memory and the bindings to it (paper, sections 3.1 and 5.1).
//!
//! The kernel reaches all memory through kseg0, unmapped. The bindings that this kernel makes are
//! guaranteed mappings; free, a change of capability and destruction break them.

use aegis_abi::environment::EnvironmentPage;
use aegis_abi::layout::{ENVIRONMENT_PAGE, GUARANTEED_PAGES, Mapping, PAGE_SHIFT, PAGE_SIZE, USER_END};
use aegis_abi::{Capability, Error, Name};
use aegis_core::capability::Right;
use aegis_core::pages::State;

use crate::arch;
use crate::kernel::Kernel;

/// First address of kseg0, where physical memory appears unmapped and cached.
const KSEG0: u32 = 0x8000_0000;

/// The kernel's address of a physical page.
pub const fn page_address(page: u32) -> u32 {
    KSEG0 + (page << PAGE_SHIFT)
}

/// The physical page of a kseg0 address.
pub const fn page_of(address: u32) -> u32 {
    (address - KSEG0) >> PAGE_SHIFT
}

/// The context page at a kernel address, as [`page_address`] gives it for an environment's page.
pub fn environment_page(address: u32) -> &'static mut EnvironmentPage {
    debug_assert!(address >= KSEG0 && address.is_multiple_of(4));
    // SAFETY: the addresses come from the table of environments or from the assembly, which has them
    // from there; such a page is the kernel's and aligned. The kernel is single-threaded and no
    // caller keeps the reference across another call of this function with the same page.
    unsafe { &mut *(address as *mut EnvironmentPage) }
}

/// Clears a page.
fn clear(page: u32) {
    // SAFETY: the page has just become somebody's and nothing refers to it; it is RAM in kseg0.
    unsafe { core::ptr::write_bytes(page_address(page) as *mut u8, 0, PAGE_SIZE as usize) };
    arch::flush_caches(page);
}

impl Kernel {
    /// Allocates a page for `owner`, cleared if its last owner was another one.
    pub fn allocate(
        &mut self,
        page: u32,
        owner: Name,
        read: Capability,
        write: Capability,
    ) -> Result<u32, Error> {
        let allocated = self.pages.allocate(page, owner, read, write)?;
        if allocated.dirty {
            clear(allocated.number);
        }
        Ok(allocated.number)
    }

    /// Takes a page for the kernel itself and clears it.
    pub fn take_cleared(&mut self) -> Result<u32, Error> {
        let page = self.pages.take()?;
        clear(page);
        Ok(page)
    }

    /// Pins a page in the second segment of an environment.
    pub fn guarantee(
        &mut self,
        target: u32,
        vpn: u32,
        page: u32,
        bits: Mapping,
        capability: Capability,
    ) -> Result<(), Error> {
        // Page zero stays unmapped, and the environment's own page is not its to replace.
        if vpn <= ENVIRONMENT_PAGE >> PAGE_SHIFT || vpn as usize >= GUARANTEED_PAGES {
            return Err(Error::Invalid);
        }
        if self.pages.get(page).is_none_or(|page| page.state == State::Free) {
            return Err(Error::NoPage);
        }
        let needed = if bits.contains(Mapping::WRITABLE) { Right::Write } else { Right::Read };
        if self.pages.right(page, capability) < needed {
            return Err(Error::Denied);
        }
        self.pages.set_bound(page, true);
        self.replace_guaranteed(target, vpn, page << PAGE_SHIFT | (bits | Mapping::VALID).bits());
        Ok(())
    }

    /// Unpins a page of the second segment.
    pub fn unpin(&mut self, target: u32, vpn: u32) -> Result<(), Error> {
        if vpn <= ENVIRONMENT_PAGE >> PAGE_SHIFT || vpn as usize >= GUARANTEED_PAGES {
            return Err(Error::Invalid);
        }
        self.replace_guaranteed(target, vpn, 0);
        Ok(())
    }

    #[allow(clippy::unused_self, reason = "the lock on the kernel guards the pages of environments too")]
    fn replace_guaranteed(&mut self, target: u32, vpn: u32, entry: u32) {
        let old = core::mem::replace(&mut environment_page(target).guaranteed[vpn as usize], entry);
        if old != 0 {
            arch::flush_tlb();
        }
    }

    /// Breaks every binding to a page. `but` keeps its own.
    pub fn break_bindings(&mut self, page: u32, but: Option<Name>) {
        if !self.pages.get(page).is_some_and(|page| page.bound) {
            return;
        }
        let mut kept = false;
        for environment in self.environments.living() {
            let keep = Some(environment.name) == but;
            for entry in &mut environment_page(page_address(environment.page)).guaranteed {
                if *entry != 0 && *entry >> PAGE_SHIFT == page {
                    if keep {
                        kept = true;
                    } else {
                        *entry = 0;
                    }
                }
            }
        }
        self.pages.set_bound(page, kept);
        arch::flush_tlb();
    }

    /// Frees all pages of an environment that is destroyed and breaks every binding to them, in one
    /// pass over the bindings: it may own all of memory.
    pub fn free_all(&mut self, owner: Name) {
        for environment in self.environments.living() {
            for entry in &mut environment_page(page_address(environment.page)).guaranteed {
                let page = self.pages.get(*entry >> PAGE_SHIFT);
                if page.is_some_and(|page| page.state == State::Owned && page.owner == owner) {
                    *entry = 0;
                }
            }
        }
        self.pages.purge(owner);
        arch::flush_tlb();
    }
}

/// Whether `pc` can be entered in user mode: aligned, and below the kernel.
pub const fn is_user_code(pc: u32) -> bool {
    pc.is_multiple_of(4) && pc < USER_END
}
