//! What the benchmarks share: the clock, its calibration, trials, and the lines that the runner
//! reads (tools/bench/src/protocol.rs).
//!
//! The method is the paper's (section 4): a loop long enough to swamp starting and stopping, warm,
//! total over count, three trials. The loops are assembly, so that what is counted can be read; the
//! paper's procedure call of 7 cycles is such a loop of seven instructions, its counting included,
//! and so the loops' own instructions are kept everywhere but where a row says that they are not.

use core::arch::global_asm;

use exos::abi::calls::Fact;
use exos::{call, print, println};

/// A loop in assembly: argument and result are as its user documents them.
pub type Loop = unsafe extern "C" fn(u32, u32) -> u32;

/// Whether the quick form was asked for on the kernel's command line.
pub fn quick() -> bool {
    call::machine(Fact::Quick as u32) == Ok(1)
}

/// Iterations of a loop: many, or few in the quick form; `seed=N` on the command line makes it N,
/// for those who count instructions one by one.
pub fn iterations() -> u32 {
    match call::machine(Fact::Seed as u32) {
        Ok(n) if n > 0 => n,
        _ if quick() => 20_000,
        _ => 200_000,
    }
}

/// The clock when `n` iterations of a loop began, and the ticks that they took.
#[inline(never)] // the same instructions around every loop, or their difference would be measured
pub fn ticks(body: Loop, n: u32, argument: u32) -> (u32, u32) {
    let begin = call::clock();
    // SAFETY: the loops follow the C calling convention and touch what their argument names.
    unsafe { body(n, argument) };
    (begin, call::clock().wrapping_sub(begin))
}

/// Three trials of a row, each at another phase of the clock.
#[allow(dead_code, reason = "some benchmarks take longer")]
pub fn row(table: &str, name: &str, body: Loop, argument: u32, per: u32) {
    row_of(iterations(), table, name, body, argument, per);
}

/// The same with `n` iterations, for what takes long.
pub fn row_of(n: u32, table: &str, name: &str, body: Loop, argument: u32, per: u32) {
    trials(n, table, name, body, argument, format_args!("per={per}"), || {});
}

/// The same for a system that is not the one that the runner knows, if one is given, and with something to be done before each
/// trial that is not measured.
#[allow(dead_code, reason = "most benchmarks have none")]
pub fn row_for(system: Option<&str>, n: u32, table: &str, name: &str, body: Loop, per: u32, before: fn()) {
    match system {
        Some(system) => {
            trials(n, table, name, body, 0, format_args!("per={per} system=\"{system}\""), before)
        }
        None => trials(n, table, name, body, 0, format_args!("per={per}"), before),
    }
}

/// The same, where each iteration is prepared by `before` and measured alone.
#[allow(dead_code, reason = "most benchmarks have none")]
pub fn row_of_stretches(system: Option<&str>, table: &str, name: &str, body: Loop, before: fn()) {
    // What is prepared and measured is to fit into a slice, and so begins with one.
    let prepared = || {
        let _ = exos::slice::yield_to(exos::abi::Name::NOBODY);
        before();
        ticks(body, 1, 0)
    };
    prepared();
    for trial in 1..=3 {
        let mut measured = [(0, 0); STRETCHES];
        measured.fill_with(prepared);
        let total: u32 = measured.iter().map(|(_, ticks)| ticks).sum();
        print!("BENCH {table} \"{name}\" {trial} {STRETCHES} {total} per=1 at=");
        for (index, (begin, ticks)) in measured.iter().enumerate() {
            print!("{}{begin}+{ticks}", if index == 0 { "" } else { "," });
        }
        match system {
            Some(system) => println!(" system=\"{system}\""),
            None => println!(),
        }
    }
}

/// Iterations that are measured one by one.
const STRETCHES: usize = 10;

/// A point of a figure, `x` on its horizontal axis.
#[allow(dead_code, reason = "most benchmarks have none")]
pub fn point(n: u32, figure: &str, curve: &str, x: u32, body: Loop, argument: u32) {
    trials(n, figure, curve, body, argument, format_args!("x={x}"), || {});
}

fn trials(
    n: u32,
    table: &str,
    name: &str,
    body: Loop,
    argument: u32,
    extra: core::fmt::Arguments,
    before: fn(),
) {
    // Once to warm up: the first pass fills both TLBs and the transfer caches.
    before();
    ticks(body, n.min(1000), argument);
    for trial in 1..=3 {
        before();
        // With a whole slice: the end of one would be much of what is short. A yield to nobody in particular is never
        // refused.
        let _ = exos::slice::yield_to(exos::abi::Name::NOBODY);
        // SAFETY: the loop counts down and does nothing else.
        unsafe { measure_empty(trial * 137, 0) };
        let (begin, ticks) = ticks(body, n, argument);
        println!("BENCH {table} \"{name}\" {trial} {n} {ticks} {extra} at={begin}");
    }
}

/// What the end of a slice and the start of the next cost whoever computes meanwhile: a loop of known
/// length that spans so many slices takes longer by that.
#[allow(dead_code, reason = "one benchmark measures it")]
pub fn slices(count: u32, table: &str, name: &str) {
    let quantum = call::machine(Fact::QuantumTicks as u32).unwrap_or(0);
    // As many iterations as take one slice without its end.
    let (_, probe) = ticks(measure_empty, 10_000, 0);
    let n = (u64::from(quantum) * u64::from(count) * 10_000 / u64::from(probe.max(1))) as u32;
    for trial in 1..=3 {
        let (begin, ticks) = ticks(measure_empty, n, 0);
        let ended = (ticks + quantum / 2) / quantum.max(1);
        println!("BENCH {table} \"{name}\" {trial} {ended} {ticks} less={} at={begin}", 3 * n);
    }
}

/// Times loops of known length, from which the runner learns what a tick is.
pub fn calibrate() {
    let most = iterations();
    let lengths = [most / 8, most / 4, most / 2, most];
    // Twice, and printed at the end: the first pass fills the TLB, printing would disturb the second.
    let mut measured = [0; 4];
    for _ in 0..2 {
        for (n, result) in lengths.into_iter().zip(&mut measured) {
            *result = ticks(measure_empty, n, 0).1;
        }
    }
    for (n, result) in lengths.into_iter().zip(measured) {
        // Three instructions an iteration.
        println!("CLOCK {result} {}", 3 * n);
    }
}

unsafe extern "C" {
    /// Counts its first argument down: three instructions an iteration.
    fn measure_empty(n: u32, unused: u32) -> u32;
}

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl measure_empty",
    "measure_empty:",
    "1: addiu $4, $4, -1",
    "bnez $4, 1b",
    "nop",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
);
