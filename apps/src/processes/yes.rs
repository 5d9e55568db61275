//! yes [WORD]: prints a line with the word, "y" if it is not told, until nobody reads it.
#![no_std]
#![no_main]

use core::fmt::Write;
use exos::console::Descriptor;
use exos::process;

exos::process!(main);

fn main() -> u32 {
    let word = process::argument(1).unwrap_or("y");
    while writeln!(Descriptor(1), "{word}").is_ok() {}
    1
}
