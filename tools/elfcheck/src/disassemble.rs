//! Prints an instruction the way an assembler would take it, for messages.

use std::fmt;

use crate::decode::Instruction;
use crate::registers::general_name;
use crate::table::Shape;

impl Instruction {
    /// The instruction as text; branch targets are absolute, hence the address.
    pub fn disassemble(&self, address: u32) -> Disassembly<'_> {
        Disassembly { instruction: self, address }
    }
}

/// Prints an instruction; see [`Instruction::disassemble`].
pub struct Disassembly<'a> {
    instruction: &'a Instruction,
    address: u32,
}

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instruction = self.instruction;
        let word = instruction.word();
        let name = instruction.mnemonic();
        let (rs, rt, rd) =
            (general_name(instruction.rs()), general_name(instruction.rt()), general_name(instruction.rd()));
        let (ft, fs, fd) = (instruction.rt(), instruction.rd(), instruction.sa());
        let immediate = instruction.immediate();
        let target = instruction.target(self.address).unwrap_or_default();
        if word == 0 {
            return f.write_str("nop");
        }
        if name == ".word" {
            return write!(f, ".word {word:#010x}");
        }
        if !instruction.is_mips1() {
            return write!(f, "{name} (.word {word:#010x})");
        }
        match instruction.shape() {
            Shape::Plain | Shape::Syscall | Shape::ExceptionReturn => f.write_str(name),
            Shape::Shift => write!(f, "{name} {rd}, {rt}, {}", instruction.sa()),
            Shape::ShiftVariable => write!(f, "{name} {rd}, {rt}, {rs}"),
            Shape::ThreeRegisters => write!(f, "{name} {rd}, {rs}, {rt}"),
            Shape::Immediate => write!(f, "{name} {rt}, {rs}, {immediate}"),
            Shape::ImmediateUnsigned => write!(f, "{name} {rt}, {rs}, {:#x}", word & 0xffff),
            Shape::LoadUpper => write!(f, "{name} {rt}, {:#x}", word & 0xffff),
            Shape::FromHiLo => write!(f, "{name} {rd}"),
            Shape::ToHiLo | Shape::JumpRegister => write!(f, "{name} {rs}"),
            Shape::MultiplyDivide => write!(f, "{name} {rs}, {rt}"),
            Shape::BranchTwo => write!(f, "{name} {rs}, {rt}, {target:#010x}"),
            Shape::BranchOne | Shape::BranchLink => write!(f, "{name} {rs}, {target:#010x}"),
            Shape::BranchCoprocessor | Shape::BranchFloat | Shape::Jump | Shape::JumpLink => {
                write!(f, "{name} {target:#010x}")
            }
            Shape::JumpRegisterLink => write!(f, "{name} {rd}, {rs}"),
            Shape::Load | Shape::LoadPartial | Shape::Store => {
                write!(f, "{name} {rt}, {immediate}({rs})")
            }
            Shape::LoadFloat | Shape::StoreFloat => write!(f, "{name} $f{ft}, {immediate}({rs})"),
            Shape::MemoryCoprocessor => write!(f, "{name} ${ft}, {immediate}({rs})"),
            Shape::FromCoprocessor | Shape::ToCoprocessor | Shape::ToFloatControl => {
                write!(f, "{name} {rt}, ${fs}")
            }
            Shape::FromFloat | Shape::ToFloat => write!(f, "{name} {rt}, $f{fs}"),
            Shape::FloatThree => write!(f, "{name} $f{fd}, $f{fs}, $f{ft}"),
            Shape::FloatTwo => write!(f, "{name} $f{fd}, $f{fs}"),
            Shape::FloatCompare => write!(f, "{name} $f{fs}, $f{ft}"),
        }
    }
}
