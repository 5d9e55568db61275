//! What is accepted, and where: a list of rules.
//!
//! One rule a line, `what glob  # why`. The first word is the mnemonic of an instruction beyond
//! MIPS-I, or `load-delay` for late results that are read too early: MIPS32 interlocks. The glob is matched against the symbol that holds the
//! instruction (as linked, and demangled); one that starts with a dot, against the section's name.
//! `*` stands for any characters, `?` for one. Blank lines and what follows a `#` are ignored.

use std::str::FromStr;

use thiserror::Error;

use crate::code::Place;
use crate::report::ViolationKind;
use crate::table::{LATER, UNKNOWN};

/// A shell-like pattern: `*` is any number of characters, `?` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern; every string is one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole text fits the pattern.
    pub fn matches(&self, text: &str) -> bool {
        fits(self.0.as_bytes(), text.as_bytes())
    }
}

/// Matches with one retreat point, the last star: linear for the patterns in use.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retreat = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retreat = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, from)) = retreat else {
                    return false;
                };
                retreat = Some((star, from + 1));
                (p, t) = (star, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

impl FromStr for Glob {
    type Err = std::convert::Infallible;
    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(pattern))
    }
}

/// Whether one of the patterns fits a place: a section's name for patterns with a leading dot,
/// otherwise the symbol, as linked or demangled.
pub(crate) fn any_fits<'a>(patterns: impl IntoIterator<Item = &'a Glob>, place: &Place<'_>) -> bool {
    patterns.into_iter().any(|glob| {
        if glob.0.starts_with('.') {
            return glob.matches(place.section);
        }
        place.symbol.is_some_and(|symbol| {
            glob.matches(symbol) || glob.matches(&format!("{:#}", rustc_demangle::demangle(symbol)))
        })
    })
}

/// A rule that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AllowError {
    /// Not two words.
    #[error("line {0}: expected `mnemonic glob  # why` or `load-delay glob  # why`")]
    Form(usize),
    /// A mnemonic that no table has: the rule could never apply.
    #[error("line {0}: `{1}` is no instruction beyond MIPS-I that this tool knows")]
    Mnemonic(usize, String),
    /// A kind of violation that no processor excuses, or that has rules by mnemonic.
    #[error("line {0}: `{kind}` cannot be allowed, only `load-delay` and mnemonics can", kind = .1.name())]
    Kind(usize, ViolationKind),
}

/// The instructions beyond MIPS-I and the kinds of violations that are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    /// A mnemonic, or the name of a kind, which no mnemonic is; and where.
    rules: Vec<(String, Glob)>,
}

impl AllowList {
    /// Reads an allow file's text.
    ///
    /// # Errors
    /// A line that is no rule, with its number.
    pub fn parse(text: &str) -> Result<Self, AllowError> {
        let mut list = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let rule = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = rule.split_whitespace().collect();
            match words[..] {
                [] => {}
                [what, glob] => list.add(number, what, glob)?,
                _ => return Err(AllowError::Form(number)),
            }
        }
        Ok(list)
    }

    /// Reads one `mnemonic@glob` or `load-delay@glob` from a command line.
    ///
    /// # Errors
    /// As [`AllowList::parse`], with line 1.
    pub fn parse_inline(rule: &str) -> Result<Self, AllowError> {
        let (what, glob) = rule.split_once('@').ok_or(AllowError::Form(1))?;
        let mut list = Self::default();
        list.add(1, what, glob)?;
        Ok(list)
    }

    fn add(&mut self, number: usize, what: &str, glob: &str) -> Result<(), AllowError> {
        if glob.is_empty() {
            return Err(AllowError::Form(number));
        }
        let is_mnemonic = what == UNKNOWN.name || LATER.iter().any(|row| row.name == what);
        match ViolationKind::ALL.iter().find(|kind| kind.name() == what) {
            Some(ViolationKind::LoadDelay) => {}
            Some(&kind) => return Err(AllowError::Kind(number, kind)),
            None if is_mnemonic => {}
            None => return Err(AllowError::Mnemonic(number, what.into())),
        }
        self.rules.push((what.into(), Glob::new(glob)));
        Ok(())
    }

    /// Adds another list's rules to this one.
    pub fn extend(&mut self, other: Self) {
        self.rules.extend(other.rules);
    }

    /// Whether an instruction beyond MIPS-I is accepted at a place.
    pub fn allows(&self, mnemonic: &str, place: &Place<'_>) -> bool {
        let globs = self.rules.iter().filter(|(what, _)| what == mnemonic).map(|(_, glob)| glob);
        any_fits(globs, place)
    }

    /// Whether a violation of a kind is accepted at a place.
    pub fn allows_kind(&self, kind: ViolationKind, place: &Place<'_>) -> bool {
        self.allows(kind.name(), place)
    }
}
