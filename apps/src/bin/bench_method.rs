//! What the paper says of its method (section 4): the length of a time slice, and that conflicts in the instruction cache
//! cost up to a factor of three, which the order of linking cures. The benchmark that is linked badly here is the null
//! procedure call of Table 4: caller and procedure lie a cache's size apart, so that each evicts the other.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;

use exos::abi::layout::ANY;
use exos::spawn::spawn;
use exos::{call, memory, println, slice};

#[path = "../measure.rs"]
mod measure;

exos::program!(main);

/// Time slices of a trial; one more is the first end that is waited for. Beyond the excess-time threshold there are none.
const SLICES: u32 = 6;

fn main() -> u32 {
    measure::calibrate();
    if !apart() {
        return 1;
    }
    measure::row("exos", "conflicts, linked badly", conflict_badly, 0, 1);
    measure::row("exos", "conflicts, linked well", conflict_well, 0, 1);
    // Slices that follow each other and have one owner are one long one: somebody else has to have one.
    let other = spawn("transfer_server", &[memory::myself().0]);
    let given = other
        .as_ref()
        .is_ok_and(|other| call::slice_alloc(ANY).and_then(|at| call::slice_give(at, other.name.0)).is_ok());
    if !given {
        println!("bench: nobody to end a slice for");
        return 1;
    }
    for trial in 1..=3 {
        time_slices(trial);
    }
    0
}

/// Whether the linker has put the two procedures where this file wants them, and their pages follow each other in memory.
fn apart() -> bool {
    let lines = |f: measure::Loop| {
        let address = f as *const () as u32;
        memory::pinned(address).map(|page| (memory::colour(page), address % 4096 / 16))
    };
    let (badly, well) = (lines(conflict_badly_callee), lines(conflict_well_callee));
    let same = lines(conflict_badly) == badly;
    if !same || well.is_none() || well == badly {
        println!("bench: not linked as it should be: {badly:?} {well:?}");
    }
    same
}

/// Times whole slices: in a critical section the end of this one is not given way to, and Aegis counts the quanta that go
/// by (section 5.1.1: excess time).
fn time_slices(trial: u32) {
    // With a whole slice; who owes excess time waits for it to be over.
    let _ = slice::yield_to(exos::abi::Name::NOBODY);
    let (begin, end) = slice::critical(|| {
        let excess = || {
            // SAFETY: a word of the environment's own page, which the kernel writes.
            unsafe { (&raw const memory::environment().excess).read_volatile() }
        };
        let first = excess();
        while excess() == first {}
        let begin = call::clock();
        while excess() != first + 1 + SLICES {}
        (begin, call::clock())
    });
    println!("BENCH exos \"time slice\" {trial} {SLICES} {} at={begin}", end.wrapping_sub(begin));
}

unsafe extern "C" {
    /// Calls an empty procedure that lies a cache's size behind it.
    fn conflict_badly(n: u32, unused: u32) -> u32;
    fn conflict_badly_callee(n: u32, unused: u32) -> u32;
    /// The same instructions, with the procedure in other lines of the cache.
    fn conflict_well(n: u32, unused: u32) -> u32;
    fn conflict_well_callee(n: u32, unused: u32) -> u32;
}

global_asm!(
    ".macro caller name, callee",
    "\\name:",
    "move $9, $31",
    // The loop and the procedure are a line each: from here on.
    "1: jal \\callee",
    "addiu $4, $4, -1",
    "bnez $4, 1b",
    "nop",
    "jr $9",
    "nop",
    ".endm",
    ".pushsection .text.conflicts, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".balign 0x1000",
    ".space 0xe00",
    "caller conflict_well, conflict_well_callee",
    ".balign 16",
    ".globl conflict_well_callee",
    "conflict_well_callee: jr $31",
    "nop",
    ".balign 0x100",
    "conflicts: caller conflict_badly, conflict_badly_callee",
    ".space 0x10000 - (. - conflicts)",
    ".globl conflict_badly_callee",
    "conflict_badly_callee: jr $31",
    "nop",
    ".set pop",
    ".popsection",
);
