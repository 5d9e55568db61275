//! A job of the second exercise (docs/extending.md): works for as many turns as its argument says, and ends.
#![no_std]
#![no_main]

use exos::process;

exos::process!(main);

fn main() -> u32 {
    let Some(turns) = process::argument(1).and_then(|text| text.parse::<u32>().ok()) else { return 2 };
    for turn in 0..turns {
        work();
        // The end is part of the last turn.
        if turn + 1 < turns {
            process::give_way();
        }
    }
    0
}

/// Something that takes a while, and much less than a time slice.
fn work() {
    let mut sum = 0u32;
    for step in 0..1000u32 {
        sum = core::hint::black_box(sum.wrapping_mul(31).wrapping_add(step));
    }
}
