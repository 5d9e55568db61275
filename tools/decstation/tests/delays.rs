//! Delay slots: loads, branches, exceptions in them. Kane, *MIPS RISC Architecture*, sections 1 and 6.

mod common;
use common::{KSEG0, loaded, put, steps};
use decstation::asm::{self, r};
use decstation::cp0::cause;

const DATA: u32 = 0x8002_0000;

fn with_data(code: &[u32]) -> common::Bare {
    let mut cpu = loaded(code);
    put(&mut cpu, DATA, &[0x1122_3344, 0x5566_7788, 0x99aa_bbcc]);
    cpu.set_reg(r::A0 as usize, DATA);
    cpu
}

/// "The instruction after a load cannot use the result": it reads the register's old value.
#[test]
fn the_instruction_after_a_load_sees_the_old_value() {
    let mut cpu = with_data(&[
        asm::addiu(r::T0, 0, 7),
        asm::lw(r::T0, 0, r::A0),
        asm::addu(r::T1, r::T0, 0), // old
        asm::addu(r::T2, r::T0, 0), // new
    ]);
    steps(&mut cpu, 4);
    assert_eq!(cpu.reg(r::T1 as usize), 7);
    assert_eq!(cpu.reg(r::T2 as usize), 0x1122_3344);
}

/// The write of the instruction in the load's delay slot comes later and wins.
#[test]
fn a_write_in_the_delay_slot_wins() {
    let mut cpu = with_data(&[asm::lw(r::T0, 0, r::A0), asm::addiu(r::T0, 0, 9), asm::addu(r::T1, r::T0, 0)]);
    steps(&mut cpu, 3);
    assert_eq!(cpu.reg(r::T0 as usize), 9);
    assert_eq!(cpu.reg(r::T1 as usize), 9);
}

/// `mfc0` has the delay of a load.
#[test]
fn mfc0_is_delayed_like_a_load() {
    let mut cpu = loaded(&[
        asm::addiu(r::T0, 0, 5),
        asm::mfc0(r::T0, decstation::cp0::reg::PRID),
        asm::addu(r::T1, r::T0, 0),
        asm::addu(r::T2, r::T0, 0),
    ]);
    steps(&mut cpu, 4);
    assert_eq!(cpu.reg(r::T1 as usize), 5);
    assert_eq!(cpu.reg(r::T2 as usize), 0x230);
}

/// A load in a branch's delay slot is seen from the second instruction of the target on.
#[test]
fn a_load_in_a_branch_delay_slot() {
    let mut cpu = with_data(&[
        asm::beq(0, 0, 2),
        asm::lw(r::T0, 0, r::A0),
        asm::NOP,
        asm::addu(r::T1, r::T0, 0),
        asm::addu(r::T2, r::T0, 0),
    ]);
    steps(&mut cpu, 4);
    assert_eq!(cpu.reg(r::T1 as usize), 0);
    assert_eq!(cpu.reg(r::T2 as usize), 0x1122_3344);
}

/// A load of register 0 is no load, and an exception does not lose one that is under way.
#[test]
fn loads_complete_across_exceptions() {
    let mut cpu = with_data(&[asm::lw(r::T0, 0, r::A0), asm::SYSCALL]);
    put(&mut cpu, 0x8000_0080, &[asm::addu(r::T1, r::T0, 0)]);
    steps(&mut cpu, 3);
    assert_eq!(cpu.reg(r::T1 as usize), 0x1122_3344);
    let mut cpu = with_data(&[asm::lw(0, 0, r::A0), asm::addu(r::T1, 0, 0)]);
    steps(&mut cpu, 2);
    assert_eq!(cpu.reg(r::T1 as usize), 0);
    assert_eq!(cpu.reg(0), 0);
}

/// An exception in a delay slot: EPC is the branch, BD is set; also behind a branch not taken.
#[test]
fn exceptions_in_delay_slots_name_the_branch() {
    for branch in [asm::beq(0, 0, 4), asm::bne(0, 0, 4), asm::j(KSEG0 + 64)] {
        let mut cpu = loaded(&[branch, asm::SYSCALL]);
        steps(&mut cpu, 2);
        assert_eq!(cpu.pc(), 0x8000_0080);
        assert_eq!(cpu.cp0.epc, KSEG0, "{branch:08x}");
        assert_eq!(cpu.cp0.cause, cause::BD | 8 << 2);
    }
    let mut cpu = loaded(&[asm::NOP, asm::SYSCALL]);
    steps(&mut cpu, 2);
    assert_eq!((cpu.cp0.epc, cpu.cp0.cause), (KSEG0 + 4, 8 << 2));
}

/// The delay slot is executed whether the branch is taken or not, and links skip it.
#[test]
fn branches_and_links() {
    let mut cpu = loaded(&[
        asm::bltzal(0, 2), // not taken, links all the same
        asm::addiu(r::T0, 0, 1),
        asm::bgezal(0, 2), // taken
        asm::addiu(r::T1, 0, 1),
        asm::addiu(r::T2, 0, 1), // skipped
        asm::NOP,
    ]);
    steps(&mut cpu, 2);
    assert_eq!(cpu.reg(31), KSEG0 + 8);
    steps(&mut cpu, 2);
    assert_eq!(cpu.reg(31), KSEG0 + 16);
    assert_eq!(cpu.pc(), KSEG0 + 20);
    assert_eq!((cpu.reg(8), cpu.reg(9), cpu.reg(10)), (1, 1, 0));
    let mut cpu = loaded(&[asm::jalr(r::T3, r::A0), asm::NOP]);
    cpu.set_reg(r::A0 as usize, KSEG0 + 0x100);
    steps(&mut cpu, 2);
    assert_eq!((cpu.pc(), cpu.reg(11)), (KSEG0 + 0x100, KSEG0 + 8));
}

/// `lwl`/`lwr` at every alignment, and the pair on one register without a delay between.
#[test]
fn lwl_and_lwr_merge() {
    // Memory bytes 44 33 22 11 88 77 66 55 from DATA on.
    for (offset, want) in [(0, 0x1122_3344u32), (1, 0x8811_2233), (2, 0x7788_1122), (3, 0x6677_8811)] {
        let mut cpu = with_data(&[
            asm::lwr(r::T0, offset, r::A0),
            asm::lwl(r::T0, offset + 3, r::A0),
            asm::addu(r::T1, r::T0, 0), // the old value: not merged yet
            asm::addu(r::T2, r::T0, 0),
        ]);
        cpu.set_reg(r::T0 as usize, 0xdead_beef);
        steps(&mut cpu, 4);
        assert_eq!(cpu.reg(r::T2 as usize), want, "offset {offset}");
    }
    // One half alone keeps the rest of the register.
    for (offset, left, right) in [
        (0, 0x44ad_beefu32, 0x1122_3344u32),
        (1, 0x3344_beef, 0xde11_2233),
        (2, 0x2233_44ef, 0xdead_1122),
        (3, 0x1122_3344, 0xdead_be11),
    ] {
        for (inst, want) in [(asm::lwl(r::T0, offset, r::A0), left), (asm::lwr(r::T0, offset, r::A0), right)]
        {
            let mut cpu = with_data(&[inst, asm::NOP]);
            cpu.set_reg(r::T0 as usize, 0xdead_beef);
            steps(&mut cpu, 2);
            assert_eq!(cpu.reg(r::T0 as usize), want, "offset {offset}");
        }
    }
}

/// `swl`/`swr` at every alignment.
#[test]
fn swl_and_swr() {
    // Register aabbccdd over memory 11223344.
    for (offset, left, right) in [
        (0, 0x1122_33aau32, 0xaabb_ccddu32),
        (1, 0x1122_aabb, 0xbbcc_dd44),
        (2, 0x11aa_bbcc, 0xccdd_3344),
        (3, 0xaabb_ccdd, 0xdd22_3344),
    ] {
        for (inst, want) in [(asm::swl(r::T0, offset, r::A0), left), (asm::swr(r::T0, offset, r::A0), right)]
        {
            let mut cpu = with_data(&[inst]);
            cpu.set_reg(r::T0 as usize, 0xaabb_ccdd);
            steps(&mut cpu, 1);
            assert_eq!(common::word(&cpu, DATA), want, "offset {offset}");
        }
    }
}

/// Results that the architecture leaves open or that differ between machines.
#[test]
fn division_at_its_edges() {
    for (n, d, lo, hi) in [
        (7u32, 0u32, u32::MAX, 7u32),
        (-7i32 as u32, 0, 1, -7i32 as u32),
        (0x8000_0000, u32::MAX, 0x8000_0000, 0),
        (-7i32 as u32, 2, -3i32 as u32, -1i32 as u32),
    ] {
        let mut cpu = loaded(&[asm::div(r::A0, r::A1)]);
        cpu.set_reg(4, n);
        cpu.set_reg(5, d);
        steps(&mut cpu, 1);
        assert_eq!(cpu.hi_lo(), (hi, lo), "{n:x}/{d:x}");
    }
    let mut cpu = loaded(&[asm::divu(r::A0, 0)]);
    cpu.set_reg(4, 9);
    steps(&mut cpu, 1);
    assert_eq!(cpu.hi_lo(), (9, u32::MAX));
}

/// Overflow traps leave the target register alone.
#[test]
fn overflow_traps_before_the_write() {
    for inst in [asm::add(r::T0, r::A0, r::A0), asm::addi(r::T0, r::A0, 1), asm::sub(r::T0, r::A0, r::A1)] {
        let mut cpu = loaded(&[inst]);
        cpu.set_reg(4, 0x7fff_ffff);
        cpu.set_reg(5, u32::MAX);
        cpu.set_reg(8, 42);
        steps(&mut cpu, 1);
        assert_eq!(cpu.cp0.cause >> 2 & 31, 12, "{inst:08x}");
        assert_eq!(cpu.reg(8), 42);
    }
}
