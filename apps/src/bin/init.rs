//! The first environment of a system with processes, with slices handed out in turn: owns the time slice, makes the table of
//! processes, starts the second program of the boot image as the first process, and hands out slices until it ends. Its status
//! is the machine's.
#![no_std]
#![no_main]

use exos::schedule::{RoundRobin, run_image};

exos::program!(main);

fn main() -> u32 {
    run_image(&mut RoundRobin::new())
}
