//! What a program is started with: the page at [`START_PAGE`], filled by whoever starts it ([`super::exec`], or
//! [`crate::schedule`] for the first process) and its own from then on. It is the one page by which a program is told anything:
//! arguments and variables, open files, its place in the table of processes. The paper leaves this to the library.

use aegis_abi::layout::PAGE_SIZE;

use crate::start::START_PAGE;

/// "ExOS": the page has been filled in this layout.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"ExOS");
/// Open files that a process can have.
pub const FILES: usize = 16;
/// Bytes of all arguments and environment variables.
pub const TEXT_BYTES: usize = 3072;
/// Words of code that exec leaves here.
pub(crate) const CODE_WORDS: usize = 96;

/// An open file, as it crosses an exec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct FileWords {
    pub kind: u32,
    pub page: u32,
    pub read: [u32; 2],
    pub write: [u32; 2],
}

/// The page.
#[repr(C)]
pub(crate) struct Block {
    pub magic: u32,
    /// The place in the table of processes, plus one; its pages and capabilities.
    pub place: u32,
    pub table: [[u32; 2]; 2],
    pub table_pages: [u32; 4],
    /// The capability to read this page, which may be another's.
    pub start_read: [u32; 2],
    /// Where in the boot image the data is, how many pages and bytes.
    pub data_page: u32,
    pub data_pages: u32,
    pub data_bytes: u32,
    pub files: [FileWords; FILES],
    /// How many arguments, then how many environment variables, and the bytes of both, each ended by a zero.
    pub arguments: u32,
    pub variables: u32,
    pub used: u32,
    pub text: [u8; TEXT_BYTES],
    pub code: [u32; CODE_WORDS],
}

const _: () = assert!(size_of::<Block>() <= PAGE_SIZE as usize);

/// The block of this process.
pub(crate) fn block() -> &'static mut Block {
    // SAFETY: pinned there, writable, for as long as the process runs; nobody keeps the reference while another is used.
    unsafe { &mut *(START_PAGE as *mut Block) }
}

impl Block {
    /// Appends a string; false if there is no room for it.
    pub(crate) fn push(&mut self, parts: &[&str]) -> bool {
        let mut at = self.used as usize;
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length >= TEXT_BYTES - at {
            return false;
        }
        for part in parts {
            self.text[at..at + part.len()].copy_from_slice(part.as_bytes());
            at += part.len();
        }
        self.text[at] = 0;
        self.used = at as u32 + 1;
        true
    }

    /// All strings.
    fn strings(&self) -> impl Iterator<Item = &str> {
        let used = &self.text[..(self.used as usize).min(TEXT_BYTES)];
        used.split(|byte| *byte == 0).map(|bytes| core::str::from_utf8(bytes).unwrap_or("?"))
    }

    /// The arguments.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.strings().take(self.arguments as usize)
    }

    /// The variables, each `NAME=VALUE`.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.strings().skip(self.arguments as usize).take(self.variables as usize)
    }
}

/// The arguments of a program.
pub struct Arguments(());

impl Arguments {
    /// From the first, which is the program's name.
    #[allow(clippy::iter_not_returning_iterator, reason = "it does, behind impl")]
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        block().arguments()
    }
}

/// The arguments that this program was started with, its name first.
#[must_use]
pub fn arguments() -> Arguments {
    Arguments(())
}

/// One of them.
#[must_use]
pub fn argument(index: usize) -> Option<&'static str> {
    block().arguments().nth(index)
}

/// The value of an environment variable.
#[must_use]
pub fn environment(name: &str) -> Option<&'static str> {
    block().variables().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
}

/// All environment variables, `NAME=VALUE`.
pub fn variables() -> impl Iterator<Item = &'static str> {
    block().variables()
}

/// Sets an environment variable, for this program and those that it starts. False if there is no room.
pub fn set_environment(name: &str, value: &str) -> bool {
    let block = block();
    // Taken out where it stands, put in at the end.
    let mut at = 0;
    for index in 0..block.arguments + block.variables {
        let end = at + block.text[at..].iter().position(|byte| *byte == 0).unwrap_or(0) + 1;
        let text = &block.text[at..end - 1];
        let found = text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='));
        if index >= block.arguments && found {
            if name.len() + 1 + value.len() >= TEXT_BYTES - (block.used as usize - (end - at)) {
                return false;
            }
            block.text.copy_within(end..block.used as usize, at);
            block.used -= (end - at) as u32;
            block.variables -= 1;
            break;
        }
        at = end;
    }
    let room = block.push(&[name, "=", value]);
    block.variables += u32::from(room);
    room
}
