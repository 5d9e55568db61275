//! The processor's state as loaders, debuggers and tests see it.

use std::hash::Hasher;

use super::Cpu;
use crate::bus::Board;

impl<B: Board> Cpu<B> {
    /// General register `n` (modulo 32). A load's result that is still under way counts.
    #[must_use]
    pub fn reg(&self, n: usize) -> u32 {
        if n % 32 == self.load_reg && self.load_reg != 0 {
            return self.load_value;
        }
        self.regs[n % 32]
    }

    /// Sets general register `n` (modulo 32; 0 stays zero).
    pub fn set_reg(&mut self, n: usize, value: u32) {
        if n % 32 == self.load_reg {
            self.load_reg = 0;
            self.load_value = 0;
        }
        self.regs[n % 32] = value;
        self.regs[0] = 0;
    }

    /// HI and LO.
    #[must_use]
    pub fn hi_lo(&self) -> (u32, u32) {
        (self.hi, self.lo)
    }

    /// Sets HI and LO.
    pub fn set_hi_lo(&mut self, hi: u32, lo: u32) {
        self.hi = hi;
        self.lo = lo;
    }

    /// The byte of RAM at `va` as the kernel would load it now, without side effects.
    #[must_use]
    pub fn peek_byte(&self, va: u32) -> Option<u8> {
        self.ram.get(self.peek_address(va)? as usize).copied()
    }

    /// Changes the byte of RAM at `va`, in the caches too where they hold it. `false`: there is no
    /// RAM.
    pub fn poke_byte(&mut self, va: u32, value: u8) -> bool {
        let Some(paddr) = self.peek_address(va) else {
            return false;
        };
        let Some(byte) = self.ram.get_mut(paddr as usize) else {
            return false;
        };
        *byte = value;
        let word = self.ram_word(paddr);
        if self.icache.hit(paddr) {
            self.icache.fill_decoded(paddr & !3, word);
        }
        if self.dcache.hit(paddr) {
            self.dcache.fill(paddr & !3, word);
        }
        true
    }

    /// Address of the next instruction.
    #[must_use]
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// The processor about to execute `pc`, after its system coprocessor was changed from outside.
    #[must_use]
    pub fn restarted(mut self, pc: u32) -> Self {
        self.mode_changed();
        self.jump(pc);
        self
    }

    /// A hash of everything that the guest can find out: registers, memory, caches, time. Two runs
    /// with the same input have the same hash at the same cycle.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut h = Fnv::default();
        for r in self.regs {
            h.write_u32(r);
        }
        for v in [self.hi, self.lo, self.pc, self.npc, self.load_value] {
            h.write_u32(v);
        }
        h.write_u32(self.load_reg as u32);
        h.write_u32(self.delay_next.into());
        for n in 0..32 {
            h.write_u32(self.cp0.read(n, self.cycle));
        }
        for e in self.tlb.entries() {
            h.write_u32(e.hi);
            h.write_u32(e.lo);
        }
        for cache in [&self.icache, &self.dcache] {
            for line in cache.lines() {
                h.write_u32(line.tag);
                h.write_u32(line.word);
            }
        }
        h.write_u64(self.cycle);
        for s in self.stalls {
            h.write_u64(s);
        }
        h.write(&self.ram);
        h.finish()
    }
}

/// FNV-1a over 64-bit words: simple, and the same on every host and in every version of Rust.
#[derive(Clone, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn word(&mut self, v: u64) {
        self.0 = (self.0 ^ v).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 ^= self.0 >> 32;
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u32(&mut self, v: u32) {
        self.word(v.into());
    }

    fn write_u64(&mut self, v: u64) {
        self.word(v);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
