//! Plants a fault in the kernel: the kind that the command line says (`seed=N`).
//!
//! A test build reports it and ends with status 101; kind 6 is a panic and ends with 102.
#![no_std]
#![no_main]

use exos::abi::calls::Fact;
use exos::{call, println};

exos::program!(main);

fn main() -> u32 {
    let kind = call::machine(Fact::Seed as u32).unwrap_or(u32::MAX);
    println!("planting fault {kind} in the kernel");
    let result = call::check_fault(kind);
    println!("the kernel answered {result:?}");
    1
}
