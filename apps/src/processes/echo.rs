//! echo [WORD...]: prints its arguments.
#![no_std]
#![no_main]

use exos::{print, println, process};

exos::process!(main);

fn main() -> u32 {
    for (index, word) in process::arguments().iter().skip(1).enumerate() {
        print!("{}{word}", if index == 0 { "" } else { " " });
    }
    println!();
    0
}
