//! Counts in a page of somebody's, for ever: arguments are the page, its capability's two words and the counter's place, in
//! hexadecimal (Figure 3).
#![no_std]
#![no_main]

use exos::abi::Capability;
use exos::process;
use exos::vm::map::{self, Protection, Share};

exos::process!(main);

fn main() -> u32 {
    let number = |index| process::argument(index).and_then(|text| u32::from_str_radix(text, 16).ok());
    let (Some(page), Some(low), Some(high), Some(place)) = (number(1), number(2), number(3), number(4))
    else {
        return 2;
    };
    let capability = Capability::from_words(low, high);
    let share = Share { page, read: capability, write: capability };
    let Ok(address) = map::map_shared(0, share, Protection::ReadWrite) else { return 1 };
    let counter = (address + 4 * (place & 1023)) as *mut u32;
    loop {
        // SAFETY: mapped there, writable; nobody else writes this word.
        unsafe { counter.write_volatile(counter.read_volatile().wrapping_add(1)) };
    }
}
