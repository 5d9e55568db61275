//! A tiny MIPS-I encoder: one function for each instruction, for tests and generated programs.
//!
//! Operands come in the assembler's order (`addu(rd, rs, rt)`, `lw(rt, offset, base)`). Branch
//! offsets count instructions from the delay slot, as the encoding does.

#![allow(missing_docs)] // the functions are the mnemonics

/// Register numbers by their o32 names.
pub mod r {
    #![allow(missing_docs)]
    pub const ZERO: u32 = 0;
    pub const AT: u32 = 1;
    pub const V0: u32 = 2;
    pub const V1: u32 = 3;
    pub const A0: u32 = 4;
    pub const A1: u32 = 5;
    pub const A2: u32 = 6;
    pub const A3: u32 = 7;
    pub const T0: u32 = 8;
    pub const T1: u32 = 9;
    pub const T2: u32 = 10;
    pub const T3: u32 = 11;
    pub const T4: u32 = 12;
    pub const T5: u32 = 13;
    pub const S0: u32 = 16;
    pub const S1: u32 = 17;
    pub const K0: u32 = 26;
    pub const K1: u32 = 27;
    pub const SP: u32 = 29;
    pub const RA: u32 = 31;
}

/// The word of an R-type instruction.
#[must_use]
pub const fn r_type(rs: u32, rt: u32, rd: u32, shamt: u32, funct: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | shamt << 6 | funct
}

/// The word of an I-type instruction.
#[must_use]
pub const fn i_type(op: u32, rs: u32, rt: u32, imm: i32) -> u32 {
    op << 26 | rs << 21 | rt << 16 | imm as u32 & 0xffff
}

pub const NOP: u32 = 0;
pub const SYSCALL: u32 = 0x0c;
pub const BREAK: u32 = 0x0d;
pub const TLBR: u32 = 0x4200_0001;
pub const TLBWI: u32 = 0x4200_0002;
pub const TLBWR: u32 = 0x4200_0006;
pub const TLBP: u32 = 0x4200_0008;
pub const RFE: u32 = 0x4200_0010;

macro_rules! three {
    ($($name:ident $funct:literal),*) => {$(
        #[must_use] pub const fn $name(rd: u32, rs: u32, rt: u32) -> u32 {
            r_type(rs, rt, rd, 0, $funct)
        }
    )*};
}
three!(add 0x20, addu 0x21, sub 0x22, subu 0x23, and 0x24, or 0x25, xor 0x26, nor 0x27, slt 0x2a, sltu 0x2b);

macro_rules! shifts {
    ($($name:ident $funct:literal $var:ident $vfunct:literal),*) => {$(
        #[must_use] pub const fn $name(rd: u32, rt: u32, shamt: u32) -> u32 {
            r_type(0, rt, rd, shamt, $funct)
        }
        #[must_use] pub const fn $var(rd: u32, rt: u32, rs: u32) -> u32 {
            r_type(rs, rt, rd, 0, $vfunct)
        }
    )*};
}
shifts!(sll 0 sllv 4, srl 2 srlv 6, sra 3 srav 7);

macro_rules! products {
    ($($name:ident $funct:literal),*) => {$(
        #[must_use] pub const fn $name(rs: u32, rt: u32) -> u32 { r_type(rs, rt, 0, 0, $funct) }
    )*};
}
products!(mult 0x18, multu 0x19, div 0x1a, divu 0x1b);

macro_rules! immediates {
    ($($name:ident $op:literal),*) => {$(
        #[must_use] pub const fn $name(rt: u32, rs: u32, imm: i32) -> u32 {
            i_type($op, rs, rt, imm)
        }
    )*};
}
immediates!(addi 8, addiu 9, slti 10, sltiu 11, andi 12, ori 13, xori 14);

macro_rules! memory {
    ($($name:ident $op:literal),*) => {$(
        #[must_use] pub const fn $name(rt: u32, offset: i32, base: u32) -> u32 {
            i_type($op, base, rt, offset)
        }
    )*};
}
memory!(lb 0x20, lh 0x21, lwl 0x22, lw 0x23, lbu 0x24, lhu 0x25, lwr 0x26,
        sb 0x28, sh 0x29, swl 0x2a, sw 0x2b, swr 0x2e, lwc1 0x31, swc1 0x39);

macro_rules! branches {
    ($($name:ident $op:literal $rt:literal),*) => {$(
        #[must_use] pub const fn $name(rs: u32, offset: i32) -> u32 {
            i_type($op, rs, $rt, offset)
        }
    )*};
}
branches!(bltz 1 0, bgez 1 1, bltzal 1 16, bgezal 1 17, blez 6 0, bgtz 7 0);

#[must_use]
pub const fn lui(rt: u32, imm: u32) -> u32 {
    i_type(15, 0, rt, imm as i32)
}
#[must_use]
pub const fn beq(rs: u32, rt: u32, offset: i32) -> u32 {
    i_type(4, rs, rt, offset)
}
#[must_use]
pub const fn bne(rs: u32, rt: u32, offset: i32) -> u32 {
    i_type(5, rs, rt, offset)
}
#[must_use]
pub const fn j(target: u32) -> u32 {
    2 << 26 | target >> 2 & 0x03ff_ffff
}
#[must_use]
pub const fn jal(target: u32) -> u32 {
    3 << 26 | target >> 2 & 0x03ff_ffff
}
#[must_use]
pub const fn jr(rs: u32) -> u32 {
    r_type(rs, 0, 0, 0, 8)
}
#[must_use]
pub const fn jalr(rd: u32, rs: u32) -> u32 {
    r_type(rs, 0, rd, 0, 9)
}
#[must_use]
pub const fn mfhi(rd: u32) -> u32 {
    r_type(0, 0, rd, 0, 0x10)
}
#[must_use]
pub const fn mthi(rs: u32) -> u32 {
    r_type(rs, 0, 0, 0, 0x11)
}
#[must_use]
pub const fn mflo(rd: u32) -> u32 {
    r_type(0, 0, rd, 0, 0x12)
}
#[must_use]
pub const fn mtlo(rs: u32) -> u32 {
    r_type(rs, 0, 0, 0, 0x13)
}
#[must_use]
pub const fn mfc0(rt: u32, reg: usize) -> u32 {
    0x4000_0000 | rt << 16 | (reg as u32) << 11
}
#[must_use]
pub const fn mtc0(rt: u32, reg: usize) -> u32 {
    0x4080_0000 | rt << 16 | (reg as u32) << 11
}
#[must_use]
pub const fn cfc1(rt: u32, reg: u32) -> u32 {
    0x4440_0000 | rt << 16 | reg << 11
}
#[must_use]
pub const fn bc0f(offset: i32) -> u32 {
    0x4100_0000 | offset as u32 & 0xffff
}
#[must_use]
pub const fn bc0t(offset: i32) -> u32 {
    0x4101_0000 | offset as u32 & 0xffff
}

/// The two instructions that load a 32-bit constant.
#[must_use]
pub const fn li(rt: u32, value: u32) -> [u32; 2] {
    [lui(rt, value >> 16), ori(rt, rt, (value & 0xffff) as i32)]
}

/// A static executable for 32-bit little-endian MIPS: `words` at virtual address `va`, where it
/// starts.
#[must_use]
pub fn executable(va: u32, words: &[u32]) -> Vec<u8> {
    const HEADERS: u32 = 52 + 32;
    let bytes = 4 * words.len() as u32;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // Executable, MIPS; version, entry, program headers, no sections, flags: o32, MIPS-I.
    file.extend([2u16, 8].into_iter().flat_map(u16::to_le_bytes));
    file.extend([1, va, 52, 0, 0x0000_1001].into_iter().flat_map(u32::to_le_bytes));
    file.extend([52u16, 32, 1, 40, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    // Load: offset, virtual and physical address, sizes, all rights, alignment.
    let load = [1, HEADERS, va, va, bytes, bytes, 7, 4];
    file.extend(load.into_iter().flat_map(u32::to_le_bytes));
    file.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    file
}
