//! Pages, their capabilities, and the mappings of the second segment.

use aegis_abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE};
use aegis_abi::{Capability, Error, Name};

use crate::call;

/// A physical page that this environment owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its number.
    pub number: u32,
    /// The capability to read it.
    pub read: Capability,
    /// The capability to write it.
    pub write: Capability,
}

/// Pages that fit side by side into a cache of 64 KB, direct-mapped by physical address.
pub const COLOURS: u32 = 16;

/// Where a page lies in such a cache: two pages of one colour evict each other's lines.
#[must_use]
pub const fn colour(page: u32) -> u32 {
    page % COLOURS
}

/// A new capability, unguessable.
#[must_use]
pub fn capability() -> Capability {
    let word = || call::random().unwrap_or(0);
    Capability::from_words(word(), word())
}

impl Page {
    /// Allocates page `number`, or any for [`ANY`], under new capabilities.
    ///
    /// # Errors
    /// Those of the call `page_alloc`.
    pub fn allocate(number: u32) -> Result<Self, Error> {
        let (read, write) = (capability(), capability());
        let ([read_low, read_high], [write_low, write_high]) = (read.words(), write.words());
        let number = call::page_alloc(number, read_low, read_high, write_low, write_high)?;
        // Once it is free and comes back as anonymous memory it has to be cleared: Aegis does so for others only.
        crate::vm::pinned(number, |number| crate::process::hot().know(number));
        Ok(Self { number, read, write })
    }

    /// Allocates any page.
    ///
    /// # Errors
    /// Those of the call `page_alloc`.
    pub fn any() -> Result<Self, Error> {
        Self::allocate(ANY)
    }

    /// Allocates a page of a cache colour ([`colour`]), or any if there is none nearby. The kernel gives
    /// the pages that it is asked for; which ones suit its caches a program knows best.
    ///
    /// # Errors
    /// Those of the call `page_alloc`.
    pub fn of_colour(wanted: u32) -> Result<Self, Error> {
        let any = Self::any()?;
        // The kernel takes the next free page upwards, so what lies above is most likely free.
        let mut number = any.number + colour(wanted.wrapping_sub(any.number));
        for _ in 0..8 {
            if number == any.number {
                return Ok(any);
            }
            if let Ok(page) = Self::allocate(number) {
                any.free()?;
                return Ok(page);
            }
            number += COLOURS;
        }
        Ok(any)
    }

    /// Frees it.
    ///
    /// # Errors
    /// Those of the call `page_free`.
    pub fn free(self) -> Result<(), Error> {
        call::page_free(self.number).map(|_| ())
    }
}

/// The name of this environment.
#[must_use]
pub fn myself() -> Name {
    Name(environment().name)
}

/// The page that this environment shares with the kernel.
#[must_use]
pub fn environment() -> &'static aegis_abi::environment::EnvironmentPage {
    // SAFETY: the kernel maps it there, read-only, for as long as the environment lives. It changes
    // under an asynchronous event only, which programs do not expect to see through this reference.
    unsafe { &*(aegis_abi::layout::ENVIRONMENT_PAGE as *const _) }
}

/// The physical page that is pinned at an address of this environment's second segment, if one is.
#[must_use]
pub fn pinned(address: u32) -> Option<u32> {
    let entry = *environment().guaranteed.get((address >> PAGE_SHIFT) as usize)?;
    (entry != 0).then_some(entry >> PAGE_SHIFT)
}

/// Pins a page at an address of the second segment of an environment.
///
/// # Errors
/// Those of the call `guarantee`.
pub fn pin(who: Name, address: u32, page: u32, bits: Mapping, capability: Capability) -> Result<(), Error> {
    let [low, high] = capability.words();
    call::guarantee(who.0, address >> PAGE_SHIFT, page, bits.bits(), low, high).map(|_| ())
}

/// Takes the mapping at an address of the second segment of an environment away.
///
/// # Errors
/// Those of the call `guarantee`.
pub fn unpin(who: Name, address: u32) -> Result<(), Error> {
    call::guarantee(who.0, address >> PAGE_SHIFT, ANY, 0, 0, 0).map(|_| ())
}

/// Windows: addresses at the end of the second segment where programs map what they look at for a
/// moment.
pub const WINDOWS: [u32; 4] = {
    let end = aegis_abi::layout::SECOND_SEGMENT_END;
    [end - PAGE_SIZE, end - 2 * PAGE_SIZE, end - 3 * PAGE_SIZE, end - 4 * PAGE_SIZE]
};
