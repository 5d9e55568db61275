//! Plants a fault in the kernel: the kind that the command line says (`seed=N`).
//!
//! A test build reports it and ends with status 101; kind 6 is a panic and ends with 102. From 100 on it is
//! an error in the kernel's state, of kind N - 100, which the checker of invariants finds: a panic too.
#![no_std]
#![no_main]

use exos::abi::calls::Fact;
use exos::{call, println};

exos::program!(main);

/// The first of the errors in the kernel's state.
const STATE: u32 = 100;

fn main() -> u32 {
    let kind = call::machine(Fact::Seed as u32).unwrap_or(u32::MAX);
    if kind < STATE {
        println!("planting fault {kind} in the kernel");
        let result = call::check_fault(kind);
        println!("the kernel answered {result:?}");
        return 1;
    }
    let checked = call::check_invariants();
    println!("planting error {} in the kernel's state; before, {checked:?} invariants hold", kind - STATE);
    let result = call::check_plant(kind - STATE);
    println!("the kernel answered {result:?}");
    let checked = call::check_invariants();
    println!("NOT FOUND: {checked:?}");
    1
}
