//! `bench symbolize`: a console's log with functions and lines behind the addresses that a program printed when it died.
//!
//! A program that faults prints, as ExOS has it,
//!
//! ```text
//! NAME: SIGSEGV at address 0x00000004 (pid 3)
//!   pc 00400128 ra 00400200
//!   backtrace: 00400128 00400200 004000f0
//! ```
//!
//! The first address of such a line is where it was, the others are where calls return to, two instructions behind the
//! call. The program's ELF file with its debug information, under NAME in a folder, says the rest. The log is
//! copied line by line, so that it can be a running machine's.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context as _;
use gimli::{EndianReader, RunTimeEndian};
use object::{Object, ObjectSection, ObjectSymbol};

/// From a call to where it returns: the call and its delay slot.
const CALL: u64 = 8;

/// The programs whose addresses are looked up.
pub struct Programs {
    dir: PathBuf,
    /// The one whose name is not known.
    other: Option<Program>,
    /// Those met so far; `None`: there is no such file.
    known: BTreeMap<String, Option<Program>>,
    /// The one that the last lines were of.
    current: String,
}

impl Programs {
    /// Programs in a folder, each under its name, and `elf` for those that are not there.
    ///
    /// # Errors
    /// When `elf` cannot be read.
    pub fn new(dir: PathBuf, elf: Option<&Path>) -> anyhow::Result<Self> {
        let other = elf.map(Program::read).transpose()?;
        Ok(Self { dir, other, known: BTreeMap::new(), current: String::new() })
    }

    /// Copy a log, with a line for each function behind each line of addresses.
    ///
    /// # Errors
    /// When it cannot be read or written, or a program is there and is none.
    pub fn copy(&mut self, mut log: impl BufRead, mut out: impl Write) -> anyhow::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if log.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            out.write_all(&line)?;
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            if let Some(name) = program_of(text) {
                name.clone_into(&mut self.current);
            }
            let addresses = addresses_of(text);
            if !addresses.is_empty() {
                if !line.ends_with(b"\n") {
                    writeln!(out)?;
                }
                for line in self.frames(&addresses)? {
                    writeln!(out, "    {line}")?;
                }
            }
            out.flush()?;
        }
    }

    /// What stands behind the addresses of a line; the first is a PC, the others are where calls return to.
    fn frames(&mut self, addresses: &[u64]) -> anyhow::Result<Vec<String>> {
        let program = self.program()?;
        let lines = addresses.iter().enumerate().flat_map(|(index, &address)| {
            let at = if index == 0 { address } else { address.wrapping_sub(CALL) };
            let frames = program.map(|program| program.frames(at)).unwrap_or_default();
            let frames = if frames.is_empty() { vec!["??".to_owned()] } else { frames };
            let number = format!("{address:#010x}");
            let mark = move |k: usize| if k == 0 { number.clone() } else { " ".repeat(number.len()) };
            frames.into_iter().enumerate().map(move |(k, frame)| format!("{}  {frame}", mark(k)))
        });
        Ok(lines.collect())
    }

    fn program(&mut self) -> anyhow::Result<Option<&Program>> {
        // A name that leads out of the folder is no program's.
        if !self.current.is_empty() && !self.current.contains('/') && !self.known.contains_key(&self.current)
        {
            let path = self.dir.join(&self.current);
            let program = path.is_file().then(|| Program::read(&path)).transpose()?;
            self.known.insert(self.current.clone(), program);
        }
        Ok(self.known.get(&self.current).and_then(Option::as_ref).or(self.other.as_ref()))
    }
}

/// The name in `NAME: SIGSEGV at address 0x... (pid N)`.
fn program_of(line: &str) -> Option<&str> {
    let (name, rest) = line.trim_start().split_once(": SIG")?;
    let (_, pid) = rest.split_once("(pid ")?;
    let number = pid.split(')').next()?;
    (!name.is_empty() && number.parse::<u32>().is_ok()).then_some(name)
}

/// The addresses in `  backtrace: HEX HEX ...` and `  pc HEX ra HEX ...`; none in other lines.
fn addresses_of(line: &str) -> Vec<u64> {
    let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).ok();
    let words: Vec<&str> = line.split_whitespace().collect();
    let indented = line.starts_with("  ");
    match words[..] {
        ["backtrace:", ref rest @ ..] if indented => {
            rest.iter().map(|word| hex(word)).collect::<Option<_>>().unwrap_or_default()
        }
        ["pc", pc, "ra", ra, ..] if indented => {
            hex(pc).into_iter().zip(hex(ra)).flat_map(|(a, b)| [a, b]).collect()
        }
        _ => Vec::new(),
    }
}

type Reader = EndianReader<RunTimeEndian, Rc<[u8]>>;

/// One program's functions and lines.
struct Program {
    lines: addr2line::Context<Reader>,
    /// Functions for which there are no lines, assembly for instance: address, size, name.
    symbols: Vec<(u64, u64, String)>,
}

impl Program {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("cannot read {}", path.display());
        let bytes = std::fs::read(path).with_context(context)?;
        Self::parse(&bytes).with_context(context)
    }

    fn parse(elf: &[u8]) -> anyhow::Result<Self> {
        let file = object::File::parse(elf)?;
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let section = |id: gimli::SectionId| -> Result<Reader, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok(EndianReader::new(Rc::from(data.unwrap_or_default()), endian))
        };
        let lines = addr2line::Context::from_dwarf(gimli::Dwarf::load(section)?)?;
        // Labels of assembly have no size, and reach as far as the next one, or the end of the code.
        let symbol = |symbol: object::Symbol| {
            let code = file.section_by_index(symbol.section_index()?).ok()?;
            let end = code.address() + code.size();
            let size = if symbol.size() == 0 { end.saturating_sub(symbol.address()) } else { symbol.size() };
            let code =
                code.kind() == object::SectionKind::Text && symbol.kind() != object::SymbolKind::Section;
            code.then_some((symbol.address(), size, symbol.name().ok()?.to_owned()))
        };
        let mut symbols: Vec<(u64, u64, String)> = file
            .symbols()
            .filter_map(symbol)
            .filter(|(_, _, name)| !name.is_empty() && !name.starts_with(['$', '.']))
            .collect();
        symbols.sort();
        Ok(Self { lines, symbols })
    }

    /// The function at an address with its line, then those that it was inlined into.
    fn frames(&self, address: u64) -> Vec<String> {
        let mut shown = Vec::new();
        if let Ok(mut frames) = self.lines.find_frames(address).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame.function.as_ref().and_then(|f| f.raw_name().ok().map(|name| plain(&name)));
                let Some(name) = name.or_else(|| self.symbol(address)) else { continue };
                let place = frame.location.and_then(|place| Some((place.file?.to_owned(), place.line?)));
                shown.push(match place {
                    Some((file, line)) => format!("{name} at {}:{line}", short(&file)),
                    None => name,
                });
            }
        }
        if shown.is_empty() {
            shown.extend(self.symbol(address));
        }
        shown
    }

    /// The symbol that an address lies behind, and how far.
    fn symbol(&self, address: u64) -> Option<String> {
        let before = self.symbols.partition_point(|(start, ..)| *start <= address);
        let holds = |(start, size, _): &&(u64, u64, String)| address < start + size;
        let (start, _, name) = self.symbols[..before].iter().next_back().filter(holds)?;
        Some(format!("{}+{:#x}", plain(name), address - start))
    }
}

/// A file as it is named in the project, or in Rust's library.
fn short(file: &str) -> &str {
    let library = file.rfind("/lib/rustlib/src/rust/").map(|at| &file[at + "/lib/rustlib/src/rust/".len()..]);
    library.unwrap_or(file).trim_start_matches("./")
}

/// A name without mangling and hash.
fn plain(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests;
