//! The boot image: the programs that the kernel carries, built by `tools/bootimage`.
//!
//! ```text
//! page 0               Header
//! first_table_page     FirstPage records of the first program, `first_pages` of them
//! ...                  the first program's pages, as it finds them in memory
//! file_page of each    the ELF files, each from a page of its own, its last page padded with zeroes
//! ```
//!
//! The kernel parses no ELF: it maps the first program page by page from the records. Programs load
//! the others from their files, which everybody may read.

/// First word of an image: "AEG1".
pub const MAGIC: u32 = u32::from_le_bytes(*b"AEG1");
/// Version of this layout.
pub const VERSION: u32 = 1;
/// Programs that fit into the header.
pub const PROGRAMS: usize = 64;
/// Bytes of a program's name, padded with zeroes.
pub const NAME_BYTES: usize = 16;
/// Pages that an image can have: 16 MB.
pub const MAX_PAGES: u32 = 4096;
/// The page of a [`FirstPage`] that has no contents in the image: it begins as zeroes.
pub const ZERO_PAGE: u32 = u32::MAX;
/// The bit of [`FirstPage::address`] that makes a page writable.
pub const WRITABLE: u32 = 1;

/// A program of the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Program {
    /// Its name, padded with zeroes; all zeroes in an empty place.
    pub name: [u8; NAME_BYTES],
    /// Page of the image at which its ELF file begins.
    pub file_page: u32,
    /// Bytes of the file.
    pub file_bytes: u32,
    /// Zero.
    pub reserved: [u32; 2],
}

/// A page of the first program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct FirstPage {
    /// Its virtual address, page-aligned, with [`WRITABLE`].
    pub address: u32,
    /// Page of the image that holds it, or [`ZERO_PAGE`].
    pub page: u32,
}

/// Page 0 of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`VERSION`].
    pub version: u32,
    /// Pages of the image, this one included.
    pub pages: u32,
    /// How many of `programs` are used; the first one is the first environment's.
    pub program_count: u32,
    /// Virtual address at which the first program starts.
    pub first_entry: u32,
    /// Number of [`FirstPage`] records.
    pub first_pages: u32,
    /// Page of the image that the records begin at.
    pub first_table_page: u32,
    /// [`checksum`] of the words of the header, this one taken as zero.
    pub checksum: u32,
    /// The programs.
    pub programs: [Program; PROGRAMS],
}

/// Words of a [`Header`].
pub const HEADER_WORDS: usize = size_of::<Header>() / 4;
const _: () = assert!(size_of::<Header>() == 32 + 32 * PROGRAMS);

/// FNV-1a over words: finds damage, proves nothing.
#[must_use]
pub fn checksum(words: impl IntoIterator<Item = u32>) -> u32 {
    words.into_iter().fold(0x811c_9dc5, |hash, word| (hash ^ word).wrapping_mul(0x0100_0193))
}

impl Header {
    /// The header's words, in order, with the checksum taken as zero.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let head = [
            self.magic,
            self.version,
            self.pages,
            self.program_count,
            self.first_entry,
            self.first_pages,
            self.first_table_page,
            0,
        ];
        head.into_iter().chain(self.programs.into_iter().flat_map(|program| {
            let [a, b, c, d] = [0, 4, 8, 12].map(|at| {
                let n = &program.name;
                u32::from_le_bytes([n[at], n[at + 1], n[at + 2], n[at + 3]])
            });
            [a, b, c, d, program.file_page, program.file_bytes, program.reserved[0], program.reserved[1]]
        }))
    }

    /// The size of the image in pages, if this is the header of an undamaged one.
    #[must_use]
    pub fn total_pages(&self) -> Option<u32> {
        let sound = self.magic == MAGIC
            && self.version == VERSION
            && (1..=MAX_PAGES).contains(&self.pages)
            && self.program_count as usize <= PROGRAMS
            && self.checksum == checksum(self.words());
        sound.then_some(self.pages)
    }

    /// The used places of [`Self::programs`].
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        &self.programs[..(self.program_count as usize).min(PROGRAMS)]
    }

    /// The program with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Program> {
        self.programs().iter().find(|program| program.name() == name)
    }
}

impl Program {
    /// Its name; empty if it is not text.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.name.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES);
        core::str::from_utf8(&self.name[..length]).unwrap_or("")
    }
}
