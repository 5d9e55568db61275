//! The test build's timer: an interrupt after so many cycles, from a chip whose fastest period is 122 us.
//!
//! The chip's divider starts a period at the kernel's word. So the kernel starts one, idles for what the
//! period is too long, and goes on: the interrupt comes as long after that as it should. How long a
//! period is, in turns of the idle loop, it measures once; so no other clock is needed.

use core::arch::asm;

use super::clock::{self, RATE_64};
use super::counter::quantum_ticks;

/// The chip's fastest rate: 8192 a second.
const RATE_8192: u8 = 3;
/// Cycles of an R3000 in a turn of the measuring loop, and of the idle loop.
const MEASURE_CYCLES: u32 = 5;
const IDLE_CYCLES: u32 = 2;

/// Turns of the idle loop in a period at the fastest rate; zero before that was measured.
static mut PERIOD: u32 = 0;

/// Arms the clock to interrupt in `ticks`, which takes up to two periods of the slowest rate that is
/// fast enough. This also takes back a pending interrupt.
pub fn arm_clock(ticks: u32) {
    let fastest = quantum_ticks() >> (RATE_64 - RATE_8192);
    let mut rate = RATE_8192;
    while rate < RATE_64 && fastest << (rate - RATE_8192) < ticks {
        rate += 1;
    }
    if rate == RATE_64 {
        return clock::start_clock();
    }
    // SAFETY: the kernel runs on one processor, with interrupts off.
    let turns = unsafe {
        if PERIOD == 0 {
            PERIOD = measure();
        }
        PERIOD
    };
    // A turn takes two cycles; a nop makes up the odd one.
    let cycles = (2 * u64::from(turns) * u64::from(ticks) / u64::from(fastest.max(1))) as u32;
    clock::restart(rate);
    idle((turns << (rate - RATE_8192)).saturating_sub(cycles / 2), cycles % 2 != 0);
}

/// Turns of the idle loop that a period takes.
fn measure() -> u32 {
    clock::restart(RATE_8192);
    let turns: u32;
    // SAFETY: counts until the clock's interrupt is pending; all registers that it uses are declared.
    unsafe {
        asm!(
            ".set push",
            ".set noreorder",
            ".set noat",
            "move $8, $zero",
            "1: mfc0 $9, $13", // Cause
            "addiu $8, $8, 1",
            "andi $9, $9, 0x0800", // the chip's interrupt
            "beqz $9, 1b",
            "nop",
            ".set pop",
            out("$8") turns, out("$9") _,
            options(nomem, nostack),
        );
    }
    turns * MEASURE_CYCLES / IDLE_CYCLES
}

/// Idles for two cycles a turn, and one more if it is to be odd: interrupts can be planted to the cycle.
fn idle(turns: u32, odd: bool) {
    // SAFETY: counts a register down.
    unsafe {
        asm!(
            ".set push",
            ".set noreorder",
            ".set noat",
            "1: bnez $8, 1b",
            "addiu $8, $8, -1",
            "beqz $9, 2f",
            "nop",
            "nop",
            "2:",
            ".set pop",
            inout("$8") turns => _, in("$9") u32::from(odd),
            options(nomem, nostack),
        );
    }
}
