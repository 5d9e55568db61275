//! What the directed tests share: a bare processor with code in memory.

#![allow(dead_code)] // each test file uses its part

pub mod guest;

use decstation::cpu::{Cpu, Stop};
use decstation::params::{Bound, Params};
use decstation::test_board::EmptyBoard;

/// A bare processor: RAM, nothing on the board.
pub type Bare = Cpu<EmptyBoard>;

/// kseg0 address at which test programs start: cached, unmapped.
pub const KSEG0: u32 = 0x8000_1000;
/// kseg1: uncached, unmapped.
pub const KSEG1: u32 = 0xa000_0000;
/// The bits of Status that leave the bootstrap vectors.
pub const RAM_VECTORS: u32 = 0;

/// A processor of `machine` at the central parameters, with ordinary exception vectors.
pub fn bare(machine: &str) -> Bare {
    let params = Params::built_in(machine, Bound::Central).expect("built-in parameters");
    let mut cpu = Cpu::new(&params, 4 << 20, EmptyBoard::default());
    cpu.cp0.status = RAM_VECTORS;
    cpu
}

/// Puts `code` into memory at kseg0 or kseg1 address `va`.
pub fn put(cpu: &mut Bare, va: u32, code: &[u32]) {
    let at = (va & 0x1fff_ffff) as usize;
    for (i, w) in code.iter().enumerate() {
        cpu.ram[at + 4 * i..][..4].copy_from_slice(&w.to_le_bytes());
    }
}

/// The word of memory at kseg0 or kseg1 address `va`.
pub fn word(cpu: &Bare, va: u32) -> u32 {
    let at = (va & 0x1fff_ffff) as usize;
    u32::from_le_bytes(cpu.ram[at..at + 4].try_into().expect("four bytes"))
}

/// A 5000/200 with `code` at [`KSEG0`], about to run it.
pub fn loaded(code: &[u32]) -> Bare {
    loaded_on("5000/200", code)
}

/// The same on any machine.
pub fn loaded_on(machine: &str, code: &[u32]) -> Bare {
    let mut cpu = bare(machine);
    put(&mut cpu, KSEG0, code);
    cpu.jump(KSEG0);
    cpu
}

/// Executes `n` steps (an instruction, or an interrupt's entry together with the handler's first).
pub fn steps(cpu: &mut Bare, n: usize) {
    cpu.hooks_mut().single_step = true;
    for _ in 0..n {
        assert_eq!(cpu.run(u64::MAX), Stop::Breakpoint);
    }
    cpu.hooks = None;
}

/// Runs until the program counter is `pc`; fails after 100,000 cycles.
pub fn run_to(cpu: &mut Bare, pc: u32) {
    cpu.hooks_mut().breakpoints.insert(pc);
    let limit = cpu.now() + 100_000;
    assert_eq!(cpu.run(limit), Stop::Breakpoint, "at {:08x}", cpu.pc());
    cpu.hooks = None;
}

/// Brings the code into the instruction cache: runs it once and starts it again at time zero of a
/// new count. Returns the cycles that `n` more steps take.
pub fn warm_cycles(cpu: &mut Bare, n: usize) -> u64 {
    steps(cpu, n);
    // Let the write buffer drain and the multiplier finish.
    let idle = KSEG0 + 0x800;
    put(cpu, idle, &[0x1000_ffff, 0]);
    cpu.jump(idle);
    let until = cpu.now() + 1000;
    cpu.run(until);
    cpu.jump(KSEG0);
    let before = cpu.now();
    steps(cpu, n);
    cpu.now() - before
}
