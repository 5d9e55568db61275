//! `init` with another policy: slices are handed out by shares ([`exos::process::set_share`]; the shell's `share`).
#![no_std]
#![no_main]

use exos::schedule::{Stride, run_image};

exos::program!(main);

fn main() -> u32 {
    run_image(&mut Stride::new())
}
