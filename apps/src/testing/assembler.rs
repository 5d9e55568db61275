//! Instructions of MIPS-I as words, for tests that write their own code.

/// Register numbers by name, as far as tests name them.
pub mod reg {
    #![allow(missing_docs, reason = "the names of the registers")]
    pub const ZERO: u32 = 0;
    pub const V0: u32 = 2;
    pub const V1: u32 = 3;
    pub const T0: u32 = 8;
    pub const T1: u32 = 9;
    pub const T2: u32 = 10;
    pub const T3: u32 = 11;
    pub const T4: u32 = 12;
    pub const K0: u32 = 26;
    pub const K1: u32 = 27;
    pub const SP: u32 = 29;
    pub const RA: u32 = 31;
}

/// Does nothing.
pub const NOP: u32 = 0;
/// A system call.
pub const SYSCALL: u32 = 0xc;
/// A breakpoint.
pub const BREAK: u32 = 0xd;

const fn immediate(opcode: u32, rs: u32, rt: u32, value: u32) -> u32 {
    opcode << 26 | rs << 21 | rt << 16 | value & 0xffff
}

const fn three(function: u32, rd: u32, rs: u32, rt: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | function
}

/// A load or store with this opcode of `rt` at `offset` from `base`.
#[must_use]
pub const fn access(opcode: u32, rt: u32, offset: u32, base: u32) -> u32 {
    immediate(opcode, base, rt, offset)
}

/// Opcodes of loads and stores.
pub mod op {
    #![allow(missing_docs, reason = "the names of the instructions")]
    pub const LB: u32 = 0x20;
    pub const LH: u32 = 0x21;
    pub const LWL: u32 = 0x22;
    pub const LW: u32 = 0x23;
    pub const LBU: u32 = 0x24;
    pub const LHU: u32 = 0x25;
    pub const LWR: u32 = 0x26;
    pub const SB: u32 = 0x28;
    pub const SH: u32 = 0x29;
    pub const SWL: u32 = 0x2a;
    pub const SW: u32 = 0x2b;
    pub const SWR: u32 = 0x2e;
    pub const LWC1: u32 = 0x31;
    pub const LWC2: u32 = 0x32;
    pub const SWC1: u32 = 0x39;
}

/// `lw rt, offset(base)`
#[must_use]
pub const fn lw(rt: u32, offset: u32, base: u32) -> u32 {
    access(op::LW, rt, offset, base)
}

/// `sw rt, offset(base)`
#[must_use]
pub const fn sw(rt: u32, offset: u32, base: u32) -> u32 {
    access(op::SW, rt, offset, base)
}

/// `lui rt, value`
#[must_use]
pub const fn lui(rt: u32, value: u32) -> u32 {
    immediate(0xf, 0, rt, value)
}

/// `ori rt, rs, value`
#[must_use]
pub const fn ori(rt: u32, rs: u32, value: u32) -> u32 {
    immediate(0xd, rs, rt, value)
}

/// `addiu rt, rs, value`
#[must_use]
pub const fn addiu(rt: u32, rs: u32, value: i16) -> u32 {
    immediate(9, rs, rt, value.cast_unsigned() as u32)
}

/// `addi rt, rs, value`
#[must_use]
pub const fn addi(rt: u32, rs: u32, value: i16) -> u32 {
    immediate(8, rs, rt, value.cast_unsigned() as u32)
}

/// `add rd, rs, rt`
#[must_use]
pub const fn add(rd: u32, rs: u32, rt: u32) -> u32 {
    three(0x20, rd, rs, rt)
}

/// `sub rd, rs, rt`
#[must_use]
pub const fn sub(rd: u32, rs: u32, rt: u32) -> u32 {
    three(0x22, rd, rs, rt)
}

/// `andi rt, rs, value`
#[must_use]
pub const fn andi(rt: u32, rs: u32, value: u32) -> u32 {
    immediate(0xc, rs, rt, value)
}

/// `srl rd, rt, bits`
#[must_use]
pub const fn srl(rd: u32, rt: u32, bits: u32) -> u32 {
    three(2, rd, 0, rt) | bits << 6
}

/// `addu rd, rs, rt`
#[must_use]
pub const fn addu(rd: u32, rs: u32, rt: u32) -> u32 {
    three(0x21, rd, rs, rt)
}

/// `jr rs`
#[must_use]
pub const fn jr(rs: u32) -> u32 {
    three(8, 0, rs, 0)
}

/// `jalr rd, rs`
#[must_use]
pub const fn jalr(rd: u32, rs: u32) -> u32 {
    three(9, rd, rs, 0)
}

/// `beq rs, rt`, to `words` instructions behind the delay slot's beginning.
#[must_use]
pub const fn beq(rs: u32, rt: u32, words: i16) -> u32 {
    immediate(4, rs, rt, words.cast_unsigned() as u32)
}

/// `bne rs, rt`, to `words` instructions behind the delay slot's beginning.
#[must_use]
pub const fn bne(rs: u32, rt: u32, words: i16) -> u32 {
    immediate(5, rs, rt, words.cast_unsigned() as u32)
}

/// `mfhi rd`
#[must_use]
pub const fn mfhi(rd: u32) -> u32 {
    three(0x10, rd, 0, 0)
}

/// `mflo rd`
#[must_use]
pub const fn mflo(rd: u32) -> u32 {
    three(0x12, rd, 0, 0)
}

/// `mthi rs`
#[must_use]
pub const fn mthi(rs: u32) -> u32 {
    three(0x11, 0, rs, 0)
}

/// `mtlo rs`
#[must_use]
pub const fn mtlo(rs: u32) -> u32 {
    three(0x13, 0, rs, 0)
}

/// A sequence of instructions under construction.
#[derive(Clone, Copy)]
pub struct Code<const N: usize> {
    words: [u32; N],
    length: usize,
}

impl<const N: usize> Code<N> {
    /// No instructions.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [NOP; N], length: 0 }
    }

    /// Adds one.
    pub fn push(&mut self, word: u32) -> &mut Self {
        self.words[self.length] = word;
        self.length += 1;
        self
    }

    /// Adds several.
    pub fn extend(&mut self, words: &[u32]) -> &mut Self {
        for word in words {
            self.push(*word);
        }
        self
    }

    /// Adds `rt = value`, in two instructions.
    pub fn li(&mut self, rt: u32, value: u32) -> &mut Self {
        self.push(lui(rt, value >> 16)).push(ori(rt, rt, value))
    }

    /// Those so far.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.words[..self.length]
    }
}

impl<const N: usize> Default for Code<N> {
    fn default() -> Self {
        Self::new()
    }
}
