//! Time: hand-computed cycle counts, each written as a timeline.
//!
//! `F` fetch stall, `I` issue, `M` memory stall, `W` write-buffer stall, `H` multiplier stall, `X`
//! exception entry. Parameters are those of `machines.toml`, central values.

mod common;
use common::{KSEG0, loaded, loaded_on, put, steps, warm_cycles};
use decstation::asm::{self, r};
use decstation::counters::Stall;

const DATA: u32 = 0x8002_0000;

/// 5000/200, cold: one miss of 15 cycles fetches 16 bytes, four instructions.
/// ```text
/// FFFFFFFFFFFFFFFI I I I FFFFFFFFFFFFFFFI
/// 15              +4     +15            +1  = 35
/// ```
#[test]
fn a_cold_line_of_code() {
    let mut cpu = loaded(&[asm::NOP; 5]);
    steps(&mut cpu, 5);
    assert_eq!(cpu.now(), 35);
    let c = cpu.counters();
    assert_eq!((c.instructions, c.nops, c.icache_misses), (5, 5, 2));
    assert_eq!(c.stall(Stall::ICache), 30);
}

/// 3100, cold: 4-byte lines, 6 cycles each: (6 + 1) x 5.
#[test]
fn a_cold_line_of_code_on_a_3100() {
    let mut cpu = loaded_on("3100", &[asm::NOP; 5]);
    steps(&mut cpu, 5);
    assert_eq!(cpu.now(), 35);
    assert_eq!(cpu.counters().icache_misses, 5);
}

/// The loop of a null procedure call: seven instructions, all in the cache, seven cycles on every
/// machine, which is the 0.56, 0.42 and 0.28 us of the paper's Table 4.
#[test]
fn seven_instructions_take_seven_cycles() {
    for (machine, us) in [("2100", 0.56), ("3100", 0.42), ("5000/125", 0.28), ("5000/200", 0.28)] {
        let mut cpu = loaded_on(
            machine,
            &[
                asm::jal(KSEG0 + 28),          // 1: call
                asm::addiu(r::T0, r::T0, 1),   // 2: its delay slot
                asm::slt(r::T1, r::T0, r::A0), // 5
                asm::bne(r::T1, 0, -4),        // 6: again
                asm::NOP,                      // 7
                asm::BREAK,
                asm::NOP,
                asm::jr(r::RA), // 3: return
                asm::NOP,       // 4
            ],
        );
        cpu.set_reg(r::A0 as usize, 1_000_000);
        steps(&mut cpu, 7);
        let before = cpu.now();
        for _ in 0..1000 {
            steps(&mut cpu, 7);
        }
        let cycles = (cpu.now() - before) as f64 / 1000.0;
        assert_eq!(cycles, 7.0, "{machine}");
        let hz = decstation::params::Params::built_in(machine, Default::default()).unwrap().clock_hz;
        let got = cycles * 1e6 / hz as f64;
        assert!((got - us).abs() < 0.005, "{machine}: {got} us");
    }
}

/// `mult` then `mflo`: the result can be read 12 cycles after the issue of `mult`.
/// ```text
/// mult I
/// mflo  HHHHHHHHHHHI     1 + 11 + 1 = 13
/// ```
#[test]
fn mflo_waits_for_mult() {
    let mut cpu = loaded(&[asm::mult(r::A0, r::A1), asm::mflo(r::T0)]);
    assert_eq!(warm_cycles(&mut cpu, 2), 13);
    // Three instructions between take three of the eleven: 1 + 3 + 8 + 1.
    let mut cpu = loaded(&[asm::mult(r::A0, r::A1), asm::NOP, asm::NOP, asm::NOP, asm::mflo(r::T0)]);
    assert_eq!(warm_cycles(&mut cpu, 5), 13);
    // With twelve between, nothing waits: 1 + 12 + 1.
    let mut code = vec![asm::mult(r::A0, r::A1)];
    code.extend([asm::NOP; 12]);
    code.push(asm::mfhi(r::T0));
    let mut cpu = loaded(&code);
    assert_eq!(warm_cycles(&mut cpu, 14), 14);
}

/// `div` then `mflo`: 35 cycles after issue: 1 + 34 + 1.
#[test]
fn mflo_waits_for_div() {
    let mut cpu = loaded(&[asm::div(r::A0, r::A1), asm::mflo(r::T0)]);
    cpu.set_reg(5, 3);
    assert_eq!(warm_cycles(&mut cpu, 2), 36);
}

/// A load that misses waits 15 cycles and brings four words; the next three loads hit.
/// ```text
/// lw IMMMMMMMMMMMMMMM lw I lw I lw I lw IMMM...   1+15 +1+1+1 +1+15 = 35
/// ```
#[test]
fn load_misses_on_the_5000_200() {
    let code: Vec<u32> = (0..5).map(|i| asm::lw(r::T0, 4 * i, r::A0)).collect();
    let mut cpu = loaded(&code);
    cpu.set_reg(r::A0 as usize, DATA + 0x1000);
    steps(&mut cpu, 5);
    cpu.jump(KSEG0);
    cpu.set_reg(r::A0 as usize, DATA);
    let before = cpu.now();
    steps(&mut cpu, 5);
    assert_eq!(cpu.now() - before, 35);
    // 2100: 6 cycles for each word.
    let mut cpu = loaded_on("2100", &code);
    cpu.set_reg(r::A0 as usize, DATA + 0x1000);
    steps(&mut cpu, 5);
    cpu.jump(KSEG0);
    cpu.set_reg(r::A0 as usize, DATA);
    let before = cpu.now();
    steps(&mut cpu, 5);
    assert_eq!(cpu.now() - before, 35);
}

/// Stores on a 2100: four entries, six cycles each. A store enters the buffer at the end of its
/// cycle. The first (at 1) occupies memory until 7, the second until 13, ...
/// ```text
/// cycle 0  1  2  3  4      7        13
/// sw    I0 I1 I2 I3 I4WW   .
///                       I5WWWWW  (at 8, until 13)
/// ```
/// The fifth enters at 5 and waits until 7; the sixth issues at 7..8 and waits until 13.
#[test]
fn a_full_write_buffer_stalls() {
    let code: Vec<u32> = (0..6).map(|i| asm::sw(r::T0, 4 * i, r::A0)).collect();
    let mut cpu = loaded_on("2100", &code);
    cpu.set_reg(r::A0 as usize, DATA);
    assert_eq!(warm_cycles(&mut cpu, 6), 6 + 2 + 5);
}

/// The same on a 5000/200: the first takes 5 cycles, the others of its page 1: never full.
#[test]
fn page_mode_keeps_up_with_stores() {
    let code: Vec<u32> = (0..12).map(|i| asm::sw(r::T0, 4 * i, r::A0)).collect();
    let mut cpu = loaded(&code);
    cpu.set_reg(r::A0 as usize, DATA);
    assert_eq!(warm_cycles(&mut cpu, 12), 12);
}

/// A load miss behind a store that has started waits for it.
/// ```text
/// sw I             enters at 1, memory 1..6
/// lw  I WWWW M*15  at 2 waits until 6, reads 6..21     1 + 1 + 4 + 15 = 21
/// ```
#[test]
fn a_miss_waits_for_a_started_write() {
    let mut cpu = loaded(&[asm::sw(r::T0, 0, r::A0), asm::lw(r::T1, 0, r::A1), asm::NOP]);
    cpu.set_reg(r::A0 as usize, DATA);
    cpu.set_reg(r::A1 as usize, DATA + 0x1000);
    steps(&mut cpu, 3);
    let idle = KSEG0 + 0x800;
    put(&mut cpu, idle, &[0x1000_ffff, 0]);
    cpu.jump(idle);
    let until = cpu.now() + 100;
    cpu.run(until);
    cpu.jump(KSEG0);
    cpu.set_reg(r::A1 as usize, DATA + 0x2000);
    let before = cpu.counters();
    steps(&mut cpu, 2);
    let took = cpu.counters() - before;
    assert_eq!(took.cycles, 21);
    assert_eq!(took.stall(Stall::WriteBuffer), 4);
    assert_eq!(took.stall(Stall::DCache), 15);
}

/// A byte store: one cycle more on an R3000, none on an R2000, which loses the cached word instead.
#[test]
fn partial_stores() {
    let code = [asm::lw(r::T1, 0, r::A0), asm::sb(r::T0, 0, r::A0), asm::lw(r::T1, 0, r::A0)];
    let mut cpu = loaded(&code);
    cpu.set_reg(r::A0 as usize, DATA);
    // lw I, sb I + 1, lw I (hit: merged)
    assert_eq!(warm_cycles(&mut cpu, 3), 4);
    let mut cpu = loaded_on("3100", &code);
    cpu.set_reg(r::A0 as usize, DATA);
    // lw IMMMMMM, the write 0..: lw 1, sb 1 (enters at 2, memory 2..8), lw at 3 misses, waits for
    // the write of its own word until 8, reads until 14.
    steps(&mut cpu, 3);
    let idle = KSEG0 + 0x800;
    put(&mut cpu, idle, &[0x1000_ffff, 0]);
    cpu.jump(idle);
    let until = cpu.now() + 100;
    cpu.run(until);
    cpu.jump(KSEG0);
    let before = cpu.now();
    steps(&mut cpu, 3);
    assert_eq!(cpu.now() - before, 14);
}

/// An exception: the instruction's own cycle and four for the entry, then the handler's first.
#[test]
fn exception_entry_takes_four_cycles() {
    let mut cpu = loaded(&[asm::SYSCALL]);
    put(&mut cpu, 0x8000_0080, &[asm::NOP]);
    steps(&mut cpu, 2);
    cpu.jump(KSEG0);
    let before = cpu.counters();
    steps(&mut cpu, 2);
    let took = cpu.counters() - before;
    assert_eq!((took.cycles, took.instructions), (6, 2));
    assert_eq!(took.stall(Stall::Exception), 4);
}

/// A device register: 25 cycles to read; a write takes the buffer 25 and the processor none, but a
/// read after it waits.
#[test]
fn device_accesses() {
    let mut cpu =
        loaded(&[asm::lw(r::T0, 0, r::A0), asm::sw(r::T0, 0, r::A0), asm::lw(r::T0, 0, r::A0), asm::NOP]);
    cpu.set_reg(r::A0 as usize, 0xbfe0_0000);
    assert_eq!(warm_cycles(&mut cpu, 1), 26);
    // sw: I, enters at 1, done at 26; lw: I, at 2 waits 24, reads 25.
    steps(&mut cpu, 2);
    cpu.jump(KSEG0 + 4);
    let idle = KSEG0 + 0x800;
    put(&mut cpu, idle, &[0x1000_ffff, 0]);
    cpu.jump(idle);
    let until = cpu.now() + 100;
    cpu.run(until);
    cpu.jump(KSEG0 + 4);
    let before = cpu.now();
    steps(&mut cpu, 2);
    assert_eq!(cpu.now() - before, 1 + 1 + 24 + 25);
}

/// Watching a run does not change it.
#[test]
fn watched_and_unwatched_runs_take_the_same_time() {
    let code = [
        asm::lw(r::T1, 0, r::A0),
        asm::addiu(r::A0, r::A0, 68),
        asm::sw(r::T1, 4, r::A0),
        asm::mult(r::A0, r::T1),
        asm::beq(0, 0, -5),
        asm::mflo(r::T2),
    ];
    let run = |watched: bool| {
        let mut cpu = loaded(&code);
        cpu.set_reg(r::A0 as usize, DATA);
        if watched {
            cpu.hooks_mut();
        }
        cpu.run(50_000);
        (cpu.now(), cpu.state_hash())
    };
    assert_eq!(run(false), run(true));
}
