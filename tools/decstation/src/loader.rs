//! Loading an ELF executable into physical memory, as the boot PROM does.
//!
//! A file is not to be trusted: sizes are checked against the largest memory before anything is
//! allocated, and every way to be wrong is an error of one line.

use object::{
    Architecture, BinaryFormat, Endianness, Object, ObjectKind, ObjectSection, ObjectSegment, ObjectSymbol,
    SectionKind,
};

/// A program to load.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Where it starts, a kseg0 or kseg1 address.
    pub entry: u32,
    /// What goes where: physical address and bytes.
    pub segments: Vec<(u32, Vec<u8>)>,
    /// What is zero: physical address and size.
    pub zeroed: Vec<(u32, u32)>,
    /// Address, size and name of every function and label.
    pub symbols: Vec<(u32, u32, String)>,
}

/// The most memory that a KN02 takes: a segment must end below it.
const LARGEST_RAM: u64 = 480 << 20;

/// Why a file is not a program for this machine.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not an object file at all.
    #[error("not an ELF file")]
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
    /// It does not start in itself.
    #[error("the entry {0:#010x} is not an instruction of the program")]
    Entry(u64),
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

/// Physical address of the segment of `size` bytes at `address`.
fn physical(address: u64, size: u64) -> Result<u32, &'static str> {
    let va = u32::try_from(address).map_err(|_| "not in kseg0 or kseg1")?;
    if !(0x8000_0000..0xc000_0000).contains(&va) {
        return Err("not in kseg0 or kseg1");
    }
    let paddr = va & 0x1fff_ffff;
    match u64::from(paddr).checked_add(size) {
        Some(end) if end <= LARGEST_RAM => Ok(paddr),
        _ => Err("beyond the end of the largest RAM"),
    }
}

/// Reads the ELF executable `bytes`.
///
/// # Errors
/// Anything but a 32-bit little-endian MIPS executable whose segments lie in kseg0 or kseg1, apart
/// from one another, and hold its entry.
pub fn parse(bytes: &[u8]) -> Result<Program, LoadError> {
    let file = object::File::parse(bytes)?;
    if let Some(what) = foreign(&file) {
        return Err(LoadError::Foreign(what));
    }
    if !matches!(file.kind(), ObjectKind::Executable | ObjectKind::Dynamic) {
        return Err(LoadError::Foreign("an ELF file that is not linked".to_owned()));
    }
    let mut program = Program { entry: file.entry() as u32, symbols: symbols(&file), ..Program::default() };
    let mut ends: Vec<(u32, u64)> = Vec::new();
    for segment in file.segments() {
        let (address, size) = (segment.address(), segment.size());
        let misplaced = |problem| LoadError::Misplaced { address, bytes: size, problem };
        if size == 0 {
            continue;
        }
        let start = physical(address, size).map_err(misplaced)?;
        let end = u64::from(start) + size;
        if ends.iter().any(|&(s, e)| u64::from(start) < e && u64::from(s) < end) {
            return Err(misplaced("over another segment"));
        }
        ends.push((start, end));
        let contents = segment.data()?.to_vec();
        let filled = contents.len() as u32;
        if u64::from(filled) > size {
            return Err(misplaced("smaller in memory than in the file"));
        }
        program.zeroed.push((start + filled, size as u32 - filled));
        program.segments.push((start, contents));
    }
    if program.segments.is_empty() {
        return Err(LoadError::Foreign("an ELF file with nothing to load".to_owned()));
    }
    let entry = physical(file.entry(), 4).ok();
    let inside = |at: u32| ends.iter().any(|&(s, e)| s <= at && u64::from(at) + 4 <= e);
    if !entry.is_some_and(|at| at & 3 == 0 && inside(at)) {
        return Err(LoadError::Entry(file.entry()));
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
    // A label of an assembly file has neither type nor size: its section says that it is code.
    let code = |s: &object::Symbol<'_, '_>| {
        let section = s.section_index().and_then(|index| file.section_by_index(index).ok());
        section.is_some_and(|section| section.kind() == SectionKind::Text)
    };
    file.symbols()
        .filter(|s| matches!(s.kind(), Text | Label) && s.is_definition() || s.kind() == Unknown && code(s))
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
            room(ram, *paddr, bytes.len())?.copy_from_slice(bytes);
        }
        for &(paddr, size) in &self.zeroed {
            room(ram, paddr, size as usize)?.fill(0);
        }
        Ok(())
    }
}

/// The `size` bytes of `ram` at `paddr`.
fn room(ram: &mut [u8], paddr: u32, size: usize) -> Result<&mut [u8], LoadError> {
    let start = paddr as usize;
    ram.get_mut(start..start.saturating_add(size)).ok_or(LoadError::Misplaced {
        address: paddr.into(),
        bytes: size as u64,
        problem: "beyond the end of RAM",
    })
}
