//! The hazards of the R3000's system coprocessor, as data.
//!
//! A write to a CP0 register or to the TLB happens in the last stages of the pipeline, the use of
//! what it changes in earlier ones, and nothing interlocks: software leaves a distance. No table of
//! MIPS's own for the R3000 could be had; the distances are those that code for it keeps on purpose:
//!
//! - *Linux*, arch/mips: mm/tlbex.c (the handlers `build_r3000_*`, whose comments name the slots),
//!   mm/tlb-r3k.c (`BARRIER`), lib/r3k_dump_tlb.c;
//! - *NetBSD*, sys/arch/mips/mips: locore_mips1.S and cache_r3k_subr.S, from Sprite's kernel for the
//!   DECstation 3100 by DECWRL;
//! - *binutils*, gas/config/tc-mips.c, `insns_between`: what the assembler itself keeps apart;
//! - *VxWorks*, asmMips.h: two cycles behind a write to Status or to what the TLB uses, one behind a
//!   read, for all its MIPS processors (cacheR3kALib.s uses it).
//!
//! Where they differ, strict mode asks for the longest distance: code that it passes is right by all
//! of them. Where only VxWorks speaks, its rule stands.

use crate::cp0::{reg, status};
use crate::isa::{self, Op};

/// What an instruction did to the system coprocessor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// The instruction.
    pub word: u32,
    /// The bits of Status that it changed (`mtc0` to Status alone).
    pub status: u32,
}

/// The next instruction, and what it will use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    /// The instruction.
    pub word: u32,
    /// It was fetched through the TLB.
    pub mapped: bool,
    /// It was fetched from an address that the caches serve.
    pub cached: bool,
    /// The address that it loads or stores at, if it does.
    pub address: u32,
}

/// The first half of a hazard.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// `mtc0` to this register.
    MoveTo(usize),
    /// `mtc0` to the register that the second instruction names.
    MoveToSame,
    /// `mtc0` to Status that changed one of these bits.
    StatusBits(u32),
    /// `mtc0` to Status that changed the usability of the second instruction's coprocessor.
    Usability,
    /// One of these operations.
    Ops(&'static [Op]),
}

/// The second half.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// One of these operations.
    Ops(&'static [Op]),
    /// `mfc0` of one of these registers.
    MoveFrom(&'static [usize]),
    /// `mfc0` of any register.
    MoveFromAny,
    /// An instruction of coprocessor 1, 2 or 3.
    Coprocessor,
    /// A load or store.
    Data,
    /// A load or store through the TLB.
    MappedData,
    /// Itself, fetched through the TLB.
    MappedFetch,
    /// Itself, fetched through a cache.
    CachedFetch,
}

/// One hazard.
#[derive(Debug)]
pub(super) struct Hazard {
    /// What to tell.
    pub report: &'static str,
    first: Cause,
    second: Use,
    /// How many instructions must lie between.
    pub between: usize,
    /// Who keeps that distance.
    #[cfg_attr(not(test), allow(dead_code))] // for readers, and for the test that there is one
    pub source: &'static str,
}

const TLB_WRITES: &[Op] = &[Op::Tlbwi, Op::Tlbwr];

/// The longest distance of the table.
pub(super) const LONGEST: usize = 2;

macro_rules! hazards {
    ($($report:literal: $first:expr => $second:expr, $between:literal, $source:literal;)*) => {
        &[$(Hazard { report: $report, first: $first, second: $second, between: $between, source: $source }),*]
    };
}

/// All of them.
pub(super) const HAZARDS: &[Hazard] = hazards! {
    "uses Index right after mtc0 wrote it":
        Cause::MoveTo(reg::INDEX) => Use::Ops(&[Op::Tlbwi, Op::Tlbr]), 1,
        "Linux tlb-r3k.c BARRIER; NetBSD tlb_read_indexed";
    "uses EntryHi right after mtc0 wrote it":
        Cause::MoveTo(reg::ENTRY_HI) => Use::Ops(&[Op::Tlbwi, Op::Tlbwr, Op::Tlbp]), 1,
        "Linux tlb-r3k.c BARRIER; NetBSD tlb_update";
    "uses EntryLo right after mtc0 wrote it":
        Cause::MoveTo(reg::ENTRY_LO) => Use::Ops(TLB_WRITES), 1,
        "Linux tlbex.c \"cp0 delay\"; NetBSD utlb_miss";
    "reads a register right after mtc0 wrote it":
        Cause::MoveToSame => Use::MoveFromAny, 1,
        "binutils: one instruction between two of the coprocessor";
    "reads Index right after tlbp":
        Cause::Ops(&[Op::Tlbp]) => Use::MoveFrom(&[reg::INDEX]), 1,
        "VxWorks HAZARD_CP_READ; Linux and NetBSD do without";
    "reads an entry right after tlbr":
        Cause::Ops(&[Op::Tlbr]) => Use::MoveFrom(&[reg::ENTRY_HI, reg::ENTRY_LO]), 1,
        "Linux r3k_dump_tlb.c; NetBSD does without";
    "probes or reads the TLB within two instructions of writing it":
        Cause::Ops(TLB_WRITES) => Use::Ops(&[Op::Tlbp, Op::Tlbr]), 2,
        "VxWorks HAZARD_TLB";
    "uses the TLB within two instructions of writing it":
        Cause::Ops(TLB_WRITES) => Use::MappedData, 2,
        "VxWorks HAZARD_TLB";
    "fetched through the TLB within two instructions of writing it":
        Cause::Ops(TLB_WRITES) => Use::MappedFetch, 2,
        "Linux tlbex.c: tlbwr, jr, rfe; NetBSD kernel_tlb_miss";
    "uses the TLB within two instructions of changing EntryHi":
        Cause::MoveTo(reg::ENTRY_HI) => Use::MappedData, 2,
        "VxWorks HAZARD_TLB; NetBSD tlb_set_asid";
    "fetched through the TLB within two instructions of changing EntryHi":
        Cause::MoveTo(reg::ENTRY_HI) => Use::MappedFetch, 2,
        "VxWorks HAZARD_TLB";
    "uses the TLB within two instructions of tlbr, which changes EntryHi":
        Cause::Ops(&[Op::Tlbr]) => Use::MappedData, 2,
        "VxWorks HAZARD_TLB: as mtc0 to EntryHi";
    "fetched through the TLB within two instructions of tlbr, which changes EntryHi":
        Cause::Ops(&[Op::Tlbr]) => Use::MappedFetch, 2,
        "VxWorks HAZARD_TLB: as mtc0 to EntryHi";
    "pops Status within two instructions of mtc0 writing it":
        Cause::MoveTo(reg::STATUS) => Use::Ops(&[Op::Rfe]), 2,
        "VxWorks HAZARD_ERET";
    "uses a coprocessor within two instructions of changing whether it is usable":
        Cause::Usability => Use::Coprocessor, 2,
        "VxWorks HAZARD_CP_WRITE; NetBSD and Linux leave four on every MIPS";
    "loads or stores within two instructions of isolating or swapping the caches":
        Cause::StatusBits(status::ISC | status::SWC) => Use::Data, 2,
        "NetBSD r3k_pdcache_do_inv";
    "fetched through a cache within two instructions of swapping the caches":
        Cause::StatusBits(status::SWC) => Use::CachedFetch, 2,
        "NetBSD r3k_picache_do_inv, which runs uncached; Linux c-r3k.c does without";
};

fn accesses_memory(op: Op) -> bool {
    use Op::{Lb, Lbu, Lh, Lhu, Lw, LwcZ, Lwl, Lwr, Sb, Sh, Sw, SwcZ, Swl, Swr};
    matches!(op, Lb | Lh | Lwl | Lw | Lbu | Lhu | Lwr | Sb | Sh | Swl | Sw | Swr | LwcZ | SwcZ)
}

/// Whether `address` goes through the TLB.
pub(super) fn mapped(address: u32) -> bool {
    !(0x8000_0000..0xc000_0000).contains(&address)
}

impl Cause {
    fn holds(self, done: Done, next: Next) -> bool {
        let op = isa::decode(done.word);
        let moved = |n| op == Op::Mtc0 && isa::rd(done.word) == n;
        match self {
            Cause::MoveTo(n) => moved(n),
            Cause::MoveToSame => moved(isa::rd(next.word)),
            Cause::StatusBits(bits) => done.status & bits != 0,
            Cause::Usability => done.status & status::CU0 << (next.word >> 26 & 3) != 0,
            Cause::Ops(ops) => ops.contains(&op),
        }
    }
}

impl Use {
    fn holds(self, next: Next) -> bool {
        let op = isa::decode(next.word);
        match self {
            Use::Ops(ops) => ops.contains(&op),
            Use::MoveFrom(regs) => op == Op::Mfc0 && regs.contains(&isa::rd(next.word)),
            Use::MoveFromAny => op == Op::Mfc0,
            Use::Coprocessor => matches!(op, Op::Cop | Op::LwcZ | Op::SwcZ),
            Use::Data => accesses_memory(op),
            Use::MappedData => accesses_memory(op) && mapped(next.address),
            Use::MappedFetch => next.mapped,
            Use::CachedFetch => next.cached,
        }
    }
}

/// The hazard that `next` runs into behind `recent`, the latest instruction first.
pub(super) fn find(recent: &[Done; LONGEST], next: Next) -> Option<&'static Hazard> {
    HAZARDS.iter().find(|hazard| {
        hazard.second.holds(next)
            && recent[..hazard.between].iter().any(|&done| hazard.first.holds(done, next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hazard_has_a_source_and_a_distance_that_is_remembered() {
        for hazard in HAZARDS {
            assert!(!hazard.source.is_empty(), "{}", hazard.report);
            assert!((1..=LONGEST).contains(&hazard.between), "{}", hazard.report);
        }
    }

    /// Directed programs (tests/strict.rs) reach every hazard but this distance: nothing gets from
    /// unmapped to mapped code in one instruction.
    #[test]
    fn mapped_code_one_instruction_behind_a_tlb_write() {
        let next = Next { word: 0, mapped: true, cached: true, address: 0 };
        let (wrote, nop) = (Done { word: crate::asm::TLBWI, status: 0 }, Done::default());
        assert!(find(&[wrote, nop], next).is_some());
        assert!(find(&[nop, wrote], next).is_some());
        assert!(find(&[nop, nop], next).is_none());
    }
}
