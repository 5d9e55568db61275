//! Physical memory: who owns each page, and which capabilities it answers to (paper, sections 3.1
//! and 5.1).

use aegis_abi::layout::ANY;
use aegis_abi::{Capability, Error, Name};

use crate::capability::{Right, right};

/// What a page is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nobody owns it.
    Free,
    /// The kernel's own: its image, tables, environments' pages, the boot image.
    Kernel,
    /// An environment owns it.
    Owned,
}

/// What the kernel remembers of a page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its use.
    pub state: State,
    /// Its owner; for a free page the last one, for a page of the kernel's nobody.
    pub owner: Name,
    /// Some environment's guaranteed mapping names it.
    pub bound: bool,
    read: Capability,
    write: Capability,
}

impl Page {
    /// A page of the kernel's that nobody may touch.
    pub const KERNEL: Self = Self {
        state: State::Kernel,
        owner: Name::NOBODY,
        bound: false,
        read: Capability::NONE,
        write: Capability::NONE,
    };
    const FREE: Self = Self { state: State::Free, ..Self::KERNEL };
}

/// A page that has just been allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allocated {
    /// Its number.
    pub number: u32,
    /// Its last owner was another one, so it has to be cleared before it is used.
    pub dirty: bool,
}

/// All pages of the machine.
#[derive(Debug)]
pub struct Pages<'a> {
    pages: &'a mut [Page],
    free: usize,
    /// Where the search for any page begins.
    next: usize,
}

impl<'a> Pages<'a> {
    /// Takes the records of all pages, each the kernel's until [`Self::give`] frees it.
    pub fn new(pages: &'a mut [Page]) -> Self {
        pages.fill(Page::KERNEL);
        Self { pages, free: 0, next: 0 }
    }

    /// Number of pages, and of free ones.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.pages.len(), self.free)
    }

    /// The record of a page.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Page> {
        self.pages.get(number as usize)
    }

    /// Marks whether a guaranteed mapping may name the page.
    pub fn set_bound(&mut self, number: u32, bound: bool) {
        if let Some(page) = self.pages.get_mut(number as usize) {
            page.bound = bound;
        }
    }

    /// Frees a page of the kernel's.
    pub fn give(&mut self, number: u32) {
        if let Some(page) = self.pages.get_mut(number as usize)
            && page.state == State::Kernel
        {
            *page = Page::FREE;
            self.free += 1;
        }
    }

    /// Lets everybody read a page of the kernel's.
    pub fn publish(&mut self, number: u32) {
        if let Some(page) = self.pages.get_mut(number as usize)
            && page.state == State::Kernel
        {
            page.read = Capability::PUBLIC;
        }
    }

    /// Takes a free page for the kernel itself.
    ///
    /// # Errors
    /// [`Error::Exhausted`].
    pub fn take(&mut self) -> Result<u32, Error> {
        let number = self.find()?;
        self.pages[number] = Page::KERNEL;
        self.free -= 1;
        Ok(number as u32)
    }

    /// Turns a page of the kernel's into `owner`'s: the first environment's part of the boot image.
    pub fn hand_over(&mut self, number: u32, owner: Name, capability: Capability) {
        if let Some(page) = self.pages.get_mut(number as usize)
            && page.state == State::Kernel
        {
            *page = Page { state: State::Owned, owner, bound: false, read: capability, write: capability };
        }
    }

    /// Allocates page `number`, or any page for [`ANY`].
    ///
    /// # Errors
    /// [`Error::NoPage`] if there is no such page, [`Error::Busy`] if it is not free,
    /// [`Error::Exhausted`] if none is.
    pub fn allocate(
        &mut self,
        number: u32,
        owner: Name,
        read: Capability,
        write: Capability,
    ) -> Result<Allocated, Error> {
        let index = if number == ANY { self.find()? } else { number as usize };
        let page = self.pages.get_mut(index).ok_or(Error::NoPage)?;
        if page.state != State::Free {
            return Err(Error::Busy);
        }
        let dirty = page.owner != owner;
        *page = Page { state: State::Owned, owner, bound: false, read, write };
        self.free -= 1;
        Ok(Allocated { number: index as u32, dirty })
    }

    fn find(&mut self) -> Result<usize, Error> {
        if self.free == 0 {
            return Err(Error::Exhausted);
        }
        let (before, after) = self.pages.split_at(self.next);
        let is_free = |page: &Page| page.state == State::Free;
        let index = match after.iter().position(is_free) {
            Some(index) => self.next + index,
            None => before.iter().position(is_free).ok_or(Error::Exhausted)?,
        };
        self.next = index + 1;
        Ok(index)
    }

    fn owned(&mut self, number: u32, owner: Name) -> Result<&mut Page, Error> {
        let page = self.pages.get_mut(number as usize).ok_or(Error::NoPage)?;
        match page.state {
            State::Owned if page.owner == owner => Ok(page),
            State::Owned | State::Kernel => Err(Error::Denied),
            State::Free => Err(Error::NoPage),
        }
    }

    /// Frees a page of `owner`'s. Its bindings are the caller's to break.
    ///
    /// # Errors
    /// [`Error::NoPage`] if it is free or does not exist, [`Error::Denied`] if it is another's.
    pub fn free(&mut self, number: u32, owner: Name) -> Result<(), Error> {
        let page = self.owned(number, owner)?;
        // The owner stays, as the last one; the capabilities go, so that a free page fits nothing.
        // `bound` stays too: the caller has bindings to break only where it is set.
        *page = Page { owner, bound: page.bound, ..Page::FREE };
        self.free += 1;
        Ok(())
    }

    /// Frees every page of `owner`'s, who is destroyed, and forgets which ones were: names are used again
    /// one day, and whoever then bears this one must find every page cleared. Bindings are the caller's
    /// to break, beforehand.
    pub fn purge(&mut self, owner: Name) {
        for page in self.pages.iter_mut().filter(|page| page.owner == owner) {
            match page.state {
                State::Kernel => continue,
                State::Owned => self.free += 1,
                State::Free => {}
            }
            *page = Page::FREE;
        }
    }

    /// Changes the capabilities of a page of `owner`'s. Bindings are the caller's to break.
    ///
    /// # Errors
    /// As [`Self::free`].
    pub fn protect(
        &mut self,
        number: u32,
        owner: Name,
        read: Capability,
        write: Capability,
    ) -> Result<(), Error> {
        let page = self.owned(number, owner)?;
        page.read = read;
        page.write = write;
        Ok(())
    }

    /// What a capability allows on a page: nothing if the page is free or does not exist.
    #[must_use]
    pub fn right(&self, number: u32, presented: Capability) -> Right {
        match self.get(number) {
            Some(page) if page.state != State::Free => right(presented, page.read, page.write),
            _ => Right::None,
        }
    }
}

#[cfg(test)]
mod tests;
