//! What POSIX says of fork, exec, wait, environment variables and pipes, tried on ExOS's processes as far as ExOS says the
//! same; signals and faults are posix2's. Each test runs in a process of its own, and nothing may be left behind.
//!
//! It executes itself: with an argument it plays the part of some other program ([`exec::part`]).
#![no_std]
#![no_main]

use apps::testing::process::run;
use exos::process;

#[path = "../posix/exec.rs"]
mod exec;
#[path = "../posix/fork.rs"]
mod fork;
#[path = "../posix/pipes.rs"]
mod pipes;
#[path = "../posix/variables.rs"]
mod variables;
#[path = "../posix/wait.rs"]
mod wait;

exos::process!(main);

fn main() -> u32 {
    match process::argument(1) {
        Some(part) => exec::part(part),
        None => run(&[fork::TESTS, wait::TESTS, variables::TESTS, exec::TESTS, pipes::TESTS]),
    }
}
