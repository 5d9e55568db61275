//! The guest tests of Aegis, second part: translation. Needs a test build of the kernel, and the program `companion` in the boot image.
#![no_std]
#![no_main]

#[path = "../suite/sharing.rs"]
mod sharing;
#[path = "../suite/spaces.rs"]
mod spaces;
#[path = "../suite/translation.rs"]
mod translation;

use apps::testing::{on_large_stack, run_groups};

exos::program!(main);

fn main() -> u32 {
    on_large_stack(all)
}

extern "C" fn all() -> u32 {
    run_groups(&[translation::TESTS, spaces::TESTS, sharing::TESTS])
}
