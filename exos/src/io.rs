//! Open files: the console, and the ends of pipes (paper, section 6.1, has the pipes; descriptors are UNIX's).
//!
//! Descriptors are a small table of the process's own. 0, 1 and 2 are standard input, output and error. A fork's child has
//! them, too; they outlive an exec.

use core::mem::MaybeUninit;

use aegis_abi::Capability;

use crate::pipe::{Pipe, PipeError, Ring};
use crate::process::arguments::{FILES, FileWords};
use crate::process::table::channel;
use crate::process::{self, ProcessError};
use crate::vm::VmError;
use crate::vm::map::Share;
use crate::{console, signal, slice};

/// What a descriptor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Console,
    Read(Pipe),
    Write(Pipe),
    /// An end of a pipe that others may have, too, since a fork.
    Shared {
        pipe: Pipe,
        write: bool,
    },
}

/// Why a descriptor cannot be used so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoError {
    /// It is not open, or not for this.
    BadDescriptor,
    /// No descriptor is left.
    TooMany,
    /// Nobody reads what is written.
    BrokenPipe,
    /// A signal came first.
    Interrupted,
    /// No memory, or what else the virtual memory says.
    Memory(VmError),
}

impl core::fmt::Display for IoError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BadDescriptor => write!(f, "the descriptor is not open for this"),
            Self::TooMany => write!(f, "too many open files"),
            Self::BrokenPipe => write!(f, "broken pipe"),
            Self::Interrupted => write!(f, "interrupted by a signal"),
            Self::Memory(error) => write!(f, "no memory: {error:?}"),
        }
    }
}

impl From<PipeError> for IoError {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Broken => Self::BrokenPipe,
            PipeError::Interrupted => Self::Interrupted,
        }
    }
}

#[unsafe(link_section = ".bss.pinned.files")]
static mut TABLE: MaybeUninit<[Option<File>; FILES]> = MaybeUninit::uninit();

fn table() -> &'static mut [Option<File>; FILES] {
    // SAFETY: a process begins with `close_none`; it is single-threaded, and nothing here keeps the reference over a wait.
    unsafe { (*&raw mut TABLE).assume_init_mut() }
}

/// Begins with nothing open.
pub(crate) fn close_none() {
    // SAFETY: before anything else here.
    unsafe { (*&raw mut TABLE).write([None; FILES]) };
}

fn get(descriptor: usize) -> Result<File, IoError> {
    table().get(descriptor).copied().flatten().ok_or(IoError::BadDescriptor)
}

fn free_descriptor() -> Result<usize, IoError> {
    table().iter().position(Option::is_none).ok_or(IoError::TooMany)
}

impl File {
    /// The pipe, and whether it is the end to write to.
    fn end(self) -> Option<(Pipe, bool)> {
        match self {
            Self::Console => None,
            Self::Read(pipe) => Some((pipe, false)),
            Self::Write(pipe) => Some((pipe, true)),
            Self::Shared { pipe, write } => Some((pipe, write)),
        }
    }

    fn pipe(self) -> Option<Pipe> {
        self.end().map(|(pipe, _)| pipe)
    }
}

/// Makes a pipe; tells the descriptors to read from and to write to.
///
/// # Errors
/// [`IoError::TooMany`], [`IoError::Memory`].
pub fn pipe() -> Result<(usize, usize), IoError> {
    let read = free_descriptor()?;
    let write = (read + 1..FILES).find(|index| table()[*index].is_none()).ok_or(IoError::TooMany)?;
    let pipe = Pipe::new().map_err(IoError::Memory)?;
    table()[read] = Some(File::Read(pipe));
    table()[write] = Some(File::Write(pipe));
    pipe.ring.enrol(false);
    pipe.ring.enrol(true);
    Ok((read, write))
}

/// The ring of the pipe behind a descriptor, for those who read and write it without the table: each end by one process only.
#[must_use]
pub fn ring_of(descriptor: usize) -> Option<Ring> {
    Some(get(descriptor).ok()?.pipe()?.ring)
}

/// The pages of the pipes that are open, each as often as it is.
pub(crate) fn shares() -> impl Iterator<Item = Share> {
    table().iter().flatten().filter_map(|file| Some(file.pipe()?.share))
}

/// Makes `to` stand for what `from` stands for, and closes what it stood for.
///
/// # Errors
/// [`IoError::BadDescriptor`].
pub fn duplicate_to(from: usize, to: usize) -> Result<(), IoError> {
    let file = get(from)?;
    if to >= FILES {
        return Err(IoError::BadDescriptor);
    }
    if from != to {
        let _ = close(to);
        table()[to] = Some(file);
    }
    Ok(())
}

/// Closes a descriptor.
///
/// # Errors
/// [`IoError::BadDescriptor`].
pub fn close(descriptor: usize) -> Result<(), IoError> {
    let Some((pipe, write)) = get(descriptor)?.end() else {
        table()[descriptor] = None;
        return Ok(());
    };
    // If it is gone with whoever made it, this is the place to find that out.
    pipe.ring.enrol(write);
    // Said and done at once: a signal in between would have it said again, of a page that may not be there any more.
    let used = slice::critical(|| {
        table()[descriptor] = None;
        let open = |file: &File| file.end() == Some((pipe, write));
        // The last of its kind: this process cannot read any more, or write.
        if table().iter().flatten().any(open) { true } else { pipe.ring.leave(write) }
    });
    if !table().iter().flatten().any(|other| other.pipe() == Some(pipe)) {
        pipe.detach(used);
    }
    Ok(())
}

/// Closes everything.
pub fn close_all() {
    for descriptor in 0..FILES {
        let _ = close(descriptor);
    }
}

/// Reads what there is, at least a byte; zero at the end.
///
/// # Errors
/// [`IoError::BadDescriptor`], [`IoError::Interrupted`].
pub fn read(descriptor: usize, into: &mut [u8]) -> Result<usize, IoError> {
    // Mostly a pipe of which this process alone has this end: nothing but its address is looked at.
    match table().get(descriptor) {
        Some(Some(File::Read(pipe))) => Ok(pipe.ring.read(into)?),
        _ => read_other(descriptor, into),
    }
}

#[inline(never)]
fn read_other(descriptor: usize, into: &mut [u8]) -> Result<usize, IoError> {
    match get(descriptor)? {
        File::Console => read_console(into),
        File::Shared { pipe, write: false } => {
            if pipe.ring.is_shared(false) {
                return Ok(pipe.ring.read_shared(into)?);
            }
            unshare(pipe, false, File::Read(pipe));
            Ok(pipe.ring.read(into)?)
        }
        _ => Err(IoError::BadDescriptor),
    }
}

/// The others have closed this end, and only a fork of this process's can give it to somebody again.
fn unshare(pipe: Pipe, write: bool, alone: File) {
    for file in table().iter_mut().flatten() {
        if *file == (File::Shared { pipe, write }) {
            *file = alone;
        }
    }
}

/// Before a fork: from now on others may have the same ends.
pub(crate) fn share() {
    for file in table().iter_mut().flatten() {
        if let Some((pipe, write)) = file.end() {
            *file = File::Shared { pipe, write };
        }
    }
}

/// Writes all of it.
///
/// # Errors
/// [`IoError::BadDescriptor`], [`IoError::Interrupted`], [`IoError::BrokenPipe`], after a SIGPIPE that did not end the
/// process.
pub fn write(descriptor: usize, from: &[u8]) -> Result<usize, IoError> {
    // As in `read`.
    match table().get(descriptor) {
        Some(Some(File::Write(pipe))) => wrote(pipe.ring.write(from)),
        _ => write_other(descriptor, from),
    }
}

#[inline(never)]
fn write_other(descriptor: usize, from: &[u8]) -> Result<usize, IoError> {
    match get(descriptor)? {
        File::Console => {
            console::write(from);
            Ok(from.len())
        }
        File::Shared { pipe, write: true } => {
            if pipe.ring.is_shared(true) {
                return wrote(pipe.ring.write_shared(from));
            }
            unshare(pipe, true, File::Write(pipe));
            wrote(pipe.ring.write(from))
        }
        _ => Err(IoError::BadDescriptor),
    }
}

/// What a write answers.
#[inline(always)]
fn wrote(result: Result<usize, (PipeError, usize)>) -> Result<usize, IoError> {
    match result {
        Ok(done) => Ok(done),
        Err((error, done)) => wrote_part(error, done),
    }
}

#[cold]
#[inline(never)]
fn wrote_part(error: PipeError, done: usize) -> Result<usize, IoError> {
    match error {
        PipeError::Interrupted if done > 0 => return Ok(done),
        PipeError::Interrupted => {}
        PipeError::Broken => {
            let _ = signal::kill(process::id(), signal::SIGPIPE);
        }
    }
    Err(error.into())
}

/// Writes as much as there is room for, without waiting.
///
/// # Errors
/// [`IoError::BadDescriptor`]; [`IoError::BrokenPipe`], without a signal.
pub fn try_write(descriptor: usize, from: &[u8]) -> Result<usize, IoError> {
    match get(descriptor)?.end() {
        Some((pipe, true)) => Ok(pipe.ring.try_write(from)?),
        _ => write(descriptor, from),
    }
}

/// Whether somebody waits at the other end of a pipe for what is written to a descriptor.
#[must_use]
pub fn is_awaited(descriptor: usize) -> bool {
    matches!(get(descriptor).map(File::end), Ok(Some((pipe, true))) if pipe.ring.is_awaited())
}

/// Waits for a key at the console, whatever the descriptors are, or until `enough` says so: for who serves both the console
/// and others. `None` if it was the latter.
///
/// # Errors
/// [`IoError::Interrupted`].
pub fn wait_for_key(mut enough: impl FnMut() -> bool) -> Result<Option<u8>, IoError> {
    let mut key = None;
    process::wait_until(channel::CONSOLE, || {
        key = key.or_else(console::take_key);
        key.is_some() || enough()
    })
    .map_err(|error| match error {
        ProcessError::Interrupted => IoError::Interrupted,
        _ => IoError::BadDescriptor,
    })?;
    Ok(key)
}

/// Reads keys as they come: no echo, no lines.
fn read_console(into: &mut [u8]) -> Result<usize, IoError> {
    let Some(first) = into.first_mut() else { return Ok(0) };
    *first = wait_for_key(|| false)?.unwrap_or(0);
    let mut count = 1;
    while let Some(place) = into.get_mut(count)
        && let Some(key) = console::take_key()
    {
        *place = key;
        count += 1;
    }
    Ok(count)
}

/// Whether a descriptor is the console.
#[must_use]
pub fn is_console(descriptor: usize) -> bool {
    get(descriptor) == Ok(File::Console)
}

/// Takes up the files that a program is started with.
pub(crate) fn start(files: &[FileWords; FILES]) {
    for (descriptor, words) in files.iter().enumerate() {
        let share = Share {
            page: words.page,
            read: Capability::from_words(words.read[0], words.read[1]),
            write: Capability::from_words(words.write[0], words.write[1]),
        };
        let known = table().iter().flatten().find_map(|file| file.pipe().filter(|pipe| pipe.share == share));
        let pipe = || known.or_else(|| Pipe::attach(share).ok());
        table()[descriptor] = match words.kind {
            1 => Some(File::Console),
            // Whether others have it is found out when it is used.
            2 | 3 => pipe().map(|pipe| File::Shared { pipe, write: words.kind == 3 }),
            _ => None,
        };
    }
}

/// The same files, as they cross an exec.
pub(crate) fn files() -> [FileWords; FILES] {
    let mut words = [FileWords::default(); FILES];
    for (to, file) in words.iter_mut().zip(table()) {
        to.kind = file.map_or(0, |file| file.end().map_or(1, |(_, write)| 2 + u32::from(write)));
        if let Some(pipe) = file.and_then(File::pipe) {
            to.page = pipe.share.page;
            to.read = pipe.share.read.words();
            to.write = pipe.share.write.words();
        }
    }
    words
}

/// A child has its parent's files, too.
pub(crate) fn forked() {
    for (pipe, write) in table().iter().flatten().filter_map(|file| file.end()) {
        pipe.ring.enrol(write);
    }
}
