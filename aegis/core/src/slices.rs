//! The processor as a vector of time slices (paper, section 5.1).
//!
//! A slice has an owner, who allocated it, and a holder, who runs in it. A synchronous transfer
//! changes the holder for good, until a transfer gives it back; an asynchronous one and a yield lend
//! the rest of one turn. The owner never changes but by its own gift.

use aegis_abi::layout::{ANY, SLICES};
use aegis_abi::{Error, Name};

/// One position of the vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Who allocated it.
    pub owner: Name,
    /// Who runs when its turn comes.
    pub holder: Name,
}

/// What an environment does about its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It runs.
    Taken,
    /// It pays for a slice that it overran.
    Forfeited,
    /// It lives no more, or cannot run.
    Dead,
}

/// The turn that is running, as far as the assembly that yields has to know of it.
#[derive(Debug)]
#[repr(C)]
pub struct Running {
    /// Who has the current slice back when its turn ends, if it was only lent.
    pub lender: Name,
    /// Whose turn it is once the running environment, whose slice is over, gives way; nobody while it is not over.
    pub successor: Name,
}

impl Running {
    /// Neither lent nor over.
    pub const NEW: Self = Self { lender: Name::NOBODY, successor: Name::NOBODY };
}

/// The vector, and whose turn it is.
#[derive(Debug)]
pub struct Slices<'a> {
    vector: [Option<Slice>; SLICES],
    current: usize,
    /// The current position is still the slice whose turn it is: it was not freed or given away.
    in_force: bool,
    running: &'a mut Running,
}

impl<'a> Slices<'a> {
    /// An empty vector.
    #[must_use]
    pub const fn new(running: &'a mut Running) -> Self {
        Self { vector: [None; SLICES], current: 0, in_force: false, running }
    }

    /// Whose turn it is once the running environment, whose slice is over, gives way; `None` while it is not over.
    #[must_use]
    pub fn successor(&self) -> Option<Name> {
        Some(self.running.successor).filter(|name| *name != Name::NOBODY)
    }

    /// Sets it.
    pub fn set_successor(&mut self, successor: Option<Name>) {
        self.running.successor = successor.unwrap_or(Name::NOBODY);
    }

    /// Who has the current slice back; nobody if it is not lent.
    #[must_use]
    pub const fn lender(&self) -> Name {
        self.running.lender
    }

    /// What stands at a position.
    #[must_use]
    pub fn get(&self, position: u32) -> Option<Slice> {
        self.vector.get(position as usize).copied().flatten()
    }

    /// Who owns the slice whose turn it is; nobody if it was freed or given away.
    #[must_use]
    pub fn owner(&self) -> Name {
        let current = self.vector[self.current].filter(|_| self.in_force);
        current.map_or(Name::NOBODY, |slice| slice.owner)
    }

    /// The owner of a position; nobody if it is free.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the vector.
    pub fn owner_of(&self, position: u32) -> Result<Name, Error> {
        let slice = self.vector.get(position as usize).ok_or(Error::Invalid)?;
        Ok(slice.map_or(Name::NOBODY, |slice| slice.owner))
    }

    /// Allocates a position, or any for [`ANY`].
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the vector, [`Error::Busy`], [`Error::Exhausted`].
    pub fn allocate(&mut self, position: u32, owner: Name) -> Result<u32, Error> {
        let index = if position == ANY {
            self.vector.iter().position(Option::is_none).ok_or(Error::Exhausted)?
        } else {
            position as usize
        };
        let slice = self.vector.get_mut(index).ok_or(Error::Invalid)?;
        if slice.is_some() {
            return Err(Error::Busy);
        }
        *slice = Some(Slice { owner, holder: owner });
        Ok(index as u32)
    }

    fn owned(&mut self, position: u32, owner: Name) -> Result<&mut Option<Slice>, Error> {
        let slice = self.vector.get_mut(position as usize).ok_or(Error::Invalid)?;
        match slice {
            Some(Slice { owner: found, .. }) if *found == owner => Ok(slice),
            _ => Err(Error::Denied),
        }
    }

    /// Frees a position of `owner`'s.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the vector, [`Error::Denied`] if it is not the owner's.
    pub fn free(&mut self, position: u32, owner: Name) -> Result<(), Error> {
        *self.owned(position, owner)? = None;
        self.changed(position as usize);
        Ok(())
    }

    /// Makes `to` owner and holder of a position of `owner`'s.
    ///
    /// # Errors
    /// As [`Self::free`].
    pub fn give(&mut self, position: u32, owner: Name, to: Name) -> Result<(), Error> {
        *self.owned(position, owner)? = Some(Slice { owner: to, holder: to });
        self.changed(position as usize);
        Ok(())
    }

    /// The slice at `position` is another one now: the turn that is running must not touch it.
    fn changed(&mut self, position: usize) {
        self.in_force &= position != self.current;
    }

    /// Notes that `from` lends the rest of the current turn to `to`: whoever lends first has it back, when it ends
    /// or when it is lent to them. The assembly that yields does the same.
    pub fn lend(&mut self, from: Name, to: Name) {
        if self.running.lender == Name::NOBODY {
            self.running.lender = from;
        }
        if self.running.lender == to {
            self.running.lender = Name::NOBODY;
        }
    }

    /// Ends the current turn, in which `running` was the last to run, and finds the next one's
    /// holder. `turn` tells whether the one named takes it; the flag says that it may have to pay for slices that
    /// it overran. `None`: no slice has anybody to run in it.
    pub fn next(&mut self, running: Name, mut turn: impl FnMut(Name, bool) -> Turn) -> Option<Name> {
        if self.in_force
            && let Some(slice) = &mut self.vector[self.current]
        {
            // A synchronous transfer keeps no books: whoever runs at the end holds the slice; its owner, if that one has
            // been destroyed.
            let last = if self.running.lender == Name::NOBODY { running } else { self.running.lender };
            slice.holder = if last == Name::NOBODY { slice.owner } else { last };
        }
        self.running.lender = Name::NOBODY;
        self.in_force = false;
        // When all forfeit, forfeiting would serve nobody.
        for pays in [true, false] {
            for step in 1..=SLICES {
                let index = (self.current + step) % SLICES;
                let Some(slice) = &mut self.vector[index] else { continue };
                let mut answer = turn(slice.holder, pays);
                if answer == Turn::Dead && slice.holder != slice.owner {
                    // The callee's death returns the slice.
                    slice.holder = slice.owner;
                    answer = turn(slice.holder, pays);
                }
                if answer == Turn::Taken {
                    self.current = index;
                    self.in_force = true;
                    return Some(slice.holder);
                }
            }
        }
        None
    }

    /// The last position of an owner that has more than one.
    #[must_use]
    pub fn last_but_one_of(&self, owner: Name) -> Option<u32> {
        let owned = |slice: &Option<Slice>| slice.is_some_and(|slice| slice.owner == owner);
        let first = self.vector.iter().position(owned)?;
        let last = self.vector.iter().rposition(owned)?;
        (last != first).then_some(last as u32)
    }

    /// Frees every position of an environment that is destroyed, and returns what it held to the
    /// owners: its name may be another's one day. Tells how many positions it owned.
    pub fn purge(&mut self, dead: Name) -> u32 {
        let mut owned = 0;
        for position in 0..SLICES {
            match &mut self.vector[position] {
                Some(slice) if slice.owner == dead => {
                    self.vector[position] = None;
                    self.changed(position);
                    owned += 1;
                }
                Some(slice) if slice.holder == dead => slice.holder = slice.owner,
                _ => {}
            }
        }
        if self.running.lender == dead {
            // The borrower keeps nothing for that: what the dead one held goes back to its owner.
            let owner = self.vector[self.current].filter(|_| self.in_force).map(|slice| slice.owner);
            self.running.lender = owner.unwrap_or(Name::NOBODY);
        }
        owned
    }
}

#[cfg(test)]
mod tests;
