//! What revocation decides (paper, sections 3.3 and 3.4): when a wish becomes force, what is taken then, where
//! its contents go, what is recorded, and what an environment is told.
//!
//! An environment is in one of three states: nothing is wanted; something is, and it may answer; its deadline has passed,
//! and [`Force`] says step by step what the kernel is to take. Wishes and losses stand in the environment's own
//! page, so they are arguments here.

use aegis_abi::environment::{Repossession, Revocation, Taken};
use aegis_abi::layout::{ANY, BACKINGS, ENVIRONMENTS, GUARANTEED_PAGES, PAGE_SHIFT, RESERVE, Resource};
use aegis_abi::map::vpn_of;
use aegis_abi::{Capability, Error, Name};

use crate::capability::Right;
use crate::pages::{Bound, Pages, State};

/// A deadline that has passed already.
pub const NOW: u32 = u32::MAX;

/// Notes that so many units of a resource are wanted, in so many turns; tells whether they are to be taken now.
///
/// # Errors
/// [`Error::Invalid`] for what is not asked for.
pub fn ask(wish: &mut Revocation, resource: u32, count: u32, deadline: u32) -> Result<bool, Error> {
    *wish.wanted.get_mut(resource as usize).ok_or(Error::Invalid)? = count;
    let now = deadline == NOW;
    wish.deadline = if now { 0 } else { deadline };
    wish.untold = 1;
    Ok(now)
}

/// A unit of a resource has been given back.
pub fn given_back(wish: &mut Revocation, resource: Resource) {
    if let Some(wanted) = wish.wanted.get_mut(resource as usize) {
        *wanted = wanted.saturating_sub(1);
    }
}

/// A turn of the environment's ends: tells whether its deadline passes with it.
pub fn turn_ends(wish: &mut Revocation) -> bool {
    let before = wish.deadline;
    wish.deadline = before.saturating_sub(1);
    before == 1
}

/// What an environment has to hear before its slice starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// What it has lost.
    Loss,
    /// What is wanted of it.
    Wish,
}

/// The first thing that an environment has to hear: what it has not been told and has a handler for.
#[must_use]
pub fn news(wish: &Revocation, loss: &Repossession, hears_wish: bool, hears_loss: bool) -> Option<News> {
    if loss.untold != 0 && hears_loss {
        Some(News::Loss)
    } else if wish.untold != 0 && hears_wish {
        Some(News::Wish)
    } else {
        None
    }
}

/// The taking of what is still wanted of an environment: first pages, then slices.
#[derive(Debug)]
pub struct Force {
    /// Units that are still to be taken of each resource.
    left: [u32; 2],
    /// Pages that may not be taken.
    spared: u32,
    /// Units that were taken of each.
    taken: [u32; 2],
}

impl Force {
    /// Begins it. The wish is over.
    pub fn begin(wish: &mut Revocation) -> Self {
        Self { left: core::mem::take(wish).wanted, spared: 0, taken: [0; 2] }
    }

    /// What to take a unit of next; `None` at the end.
    #[must_use]
    pub fn next(&self) -> Option<Resource> {
        [Resource::Pages, Resource::Slices].into_iter().find(|resource| self.left[*resource as usize] > 0)
    }

    /// A unit of what was to be taken is gone: which one, and the page that it was saved to, all ones for none.
    pub fn took(&mut self, loss: &mut Repossession, resource: Resource, number: u32, saved: u32) {
        self.left[resource as usize] -= 1;
        self.taken[resource as usize] += 1;
        if let Some(place) = loss.taken.get_mut(loss.count as usize) {
            *place = Taken { resource: resource as u32, number, saved };
        }
        loss.count += 1;
    }

    /// There is no more that may be taken of a resource.
    pub fn none_left(&mut self, resource: Resource) {
        let missing = core::mem::take(&mut self.left[resource as usize]);
        if resource == Resource::Pages {
            self.spared = missing;
        }
    }

    /// Units that were taken of a resource.
    #[must_use]
    pub const fn taken(&self, resource: Resource) -> u32 {
        self.taken[resource as usize]
    }

    /// Ends it: tells whether the environment has something to hear.
    pub fn end(self, loss: &mut Repossession) -> bool {
        let felt = self.taken != [0; 2] || self.spared > 0;
        if felt {
            loss.untold = 1;
            loss.emergency = self.spared;
        }
        felt
    }
}

/// A page of an environment's that may be taken: one that is not pinned, or, if all are, one beyond the reserve.
#[must_use]
pub fn victim(pages: &Pages<'_>, owner: Name, guaranteed: &[u32; GUARANTEED_PAGES]) -> Option<u32> {
    let may_be_pinned = |page: u32| match pages.bound(page) {
        Bound::None => false,
        Bound::At(key) => (vpn_of(key) as usize) < GUARANTEED_PAGES,
        Bound::Many => true,
    };
    let pinned = |page: u32| guaranteed.iter().any(|entry| *entry != 0 && entry >> PAGE_SHIFT == page);
    let free = pages.of(owner).find(|page| !may_be_pinned(*page) || !pinned(*page));
    let own = |entry: &&u32| **entry != 0 && pages.state(**entry >> PAGE_SHIFT) == Some(State::Owned(owner));
    let own = || guaranteed.iter().filter(own).map(|entry| entry >> PAGE_SHIFT);
    // The reserve is the first few pinned, the last goes first.
    free.or_else(|| own().rfind(|page| !own().take(RESERVE).any(|kept| kept == *page)))
}

/// Where the contents of a page may be saved.
#[derive(Clone, Copy, Debug)]
pub struct Backing {
    /// The page, all ones for none.
    pub page: u32,
    /// What it has been named with.
    pub capability: Capability,
}

/// What environments have loaded their repossession vectors with, by id. It holds capabilities, so it is in no
/// page that anybody sees.
#[derive(Debug)]
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

    /// Loads an entry with a page, or with none for [`ANY`].
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the vector, [`Error::NoPage`], [`Error::Denied`] without the right to write.
    pub fn load(
        &mut self,
        owner: Name,
        index: u32,
        pages: &Pages<'_>,
        page: u32,
        capability: Capability,
    ) -> Result<(), Error> {
        let entry = self.of(owner).get_mut(index as usize).ok_or(Error::Invalid)?;
        if page != ANY {
            pages.used(page)?;
            if pages.right(page, capability) < Right::Write {
                return Err(Error::Denied);
            }
        }
        *entry = Backing { page, capability };
        Ok(())
    }

    /// Where to save a page: what is loaded first of what its owner may still write. It serves once.
    pub fn take(&mut self, owner: Name, pages: &Pages<'_>, page: u32) -> Option<u32> {
        let usable = |backing: &&mut Backing| {
            backing.page != page && pages.right(backing.page, backing.capability) == Right::Write
        };
        let backing = self.of(owner).iter_mut().find(usable)?;
        Some(core::mem::replace(&mut backing.page, ANY))
    }
}

#[cfg(test)]
mod tests;
