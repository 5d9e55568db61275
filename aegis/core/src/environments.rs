//! The table of environments: their names, pages and parents (paper, section 5.1).

use aegis_abi::layout::ENVIRONMENTS;
use aegis_abi::{Error, Name};

/// What the kernel remembers of a living environment outside its page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Environment {
    /// Its name.
    pub name: Name,
    /// The physical page that holds its [`EnvironmentPage`](aegis_abi::environment::EnvironmentPage).
    pub page: u32,
    /// Who created it; nobody for the first one.
    pub parent: Name,
}

/// All environments.
#[derive(Debug)]
pub struct Environments {
    table: [Option<Environment>; ENVIRONMENTS],
    /// Generation of the next name.
    generation: u32,
    alive: usize,
}

impl Environments {
    /// No environments.
    #[must_use]
    pub const fn new() -> Self {
        Self { table: [None; ENVIRONMENTS], generation: 0, alive: 0 }
    }

    /// How many live.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.alive
    }

    /// Enters an environment with a name that no other has had, and a tag that no living one has.
    ///
    /// # Errors
    /// [`Error::Exhausted`].
    pub fn create(&mut self, page: u32, parent: Name) -> Result<Name, Error> {
        // The lowest free id: as long as at most 64 live, no two share an address-space id.
        let id = self.table.iter().position(Option::is_none).ok_or(Error::Exhausted)?;
        let name = loop {
            let name = Name::new(id as u8, self.generation);
            self.generation = (self.generation + 1) % Name::GENERATIONS;
            // Ends: there are four times as many tags as environments.
            if !self.living().any(|other| other.name.tag() == name.tag()) {
                break name;
            }
        };
        self.table[id] = Some(Environment { name, page, parent });
        self.alive += 1;
        Ok(name)
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

    /// The environment named, if `caller` is it or its parent.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`], [`Error::Denied`].
    pub fn get_as(&self, name: Name, caller: Name) -> Result<Environment, Error> {
        let environment = self.get(name)?;
        if name == caller || environment.parent == caller { Ok(environment) } else { Err(Error::Denied) }
    }

    /// Takes an environment out of the table. Its children become its parent's, so that whoever started
    /// a family of environments can always end it; those of one without a parent are nobody's.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`].
    pub fn remove(&mut self, name: Name) -> Result<Environment, Error> {
        let environment = self.get(name)?;
        self.table[name.id() as usize] = None;
        self.alive -= 1;
        for child in self.table.iter_mut().flatten().filter(|child| child.parent == name) {
            child.parent = environment.parent;
        }
        Ok(environment)
    }

    /// Those that live, by id.
    pub fn living(&self) -> impl Iterator<Item = &Environment> {
        self.table.iter().flatten()
    }
}

impl Default for Environments {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
