//! What a child does: it idles, computes, or lends its slice, as its page says.

use apps::demonstration::upcalls::{self, get, set, wait, word};
use exos::abi::Name;
use exos::abi::layout::SLICES;
use exos::{call, memory, slice};

/// What to do now ([`Run`]).
pub const RUN: usize = word::FREE;
/// Not zero once the child's upcalls are bound.
pub const READY: usize = word::FREE + 1;
/// Whom to lend to.
pub const TO: usize = word::FREE + 2;
/// After how many ticks.
pub const AFTER: usize = word::FREE + 3;
/// When it did, by the machine's counter.
pub const GAVE: usize = word::FREE + 4;
/// A bit for each position that it has found to be its own, in two words.
pub const OWNED: usize = word::FREE + 5;

/// What a child can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Run {
    /// Yield at once, whenever it has the processor.
    Idle = 0,
    /// Compute: never yield but at the end of a slice.
    Compute,
    /// Lend what it runs in to another after a while, then compute.
    Lend,
    /// Find out which positions are its own, then idle.
    Probe,
}

/// The child.
pub fn run() -> u32 {
    if upcalls::bind().is_err() {
        return 1;
    }
    set(READY, 1);
    loop {
        let run = get(RUN);
        if run == Run::Lend as u32 {
            wait(get(AFTER));
            set(RUN, Run::Compute as u32);
            set(GAVE, call::clock());
            // The parent sees whether it came there.
            let _ = slice::yield_to(Name(get(TO)));
        } else if run == Run::Probe as u32 {
            for (index, bits) in probe().into_iter().enumerate() {
                set(OWNED + index, bits);
            }
            set(RUN, Run::Idle as u32);
        } else if run == Run::Idle as u32 {
            let _ = slice::yield_to(Name::NOBODY);
        }
    }
}

/// Which positions of the vector are this environment's own, a bit for each. Aegis lets nobody but the owner give a
/// position away, and giving it to oneself changes nothing: so who may is the owner.
pub fn probe() -> [u32; SLICES / 32] {
    let mut owned = [0; SLICES / 32];
    for position in 0..SLICES as u32 {
        if call::slice_give(position, memory::myself().0).is_ok() {
            owned[position as usize / 32] |= 1 << (position % 32);
        }
    }
    owned
}
