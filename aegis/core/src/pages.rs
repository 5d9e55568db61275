//! Physical memory: who owns each page, and which capabilities it answers to (paper, sections 3.1
//! and 5.1).
//!
//! A page's owner and the list that it is in stand in the map that everybody may read
//! ([`aegis_abi::map`]); its capabilities and what is bound to it stand in records that nobody may. Every
//! page that is not the kernel's is in one list, of the free ones or of its owner's, so that nothing here
//! takes longer the more pages or environments there are.

use aegis_abi::layout::{ANY, ENVIRONMENTS};
use aegis_abi::map::{END, Entry, FREE, Header, KERNEL};
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
    Owned(Name),
}

/// What may be bound to a page: guaranteed mappings, entries of the STLB and of the hardware's TLB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// Nothing.
    None,
    /// One virtual page, by its key in the STLB.
    At(u32),
    /// Several.
    Many,
}

/// An owner: an environment, and which of all that were ever created it is. Names are used again one day,
/// these numbers are not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Its name.
    pub name: Name,
    /// How many environments were created before it.
    pub serial: u32,
}

/// What the kernel alone remembers of a page. The assembly that writes the TLB reads it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    /// The capability to read it.
    pub read: Capability,
    /// The capability to write it.
    pub write: Capability,
    /// What is bound to it: zero, a key, or [`Record::MANY`].
    pub bound: u32,
    /// The page before it in its list.
    previous: u32,
    /// The last owner's serial number.
    last: u32,
    padding: u32,
}

impl Record {
    /// In `bound`: more than one virtual page. No key is odd.
    pub const MANY: u32 = 1;
    /// Of a page that fits nothing.
    pub const NONE: Self = Self {
        read: Capability::NONE,
        write: Capability::NONE,
        bound: 0,
        previous: END,
        last: u32::MAX,
        padding: 0,
    };
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
    header: &'a mut Header,
    map: &'a mut [Entry],
    records: &'a mut [Record],
    /// First page of each environment's list, by id.
    owned: [u32; ENVIRONMENTS],
}

/// Which list a page is in.
#[derive(Clone, Copy)]
enum List {
    Free,
    Of(Name),
}

impl<'a> Pages<'a> {
    /// Takes the books of all pages, each the kernel's until [`Self::give`] frees it.
    pub fn new(header: &'a mut Header, map: &'a mut [Entry], records: &'a mut [Record]) -> Self {
        debug_assert_eq!(map.len(), records.len());
        *header = Header { pages: map.len() as u32, free: 0, first_free: END, last_free: END };
        map.fill(Entry { owner: KERNEL, next: END });
        records.fill(Record::NONE);
        Self { header, map, records, owned: [END; ENVIRONMENTS] }
    }

    /// Number of pages, and of free ones.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.map.len(), self.header.free as usize)
    }

    /// The state of a page.
    #[must_use]
    pub fn state(&self, number: u32) -> Option<State> {
        Some(match self.map.get(number as usize)?.owner {
            FREE => State::Free,
            KERNEL => State::Kernel,
            name => State::Owned(Name(name)),
        })
    }

    /// The pages of an owner.
    pub fn of(&self, owner: Name) -> impl Iterator<Item = u32> {
        self.list(self.owned[owner.id() as usize])
    }

    /// The free pages, the next one that is given first.
    pub fn free_list(&self) -> impl Iterator<Item = u32> {
        self.list(self.header.first_free)
    }

    fn list(&self, first: u32) -> impl Iterator<Item = u32> {
        let next = |number: u32| (number != END).then_some(number);
        core::iter::successors(next(first), move |number| next(self.map[*number as usize].next))
    }

    /// What is bound to a page.
    #[must_use]
    pub fn bound(&self, number: u32) -> Bound {
        match self.records.get(number as usize).map_or(0, |record| record.bound) {
            0 => Bound::None,
            Record::MANY => Bound::Many,
            key => Bound::At(key),
        }
    }

    /// Notes that a virtual page is bound to a page.
    pub fn bind(&mut self, number: u32, key: u32) {
        if let Some(record) = self.records.get_mut(number as usize) {
            record.bound = if record.bound == 0 || record.bound == key { key } else { Record::MANY };
        }
    }

    /// Notes that nothing is bound to a page any more.
    pub fn unbind(&mut self, number: u32) {
        if let Some(record) = self.records.get_mut(number as usize) {
            record.bound = 0;
        }
    }

    /// Takes a page out of its list.
    fn leave(&mut self, number: u32, list: List) {
        let next = self.map[number as usize].next;
        let previous = self.records[number as usize].previous;
        match (previous, list) {
            (END, List::Free) => self.header.first_free = next,
            (END, List::Of(owner)) => self.owned[owner.id() as usize] = next,
            (page, _) => self.map[page as usize].next = next,
        }
        match (next, list) {
            (END, List::Free) => self.header.last_free = previous,
            (END, List::Of(_)) => {}
            (page, _) => self.records[page as usize].previous = previous,
        }
        if let List::Free = list {
            self.header.free -= 1;
        }
    }

    /// Puts a page at the end of the free list: who asks for several gets neighbours.
    fn enter_free(&mut self, number: u32) {
        let last = self.header.last_free;
        match last {
            END => self.header.first_free = number,
            page => self.map[page as usize].next = number,
        }
        self.header.last_free = number;
        self.map[number as usize] = Entry { owner: FREE, next: END };
        // Capabilities and bindings go, so that a free page fits nothing.
        let kept = self.records[number as usize].last;
        self.records[number as usize] = Record { previous: last, last: kept, ..Record::NONE };
        self.header.free += 1;
    }

    fn enter_owned(&mut self, number: u32, owner: Name) {
        let first = &mut self.owned[owner.id() as usize];
        let next = core::mem::replace(first, number);
        if let Some(record) = self.records.get_mut(next as usize) {
            record.previous = number;
        }
        self.map[number as usize] = Entry { owner: owner.0, next };
    }

    /// Frees a page of the kernel's.
    pub fn give(&mut self, number: u32) {
        if self.state(number) == Some(State::Kernel) {
            self.enter_free(number);
        }
    }

    /// Lets everybody read a page of the kernel's.
    pub fn publish(&mut self, number: u32) {
        if self.state(number) == Some(State::Kernel) {
            self.records[number as usize].read = Capability::PUBLIC;
        }
    }

    /// Takes a free page for the kernel itself.
    ///
    /// # Errors
    /// [`Error::Exhausted`].
    pub fn take(&mut self) -> Result<u32, Error> {
        let number = self.first_free()?;
        self.leave(number, List::Free);
        self.map[number as usize] = Entry { owner: KERNEL, next: END };
        self.records[number as usize] = Record::NONE;
        Ok(number)
    }

    fn first_free(&self) -> Result<u32, Error> {
        if self.header.first_free == END { Err(Error::Exhausted) } else { Ok(self.header.first_free) }
    }

    /// Turns a page of the kernel's into `owner`'s: the first environment's part of the boot image.
    pub fn hand_over(&mut self, number: u32, owner: Owner, capability: Capability) {
        if self.state(number) == Some(State::Kernel) {
            self.own(number, owner, capability, capability);
        }
    }

    fn own(&mut self, number: u32, owner: Owner, read: Capability, write: Capability) {
        self.enter_owned(number, owner.name);
        self.records[number as usize] = Record { read, write, last: owner.serial, ..Record::NONE };
    }

    /// Allocates page `number`, or any page for [`ANY`].
    ///
    /// # Errors
    /// [`Error::NoPage`] if there is no such page, [`Error::Busy`] if it is not free,
    /// [`Error::Exhausted`] if none is.
    pub fn allocate(
        &mut self,
        number: u32,
        owner: Owner,
        read: Capability,
        write: Capability,
    ) -> Result<Allocated, Error> {
        let number = if number == ANY { self.first_free()? } else { number };
        match self.state(number) {
            None => Err(Error::NoPage),
            Some(State::Free) => {
                let dirty = self.records[number as usize].last != owner.serial;
                self.leave(number, List::Free);
                self.own(number, owner, read, write);
                Ok(Allocated { number, dirty })
            }
            Some(_) => Err(Error::Busy),
        }
    }

    /// Whether a page is `owner`'s.
    ///
    /// # Errors
    /// [`Error::NoPage`] if it is free or does not exist, [`Error::Denied`] if it is another's.
    pub fn check_owner(&self, number: u32, owner: Name) -> Result<(), Error> {
        match self.state(number) {
            Some(State::Owned(name)) if name == owner => Ok(()),
            Some(State::Owned(_) | State::Kernel) => Err(Error::Denied),
            Some(State::Free) | None => Err(Error::NoPage),
        }
    }

    /// Frees a page of `owner`'s. Its bindings are the caller's to break, beforehand.
    ///
    /// # Errors
    /// As [`Self::check_owner`].
    pub fn free(&mut self, number: u32, owner: Name) -> Result<(), Error> {
        self.check_owner(number, owner)?;
        debug_assert_eq!(self.bound(number), Bound::None);
        self.leave(number, List::Of(owner));
        self.enter_free(number);
        Ok(())
    }

    /// Changes the capabilities of a page of `owner`'s. Bindings are the caller's to break.
    ///
    /// # Errors
    /// As [`Self::check_owner`].
    pub fn protect(
        &mut self,
        number: u32,
        owner: Name,
        read: Capability,
        write: Capability,
    ) -> Result<(), Error> {
        self.check_owner(number, owner)?;
        let record = &mut self.records[number as usize];
        record.read = read;
        record.write = write;
        Ok(())
    }

    /// What a capability allows on a page: nothing if the page is free or does not exist.
    #[must_use]
    pub fn right(&self, number: u32, presented: Capability) -> Right {
        match self.records.get(number as usize) {
            Some(record) => right(presented, record.read, record.write),
            None => Right::None,
        }
    }

    /// The page as an argument of a call: it must exist and not be free.
    ///
    /// # Errors
    /// [`Error::NoPage`].
    pub fn used(&self, number: u32) -> Result<State, Error> {
        self.state(number).filter(|state| *state != State::Free).ok_or(Error::NoPage)
    }
}

#[cfg(test)]
mod tests;
