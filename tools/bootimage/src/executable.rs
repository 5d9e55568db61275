//! ELF files that may become programs: static MIPS-I executables where programs are linked.
//! Everything else is refused with its reason.

use aegis_abi::layout::{PAGE_SIZE, PROGRAM_BASE, SECOND_SEGMENT_END};
use object::elf::{self, FileHeader32, ProgramHeader32};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{LittleEndian, U16, U32, pod};
use thiserror::Error;

use crate::words::pages;

/// The lowest address that a program may occupy.
pub const PROGRAM_START: u32 = PROGRAM_BASE;
/// The address behind the highest that a bare program may occupy: all its pages are pinned in
/// the second segment, whose last four pages are windows (`linker/program.ld`).
pub const PROGRAM_END: u32 = SECOND_SEGMENT_END - 4 * PAGE_SIZE;
/// Where what a process writes may be instead: ordinary memory (`linker/process.ld`).
pub const PROCESS_DATA: core::ops::Range<u32> = 0x10_0000..0x1000_0000;
/// Most bytes of one ELF file, as the image carries it.
pub const MAX_FILE_BYTES: u32 = 4 << 20;

/// Why an ELF file cannot become a program.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ElfError {
    /// No ELF header.
    #[error("not an ELF file")]
    NotElf,
    /// Another class.
    #[error("not a 32-bit ELF file")]
    Not32Bit,
    /// Another byte order.
    #[error("not little-endian")]
    NotLittleEndian,
    /// Another machine.
    #[error("not for MIPS (machine {0})")]
    NotMips(u16),
    /// An object file, a shared object or a position-independent executable.
    #[error("not a static executable (ELF type {0}, need 2, ET_EXEC)")]
    NotExecutable(u16),
    /// Compiled for a later instruction set.
    #[error("needs a later instruction set than MIPS-I (e_flags {0:#010x})")]
    LaterIsa(u32),
    /// What is left of the file is over the limit.
    #[error("too large: {0} bytes without what is not loaded, the limit is {MAX_FILE_BYTES}")]
    FileTooLarge(usize),
    /// Program headers of another size than ELF's.
    #[error("program headers of {0} bytes, need 32")]
    ProgramHeaderSize(u16),
    /// The program header table lies over the file's header, which is rewritten in the image.
    #[error("the program header table lies in the file's header")]
    ProgramHeadersInHeader,
    /// The program header table does not lie inside the file.
    #[error("the program header table lies outside the file")]
    ProgramHeadersOutsideFile,
    /// Nothing to load.
    #[error("no loadable segment")]
    NoSegment,
    /// Wants a dynamic linker.
    #[error("has a dynamic or interpreter segment")]
    Dynamic,
    /// More bytes in the file than in memory.
    #[error("segment at {0:#010x} is larger in the file than in memory")]
    FileLargerThanMemory(u32),
    /// The segment's bytes do not lie inside the file.
    #[error("segment at {0:#010x} lies outside the file")]
    SegmentOutsideFile(u32),
    /// The segment goes past the end of the address space.
    #[error("segment at {0:#010x} runs past the address space")]
    AddressOverflow(u32),
    /// The segment is not where programs are.
    #[error(
        "segment at {0:#010x} lies outside the space for programs ({PROGRAM_START:#010x}..{PROGRAM_END:#010x})"
    )]
    OutsideProgramSpace(u32),
    /// What the first program must be.
    #[error("the first program must be a bare one, all of it below {PROGRAM_END:#010x}")]
    NotBare,
    /// The segment starts where programs are, but does not end there.
    #[error("too large in memory: segment at {0:#010x} ends at {1:#010x}, the limit is {PROGRAM_END:#010x}")]
    MemoryTooLarge(u32, u32),
    /// Address and file offset disagree within the page.
    #[error("segment at {0:#010x} is misaligned: file offset {1:#x} differs within the page")]
    Misaligned(u32, u32),
    /// Two segments on one page.
    #[error("segments at {0:#010x} and {1:#010x} share a page")]
    Overlap(u32, u32),
    /// The entry point is not a word address.
    #[error("entry point {0:#010x} is not at a word address")]
    EntryUnaligned(u32),
    /// The entry point is not in code.
    #[error("entry point {0:#010x} is not in an executable segment")]
    EntryNotExecutable(u32),
}

/// A loadable segment, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Virtual address of its first byte.
    pub address: u32,
    /// Bytes in memory; what the file does not give is zero.
    pub memory_bytes: u32,
    /// Bytes from the file.
    pub contents: &'a [u8],
    /// Whether the program may write it.
    pub writable: bool,
    /// Whether it holds code.
    pub executable: bool,
}

impl Segment<'_> {
    /// Address of its first page.
    fn first_page(&self) -> u32 {
        self.address & !(PAGE_SIZE - 1)
    }

    /// Address behind its last page. The space for programs ends on a page, so this is
    /// at most its end.
    fn end_page(&self) -> u32 {
        pages(self.address + self.memory_bytes) * PAGE_SIZE
    }

    /// The contents of the page at an address, or `None` when the file gives nothing for it.
    fn page(&self, page: u32) -> Option<Box<[u8]>> {
        let from = self.address.max(page);
        let to = (self.address + self.contents.len() as u32).min(page + PAGE_SIZE);
        if from >= to {
            return None;
        }
        let mut bytes = vec![0; PAGE_SIZE as usize];
        bytes[(from - page) as usize..(to - page) as usize]
            .copy_from_slice(&self.contents[(from - self.address) as usize..(to - self.address) as usize]);
        Some(bytes.into())
    }
}

/// One page of a program in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its virtual address.
    pub address: u32,
    /// Whether the program may write it.
    pub writable: bool,
    /// Its contents; `None` for a page of zeros.
    pub contents: Option<Box<[u8]>>,
}

/// An ELF file that can become a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable<'a> {
    /// Virtual address where it starts.
    pub entry: u32,
    /// Its segments, by address.
    pub segments: Vec<Segment<'a>>,
    /// The ELF file without what nobody loads: debug information, symbols, section headers.
    pub file: Vec<u8>,
}

impl<'a> Executable<'a> {
    /// Checks an ELF file.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ElfError> {
        let header = elf_header(bytes)?;
        let flags = header.e_flags(LittleEndian).0;
        if flags & elf::EF_MIPS_ARCH != 0 {
            return Err(ElfError::LaterIsa(flags));
        }
        let program_headers = program_headers(header, bytes)?;
        let mut segments = Vec::new();
        for program_header in program_headers {
            match program_header.p_type(LittleEndian) {
                elf::PT_DYNAMIC | elf::PT_INTERP => return Err(ElfError::Dynamic),
                elf::PT_LOAD => segments.extend(segment(program_header, bytes)?),
                _ => {}
            }
        }
        if segments.is_empty() {
            return Err(ElfError::NoSegment);
        }
        segments.sort_by_key(|segment| segment.address);
        for pair in segments.windows(2) {
            if pair[0].end_page() > pair[1].first_page() {
                return Err(ElfError::Overlap(pair[0].address, pair[1].address));
            }
        }
        let entry = header.e_entry(LittleEndian);
        if entry % 4 != 0 {
            return Err(ElfError::EntryUnaligned(entry));
        }
        let holds_entry =
            |s: &Segment<'_>| s.executable && entry >= s.address && entry - s.address < s.memory_bytes;
        if !segments.iter().any(holds_entry) {
            return Err(ElfError::EntryNotExecutable(entry));
        }
        let file = trimmed(bytes, header, program_headers);
        if file.len() > MAX_FILE_BYTES as usize {
            return Err(ElfError::FileTooLarge(file.len()));
        }
        Ok(Self { entry, segments, file })
    }

    /// Whether all of it lies in the second segment, as the kernel wants the first program.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.segments.iter().all(|segment| segment.address < PROGRAM_END)
    }

    /// The program as pages, by address.
    pub fn pages(&self) -> impl Iterator<Item = Page> {
        self.segments.iter().flat_map(|segment| {
            (segment.first_page()..segment.end_page()).step_by(PAGE_SIZE as usize).map(|address| Page {
                address,
                writable: segment.writable,
                contents: segment.page(address),
            })
        })
    }
}

/// The file up to the end of the last segment, which says nothing of sections. Everything that the
/// headers say has been checked.
fn trimmed(
    bytes: &[u8],
    header: &FileHeader32<LittleEndian>,
    program_headers: &[ProgramHeader32<LittleEndian>],
) -> Vec<u8> {
    let headers_end = header.e_phoff(LittleEndian) as usize + size_of_val(program_headers);
    let end = program_headers
        .iter()
        .filter(|h| h.p_type(LittleEndian) == elf::PT_LOAD && h.p_filesz(LittleEndian) != 0)
        .map(|h| h.p_offset(LittleEndian) as usize + h.p_filesz(LittleEndian) as usize)
        .fold(size_of_val(header).max(headers_end), usize::max);
    let header = FileHeader32 {
        e_shoff: U32::new(LittleEndian, 0),
        e_shnum: U16::new(LittleEndian, 0),
        e_shstrndx: U16::new(LittleEndian, elf::SHN_UNDEF),
        ..*header
    };
    let mut file = bytes[..end].to_vec();
    file[..size_of_val(&header)].copy_from_slice(pod::bytes_of(&header));
    file
}

/// The header of a static MIPS executable.
pub(crate) fn elf_header(bytes: &[u8]) -> Result<&FileHeader32<LittleEndian>, ElfError> {
    let (header, _) = pod::from_bytes::<FileHeader32<LittleEndian>>(bytes).map_err(|()| ElfError::NotElf)?;
    let ident = header.e_ident();
    if ident.magic != elf::ELFMAG {
        return Err(ElfError::NotElf);
    }
    if ident.class != elf::ELFCLASS32 {
        return Err(ElfError::Not32Bit);
    }
    if ident.data != elf::ELFDATA2LSB {
        return Err(ElfError::NotLittleEndian);
    }
    let machine = header.e_machine(LittleEndian);
    if machine != elf::EM_MIPS {
        return Err(ElfError::NotMips(machine.0));
    }
    let file_type = header.e_type(LittleEndian);
    if file_type != elf::ET_EXEC {
        return Err(ElfError::NotExecutable(file_type.0));
    }
    Ok(header)
}

/// The program headers; none is no error here.
pub(crate) fn program_headers<'a>(
    header: &FileHeader32<LittleEndian>,
    bytes: &'a [u8],
) -> Result<&'a [ProgramHeader32<LittleEndian>], ElfError> {
    let count = header.e_phnum(LittleEndian);
    if count == 0 {
        return Ok(&[]);
    }
    let size = header.e_phentsize(LittleEndian);
    if usize::from(size) != size_of::<ProgramHeader32<LittleEndian>>() {
        return Err(ElfError::ProgramHeaderSize(size));
    }
    let offset = header.e_phoff(LittleEndian) as usize;
    if offset < size_of_val(header) {
        return Err(ElfError::ProgramHeadersInHeader);
    }
    let table = bytes.get(offset..);
    table
        .and_then(|table| pod::slice_from_bytes(table, count.into()).ok())
        .map(|(headers, _)| headers)
        .ok_or(ElfError::ProgramHeadersOutsideFile)
}

/// Checks one loadable segment; `None` if it takes no memory.
fn segment<'a>(
    header: &ProgramHeader32<LittleEndian>,
    bytes: &'a [u8],
) -> Result<Option<Segment<'a>>, ElfError> {
    let address = header.p_vaddr(LittleEndian);
    let offset = header.p_offset(LittleEndian);
    let file_bytes = header.p_filesz(LittleEndian);
    let memory_bytes = header.p_memsz(LittleEndian);
    if file_bytes > memory_bytes {
        return Err(ElfError::FileLargerThanMemory(address));
    }
    if memory_bytes == 0 {
        return Ok(None);
    }
    let contents = match file_bytes {
        // Wherever that would be: the image carries the file no further than its last byte that is loaded.
        0 => Some(&[][..]),
        _ => offset.checked_add(file_bytes).and_then(|end| bytes.get(offset as usize..end as usize)),
    };
    let contents = contents.ok_or(ElfError::SegmentOutsideFile(address))?;
    let end = address.checked_add(memory_bytes).ok_or(ElfError::AddressOverflow(address))?;
    let flags = header.p_flags(LittleEndian);
    let process_data = flags.contains(elf::PF_W) && PROCESS_DATA.contains(&address);
    if !process_data && !(PROGRAM_START..PROGRAM_END).contains(&address) {
        return Err(ElfError::OutsideProgramSpace(address));
    }
    if end > if process_data { PROCESS_DATA.end } else { PROGRAM_END } {
        return Err(ElfError::MemoryTooLarge(address, end));
    }
    if address % PAGE_SIZE != offset % PAGE_SIZE {
        return Err(ElfError::Misaligned(address, offset));
    }
    Ok(Some(Segment {
        address,
        memory_bytes,
        contents,
        writable: flags.contains(elf::PF_W),
        executable: flags.contains(elf::PF_X),
    }))
}
