//! What Aegis lets everybody see of the machine (paper, section 3.1: an exokernel exposes its books): the map of physical
//! pages and their owners, the software TLB, the vector of time slices, and the boot image's programs.

use aegis_abi::calls::Fact;
use aegis_abi::layout::{PAGE_SIZE, SLICES};
use aegis_abi::map::{self, Binding};
use aegis_abi::{Error, Name};

use crate::process::exec;
use crate::{call, spawn};

/// The map of physical pages, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Pages of the machine.
    pub all: u32,
    /// Those that nobody owns.
    pub free: u32,
    /// Those of the kernel's, the boot image's among them.
    pub kernel: u32,
    /// Those of the boot image's.
    pub image: u32,
}

fn fact(fact: Fact) -> Result<u32, Error> {
    call::machine(fact as u32)
}

/// How the physical pages are divided.
///
/// # Errors
/// Those of the calls `machine` and `guarantee`: none, in a sound system.
pub fn pages() -> Result<Pages, Error> {
    let mut pages = Pages { all: fact(Fact::Pages)?, image: fact(Fact::ImagePages)?, ..Pages::default() };
    each_page(|_, owner| {
        pages.free += u32::from(owner == map::FREE);
        pages.kernel += u32::from(owner == map::KERNEL);
    })?;
    Ok(pages)
}

/// How many pages an environment owns.
///
/// # Errors
/// As [`pages`].
pub fn pages_of(who: Name) -> Result<u32, Error> {
    let mut count = 0;
    each_page(|_, owner| count += u32::from(owner == who.0))?;
    Ok(count)
}

/// Calls `f` with each page and its owner: a name, [`map::FREE`] or [`map::KERNEL`].
///
/// # Errors
/// As [`pages`].
pub fn each_page(mut f: impl FnMut(u32, u32)) -> Result<(), Error> {
    const HEADER: usize = size_of::<map::Header>() / 4;
    const ENTRY: usize = size_of::<map::Entry>() / 4;
    let (first, pages) = (fact(Fact::MapPage)?, fact(Fact::Pages)?);
    let mut at = 0;
    for page in first..first + fact(Fact::MapPages)? {
        spawn::with_public_page(page, |bytes| {
            for word in bytes.as_chunks::<4>().0 {
                let entry = usize::wrapping_sub(at, HEADER);
                if at >= HEADER && entry.is_multiple_of(ENTRY) && entry / ENTRY < pages as usize {
                    f((entry / ENTRY) as u32, u32::from_le_bytes(*word));
                }
                at += 1;
            }
        })?;
    }
    Ok(())
}

/// Calls `f` with the place and the contents of each entry of the software TLB that is not empty.
///
/// # Errors
/// As [`pages`].
pub fn each_binding(mut f: impl FnMut(usize, Binding)) -> Result<(), Error> {
    const BYTES: usize = size_of::<Binding>();
    let first = fact(Fact::StlbPage)?;
    let pages = (map::STLB_ENTRIES * BYTES) as u32 / PAGE_SIZE;
    for index in 0..pages {
        spawn::with_public_page(first + index, |bytes| {
            for (place, [k0, k1, k2, k3, m0, m1, m2, m3]) in bytes.as_chunks::<BYTES>().0.iter().enumerate() {
                let binding = Binding {
                    key: u32::from_le_bytes([*k0, *k1, *k2, *k3]),
                    mapping: u32::from_le_bytes([*m0, *m1, *m2, *m3]),
                };
                if binding.key != Binding::EMPTY.key {
                    f(index as usize * (PAGE_SIZE as usize / BYTES) + place, binding);
                }
            }
        })?;
    }
    Ok(())
}

/// Who owns the time slice at each position; nobody where it is free.
///
/// # Errors
/// Those of the call `slice_owner`: none, in a sound system.
pub fn slices() -> Result<[Name; SLICES], Error> {
    let mut owners = [Name::NOBODY; SLICES];
    for (position, owner) in owners.iter_mut().enumerate() {
        *owner = Name(call::slice_owner(position as u32)?);
    }
    Ok(owners)
}

/// A program of the boot image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    name: [u8; 16],
    /// Bytes of its file.
    pub bytes: u32,
    /// Whether it can be executed as a process; else it is a bare one, or damaged.
    pub is_process: bool,
}

impl Program {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        core::str::from_utf8(&self.name[..length]).unwrap_or("?")
    }
}

/// The programs of the boot image.
pub fn programs() -> impl Iterator<Item = Program> {
    (0..).map_while(|index| {
        let mut name = [0; 16];
        let text = spawn::name_of(index, &mut name)?;
        let (bytes, is_process) = (spawn::find(text).map_or(0, |found| found.1), exec::find(text).is_ok());
        Some(Program { name, bytes, is_process })
    })
}
