//! Sets of clients.

use super::CLIENTS;

/// A set of clients, a bit each: whoever looks for one skips 32 at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clients([u32; CLIENTS / 32]);

impl Clients {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; CLIENTS / 32])
    }

    /// Those whose bits are set, 32 of them in each word.
    #[must_use]
    pub const fn of_words(words: [u32; CLIENTS / 32]) -> Self {
        Self(words)
    }

    /// The words that [`Clients::of_words`] makes it of again.
    #[must_use]
    pub const fn words(&self) -> [u32; CLIENTS / 32] {
        self.0
    }

    /// Puts a client in. One that there cannot be is not.
    pub fn insert(&mut self, client: usize) {
        if let Some(word) = self.0.get_mut(client / 32) {
            *word |= 1 << (client % 32);
        }
    }

    /// Takes a client out.
    pub fn remove(&mut self, client: usize) {
        if let Some(word) = self.0.get_mut(client / 32) {
            *word &= !(1 << (client % 32));
        }
    }

    /// Whether a client is in it.
    #[must_use]
    pub fn contains(&self, client: usize) -> bool {
        self.0.get(client / 32).is_some_and(|word| word & 1 << (client % 32) != 0)
    }

    /// The first one from a client on.
    #[must_use]
    pub fn first_from(&self, client: usize) -> Option<usize> {
        let mut index = client / 32;
        let mut word = self.0.get(index)? & u32::MAX << (client % 32);
        while word == 0 {
            index += 1;
            word = *self.0.get(index)?;
        }
        Some(32 * index + word.trailing_zeros() as usize)
    }

    /// All of them, upwards.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let mut next = 0;
        core::iter::from_fn(move || {
            let client = self.first_from(next)?;
            next = client + 1;
            Some(client)
        })
    }

    /// Those that are in this set and not in another.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = *self;
        for (word, taken) in left.0.iter_mut().zip(other.0) {
            *word &= !taken;
        }
        left
    }
}

impl FromIterator<usize> for Clients {
    fn from_iter<I: IntoIterator<Item = usize>>(clients: I) -> Self {
        let mut set = Self::new();
        clients.into_iter().for_each(|client| set.insert(client));
        set
    }
}
