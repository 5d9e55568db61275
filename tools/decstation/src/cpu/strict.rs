//! Strict mode: code that an R3000 executes in a way its author can hardly mean.
//!
//! - a load's result used by the next instruction, which still sees the old value;
//! - a branch in a branch's delay slot;
//! - a system coprocessor hazard: a result used before the pipeline has it ([`hazards`]).
//!
//! (Broken HI/LO windows are found where interrupts are taken.)

use super::hazards::{self, Done, LONGEST, Next};
use crate::cp0::reg;
use crate::isa::{self, Op};

/// What strict mode remembers: the last instructions, the latest first.
#[derive(Clone, Debug, Default)]
pub struct Strict {
    recent: [Done; LONGEST],
}

/// The processor as the next instruction finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// The register that a load will set after this instruction, or 0.
    pub loading: usize,
    /// The instruction is in a branch's delay slot.
    pub delay_slot: bool,
    /// The values of its registers `rs` and `rt`.
    pub operands: (u32, u32),
    /// Status.
    pub status: u32,
}

impl Strict {
    /// After an exception nothing is in the pipeline.
    pub(super) fn pipeline_flushed(&mut self) {
        *self = Strict::default();
    }

    /// Looks at the next instruction; a report if it breaks a rule.
    pub(super) fn check(&mut self, pc: u32, word: u32, state: State) -> Option<String> {
        let found = self.violation(pc, word, state);
        self.recent.rotate_right(1);
        let to_status = isa::decode(word) == Op::Mtc0 && isa::rd(word) == reg::STATUS;
        self.recent[0] = Done { word, status: if to_status { state.operands.1 ^ state.status } else { 0 } };
        found.map(|what| format!("strict: {pc:08x}: {}: {what}", crate::disasm::disassemble(pc, word)))
    }

    fn violation(&self, pc: u32, word: u32, state: State) -> Option<String> {
        if isa::reads(word) & (1 << state.loading) & !1 != 0 {
            let name = crate::disasm::REGS[state.loading & 31];
            return Some(format!("uses ${name}, which the load just before has not set yet"));
        }
        if state.delay_slot && isa::is_branch(word) {
            return Some("a branch in a branch's delay slot".to_owned());
        }
        let next = Next {
            word,
            mapped: hazards::mapped(pc),
            cached: !(0xa000_0000..0xc000_0000).contains(&pc),
            address: state.operands.0.wrapping_add(isa::simm(word)),
        };
        hazards::find(&self.recent, next).map(|hazard| format!("coprocessor 0 hazard: {}", hazard.report))
    }
}
