//! The smallest program.
#![no_std]
#![no_main]

use exos::println;

exos::program!(main);

fn main() -> u32 {
    println!("hello from environment {:08x}", exos::memory::myself().0);
    0
}
