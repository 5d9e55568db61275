//! Strict mode stops where code does what its author can hardly mean, and nowhere else.

mod common;
use common::{Bare, KSEG0, loaded, put};
use decstation::asm;
use decstation::cp0::{reg, status};
use decstation::cpu::{Stop, Strict};
use decstation::tlb::{Entry, LO_D, LO_G, LO_V};

const DATA: u32 = 0x8002_0000;

fn strict(code: &[u32]) -> Result<(), String> {
    let mut code = code.to_vec();
    code.extend([asm::beq(0, 0, -1), asm::NOP]);
    let mut cpu = loaded(&code);
    cpu.set_reg(4, DATA);
    cpu.hooks_mut().strict = Some(Strict::default());
    match cpu.run(2000) {
        Stop::Limit => Ok(()),
        Stop::Fault(report) => Err(report),
        other => panic!("{other:?}"),
    }
}

fn refused(code: &[u32], word: &str) {
    let report = strict(code).expect_err(word);
    assert!(report.contains(word), "{report}");
}

#[test]
fn load_delay_uses() {
    refused(&[asm::lw(8, 0, 4), asm::addu(9, 8, 0)], "$t0");
    refused(&[asm::lw(8, 0, 4), asm::sw(8, 0, 4)], "$t0");
    refused(&[asm::mfc0(8, reg::EPC), asm::jr(8), asm::NOP], "$t0");
    strict(&[asm::lw(8, 0, 4), asm::NOP, asm::addu(9, 8, 0)]).unwrap();
    strict(&[asm::lw(8, 0, 4), asm::addiu(8, 0, 1)]).unwrap();
    strict(&[asm::lwl(8, 3, 4), asm::lwr(8, 0, 4), asm::NOP]).unwrap();
    strict(&[asm::lw(0, 0, 4), asm::addu(9, 0, 0)]).unwrap();
}

#[test]
fn branches_in_delay_slots() {
    refused(&[asm::beq(0, 0, 1), asm::beq(0, 0, 1), asm::NOP], "delay slot");
    refused(&[asm::bne(0, 0, 1), asm::jr(31), asm::NOP], "delay slot");
}

/// An address that entry 0 of the TLB maps.
const MAPPED: u32 = 0x1000;
/// Where it leads: a loop.
const BEHIND: u32 = 0x8002_1000;
/// Registers of the hazard tests: an address in kseg0, the mapped one, values for Status.
const KSEG0_REG: u32 = 4;
const MAPPED_REG: u32 = 5;
const ISOLATE: u32 = 6;
const FPU: u32 = 7;

/// A processor about to run `code` at `pc`, with everything that the hazards need in place.
fn prepared(pc: u32, code: &[u32]) -> Bare {
    let mut cpu = loaded(&[]);
    put(&mut cpu, pc, &[code, &[asm::beq(0, 0, -1), asm::NOP]].concat());
    put(&mut cpu, BEHIND, &[asm::beq(0, 0, -1), asm::NOP]);
    let entry = Entry { hi: MAPPED, lo: BEHIND & 0x1fff_ffff | LO_V | LO_D | LO_G };
    cpu.tlb_write(0, entry);
    (cpu.cp0.entry_hi, cpu.cp0.entry_lo) = (entry.hi, entry.lo);
    cpu.jump(pc);
    for (n, value) in [(KSEG0_REG, DATA), (MAPPED_REG, MAPPED), (ISOLATE, status::ISC), (FPU, status::CU1)] {
        cpu.set_reg(n as usize, value);
    }
    cpu
}

/// How a run of `code` from `pc` ends.
fn ends(pc: u32, code: &[u32], is_strict: bool) -> Stop {
    let mut cpu = prepared(pc, code);
    if is_strict {
        cpu.hooks_mut().strict = Some(Strict::default());
    }
    cpu.run(2000)
}

/// The hazard between two instructions that needs `between` others: found with one less, not found
/// with as many, and without strict mode no reason to stop.
fn hazard(first: u32, second: u32, between: usize, report: &str) {
    let code = |nops: usize| [&[first][..], &[asm::NOP].repeat(nops), &[second, asm::NOP]].concat();
    for nops in 0..between {
        let stop = ends(KSEG0, &code(nops), true);
        assert!(matches!(&stop, Stop::Fault(text) if text.contains(report)), "{nops}: {report}: {stop:?}");
    }
    assert_eq!(ends(KSEG0, &code(between), true), Stop::Limit, "{report}");
    assert_eq!(ends(KSEG0, &code(0), false), Stop::Limit, "{report}");
}

#[test]
fn moves_to_the_tlbs_registers() {
    hazard(asm::mtc0(0, reg::INDEX), asm::TLBWI, 1, "uses Index");
    hazard(asm::mtc0(0, reg::INDEX), asm::TLBR, 1, "uses Index");
    for op in [asm::TLBWI, asm::TLBWR, asm::TLBP] {
        hazard(asm::mtc0(MAPPED_REG, reg::ENTRY_HI), op, 1, "uses EntryHi");
    }
    hazard(asm::mtc0(0, reg::ENTRY_LO), asm::TLBWI, 1, "uses EntryLo");
    hazard(asm::mtc0(0, reg::ENTRY_LO), asm::TLBWR, 1, "uses EntryLo");
    // What an operation does not use may have been written just before.
    strict(&[asm::mtc0(0, reg::INDEX), asm::TLBP]).unwrap();
    strict(&[asm::mtc0(0, reg::ENTRY_LO), asm::TLBR]).unwrap();
}

#[test]
fn moves_from_registers_just_written() {
    for n in [reg::INDEX, reg::ENTRY_LO, reg::CONTEXT, reg::ENTRY_HI, reg::STATUS, reg::CAUSE, reg::EPC] {
        hazard(asm::mtc0(0, n), asm::mfc0(8, n), 1, "right after mtc0 wrote it");
    }
    hazard(asm::TLBP, asm::mfc0(8, reg::INDEX), 1, "right after tlbp");
    hazard(asm::TLBR, asm::mfc0(8, reg::ENTRY_HI), 1, "right after tlbr");
    hazard(asm::TLBR, asm::mfc0(8, reg::ENTRY_LO), 1, "right after tlbr");
    strict(&[asm::mtc0(0, reg::EPC), asm::mfc0(8, reg::CAUSE), asm::NOP]).unwrap();
    strict(&[asm::TLBP, asm::mfc0(8, reg::ENTRY_LO), asm::NOP]).unwrap();
}

#[test]
fn the_tlb_just_changed() {
    hazard(asm::TLBWI, asm::TLBP, 2, "of writing it");
    hazard(asm::TLBWI, asm::TLBR, 2, "of writing it");
    for access in [asm::lw(8, 0, MAPPED_REG), asm::sw(8, 0x100, MAPPED_REG), asm::lbu(8, 1, MAPPED_REG)] {
        hazard(asm::TLBWI, access, 2, "uses the TLB");
        hazard(asm::mtc0(MAPPED_REG, reg::ENTRY_HI), access, 2, "changing EntryHi");
        hazard(asm::TLBR, access, 2, "of tlbr");
    }
    // kseg0 does not go through the TLB.
    for first in [asm::TLBWI, asm::TLBWR, asm::TLBR, asm::mtc0(MAPPED_REG, reg::ENTRY_HI)] {
        assert_eq!(ends(KSEG0, &[first, asm::lw(8, 0, KSEG0_REG), asm::NOP], true), Stop::Limit);
    }
}

/// A jump and its slot are the two instructions that must lie between; in the slot it is too late.
#[test]
fn code_behind_the_tlb_just_changed() {
    for first in [asm::TLBWI, asm::TLBR, asm::mtc0(MAPPED_REG, reg::ENTRY_HI)] {
        let late = [asm::jr(MAPPED_REG), first];
        let stop = ends(KSEG0, &late, true);
        assert!(matches!(&stop, Stop::Fault(text) if text.contains("fetched through the TLB")), "{stop:?}");
        assert_eq!(ends(KSEG0, &late, false), Stop::Limit);
        assert_eq!(ends(KSEG0, &[first, asm::jr(MAPPED_REG), asm::NOP], true), Stop::Limit);
    }
}

#[test]
fn status_just_changed() {
    hazard(asm::mtc0(0, reg::STATUS), asm::RFE, 2, "pops Status");
    for second in [asm::cfc1(8, 0), asm::lwc1(0, 0, KSEG0_REG), asm::swc1(0, 0, KSEG0_REG)] {
        hazard(asm::mtc0(FPU, reg::STATUS), second, 2, "whether it is usable");
    }
    for second in [asm::sb(0, 0, KSEG0_REG), asm::sw(0, 0, KSEG0_REG), asm::lw(8, 0, KSEG0_REG)] {
        hazard(asm::mtc0(ISOLATE, reg::STATUS), second, 2, "isolating");
    }
    // Bits that stay as they were are no hazard.
    assert_eq!(ends(KSEG0, &[asm::mtc0(0, reg::STATUS), asm::sw(0, 0, KSEG0_REG)], true), Stop::Limit);
    let again = [asm::mtc0(FPU, reg::STATUS), asm::mtc0(FPU, reg::STATUS), asm::cfc1(8, 0)];
    let stop = ends(KSEG0, &again, true);
    assert!(matches!(stop, Stop::Fault(_)), "the first is still near");
    let again = [&again[..1], &[asm::NOP; 2], &again[1..], &[asm::NOP]].concat();
    assert_eq!(ends(KSEG0, &again, true), Stop::Limit);
}

/// Swapping is done from uncached code.
#[test]
fn caches_just_swapped() {
    const UNCACHED: u32 = 0xa002_2000;
    let swap = asm::mtc0(8, reg::STATUS);
    let load = [asm::lui(8, 2), asm::lui(9, 0x8002), asm::ori(9, 9, 0x1000)];
    let run = |code: &[u32], is_strict| ends(UNCACHED, &[&load, code].concat(), is_strict);
    let stop = run(&[asm::jr(9), swap], true);
    assert!(matches!(&stop, Stop::Fault(text) if text.contains("fetched through a cache")), "{stop:?}");
    assert_eq!(run(&[asm::jr(9), swap], false), Stop::Limit);
    assert_eq!(run(&[swap, asm::jr(9), asm::NOP], true), Stop::Limit);
    let stop = ends(KSEG0, &[&load[..], &[swap]].concat(), true);
    assert!(matches!(stop, Stop::Fault(_)), "cached code cannot swap: {stop:?}");
}

/// An exception empties the pipeline.
#[test]
fn exceptions_end_hazards() {
    let mut cpu = prepared(KSEG0, &[asm::mtc0(0, reg::CONTEXT), asm::SYSCALL]);
    put(&mut cpu, 0x8000_0080, &[asm::mfc0(8, reg::CONTEXT), asm::beq(0, 0, -1), asm::NOP]);
    cpu.hooks_mut().strict = Some(Strict::default());
    assert_eq!(cpu.run(2000), Stop::Limit);
}

/// The interrupt arrives when `mflo` is due and `mult` is next but one.
#[test]
fn broken_hilo_windows() {
    let run = |is_strict: bool| {
        let mut cpu = loaded(&[asm::mflo(8), asm::NOP, asm::mult(4, 4), asm::beq(0, 0, -4), asm::NOP]);
        put(&mut cpu, 0x8000_0080, &[asm::beq(0, 0, -1), asm::NOP]);
        cpu.cp0.write(reg::STATUS, 0x0401);
        // Fetch 0..15; mflo 15..16, nop, mult 17..18, beq 18, (line 2: miss 15) slot, mflo ...
        let slot_done = 15 + 4 + 15 + 1;
        cpu.board.raised = Some((slot_done, 1));
        if is_strict {
            cpu.hooks_mut().strict = Some(Strict::default());
        }
        let stop = cpu.run(200);
        (stop, cpu.counters().hilo_windows, cpu.cp0.epc)
    };
    let (stop, windows, epc) = run(false);
    assert_eq!((stop, windows, epc), (Stop::Limit, 1, KSEG0));
    assert!(matches!(run(true).0, Stop::Fault(report) if report.contains("HI/LO")));
}
