//! A disassembler for MIPS-I, for traces and reports.

use crate::isa::{self, Op, rd, rs, rt, shamt, simm, uimm};

/// The general registers' names in the o32 convention, without `$`.
pub const REGS: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "s0",
    "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "fp", "ra",
];

const CP0: [&str; 32] = [
    "Index", "Random", "EntryLo", "$3", "Context", "$5", "$6", "$7", "BadVAddr", "$9", "EntryHi", "$11",
    "Status", "Cause", "EPC", "PRId", "$16", "$17", "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$25",
    "$26", "$27", "$28", "$29", "$30", "$31",
];

/// The instruction `w` at `pc`, for instance `addiu $sp,$sp,-32`.
#[must_use]
pub fn disassemble(pc: u32, w: u32) -> String {
    let op = isa::decode(w);
    let name = format!("{op:?}").to_lowercase();
    let r = |n: usize| REGS[n];
    let slot = pc.wrapping_add(4);
    let imm = simm(w) as i32;
    match op {
        Op::Nop | Op::Syscall | Op::Break | Op::Tlbr | Op::Tlbwi | Op::Tlbwr | Op::Tlbp => name,
        Op::Rfe => name,
        Op::Sll | Op::Srl | Op::Sra => {
            format!("{name} ${},${},{}", r(rd(w)), r(rt(w)), shamt(w))
        }
        Op::Sllv | Op::Srlv | Op::Srav => {
            format!("{name} ${},${},${}", r(rd(w)), r(rt(w)), r(rs(w)))
        }
        Op::Jr | Op::Mthi | Op::Mtlo => format!("{name} ${}", r(rs(w))),
        Op::Jalr => format!("{name} ${},${}", r(rd(w)), r(rs(w))),
        Op::Mfhi | Op::Mflo => format!("{name} ${}", r(rd(w))),
        Op::Mult | Op::Multu | Op::Div | Op::Divu => {
            format!("{name} ${},${}", r(rs(w)), r(rt(w)))
        }
        Op::Add
        | Op::Addu
        | Op::Sub
        | Op::Subu
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Nor
        | Op::Slt
        | Op::Sltu => {
            format!("{name} ${},${},${}", r(rd(w)), r(rs(w)), r(rt(w)))
        }
        Op::Bltz | Op::Bgez | Op::Bltzal | Op::Bgezal | Op::Blez | Op::Bgtz => {
            format!("{name} ${},{:08x}", r(rs(w)), isa::branch_target(slot, w))
        }
        Op::Beq | Op::Bne => {
            format!("{name} ${},${},{:08x}", r(rs(w)), r(rt(w)), isa::branch_target(slot, w))
        }
        Op::Bc0f | Op::Bc0t => format!("{name} {:08x}", isa::branch_target(slot, w)),
        Op::J | Op::Jal => format!("{name} {:08x}", isa::jump_target(slot, w)),
        Op::Addi | Op::Addiu | Op::Slti | Op::Sltiu => {
            format!("{name} ${},${},{imm}", r(rt(w)), r(rs(w)))
        }
        Op::Andi | Op::Ori | Op::Xori => {
            format!("{name} ${},${},{:#x}", r(rt(w)), r(rs(w)), uimm(w))
        }
        Op::Lui => format!("{name} ${},{:#x}", r(rt(w)), uimm(w)),
        Op::Lb
        | Op::Lh
        | Op::Lwl
        | Op::Lw
        | Op::Lbu
        | Op::Lhu
        | Op::Lwr
        | Op::Sb
        | Op::Sh
        | Op::Swl
        | Op::Sw
        | Op::Swr => {
            format!("{name} ${},{imm}(${})", r(rt(w)), r(rs(w)))
        }
        Op::Mfc0 | Op::Mtc0 => format!("{name} ${},{}", r(rt(w)), CP0[rd(w)]),
        Op::LwcZ | Op::SwcZ => format!(
            "{}c{} ${},{imm}(${})",
            if op == Op::LwcZ { "lw" } else { "sw" },
            w >> 26 & 3,
            rt(w),
            r(rs(w))
        ),
        Op::Cop => format!("cop{} {:#x}", w >> 26 & 3, w & 0x01ff_ffff),
        Op::Cop0Other | Op::Reserved => format!(".word {w:#010x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::disassemble;

    #[test]
    fn a_few() {
        assert_eq!(disassemble(0, 0x27bd_ffe0), "addiu $sp,$sp,-32");
        assert_eq!(disassemble(0x8000_0000, 0x4200_0010), "rfe");
        assert_eq!(disassemble(0x8000_0000, 0x401a_7000), "mfc0 $k0,EPC");
        assert_eq!(disassemble(0x8000_0000, 0x1000_ffff), "beq $zero,$zero,80000000");
        assert_eq!(disassemble(0, 0x8fbf_0010), "lw $ra,16($sp)");
    }
}
