//! Page tables of a process, behind one trait (paper, sections 6.2 and 7.2; Tables 10 and 13).
//!
//! A page table is the library's own: Aegis never sees it. It maps virtual pages to [`Pte`]s, in memory that its owner
//! gives it and that grows page by page. Three are here: [`Linear`], the paper's vector with binary search; [`Inverted`],
//! hashed; [`Clustered`], hashed by blocks of sixteen pages. docs/extending.md walks through writing a fourth.

use aegis_abi::layout::PAGE_SHIFT;

mod clustered;
mod inverted;
mod linear;

pub use clustered::Clustered;
pub use inverted::Inverted;
pub use linear::Linear;

bitflags::bitflags! {
    /// What the library keeps of a page, in the low bits of [`Pte::tag`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Soft: u32 {
        /// The program may read it.
        const READ = 1;
        /// The program may write it.
        const WRITE = 2;
        /// Whoever writes it first copies it.
        const COW = 4;
        /// It has been written.
        const DIRTY = 8;
        /// It has been touched.
        const REFERENCED = 16;
        /// It is shared with others, and stays so over a fork.
        const SHARED = 32;
    }
}

/// An entry: eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Pte {
    /// Bits 31..12 the virtual page, 11..6 the place of its capabilities, 5..0 [`Soft`]. Zero: no entry.
    pub tag: u32,
    /// Physical page and mapping's bits, as TLBwr takes them.
    pub entry: u32,
}

const CAPABILITY_SHIFT: u32 = 6;
const CAPABILITIES: u32 = 0x3f << CAPABILITY_SHIFT;

impl Pte {
    /// No entry.
    pub const EMPTY: Self = Self { tag: 0, entry: 0 };

    /// An entry for virtual page `vpn`, which is not page zero.
    #[inline]
    #[must_use]
    pub const fn new(vpn: u32, soft: Soft, capability: usize, entry: u32) -> Self {
        let place = (capability as u32) << CAPABILITY_SHIFT & CAPABILITIES;
        Self { tag: vpn << PAGE_SHIFT | place | soft.bits(), entry }
    }

    /// The virtual page.
    #[inline]
    #[must_use]
    pub const fn vpn(self) -> u32 {
        self.tag >> PAGE_SHIFT
    }

    /// The physical page.
    #[inline]
    #[must_use]
    pub const fn page(self) -> u32 {
        self.entry >> PAGE_SHIFT
    }

    /// What the library keeps.
    #[inline]
    #[must_use]
    pub const fn soft(self) -> Soft {
        Soft::from_bits_truncate(self.tag)
    }

    /// Changes that.
    #[inline]
    pub const fn set_soft(&mut self, soft: Soft) {
        self.tag = self.tag & !Soft::all().bits() | soft.bits();
    }

    /// The place of its capabilities in the owner's list, below 64.
    #[inline]
    #[must_use]
    pub const fn capability(self) -> usize {
        ((self.tag & CAPABILITIES) >> CAPABILITY_SHIFT) as usize
    }

    /// The same with other capabilities.
    #[inline]
    #[must_use]
    pub const fn with_capability(mut self, place: usize) -> Self {
        self.tag = self.tag & !CAPABILITIES | (place as u32) << CAPABILITY_SHIFT & CAPABILITIES;
        self
    }
}

/// No room: [`PageTable::extend`] first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// A page table over memory that lives for `'a`.
pub trait PageTable<'a> {
    /// The entry of a page.
    fn find(&mut self, vpn: u32) -> Option<&mut Pte>;

    /// Entries side by side, in ascending order, beginning with the lowest page in `vpn..end` that has one, all below
    /// `end`, and with no entry left out in between; empty if there is none. As many as the structure has together:
    /// who changes a range asks again behind the last.
    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte];

    /// Enters a page, in place of the entry that it has.
    ///
    /// # Errors
    /// [`Full`].
    fn insert(&mut self, pte: Pte) -> Result<(), Full>;

    /// Takes a page out.
    fn remove(&mut self, vpn: u32) -> Option<Pte>;

    /// How many entries it has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory, in entries, it has to have before one more insertion is sure to succeed.
    fn wants(&self) -> usize;

    /// Gives its memory up, only to get it back by [`Self::extend`].
    fn release(&mut self) -> &'a mut [Pte];

    /// Gives it the memory again that it had, with more behind it, which is all [`Pte::EMPTY`].
    fn extend(&mut self, memory: &'a mut [Pte]);
}

#[cfg(test)]
mod tests;
