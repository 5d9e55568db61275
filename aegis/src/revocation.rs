//! Revocation and abort: resources wanted back, and taken by force (paper, sections 3.3 and 3.4).
//!
//! Who may destroy an environment may ask it for resources. It is told at the start of its next slice and
//! chooses what to give back. If there is a deadline and it lets it pass, the kernel takes what is still
//! missing: it breaks the bindings, saves a page's contents where the library has said beforehand that it
//! can, and records each loss in the repossession vector. A reserve is never touched.
//!
//! The paper describes this as design and measures nothing of it. Deadlines count the victim's own turns: time in
//! which it could have answered.

use aegis_abi::environment::{Revocation, Taken};
use aegis_abi::layout::{
    ANY, BACKINGS, ENVIRONMENTS, GUARANTEED_PAGES, PAGE_SHIFT, PAGE_SIZE, RESERVE, Resource,
};
use aegis_abi::map::vpn_of;
use aegis_abi::{Capability, Error, Name};
use aegis_core::capability::Right;
use aegis_core::environments::Environment;
use aegis_core::pages::{Bound, State};

use crate::history;
use crate::kernel::Kernel;
use crate::memory::{environment_page, page_address};

/// A deadline that has passed already.
const NOW: u32 = u32::MAX;

/// Where the contents of a page may be saved.
#[derive(Clone, Copy)]
pub struct Backing {
    /// The page, all ones for none.
    pub page: u32,
    /// What it has been named with.
    pub capability: Capability,
}

/// What environments have loaded their repossession vectors with, by id. It holds capabilities, so it is in no
/// page that anybody sees.
pub struct Backings(pub [[Backing; BACKINGS]; ENVIRONMENTS]);

impl Backings {
    /// None.
    pub const EMPTY: Self = {
        const NONE: Backing = Backing { page: ANY, capability: Capability::NONE };
        Self([[NONE; BACKINGS]; ENVIRONMENTS])
    };

    fn of(&mut self, name: Name) -> &mut [Backing; BACKINGS] {
        &mut self.0[name.id() as usize]
    }

    /// Forgets what an environment has loaded.
    pub fn forget(&mut self, name: Name) {
        *self.of(name) = Self::EMPTY.0[0];
    }
}

impl Kernel {
    /// The call `revoke`.
    pub fn revoke(
        &mut self,
        victim: Environment,
        resource: u32,
        count: u32,
        deadline: u32,
    ) -> Result<(), Error> {
        let page = environment_page(page_address(victim.page));
        let wanted = page.revocation.wanted.get_mut(resource as usize).ok_or(Error::Invalid)?;
        *wanted = count;
        page.revocation.deadline = if deadline == NOW { 0 } else { deadline };
        page.revocation.untold = 1;
        page.yield_pc = 0;
        history::note("revoke", victim.name.0, count);
        if deadline == NOW {
            self.repossess(victim);
        }
        Ok(())
    }

    /// The call `backing`.
    pub fn set_backing(&mut self, index: u32, page: u32, capability: Capability) -> Result<(), Error> {
        let caller = self.caller();
        if index as usize >= BACKINGS {
            return Err(Error::Invalid);
        }
        if page != ANY {
            self.pages.used(page)?;
            if self.pages.right(page, capability) < Right::Write {
                return Err(Error::Denied);
            }
        }
        self.backings.of(caller)[index as usize] = Backing { page, capability };
        Ok(())
    }

    /// An environment has given back a unit of a resource.
    pub fn given_back(&mut self, name: Name, resource: Resource) {
        if let Ok(environment) = self.environments.get(name) {
            let wanted = &mut environment_page(page_address(environment.page)).revocation.wanted;
            wanted[resource as usize] = wanted[resource as usize].saturating_sub(1);
        }
    }

    /// A turn of an environment's ends: one less before its deadline.
    pub fn deadline_nears(&mut self, running: Name) {
        let Ok(victim) = self.environments.get(running) else { return };
        let revocation = &mut environment_page(page_address(victim.page)).revocation;
        if revocation.deadline > 0 {
            revocation.deadline -= 1;
            if revocation.deadline == 0 {
                self.repossess(victim);
            }
        }
    }

    /// Takes by force what is still wanted of an environment.
    fn repossess(&mut self, victim: Environment) {
        let page = environment_page(page_address(victim.page));
        let [pages, slices] = core::mem::take(&mut page.revocation).wanted;
        let before = page.repossession.count;
        let mut missing = pages;
        while missing > 0 {
            let Some(taken) = self.takeable(victim) else { break };
            let saved = self.save(victim.name, taken);
            let freed = self.free(taken, victim.name);
            debug_assert!(freed.is_ok());
            record(victim, Taken { resource: Resource::Pages as u32, number: taken, saved });
            missing -= 1;
        }
        for _ in 0..slices {
            let Some(position) = self.slices.last_but_one_of(victim.name) else { break };
            let freed = self.slices.free(position, victim.name);
            debug_assert!(freed.is_ok());
            self.environments.discharge(victim.name, Resource::Slices, 1);
            record(victim, Taken { resource: Resource::Slices as u32, number: position, saved: ANY });
        }
        let page = environment_page(page_address(victim.page));
        if page.repossession.count != before || missing > 0 {
            page.repossession.untold = 1;
            page.repossession.emergency = missing;
            page.yield_pc = 0;
        }
        history::note("repossess", victim.name.0, pages - missing);
    }

    /// A page that may be taken: one that is not pinned, or, if all are, one beyond the reserve.
    fn takeable(&self, victim: Environment) -> Option<u32> {
        let guaranteed = &environment_page(page_address(victim.page)).guaranteed;
        let may_be_pinned = |page: u32| match self.pages.bound(page) {
            Bound::None => false,
            Bound::At(key) => (vpn_of(key) as usize) < GUARANTEED_PAGES,
            Bound::Many => true,
        };
        let pinned = |page: u32| guaranteed.iter().any(|entry| *entry != 0 && entry >> PAGE_SHIFT == page);
        let free = self.pages.of(victim.name).find(|page| !may_be_pinned(*page) || !pinned(*page));
        let own = |entry: &&u32| {
            **entry != 0 && self.pages.state(**entry >> PAGE_SHIFT) == Some(State::Owned(victim.name))
        };
        // The reserve is the first few pinned, the last goes first.
        let beyond = || guaranteed.iter().filter(own).skip(RESERVE).map(|entry| entry >> PAGE_SHIFT);
        let in_reserve =
            |page: &u32| guaranteed.iter().filter(own).take(RESERVE).any(|e| e >> PAGE_SHIFT == *page);
        free.or_else(|| beyond().filter(|page| !in_reserve(page)).last())
    }

    /// Saves a page's contents to one that its owner has loaded the vector with; tells which, or all ones.
    fn save(&mut self, owner: Name, page: u32) -> u32 {
        let loaded = self.backings.of(owner);
        let pages = &self.pages;
        let usable = |backing: &&mut Backing| {
            backing.page != page && pages.right(backing.page, backing.capability) == Right::Write
        };
        let Some(backing) = loaded.iter_mut().find(usable) else { return ANY };
        let to = core::mem::replace(&mut backing.page, ANY);
        // SAFETY: two different pages of RAM, and nobody runs meanwhile.
        unsafe {
            core::ptr::copy_nonoverlapping(
                page_address(page) as *const u8,
                page_address(to) as *mut u8,
                PAGE_SIZE as usize,
            );
        }
        to
    }
}

/// Records a loss in the repossession vector.
fn record(victim: Environment, taken: Taken) {
    let vector = &mut environment_page(page_address(victim.page)).repossession;
    if let Some(place) = vector.taken.get_mut(vector.count as usize) {
        *place = taken;
    }
    vector.count += 1;
}

/// Where an environment begins its turn: where it is told what it has lost or is asked for, if it has not been yet
/// and wants to know, else where its slices start.
pub fn entry(environment: Environment) -> u32 {
    let page = environment_page(page_address(environment.page));
    if page.repossession.untold != 0 && page.repossession_pc != 0 {
        page.repossession.untold = 0;
        page.repossession_pc
    } else if page.revocation.untold != 0 && page.revocation_pc != 0 {
        page.revocation.untold = 0;
        page.revocation_pc
    } else {
        page.slice_start_pc
    }
}

/// Whether an environment that goes on into its next slice has to be told something first.
pub fn untold(page: u32) -> bool {
    let page = environment_page(page);
    page.repossession.untold != 0 && page.repossession_pc != 0
        || page.revocation.untold != 0 && page.revocation_pc != 0
}

const _: () = assert!(size_of::<Revocation>() == 16);
