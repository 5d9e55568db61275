//! The MIPS-I instruction set: one dense operation code per instruction word.
//!
//! Encodings: Kane, *MIPS RISC Architecture* (1988), appendix A. Everything later than MIPS-I
//! decodes to [`Op::Reserved`].

/// A MIPS-I operation. The operands stay in the instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
#[allow(missing_docs)] // the assembler mnemonics
pub enum Op {
    #[default]
    Nop,
    Sll,
    Srl,
    Sra,
    Sllv,
    Srlv,
    Srav,
    Jr,
    Jalr,
    Syscall,
    Break,
    Mfhi,
    Mthi,
    Mflo,
    Mtlo,
    Mult,
    Multu,
    Div,
    Divu,
    Add,
    Addu,
    Sub,
    Subu,
    And,
    Or,
    Xor,
    Nor,
    Slt,
    Sltu,
    Bltz,
    Bgez,
    Bltzal,
    Bgezal,
    J,
    Jal,
    Beq,
    Bne,
    Blez,
    Bgtz,
    Addi,
    Addiu,
    Slti,
    Sltiu,
    Andi,
    Ori,
    Xori,
    Lui,
    Lb,
    Lh,
    Lwl,
    Lw,
    Lbu,
    Lhu,
    Lwr,
    Sb,
    Sh,
    Swl,
    Sw,
    Swr,
    Mfc0,
    Mtc0,
    Bc0f,
    Bc0t,
    Tlbr,
    Tlbwi,
    Tlbwr,
    Tlbp,
    Rfe,
    /// A coprocessor 0 encoding that the R3000 does not define.
    Cop0Other,
    /// Coprocessor 1, 2 or 3: moves, branches, operations.
    Cop,
    /// `lwc1`, `lwc2`, `lwc3`.
    LwcZ,
    /// `swc1`, `swc2`, `swc3`.
    SwcZ,
    /// Not a MIPS-I instruction.
    Reserved,
}

/// The `rs` field.
#[inline]
#[must_use]
pub const fn rs(w: u32) -> usize {
    (w >> 21 & 31) as usize
}
/// The `rt` field.
#[inline]
#[must_use]
pub const fn rt(w: u32) -> usize {
    (w >> 16 & 31) as usize
}
/// The `rd` field.
#[inline]
#[must_use]
pub const fn rd(w: u32) -> usize {
    (w >> 11 & 31) as usize
}
/// The shift amount.
#[inline]
#[must_use]
pub const fn shamt(w: u32) -> u32 {
    w >> 6 & 31
}
/// The immediate, sign-extended.
#[inline]
#[must_use]
pub const fn simm(w: u32) -> u32 {
    w as u16 as i16 as i32 as u32
}
/// The immediate, zero-extended.
#[inline]
#[must_use]
pub const fn uimm(w: u32) -> u32 {
    w & 0xffff
}
/// Target of a branch whose delay slot is at `slot`.
#[inline]
#[must_use]
pub const fn branch_target(slot: u32, w: u32) -> u32 {
    slot.wrapping_add(simm(w) << 2)
}
/// Target of `j` or `jal` whose delay slot is at `slot`.
#[inline]
#[must_use]
pub const fn jump_target(slot: u32, w: u32) -> u32 {
    slot & 0xf000_0000 | (w & 0x03ff_ffff) << 2
}

const fn special(w: u32) -> Op {
    match w & 63 {
        0x00 if w == 0 => Op::Nop,
        0x00 => Op::Sll,
        0x02 => Op::Srl,
        0x03 => Op::Sra,
        0x04 => Op::Sllv,
        0x06 => Op::Srlv,
        0x07 => Op::Srav,
        0x08 => Op::Jr,
        0x09 => Op::Jalr,
        0x0c => Op::Syscall,
        0x0d => Op::Break,
        0x10 => Op::Mfhi,
        0x11 => Op::Mthi,
        0x12 => Op::Mflo,
        0x13 => Op::Mtlo,
        0x18 => Op::Mult,
        0x19 => Op::Multu,
        0x1a => Op::Div,
        0x1b => Op::Divu,
        0x20 => Op::Add,
        0x21 => Op::Addu,
        0x22 => Op::Sub,
        0x23 => Op::Subu,
        0x24 => Op::And,
        0x25 => Op::Or,
        0x26 => Op::Xor,
        0x27 => Op::Nor,
        0x2a => Op::Slt,
        0x2b => Op::Sltu,
        _ => Op::Reserved,
    }
}

const fn regimm(w: u32) -> Op {
    match rt(w) {
        0x00 => Op::Bltz,
        0x01 => Op::Bgez,
        0x10 => Op::Bltzal,
        0x11 => Op::Bgezal,
        _ => Op::Reserved,
    }
}

const fn cop0(w: u32) -> Op {
    match (rs(w), rt(w), w & 63) {
        (0, _, _) => Op::Mfc0,
        (4, _, _) => Op::Mtc0,
        (8, 0, _) => Op::Bc0f,
        (8, 1, _) => Op::Bc0t,
        (16.., _, 1) => Op::Tlbr,
        (16.., _, 2) => Op::Tlbwi,
        (16.., _, 6) => Op::Tlbwr,
        (16.., _, 8) => Op::Tlbp,
        (16.., _, 16) => Op::Rfe,
        _ => Op::Cop0Other,
    }
}

/// Decodes one instruction word.
#[must_use]
pub const fn decode(w: u32) -> Op {
    match w >> 26 {
        0x00 => special(w),
        0x01 => regimm(w),
        0x02 => Op::J,
        0x03 => Op::Jal,
        0x04 => Op::Beq,
        0x05 => Op::Bne,
        0x06 if rt(w) == 0 => Op::Blez,
        0x07 if rt(w) == 0 => Op::Bgtz,
        0x08 => Op::Addi,
        0x09 => Op::Addiu,
        0x0a => Op::Slti,
        0x0b => Op::Sltiu,
        0x0c => Op::Andi,
        0x0d => Op::Ori,
        0x0e => Op::Xori,
        0x0f => Op::Lui,
        0x10 => cop0(w),
        0x11..=0x13 => Op::Cop,
        0x20 => Op::Lb,
        0x21 => Op::Lh,
        0x22 => Op::Lwl,
        0x23 => Op::Lw,
        0x24 => Op::Lbu,
        0x25 => Op::Lhu,
        0x26 => Op::Lwr,
        0x28 => Op::Sb,
        0x29 => Op::Sh,
        0x2a => Op::Swl,
        0x2b => Op::Sw,
        0x2e => Op::Swr,
        0x31..=0x33 => Op::LwcZ,
        0x39..=0x3b => Op::SwcZ,
        _ => Op::Reserved,
    }
}

/// The general registers that an instruction reads, one bit each.
#[must_use]
pub fn reads(w: u32) -> u32 {
    let s = 1u32 << rs(w);
    let t = 1u32 << rt(w);
    let set = match decode(w) {
        Op::Sll | Op::Srl | Op::Sra | Op::Mtc0 => t,
        Op::Sllv | Op::Srlv | Op::Srav => s | t,
        Op::Mult | Op::Multu | Op::Div | Op::Divu => s | t,
        Op::Add | Op::Addu | Op::Sub | Op::Subu | Op::And | Op::Or => s | t,
        Op::Xor | Op::Nor | Op::Slt | Op::Sltu | Op::Beq | Op::Bne => s | t,
        Op::Sb | Op::Sh | Op::Swl | Op::Sw | Op::Swr => s | t,
        Op::Jr | Op::Jalr | Op::Mthi | Op::Mtlo => s,
        Op::Bltz | Op::Bgez | Op::Bltzal | Op::Bgezal | Op::Blez | Op::Bgtz => s,
        Op::Addi | Op::Addiu | Op::Slti | Op::Sltiu => s,
        Op::Andi | Op::Ori | Op::Xori => s,
        Op::Lb | Op::Lh | Op::Lw | Op::Lbu | Op::Lhu => s,
        // The merge with a pending load of the same register is bypassed.
        Op::Lwl | Op::Lwr | Op::LwcZ | Op::SwcZ => s,
        Op::Cop if matches!(rs(w), 4 | 6) => t,
        _ => 0,
    };
    set & !1
}

/// Whether the next instruction is in this one's delay slot.
#[must_use]
pub const fn is_branch(w: u32) -> bool {
    match decode(w) {
        Op::J | Op::Jal | Op::Jr | Op::Jalr | Op::Beq | Op::Bne | Op::Blez | Op::Bgtz => true,
        Op::Bltz | Op::Bgez | Op::Bltzal | Op::Bgezal | Op::Bc0f | Op::Bc0t => true,
        Op::Cop => rs(w) == 8,
        _ => false,
    }
}

/// Whether the instruction begins to change HI or LO.
#[must_use]
pub const fn writes_hilo(w: u32) -> bool {
    matches!(decode(w), Op::Mult | Op::Multu | Op::Div | Op::Divu | Op::Mthi | Op::Mtlo)
}

/// Whether the instruction reads HI or LO.
#[must_use]
pub const fn reads_hilo(w: u32) -> bool {
    matches!(decode(w), Op::Mfhi | Op::Mflo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_instructions_are_reserved() {
        for (w, name) in [
            (0x5000_0000, "beql"),
            (0xc000_0000, "ll"),
            (0xe000_0000, "sc"),
            (0x0000_000f, "sync"),
            (0x0000_0034, "teq"),
            (0x0402_0000, "bltzl"),
            (0x0408_0000, "tgei"),
            (0xd400_0000, "ldc1"),
            (0xf400_0000, "sdc1"),
            (0x7000_0002, "mul"),
            (0x0000_000b, "movn"),
            (0x0000_000a, "movz"),
            (0xbc00_0000, "cache"),
            (0xdc00_0000, "ld"),
            (0x7c00_0000, "ext"),
            (0x0000_002d, "daddu"),
            (0x6400_0000, "daddiu"),
        ] {
            assert_eq!(decode(w), Op::Reserved, "{name}");
        }
        assert_eq!(decode(0x4200_0018), Op::Cop0Other, "eret");
        assert_eq!(decode(0x4200_0020), Op::Cop0Other, "wait");
        assert_eq!(decode(0x4200_0010), Op::Rfe);
    }

    #[test]
    fn targets() {
        assert_eq!(branch_target(0x8000_1004, 0x1000_ffff), 0x8000_1000);
        assert_eq!(jump_target(0x8fff_fffc, 0x0800_0001), 0x8000_0004);
        assert_eq!(jump_target(0x9000_0000, 0x0800_0001), 0x9000_0004);
    }
}
