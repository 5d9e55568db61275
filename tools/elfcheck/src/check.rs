//! The rules.
//!
//! Each instruction is looked at together with those that can be executed right behind it. That is
//! the next word, except in a delay slot, where it is the branch's target, the word behind the slot,
//! or both.

use std::collections::HashSet;

use crate::allow::{AllowList, Glob, any_fits};
use crate::code::{Code, Place};
use crate::decode::{Condition, Instruction, Kind};
use crate::report::{Report, Violation, ViolationKind};

/// What to accept and what to ask for beyond the fixed rules.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Instructions beyond MIPS-I, and load delays that do not matter, by place.
    pub allow: AllowList,
    /// Where hand assembly is: globs of symbols, or of sections when they begin with a dot.
    pub hand_assembly: Vec<Glob>,
    /// Functions that inline assembly calls: the compiler cannot be told there that HI and LO are lost.
    pub hidden_calls: Vec<Glob>,
    /// Refuse `syscall`.
    pub no_syscall: bool,
}

/// Checks all code of a program.
pub fn check(code: &Code, options: &Options) -> Report {
    let mut checker = Checker { code, options, targets: branch_targets(code), report: Report::default() };
    for section in code.sections() {
        for (address, instruction) in section.iter() {
            checker.instruction(address, instruction);
        }
    }
    checker.report
}

fn branch_targets(code: &Code) -> HashSet<u32> {
    let all = code.sections().iter().flat_map(|section| section.iter());
    all.filter_map(|(address, instruction)| instruction.target(address)).collect()
}

/// How control gets from an instruction to the next executed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// On to the next word.
    Straight,
    /// From a delay slot to the word behind it.
    FallThrough,
    /// From a delay slot to the target.
    Taken,
}

impl Path {
    fn describe(self) -> &'static str {
        match self {
            Self::Straight => "the next instruction",
            Self::FallThrough => "the fall-through instruction",
            Self::Taken => "the branch target's first instruction",
        }
    }
}

/// The instructions that can be executed behind one.
struct Successors {
    known: Vec<(Path, u32)>,
    /// Whether there are others: through a register.
    elsewhere: bool,
}

struct Checker<'a> {
    code: &'a Code,
    options: &'a Options,
    targets: HashSet<u32>,
    report: Report,
}

impl Checker<'_> {
    fn instruction(&mut self, address: u32, instruction: &Instruction) {
        self.report.instructions += 1;
        self.check_isa(address, instruction);
        self.check_syscall(address, instruction);
        self.check_branch_in_slot(address, instruction);
        self.check_late_result(address, instruction);
        self.check_hi_lo(address, instruction);
        self.check_hi_lo_kept(address, instruction);
    }

    fn violation(
        &mut self,
        address: u32,
        instruction: &Instruction,
        kind: ViolationKind,
        explanation: String,
    ) {
        let Place { section, symbol, offset } = self.code.place(address);
        let name = symbol
            .map_or_else(|| section.to_owned(), |symbol| format!("{:#}", rustc_demangle::demangle(symbol)));
        self.report.violations.push(Violation {
            address,
            place: format!("{name}+{offset:#x}"),
            kind,
            disassembly: instruction.disassemble(address).to_string(),
            explanation,
        });
    }

    /// The branch, jump or call whose delay slot an address is.
    fn slot_owner(&self, address: u32) -> Option<(u32, Instruction)> {
        let before = address.checked_sub(4)?;
        let owner = *self.code.at(before)?;
        owner.kind().has_delay_slot().then_some((before, owner))
    }

    fn successors(&self, address: u32, instruction: &Instruction) -> Successors {
        let mut successors = Successors { known: Vec::new(), elsewhere: false };
        if instruction.kind() == Kind::ExceptionReturn {
            return successors;
        }
        let next = address.wrapping_add(4);
        let Some((branch_address, branch)) = self.slot_owner(address) else {
            successors.known.push((Path::Straight, next));
            return successors;
        };
        // A slot that is itself a target can also be executed on its own.
        if self.targets.contains(&address) {
            successors.known.push((Path::Straight, next));
        }
        let condition = branch.condition();
        if condition != Condition::Never {
            match branch.target(branch_address) {
                Some(target) => successors.known.push((Path::Taken, target)),
                None => successors.elsewhere = true,
            }
        }
        if condition != Condition::Always {
            successors.known.push((Path::FallThrough, next));
        }
        successors
    }

    /// Rule a: MIPS-I only.
    fn check_isa(&mut self, address: u32, instruction: &Instruction) {
        if instruction.is_mips1() {
            return;
        }
        let name = instruction.mnemonic();
        if self.options.allow.allows(name, &self.code.place(address)) {
            *self.report.allowed.entry(name).or_default() += 1;
            return;
        }
        let explanation = format!("belongs to {}, an R3000 does not have it", instruction.isa().name());
        self.violation(address, instruction, ViolationKind::NotMips1, explanation);
    }

    /// Rules b and c: nothing reads a late result too early, except where that is allowed, and where
    /// it cannot be known there is no late result.
    fn check_late_result(&mut self, address: u32, instruction: &Instruction) {
        if instruction.late().is_empty() {
            return;
        }
        if let Some((_, owner)) = self.slot_owner(address)
            && matches!(owner.kind(), Kind::Call | Kind::CallRegister | Kind::JumpRegister | Kind::BranchCall)
        {
            let explanation = format!(
                "{} arrives late, and the instruction behind the slot of `{}` is not known",
                instruction.late(),
                owner.disassemble(address - 4)
            );
            self.violation(address, instruction, ViolationKind::LoadInSlot, explanation);
            return;
        }
        for (path, next_address) in self.successors(address, instruction).known {
            let explanation = match self.code.at(next_address) {
                Some(next) => {
                    let early = instruction.too_late_for(next);
                    if early.is_empty() {
                        continue;
                    }
                    format!(
                        "{early} is read too early by {}, {next_address:#010x} `{}`",
                        path.describe(),
                        next.disassemble(next_address)
                    )
                }
                // Behind the last word of the code nothing is executed.
                None if path != Path::Taken => continue,
                None => format!("the branch target {next_address:#010x} is outside the code"),
            };
            let kind = ViolationKind::LoadDelay;
            if self.options.allow.allows_kind(kind, &self.code.place(address)) {
                *self.report.allowed.entry(kind.name()).or_default() += 1;
                continue;
            }
            self.violation(address, instruction, kind, explanation);
        }
    }

    /// Rule d: no transfer of control in a delay slot.
    fn check_branch_in_slot(&mut self, address: u32, instruction: &Instruction) {
        if !instruction.kind().is_transfer() {
            return;
        }
        if let Some((owner_address, owner)) = self.slot_owner(address) {
            let explanation = format!("in the delay slot of `{}`", owner.disassemble(owner_address));
            self.violation(address, instruction, ViolationKind::BranchInSlot, explanation);
        }
    }

    /// Rule e: an exception between a HI/LO read and a write within two instructions restarts the
    /// read after the write. Compiled code has such windows: they are counted. Hand assembly must not.
    fn check_hi_lo(&mut self, address: u32, instruction: &Instruction) {
        if instruction.kind() != Kind::ReadHiLo {
            return;
        }
        let successors = self.successors(address, instruction);
        let writer = successors
            .known
            .iter()
            .flat_map(|&(_, next)| [next, next.wrapping_add(4)])
            .find(|&next| self.code.at(next).is_some_and(|i| i.kind() == Kind::WriteHiLo));
        let explanation = match writer.map(|at| (at, self.code.at(at))) {
            Some((at, Some(writer))) => {
                format!("{at:#010x} `{}` writes HI/LO within two instructions", writer.disassemble(at))
            }
            _ if successors.elsewhere => {
                "in the slot of a jump through a register: what follows is not known".to_owned()
            }
            _ => return,
        };
        self.report.hi_lo_windows += 1;
        if any_fits(&self.options.hand_assembly, &self.code.place(address)) {
            self.violation(address, instruction, ViolationKind::HiLoWindow, explanation);
        }
    }

    /// Rule g: what is read from HI or LO was not put there before a hidden call. The words before are looked at in their order:
    /// a compiler's division has branches between, but it does not move its two ends apart.
    fn check_hi_lo_kept(&mut self, address: u32, instruction: &Instruction) {
        if instruction.kind() != Kind::ReadHiLo {
            return;
        }
        let symbol = self.code.place(address).symbol;
        let mut before = (1..).map_while(|words: u32| {
            let at = address.checked_sub(4 * words)?;
            let instruction = *self.code.at(at)?;
            (self.code.place(at).symbol == symbol).then_some((at, instruction))
        });
        let last = before.find(|(at, instruction)| {
            instruction.kind() == Kind::WriteHiLo || self.is_hidden_call(*at, instruction)
        });
        if let Some((at, call)) = last.filter(|(_, last)| last.kind() != Kind::WriteHiLo) {
            let explanation = format!("{at:#010x} `{}` may have changed it", call.disassemble(at));
            self.violation(address, instruction, ViolationKind::HiLoLost, explanation);
        }
    }

    fn is_hidden_call(&self, address: u32, instruction: &Instruction) -> bool {
        let target = instruction.target(address).filter(|_| instruction.kind() == Kind::Call);
        target.is_some_and(|target| any_fits(&self.options.hidden_calls, &self.code.place(target)))
    }

    /// Rule f: no system call.
    fn check_syscall(&mut self, address: u32, instruction: &Instruction) {
        if self.options.no_syscall && instruction.kind() == Kind::Syscall {
            let explanation = "this program must not hold a system call".to_owned();
            self.violation(address, instruction, ViolationKind::Syscall, explanation);
        }
    }
}
