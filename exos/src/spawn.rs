//! A new environment from a program of the boot image.
//!
//! All of it happens here, at user level: the ELF file is read through windows on the image's pages,
//! its segments are copied into fresh pages, and these are pinned in the new environment.

use aegis_abi::calls::Fact;
use aegis_abi::environment::Event;
use aegis_abi::image::{Header, Program};
use aegis_abi::layout::{Mapping, PAGE_SIZE, SECOND_SEGMENT_END};
use aegis_abi::{Capability, Error, Name};
use goblin::elf32::header as elf;
use goblin::elf32::program_header as segment;

use crate::memory::{self, Page, WINDOWS};
use crate::start::START_PAGE;
use crate::{call, slice};

/// Words of the page that a program and the one that spawned it share.
pub const START_WORDS: usize = PAGE_SIZE as usize / 4;
/// Most pages that a spawned program can have.
const LIMIT: usize = 120;

/// Why a program could not be spawned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnError {
    /// Aegis refused a call.
    Refused(Error),
    /// The boot image has no program of this name.
    NotFound,
    /// The file is not an executable for this machine, or is damaged: what is wrong.
    Malformed(&'static str),
}

impl From<Error> for SpawnError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A spawned environment. Its pages are this environment's, lent to it.
#[derive(Debug)]
pub struct Child {
    /// Its name.
    pub name: Name,
    /// The page that it shares with this environment, mapped at [`START_PAGE`] there.
    pub start_page: Page,
    /// A page of its own data, writable there alone: for tests that try to reach it.
    pub data_page: u32,
    pages: [Option<Page>; LIMIT],
}

struct Window(u32);

impl Window {
    /// Looks at a page through window `index`.
    fn open(index: usize, page: u32, bits: Mapping, capability: Capability) -> Result<Self, Error> {
        let address = WINDOWS[index];
        memory::pin(memory::myself(), address, page, bits, capability)?;
        Ok(Self(address))
    }

    /// Clears the page, which is mapped writable, from byte `from` on.
    fn clear(&self, from: usize) {
        // SAFETY: the page is this environment's and stays mapped until the window closes.
        unsafe { core::ptr::write_bytes((self.0 as *mut u8).add(from), 0, PAGE_SIZE as usize - from) };
    }

    fn bytes(&self) -> &'static [u8] {
        // SAFETY: a page is mapped at the window until it closes, and callers keep no reference.
        unsafe { core::slice::from_raw_parts(self.0 as *const u8, PAGE_SIZE as usize) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let closed = memory::unpin(memory::myself(), self.0);
        debug_assert!(closed.is_ok());
    }
}

/// Finds a program of the boot image: its first page there, and the bytes of its file.
///
/// # Errors
/// [`SpawnError::NotFound`].
pub fn find(name: &str) -> Result<(u32, u32), SpawnError> {
    let image = call::machine(Fact::ImagePage as u32)?;
    let pages = call::machine(Fact::ImagePages as u32)?;
    let window = Window::open(0, image, Mapping::empty(), Capability::PUBLIC)?;
    // SAFETY: the kernel has checked the header, which is smaller than a page.
    let header = unsafe { &*(window.0 as *const Header) };
    let Program { file_page, file_bytes, .. } = *header.find(name).ok_or(SpawnError::NotFound)?;
    let end = file_page.checked_add(file_bytes.div_ceil(PAGE_SIZE));
    if end.is_none_or(|end| end > pages) {
        return Err(SpawnError::Malformed("outside the image"));
    }
    Ok((image + file_page, file_bytes))
}

/// The name of the program at a place of the boot image; `None` behind the last one.
pub fn name_of(index: usize, into: &mut [u8; 16]) -> Option<&str> {
    let image = call::machine(Fact::ImagePage as u32).ok()?;
    let window = Window::open(0, image, Mapping::empty(), Capability::PUBLIC).ok()?;
    // SAFETY: the kernel has checked the header, which is smaller than a page.
    let header = unsafe { &*(window.0 as *const Header) };
    *into = header.programs().get(index)?.name;
    let length = into.iter().position(|byte| *byte == 0).unwrap_or(into.len());
    core::str::from_utf8(&into[..length]).ok()
}

/// Looks at a page that everybody may read.
pub(crate) fn with_public_page<R>(page: u32, f: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
    let window = Window::open(0, page, Mapping::empty(), Capability::PUBLIC)?;
    Ok(f(window.bytes()))
}

/// Spawns a program of the boot image. It has no time slice: transfer, yield or give it one. The
/// words are the first of the page that it shares with this environment.
///
/// # Errors
/// [`SpawnError`]; nothing is left of the attempt then.
pub fn spawn(program: &str, words: &[u32]) -> Result<Child, SpawnError> {
    let (first_page, bytes) = find(program)?;
    let name = Name(call::environment_create()?);
    let start_page = match Page::any() {
        Ok(page) => page,
        Err(error) => {
            call::environment_destroy(name.0)?;
            return Err(error.into());
        }
    };
    let mut child = Child { name, start_page, data_page: 0, pages: [None; LIMIT] };
    match child.load(first_page, bytes, words) {
        Ok(()) => Ok(child),
        Err(error) => {
            child.destroy();
            Err(error)
        }
    }
}

impl Child {
    fn load(&mut self, file: u32, bytes: u32, words: &[u32]) -> Result<(), SpawnError> {
        let page = self.start_page;
        {
            let window = Window::open(0, page.number, Mapping::WRITABLE, page.write)?;
            window.clear(0);
            for (index, word) in words.iter().take(START_WORDS).enumerate() {
                // SAFETY: the page is this environment's and mapped writable at the window.
                unsafe { ((window.0 as *mut u32).add(index)).write(*word) };
            }
        }
        memory::pin(self.name, START_PAGE, page.number, Mapping::WRITABLE, page.write)?;
        let (entry, segments, count) = headers(file, bytes)?;
        let mut next = 0;
        for header in &segments[..count] {
            self.load_segment(header, file, bytes, &mut next)?;
        }
        call::bind(self.name.0, Event::SliceStart as u32, entry)?;
        Ok(())
    }

    fn load_segment(
        &mut self,
        header: &segment::ProgramHeader,
        file: u32,
        file_bytes: u32,
        next: &mut usize,
    ) -> Result<(), SpawnError> {
        let fits = header.p_vaddr.checked_add(header.p_memsz).is_some_and(|end| end <= WINDOWS[3]);
        let inside = header.p_offset.checked_add(header.p_filesz).is_some_and(|end| end <= file_bytes);
        if !fits || !inside || header.p_filesz > header.p_memsz || header.p_vaddr <= START_PAGE {
            return Err(SpawnError::Malformed("segment"));
        }
        if header.p_vaddr % PAGE_SIZE != 0 || !header.p_offset.is_multiple_of(PAGE_SIZE) {
            return Err(SpawnError::Malformed("segment alignment"));
        }
        let writable = header.p_flags & segment::PF_W != 0;
        for done in (0..header.p_memsz).step_by(PAGE_SIZE as usize) {
            let slot = self.pages.get_mut(*next).ok_or(SpawnError::Malformed("too large"))?;
            // Parent and child call each other, and are linked to the same addresses: half a cache apart they
            // do not evict each other.
            let page = match memory::pinned(header.p_vaddr + done) {
                Some(mine) => Page::of_colour(mine + memory::COLOURS / 2)?,
                None => Page::any()?,
            };
            *slot = Some(page);
            *next += 1;
            {
                // A page that was this environment's before comes back with what it held.
                let target = Window::open(1, page.number, Mapping::WRITABLE, page.write)?;
                let length = header.p_filesz.saturating_sub(done).min(PAGE_SIZE) as usize;
                target.clear(length);
                if length > 0 {
                    let from = file + (header.p_offset + done) / PAGE_SIZE;
                    let source = Window::open(0, from, Mapping::empty(), Capability::PUBLIC)?;
                    // SAFETY: both pages are mapped at their windows, which are different addresses.
                    unsafe {
                        core::ptr::copy_nonoverlapping(source.0 as *const u8, target.0 as *mut u8, length)
                    };
                }
            }
            let [low, high] = page.write.words();
            call::cache_flush(page.number, low, high)?;
            let bits = if writable { Mapping::WRITABLE } else { Mapping::empty() };
            memory::pin(self.name, header.p_vaddr + done, page.number, bits, page.write)?;
            if writable {
                self.data_page = page.number;
            }
        }
        Ok(())
    }

    /// The pages of its program.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().flatten()
    }

    /// Lends it the rest of this slice.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`].
    pub fn run(&self) -> Result<(), Error> {
        slice::yield_to(self.name)
    }

    /// Whether it lives.
    #[must_use]
    pub fn lives(&self) -> bool {
        // Binding an event that does not exist names the environment and does nothing.
        call::bind(self.name.0, u32::MAX, 0) != Err(Error::NoEnvironment)
    }

    /// Maps the shared page at a window and reads a word of it.
    ///
    /// # Errors
    /// Those of the call `guarantee`.
    pub fn word(&self, index: usize) -> Result<u32, Error> {
        let window = Window::open(2, self.start_page.number, Mapping::empty(), self.start_page.read)?;
        let bytes = &window.bytes()[4 * index..4 * index + 4];
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Destroys it and frees its pages.
    pub fn destroy(self) {
        let _ = call::environment_destroy(self.name.0);
        for page in self.pages.into_iter().flatten().chain([self.start_page]) {
            let _ = page.free();
        }
    }
}

/// Reads the ELF header and the loadable segments of a file: the entry, the segments, their count.
fn headers(file: u32, bytes: u32) -> Result<(u32, [segment::ProgramHeader; 4], usize), SpawnError> {
    let window = Window::open(0, file, Mapping::empty(), Capability::PUBLIC)?;
    let page = &window.bytes()[..bytes.min(PAGE_SIZE) as usize];
    let Some(head) = page.first_chunk::<{ elf::SIZEOF_EHDR }>() else {
        return Err(SpawnError::Malformed("too short"));
    };
    let header = elf::Header::from_bytes(head);
    if header.e_ident[..4] != *elf::ELFMAG || header.e_ident[elf::EI_DATA] != elf::ELFDATA2LSB {
        return Err(SpawnError::Malformed("not a little-endian ELF file"));
    }
    if header.e_machine != elf::EM_MIPS || header.e_type != elf::ET_EXEC {
        return Err(SpawnError::Malformed("not an executable for MIPS"));
    }
    if header.e_entry >= SECOND_SEGMENT_END || !header.e_entry.is_multiple_of(4) {
        return Err(SpawnError::Malformed("entry"));
    }
    let count = usize::from(header.e_phnum);
    let start = header.e_phoff as usize;
    let end = start.saturating_add(count * segment::SIZEOF_PHDR);
    if end > page.len() || usize::from(header.e_phentsize) != segment::SIZEOF_PHDR {
        return Err(SpawnError::Malformed("program headers"));
    }
    let mut segments = [segment::ProgramHeader::default(); 4];
    let mut found = 0;
    for chunk in page[start..end].as_chunks::<{ segment::SIZEOF_PHDR }>().0 {
        let word = |at: usize| u32::from_le_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]]);
        let loadable = segment::ProgramHeader {
            p_type: word(0),
            p_offset: word(4),
            p_vaddr: word(8),
            p_paddr: word(12),
            p_filesz: word(16),
            p_memsz: word(20),
            p_flags: word(24),
            p_align: word(28),
        };
        if loadable.p_type == segment::PT_LOAD && loadable.p_memsz > 0 {
            *segments.get_mut(found).ok_or(SpawnError::Malformed("too many segments"))? = loadable;
            found += 1;
        }
    }
    Ok((header.e_entry, segments, found))
}
