//! What the kernel lets everybody read of its books: the map of physical pages with its free list, and
//! the software TLB (paper, sections 3.1 and 5.4).
//!
//! Both lie in pages that answer to [`Capability::PUBLIC`](crate::Capability::PUBLIC) for reading, and
//! `machine` tells where ([`Fact::MapPage`](crate::calls::Fact::MapPage) and its neighbours). They hold owners and
//! mappings; capabilities are never in them.

/// In [`Entry::owner`]: nobody owns the page.
pub const FREE: u32 = 0;
/// In [`Entry::owner`]: the page is the kernel's. Every other value is its owner's name.
pub const KERNEL: u32 = 1;
/// In [`Entry::next`] and [`Header::first_free`]: the list ends here.
pub const END: u32 = u32::MAX;

/// How the map of pages begins; an [`Entry`] for each page follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Header {
    /// Pages of the machine.
    pub pages: u32,
    /// How many are free.
    pub free: u32,
    /// The first of the free list: the one that is given to who asks for any.
    pub first_free: u32,
    /// The last of it.
    pub last_free: u32,
}

/// What everybody may know of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Entry {
    /// [`FREE`], [`KERNEL`], or the owner's name.
    pub owner: u32,
    /// The next page of the same list: the free list, or the pages of the same owner.
    pub next: u32,
}

/// Entries of the software TLB (STLB).
pub const STLB_ENTRIES: usize = 4096;

/// One entry of the STLB: a binding of a virtual page to a physical one, checked when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Binding {
    /// The owner's tag and the virtual page, as an R3000's `Context` register has them on a miss; zero if
    /// the entry is empty.
    pub key: u32,
    /// The mapping, in the form of an R3000 `EntryLo`.
    pub mapping: u32,
}

impl Binding {
    /// No binding.
    pub const EMPTY: Self = Self { key: 0, mapping: 0 };
}

/// The bits of a key that are the owner's tag.
pub const TAG: u32 = 0xffe0_0000;

/// The key of a virtual page in the address space that `name` names: bits 31..21 of the name, its tag,
/// and the page's number in bits 20..2.
#[must_use]
pub const fn key(name: crate::Name, vpn: u32) -> u32 {
    name.0 & TAG | (vpn & 0x7_ffff) << 2
}

/// The virtual page of a key.
#[must_use]
pub const fn vpn_of(key: u32) -> u32 {
    key >> 2 & 0x7_ffff
}

/// Where in the STLB a virtual page's entry is: the low ten bits of its number, then the high two of
/// the hardware's address-space id, so that environments linked to the same addresses part.
#[must_use]
pub const fn index(name: crate::Name, vpn: u32) -> usize {
    ((vpn << 2 | name.address_space() >> 4) as usize) % STLB_ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Name;

    #[test]
    fn a_key_is_what_the_processor_makes_of_a_miss() {
        let name = Name::new(0x2b, 0x155);
        // Context: PTEBase was written with the name; bits 20..2 are bits 30..12 of the bad address.
        let bad_address = 0x7fed_c123_u32;
        let context = name.0 & TAG | (bad_address >> 12 & 0x7_ffff) << 2;
        assert_eq!(key(name, bad_address >> 12), context);
        assert_eq!(vpn_of(context), bad_address >> 12);
    }

    #[test]
    fn the_index_is_what_the_assembly_computes_from_entry_hi() {
        for id in [0, 15, 16, 31, 48, 63, 64, 255] {
            let name = Name::new(id, 3);
            for vpn in [0x80, 0x3ff, 0x400, 0x7_ffff] {
                let entry_hi = vpn << 12 | name.address_space() << 6;
                assert_eq!(index(name, vpn) as u32 * 8, entry_hi >> 7 & 0x7ff8);
            }
        }
    }

    #[test]
    fn four_environments_keep_a_page_apart() {
        let mut places = [0, 16, 32, 48].map(|id| index(Name::new(id, 0), 0x80));
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
