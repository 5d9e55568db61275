//! The address space of an environment, and the constants that go with it.
//!
//! ```text
//! 0x00000000  page zero: never mapped, so a null pointer faults
//! 0x00001000  the environment's own page, read-only (environment.rs)
//! 0x00002000  second segment: pages that guaranteed mappings pin (paper, section 5.4)
//! 0x00080000  first segment: ordinary code and data; a miss here is the environment's own affair
//! 0x80000000  the kernel: an address error in user mode
//! ```
//!
//! The second segment lies at the bottom because the first 32 KB of memory can be addressed from
//! `$zero`: exception handlers reach their save areas without a free base register.

/// Bytes of a page.
pub const PAGE_SIZE: u32 = 4096;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Guaranteed mappings of an environment: one for each page of the second segment.
pub const GUARANTEED_PAGES: usize = 128;
/// First address behind the second segment.
pub const SECOND_SEGMENT_END: u32 = GUARANTEED_PAGES as u32 * PAGE_SIZE;
/// Where each environment finds its own page.
pub const ENVIRONMENT_PAGE: u32 = 0x1000;
/// First address that user mode cannot reach.
pub const USER_END: u32 = 0x8000_0000;
/// Where programs are linked (linker/program.ld).
pub const PROGRAM_BASE: u32 = 0x0001_0000;

/// Environments that can live at once.
pub const ENVIRONMENTS: usize = 256;
/// Hardware address-space ids of an R3000; other machines are held to as many.
pub const ADDRESS_SPACE_IDS: usize = 64;
/// Positions in the vector of time slices.
pub const SLICES: usize = 64;
/// Length of a time slice: the paper's 15.625 ms, 64 Hz of the clock chip.
pub const QUANTUM_US: u32 = 15_625;
/// Further timer interrupts after the end of its slice that an environment survives without
/// yielding. The paper gives no value.
pub const EXCESS_LIMIT: u32 = 8;

/// Pages behind guaranteed mappings that are never taken from an environment: the paper's five to ten.
pub const RESERVE: usize = 8;
/// Entries of the repossession vector that an environment can load with pages to save contents to.
pub const BACKINGS: usize = 8;

/// What an environment and its descendants can be limited in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Resource {
    /// Physical pages.
    Pages = 0,
    /// Positions in the vector of time slices.
    Slices = 1,
    /// Environments: descendants.
    Environments = 2,
}

/// How many resources there are.
pub const RESOURCES: usize = 3;

impl Resource {
    /// All of them, in order.
    pub const ALL: [Self; RESOURCES] = [Self::Pages, Self::Slices, Self::Environments];
}

bitflags::bitflags! {
    /// A mapping's bits, in the low half of an R3000 `EntryLo` on every machine.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Mapping: u32 {
        /// Not cached.
        const UNCACHED = 1 << 11;
        /// Writable ("dirty" to the hardware).
        const WRITABLE = 1 << 10;
        /// Valid. The kernel sets it.
        const VALID = 1 << 9;
    }
}

/// Asks an allocating call for any page or position rather than a certain one.
pub const ANY: u32 = u32::MAX;
