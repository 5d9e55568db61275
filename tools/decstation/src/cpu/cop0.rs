//! The system coprocessor's instructions, and those of coprocessors that are not there.

use super::Cpu;
use crate::bus::Board;
use crate::cp0::{Cp0, Exception, Vector, reg, status};
use crate::isa::{self, Op};
use crate::tlb::{Entry, Found};

impl<B: Board> Cpu<B> {
    /// Whether coprocessor `n` may be used; otherwise takes the exception.
    fn usable(&mut self, n: u32) -> bool {
        let kernel = n == 0 && !self.cp0.user();
        if kernel || self.cp0.status & status::CU0 << n != 0 {
            return true;
        }
        self.enter(Exception::CpU, Vector::General, n);
        false
    }

    /// Executes an instruction of coprocessor 0; `t` is the value of `rt`.
    pub(super) fn cop0(&mut self, op: Op, word: u32, t: u32) {
        if !self.usable(0) {
            return;
        }
        match op {
            Op::Mfc0 => {
                let value = self.cp0.read(isa::rd(word), self.cycle);
                self.delayed(isa::rt(word), value);
            }
            Op::Mtc0 => self.mtc0(isa::rd(word), t),
            Op::Bc0f | Op::Bc0t => {
                let empty = self.wbuf.is_empty(self.cycle);
                self.branch(word, empty == (op == Op::Bc0t));
            }
            Op::Tlbr => {
                let entry = self.tlb.get(self.tlb_index());
                self.cp0.entry_hi = entry.hi;
                self.cp0.entry_lo = entry.lo;
                self.address_space_changed();
            }
            Op::Tlbwi => self.tlb_write(self.tlb_index(), self.tlb_entry()),
            Op::Tlbwr => {
                self.tlb_write(Cp0::random(self.cycle) as usize, self.tlb_entry());
            }
            Op::Tlbp => match self.tlb.find(self.cp0.entry_hi) {
                Found::One(i) => self.cp0.index = (i as u32) << 8,
                Found::None => self.cp0.index |= 0x8000_0000,
                Found::Several(a, b) => self.shut_down(self.cp0.entry_hi, a, b),
            },
            Op::Rfe => {
                self.cp0.rfe();
                self.status_changed();
            }
            _ => self.raise(Exception::Ri),
        }
    }

    fn tlb_index(&self) -> usize {
        (self.cp0.index >> 8 & 63) as usize
    }

    fn tlb_entry(&self) -> Entry {
        Entry { hi: self.cp0.entry_hi, lo: self.cp0.entry_lo }
    }

    fn address_space_changed(&mut self) {
        let before = self.mode;
        self.mode_changed();
        if self.mode != before {
            self.forget_micro_tlb();
        }
    }

    fn mtc0(&mut self, n: usize, value: u32) {
        self.cp0.write(n, value);
        match n {
            reg::ENTRY_HI => self.address_space_changed(),
            reg::STATUS | reg::CAUSE => self.status_changed(),
            _ => {}
        }
    }

    /// Coprocessors 1 to 3 are absent. An unusable one takes the exception; one that Status says is
    /// usable reads as zero (so that FCR0 says there is no FPU), its conditions are false, and its
    /// operations do nothing.
    pub(super) fn cop(&mut self, word: u32) {
        if !self.usable(word >> 26 & 3) {
            return;
        }
        match isa::rs(word) {
            0 | 2 => self.delayed(isa::rt(word), 0),
            8 => self.branch(word, isa::rt(word) & 1 == 0),
            _ => {}
        }
    }

    /// `lwc1` to `lwc3`, `swc1` to `swc3` at address `va`: a load is dropped, a store stores zero.
    pub(super) fn cop_memory(&mut self, op: Op, word: u32, va: u32) {
        if !self.usable(word >> 26 & 3) {
            return;
        }
        if op == Op::LwcZ {
            self.load(va, crate::bus::Width::Word);
        } else {
            self.store(va, 0, crate::bus::Width::Word);
        }
    }
}
