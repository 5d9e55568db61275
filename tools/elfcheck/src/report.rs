//! What a check found, and how it prints.

use std::collections::BTreeMap;
use std::fmt;

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// An instruction that an R3000 does not have.
    NotMips1,
    /// A late result read by the next executed instruction.
    LoadDelay,
    /// A late result in the slot of a call or of a jump through a register.
    LoadInSlot,
    /// A branch or jump in a delay slot.
    BranchInSlot,
    /// Hand assembly with a HI/LO write too close behind a read.
    HiLoWindow,
    /// A HI/LO read with a hidden call between it and the write.
    HiLoLost,
    /// A system call where there must be none.
    Syscall,
}

impl ViolationKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotMips1,
        Self::LoadDelay,
        Self::LoadInSlot,
        Self::BranchInSlot,
        Self::HiLoWindow,
        Self::HiLoLost,
        Self::Syscall,
    ];

    /// The kind's name, in reports and in allow files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotMips1 => "not-mips1",
            Self::LoadDelay => "load-delay",
            Self::LoadInSlot => "load-in-slot",
            Self::BranchInSlot => "branch-in-slot",
            Self::HiLoWindow => "hi-lo-window",
            Self::HiLoLost => "hi-lo-lost",
            Self::Syscall => "syscall",
        }
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One broken rule at one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The instruction's virtual address.
    pub address: u32,
    /// `symbol+offset`, demangled.
    pub place: String,
    /// Which rule.
    pub kind: ViolationKind,
    /// The instruction.
    pub disassembly: String,
    /// What is wrong about it.
    pub explanation: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, place, kind, disassembly, explanation } = self;
        write!(f, "{address:#010x} <{place}>: {kind}: {disassembly} – {explanation}")
    }
}

/// The result of checking one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Instructions checked, padding included.
    pub instructions: usize,
    /// HI/LO reads with a write within the next two executed instructions, anywhere.
    pub hi_lo_windows: usize,
    /// What the allow list accepted: instructions beyond MIPS-I by name, and `load-delay`.
    pub allowed: BTreeMap<&'static str, usize>,
    /// Broken rules, by address.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} instructions, {} HI/LO windows", self.instructions, self.hi_lo_windows)?;
        f.write_str(", allowed:")?;
        if self.allowed.is_empty() {
            f.write_str(" none")?;
        }
        for (name, count) in &self.allowed {
            write!(f, " {name} x{count}")?;
        }
        write!(f, ", {} violations", self.violations.len())
    }
}
