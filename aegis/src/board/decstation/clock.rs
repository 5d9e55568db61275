//! The clock chip, a DS1287 (MC146818): its periodic interrupt is the end of a time slice.

use super::counter;

/// Register `n` is the byte at `4 n`.
const BASE: u32 = 0xbfe8_0000;
const REGISTER_A: u32 = 10;
const REGISTER_B: u32 = 11;
const REGISTER_C: u32 = 12;
/// Periodic interrupts, binary numbers, 24 hours.
const PERIODIC: u8 = 0x40 | 0x04 | 0x02;
/// 64 periodic interrupts a second: the paper's quantum. Each lower rate select is twice as fast.
pub const RATE_64: u8 = 10;
/// The chip's divider counts, or is held at zero.
const RUNS: u8 = 0x20;
const HELD: u8 = 0x70;

fn register(number: u32) -> *mut u8 {
    (BASE + 4 * number) as *mut u8
}

/// Starts a period of the clock now: its first interrupt comes a whole one from now. Takes back one
/// that is pending. (The chip's seconds begin anew with it; nobody asks for the date.)
pub fn restart(rate: u8) {
    // SAFETY: the clock chip is nobody else's; its interrupt is delivered in user mode only.
    unsafe {
        register(REGISTER_A).write_volatile(HELD | rate);
        register(REGISTER_B).write_volatile(PERIODIC);
        register(REGISTER_C).read_volatile();
        register(REGISTER_A).write_volatile(RUNS | rate);
    }
}

/// Starts the clock: an interrupt each quantum from now.
pub fn start_clock() {
    restart(RATE_64);
}

/// Takes back the clock's interrupt; the next comes by itself, a quantum after this one.
pub fn next_tick() {
    counter::note_tick();
    // SAFETY: as above; reading register C takes the interrupt back.
    unsafe {
        register(REGISTER_A).write_volatile(RUNS | RATE_64);
        register(REGISTER_C).read_volatile();
    }
}

/// The time of day, in a word: day, hour, minute and second.
pub fn time_of_day() -> u32 {
    [7, 4, 2, 0].into_iter().fold(0, |word, number| {
        // SAFETY: reading the time has no effect.
        word << 8 | u32::from(unsafe { register(number).read_volatile() })
    })
}
