//! Strict mode stops where code does what its author can hardly mean, and nowhere else.

mod common;
use common::{KSEG0, loaded, put};
use decstation::asm;
use decstation::cp0::reg;
use decstation::cpu::{Stop, Strict};

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

#[test]
fn coprocessor_0_hazards() {
    refused(&[asm::mtc0(0, reg::ENTRY_LO), asm::TLBWI], "hazard");
    refused(&[asm::mtc0(0, reg::INDEX), asm::mfc0(8, reg::INDEX)], "hazard");
    refused(&[asm::TLBP, asm::mfc0(8, reg::INDEX)], "hazard");
    refused(&[asm::mtc0(0, reg::STATUS), asm::RFE], "hazard");
    strict(&[asm::mtc0(0, reg::ENTRY_LO), asm::NOP, asm::TLBWI]).unwrap();
    strict(&[asm::TLBP, asm::NOP, asm::mfc0(8, reg::INDEX), asm::NOP]).unwrap();
    strict(&[asm::mtc0(0, reg::STATUS), asm::NOP, asm::RFE]).unwrap();
    strict(&[asm::mtc0(0, reg::EPC), asm::mfc0(8, reg::CAUSE), asm::NOP]).unwrap();
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
