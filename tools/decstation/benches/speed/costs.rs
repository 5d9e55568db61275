//! What each thing that a program does costs the host: loops of that one thing, less what any
//! instruction costs.

use decstation::asm::{self, r};

use super::loops::Loop;
use super::nanoseconds;

/// Host nanoseconds, each for one more of its kind.
pub struct Costs {
    /// Any instruction: fetch from the cache, dispatch on the decoded operation, the clock.
    pub instruction: f64,
    /// Beyond that: operands, the operation, the result.
    pub arithmetic: f64,
    pub branch: f64,
    pub multiply: f64,
    pub load: f64,
    pub store: f64,
    pub partial_store: f64,
    pub data_miss: f64,
}

/// Measures and prints.
pub fn table() -> Costs {
    const TIMES: usize = 64;
    println!("\n{:<64} {:>9}", "one more of these costs the host", "ns");
    let row = |name: &str, ns: f64| {
        println!("{name:<64} {ns:>9.2}");
        ns
    };
    let of = |body: &[u32]| nanoseconds(&Loop::of("", body, TIMES / body.len()));
    let instruction = row("instruction (nop): fetch, dispatch, clock", of(&[asm::NOP]));
    // `n` instructions that do one thing together.
    let more = |name: &str, body: &[u32]| {
        let n = body.len() as f64;
        row(name, ((of(body) - instruction) * n).max(0.0))
    };
    let (a0, a1, a2, a3) = (r::A0, r::A1, r::A2, r::A3);
    let arithmetic = more("  and it adds two registers", &[asm::addu(r::T1, r::T0, r::T2)]);
    let branch = more("  and it is a taken branch", &[asm::beq(0, 0, 1), asm::NOP]);
    let multiply = more("  mult and mflo, with the wait", &[asm::mult(r::T0, r::T0), asm::mflo(r::T1)]);
    let load = more("  and it loads: translation, data cache", &[asm::lw(r::T1, 0, a0)]);
    let store = more("  and it stores: translation, cache, memory, write buffer", &[asm::sw(r::T1, 0, a0)]);
    let partial_store = more("  and it stores a byte", &[asm::sb(r::T1, 0, a0)]);
    let missing = of(&[asm::lw(r::T1, 0, a0), asm::lw(r::T1, 0, a1)]) - instruction;
    let data_miss = row("data-cache miss, four words filled", (missing - load).max(0.0));
    let jumps = |there| (nanoseconds(&Loop::between("", there)) - instruction) * 2.0;
    let near = jumps(0x8000_1100);
    let page = jumps(0x8000_3100);
    row("instruction page changed", (page - near).max(0.0));
    row("instruction-cache miss, four words filled and decoded", (jumps(0x8001_1000) - page).max(0.0));
    more("uncached load", &[asm::lw(r::T1, 0, a2)]);
    more("load from a device: board, clock chip, interrupt lines", &[asm::lw(r::T1, 0, a3)]);
    let call = nanoseconds(&Loop::of("", &[asm::SYSCALL], TIMES).with_handler()) * 6.0 - 6.0 * instruction;
    row("exception and return: syscall, six instructions", call.max(0.0));
    let watched = nanoseconds(&Loop::of("", &[asm::NOP], TIMES).watched());
    row("instruction watched by --trace, --profile, --strict or --gdb", watched - instruction);
    Costs { instruction, arithmetic, branch, multiply, load, store, partial_store, data_miss }
}
