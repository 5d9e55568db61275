//! Strict mode: code that an R3000 executes in a way its author can hardly mean.
//!
//! - a load's result used by the next instruction, which still sees the old value;
//! - a branch in a branch's delay slot;
//! - a system coprocessor hazard: a result used before the pipeline has it. The distances are those
//!   of MIPS's software manuals for the R3000: one instruction between `mtc0` or a TLB probe or
//!   read and its use by `mfc0`, a TLB instruction, `rfe` or a coprocessor; one between a change of
//!   the TLB or of EntryHi and a mapped load or store, two before a mapped fetch.
//!
//! (Broken HI/LO windows are found where interrupts are taken.)

use crate::cp0::reg;
use crate::isa::{self, Op};

/// What strict mode remembers: the last two instructions, the later one first.
#[derive(Clone, Debug, Default)]
pub struct Strict {
    recent: [u32; 2],
}

fn moves_to(word: u32, regs: &[usize]) -> bool {
    isa::decode(word) == Op::Mtc0 && regs.contains(&isa::rd(word))
}

fn writes_tlb(word: u32) -> bool {
    matches!(isa::decode(word), Op::Tlbwi | Op::Tlbwr)
}

fn changes_translation(word: u32) -> bool {
    writes_tlb(word) || moves_to(word, &[reg::ENTRY_HI])
}

fn accesses_memory(op: Op) -> bool {
    use Op::{Lb, Lbu, Lh, Lhu, Lw, LwcZ, Lwl, Lwr, Sb, Sh, Sw, SwcZ, Swl, Swr};
    matches!(op, Lb | Lh | Lwl | Lw | Lbu | Lhu | Lwr | Sb | Sh | Swl | Sw | Swr | LwcZ | SwcZ)
}

impl Strict {
    /// After an exception nothing is in the pipeline.
    pub(super) fn pipeline_flushed(&mut self) {
        self.recent = [0; 2];
    }

    /// Looks at the next instruction; a report if it breaks a rule.
    pub(super) fn check(
        &mut self,
        pc: u32,
        word: u32,
        loading: usize,
        delay_slot: bool,
        mapped: bool,
        address: u32,
    ) -> Option<String> {
        let found = self.violation(word, loading, delay_slot, mapped, address);
        self.recent = [word, self.recent[0]];
        found.map(|what| format!("strict: {pc:08x}: {}: {what}", crate::disasm::disassemble(pc, word)))
    }

    fn violation(
        &self,
        word: u32,
        loading: usize,
        delay_slot: bool,
        mapped: bool,
        address: u32,
    ) -> Option<String> {
        if isa::reads(word) & (1 << loading) & !1 != 0 {
            let name = crate::disasm::REGS[loading & 31];
            return Some(format!("uses ${name}, which the load just before has not set yet"));
        }
        if delay_slot && isa::is_branch(word) {
            return Some("a branch in a branch's delay slot".to_owned());
        }
        self.hazard(word, mapped, address).map(|what| format!("coprocessor 0 hazard: {what}"))
    }

    fn hazard(&self, word: u32, mapped: bool, address: u32) -> Option<&'static str> {
        let [last, before] = self.recent;
        let op = isa::decode(word);
        if mapped && (changes_translation(last) || changes_translation(before)) {
            return Some("fetched through the TLB within two instructions of changing it");
        }
        let data_mapped = !(0x8000_0000..0xc000_0000).contains(&address);
        if accesses_memory(op) && data_mapped && changes_translation(last) {
            return Some("uses the TLB right after changing it");
        }
        match op {
            Op::Mfc0 if moves_to(last, &[isa::rd(word)]) => {
                Some("reads a register right after mtc0 wrote it")
            }
            Op::Mfc0 if isa::decode(last) == Op::Tlbp && isa::rd(word) == reg::INDEX => {
                Some("reads Index right after tlbp")
            }
            Op::Mfc0
                if isa::decode(last) == Op::Tlbr
                    && matches!(isa::rd(word), reg::ENTRY_HI | reg::ENTRY_LO) =>
            {
                Some("reads an entry right after tlbr")
            }
            Op::Tlbwi | Op::Tlbwr | Op::Tlbp | Op::Tlbr
                if moves_to(last, &[reg::ENTRY_HI, reg::ENTRY_LO, reg::INDEX]) =>
            {
                Some("uses a register right after mtc0 wrote it")
            }
            Op::Rfe | Op::Cop | Op::LwcZ | Op::SwcZ if moves_to(last, &[reg::STATUS]) => {
                Some("depends on Status right after mtc0 wrote it")
            }
            _ => None,
        }
    }
}
