//! A conversation with a guest: what to wait for on its console, and what to type then.
//!
//! A dialogue is a text of lines. Those that begin with `#`, and empty ones, are comments.
//!
//! ```text
//! < TEXT     wait until the console has said TEXT, anywhere behind what was waited for last
//! > KEYS     type KEYS and the return key
//! >> KEYS    type KEYS alone
//! ```
//!
//! In texts and keys `\xNN` is a byte, `\e` the escape key, `\\` a backslash.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};

/// One line of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Wait for these bytes.
    Await(Vec<u8>),
    /// Type these.
    Type(Vec<u8>),
}

/// Read a dialogue.
///
/// # Errors
/// A line that is none of those above.
pub fn parse(text: &str) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let step = if let Some(keys) = line.strip_prefix(">> ") {
            unescape(keys).map(Step::Type)
        } else if let Some(keys) = line.strip_prefix('>') {
            unescape(keys.strip_prefix(' ').unwrap_or(keys)).map(|mut keys| {
                keys.push(b'\r');
                Step::Type(keys)
            })
        } else if let Some(wanted) = line.strip_prefix("< ") {
            unescape(wanted).map(Step::Await)
        } else if line.is_empty() || line.starts_with('#') {
            continue;
        } else {
            None
        };
        let Some(step) = step else {
            bail!("line {} is neither `< TEXT`, `> KEYS` nor `>> KEYS`: {line}", index + 1);
        };
        steps.push(step);
    }
    Ok(steps)
}

/// Read a dialogue from a file.
///
/// # Errors
/// When the file cannot be read, and as [`parse`].
pub fn read(path: &Path) -> anyhow::Result<Vec<Step>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'\\' => b'\\',
                b'e' => 27,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(bytes)
}

/// What is still waited for: for messages about a guest that did not get to the end.
pub type Waits = Arc<Mutex<Option<String>>>;

/// A dialogue that is under way.
pub struct Talk<W> {
    steps: std::vec::IntoIter<Step>,
    wanted: Option<Vec<u8>>,
    heard: Vec<u8>,
    keyboard: W,
    waits: Waits,
}

impl<W: Write> Talk<W> {
    /// Begin: types what needs no waiting for.
    pub fn begin(steps: Vec<Step>, keyboard: W, waits: Waits) -> Self {
        let mut talk = Self { steps: steps.into_iter(), wanted: None, heard: Vec::new(), keyboard, waits };
        talk.go_on();
        talk
    }

    /// The guest has said something.
    pub fn hear(&mut self, bytes: &[u8]) {
        if self.wanted.is_some() {
            self.heard.extend_from_slice(bytes);
        }
        while let Some(wanted) = &self.wanted {
            let Some(at) = self.heard.windows(wanted.len().max(1)).position(|part| part == &wanted[..])
            else {
                // Enough to find what has begun.
                let keep = self.heard.len().min(wanted.len());
                self.heard.drain(..self.heard.len() - keep);
                return;
            };
            self.heard.drain(..at + wanted.len());
            self.wanted = None;
            self.go_on();
        }
    }

    /// To the next text that must be waited for.
    fn go_on(&mut self) {
        for step in self.steps.by_ref() {
            match step {
                Step::Type(keys) => {
                    // A guest that is gone hears nothing; how it ended says so.
                    let _ = self.keyboard.write_all(&keys).and_then(|()| self.keyboard.flush());
                }
                Step::Await(wanted) => {
                    self.wanted = Some(wanted);
                    break;
                }
            }
        }
        let text = self.wanted.as_ref().map(|wanted| String::from_utf8_lossy(wanted).into_owned());
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

#[cfg(test)]
mod tests;
