//! From a word to an instruction: which it is, which registers it reads, which it delivers late, and
//! where it goes.

use crate::registers::RegisterSet;
use crate::table::{Isa, LATER, MIPS1, Row, Shape, UNKNOWN};

/// What an instruction does, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that a rule looks at.
    Plain,
    /// Delivers a register one instruction late: loads, moves from or to a coprocessor.
    Load,
    /// `lwl` or `lwr`, which merge with each other in flight.
    LoadPartial,
    /// Writes memory.
    Store,
    /// Conditional branch, target known.
    Branch,
    /// Conditional branch that links (`bal` is one), target known.
    BranchCall,
    /// Unconditional jump, target known.
    Jump,
    /// Call, target known.
    Call,
    /// Jump through a register.
    JumpRegister,
    /// Call through a register.
    CallRegister,
    /// Reads HI or LO.
    ReadHiLo,
    /// Writes HI or LO.
    WriteHiLo,
    /// System call.
    Syscall,
    /// Leaves without a delay slot (`eret`).
    ExceptionReturn,
}

impl Kind {
    /// Whether the next word is this instruction's delay slot.
    pub fn has_delay_slot(self) -> bool {
        matches!(
            self,
            Self::Branch
                | Self::BranchCall
                | Self::Jump
                | Self::Call
                | Self::JumpRegister
                | Self::CallRegister
        )
    }

    /// Whether the instruction changes the flow of control.
    pub fn is_transfer(self) -> bool {
        self.has_delay_slot() || self == Self::ExceptionReturn
    }
}

/// Whether a branch can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `b`: compares a register with itself, or `$zero` with zero.
    Always,
    /// Compares so that it never holds.
    Never,
    /// Depends.
    Sometimes,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    word: u32,
    row: &'static Row,
}

impl Instruction {
    /// Decodes any word; one that no table knows becomes `.word`.
    pub fn decode(word: u32) -> Self {
        let row = MIPS1.iter().chain(LATER).find(|row| word & row.mask == row.value).unwrap_or(&UNKNOWN);
        Self { word, row }
    }

    /// The instruction word.
    pub fn word(&self) -> u32 {
        self.word
    }

    /// The mnemonic; `.word` for what no table knows.
    pub fn mnemonic(&self) -> &'static str {
        self.row.name
    }

    /// The instruction set it belongs to.
    pub fn isa(&self) -> Isa {
        self.row.isa
    }

    /// Whether an R3000 executes it.
    pub fn is_mips1(&self) -> bool {
        self.row.isa == Isa::Mips1
    }

    pub(crate) fn shape(&self) -> Shape {
        self.row.shape
    }

    pub(crate) fn rs(&self) -> u32 {
        self.word >> 21 & 31
    }

    pub(crate) fn rt(&self) -> u32 {
        self.word >> 16 & 31
    }

    pub(crate) fn rd(&self) -> u32 {
        self.word >> 11 & 31
    }

    pub(crate) fn sa(&self) -> u32 {
        self.word >> 6 & 31
    }

    /// The immediate, sign-extended.
    pub(crate) fn immediate(&self) -> i32 {
        i32::from(self.word as u16 as i16)
    }

    /// Whether the floating-point source format is double.
    fn is_double(&self) -> bool {
        self.rs() == 17
    }

    /// What the instruction does.
    pub fn kind(&self) -> Kind {
        match self.row.shape {
            Shape::Load
            | Shape::LoadFloat
            | Shape::FromCoprocessor
            | Shape::FromFloat
            | Shape::ToFloat
            | Shape::ToFloatControl
            | Shape::FloatCompare => Kind::Load,
            Shape::LoadPartial => Kind::LoadPartial,
            Shape::Store | Shape::StoreFloat => Kind::Store,
            Shape::BranchTwo | Shape::BranchOne | Shape::BranchCoprocessor | Shape::BranchFloat => {
                Kind::Branch
            }
            Shape::BranchLink => Kind::BranchCall,
            Shape::Jump => Kind::Jump,
            Shape::JumpLink => Kind::Call,
            Shape::JumpRegister => Kind::JumpRegister,
            Shape::JumpRegisterLink => Kind::CallRegister,
            Shape::FromHiLo => Kind::ReadHiLo,
            Shape::ToHiLo | Shape::MultiplyDivide => Kind::WriteHiLo,
            Shape::Syscall => Kind::Syscall,
            Shape::ExceptionReturn => Kind::ExceptionReturn,
            _ => Kind::Plain,
        }
    }

    /// The registers that the instruction reads. For `lwl`/`lwr` that includes the register they
    /// merge into.
    pub fn reads(&self) -> RegisterSet {
        let rs = RegisterSet::general(self.rs());
        let rt = RegisterSet::general(self.rt());
        let fs = RegisterSet::float_value(self.rd(), self.is_double());
        let ft = RegisterSet::float_value(self.rt(), self.is_double());
        match self.row.shape {
            Shape::Shift | Shape::ToCoprocessor | Shape::ToFloat | Shape::ToFloatControl => rt,
            Shape::Immediate
            | Shape::ImmediateUnsigned
            | Shape::ToHiLo
            | Shape::BranchOne
            | Shape::BranchLink
            | Shape::JumpRegister
            | Shape::JumpRegisterLink
            | Shape::Load
            | Shape::LoadFloat
            | Shape::MemoryCoprocessor => rs,
            Shape::ShiftVariable
            | Shape::ThreeRegisters
            | Shape::MultiplyDivide
            | Shape::BranchTwo
            | Shape::LoadPartial
            | Shape::Store => rs | rt,
            Shape::StoreFloat => rs | RegisterSet::float(self.rt()),
            Shape::BranchFloat => RegisterSet::FLOAT_CONDITION,
            Shape::FromFloat => RegisterSet::float(self.rd()),
            Shape::FloatTwo => fs,
            Shape::FloatThree | Shape::FloatCompare => fs | ft,
            _ => RegisterSet::EMPTY,
        }
    }

    /// The registers whose new value the next instruction does not see yet.
    pub fn late(&self) -> RegisterSet {
        match self.row.shape {
            Shape::Load | Shape::LoadPartial | Shape::FromCoprocessor | Shape::FromFloat => {
                RegisterSet::general(self.rt())
            }
            Shape::LoadFloat => RegisterSet::float(self.rt()),
            Shape::ToFloat => RegisterSet::float(self.rd()),
            Shape::ToFloatControl | Shape::FloatCompare => RegisterSet::FLOAT_CONDITION,
            _ => RegisterSet::EMPTY,
        }
    }

    /// Those of this instruction's late registers that `next` would read too early. `lwl` and `lwr`
    /// on one register are a pair: the hardware merges the value in flight.
    pub fn too_late_for(&self, next: &Instruction) -> RegisterSet {
        let is_pair =
            self.kind() == Kind::LoadPartial && next.kind() == Kind::LoadPartial && self.rt() == next.rt();
        let reads = if is_pair { RegisterSet::general(next.rs()) } else { next.reads() };
        self.late() & reads
    }

    /// Where a branch, jump or call at `address` goes, when the word says it.
    pub fn target(&self, address: u32) -> Option<u32> {
        let slot = address.wrapping_add(4);
        match self.kind() {
            Kind::Branch | Kind::BranchCall => Some(slot.wrapping_add_signed(self.immediate() << 2)),
            Kind::Jump | Kind::Call => Some(slot & 0xf000_0000 | (self.word & 0x03ff_ffff) << 2),
            _ => None,
        }
    }

    /// Whether a branch can be taken; `Always` for everything that is not a conditional branch.
    pub fn condition(&self) -> Condition {
        let same = match self.row.shape {
            Shape::BranchTwo => self.rs() == self.rt(),
            Shape::BranchOne | Shape::BranchLink => self.rs() == 0,
            Shape::BranchCoprocessor | Shape::BranchFloat => false,
            _ => return Condition::Always,
        };
        // On equal operands, or on zero, it is the relation that decides.
        match self.row.name.trim_end_matches('l') {
            _ if !same => Condition::Sometimes,
            "beq" | "blez" | "bgez" | "bgeza" => Condition::Always,
            _ => Condition::Never,
        }
    }
}
