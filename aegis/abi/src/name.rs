//! Names of environments, made so that a protected control transfer need not look one up.

use crate::layout::ADDRESS_SPACE_IDS;

/// The name of an environment: what `v0` holds when a protected control transfer enters the kernel.
///
/// ```text
/// 31      1: the sign tells transfers from calls in one branch
/// 30..14  generation: a name is used once in 2^17 environments
/// 13..6   id: the index in the table of environments; 11..6 is the address-space id
///  5..3   id bits 5..3 again: bits 8..3 choose the slot of the caller's transfer cache
///  0      0 names the synchronous entry, 1 the asynchronous one
/// ```
///
/// On an R3000 the name itself can be written to `EntryHi` (bits 11..6 are its address-space id)
/// and to `Context` (bits 31..21 are its `PTEBase`, the tag of the software TLB), so a transfer
/// needs no table for either. The kernel therefore keeps bits 30..21 different among the living.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Name(pub u32);

impl Name {
    /// Names nobody.
    pub const NOBODY: Self = Self(0);
    /// The bit that names the asynchronous entry.
    pub const ASYNCHRONOUS: u32 = 1;
    /// How many generations there are.
    pub const GENERATIONS: u32 = 1 << 17;

    /// The name of the environment with index `id` (below 256) in its `generation` (taken modulo
    /// [`Self::GENERATIONS`]).
    #[must_use]
    pub const fn new(id: u8, generation: u32) -> Self {
        let id = id as u32;
        // The generation's low ten bits become the tag: consecutive generations never share one.
        let tag = generation & 0x3ff;
        let rest = generation >> 10 & 0x7f;
        Self(1 << 31 | tag << 21 | rest << 14 | id << 6 | (id & 0x38))
    }

    /// Index in the table of environments.
    #[must_use]
    pub const fn id(self) -> u8 {
        (self.0 >> 6) as u8
    }

    /// The hardware's address-space id; environments 64 apart share one.
    #[must_use]
    pub const fn address_space(self) -> u32 {
        self.id() as u32 % ADDRESS_SPACE_IDS as u32
    }

    /// The tag that the software TLB is keyed with: 11 bits, the top one set.
    #[must_use]
    pub const fn tag(self) -> u32 {
        self.0 >> 21
    }

    /// The same environment's asynchronous entry.
    #[must_use]
    pub const fn asynchronous(self) -> Self {
        Self(self.0 | Self::ASYNCHRONOUS)
    }

    /// The same environment's synchronous entry: its plain name.
    #[must_use]
    pub const fn synchronous(self) -> Self {
        Self(self.0 & !Self::ASYNCHRONOUS)
    }

    /// Whether this is the name of an asynchronous entry.
    #[must_use]
    pub const fn is_asynchronous(self) -> bool {
        self.0 & Self::ASYNCHRONOUS != 0
    }
}

/// The bits of `v0` that choose a slot of the transfer cache, and those that choose a call: one
/// mask, so that the kernel applies it before it knows which of the two it has.
pub const SELECTOR: u32 = 0x1f8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_back() {
        for id in 0..=255u8 {
            for generation in [0, 1, 0x3ff, 0x400, 0x1_ffff] {
                let name = Name::new(id, generation);
                assert_eq!(name.id(), id);
                assert_eq!(name.0 & 7, 0);
                assert_eq!(name.tag() & 0x3ff, generation & 0x3ff);
                assert_eq!(name.0 >> 6 & 0x3f, name.address_space());
                assert_eq!(name.asynchronous().synchronous(), name);
            }
        }
    }

    #[test]
    fn no_two_generations_of_an_environment_share_a_name() {
        let mut last = Name::NOBODY;
        for generation in 0..Name::GENERATIONS {
            let name = Name::new(7, generation);
            assert_ne!(name, last);
            assert_eq!((name.0 >> 21 & 0x3ff) | (name.0 >> 14 & 0x7f) << 10, generation);
            last = name;
        }
    }

    #[test]
    fn sixty_four_environments_have_transfer_slots_of_their_own() {
        let mut seen = [false; 64];
        for id in 0..64 {
            let slot = (Name::new(id, 5).0 & SELECTOR) as usize / 8;
            assert!(!seen[slot]);
            seen[slot] = true;
        }
    }
}
