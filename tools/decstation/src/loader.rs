//! Loading an ELF executable into physical memory, as the boot PROM does.

use object::{Architecture, BinaryFormat, Endianness, Object, ObjectSegment, ObjectSymbol};

/// A program to load.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Where it starts, a kseg0 or kseg1 address.
    pub entry: u32,
    /// What goes where: physical address and bytes.
    pub segments: Vec<(u32, Vec<u8>)>,
    /// Address, size and name of every function and label.
    pub symbols: Vec<(u32, u32, String)>,
}

/// Why a file is not a program for this machine.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not an object file at all.
    #[error("not an ELF file: {0}")]
    Parse(#[from] object::Error),
    /// An object file for something else.
    #[error("{0}; the DECstation runs 32-bit little-endian MIPS ELF executables")]
    Foreign(String),
    /// It does not fit where it wants to be.
    #[error("the segment at {address:#010x} ({bytes} bytes) is {problem}")]
    Misplaced {
        /// Virtual address.
        address: u64,
        /// Size.
        bytes: u64,
        /// What is wrong.
        problem: &'static str,
    },
}

fn foreign(file: &object::File<'_>) -> Option<String> {
    if file.format() != BinaryFormat::Elf {
        return Some(format!("a {:?} file", file.format()));
    }
    if file.architecture() != Architecture::Mips || file.is_64() {
        return Some(format!("an ELF file for {:?}", file.architecture()));
    }
    if file.endianness() != Endianness::Little {
        return Some("a big-endian MIPS file".to_owned());
    }
    None
}

/// Reads the ELF executable `bytes`.
///
/// # Errors
/// Anything but a 32-bit little-endian MIPS executable whose segments lie in kseg0 or kseg1.
pub fn parse(bytes: &[u8]) -> Result<Program, LoadError> {
    let file = object::File::parse(bytes)?;
    if let Some(what) = foreign(&file) {
        return Err(LoadError::Foreign(what));
    }
    let mut program = Program { entry: file.entry() as u32, symbols: symbols(&file), ..Program::default() };
    for segment in file.segments() {
        let (address, size) = (segment.address(), segment.size());
        let misplaced = |problem| LoadError::Misplaced { address, bytes: size, problem };
        let va = address as u32;
        if size == 0 {
            continue;
        }
        if !(0x8000_0000..0xc000_0000).contains(&va) {
            return Err(misplaced("not in kseg0 or kseg1"));
        }
        let mut contents = segment.data()?.to_vec();
        contents.resize(usize::try_from(size).map_err(|_| misplaced("too large"))?, 0);
        program.segments.push((va & 0x1fff_ffff, contents));
    }
    if program.segments.is_empty() {
        return Err(LoadError::Foreign("an ELF file with nothing to load".to_owned()));
    }
    Ok(program)
}

/// The symbols of the ELF file `bytes`, wherever it is linked to.
///
/// # Errors
/// Not a MIPS ELF file.
pub fn parse_symbols(bytes: &[u8]) -> Result<Vec<(u32, u32, String)>, LoadError> {
    let file = object::File::parse(bytes)?;
    match foreign(&file) {
        Some(what) => Err(LoadError::Foreign(what)),
        None => Ok(symbols(&file)),
    }
}

fn symbols(file: &object::File<'_>) -> Vec<(u32, u32, String)> {
    use object::SymbolKind::{Label, Text, Unknown};
    file.symbols()
        .filter(|s| s.is_definition() && matches!(s.kind(), Text | Label | Unknown))
        .filter_map(|s| {
            let name = s.name().ok().filter(|n| !n.is_empty() && !n.starts_with('$'))?;
            Some((s.address() as u32, s.size() as u32, name.to_owned()))
        })
        .collect()
}

impl Program {
    /// Copies the program into `ram`, which starts at physical address 0.
    ///
    /// # Errors
    /// It reaches beyond the end of RAM.
    pub fn place(&self, ram: &mut [u8]) -> Result<(), LoadError> {
        for (paddr, bytes) in &self.segments {
            let start = *paddr as usize;
            let room = ram.get_mut(start..start + bytes.len()).ok_or(LoadError::Misplaced {
                address: u64::from(*paddr),
                bytes: bytes.len() as u64,
                problem: "beyond the end of RAM",
            })?;
            room.copy_from_slice(bytes);
        }
        Ok(())
    }
}
