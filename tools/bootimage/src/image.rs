//! Reads an image back, trusting nothing in it.

use std::fmt;

use aegis_abi::image::{self, FirstPage, Header, MAGIC, MAX_PAGES, PROGRAMS, VERSION, WRITABLE, ZERO_PAGE};
use aegis_abi::layout::PAGE_SIZE;
use thiserror::Error;

use crate::builder::is_name;
use crate::executable::{MAX_FILE_BYTES, PROGRAM_END, PROGRAM_START};
use crate::words::{HEADER_BYTES, RECORD_BYTES, header_from_bytes, record_from_bytes};

/// Most records of a first program: one for each page that it may occupy.
const MAX_RECORDS: u32 = (PROGRAM_END - PROGRAM_START) / PAGE_SIZE;

/// What is wrong with an image. Entries and records are named by index.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// Not at least one page, not whole pages, or over the limit.
    #[error("size of {0} bytes is not a whole number of pages from 1 to {MAX_PAGES}")]
    Size(usize),
    /// Not an image.
    #[error("no boot image (magic {0:#010x})")]
    Magic(u32),
    /// An image of another version.
    #[error("version {0}, need {VERSION}")]
    Version(u32),
    /// The header's size is not that of the image.
    #[error("header says {0} pages, the image has {1}")]
    TotalPages(u32, u32),
    /// No program, or more than there may be.
    #[error("{0} programs, need 1 to {PROGRAMS}")]
    ProgramCount(u32),
    /// The record table is empty, too long, or not inside the image.
    #[error("the table of {pages} records at page {table} is empty, too long or outside the image")]
    Table {
        /// Number of records.
        pages: u32,
        /// Page index of the table.
        table: u32,
    },
    /// The header changed since the image was built.
    #[error("checksum {found:#010x}, computed {computed:#010x}")]
    Checksum {
        /// What the header says.
        found: u32,
        /// What it should say.
        computed: u32,
    },
    /// A name with a bad character, or without an end.
    #[error("entry {0}: invalid name")]
    Name(usize),
    /// A name that an earlier entry has.
    #[error("entry {0}: name {1:?} is taken")]
    DuplicateName(usize, String),
    /// The reserved words are in use.
    #[error("entry {0}: reserved words {1:#x?}")]
    Reserved(usize, [u32; 2]),
    /// The file is empty, too large, or not inside the image.
    #[error("entry {entry}: {bytes} bytes at page {page} are empty, too large or outside the image")]
    File {
        /// Which entry.
        entry: usize,
        /// Page index of the file.
        page: u32,
        /// Its length.
        bytes: u32,
    },
    /// Unknown flags.
    #[error("record {0}: flags {1:#x}")]
    RecordFlags(usize, u32),
    /// Not a page where programs are.
    #[error(
        "record {0}: address {1:#010x} is outside the space for programs ({PROGRAM_START:#010x}..{PROGRAM_END:#010x})"
    )]
    RecordAddress(usize, u32),
    /// Addresses must rise.
    #[error("record {0}: address {1:#010x} is not above the one before")]
    RecordOrder(usize, u32),
    /// The contents are not inside the image.
    #[error("record {0}: page {1} is outside the image")]
    RecordPage(usize, u32),
    /// The program would start outside its pages.
    #[error("entry point {0:#010x} is not a word address in a page of the first program")]
    Entry(u32),
}

/// One program of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: String,
    /// The page index of its ELF file.
    pub file_page: u32,
    /// Its ELF file.
    pub file: &'a [u8],
}

/// One page of the first program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its virtual address.
    pub address: u32,
    /// Whether the program may write it.
    pub writable: bool,
    /// Page index and contents; `None` for a page of zeros.
    pub contents: Option<(u32, &'a [u8])>,
}

/// An image, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Size in pages.
    pub total_pages: u32,
    /// The checksum of the header.
    pub checksum: u32,
    /// Virtual address where the first program starts.
    pub first_entry: u32,
    /// Page index of the record table.
    pub first_table_page: u32,
    /// The pages of the first program, by address.
    pub first_pages: Vec<Record<'a>>,
    /// The programs; the first is the first.
    pub programs: Vec<Entry<'a>>,
}

/// Bytes from the start of a page, if the image has them. Page 0 is the header and nothing else.
fn range(image: &[u8], page: u32, bytes: u32) -> Option<&[u8]> {
    let start = usize::try_from(u64::from(page) * u64::from(PAGE_SIZE)).ok()?;
    let range = image.get(start..start.checked_add(bytes as usize)?)?;
    (page != 0).then_some(range)
}

/// Reads an image.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(image: &[u8]) -> Result<Image<'_>, ParseError> {
    let whole_pages = u32::try_from(image.len() / PAGE_SIZE as usize)
        .ok()
        .filter(|pages| image.len().is_multiple_of(PAGE_SIZE as usize) && *pages <= MAX_PAGES);
    let (Some(pages), Some(header)) = (whole_pages, image.first_chunk::<HEADER_BYTES>()) else {
        return Err(ParseError::Size(image.len()));
    };
    let header = header_from_bytes(header);
    if header.magic != MAGIC {
        return Err(ParseError::Magic(header.magic));
    }
    if header.version != VERSION {
        return Err(ParseError::Version(header.version));
    }
    if header.pages != pages {
        return Err(ParseError::TotalPages(header.pages, pages));
    }
    if header.program_count == 0 || header.program_count as usize > PROGRAMS {
        return Err(ParseError::ProgramCount(header.program_count));
    }
    let computed = image::checksum(header.words());
    if header.checksum != computed {
        return Err(ParseError::Checksum { found: header.checksum, computed });
    }

    let programs = programs(image, &header)?;
    let first_pages = first_pages(image, &header)?;
    let first_entry = header.first_entry;
    let entry_page = first_entry & !(PAGE_SIZE - 1);
    let holds_entry = first_pages.iter().any(|record| record.address == entry_page);
    if !first_entry.is_multiple_of(4) || !holds_entry {
        return Err(ParseError::Entry(first_entry));
    }
    Ok(Image {
        total_pages: pages,
        checksum: computed,
        first_entry,
        first_table_page: header.first_table_page,
        first_pages,
        programs,
    })
}

fn programs<'a>(image: &'a [u8], header: &Header) -> Result<Vec<Entry<'a>>, ParseError> {
    let mut programs: Vec<Entry<'a>> = Vec::new();
    for (index, program) in header.programs().iter().enumerate() {
        let name = name(program).ok_or(ParseError::Name(index))?;
        if programs.iter().any(|earlier| earlier.name == name) {
            return Err(ParseError::DuplicateName(index, name));
        }
        if program.reserved != [0; 2] {
            return Err(ParseError::Reserved(index, program.reserved));
        }
        let (file_page, file_bytes) = (program.file_page, program.file_bytes);
        let file = range(image, file_page, file_bytes)
            .filter(|_| (1..=MAX_FILE_BYTES).contains(&file_bytes))
            .ok_or(ParseError::File { entry: index, page: file_page, bytes: file_bytes })?;
        programs.push(Entry { name, file_page, file });
    }
    Ok(programs)
}

/// A program's name, if it is one and its padding is all zero.
fn name(program: &image::Program) -> Option<String> {
    let name = program.name();
    let padding = &program.name[name.len()..];
    let sound = is_name(name.as_bytes()) && padding.iter().all(|&byte| byte == 0);
    sound.then(|| name.to_owned())
}

fn first_pages<'a>(image: &'a [u8], header: &Header) -> Result<Vec<Record<'a>>, ParseError> {
    let (count, table_page) = (header.first_pages, header.first_table_page);
    let table = Some(count)
        .filter(|count| (1..=MAX_RECORDS).contains(count))
        .and_then(|count| range(image, table_page, count * RECORD_BYTES as u32))
        .ok_or(ParseError::Table { pages: count, table: table_page })?;
    let mut records: Vec<Record<'a>> = Vec::new();
    for (index, &bytes) in table.as_chunks().0.iter().enumerate() {
        let FirstPage { address: word, page } = record_from_bytes(bytes);
        let address = word & !(PAGE_SIZE - 1);
        let flags = word - address;
        if flags & !WRITABLE != 0 {
            return Err(ParseError::RecordFlags(index, flags));
        }
        if !(PROGRAM_START..PROGRAM_END).contains(&address) {
            return Err(ParseError::RecordAddress(index, address));
        }
        if records.last().is_some_and(|last| last.address >= address) {
            return Err(ParseError::RecordOrder(index, address));
        }
        let contents = match page {
            ZERO_PAGE => None,
            page => {
                let contents = range(image, page, PAGE_SIZE);
                Some((page, contents.ok_or(ParseError::RecordPage(index, page))?))
            }
        };
        records.push(Record { address, writable: flags & WRITABLE != 0, contents });
    }
    Ok(records)
}

impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "boot image version {VERSION}: {} pages, {} programs, checksum {:#010x}",
            self.total_pages,
            self.programs.len(),
            self.checksum
        )?;
        for Entry { name, file_page, file } in &self.programs {
            writeln!(f, "  {name:<16} {:>7} bytes at page {file_page}", file.len())?;
        }
        writeln!(
            f,
            "first program: entry {:#010x}, {} pages, table at page {}",
            self.first_entry,
            self.first_pages.len(),
            self.first_table_page
        )?;
        for Record { address, writable, contents } in &self.first_pages {
            let access = if *writable { "rw" } else { "ro" };
            match contents {
                Some((page, _)) => writeln!(f, "  {address:#010x} {access} page {page}")?,
                None => writeln!(f, "  {address:#010x} {access} zero")?,
            }
        }
        Ok(())
    }
}
