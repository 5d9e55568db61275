//! Puts programs into an image. The same programs give the same bytes.

use aegis_abi::image::{
    self, FirstPage, Header, MAGIC, MAX_PAGES, NAME_BYTES, PROGRAMS, VERSION, WRITABLE, ZERO_PAGE,
};
use aegis_abi::layout::PAGE_SIZE;
use thiserror::Error;

use crate::executable::{ElfError, Executable};
use crate::words::{EMPTY, RECORD_BYTES, header_to_bytes, pages, record_to_bytes};

/// A program to be put into an image.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The name by which it is found.
    pub name: &'a str,
    /// Its ELF file.
    pub file: &'a [u8],
}

/// Why an image cannot be built.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BuildError {
    /// No program at all: there has to be a first one.
    #[error("no program")]
    NoProgram,
    /// More programs than page 0 has room for.
    #[error("too many programs: {0}, the limit is {PROGRAMS}")]
    TooManyPrograms(usize),
    /// The name is empty or has a character that names must not have.
    #[error("invalid name {0:?}: a name is made of A-Z a-z 0-9 _ - . only")]
    InvalidName(String),
    /// The name does not fit an entry.
    #[error("name {0:?} is too long: the limit is {limit} characters", limit = NAME_BYTES)]
    NameTooLong(String),
    /// Two programs have one name.
    #[error("two programs are named {0:?}")]
    DuplicateName(String),
    /// A program's file is refused.
    #[error("program {name:?}: {reason}")]
    Program {
        /// Which program.
        name: String,
        /// Why.
        reason: ElfError,
    },
    /// All together are over the limit.
    #[error("image too large: {0} pages, the limit is {MAX_PAGES}")]
    ImageTooLarge(u32),
}

/// Whether a name is not empty and has only characters that names may have.
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(c))
}

/// Builds an image; the first program is the one that the kernel starts.
///
/// # Errors
/// The first reason against it.
pub fn build(programs: &[Program<'_>]) -> Result<Vec<u8>, BuildError> {
    check_names(programs)?;
    let executables = programs.iter().map(executable).collect::<Result<Vec<_>, _>>()?;
    let first = executables.first().ok_or(BuildError::NoProgram)?;
    if !first.is_bare() {
        return Err(BuildError::Program { name: programs[0].name.to_owned(), reason: ElfError::NotBare });
    }
    let first_pages: Vec<_> = first.pages().collect();

    // Where everything goes. The limits on programs keep these sums far from overflow.
    let first_table_page = 1;
    let contents_page = first_table_page + pages((first_pages.len() * RECORD_BYTES) as u32);
    let mut next_page = contents_page;
    let mut place = |bytes: usize| {
        let page = next_page;
        next_page += pages(bytes as u32);
        page
    };
    let mut body = Vec::new(); // of page and contents
    let mut records = Vec::new();
    for page in &first_pages {
        let contents_page = page.contents.as_deref().map_or(ZERO_PAGE, |contents| {
            let page = place(contents.len());
            body.push((page, contents));
            page
        });
        records.push(FirstPage {
            address: page.address | if page.writable { WRITABLE } else { 0 },
            page: contents_page,
        });
    }
    let mut entries = [EMPTY; PROGRAMS];
    for ((entry, program), executable) in entries.iter_mut().zip(programs).zip(&executables) {
        entry.name[..program.name.len()].copy_from_slice(program.name.as_bytes());
        entry.file_page = place(executable.file.len());
        entry.file_bytes = executable.file.len() as u32;
        body.push((entry.file_page, &executable.file));
    }
    let total_pages = next_page;
    if total_pages > MAX_PAGES {
        return Err(BuildError::ImageTooLarge(total_pages));
    }

    let mut header = Header {
        magic: MAGIC,
        version: VERSION,
        pages: total_pages,
        program_count: programs.len() as u32,
        first_entry: first.entry,
        first_pages: records.len() as u32,
        first_table_page,
        checksum: 0,
        programs: entries,
    };
    header.checksum = image::checksum(header.words());
    let table: Vec<u8> = records.into_iter().flat_map(record_to_bytes).collect();

    let mut image = vec![0; (total_pages * PAGE_SIZE) as usize];
    let mut copy = |page: u32, bytes: &[u8]| {
        image[(page * PAGE_SIZE) as usize..][..bytes.len()].copy_from_slice(bytes);
    };
    copy(0, &header_to_bytes(&header));
    copy(first_table_page, &table);
    for (page, contents) in body {
        copy(page, contents);
    }
    Ok(image)
}

fn check_names(programs: &[Program<'_>]) -> Result<(), BuildError> {
    if programs.len() > PROGRAMS {
        return Err(BuildError::TooManyPrograms(programs.len()));
    }
    for (index, Program { name, .. }) in programs.iter().enumerate() {
        if !is_name(name.as_bytes()) {
            return Err(BuildError::InvalidName((*name).into()));
        }
        if name.len() > NAME_BYTES {
            return Err(BuildError::NameTooLong((*name).into()));
        }
        if programs[..index].iter().any(|other| other.name == *name) {
            return Err(BuildError::DuplicateName((*name).into()));
        }
    }
    Ok(())
}

fn executable<'a>(program: &Program<'a>) -> Result<Executable<'a>, BuildError> {
    Executable::parse(program.file)
        .map_err(|reason| BuildError::Program { name: program.name.into(), reason })
}
