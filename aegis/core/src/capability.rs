//! Comparing and making capabilities (paper, section 3.2).

use aegis_abi::Capability;

/// What a capability allows on a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Right {
    /// Nothing.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// What `presented` allows on a page that records the two capabilities. Both are always compared,
/// whole, so the time taken tells nothing.
#[must_use]
pub fn right(presented: Capability, read: Capability, write: Capability) -> Right {
    let may_write = equal(presented, write);
    let may_read = equal(presented, read);
    match (may_write, may_read) {
        (true, _) => Right::Write,
        (false, true) => Right::Read,
        (false, false) => Right::None,
    }
}

/// Equality without an early exit; [`Capability::NONE`] equals nothing.
fn equal(a: Capability, b: Capability) -> bool {
    let difference = a.0 ^ b.0;
    let folded = (difference >> 32) as u32 | difference as u32;
    (folded == 0) & (b.0 != Capability::NONE.0)
}

/// The kernel's source of unguessable words: SipHash-2-4 of a counter, under a key from the boot
/// seed. Whoever does not know the key cannot tell the next word from the ones before.
#[derive(Clone, Debug)]
pub struct Generator {
    key: [u64; 2],
    counter: u64,
    spare: Option<u32>,
}

impl Generator {
    /// A generator with this key.
    #[must_use]
    pub const fn new(key: [u64; 2]) -> Self {
        Self { key, counter: 0, spare: None }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if let Some(word) = self.spare.take() {
            return word;
        }
        self.counter += 1;
        let hash = siphash(self.key, self.counter);
        self.spare = Some((hash >> 32) as u32);
        hash as u32
    }
}

/// SipHash-2-4 of one eight-byte message (Aumasson and Bernstein, 2012).
fn siphash(key: [u64; 2], message: u64) -> u64 {
    let mut v = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    // The second block holds what is left of the message, nothing, and its length.
    for block in [message, 8 << 56] {
        v[3] ^= block;
        round(&mut v);
        round(&mut v);
        v[0] ^= block;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests;
