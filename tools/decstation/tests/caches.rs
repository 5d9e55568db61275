//! The caches as software sees them: stale copies, isolation, swapping, sizing, flushing.
//! Kane, *MIPS RISC Architecture*, chapter 5 and appendix on cache flushing.

mod common;
use common::{Bare, KSEG0, KSEG1, bare, loaded, put, run_to, steps, word};
use decstation::asm::{self, r};
use decstation::cp0::{reg, status};

const DATA: u32 = 0x8002_0000;

/// A store does not change an instruction that is in the instruction cache.
#[test]
fn stores_leave_stale_instructions() {
    // Execute the instruction at 8, overwrite it, execute it again.
    let mut cpu = loaded(&[
        asm::sw(9, 8, 4),
        asm::NOP,
        asm::addiu(10, 10, 1), // overwritten with "addiu 10, 10, 16"
        asm::NOP,
    ]);
    cpu.set_reg(4, KSEG0);
    cpu.set_reg(9, asm::addiu(10, 10, 16));
    steps(&mut cpu, 4);
    assert_eq!(cpu.reg(10), 1, "the line was there before the store");
    cpu.jump(KSEG0 + 8);
    steps(&mut cpu, 1);
    assert_eq!(cpu.reg(10), 2, "still the old one");
    assert_eq!(word(&cpu, KSEG0 + 8), asm::addiu(10, 10, 16));
    // Uncached, the new one is seen.
    cpu.jump((KSEG0 & 0x1fff_ffff) | KSEG1 | 8);
    steps(&mut cpu, 1);
    assert_eq!(cpu.reg(10), 18);
}

/// A line of code that is replaced by another with the same index comes back new.
#[test]
fn eviction_brings_the_new_instruction() {
    let mut cpu = loaded(&[asm::addiu(10, 10, 1), asm::NOP]);
    put(&mut cpu, KSEG0 + 0x1_0000, &[asm::NOP, asm::NOP]);
    steps(&mut cpu, 1);
    put(&mut cpu, KSEG0, &[asm::addiu(10, 10, 16)]);
    cpu.jump(KSEG0);
    steps(&mut cpu, 1);
    assert_eq!(cpu.reg(10), 2);
    cpu.jump(KSEG0 + 0x1_0000);
    steps(&mut cpu, 1);
    cpu.jump(KSEG0);
    steps(&mut cpu, 1);
    assert_eq!(cpu.reg(10), 18);
}

/// Data that changes behind the cache (by an uncached store, as by DMA) stays old in it.
#[test]
fn the_data_cache_keeps_stale_data() {
    let mut cpu = loaded(&[
        asm::lw(8, 0, 4),
        asm::sw(9, 0, 5), // the same word, uncached
        asm::lw(10, 0, 4),
        asm::lw(11, 0, 5),
        asm::NOP,
    ]);
    put(&mut cpu, DATA, &[1]);
    cpu.set_reg(4, DATA);
    cpu.set_reg(5, DATA - 0x8000_0000 + KSEG1);
    cpu.set_reg(9, 2);
    steps(&mut cpu, 5);
    assert_eq!((cpu.reg(8), cpu.reg(10), cpu.reg(11)), (1, 1, 2));
}

/// Writes go through; a word store allocates, so the load after it hits.
#[test]
fn word_stores_allocate_and_write_through() {
    let mut cpu = loaded(&[asm::sw(9, 0, 4), asm::lw(10, 0, 4), asm::NOP]);
    cpu.set_reg(4, DATA);
    cpu.set_reg(9, 5);
    steps(&mut cpu, 3);
    assert_eq!((cpu.reg(10), word(&cpu, DATA)), (5, 5));
    assert_eq!(cpu.counters().dcache_misses, 0);
}

fn isolating(program: &[u32]) -> Bare {
    let mut cpu = bare("5000/200");
    put(&mut cpu, KSEG1 + 0x1000, program);
    cpu.set_reg(r::A3 as usize, status::ISC);
    cpu.jump(KSEG1 + 0x1000);
    cpu
}

/// Isolated accesses never reach memory; a word stored is loaded with CM clear, and a word with
/// another tag sets CM but is returned.
#[test]
fn isolation() {
    let mut cpu = isolating(&[
        asm::mtc0(r::A3, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::sw(9, 0, 4),
        asm::lw(10, 0, 4),
        asm::NOP,
        asm::mfc0(11, reg::STATUS),
        asm::lw(12, 0, 5), // the same index, another tag
        asm::NOP,
        asm::mfc0(13, reg::STATUS),
        asm::mtc0(0, reg::STATUS),
        asm::NOP,
    ]);
    put(&mut cpu, DATA, &[0x1111_1111]);
    cpu.set_reg(4, DATA);
    cpu.set_reg(5, DATA + 0x1_0000);
    cpu.set_reg(9, 0xa5a5_5a5a);
    steps(&mut cpu, 12);
    assert_eq!(word(&cpu, DATA), 0x1111_1111);
    assert_eq!((cpu.reg(10), cpu.reg(11) & status::CM), (0xa5a5_5a5a, 0));
    assert_eq!((cpu.reg(12), cpu.reg(13) & status::CM), (0xa5a5_5a5a, status::CM));
}

/// An isolated byte store makes the word invalid: the load after isolation misses.
#[test]
fn a_byte_store_flushes_a_word() {
    let mut cpu = isolating(&[
        asm::lw(8, 0, 4),
        asm::lw(8, 4, 4),
        asm::mtc0(r::A3, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::sb(0, 0, 4),
        asm::mtc0(0, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::lw(10, 4, 4),
        asm::lw(9, 0, 4),
        asm::NOP,
    ]);
    put(&mut cpu, DATA, &[1, 2]);
    cpu.set_reg(4, DATA);
    steps(&mut cpu, 2);
    put(&mut cpu, DATA, &[3, 4]);
    steps(&mut cpu, 10);
    assert_eq!((cpu.reg(10), cpu.reg(9)), (2, 3), "one word flushed, its neighbour not");
}

/// Sizing: write markers at powers of two, find the one that wraps onto the first word.
#[test]
fn cache_sizing_finds_64_kb() {
    for swap in [0, status::SWC] {
        let mut program = vec![asm::mtc0(r::A3, reg::STATUS), asm::NOP, asm::NOP];
        program.push(asm::sw(0, 0, 4));
        for shift in 7..19 {
            program.push(asm::lui(5, (0x8002_0000u32 + (1 << shift)) >> 16));
            program.push(asm::ori(5, 5, ((0x8002_0000u32 + (1 << shift)) & 0xffff) as i32));
            program.push(asm::sw(0, 0, 5));
        }
        program.extend([asm::addiu(9, 0, -1), asm::sw(9, 0, 4), asm::addiu(6, 0, 128)]);
        // loop: t = load(a0 + a2); if t == 0, a2 <<= 1, again
        program.extend([
            asm::addu(5, 4, 6),
            asm::lw(10, 0, 5),
            asm::NOP,
            asm::beq(10, 0, -4),
            asm::sll(6, 6, 1),
            asm::mtc0(0, reg::STATUS),
            asm::NOP,
            asm::NOP,
        ]);
        let mut cpu = isolating(&program);
        cpu.set_reg(4, DATA);
        cpu.set_reg(r::A3 as usize, status::ISC | swap);
        let end = KSEG1 + 0x1000 + 4 * program.len() as u32 - 4;
        run_to(&mut cpu, end);
        assert_eq!(cpu.reg(6) >> 1, 65536, "swap {swap:x}");
    }
}

/// Flushing the instruction cache: isolated and swapped, a byte store to every word.
#[test]
fn flushing_the_instruction_cache() {
    let mut cpu = isolating(&[
        asm::mtc0(r::A3, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::sb(0, 0, 4),
        asm::NOP,
        asm::mtc0(0, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::jr(4),
        asm::NOP,
    ]);
    cpu.set_reg(r::A3 as usize, status::ISC | status::SWC);
    cpu.set_reg(4, KSEG0 + 0x4000);
    put(&mut cpu, KSEG0 + 0x4000, &[asm::addiu(10, 0, 1), asm::NOP]);
    cpu.jump(KSEG0 + 0x4000);
    steps(&mut cpu, 1);
    put(&mut cpu, KSEG0 + 0x4000, &[asm::addiu(10, 0, 2)]);
    cpu.jump(KSEG0 + 0x4000);
    steps(&mut cpu, 1);
    assert_eq!(cpu.reg(10), 1);
    cpu.jump(KSEG1 + 0x1000);
    steps(&mut cpu, 11);
    assert_eq!(cpu.reg(10), 2);
}

/// Code that isolates and swaps while running cached: instructions then come through the data
/// cache, and the program still runs.
#[test]
fn swapped_execution_works() {
    let mut cpu = loaded(&[
        asm::mtc0(r::A3, reg::STATUS),
        asm::NOP,
        asm::NOP,
        asm::sb(0, 0, 4),
        asm::addiu(10, 10, 1),
        asm::mtc0(0, reg::STATUS),
        asm::NOP,
        asm::addiu(10, 10, 1),
    ]);
    cpu.set_reg(r::A3 as usize, status::ISC | status::SWC);
    cpu.set_reg(4, DATA);
    steps(&mut cpu, 8);
    assert_eq!((cpu.reg(10), cpu.pc()), (2, KSEG0 + 32));
}
