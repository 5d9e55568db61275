//! Puts an image into the kernel's ELF file, so that the boot loader loads both.
//!
//! The kernel's linker script leaves the last program header unused (`PT_NULL`) and names the
//! address where it expects the image. The image goes to the end of the file.

use aegis_abi::layout::PAGE_SIZE;
use object::elf::{self, FileHeader32, ProgramHeader32};
use object::read::elf::{FileHeader as _, ProgramHeader as _, Sym as _};
use object::{LittleEndian, U32};
use thiserror::Error;

use crate::executable::{ElfError, elf_header, program_headers};

/// The symbol at which the kernel expects the image.
pub const SYMBOL: &str = "__image_start";

/// Why an image cannot be put into a file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KernelError {
    /// Not a static 32-bit little-endian MIPS executable.
    #[error("not a kernel: {0}")]
    Elf(#[from] ElfError),
    /// The last program header is in use, or there is none: no kernel, or one that has its image.
    #[error("not a kernel without an image: the last program header is not PT_NULL")]
    NoReservedHeader,
    /// The symbol table cannot be read.
    #[error("unreadable symbols: {0}")]
    Symbols(object::read::Error),
    /// The kernel does not say where the image belongs.
    #[error("not a kernel: it defines no symbol {SYMBOL}")]
    NoSymbol,
    /// The image would not start on a page.
    #[error("{SYMBOL} is {0:#010x}, not the start of a page")]
    SymbolUnaligned(u32),
    /// The image would reach past the last address.
    #[error("an image of {bytes} bytes at {address:#010x} runs past the address space")]
    AddressOverflow {
        /// Where it would start.
        address: u32,
        /// Its size.
        bytes: usize,
    },
    /// The image would lie on the kernel itself.
    #[error("the image at {0:#010x} would overlap the segment at {1:#010x}")]
    Overlap(u32, u32),
    /// File offsets have 32 bits.
    #[error("too large: kernel and image have 4 GB or more")]
    TooLarge,
}

/// The kernel's file with an image added.
///
/// # Errors
/// The first reason why the file is no kernel, or has no room for the image.
pub fn add_to_kernel(kernel: &[u8], image: &[u8]) -> Result<Vec<u8>, KernelError> {
    let header = elf_header(kernel)?;
    let Some((reserved, others)) = program_headers(header, kernel)?.split_last() else {
        return Err(KernelError::NoReservedHeader);
    };
    if reserved.p_type(LittleEndian) != elf::PT_NULL {
        return Err(KernelError::NoReservedHeader);
    }
    let address = image_start(header, kernel)?;
    if address % PAGE_SIZE != 0 {
        return Err(KernelError::SymbolUnaligned(address));
    }
    let end = u64::from(address) + image.len() as u64;
    let (Ok(bytes), true) = (u32::try_from(image.len()), end <= 1 << 32) else {
        let bytes = image.len();
        return Err(KernelError::AddressOverflow { address, bytes });
    };
    for other in others {
        let start = other.p_vaddr(LittleEndian);
        let other_end = u64::from(start) + u64::from(other.p_memsz(LittleEndian));
        if other.p_type(LittleEndian) == elf::PT_LOAD
            && u64::from(start) < end
            && u64::from(address) < other_end
        {
            return Err(KernelError::Overlap(address, start));
        }
    }
    let offset = kernel.len().next_multiple_of(PAGE_SIZE as usize);
    let offset = u32::try_from(offset)
        .ok()
        .filter(|offset| offset.checked_add(bytes).is_some())
        .ok_or(KernelError::TooLarge)?;

    let word = |value| U32::new(LittleEndian, value);
    let filled = ProgramHeader32::<LittleEndian> {
        p_type: U32::new(LittleEndian, elf::PT_LOAD),
        p_offset: word(offset),
        p_vaddr: word(address),
        p_paddr: word(address), // as the linker does for the kernel's own segment
        p_filesz: word(bytes),
        p_memsz: word(bytes),
        p_flags: U32::new(LittleEndian, elf::PF_R),
        p_align: word(PAGE_SIZE),
    };
    let place = header.e_phoff(LittleEndian) as usize + size_of_val(others);
    let mut file = kernel.to_vec();
    file[place..][..size_of_val(&filled)].copy_from_slice(object::pod::bytes_of(&filled));
    file.resize(offset as usize, 0);
    file.extend_from_slice(image);
    Ok(file)
}

/// The value of [`SYMBOL`].
fn image_start(header: &FileHeader32<LittleEndian>, kernel: &[u8]) -> Result<u32, KernelError> {
    let symbols = header
        .sections(LittleEndian, kernel)
        .and_then(|sections| sections.symbols(LittleEndian, kernel, elf::SHT_SYMTAB))
        .map_err(KernelError::Symbols)?;
    symbols
        .iter()
        .filter(|symbol| !symbol.is_undefined(LittleEndian))
        .find(|symbol| symbols.symbol_name(LittleEndian, symbol) == Ok(SYMBOL.as_bytes()))
        .map(|symbol| symbol.st_value(LittleEndian))
        .ok_or(KernelError::NoSymbol)
}
