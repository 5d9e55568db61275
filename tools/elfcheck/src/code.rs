//! The executable sections and the symbols of a linked ELF file.

use object::elf::{self, FileHeader32};
use object::read::elf::{FileHeader as _, SectionHeader as _, Sym as _};
use object::{LittleEndian, SectionIndex};
use thiserror::Error;

use crate::decode::Instruction;

/// The bits of `e_flags` for MIPS16 and microMIPS code.
const COMPRESSED: u32 = 0x0600_0000;

/// Why a file cannot be checked.
#[derive(Debug, Error)]
pub enum CodeError {
    /// Not an ELF file, or a damaged one.
    #[error("not a readable ELF file: {0}")]
    Unreadable(#[from] object::read::Error),
    /// Another class, byte order or machine.
    #[error("not a 32-bit little-endian MIPS file ({0})")]
    WrongMachine(&'static str),
    /// An object file or a core dump: addresses are not final.
    #[error("not a linked program (ELF type {0}, need 2, ET_EXEC)")]
    NotLinked(u16),
    /// MIPS16 or microMIPS code, which is not made of words.
    #[error("holds compressed instructions (e_flags {0:#010x})")]
    Compressed(u32),
    /// Nothing to check: a file without section headers must not pass.
    #[error("has no executable section")]
    NoCode,
    /// An executable section that is not whole words, or does not fit the address space.
    #[error("executable section {0} is not whole words at a word address below 2^32")]
    BadSection(String),
    /// Two executable sections at one address.
    #[error("executable sections {0} and {1} overlap")]
    Overlap(String, String),
}

/// One executable section, decoded.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// The virtual address of its first word.
    pub address: u32,
    /// Its words, in order.
    pub instructions: Vec<Instruction>,
}

impl Section {
    /// Every instruction with its address.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Instruction)> {
        let addresses = (0..).map(|index: u32| self.address + 4 * index);
        self.instructions.iter().zip(addresses).map(|(instruction, address)| (address, instruction))
    }

    /// The address behind the last word; 2^32 is possible.
    fn end(&self) -> u64 {
        u64::from(self.address) + 4 * self.instructions.len() as u64
    }
}

#[derive(Debug)]
struct Symbol {
    address: u32,
    size: u32,
    name: String,
}

/// Where an address is: `<symbol+offset>`, or the section when no symbol covers it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The section's name.
    pub section: &'a str,
    /// The symbol's name as linked.
    pub symbol: Option<&'a str>,
    /// Bytes from the symbol, or from the section's start.
    pub offset: u32,
}

/// All code of one program.
#[derive(Debug)]
pub struct Code {
    sections: Vec<Section>,
    symbols: Vec<Symbol>,
}

impl Code {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// Everything that would make a check meaningless; see [`CodeError`].
    pub fn read(bytes: &[u8]) -> Result<Self, CodeError> {
        // Named here, before the parser refuses the class or the order in words of its own.
        if let [0x7f, b'E', b'L', b'F', class, order, ..] = *bytes {
            if class != elf::ELFCLASS32.0 {
                return Err(CodeError::WrongMachine("not 32-bit"));
            }
            if order != elf::ELFDATA2LSB.0 {
                return Err(CodeError::WrongMachine("not little-endian"));
            }
        }
        let header = FileHeader32::<LittleEndian>::parse(bytes)?;
        let endian = header.endian()?;
        if header.e_machine(endian) != elf::EM_MIPS {
            return Err(CodeError::WrongMachine("not MIPS"));
        }
        if header.e_type(endian) != elf::ET_EXEC {
            return Err(CodeError::NotLinked(header.e_type(endian).0));
        }
        let flags = header.e_flags(endian);
        if flags.0 & COMPRESSED != 0 {
            return Err(CodeError::Compressed(flags.0));
        }

        let table = header.sections(endian, bytes)?;
        let mut sections = Vec::new();
        for section in table.iter() {
            if !section.sh_flags(endian).contains(elf::SHF_EXECINSTR) || section.sh_size(endian) == 0 {
                continue;
            }
            let name = String::from_utf8_lossy(table.section_name(endian, section)?).into_owned();
            let (address, size) = (section.sh_addr(endian), section.sh_size(endian));
            let data = section.data(endian, bytes)?;
            // SHT_NOBITS has no data: executable and empty is as unreadable as half a word.
            if address % 4 != 0
                || size % 4 != 0
                || data.len() != size as usize
                || u64::from(address) + u64::from(size) > 1 << 32
            {
                return Err(CodeError::BadSection(name));
            }
            let instructions = data
                .chunks_exact(4)
                .map(|word| Instruction::decode(u32::from_le_bytes([word[0], word[1], word[2], word[3]])))
                .collect();
            sections.push(Section { name, address, instructions });
        }
        if sections.is_empty() {
            return Err(CodeError::NoCode);
        }
        sections.sort_by_key(|section| section.address);
        for pair in sections.windows(2) {
            if pair[0].end() > u64::from(pair[1].address) {
                return Err(CodeError::Overlap(pair[0].name.clone(), pair[1].name.clone()));
            }
        }

        let mut symbols = Vec::new();
        let symbol_table = table.symbols(endian, bytes, elf::SHT_SYMTAB)?;
        for (index, symbol) in symbol_table.enumerate() {
            let name = symbol_table.symbol_name(endian, symbol)?;
            let is_code = matches!(symbol.st_type(), elf::STT_FUNC | elf::STT_NOTYPE);
            let is_defined = symbol_table
                .symbol_section(endian, symbol, index)?
                .is_some_and(|section| section != SectionIndex(0));
            if !name.is_empty() && is_code && is_defined {
                symbols.push(Symbol {
                    address: symbol.st_value(endian),
                    size: symbol.st_size(endian),
                    name: String::from_utf8_lossy(name).into_owned(),
                });
            }
        }
        symbols.sort_by(|a, b| (a.address, a.size, &a.name).cmp(&(b.address, b.size, &b.name)));
        Ok(Self { sections, symbols })
    }

    /// The executable sections, by address.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    fn section_at(&self, address: u32) -> Option<&Section> {
        let after = self.sections.partition_point(|section| section.address <= address);
        let section = &self.sections[after.checked_sub(1)?];
        (u64::from(address) < section.end()).then_some(section)
    }

    /// The instruction at an address, if it is code.
    pub fn at(&self, address: u32) -> Option<&Instruction> {
        let section = self.section_at(address)?;
        let offset = address - section.address;
        offset.is_multiple_of(4).then(|| &section.instructions[(offset / 4) as usize])
    }

    /// Where an address is. A symbol with a size covers exactly that; one without covers everything
    /// up to the next symbol or the section's end. A label inside a sized function belongs to it.
    pub fn place(&self, address: u32) -> Place<'_> {
        let section = self.section_at(address);
        let (section_name, section_start) =
            section.map_or(("", 0), |section| (section.name.as_str(), section.address));
        let before = &self.symbols[..self.symbols.partition_point(|s| s.address <= address)];
        let here = || before.iter().rev().take_while(|symbol| symbol.address >= section_start);
        let sized = here().find(|s| s.size != 0 && address - s.address < s.size);
        let nearest = here().next().filter(|symbol| symbol.size == 0);
        match sized.or(nearest) {
            Some(symbol) => {
                Place { section: section_name, symbol: Some(&symbol.name), offset: address - symbol.address }
            }
            None => Place { section: section_name, symbol: None, offset: address - section_start },
        }
    }
}
