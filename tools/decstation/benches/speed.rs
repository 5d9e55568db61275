//! How fast the model runs: guest instructions a second with full timing, on one core of the host.
//!
//! The issue asks for 40 million a second. Three mixes: straight integer work, loads and stores that
//! hit, and loads that miss the data cache.

#![allow(missing_docs)] // criterion_group! makes an undocumented function

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use decstation::asm::{self, r};
use decstation::cpu::Cpu;
use decstation::params::{Bound, Params};
use decstation::test_board::EmptyBoard;

/// A processor about to run `loop_body` for ever, in kseg0.
fn machine(loop_body: &[u32]) -> Cpu<EmptyBoard> {
    let params = Params::built_in("5000/200", Bound::Central).expect("built-in parameters");
    let mut cpu = Cpu::new(&params, 16 << 20, EmptyBoard::default());
    let mut code = loop_body.to_vec();
    code.push(asm::beq(0, 0, -(loop_body.len() as i32) - 1));
    code.push(asm::addiu(r::T0, r::T0, 1));
    for (i, w) in code.iter().enumerate() {
        cpu.ram[0x1000 + 4 * i..][..4].copy_from_slice(&w.to_le_bytes());
    }
    cpu.set_reg(r::A0 as usize, 0x8010_0000);
    cpu.jump(0x8000_1000);
    cpu
}

fn measure(c: &mut Criterion, name: &str, body: &[u32]) {
    let mut cpu = machine(body);
    let before = cpu.counters().instructions;
    cpu.run(100_000);
    let share = (cpu.counters().instructions - before) as f64 / 100_000.0;
    let mut group = c.benchmark_group("instructions");
    const CYCLES: u64 = 4_000_000;
    group.throughput(Throughput::Elements((CYCLES as f64 * share) as u64));
    group.sample_size(20);
    group.bench_function(name, |b| {
        b.iter(|| {
            let until = cpu.now() + CYCLES;
            cpu.run(until)
        });
    });
    group.finish();
}

fn speed(c: &mut Criterion) {
    measure(
        c,
        "integer",
        &[
            asm::addu(r::T1, r::T0, r::T2),
            asm::xor(r::T2, r::T1, r::T0),
            asm::sll(r::T3, r::T2, 3),
            asm::slt(r::T4, r::T3, r::T1),
            asm::beq(r::ZERO, r::T4, 1),
            asm::NOP,
            asm::subu(r::T5, r::T3, r::T1),
            asm::andi(r::T2, r::T5, 0xff),
        ],
    );
    measure(
        c,
        "memory",
        &[
            asm::lw(r::T1, 0, r::A0),
            asm::lw(r::T2, 4, r::A0),
            asm::addiu(r::T3, r::T1, 1),
            asm::sw(r::T3, 0, r::A0),
            asm::lbu(r::T4, 9, r::A0),
            asm::addu(r::T5, r::T2, r::T3),
            asm::sw(r::T5, 8, r::A0),
            asm::sb(r::T5, 12, r::A0),
        ],
    );
    measure(
        c,
        "data misses",
        &[
            asm::lw(r::T1, 0, r::A0),
            asm::addiu(r::A0, r::A0, 0x40),
            asm::lui(r::T2, 0xffef),
            asm::ori(r::T2, r::T2, 0xffff),
            asm::and(r::A0, r::A0, r::T2),
        ],
    );
}

criterion_group!(benches, speed);
criterion_main!(benches);
