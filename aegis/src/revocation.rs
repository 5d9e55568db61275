//! Revocation and abort: resources wanted back, and taken by force (paper, sections 3.3 and 3.4).
//!
//! Who may destroy an environment may ask it for resources. It is told at the start of its next slice and
//! chooses what to give back. If there is a deadline and it lets it pass, the kernel takes what is still
//! missing: it breaks the bindings, saves a page's contents where the library has said beforehand that it
//! can, and records each loss in the repossession vector. A reserve is never touched.
//!
//! The paper describes this as design and measures nothing of it. Deadlines count the victim's own turns: time in
//! which it could have answered.

use aegis_abi::environment::{EnvironmentPage, Revocation};
use aegis_abi::layout::{ANY, PAGE_SIZE, Resource};
use aegis_abi::{Capability, Error, Name};
use aegis_core::environments::Environment;
use aegis_core::revocation::{self as decide, Force, News};

use crate::history;
use crate::kernel::Kernel;
use crate::memory::{environment_page, page_address};

/// An environment's own page, where its wishes and losses stand.
fn context(environment: Environment) -> &'static mut EnvironmentPage {
    environment_page(page_address(environment.page))
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
        let page = context(victim);
        let now = decide::ask(&mut page.revocation, resource, count, deadline)?;
        page.yield_pc = 0;
        history::note("revoke", victim.name.0, count);
        if now {
            self.repossess(victim);
        }
        Ok(())
    }

    /// The call `backing`.
    pub fn set_backing(&mut self, index: u32, page: u32, capability: Capability) -> Result<(), Error> {
        self.backings.load(self.caller(), index, &self.pages, page, capability)
    }

    /// An environment has given back a unit of a resource.
    pub fn given_back(&mut self, name: Name, resource: Resource) {
        if let Ok(environment) = self.environments.get(name) {
            decide::given_back(&mut context(environment).revocation, resource);
        }
    }

    /// A turn of an environment's ends: one less before its deadline.
    pub fn deadline_nears(&mut self, running: Name) {
        let Ok(victim) = self.environments.get(running) else { return };
        if decide::turn_ends(&mut context(victim).revocation) {
            self.repossess(victim);
        }
    }

    /// Takes by force what is still wanted of an environment.
    fn repossess(&mut self, victim: Environment) {
        let mut force = Force::begin(&mut context(victim).revocation);
        while let Some(resource) = force.next() {
            let taken =
                if resource == Resource::Pages { self.take_page(victim) } else { self.take_slice(victim) };
            let Some((number, saved)) = taken else {
                force.none_left(resource);
                continue;
            };
            force.took(&mut context(victim).repossession, resource, number, saved);
        }
        history::note("repossess", victim.name.0, force.taken(Resource::Pages));
        let page = context(victim);
        if force.end(&mut page.repossession) {
            page.yield_pc = 0;
        }
    }

    /// Takes a page of an environment's; tells which, and where its contents are now.
    fn take_page(&mut self, victim: Environment) -> Option<(u32, u32)> {
        let page = decide::victim(&self.pages, victim.name, &context(victim).guaranteed)?;
        let saved = self.backings.take(victim.name, &self.pages, page);
        if let Some(to) = saved {
            // SAFETY: two different pages of RAM, and nobody runs meanwhile.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    page_address(page) as *const u8,
                    page_address(to) as *mut u8,
                    PAGE_SIZE as usize,
                );
            }
        }
        let freed = self.free(page, victim.name);
        debug_assert!(freed.is_ok());
        Some((page, saved.unwrap_or(ANY)))
    }

    /// Takes a slice likewise.
    fn take_slice(&mut self, victim: Environment) -> Option<(u32, u32)> {
        let position = self.slices.last_but_one_of(victim.name)?;
        let freed = self.slices.free(position, victim.name);
        debug_assert!(freed.is_ok());
        self.environments.discharge(victim.name, Resource::Slices, 1);
        Some((position, ANY))
    }
}

/// What an environment has to hear first.
fn news(page: &EnvironmentPage) -> Option<News> {
    let hears = [page.revocation_pc != 0, page.repossession_pc != 0];
    decide::news(&page.revocation, &page.repossession, hears[0], hears[1])
}

/// Where an environment begins its turn: where it is told what it has lost or is asked for, if it has not been yet
/// and wants to know, else where its slices start.
pub fn entry(environment: Environment) -> u32 {
    let page = context(environment);
    match news(page) {
        Some(News::Loss) => {
            page.repossession.untold = 0;
            page.repossession_pc
        }
        Some(News::Wish) => {
            page.revocation.untold = 0;
            page.revocation_pc
        }
        None => page.slice_start_pc,
    }
}

/// Whether an environment that goes on into its next slice has to be told something first.
pub fn untold(page: u32) -> bool {
    news(environment_page(page)).is_some()
}

const _: () = assert!(size_of::<Revocation>() == 16);
