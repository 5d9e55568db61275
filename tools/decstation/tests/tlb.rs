//! Address translation. Kane, *MIPS RISC Architecture*, chapter 4.

mod common;
use common::{Bare, KSEG0, bare, loaded, put, steps};
use decstation::asm::{self, r};
use decstation::counters::Stall;
use decstation::cp0::reg;
use decstation::cpu::Stop;
use decstation::tlb::{Entry, LO_D, LO_G, LO_N, LO_V};

fn entry(va: u32, asid: u32, pa: u32, flags: u32) -> Entry {
    Entry { hi: va | asid << 6, lo: pa | flags }
}

fn code(cpu: &Bare) -> u32 {
    cpu.cp0.cause >> 2 & 31
}

/// The vector and code of each way to miss.
#[test]
fn misses_of_kuseg_go_to_the_utlb_vector_and_others_do_not() {
    for (va, inst, present, vector, want) in [
        (0x5000u32, asm::lw(8, 0, 4), None, 0u32, 2u32),
        (0x5000, asm::sw(8, 0, 4), None, 0, 3),
        (0xc000_5000, asm::lw(8, 0, 4), None, 0x80, 2),
        (0xc000_5000, asm::sw(8, 0, 4), None, 0x80, 3),
        (0x5000, asm::lw(8, 0, 4), Some(0), 0x80, 2),    // invalid
        (0x5000, asm::sw(8, 0, 4), Some(LO_D), 0x80, 3), // invalid
        (0x5000, asm::sw(8, 0, 4), Some(LO_V), 0x80, 1), // not dirty
    ] {
        let mut cpu = loaded(&[inst]);
        if let Some(flags) = present {
            cpu.tlb_write(9, entry(va, 0, 0x2_0000, flags));
        }
        cpu.set_reg(4, va);
        steps(&mut cpu, 1);
        assert_eq!((cpu.pc(), code(&cpu)), (0x8000_0000 + vector, want), "{va:x} {inst:x}");
        assert_eq!(cpu.cp0.bad_vaddr, va);
        assert_eq!(cpu.cp0.entry_hi & 0xffff_f000, va);
        assert_eq!(cpu.cp0.context & 0x1f_fffc, va >> 12 << 2 & 0x1f_fffc);
    }
}

/// A TLB exception sets EntryHi's page and keeps its ASID; Context keeps PTEBase.
#[test]
fn a_miss_prepares_the_refill() {
    let mut cpu = loaded(&[asm::lw(8, 0x124, 4)]);
    cpu.cp0.write(reg::ENTRY_HI, 0x0000_0ac0);
    cpu.cp0.write(reg::CONTEXT, 0x8020_0000);
    cpu.set_reg(4, 0x1234_5000);
    steps(&mut cpu, 1);
    assert_eq!(cpu.cp0.entry_hi, 0x1234_5ac0);
    assert_eq!(cpu.cp0.context, 0x8020_0000 | 0x1_2345 << 2);
    assert_eq!(cpu.cp0.bad_vaddr, 0x1234_5124);
}

/// The usual refill handler: nine instructions, then the load again.
#[test]
fn a_refill_handler_works() {
    let mut cpu = loaded(&[asm::lw(8, 4, 4), asm::NOP]);
    put(
        &mut cpu,
        0x8000_0000,
        &[
            asm::mfc0(r::K0, reg::CONTEXT),
            asm::mfc0(r::K1, reg::EPC),
            asm::lw(r::K0, 0, r::K0),
            asm::NOP,
            asm::mtc0(r::K0, reg::ENTRY_LO),
            asm::NOP,
            asm::TLBWR,
            asm::jr(r::K1),
            asm::RFE,
        ],
    );
    // The page table at 0x80200000: page 5 is at physical 0x20000.
    cpu.cp0.write(reg::CONTEXT, 0x8020_0000);
    put(&mut cpu, 0x8020_0014, &[0x0002_0000 | LO_V]);
    put(&mut cpu, 0x8002_0004, &[0xcafe_f00d]);
    cpu.set_reg(4, 0x5000);
    steps(&mut cpu, 12);
    assert_eq!(cpu.reg(8), 0xcafe_f00d);
    assert_eq!(cpu.counters().utlb_misses, 1);
}

/// The ASID must match unless G is set; a change of ASID takes effect at once.
#[test]
fn asids_and_global_pages() {
    let program = [
        asm::lw(8, 0, 4),
        asm::lw(9, 0, 5),
        asm::mtc0(10, reg::ENTRY_HI),
        asm::NOP,
        asm::lw(11, 0, 5),
        asm::lw(12, 0, 4),
    ];
    let mut cpu = loaded(&program);
    cpu.tlb_write(8, entry(0x5000, 1, 0x2_0000, LO_V));
    cpu.tlb_write(9, entry(0x6000, 1, 0x2_1000, LO_V | LO_G));
    put(&mut cpu, 0x8002_0000, &[111]);
    put(&mut cpu, 0x8002_1000, &[222]);
    cpu.cp0.write(reg::ENTRY_HI, 1 << 6);
    cpu.set_reg(4, 0x5000);
    cpu.set_reg(5, 0x6000);
    cpu.set_reg(10, 2 << 6);
    let mut cpu = cpu.restarted(KSEG0);
    steps(&mut cpu, 6);
    assert_eq!((cpu.reg(8), cpu.reg(9), cpu.reg(11)), (111, 222, 222));
    assert_eq!((cpu.pc(), cpu.cp0.bad_vaddr), (0x8000_0000, 0x5000));
}

/// `tlbwi`, `tlbr`, `tlbp`, and `tlbwr` above the wired entries.
#[test]
fn tlb_instructions() {
    let mut cpu = loaded(&[
        asm::mtc0(8, reg::ENTRY_HI),
        asm::mtc0(9, reg::ENTRY_LO),
        asm::mtc0(10, reg::INDEX),
        asm::NOP,
        asm::TLBWI,
        asm::TLBP,
        asm::NOP,
        asm::mfc0(11, reg::INDEX),
        asm::mtc0(0, reg::ENTRY_LO),
        asm::TLBR,
        asm::NOP,
        asm::mfc0(12, reg::ENTRY_LO),
        asm::mtc0(13, reg::ENTRY_HI),
        asm::NOP,
        asm::TLBP,
        asm::mfc0(14, reg::INDEX),
        asm::NOP,
    ]);
    cpu.set_reg(8, 0x0abc_d000 | 7 << 6);
    cpu.set_reg(9, 0x0012_3000 | LO_V | LO_N);
    cpu.set_reg(10, 5 << 8);
    cpu.set_reg(13, 0x0abc_d000 | 8 << 6);
    steps(&mut cpu, 17);
    assert_eq!(cpu.reg(11), 5 << 8);
    assert_eq!(cpu.reg(12), 0x0012_3000 | LO_V | LO_N);
    assert_eq!(cpu.reg(14), 0x8000_0000 | 5 << 8);
    for start in 0..60 {
        let mut code = vec![asm::NOP; start];
        code.push(asm::TLBWR);
        let mut cpu = loaded(&code);
        cpu.cp0.entry_hi = 0x7000;
        steps(&mut cpu, start + 1);
        let at = cpu.tlb().entries().iter().position(|e| e.hi == 0x7000);
        assert!(at >= Some(8), "{at:?}");
    }
}

/// Two matching entries shut the TLB down; the model reports it.
#[test]
fn duplicates_are_reported() {
    let mut cpu = loaded(&[asm::lw(8, 0, 4), asm::NOP]);
    cpu.tlb_write(3, entry(0x5000, 0, 0x2_0000, LO_V));
    cpu.tlb_write(40, entry(0x5000, 0, 0x2_1000, LO_V));
    cpu.set_reg(4, 0x5000);
    match cpu.run(1000) {
        Stop::Fault(report) => {
            assert!(report.contains("TLB shutdown"), "{report}");
            assert!(report.contains("entries 3") && report.contains("40"), "{report}");
        }
        other => panic!("{other:?}"),
    }
    assert_ne!(cpu.cp0.status & decstation::cp0::status::TS, 0);
}

/// N: the page is not cached, for data and for instructions.
#[test]
fn uncached_pages() {
    let mut cpu = loaded(&[asm::lw(8, 0, 4), asm::lw(8, 0, 4), asm::NOP]);
    cpu.tlb_write(3, entry(0x5000, 0, 0x2_0000, LO_V | LO_N));
    cpu.set_reg(4, 0x5000);
    steps(&mut cpu, 3);
    let c = cpu.counters();
    assert_eq!((c.dcache_misses, c.stall(Stall::Device)), (0, 30));
    let mut cpu = bare("5000/200");
    put(&mut cpu, 0x8002_0000, &[asm::NOP; 4]);
    cpu.tlb_write(3, entry(0x5000, 0, 0x2_0000, LO_V | LO_N));
    cpu.jump(0x5000);
    steps(&mut cpu, 4);
    let c = cpu.counters();
    assert_eq!((c.icache_misses, c.stall(Stall::Device)), (0, 60));
}

/// A page whose entry is replaced is gone at once, for fetches, loads and stores.
#[test]
fn a_replaced_entry_is_forgotten() {
    let mut cpu = loaded(&[
        asm::lw(8, 0, 4),
        asm::sw(8, 4, 4),
        asm::mtc0(0, reg::ENTRY_HI),
        asm::mtc0(0, reg::ENTRY_LO),
        asm::mtc0(10, reg::INDEX),
        asm::NOP,
        asm::TLBWI,
        asm::lw(9, 0, 4),
    ]);
    cpu.tlb_write(3, entry(0x5000, 0, 0x2_0000, LO_V | LO_D));
    cpu.set_reg(4, 0x5000);
    cpu.set_reg(10, 3 << 8);
    steps(&mut cpu, 8);
    assert_eq!((cpu.pc(), cpu.cp0.bad_vaddr), (0x8000_0000, 0x5000));
}

/// A valid page that was only read is not writable because of that.
#[test]
fn loads_do_not_make_a_page_writable() {
    let mut cpu = loaded(&[asm::lw(8, 0, 4), asm::sw(8, 0, 4)]);
    cpu.tlb_write(3, entry(0x5000, 0, 0x2_0000, LO_V));
    cpu.set_reg(4, 0x5000);
    steps(&mut cpu, 2);
    assert_eq!((cpu.pc(), code(&cpu)), (0x8000_0080, 1));
}

/// The micro-TLB holds two pages: code that alternates between two is free, a third costs a cycle
/// at every change. (5000/200, one cycle a miss.)
/// ```text
/// 1 -> 2 -> 1 -> 2        each page missed once:        2 cycles
/// 1 -> 2 -> 3 -> 1 -> 2   every change is a miss:       5 cycles
/// ```
#[test]
fn the_micro_tlb_holds_two_pages() {
    let run = |pages: &[u32], changes: usize| {
        let mut cpu = bare("5000/200");
        for (i, &page) in pages.iter().enumerate() {
            let next = pages[(i + 1) % pages.len()];
            put(&mut cpu, 0x8002_0000 + page, &[asm::j(0x1000 + next), asm::NOP]);
            cpu.tlb_write(10 + i, entry(0x1000 + page, 0, 0x2_0000 + page, LO_V));
        }
        cpu.jump(0x1000 + pages[0]);
        steps(&mut cpu, 2 * changes);
        cpu.counters().stall(Stall::MicroTlb)
    };
    assert_eq!(run(&[0, 0x1000], 4), 2);
    assert_eq!(run(&[0, 0x1000, 0x2000], 5), 5);
}
