//! The guest tests of Aegis. Needs a test build of the kernel, and the program `companion` in the
//! boot image.
//!
//! Each module of `apps/src/suite/` tests one promise of the kernel's; `apps::testing` is the harness.
#![no_std]
#![no_main]

#[path = "../suite/calls.rs"]
mod calls;
#[path = "../suite/environments.rs"]
mod environments;
#[path = "../suite/exceptions.rs"]
mod exceptions;
#[path = "../suite/isolation.rs"]
mod isolation;
#[path = "../suite/nested.rs"]
mod nested;
#[path = "../suite/pages.rs"]
mod pages;
#[path = "../suite/resume.rs"]
mod resume;
#[path = "../suite/slices.rs"]
mod slices;
#[path = "../suite/spawning.rs"]
mod spawning;
#[path = "../suite/transfers.rs"]
mod transfers;

use apps::testing::companion::SHARED;
use apps::testing::{Test, on_large_stack, run, trap};
use exos::abi::calls::Fact;
use exos::{call, println};

exos::program!(main);

fn main() -> u32 {
    on_large_stack(all)
}

extern "C" fn all() -> u32 {
    unsafe extern "C" {
        static __stack_top: [u8; 0];
    }
    if &raw const __stack_top as u32 >= SHARED {
        println!("the suite is too large: the pages that it shares would overlap it");
        return 1;
    }
    if call::machine(Fact::TestBuild as u32) != Ok(1) {
        println!("the suite needs a test build of the kernel");
        return 1;
    }
    if trap::install().is_err() {
        return 1;
    }
    let groups: [&[Test]; 10] = [
        exceptions::TESTS,
        nested::TESTS,
        resume::TESTS,
        calls::TESTS,
        transfers::TESTS,
        pages::TESTS,
        isolation::TESTS,
        environments::TESTS,
        slices::TESTS,
        spawning::TESTS,
    ];
    let mut tests = [Test { name: "", run: || Ok(()) }; 100];
    let mut count = 0;
    for test in groups.into_iter().flatten() {
        tests[count] = *test;
        count += 1;
    }
    run(&tests[..count])
}
