//! spin [stay]: computes and never gives way, until it is killed. Two of them show what a share of the processor is. With
//! `stay`, SIGINT and SIGTERM, once one has come, find a handler that does not return: SIGKILL ends it all the same.
#![no_std]
#![no_main]

use exos::signal::{self, Action, SIGINT, SIGTERM};
use exos::{println, process};

exos::process!(main);

fn spin() -> ! {
    let mut rounds = 0u32;
    loop {
        rounds = core::hint::black_box(rounds.wrapping_add(1));
    }
}

fn main() -> u32 {
    if process::argument(1) == Some("stay") {
        for signal in [SIGINT, SIGTERM] {
            let stay: fn(u32) = |signal| {
                println!("spin: not by {}", signal::name(signal));
                spin();
            };
            let _ = signal::set_action(signal, Action::Call(stay));
        }
        println!("spin: SIGKILL alone ends this");
    }
    spin()
}
