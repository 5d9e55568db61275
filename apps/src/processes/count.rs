//! count N [MILLISECONDS]: prints the numbers from 1 to N, with a pause after each if it is told.
#![no_std]
#![no_main]

use core::fmt::Write;
use exos::console::Descriptor;
use exos::{eprintln, process};

exos::process!(main);

fn main() -> u32 {
    let number = |index| process::argument(index).map(str::parse::<u32>);
    let (Some(Ok(last)), Ok(pause)) = (number(1), number(2).unwrap_or(Ok(0))) else {
        eprintln!("usage: count N [MILLISECONDS]    (the numbers from 1 to N, with a pause after each)");
        return 2;
    };
    for value in 1..=last {
        if writeln!(Descriptor(1), "{value}").is_err() {
            return 1;
        }
        if pause > 0 {
            let _ = process::sleep(pause * 1000);
        }
    }
    0
}
