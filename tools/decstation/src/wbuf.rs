//! The write buffer between the write-through data cache and memory.
//!
//! Stores cost the processor nothing while the buffer has room. The buffer retires its writes in
//! order, one at a time, over the same memory port that reads use: a read goes before the writes
//! that have not started, but waits for one that has, and for any write to the block that it reads.
//! A write to the DRAM page of the write before it is quicker, if no read came between.
//!
//! The buffer is simulated lazily: nothing happens until the processor looks.

use crate::bus::Cycles;

/// The deepest buffer that can be configured.
pub const MAX_DEPTH: u32 = 16;

const SLOTS: usize = MAX_DEPTH as usize;

/// What one buffered write costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A write to memory: page mode applies.
    Memory,
    /// A write to a device register.
    Device,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    paddr: u32,
    queued: Cycles,
    kind: Kind,
}

/// The write buffer's configuration and contents. All times are CPU cycles.
#[derive(Clone, Debug)]
pub struct WriteBuffer {
    depth: u32,
    retire: Cycles,
    same_page: Cycles,
    device: Cycles,
    page_mask: u32,
    slots: [Write; SLOTS],
    head: u32,
    len: u32,
    /// When the memory port is free again.
    port_free: Cycles,
    /// The DRAM page that the last access left open: only a write leaves one. No page has bit 0 set.
    open_page: u32,
}

const NO_PAGE: u32 = 1;

impl WriteBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(params: &crate::params::Params) -> Self {
        WriteBuffer {
            depth: params.write_depth.min(MAX_DEPTH),
            retire: params.write_retire.into(),
            same_page: params.same_page_retire.into(),
            device: params.device_write.into(),
            page_mask: !(params.page_bytes - 1),
            slots: [Write { paddr: 0, queued: 0, kind: Kind::Memory }; SLOTS],
            head: 0,
            len: 0,
            port_free: 0,
            open_page: NO_PAGE,
        }
    }

    fn slot(&self, i: u32) -> &Write {
        &self.slots[(self.head + i) as usize % SLOTS]
    }

    /// When the oldest write starts, and when it is done.
    fn oldest(&self) -> (Cycles, Cycles) {
        let w = self.slot(0);
        let cost = match w.kind {
            Kind::Device => self.device,
            Kind::Memory if w.paddr & self.page_mask == self.open_page => self.same_page,
            Kind::Memory => self.retire,
        };
        let start = self.port_free.max(w.queued);
        (start, start + cost)
    }

    fn retire_oldest(&mut self, done: Cycles) {
        let w = *self.slot(0);
        self.port_free = done;
        self.open_page = match w.kind {
            Kind::Memory => w.paddr & self.page_mask,
            Kind::Device => NO_PAGE,
        };
        self.head = (self.head + 1) % MAX_DEPTH;
        self.len -= 1;
    }

    /// Retires what is done by `now`.
    fn drain(&mut self, now: Cycles) {
        while self.len > 0 {
            let (_, done) = self.oldest();
            if done > now {
                break;
            }
            self.retire_oldest(done);
        }
    }

    /// Buffers a write that the processor issues at `now`; returns the stall until there is room.
    #[inline]
    pub fn store(&mut self, paddr: u32, kind: Kind, now: Cycles) -> Cycles {
        self.drain(now);
        let mut stall = 0;
        if self.len == self.depth {
            let (_, done) = self.oldest();
            stall = done - now;
            self.retire_oldest(done);
        }
        let slot = (self.head + self.len) as usize % SLOTS;
        self.slots[slot] = Write { paddr, queued: now + stall, kind };
        self.len += 1;
        stall
    }

    /// A read of `bytes` (a power of two) of memory around `paddr` wants the port at `now`, for
    /// `duration`. Returns the stall until it gets it, which is not part of `duration`.
    pub fn read(&mut self, paddr: u32, bytes: u32, now: Cycles, duration: Cycles) -> Cycles {
        self.drain(now);
        let mask = !(bytes.max(4) - 1);
        let conflict = (0..self.len).rev().find(|&i| self.slot(i).paddr & mask == paddr & mask);
        let mut at = now.max(self.port_free);
        for _ in 0..conflict.map_or(0, |i| i + 1) {
            let (_, done) = self.oldest();
            self.retire_oldest(done);
            at = at.max(done);
        }
        if self.len > 0 {
            let (start, done) = self.oldest();
            if start < at {
                self.retire_oldest(done);
                at = at.max(done);
            }
        }
        self.port_free = at + duration;
        self.open_page = NO_PAGE;
        at - now
    }

    /// A read of a device waits until the buffer is empty: returns that stall at `now`.
    pub fn empty(&mut self, now: Cycles) -> Cycles {
        self.drain(now);
        let mut at = now;
        while self.len > 0 {
            let (_, done) = self.oldest();
            self.retire_oldest(done);
            at = done;
        }
        at - now
    }

    /// Whether the buffer is empty at `now`: the R3000's `CpCond0` on these boards.
    pub fn is_empty(&mut self, now: Cycles) -> bool {
        self.drain(now);
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Bound, Params};

    fn dec2100() -> WriteBuffer {
        // depth 4, every write takes 6
        WriteBuffer::new(&Params::built_in("2100", Bound::Central).unwrap())
    }

    fn dec5000_200() -> WriteBuffer {
        // depth 6, 5 a write, 1 within a page
        WriteBuffer::new(&Params::built_in("5000/200", Bound::Central).unwrap())
    }

    #[test]
    fn the_fifth_store_in_a_row_waits_for_the_first() {
        // cycle:  0  1  2  3  4  5  6
        // store:  A  B  C  D  E........   A occupies memory 0..6, so E waits 4..6
        let mut w = dec2100();
        for (at, stall) in [(0, 0), (1, 0), (2, 0), (3, 0), (4, 2)] {
            assert_eq!(w.store(0x1000 + 4 * at as u32, Kind::Memory, at), stall);
        }
        // The next one, at 7, waits for B: 6..12.
        assert_eq!(w.store(0x2000, Kind::Memory, 7), 5);
    }

    #[test]
    fn a_read_waits_for_the_write_that_has_started_only() {
        // A starts at 0, done at 6; B is queued at 1. The read at 2 waits 4, runs 6..12,
        // B then runs 12..18.
        let mut w = dec2100();
        w.store(0x1000, Kind::Memory, 0);
        w.store(0x1004, Kind::Memory, 1);
        assert_eq!(w.read(0x8000, 4, 2, 6), 4);
        assert!(!w.is_empty(17));
        assert!(w.is_empty(18));
    }

    #[test]
    fn a_read_of_a_buffered_word_waits_until_it_is_in_memory() {
        // A 0..6, B (the word read) 6..12.
        let mut w = dec2100();
        w.store(0x1000, Kind::Memory, 0);
        w.store(0x8000, Kind::Memory, 1);
        assert_eq!(w.read(0x8000, 4, 2, 6), 10);
    }

    #[test]
    fn a_read_before_the_write_starts_goes_first() {
        // The write is queued at the very cycle of the read: it has not started.
        let mut w = dec2100();
        w.store(0x1000, Kind::Memory, 5);
        assert_eq!(w.read(0x8000, 4, 5, 6), 0);
        assert!(!w.is_empty(16)); // read 5..11, write 11..17
        assert!(w.is_empty(17));
    }

    #[test]
    fn page_mode_makes_the_second_write_quick() {
        // First write of the page 0..5, second 5..6, third 6..7; another page 7..12.
        let mut w = dec5000_200();
        w.store(0x1000, Kind::Memory, 0);
        w.store(0x1004, Kind::Memory, 1);
        w.store(0x1008, Kind::Memory, 2);
        w.store(0x3000, Kind::Memory, 3);
        assert!(!w.is_empty(11));
        assert!(w.is_empty(12));
    }

    #[test]
    fn a_read_closes_the_page() {
        // Write 0..5, read 5..20, write of the same page 20..25.
        let mut w = dec5000_200();
        w.store(0x1000, Kind::Memory, 0);
        assert_eq!(w.read(0x8000, 16, 5, 15), 0);
        w.store(0x1004, Kind::Memory, 6);
        assert!(!w.is_empty(24));
        assert!(w.is_empty(25));
    }

    #[test]
    fn a_device_read_waits_for_all() {
        let mut w = dec2100();
        w.store(0x1000, Kind::Memory, 0); // 0..6
        w.store(0x1fe0_0000, Kind::Device, 1); // 6..24
        assert_eq!(w.empty(2), 22);
        assert_eq!(w.empty(30), 0);
    }
}
