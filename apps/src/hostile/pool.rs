//! Values that earlier calls answered, to be used in later ones.

use super::random::Random;

/// A bag of words. When it is full, a new one takes the place of an old one.
pub struct Pool<const N: usize> {
    words: [u32; N],
    count: usize,
}

impl<const N: usize> Pool<N> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { words: [0; N], count: 0 }
    }

    /// Puts a word in.
    pub fn add(&mut self, word: u32, random: &mut Random) {
        if self.count < N {
            self.words[self.count] = word;
            self.count += 1;
        } else {
            self.words[random.below(N as u32) as usize] = word;
        }
    }

    /// Takes a word out; whether it was in.
    pub fn remove(&mut self, word: u32) -> bool {
        let Some(index) = self.words[..self.count].iter().position(|found| *found == word) else {
            return false;
        };
        self.count -= 1;
        self.words[index] = self.words[self.count];
        true
    }

    /// All of them.
    #[allow(dead_code, reason = "each of the programs uses a part of it")]
    pub fn words(&self) -> &[u32] {
        &self.words[..self.count]
    }

    /// One of the words, at random.
    pub fn any(&self, random: &mut Random) -> Option<u32> {
        (self.count > 0).then(|| random.pick(&self.words[..self.count]))
    }
}
