//! Loads and stores: caches, write buffer, devices.

use super::Cpu;
use super::translate::{Access, Physical};
use crate::bus::{AccessClass, Board, Cycles, Width};
use crate::cache::{self, Cache};
use crate::counter_device::CounterDevice;
use crate::counters::Stall;
use crate::cp0::{Exception, status};
use crate::params::PartialStore;
use crate::wbuf::Kind;

const fn shift(paddr: u32) -> u32 {
    (paddr & 3) * 8
}

const fn width_mask(width: Width) -> u32 {
    match width {
        Width::Byte => 0xff,
        Width::Half => 0xffff,
        Width::Word => u32::MAX,
    }
}

impl<B: Board> Cpu<B> {
    /// Loads from `va`: the value right-aligned, not extended. `None`: an exception was taken.
    #[inline]
    pub(super) fn load(&mut self, va: u32, width: Width) -> Option<u32> {
        if va & (width.bytes() - 1) != 0 {
            self.unaligned(va, Access::Load);
            return None;
        }
        if let Some(paddr) = self.soft_load.get(va, self.mode) {
            let line = self.dcache.line(paddr);
            let word = if line.tag == cache::tag(paddr) { line.word } else { self.dcache_miss(paddr) };
            return Some(word >> shift(paddr) & width_mask(width));
        }
        self.load_slow(va, width)
    }

    /// Stores the low `width` of `value`. `false`: an exception was taken.
    #[inline]
    pub(super) fn store(&mut self, va: u32, value: u32, width: Width) -> bool {
        if va & (width.bytes() - 1) != 0 {
            self.unaligned(va, Access::Store);
            return false;
        }
        let (value, mask) = (value << shift(va), width_mask(width) << shift(va));
        if let Some(paddr) = self.soft_store.get(va, self.mode) {
            self.store_cached(paddr & !3, value, mask);
            return true;
        }
        self.store_slow(va, value, mask, width)
    }

    /// Stores the bytes of `value` under `mask` in the word around `va` (for `swl` and `swr`).
    pub(super) fn store_bytes(&mut self, va: u32, value: u32, mask: u32) -> bool {
        if let Some(paddr) = self.soft_store.get(va, self.mode) {
            self.store_cached(paddr & !3, value & mask, mask);
            return true;
        }
        let word = va & !3;
        let p = match self.translate(word, Access::Store) {
            Ok(p) => p,
            Err(refusal) => {
                self.refuse(word, refusal);
                self.cp0.refine_bad_address(va);
                return false;
            }
        };
        if self.isolated() || self.in_ram(p.paddr) || mask == u32::MAX {
            return self.store_slow(word, value & mask, mask, Width::Word);
        }
        for i in 0..4 {
            let byte = mask & 0xff << (8 * i);
            if byte != 0 {
                self.store_slow(word + i, value & byte, byte, Width::Byte);
            }
        }
        true
    }

    /// The word of RAM at `paddr`, a multiple of 4, with the bytes under `mask` replaced.
    #[inline]
    fn write_ram(&mut self, paddr: u32, value: u32, mask: u32) {
        let at = paddr as usize;
        let bytes = &mut self.ram[at..at + 4];
        let new = if mask == u32::MAX {
            value
        } else {
            let old = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            old & !mask | value & mask
        };
        bytes.copy_from_slice(&new.to_le_bytes());
    }

    #[inline]
    fn buffer_write(&mut self, paddr: u32, kind: Kind) {
        let wait = self.wbuf.store(paddr, kind, self.cycle);
        if wait != 0 {
            self.stall(Stall::WriteBuffer, wait);
        }
    }

    /// A store to cached RAM: write-through. A word goes into the cache whatever was there, since
    /// it is the whole line; a part of one depends on the processor.
    #[inline]
    fn store_cached(&mut self, paddr: u32, value: u32, mask: u32) {
        if mask == u32::MAX {
            self.dcache.fill(paddr, value);
        } else {
            self.partial_store(paddr, value, mask);
        }
        self.write_ram(paddr, value, mask);
        self.buffer_write(paddr, Kind::Memory);
    }

    fn partial_store(&mut self, paddr: u32, value: u32, mask: u32) {
        match self.costs.partial {
            PartialStore::Invalidate => self.dcache.invalidate(paddr),
            PartialStore::Merge { extra } => {
                let line = self.dcache.line_mut(paddr);
                if line.tag == cache::tag(paddr) {
                    line.word = line.word & !mask | value & mask;
                }
                self.stall(Stall::PartialStore, extra.into());
            }
        }
    }

    #[inline(never)]
    fn dcache_miss(&mut self, paddr: u32) -> u32 {
        self.dcache_misses += 1;
        let bytes = self.costs.dcache_fetch;
        self.memory_read(paddr, bytes, Stall::DCache);
        let block = paddr & !(bytes - 1);
        for at in (block..block + bytes).step_by(4) {
            let word = self.ram_word(at);
            self.dcache.fill(at, word);
        }
        self.dcache.line(paddr).word
    }

    fn in_ram(&self, paddr: u32) -> bool {
        ((paddr | 0xfff) as usize) < self.ram.len()
    }

    fn isolated(&self) -> bool {
        self.cp0.status & status::ISC != 0
    }

    fn swapped(&self) -> bool {
        self.cp0.status & status::SWC != 0
    }

    /// The cache that data goes through.
    fn data_cache(&mut self) -> &mut Cache {
        if self.swapped() { &mut self.icache } else { &mut self.dcache }
    }

    #[inline(never)]
    fn load_slow(&mut self, va: u32, width: Width) -> Option<u32> {
        let p = match self.translate(va, Access::Load) {
            Ok(p) => p,
            Err(refusal) => {
                self.refuse(va, refusal);
                return None;
            }
        };
        let word = if self.isolated() {
            self.load_isolated(p.paddr)
        } else if !self.in_ram(p.paddr) {
            return self.load_device(p.paddr, width);
        } else if !p.cached {
            self.memory_read(p.paddr, 4, Stall::Device);
            self.ram_word(p.paddr)
        } else {
            self.load_cached(va, p)
        };
        Some(word >> shift(p.paddr) & width_mask(width))
    }

    fn load_cached(&mut self, va: u32, p: Physical) -> u32 {
        if self.swapped() {
            if !self.icache.hit(p.paddr) {
                self.dcache_misses += 1;
                self.memory_read(p.paddr, 4, Stall::DCache);
                let word = self.ram_word(p.paddr);
                self.icache.fill_decoded(p.paddr, word);
            }
            return self.icache.line(p.paddr).word;
        }
        self.soft_load.put(va, self.mode, p.paddr);
        if self.dcache.hit(p.paddr) { self.dcache.line(p.paddr).word } else { self.dcache_miss(p.paddr) }
    }

    /// An isolated load returns whatever word the index selects; CM says whether the tag differed.
    /// Memory is not involved.
    fn load_isolated(&mut self, paddr: u32) -> u32 {
        let line = *self.data_cache().line(paddr);
        if line.tag == cache::tag(paddr) {
            self.cp0.status &= !status::CM;
        } else {
            self.cp0.status |= status::CM;
        }
        line.word
    }

    /// What a read outside RAM waits for: the write buffer, then the access itself.
    pub(super) fn board_read_stall(&mut self, paddr: u32) {
        let wait = self.wbuf.empty(self.cycle);
        self.stall(Stall::WriteBuffer, wait);
        let cost: Cycles = match self.board.class(paddr) {
            AccessClass::LanceBuffer => self.costs.lance_word,
            AccessClass::Register => self.costs.device_read,
        };
        self.stall(Stall::Device, cost);
    }

    fn load_device(&mut self, paddr: u32, width: Width) -> Option<u32> {
        self.board_read_stall(paddr);
        let value = if CounterDevice::contains(paddr) {
            let counters = self.counters();
            self.counter_device.read(paddr, width, &counters)
        } else {
            self.next_check = 0;
            self.board.read(paddr, width, self.cycle)
        };
        match value {
            Ok(v) => Some(v & width_mask(width)),
            Err(_) => {
                self.raise(Exception::Dbe);
                None
            }
        }
    }

    /// `value` and `mask` are in place within the word.
    #[inline(never)]
    fn store_slow(&mut self, va: u32, value: u32, mask: u32, width: Width) -> bool {
        let p = match self.translate(va, Access::Store) {
            Ok(p) => p,
            Err(refusal) => {
                self.refuse(va, refusal);
                return false;
            }
        };
        let word = p.paddr & !3;
        if self.isolated() {
            self.store_isolated(word, value, mask);
        } else if !self.in_ram(p.paddr) {
            self.store_device(p.paddr, value >> shift(p.paddr), width);
        } else if !p.cached {
            self.write_ram(word, value, mask);
            self.buffer_write(word, Kind::Memory);
        } else if self.swapped() {
            self.store_swapped(word, value, mask);
        } else {
            self.soft_store.put(va, self.mode, p.paddr);
            self.store_cached(word, value, mask);
        }
        true
    }

    fn store_swapped(&mut self, word: u32, value: u32, mask: u32) {
        if mask == u32::MAX {
            self.icache.fill_decoded(word, value);
        } else {
            self.icache.invalidate(word);
        }
        self.write_ram(word, value, mask);
        self.buffer_write(word, Kind::Memory);
    }

    /// An isolated word store sets the word and its tag; a partial one makes it invalid.
    fn store_isolated(&mut self, word: u32, value: u32, mask: u32) {
        if mask != u32::MAX {
            self.data_cache().invalidate(word);
        } else if self.swapped() {
            self.icache.fill_decoded(word, value);
        } else {
            self.dcache.fill(word, value);
        }
    }

    fn store_device(&mut self, paddr: u32, value: u32, width: Width) {
        self.buffer_write(paddr, Kind::Device);
        self.next_check = 0;
        if CounterDevice::contains(paddr) {
            self.counter_device.write(paddr, value, width);
        } else {
            let value = value & width_mask(width);
            self.board.write(paddr, value, width, self.cycle);
        }
    }
}
