//! `bench sizes`: lines of each area, and bytes of a kernel.
//!
//! Counted are lines that hold something other than blanks and comments. The kernel is Rust and assembly under `aegis/`
//! without test files, `arch/mips32`, `board/malta` and the invariant checker (`check*`), which are shown beside it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use object::{Object, ObjectSection, SectionFlags, SectionKind, elf};

/// The language of a file, as far as comments go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Nested block comments, strings that may span lines.
    Rust,
    /// C comments, `#` comments, preprocessor lines.
    Assembly,
    /// `#` comments.
    Shell,
}

/// Number of lines that hold code.
#[must_use]
pub fn count(text: &str, language: Language) -> usize {
    match language {
        Language::Rust => count_rust(text),
        Language::Assembly => count_assembly(text),
        Language::Shell => {
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).count()
        }
    }
}

fn count_rust(text: &str) -> usize {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Code,
        Line,
        Block(usize),
        /// A string; `None` for one with escapes, else the number of `#` that end it.
        Text(Option<usize>),
    }
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut lines, mut code, mut state, mut i) = (0, false, State::Code, 0);
    while i < chars.len() {
        let c = chars[i];
        let mut step = 1;
        if c == '\n' {
            lines += usize::from(code);
            code = false;
            if state == State::Line {
                state = State::Code;
            }
            i += 1;
            continue;
        }
        match state {
            State::Line => {}
            State::Block(depth) => match (c, at(i + 1)) {
                ('/', '*') => (state, step) = (State::Block(depth + 1), 2),
                ('*', '/') => {
                    state = if depth == 1 { State::Code } else { State::Block(depth - 1) };
                    step = 2;
                }
                _ => {}
            },
            State::Text(hashes) => {
                code |= !c.is_whitespace();
                match hashes {
                    None if c == '\\' && at(i + 1) != '\n' => step = 2,
                    None if c == '"' => state = State::Code,
                    Some(n) if c == '"' && (1..=n).all(|k| at(i + k) == '#') => {
                        (state, step) = (State::Code, 1 + n);
                    }
                    _ => {}
                }
            }
            State::Code => match (c, at(i + 1)) {
                ('/', '/') => state = State::Line,
                ('/', '*') => (state, step) = (State::Block(1), 2),
                _ => {
                    code |= !c.is_whitespace();
                    let word = i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_');
                    if c == '"' {
                        state = State::Text(None);
                    } else if c == 'r' && (!word || chars[i - 1] == 'b' || chars[i - 1] == 'c') {
                        let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
                        if at(i + 1 + hashes) == '"' {
                            (state, step) = (State::Text(Some(hashes)), 2 + hashes);
                        }
                    } else if c == '\'' && at(i + 1) == '\\' {
                        step = 3; // '\'' and '\"': the closing quote is an ordinary character then.
                    } else if c == '\'' && at(i + 2) == '\'' {
                        step = 3; // '"'
                    }
                }
            },
        }
        i += step;
    }
    lines + usize::from(code)
}

fn count_assembly(text: &str) -> usize {
    const DIRECTIVES: [&str; 12] = [
        "include", "define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif", "error", "warning",
        "pragma",
    ];
    let mut block = false;
    let mut lines = 0;
    for line in text.lines() {
        let mut rest = line;
        let mut code = false;
        loop {
            if block {
                match rest.split_once("*/") {
                    Some((_, after)) => (block, rest) = (false, after),
                    None => break,
                }
            }
            let (before, after) = match rest.split_once("/*") {
                Some((before, after)) => (before, Some(after)),
                None => (rest, None),
            };
            let before = before.split("//").next().unwrap_or("").trim();
            let directive =
                |text: &str| DIRECTIVES.contains(&text.split([' ', '\t', '(']).next().unwrap_or(""));
            code |= match before.strip_prefix('#') {
                Some(after) => directive(after.trim_start()),
                None => !before.is_empty(),
            };
            match after {
                Some(after) => (block, rest) = (true, after),
                None => break,
            }
        }
        lines += usize::from(code);
    }
    lines
}

/// Lines of the kernel, out of all areas.
#[must_use]
pub fn kernel_lines(areas: &[(&'static str, Lines)]) -> usize {
    areas.iter().filter(|(name, _)| *name == KERNEL).map(|(_, lines)| lines.total()).sum()
}

/// Which area a file belongs to, by its path in the project. `None`: not counted.
#[must_use]
pub fn area(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let (name, folders) = parts.split_last()?;
    let stem = name.split('.').next().unwrap_or(name);
    let test = folders.iter().any(|f| *f == "tests" || *f == "benches")
        || stem == "tests"
        || stem == "test"
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.starts_with("test_");
    let under = |what: &str| path.contains(what);
    Some(match *parts.first()? {
        "aegis" if test => "aegis: tests",
        "aegis" if under("/arch/mips32") => "aegis: arch/mips32",
        "aegis" if under("/board/malta") => "aegis: board/malta",
        "aegis" if stem.starts_with("check") || folders.iter().any(|f| f.starts_with("check")) => {
            "aegis: invariant checker"
        }
        "aegis" => KERNEL,
        "exos" => "exos",
        "apps" => "apps",
        "tools" if test => "tools: tests",
        "tools" => "tools",
        "scripts" | ".ci" => "scripts",
        _ => return None,
    })
}

/// The area that has a limit.
pub const KERNEL: &str = "aegis (the kernel)";
/// Lines that the kernel may have.
pub const KERNEL_LIMIT: usize = 5000;

/// All areas, in the order of the table.
const AREAS: [&str; 10] = [
    KERNEL,
    "aegis: arch/mips32",
    "aegis: board/malta",
    "aegis: invariant checker",
    "aegis: tests",
    "exos",
    "apps",
    "tools",
    "tools: tests",
    "scripts",
];

/// Files and lines of one area.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// Files.
    pub files: usize,
    /// Lines with code, Rust.
    pub rust: usize,
    /// Lines with code, assembly.
    pub assembly: usize,
    /// Lines with code, shell.
    pub shell: usize,
}

impl Lines {
    fn total(self) -> usize {
        self.rust + self.assembly + self.shell
    }
}

/// Count all areas under `root`.
///
/// # Errors
/// When a file cannot be read.
pub fn count_project(root: &Path) -> anyhow::Result<Vec<(&'static str, Lines)>> {
    let mut areas: Vec<(&'static str, Lines)> = AREAS.iter().map(|a| (*a, Lines::default())).collect();
    for top in ["aegis", "exos", "apps", "tools", "scripts", ".ci"] {
        walk(root, &root.join(top), &mut areas)?;
    }
    Ok(areas)
}

fn walk(root: &Path, dir: &Path, areas: &mut [(&'static str, Lines)]) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // A link would count twice what it leads to.
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != "target" {
            walk(root, &path, areas)?;
        }
        if !kind.is_file() {
            continue;
        }
        let language = match path.extension().and_then(|e| e.to_str()) {
            Some("rs") => Language::Rust,
            Some("S" | "s") => Language::Assembly,
            Some("sh") => Language::Shell,
            None => Language::Shell,
            Some(_) => continue,
        };
        let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let Some(area) = area(&relative) else {
            continue;
        };
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {relative}"))?;
        if path.extension().is_none() && !bytes.starts_with(b"#!") {
            continue;
        }
        let lines = count(&String::from_utf8_lossy(&bytes), language);
        if let Some((_, sum)) = areas.iter_mut().find(|(name, _)| *name == area) {
            sum.files += 1;
            match language {
                Language::Rust => sum.rust += lines,
                Language::Assembly => sum.assembly += lines,
                Language::Shell => sum.shell += lines,
            }
        }
    }
    Ok(())
}

/// Lines with code of a Rust file, or of those in a folder but for its tests. `None` if there is none.
///
/// # Errors
/// When a file cannot be read.
pub fn rust_lines(root: &Path, path: &str) -> anyhow::Result<Option<usize>> {
    let full = root.join(path);
    if full.is_file() {
        let text = std::fs::read_to_string(&full).with_context(|| format!("cannot read {path}"))?;
        return Ok(Some(count(&text, Language::Rust)));
    }
    let Ok(entries) = std::fs::read_dir(&full) else {
        return Ok(None);
    };
    let mut sum = None;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let code = name.ends_with(".rs") || !name.contains('.');
        if code
            && !name.starts_with("tests")
            && let Some(lines) = rust_lines(root, &format!("{path}/{name}"))?
        {
            sum = Some(sum.unwrap_or(0) + lines);
        }
    }
    Ok(sum)
}

/// Bytes of an ELF file in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Code and constants.
    pub text: u64,
    /// Variables with an initial value.
    pub data: u64,
    /// Variables that begin as zero.
    pub bss: u64,
    /// The programs of the boot image, carried in the kernel's ELF.
    pub image: u64,
}

/// Sizes of the sections that are loaded. A section whose name contains `image` is the boot image.
///
/// # Errors
/// When it is no ELF file.
pub fn elf_bytes(elf: &[u8]) -> anyhow::Result<Bytes> {
    let file = object::File::parse(elf)?;
    let mut bytes = Bytes::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        let has = |flag: elf::SectionFlags| sh_flags.0 & flag.0 != 0;
        if !has(elf::SHF_ALLOC) {
            continue;
        }
        let into = if section.name().is_ok_and(|n| n.contains("image")) {
            &mut bytes.image
        } else if section.kind() == SectionKind::UninitializedData {
            &mut bytes.bss
        } else if has(elf::SHF_WRITE) {
            &mut bytes.data
        } else {
            &mut bytes.text
        };
        *into += section.size();
    }
    Ok(bytes)
}

/// The size table as text.
#[must_use]
pub fn render(areas: &[(&'static str, Lines)], kernels: &[(String, Bytes)]) -> String {
    let mut text = format!(
        "{:<26}{:>7}{:>8}{:>10}{:>8}{:>8}\n",
        "lines without blanks", "files", "Rust", "assembly", "shell", "total"
    );
    for (name, l) in areas {
        let limit = if *name == KERNEL { format!("  of {KERNEL_LIMIT} allowed") } else { String::new() };
        let _ = writeln!(
            text,
            "{name:<26}{:>7}{:>8}{:>10}{:>8}{:>8}{limit}",
            l.files,
            l.rust,
            l.assembly,
            l.shell,
            l.total()
        );
    }
    if !kernels.is_empty() {
        let _ =
            writeln!(text, "\n{:<26}{:>10}{:>10}{:>10}{:>12}", "bytes", "text", "data", "bss", "boot image");
    }
    for (name, b) in kernels {
        let _ = writeln!(text, "{name:<26}{:>10}{:>10}{:>10}{:>12}", b.text, b.data, b.bss, b.image);
    }
    text
}

#[cfg(test)]
mod tests;
