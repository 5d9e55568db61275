//! The system coprocessor: modes, exceptions, interrupts, privileges.
//! Section numbers are those of Kane, *MIPS RISC Architecture* (1988).

mod common;
use common::{Bare, KSEG0, bare, loaded, put, steps};
use decstation::asm::{self, r};
use decstation::cp0::{cause, reg, status};

const GENERAL: u32 = 0x8000_0080;

fn code(cpu: &Bare) -> u32 {
    cpu.cp0.cause >> 2 & 31
}

/// A processor about to run `program` in user mode at 0x1000, mapped to physical 0x3000.
fn user(program: &[u32], more_status: u32) -> Bare {
    let mut cpu = bare("5000/200");
    put(&mut cpu, 0x8000_3000, program);
    cpu.tlb_write(
        20,
        decstation::tlb::Entry { hi: 0x1000, lo: 0x3000 | decstation::tlb::LO_V | decstation::tlb::LO_D },
    );
    cpu.cp0.write(reg::STATUS, status::KUC | more_status);
    cpu.restarted(0x1000)
}

/// 6.3: an exception pushes kernel mode with interrupts disabled; `rfe` pops.
#[test]
fn exceptions_push_and_rfe_pops() {
    let mut cpu = loaded(&[asm::SYSCALL]);
    put(&mut cpu, GENERAL, &[asm::RFE]);
    cpu.cp0.write(reg::STATUS, 0b00_00_01);
    steps(&mut cpu, 1);
    assert_eq!(cpu.cp0.status & 0x3f, 0b00_01_00);
    steps(&mut cpu, 1);
    assert_eq!(cpu.cp0.status & 0x3f, 0b00_00_01);
}

/// 6.3: `jr` with `rfe` in its delay slot returns to user mode.
#[test]
fn rfe_in_the_delay_slot_of_jr_returns_to_the_user() {
    let mut cpu = user(&[asm::SYSCALL, asm::mfc0(8, reg::STATUS)], 0);
    put(
        &mut cpu,
        GENERAL,
        &[asm::mfc0(r::K0, reg::EPC), asm::NOP, asm::addiu(r::K0, r::K0, 4), asm::jr(r::K0), asm::RFE],
    );
    steps(&mut cpu, 6);
    assert_eq!((cpu.pc(), cpu.cp0.status & 0x3f), (0x1004, 0b00_00_10));
    steps(&mut cpu, 1); // privileged there: coprocessor 0 is unusable
    assert_eq!((code(&cpu), cpu.cp0.cause >> 28 & 3), (11, 0));
}

/// 6.4: the vectors, with and without BEV.
#[test]
fn vectors_follow_bev() {
    for (bev, utlb, general) in [(0, 0x8000_0000, 0x8000_0080), (status::BEV, 0xbfc0_0100, 0xbfc0_0180)] {
        let mut cpu = loaded(&[asm::lw(r::T0, 0, r::A0)]);
        cpu.cp0.write(reg::STATUS, bev);
        cpu.set_reg(4, 0x0000_5000);
        steps(&mut cpu, 1);
        assert_eq!(cpu.pc(), utlb);
        let mut cpu = loaded(&[asm::BREAK]);
        cpu.cp0.write(reg::STATUS, bev);
        steps(&mut cpu, 1);
        assert_eq!(cpu.pc(), general);
    }
}

/// 6.2, table 6.2: the exception codes of single instructions.
#[test]
fn exception_codes() {
    for (inst, want) in [
        (asm::SYSCALL, 8),
        (asm::BREAK, 9),
        (0x0000_000f, 10), // sync, MIPS II
        (0x5000_0000, 10), // beql, MIPS II
        (0xc000_0000, 10), // ll, MIPS II
        (0x4200_0018, 10), // eret, MIPS III
        (asm::cfc1(8, 0), 11),
        (asm::lw(8, 1, 0), 4),
        (asm::lh(8, 1, 0), 4),
        (asm::sw(8, 2, 0), 5),
        (asm::sh(8, 3, 0), 5),
        (asm::lw(8, 0, 0), 2),
        (asm::sw(8, 0, 0), 3),
        (asm::lw(8, 0, r::A0), 7), // nothing answers there
    ] {
        let mut cpu = loaded(&[inst]);
        cpu.set_reg(4, 0xbe00_0000);
        steps(&mut cpu, 1);
        assert_eq!(code(&cpu), want, "{inst:08x}");
        assert_eq!(cpu.cp0.epc, KSEG0);
    }
}

/// 6.5.3: a fetch from a bad address: EPC and BadVAddr are that address.
#[test]
fn bad_fetches() {
    for (target, want) in [(KSEG0 + 0x102, 4), (0x0000_4000, 2), (0xbe00_0000, 6)] {
        let mut cpu = loaded(&[asm::jr(r::A0), asm::NOP]);
        cpu.set_reg(4, target);
        steps(&mut cpu, 3);
        assert_eq!((code(&cpu), cpu.cp0.epc), (want, target), "{target:08x}");
        if want != 6 {
            assert_eq!(cpu.cp0.bad_vaddr, target);
        }
    }
}

/// 6.2: BadVAddr is written by address and TLB exceptions only.
#[test]
fn bad_vaddr_survives_other_exceptions() {
    let mut cpu = loaded(&[asm::SYSCALL]);
    cpu.cp0.bad_vaddr = 0x1234;
    steps(&mut cpu, 1);
    assert_eq!(cpu.cp0.bad_vaddr, 0x1234);
    let mut cpu = loaded(&[asm::lw(8, 0, r::A0)]);
    cpu.cp0.bad_vaddr = 0x1234;
    cpu.set_reg(4, 0xbe00_0000);
    steps(&mut cpu, 1);
    assert_eq!((code(&cpu), cpu.cp0.bad_vaddr), (7, 0x1234));
}

/// 4.1, 6.5.3: user mode may not touch kernel segments: address error, not a TLB exception.
#[test]
fn user_mode_is_kept_out_of_the_kernel_segments() {
    for va in [0x8000_0000u32, 0xa000_0000, 0xc000_0000, 0xffff_fffc] {
        let mut cpu = user(&[asm::lw(8, 0, r::A0)], 0);
        cpu.set_reg(4, va);
        steps(&mut cpu, 1);
        assert_eq!((code(&cpu), cpu.cp0.bad_vaddr), (4, va));
        let mut cpu = user(&[asm::sw(8, 0, r::A0)], 0);
        cpu.set_reg(4, va);
        steps(&mut cpu, 1);
        assert_eq!((code(&cpu), cpu.cp0.bad_vaddr), (5, va));
        let mut cpu = user(&[asm::jr(r::A0), asm::NOP], 0);
        cpu.set_reg(4, va);
        steps(&mut cpu, 3);
        assert_eq!((code(&cpu), cpu.cp0.epc), (4, va));
    }
    // Also after the kernel has used the page: nothing remembers a right that is gone.
    let mut cpu = user(&[asm::lw(8, 0, r::A0), asm::lw(8, 0, r::A0)], status::CU0);
    cpu.set_reg(4, 0x8000_3000);
    steps(&mut cpu, 1);
    put(
        &mut cpu,
        GENERAL,
        &[asm::lw(8, 0, r::A0), asm::mfc0(r::K0, reg::EPC), asm::NOP, asm::jr(r::K0), asm::RFE],
    );
    steps(&mut cpu, 6);
    assert_eq!((code(&cpu), cpu.cp0.epc), (4, 0x1000));
}

/// 6.2: coprocessor 0 in user mode needs CU0; CE names the coprocessor.
#[test]
fn coprocessors_need_their_bit() {
    for inst in
        [asm::mfc0(8, reg::STATUS), asm::mtc0(8, reg::STATUS), asm::RFE, asm::TLBP, asm::TLBWR, asm::bc0f(1)]
    {
        let mut cpu = user(&[inst], 0);
        steps(&mut cpu, 1);
        assert_eq!((code(&cpu), cpu.cp0.cause >> 28 & 3), (11, 0), "{inst:08x}");
        let mut cpu = user(&[inst], status::CU0);
        steps(&mut cpu, 1);
        assert_eq!(cpu.counters().exceptions, 0, "{inst:08x}");
    }
    for (inst, unit) in [
        (asm::cfc1(8, 0), 1),
        (asm::lwc1(0, 0, 0), 1),
        (asm::swc1(0, 0, 0), 1),
        (0x4600_0000, 1), // add.s
        (0x4a00_0000, 2),
        (0x4e00_0000, 3),
        (0xc800_0000, 2), // lwc2
    ] {
        let mut cpu = loaded(&[inst]);
        steps(&mut cpu, 1);
        assert_eq!((code(&cpu), cpu.cp0.cause >> 28 & 3), (11, unit), "{inst:08x}");
    }
}

/// No FPU: usable, it reads zero, which says that there is none.
#[test]
fn an_absent_fpu_reads_zero() {
    let mut cpu = loaded(&[asm::cfc1(8, 0), asm::NOP]);
    cpu.cp0.write(reg::STATUS, status::CU1);
    cpu.set_reg(8, 77);
    steps(&mut cpu, 2);
    assert_eq!((cpu.reg(8), cpu.counters().exceptions), (0, 0));
}

/// 6.5.8: an interrupt is taken when a mask bit and IEc are set; the level stays in Cause.
#[test]
fn interrupts_need_mask_and_enable() {
    for (bits, taken) in [(0u32, false), (1, false), (0x0800, false), (0x0801, true), (0x0401, false)] {
        let mut cpu = loaded(&[asm::NOP; 8]);
        cpu.cp0.write(reg::STATUS, bits);
        cpu.board.raised = Some((0, 0b00_0010)); // IP3
        steps(&mut cpu, 1);
        assert_eq!(cpu.cp0.cause & cause::IP, 0x0800);
        assert_eq!(cpu.pc() == GENERAL + 4, taken, "{bits:x}");
    }
}

/// An interrupt arrives at its cycle, between two instructions; in a delay slot EPC is the branch.
#[test]
fn interrupts_are_precise() {
    let mut cpu = loaded(&[asm::beq(0, 0, -1), asm::addiu(8, 8, 1)]);
    put(&mut cpu, GENERAL, &[asm::beq(0, 0, -1), asm::NOP]);
    cpu.cp0.write(reg::STATUS, 0x0401);
    // The loop takes 2 cycles after a miss of 15: branch at 15, slot at 16, branch at 17, ...
    cpu.board.raised = Some((100, 1));
    cpu.run(120);
    assert_eq!(cpu.cp0.cause, 0x400 | cause::BD); // at 100 the slot is due
    assert_eq!(cpu.cp0.epc, KSEG0);
    assert_eq!(cpu.reg(8), 42); // slots at 16, 18, ... 98
    let mut cpu = loaded(&[asm::beq(0, 0, -1), asm::addiu(8, 8, 1)]);
    put(&mut cpu, GENERAL, &[asm::beq(0, 0, -1), asm::NOP]);
    cpu.cp0.write(reg::STATUS, 0x0401);
    cpu.board.raised = Some((101, 1));
    cpu.run(120);
    assert_eq!((cpu.cp0.cause, cpu.cp0.epc, cpu.reg(8)), (0x400, KSEG0, 43));
}

/// 6.2: software sets and clears IP1..0 itself, and no other bit of Cause.
#[test]
fn software_interrupts() {
    let mut cpu = loaded(&[asm::mtc0(8, reg::CAUSE), asm::NOP]);
    cpu.cp0.write(reg::STATUS, 0x0101);
    cpu.set_reg(8, u32::MAX);
    steps(&mut cpu, 2);
    assert_eq!(cpu.cp0.cause, 0x0300);
    assert_eq!(cpu.cp0.epc, KSEG0 + 4);
}

/// Enabling interrupts with one pending takes it at the next instruction.
#[test]
fn a_pending_interrupt_is_taken_when_enabled() {
    let mut cpu = loaded(&[asm::mtc0(8, reg::STATUS), asm::addiu(9, 0, 1)]);
    cpu.board.raised = Some((0, 1));
    cpu.set_reg(8, 0x0401);
    steps(&mut cpu, 2);
    assert_eq!((cpu.cp0.epc, cpu.reg(9)), (KSEG0 + 4, 0));
}

/// CpCond0 is "write buffer empty": `bc0f` spins until the last store is in memory.
#[test]
fn the_write_buffer_is_coprocessor_condition_0() {
    let mut cpu = loaded(&[asm::sw(8, 0, r::A0), asm::NOP, asm::bc0f(-1), asm::NOP, asm::BREAK]);
    cpu.set_reg(4, 0x8002_0000);
    common::run_to(&mut cpu, KSEG0 + 16);
    let c = cpu.counters();
    // The store enters at 16, is done at 21. bc0f looks at the end of its cycle: 18, 20, 22.
    assert_eq!(c.cycles, 15 + 2 + 3 * 2 + 15 - 15);
}
