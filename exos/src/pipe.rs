//! Pipes: a ring in a page that processes share (paper, section 6.1, Table 8).
//!
//! Whoever finds the ring empty, or full, gives its slice to the other party; only if that does not help does it wait in the
//! table of processes. The other party is not trusted with this process's memory: what it writes into the ring's header
//! cannot lead outside of it.
//!
//! What is inlined where a pipe is used is reading and writing a word, with the yield to the other party (Table 8's pipe');
//! what is longer or rarer is in functions of its own.

use aegis_abi::Name;
use exos_core::ring;

use crate::process::table::{self, PROCESSES, channel, get};
use crate::process::{self, ProcessError};
use crate::vm::VmError;
use crate::vm::map::{self, Protection, Share};
use crate::{memory, slice};

pub(crate) mod made;
mod shared;

pub use shared::ATOMIC;

/// Bytes that a pipe holds.
pub const CAPACITY: u32 = 2048;

/// The page of a pipe: header and ring. Shared, so every word is read and written at once.
#[repr(C)]
struct Words {
    /// Bytes read, and written, since the pipe was made, modulo 2^32.
    read: u32,
    written: u32,
    /// Who read, and wrote, last: the other party to yield to.
    reader: u32,
    writer: u32,
    /// Not zero if somebody waits to read, or to write.
    reader_waits: u32,
    writer_waits: u32,
    /// The page's number: what waiting is named by. Who falsifies it is not woken any more, or does not wake.
    page: u32,
    padding: u32,
    /// Which processes can read, and write: the number of the process at each place of the table, plus one, or zero.
    readers: [u32; PROCESSES],
    writers: [u32; PROCESSES],
    bytes: [u8; CAPACITY as usize],
}

const _: () = assert!(size_of::<Words>() <= 4096);

/// One end of a pipe, or both: a mapping of its page. Not closed when it is dropped: see [`crate::io`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipe {
    /// Where it is mapped: for who reads and writes it.
    pub ring: Ring,
    /// The page, for those who are to share it.
    pub share: Share,
}

/// The ring of a pipe that is mapped, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring(u32);

/// How reading or writing ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeError {
    /// Nobody reads any more.
    Broken,
    /// A signal came first.
    Interrupted,
}

macro_rules! word {
    ($ring:expr, $field:ident) => {{
        let words = $ring.0 as *mut Words;
        // SAFETY: the page is mapped there while the pipe is; others write it, so the word is read once.
        unsafe { (&raw const (*words).$field).read_volatile() }
    }};
    ($ring:expr, $field:ident = $value:expr) => {{
        let value = $value;
        let words = $ring.0 as *mut Words;
        // SAFETY: as above.
        unsafe { (&raw mut (*words).$field).write_volatile(value) }
    }};
}

impl Pipe {
    /// Makes a pipe, and maps it.
    ///
    /// # Errors
    /// [`VmError`].
    pub fn new() -> Result<Self, VmError> {
        let share = made::new()?;
        match Self::attach(share) {
            Ok(pipe) => {
                // SAFETY: mapped, writable, and nobody else's yet.
                unsafe { core::ptr::write_bytes(pipe.ring.0 as *mut u32, 0, 1024) };
                word!(pipe.ring, page = share.page);
                Ok(pipe)
            }
            Err(error) => {
                made::unused(share.page);
                Err(error)
            }
        }
    }

    /// Maps a pipe that somebody has made.
    ///
    /// # Errors
    /// [`VmError`].
    pub fn attach(share: Share) -> Result<Self, VmError> {
        let address = map::map_shared(0, share, Protection::ReadWrite)?;
        Ok(Self { ring: Ring(address), share })
    }

    /// Unmaps it, when this process can neither read nor write any more; `used`: somebody else still can. Until nobody can
    /// the page stays with whoever made it.
    pub(crate) fn detach(self, used: bool) {
        let _ = map::unmap(self.ring.0, aegis_abi::layout::PAGE_SIZE);
        if !used {
            made::unused(self.share.page);
        }
    }
}

impl Ring {
    fn place(self, write: bool, slot: usize) -> *mut u32 {
        let words = self.0 as *mut Words;
        // SAFETY: a place inside the page; nothing is read.
        unsafe {
            let places = if write { &raw mut (*words).writers } else { &raw mut (*words).readers };
            places.cast::<u32>().add(slot % PROCESSES)
        }
    }

    /// Says that this process can read from it, or write to it.
    pub(crate) fn enrol(self, write: bool) {
        // SAFETY: a word of the page.
        unsafe { self.place(write, process::slot()).write_volatile(process::id() + 1) };
    }

    /// Says that this process cannot any more; tells whether anybody can still read or write. In a critical section, and
    /// afterwards the ring must not be looked at: as soon as others run, whoever made the page may free it.
    pub(crate) fn leave(self, write: bool) -> bool {
        // SAFETY: a word of the page.
        unsafe { self.place(write, process::slot()).write_volatile(0) };
        let read = self.is_open(false);
        if !write && !read {
            self.fill_up();
        }
        // Whoever waits for this one waits for nothing now.
        table::wake(self.channel(!write));
        read || self.is_open(true)
    }

    /// What readers or writers wait for.
    fn channel(self, write: bool) -> u32 {
        channel::pipe(word!(self, page), write)
    }

    /// Whether any living process can read from it, or write to it.
    fn is_open(self, write: bool) -> bool {
        (0..table::used()).any(|slot| {
            // SAFETY: a word of the page.
            let number = unsafe { self.place(write, slot).read_volatile() };
            number != 0 && get!(slot, pid) == number.wrapping_sub(1) && table::lives(slot)
        })
    }

    /// The environment of somebody else who can read from it, or write to it.
    fn other(self, write: bool) -> u32 {
        let me = process::slot();
        let there = (0..table::used()).filter(|slot| *slot != me).find(|slot| {
            // SAFETY: a word of the page.
            let number = unsafe { self.place(write, *slot).read_volatile() };
            number != 0 && get!(*slot, pid) == number.wrapping_sub(1) && table::lives(*slot)
        });
        there.map_or(0, |slot| get!(slot, name))
    }

    /// Bytes that can be read.
    #[inline(always)]
    fn filled(self) -> u32 {
        ring::filled(word!(self, written), word!(self, read), CAPACITY)
    }

    /// Bytes that can be written.
    #[inline(always)]
    fn room(self) -> u32 {
        CAPACITY - self.filled()
    }

    /// Where the word of an index is, if a whole word is to go between there and `memory`, and both are aligned: then it does not
    /// wrap around.
    #[inline(always)]
    fn word_at(self, index: u32, memory: *const u8, count: usize) -> Option<*mut u32> {
        let words = self.0 as *mut Words;
        // SAFETY: inside the ring; nothing is read.
        let at = unsafe { (&raw mut (*words).bytes).cast::<u8>().add((index % CAPACITY) as usize) };
        (count == 4 && (memory as u32 | index) & 3 == 0).then_some(at.cast::<u32>())
    }

    /// Reads what there is, at least a byte; zero if nothing will come any more.
    ///
    /// # Errors
    /// [`PipeError::Interrupted`].
    #[inline(always)]
    pub fn read(self, into: &mut [u8]) -> Result<usize, PipeError> {
        if self.filled() == 0 {
            word!(self, reader = memory::myself().0);
            yield_to_other(word!(self, writer));
        }
        let read = word!(self, read);
        match self.word_at(read, into.as_ptr(), into.len()) {
            Some(at) if self.filled() >= 4 => {
                // SAFETY: aligned, and the ring's or the caller's.
                unsafe { into.as_mut_ptr().cast::<u32>().write(at.read_volatile()) };
                word!(self, read = read.wrapping_add(4));
                if word!(self, writer_waits) != 0 {
                    self.wake(true);
                }
                Ok(4)
            }
            _ => self.read_bytes(into),
        }
    }

    /// [`Ring::read`], of any number of bytes.
    #[inline(never)]
    fn read_bytes(self, into: &mut [u8]) -> Result<usize, PipeError> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let filled = self.filled();
            if filled > 0 {
                return Ok(self.take(into, filled));
            }
            if !self.wait_to_read()? {
                return Ok(0);
            }
        }
    }

    /// Takes bytes that are there.
    fn take(self, into: &mut [u8], filled: u32) -> usize {
        let read = word!(self, read);
        let count = (into.len() as u32).min(filled);
        let (first, second) = ring::spans(read, count, CAPACITY);
        let words = self.0 as *const Words;
        // SAFETY: both spans are inside the ring, whatever its header says, and as long together as `count`.
        unsafe {
            let bytes = (&raw const (*words).bytes).cast::<u8>();
            into.as_mut_ptr().copy_from_nonoverlapping(bytes.add(first.start as usize), first.len());
            into.as_mut_ptr().add(first.len()).copy_from_nonoverlapping(bytes, second.len());
        }
        word!(self, read = read.wrapping_add(count));
        if word!(self, writer_waits) != 0 {
            self.wake(true);
        }
        count as usize
    }

    /// Gives the slice to who writes, then waits. False if nobody writes any more.
    #[inline(never)]
    fn wait_to_read(self) -> Result<bool, PipeError> {
        word!(self, reader = memory::myself().0);
        if word!(self, writer) == 0 {
            word!(self, writer = self.other(true));
        }
        yield_to_other(word!(self, writer));
        if self.filled() > 0 {
            return Ok(true);
        }
        // Whoever that was, it is not the one.
        word!(self, writer = 0);
        if !self.is_open(true) {
            return Ok(self.filled() > 0);
        }
        // Noted anew each time: of several readers another may have been woken by it.
        self.wait(false, || {
            word!(self, reader_waits = 1);
            self.filled() > 0 || !self.is_open(true)
        })?;
        Ok(true)
    }

    /// Writes all of it, unless it cannot.
    ///
    /// # Errors
    /// [`PipeError`], with how much was written before.
    #[inline(always)]
    pub fn write(self, from: &[u8]) -> Result<usize, (PipeError, usize)> {
        let written = word!(self, written);
        match self.word_at(written, from.as_ptr(), from.len()) {
            Some(at) if self.room() >= 4 => {
                // SAFETY: aligned, and the ring's or the caller's.
                unsafe { at.write_volatile(from.as_ptr().cast::<u32>().read()) };
                word!(self, written = written.wrapping_add(4));
                if word!(self, reader_waits) != 0 {
                    self.wake(false);
                }
                Ok(4)
            }
            _ => self.write_bytes(from),
        }
    }

    /// [`Ring::write`], of any number of bytes.
    #[inline(never)]
    fn write_bytes(self, from: &[u8]) -> Result<usize, (PipeError, usize)> {
        let mut done = 0;
        while done < from.len() {
            let room = self.room();
            if room == 0 {
                self.wait_to_write(1).map_err(|error| (error, done))?;
                continue;
            }
            done += self.put(&from[done..], room);
        }
        Ok(done)
    }

    /// Whether somebody waits to read from it.
    pub(crate) fn is_awaited(self) -> bool {
        word!(self, reader_waits) != 0
    }

    /// Puts bytes where there is room.
    fn put(self, from: &[u8], room: u32) -> usize {
        let written = word!(self, written);
        let count = (from.len() as u32).min(room);
        let (first, second) = ring::spans(written, count, CAPACITY);
        let words = self.0 as *mut Words;
        // SAFETY: as in `take`.
        unsafe {
            let bytes = (&raw mut (*words).bytes).cast::<u8>();
            bytes.add(first.start as usize).copy_from_nonoverlapping(from.as_ptr(), first.len());
            bytes.copy_from_nonoverlapping(from.as_ptr().add(first.len()), second.len());
        }
        word!(self, written = written.wrapping_add(count));
        if word!(self, reader_waits) != 0 {
            self.wake(false);
        }
        count as usize
    }

    /// Waits for room for `need` bytes.
    #[inline(never)]
    fn wait_to_write(self, need: u32) -> Result<(), PipeError> {
        word!(self, writer = memory::myself().0);
        if !self.is_open(false) {
            return Err(PipeError::Broken);
        }
        if word!(self, reader) == 0 {
            word!(self, reader = self.other(false));
        }
        yield_to_other(word!(self, reader));
        if self.room() >= need {
            return Ok(());
        }
        word!(self, reader = 0);
        self.wait(true, || {
            word!(self, writer_waits = 1);
            self.room() >= need || !self.is_open(false)
        })?;
        if self.is_open(false) { Ok(()) } else { Err(PipeError::Broken) }
    }

    fn wait(self, write: bool, done: impl FnMut() -> bool) -> Result<(), PipeError> {
        match process::wait_until(self.channel(write), done) {
            Ok(()) => Ok(()),
            Err(ProcessError::Interrupted) => Err(PipeError::Interrupted),
            Err(_) => Err(PipeError::Broken),
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(self, write: bool) {
        if write {
            word!(self, writer_waits = 0);
        } else {
            word!(self, reader_waits = 0);
        }
        slice::critical(|| table::wake(self.channel(write)));
    }
}

/// Gives the slice to the other party, if it is known and lives.
#[inline(always)]
fn yield_to_other(name: u32) {
    if name != 0 && name != memory::myself().0 {
        let _ = slice::yield_to(Name(name));
    }
}
