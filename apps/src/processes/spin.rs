//! spin: computes and never gives way, until it is killed. Two of them show what a share of the processor is.
#![no_std]
#![no_main]

exos::process!(main);

fn main() -> u32 {
    let mut rounds = 0u32;
    loop {
        rounds = core::hint::black_box(rounds.wrapping_add(1));
    }
}
