//! What POSIX says of signals and faults, and ExOS's own calls into other address spaces: the second part of posix.
#![no_std]
#![no_main]

use apps::testing::process::run;
use exos::process;

#[path = "../posix/calls.rs"]
mod calls;
#[path = "../posix/faults.rs"]
mod faults;
#[path = "../posix/kill.rs"]
mod kill;
#[path = "../posix/signals.rs"]
mod signals;

exos::process!(main);

fn main() -> u32 {
    if process::argument(1).is_some() {
        // Another program, for a server that executes one.
        return process::sleep(10_000_000).map_or(1, |()| 0);
    }
    run(&[signals::TESTS, kill::TESTS, faults::TESTS, calls::TESTS])
}
