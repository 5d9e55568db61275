//! Execution of one instruction. Kane, *MIPS RISC Architecture*, appendix A.

use super::Cpu;
use crate::bus::{Board, Width};
use crate::counters::Stall;
use crate::cp0::Exception;
use crate::isa::{self, Op, rd, rs, rt, shamt, simm, uimm};

impl<B: Board> Cpu<B> {
    #[inline(always)]
    fn set(&mut self, reg: usize, value: u32) {
        self.regs[reg] = value;
        self.regs[0] = 0;
    }

    /// Sets `reg` after the next instruction has read its operands.
    #[inline(always)]
    pub(super) fn delayed(&mut self, reg: usize, value: u32) {
        self.load_reg = reg;
        self.load_value = if reg == 0 { 0 } else { value };
    }

    #[inline(always)]
    pub(super) fn branch(&mut self, word: u32, taken: bool) {
        self.delay_next = true;
        if taken {
            self.npc = isa::branch_target(self.pc, word);
        }
    }

    #[inline(always)]
    fn set_load(&mut self, word: u32, value: Option<u32>, extend: impl Fn(u32) -> u32) {
        if let Some(v) = value {
            self.delayed(rt(word), extend(v));
        }
    }

    /// Waits until the multiply and divide unit is free.
    #[inline(always)]
    fn interlock(&mut self) {
        if self.cycle < self.hilo_ready {
            let wait = self.hilo_ready - self.cycle;
            self.stall(Stall::MultDiv, wait);
        }
    }

    #[inline(always)]
    fn start_mult(&mut self, product: u64) {
        self.interlock();
        self.hilo_ready = self.cycle + self.costs.mult;
        self.hi = (product >> 32) as u32;
        self.lo = product as u32;
    }

    /// Division by zero gives the all-ones or one that the restoring divider leaves, and the
    /// dividend as remainder; the most negative number by -1 gives itself and zero.
    fn start_div(&mut self, quotient: u32, remainder: u32) {
        self.interlock();
        self.hilo_ready = self.cycle + self.costs.div;
        self.lo = quotient;
        self.hi = remainder;
    }

    fn div(&mut self, s: u32, t: u32) {
        let (n, d) = (s as i32, t as i32);
        if d == 0 {
            self.start_div(if n < 0 { 1 } else { u32::MAX }, s);
        } else {
            self.start_div(n.wrapping_div(d) as u32, n.wrapping_rem(d) as u32);
        }
    }

    fn divu(&mut self, s: u32, t: u32) {
        self.start_div(s.checked_div(t).unwrap_or(u32::MAX), s.checked_rem(t).unwrap_or(s));
    }

    #[inline(always)]
    fn set_checked(&mut self, reg: usize, sum: Option<i32>) {
        match sum {
            Some(v) => self.set(reg, v as u32),
            None => self.raise(Exception::Ov),
        }
    }

    /// `lwl`: the bytes from the word's first up to `va` become the register's high bytes. A load
    /// of the same register just before is merged with (bypassed), not missed.
    fn lwl(&mut self, word: u32, va: u32) {
        let old = self.regs[rt(word)];
        let Some(memory) = self.load_word_around(va) else {
            return;
        };
        let shift = 24 - (va & 3) * 8;
        let kept = (1u32 << shift) - 1;
        self.delayed(rt(word), old & kept | memory << shift);
    }

    /// `lwr`: the bytes from `va` to the word's last become the register's low bytes.
    fn lwr(&mut self, word: u32, va: u32) {
        let old = self.regs[rt(word)];
        let Some(memory) = self.load_word_around(va) else {
            return;
        };
        let shift = (va & 3) * 8;
        let kept = !(u32::MAX >> shift);
        self.delayed(rt(word), old & kept | memory >> shift);
    }

    /// The aligned word around `va`; an exception names `va` itself.
    fn load_word_around(&mut self, va: u32) -> Option<u32> {
        let word = self.load(va & !3, Width::Word);
        if word.is_none() {
            self.cp0.refine_bad_address(va);
        }
        word
    }

    fn swl(&mut self, va: u32, t: u32) {
        let shift = 24 - (va & 3) * 8;
        self.store_bytes(va, t >> shift, u32::MAX >> shift);
    }

    fn swr(&mut self, va: u32, t: u32) {
        let shift = (va & 3) * 8;
        self.store_bytes(va, t << shift, u32::MAX << shift);
    }

    /// Fetches and executes one instruction.
    #[inline(always)]
    pub(super) fn step<const WATCHED: bool>(&mut self) {
        let pc = self.pc;
        let mut fetched = None;
        if pc & 0xffff_f003 == self.fetch_page {
            let paddr = self.fetch_base | pc & 0xffc;
            let line = self.icache.line(paddr);
            if line.tag == paddr | self.fetch_flag {
                fetched = Some((line.word, line.op));
            }
        }
        let (w, op) = match fetched {
            Some(f) => f,
            None => match self.fetch_slow() {
                Some(f) => f,
                None => return,
            },
        };
        if WATCHED {
            self.before(pc, w);
        }
        let s = self.regs[rs(w)];
        let t = self.regs[rt(w)];
        self.commit_load();
        self.cur_pc = pc;
        self.cur_delay = self.delay_next;
        self.delay_next = false;
        self.pc = self.npc;
        self.npc = self.npc.wrapping_add(4);
        self.cycle += 1;
        match op {
            Op::Nop => self.nops += 1,
            Op::Sll => self.set(rd(w), t << shamt(w)),
            Op::Srl => self.set(rd(w), t >> shamt(w)),
            Op::Sra => self.set(rd(w), (t as i32 >> shamt(w)) as u32),
            Op::Sllv => self.set(rd(w), t << (s & 31)),
            Op::Srlv => self.set(rd(w), t >> (s & 31)),
            Op::Srav => self.set(rd(w), (t as i32 >> (s & 31)) as u32),
            Op::Jr => {
                self.delay_next = true;
                self.npc = s;
            }
            Op::Jalr => {
                self.delay_next = true;
                self.set(rd(w), self.npc);
                self.npc = s;
            }
            Op::Syscall => self.raise(Exception::Sys),
            Op::Break => self.raise(Exception::Bp),
            Op::Mfhi => {
                self.interlock();
                self.set(rd(w), self.hi);
            }
            Op::Mflo => {
                self.interlock();
                self.set(rd(w), self.lo);
            }
            Op::Mthi => {
                self.interlock();
                self.hi = s;
            }
            Op::Mtlo => {
                self.interlock();
                self.lo = s;
            }
            Op::Mult => {
                let product = i64::from(s as i32) * i64::from(t as i32);
                self.start_mult(product as u64);
            }
            Op::Multu => self.start_mult(u64::from(s) * u64::from(t)),
            Op::Div => self.div(s, t),
            Op::Divu => self.divu(s, t),
            Op::Add => self.set_checked(rd(w), (s as i32).checked_add(t as i32)),
            Op::Addu => self.set(rd(w), s.wrapping_add(t)),
            Op::Sub => self.set_checked(rd(w), (s as i32).checked_sub(t as i32)),
            Op::Subu => self.set(rd(w), s.wrapping_sub(t)),
            Op::And => self.set(rd(w), s & t),
            Op::Or => self.set(rd(w), s | t),
            Op::Xor => self.set(rd(w), s ^ t),
            Op::Nor => self.set(rd(w), !(s | t)),
            Op::Slt => self.set(rd(w), ((s as i32) < t as i32).into()),
            Op::Sltu => self.set(rd(w), (s < t).into()),
            Op::Bltz => self.branch(w, (s as i32) < 0),
            Op::Bgez => self.branch(w, s as i32 >= 0),
            Op::Bltzal => {
                self.set(31, self.npc);
                self.branch(w, (s as i32) < 0);
            }
            Op::Bgezal => {
                self.set(31, self.npc);
                self.branch(w, s as i32 >= 0);
            }
            Op::J => {
                self.delay_next = true;
                self.npc = isa::jump_target(self.pc, w);
            }
            Op::Jal => {
                self.delay_next = true;
                self.set(31, self.npc);
                self.npc = isa::jump_target(self.pc, w);
            }
            Op::Beq => self.branch(w, s == t),
            Op::Bne => self.branch(w, s != t),
            Op::Blez => self.branch(w, s as i32 <= 0),
            Op::Bgtz => self.branch(w, s as i32 > 0),
            Op::Addi => self.set_checked(rt(w), (s as i32).checked_add(simm(w) as i32)),
            Op::Addiu => self.set(rt(w), s.wrapping_add(simm(w))),
            Op::Slti => self.set(rt(w), ((s as i32) < simm(w) as i32).into()),
            Op::Sltiu => self.set(rt(w), (s < simm(w)).into()),
            Op::Andi => self.set(rt(w), s & uimm(w)),
            Op::Ori => self.set(rt(w), s | uimm(w)),
            Op::Xori => self.set(rt(w), s ^ uimm(w)),
            Op::Lui => self.set(rt(w), w << 16),
            Op::Lb => {
                let v = self.load(s.wrapping_add(simm(w)), Width::Byte);
                self.set_load(w, v, |v| v as u8 as i8 as u32);
            }
            Op::Lh => {
                let v = self.load(s.wrapping_add(simm(w)), Width::Half);
                self.set_load(w, v, |v| v as u16 as i16 as u32);
            }
            Op::Lw => {
                let v = self.load(s.wrapping_add(simm(w)), Width::Word);
                self.set_load(w, v, |v| v);
            }
            Op::Lbu => {
                let v = self.load(s.wrapping_add(simm(w)), Width::Byte);
                self.set_load(w, v, |v| v);
            }
            Op::Lhu => {
                let v = self.load(s.wrapping_add(simm(w)), Width::Half);
                self.set_load(w, v, |v| v);
            }
            Op::Lwl => self.lwl(w, s.wrapping_add(simm(w))),
            Op::Lwr => self.lwr(w, s.wrapping_add(simm(w))),
            Op::Sb => {
                self.store(s.wrapping_add(simm(w)), t & 0xff, Width::Byte);
            }
            Op::Sh => {
                self.store(s.wrapping_add(simm(w)), t & 0xffff, Width::Half);
            }
            Op::Sw => {
                self.store(s.wrapping_add(simm(w)), t, Width::Word);
            }
            Op::Swl => self.swl(s.wrapping_add(simm(w)), t),
            Op::Swr => self.swr(s.wrapping_add(simm(w)), t),
            Op::Mfc0
            | Op::Mtc0
            | Op::Bc0f
            | Op::Bc0t
            | Op::Tlbr
            | Op::Tlbwi
            | Op::Tlbwr
            | Op::Tlbp
            | Op::Rfe
            | Op::Cop0Other => self.cop0(op, w, t),
            Op::Cop => self.cop(w),
            Op::LwcZ | Op::SwcZ => self.cop_memory(op, w, s.wrapping_add(simm(w))),
            Op::Reserved => self.raise(Exception::Ri),
        }
    }
}
