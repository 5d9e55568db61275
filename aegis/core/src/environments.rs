//! The table of environments: their names, pages, parents and limits (paper, section 5.1).

use aegis_abi::layout::{ENVIRONMENTS, RESOURCES, Resource};
use aegis_abi::{Error, Name};

use crate::pages::Owner;

/// What the kernel remembers of a living environment outside its page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Environment {
    /// Its name.
    pub name: Name,
    /// How many were created before it.
    pub serial: u32,
    /// The physical page that holds its [`EnvironmentPage`](aegis_abi::environment::EnvironmentPage).
    pub page: u32,
    /// Who created it; nobody for the first one.
    pub parent: Name,
    /// Slices that it has to forfeit, for as many in which it overran its own.
    owes: u32,
    /// What it and its descendants have of each resource, and how much they may have.
    used: [u32; RESOURCES],
    limit: [u32; RESOURCES],
}

impl Environment {
    /// As an owner of pages.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        Owner { name: self.name, serial: self.serial }
    }

    /// What it and its descendants have of a resource.
    #[must_use]
    pub const fn used(&self, resource: Resource) -> u32 {
        self.used[resource as usize]
    }
}

/// Where the environments are kept: too much for the stack that the kernel boots on.
#[derive(Debug)]
pub struct Table {
    environments: [Option<Environment>; ENVIRONMENTS],
    /// The id of the living environment that has a tag, by the tag's low ten bits; its name tells whether it
    /// still has.
    tags: [u8; TAGS],
    /// Tags whose last owner has died since all that the dead had left behind was forgotten.
    left: [bool; TAGS],
}

impl Table {
    /// Without any.
    pub const EMPTY: Self = Self { environments: [None; ENVIRONMENTS], tags: [0; TAGS], left: [false; TAGS] };
}

/// All environments.
#[derive(Debug)]
pub struct Environments<'a> {
    table: &'a mut [Option<Environment>; ENVIRONMENTS],
    tags: &'a mut [u8; TAGS],
    left: &'a mut [bool; TAGS],
    /// Generation of the next name.
    generation: u32,
    serial: u32,
    alive: usize,
    /// Before this place every id is taken.
    free: usize,
}

/// Tags that there are: see [`Name::tag`], whose top bit is always set.
const TAGS: usize = 1024;

/// The id that is tried in place `place`: the low six bits, the hardware's address-space id, are turned around.
/// So as long as at most 64 live no two share one, and the first ones differ in its high bits, which choose
/// among entries of the STLB.
const fn id(place: usize) -> usize {
    place & !63 | ((place as u8 & 63).reverse_bits() >> 2) as usize
}

impl<'a> Environments<'a> {
    /// No environments.
    pub const fn new(table: &'a mut Table) -> Self {
        let Table { environments, tags, left } = table;
        Self { table: environments, tags, left, generation: 0, serial: 0, alive: 0, free: 0 }
    }

    /// How many live.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.alive
    }

    /// The living environment with this tag.
    #[must_use]
    pub fn tagged(&self, tag: u32) -> Option<Environment> {
        let id = self.tags[tag as usize % TAGS];
        self.table[id as usize].filter(|environment| environment.name.tag() == tag)
    }

    /// Enters an environment with a name that no other has had, and a tag that no living one has. The flag
    /// says that one had it who has died since the flag was last set: what the dead have left under their
    /// tags has to be forgotten.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when the table is full or a limit is reached.
    pub fn create(&mut self, page: u32, parent: Name) -> Result<(Name, bool), Error> {
        let free = |place: &usize| self.table[id(*place)].is_none();
        let place = (self.free..ENVIRONMENTS).find(free).ok_or(Error::Exhausted)?;
        self.charge(parent, Resource::Environments)?;
        self.free = place + 1;
        let id = id(place);
        let name = loop {
            let name = Name::new(id as u8, self.generation);
            self.generation = (self.generation + 1) % Name::GENERATIONS;
            // Ends: there are four times as many tags as environments.
            if self.tagged(name.tag()).is_none() {
                break name;
            }
        };
        let tag = name.tag() as usize % TAGS;
        self.tags[tag] = id as u8;
        let used = self.left[tag];
        if used {
            self.left.fill(false);
        }
        let serial = self.serial;
        self.serial += 1;
        self.table[id] = Some(Environment {
            name,
            serial,
            page,
            parent,
            owes: 0,
            used: [0; RESOURCES],
            limit: [u32::MAX; RESOURCES],
        });
        self.alive += 1;
        Ok((name, used))
    }

    /// The living environment with this name; the name of its asynchronous entry will not do.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`].
    pub fn get(&self, name: Name) -> Result<Environment, Error> {
        match self.table[name.id() as usize] {
            Some(environment) if environment.name == name => Ok(environment),
            _ => Err(Error::NoEnvironment),
        }
    }

    fn get_mut(&mut self, name: Name) -> Option<&mut Environment> {
        self.table[name.id() as usize].as_mut().filter(|environment| environment.name == name)
    }

    /// The environment named, if `caller` is it or its parent.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`], [`Error::Denied`].
    pub fn get_as(&self, name: Name, caller: Name) -> Result<Environment, Error> {
        let environment = self.get(name)?;
        if name == caller || environment.parent == caller { Ok(environment) } else { Err(Error::Denied) }
    }

    /// Charges one unit of a resource to an environment and its ancestors.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if one of them has reached its limit; nobody is charged then.
    pub fn charge(&mut self, name: Name, resource: Resource) -> Result<(), Error> {
        let index = resource as usize;
        let mut at = name;
        while let Ok(environment) = self.get(at) {
            if environment.used[index] >= environment.limit[index] {
                return Err(Error::Exhausted);
            }
            at = environment.parent;
        }
        self.change(name, |environment| environment.used[index] += 1);
        Ok(())
    }

    /// Takes units of a resource off the account of an environment and its ancestors.
    pub fn discharge(&mut self, name: Name, resource: Resource, units: u32) {
        self.change(name, |environment| environment.used[resource as usize] -= units);
    }

    /// Charges one unit that `parent` has been charged with already to its child `to` too, or to itself, which
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if the child has reached its limit.
    pub fn hand_down(&mut self, to: Name, parent: Name, resource: Resource) -> Result<(), Error> {
        let index = resource as usize;
        let Some(child) = self.get_mut(to).filter(|_| to != parent) else { return Ok(()) };
        if child.used[index] >= child.limit[index] {
            return Err(Error::Exhausted);
        }
        child.used[index] += 1;
        Ok(())
    }

    /// Takes back what [`Self::hand_down`] did.
    pub fn hand_back(&mut self, to: Name, parent: Name, resource: Resource) {
        if let Some(child) = self.get_mut(to).filter(|_| to != parent) {
            child.used[resource as usize] -= 1;
        }
    }

    /// Changes an environment and its ancestors.
    fn change(&mut self, name: Name, mut change: impl FnMut(&mut Environment)) {
        let mut at = name;
        while let Some(environment) = self.get_mut(at) {
            change(environment);
            at = environment.parent;
        }
    }

    /// An environment has run for a tick that was not its own: it owes a slice for it.
    pub fn owe(&mut self, name: Name) {
        if let Some(environment) = self.get_mut(name) {
            environment.owes += 1;
        }
    }

    /// Lets an environment forfeit a slice, if it owes one.
    pub fn pay(&mut self, name: Name) -> bool {
        let Some(environment) = self.get_mut(name).filter(|environment| environment.owes > 0) else {
            return false;
        };
        environment.owes -= 1;
        true
    }

    /// Limits what a child of `caller`'s and its descendants may have of a resource, [`u32::MAX`] for no limit;
    /// tells what they have. More than the limit stays theirs, for [`Self::charge`] to refuse more.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`], [`Error::Denied`] if it is no child of the caller's.
    pub fn limit(&mut self, name: Name, caller: Name, resource: Resource, limit: u32) -> Result<u32, Error> {
        let child = self.get_mut(name).ok_or(Error::NoEnvironment)?;
        if child.parent != caller {
            return Err(Error::Denied);
        }
        child.limit[resource as usize] = limit;
        Ok(child.used[resource as usize])
    }

    /// Takes an environment out of the table, which has nothing any more but descendants. Its children
    /// become its parent's, so that whoever started a family of environments can always end it; those of
    /// one without a parent are nobody's.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`].
    pub fn remove(&mut self, name: Name) -> Result<Environment, Error> {
        let environment = self.get(name)?;
        self.discharge(environment.parent, Resource::Environments, 1);
        self.table[name.id() as usize] = None;
        self.left[name.tag() as usize % TAGS] = true;
        self.alive -= 1;
        // The turning around of ids undoes itself: the place of an id is found as its id is.
        self.free = self.free.min(id(name.id() as usize));
        if environment.used(Resource::Environments) == 0 {
            return Ok(environment);
        }
        for child in self.table.iter_mut().flatten().filter(|child| child.parent == name) {
            child.parent = environment.parent;
            // Its limit dies with it: what held for the family must not end so. Their new parent may give more.
            for resource in 0..RESOURCES {
                if environment.limit[resource] != u32::MAX {
                    child.limit[resource] = child.limit[resource].min(child.used[resource]);
                }
            }
        }
        Ok(environment)
    }

    /// Those that live, by id.
    pub fn living(&self) -> impl Iterator<Item = &Environment> {
        self.table.iter().flatten()
    }
}

#[cfg(test)]
mod tests;
