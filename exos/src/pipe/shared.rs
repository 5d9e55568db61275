//! Pipes with several readers, or several writers. Nothing here is atomic, and the quick functions of [`super`] are for an end
//! that one process has: two that were both in the middle of a write would write the same bytes of the ring. These
//! look and copy in a critical section.

use super::{CAPACITY, PipeError, Ring, Words};
use crate::slice;

/// A write of at most so many bytes comes in one piece, whoever else writes. POSIX asks for 512.
pub const ATOMIC: usize = 512;

impl Ring {
    /// Whether somebody else has this end, too.
    pub(crate) fn is_shared(self, write: bool) -> bool {
        self.other(write) != 0
    }

    /// [`Ring::read`], for one of several readers.
    #[inline(never)]
    pub(crate) fn read_shared(self, into: &mut [u8]) -> Result<usize, PipeError> {
        if into.is_empty() {
            return Ok(0);
        }
        touch(into.as_mut_ptr(), into.len(), true);
        loop {
            let count = slice::critical(|| match self.filled() {
                0 => 0,
                filled => self.take(into, filled),
            });
            if count > 0 {
                return Ok(count);
            }
            if !self.wait_to_read()? {
                return Ok(0);
            }
        }
    }

    /// [`Ring::write`], for one of several writers.
    #[inline(never)]
    pub(crate) fn write_shared(self, from: &[u8]) -> Result<usize, (PipeError, usize)> {
        touch(from.as_ptr().cast_mut(), from.len(), false);
        let mut done = 0;
        while done < from.len() {
            let rest = &from[done..];
            let need = if from.len() <= ATOMIC { rest.len() as u32 } else { 1 };
            let count = slice::critical(|| match self.room() {
                room if room < need => 0,
                room => self.put(rest, room),
            });
            if count == 0 {
                self.wait_to_write(need).map_err(|error| (error, done))?;
            }
            done += count;
        }
        Ok(done)
    }

    /// Writes as much as there is room for, without waiting, whoever else writes.
    ///
    /// # Errors
    /// [`PipeError::Broken`].
    pub fn try_write(self, from: &[u8]) -> Result<usize, PipeError> {
        if !self.is_open(false) {
            return Err(PipeError::Broken);
        }
        touch(from.as_ptr().cast_mut(), from.len(), false);
        Ok(slice::critical(|| match self.room() {
            room if room > 0 && !from.is_empty() => self.put(from, room),
            _ => 0,
        }))
    }

    /// The last reader is gone: the ring is full from now on, so that whoever writes looks for the reason.
    pub(super) fn fill_up(self) {
        let words = self.0 as *mut Words;
        // SAFETY: mapped there; words of the header.
        unsafe {
            let written = (&raw const (*words).written).read_volatile();
            (&raw mut (*words).read).write_volatile(written.wrapping_sub(CAPACITY));
        }
    }
}

/// Touches memory, as it will be: what faults and ends the program is to do so outside of the critical section.
fn touch(start: *mut u8, length: usize, write: bool) {
    let page = aegis_abi::layout::PAGE_SIZE as usize;
    let mut at = 0;
    while at < length {
        // SAFETY: inside the caller's bytes, or what it says are its bytes.
        unsafe {
            let byte = start.add(at).read_volatile();
            if write {
                start.add(at).write_volatile(byte);
            }
        }
        // The first byte of each page.
        at += page - (start as usize + at) % page;
    }
}
