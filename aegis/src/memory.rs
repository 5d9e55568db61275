//! Physical memory and the bindings to it (paper, sections 3.1 and 5.1).
//!
//! The kernel reaches all memory through kseg0, unmapped. What can be bound to a page are guaranteed mappings
//! and entries of the STLB and the hardware's TLB; free, a change of capability and destruction break
//! them all. A page's record says what may be bound to it: usually one virtual page, which is
//! found at once; only for pages that are mapped more than once everything is searched.

use aegis_abi::environment::EnvironmentPage;
use aegis_abi::layout::{
    ENVIRONMENT_PAGE, GUARANTEED_PAGES, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource, USER_END,
};
use aegis_abi::map::{Binding, STLB_ENTRIES, key, vpn_of};
use aegis_abi::{Capability, Error, Name};
use aegis_core::capability::Right;
use aegis_core::environments::{Environment, Environments};
use aegis_core::pages::{Bound, State};
use aegis_core::stlb::Stlb;

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

/// The entries of the STLB, aligned so that they can be mapped.
#[repr(C, align(4096))]
pub struct StlbTable(pub [Binding; STLB_ENTRIES]);

/// See [`StlbTable`]: the assembly reads it where it lies.
pub static mut STLB: StlbTable = StlbTable([Binding::EMPTY; STLB_ENTRIES]);

/// Whether page `vpn` of the second segment can be pinned: page zero stays unmapped, and the
/// environment's own page is not its to replace.
fn can_be_pinned(vpn: u32) -> bool {
    vpn > ENVIRONMENT_PAGE >> PAGE_SHIFT && (vpn as usize) < GUARANTEED_PAGES
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
        let environment = self.environments.get(owner)?;
        self.environments.charge(owner, Resource::Pages)?;
        match self.pages.allocate(page, environment.owner(), read, write) {
            Ok(allocated) => {
                if allocated.dirty {
                    clear(allocated.number);
                }
                Ok(allocated.number)
            }
            Err(error) => {
                self.environments.discharge(owner, Resource::Pages, 1);
                Err(error)
            }
        }
    }

    /// Frees a page of `owner`'s and breaks every binding to it.
    pub fn free(&mut self, page: u32, owner: Name) -> Result<(), Error> {
        self.pages.check_owner(page, owner)?;
        self.break_bindings(page, None);
        self.pages.free(page, owner)?;
        self.environments.discharge(owner, Resource::Pages, 1);
        self.given_back(owner, Resource::Pages);
        Ok(())
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
        target: Environment,
        vpn: u32,
        page: u32,
        bits: Mapping,
        capability: Capability,
    ) -> Result<(), Error> {
        if !can_be_pinned(vpn) {
            return Err(Error::Invalid);
        }
        self.pages.used(page)?;
        let needed = if bits.contains(Mapping::WRITABLE) { Right::Write } else { Right::Read };
        if self.pages.right(page, capability) < needed {
            return Err(Error::Denied);
        }
        self.pages.bind(page, key(target.name, vpn));
        self.replace_guaranteed(target, vpn, page << PAGE_SHIFT | (bits | Mapping::VALID).bits());
        Ok(())
    }

    /// Unpins a page of the second segment.
    pub fn unpin(&mut self, target: Environment, vpn: u32) -> Result<(), Error> {
        if !can_be_pinned(vpn) {
            return Err(Error::Invalid);
        }
        self.replace_guaranteed(target, vpn, 0);
        Ok(())
    }

    fn replace_guaranteed(&mut self, target: Environment, vpn: u32, entry: u32) {
        let page = environment_page(page_address(target.page));
        let old = core::mem::replace(&mut page.guaranteed[vpn as usize], entry);
        if old != 0 {
            self.forget(target.name, vpn);
        }
    }

    /// Breaks every binding to a page. `but` keeps its own.
    pub fn break_bindings(&mut self, page: u32, but: Option<Name>) {
        match self.pages.bound(page) {
            Bound::None => {}
            Bound::At(key) => {
                let Some(space) = self.environments.tagged(key >> 21) else {
                    // Its environment is dead, and what it had in the TLB went with it.
                    return self.pages.unbind(page);
                };
                if Some(space.name) == but {
                    return;
                }
                let vpn = vpn_of(key);
                if let Some(entry) =
                    environment_page(page_address(space.page)).guaranteed.get_mut(vpn as usize)
                    && *entry >> PAGE_SHIFT == page
                {
                    *entry = 0;
                }
                self.forget(space.name, vpn);
                self.pages.unbind(page);
            }
            Bound::Many => {
                // The owner may keep some: they are not told apart, so the record stays as it is.
                break_where(&self.environments, &mut self.stlb, |found, space| {
                    found == page && Some(space) != but
                });
                if but.is_none() {
                    self.pages.unbind(page);
                }
            }
        }
    }

    /// Frees all pages of an environment that is destroyed and breaks every binding to them, in one
    /// pass over the bindings: it may own all of memory.
    pub fn free_all(&mut self, victim: Environment) {
        let owner = victim.name;
        let mut foreign = false;
        for page in self.pages.of(owner) {
            foreign |= match self.pages.bound(page) {
                Bound::None => false,
                // Its own address space dies with it.
                Bound::At(key) => key >> 21 != owner.tag(),
                Bound::Many => true,
            };
        }
        if foreign {
            let pages = &self.pages;
            break_where(&self.environments, &mut self.stlb, |page, _| {
                pages.state(page) == Some(State::Owned(owner))
            });
        }
        let mut freed = 0;
        loop {
            let Some(page) = self.pages.of(owner).next() else { break };
            self.pages.unbind(page);
            let done = self.pages.free(page, owner);
            debug_assert!(done.is_ok());
            freed += 1;
        }
        self.environments.discharge(owner, Resource::Pages, freed);
    }
}

/// Breaks those of all bindings that `stale` picks, by page and by whose address space they are in.
fn break_where(environments: &Environments<'_>, stlb: &mut Stlb<'_>, stale: impl Fn(u32, Name) -> bool) {
    for environment in environments.living() {
        for entry in &mut environment_page(page_address(environment.page)).guaranteed {
            if *entry != 0 && stale(*entry >> PAGE_SHIFT, environment.name) {
                *entry = 0;
            }
        }
    }
    stlb.retain(|binding| {
        let space = environments.tagged(binding.key >> 21);
        space.is_some_and(|space| !stale(binding.mapping >> PAGE_SHIFT, space.name))
    });
    arch::flush_tlb();
}

/// Whether `pc` can be entered in user mode: aligned, and below the kernel.
pub const fn is_user_code(pc: u32) -> bool {
    pc.is_multiple_of(4) && pc < USER_END
}
