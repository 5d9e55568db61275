//! The guest tests of Aegis, third part: limits, time, revocation, yields. Needs a test build of the kernel, and the program `companion` in the boot image.
#![no_std]
#![no_main]

#[path = "../suite/limits.rs"]
mod limits;
#[path = "../suite/revocation.rs"]
mod revocation;
#[path = "../suite/timing.rs"]
mod timing;
#[path = "../suite/yields.rs"]
mod yields;

use apps::testing::{on_large_stack, run_groups};

exos::program!(main);

fn main() -> u32 {
    on_large_stack(all)
}

extern "C" fn all() -> u32 {
    run_groups(&[limits::TESTS, timing::TESTS, revocation::TESTS, yields::TESTS])
}
