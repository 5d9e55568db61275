//! Checks of executable files: the header and the loadable segments, from the first page of the file (paper, section 6.1).
//!
//! The bytes are anybody's. What [`check`] lets through keeps what [`Executable`] says, so whoever maps it need not
//! look again.

use core::ops::Range;

use aegis_abi::layout::PAGE_SIZE;
use goblin::elf32::header as elf;
use goblin::elf32::program_header as segment;

/// Loadable segments that an executable can have.
pub const SEGMENTS: usize = 4;

/// Where segments may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Those that are not written.
    pub read_only: Range<u32>,
    /// Those that are.
    pub writable: Range<u32>,
}

/// A segment to be loaded. It begins on a page, in memory and in the file; both its ends are inside the limits, and its bytes, if
/// it has any, inside the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Where it is in memory.
    pub address: u32,
    /// Where it is in the file.
    pub file_offset: u32,
    /// How many bytes come from the file; the rest is zeroes.
    pub file_bytes: u32,
    /// How many there are in memory, at least one.
    pub memory_bytes: u32,
    /// Whether it may be written.
    pub writable: bool,
    /// Whether it holds code.
    pub executable: bool,
}

/// An executable. No two segments share a page, and the entry is an instruction of one that holds code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executable {
    /// Where it starts.
    pub entry: u32,
    /// Its segments, `count` of them.
    pub segments: [Segment; SEGMENTS],
    /// How many.
    pub count: usize,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends before its header does.
    TooShort,
    /// It is no 32-bit little-endian ELF file.
    NotElf,
    /// It is no static executable for MIPS.
    NotExecutable,
    /// Its program headers are not where the first page is, or of another size.
    ProgramHeaders,
    /// It has more loadable segments than [`SEGMENTS`], or none.
    SegmentCount,
    /// A segment does not begin on a page.
    Alignment,
    /// A segment lies outside the file, or is longer there than in memory.
    OutsideFile,
    /// A segment lies where it must not.
    OutsideLimits,
    /// Two segments share a page.
    Overlap,
    /// It does not start in code.
    Entry,
}

impl Malformed {
    /// For people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::TooShort => "the file ends before its header does",
            Self::NotElf => "not a 32-bit little-endian ELF file",
            Self::NotExecutable => "not a static executable for MIPS",
            Self::ProgramHeaders => "its program headers are not in the first page",
            Self::SegmentCount => "no loadable segment, or too many",
            Self::Alignment => "a segment does not begin on a page",
            Self::OutsideFile => "a segment lies outside the file",
            Self::OutsideLimits => "a segment lies where programs must not",
            Self::Overlap => "two segments share a page",
            Self::Entry => "it does not start in code",
        }
    }
}

/// Checks the first page of a file of so many bytes.
///
/// # Errors
/// [`Malformed`].
pub fn check(page: &[u8], file_bytes: u32, limits: &Limits) -> Result<Executable, Malformed> {
    let head = page.first_chunk::<{ elf::SIZEOF_EHDR }>().ok_or(Malformed::TooShort)?;
    let header = elf::Header::from_bytes(head);
    let ident = &header.e_ident;
    if ident[..4] != *elf::ELFMAG
        || ident[elf::EI_CLASS] != elf::ELFCLASS32
        || ident[elf::EI_DATA] != elf::ELFDATA2LSB
    {
        return Err(Malformed::NotElf);
    }
    if header.e_machine != elf::EM_MIPS || header.e_type != elf::ET_EXEC {
        return Err(Malformed::NotExecutable);
    }
    if usize::from(header.e_phentsize) != segment::SIZEOF_PHDR {
        return Err(Malformed::ProgramHeaders);
    }
    let start = header.e_phoff as usize;
    let bytes = usize::from(header.e_phnum) * segment::SIZEOF_PHDR;
    let end = start.checked_add(bytes).filter(|end| *end <= page.len()).ok_or(Malformed::ProgramHeaders)?;
    let mut found = Executable { entry: header.e_entry, ..Executable::default() };
    for chunk in page[start..end].as_chunks::<{ segment::SIZEOF_PHDR }>().0 {
        let word = |at: usize| u32::from_le_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]]);
        let (kind, memory_bytes, flags) = (word(0), word(20), word(24));
        if kind != segment::PT_LOAD || memory_bytes == 0 {
            continue;
        }
        let loaded = Segment {
            address: word(8),
            file_offset: word(4),
            file_bytes: word(16),
            memory_bytes,
            writable: flags & segment::PF_W != 0,
            executable: flags & segment::PF_X != 0,
        };
        check_segment(&loaded, file_bytes, limits)?;
        if found.segments[..found.count]
            .iter()
            .any(|other| pages(other).start < pages(&loaded).end && pages(&loaded).start < pages(other).end)
        {
            return Err(Malformed::Overlap);
        }
        *found.segments.get_mut(found.count).ok_or(Malformed::SegmentCount)? = loaded;
        found.count += 1;
    }
    if found.count == 0 {
        return Err(Malformed::SegmentCount);
    }
    let starts = |segment: &&Segment| {
        segment.executable && found.entry.wrapping_sub(segment.address) < segment.file_bytes
    };
    if !found.entry.is_multiple_of(4) || !found.segments[..found.count].iter().any(|segment| starts(&segment))
    {
        return Err(Malformed::Entry);
    }
    Ok(found)
}

/// The pages that a segment takes; it has been checked that it does not wrap around.
fn pages(segment: &Segment) -> Range<u32> {
    segment.address / PAGE_SIZE..(segment.address + segment.memory_bytes).div_ceil(PAGE_SIZE)
}

fn check_segment(segment: &Segment, file_bytes: u32, limits: &Limits) -> Result<(), Malformed> {
    if !segment.address.is_multiple_of(PAGE_SIZE) || !segment.file_offset.is_multiple_of(PAGE_SIZE) {
        return Err(Malformed::Alignment);
    }
    let file_end = segment.file_offset.checked_add(segment.file_bytes);
    let nothing = segment.file_bytes == 0;
    if segment.file_bytes > segment.memory_bytes || !nothing && file_end.is_none_or(|end| end > file_bytes) {
        return Err(Malformed::OutsideFile);
    }
    let allowed = if segment.writable { &limits.writable } else { &limits.read_only };
    let end = segment.address.checked_add(segment.memory_bytes);
    if segment.address < allowed.start || end.is_none_or(|end| end > allowed.end) {
        return Err(Malformed::OutsideLimits);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
