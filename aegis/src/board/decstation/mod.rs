//! The DECstation 5000/200 (KN02): firmware, serial line, clock chip, caches.
//!
//! One addition to the hardware is used where it is there: the model's device of counters, which also
//! ends the run (tools/decstation). Elsewhere the firmware's halt ends it.

mod cache;
mod console;
mod firmware;

use aegis_abi::layout::QUANTUM_US;

use crate::arch::cp0::Status;

pub use cache::flush_instruction_cache;
pub use console::{get, put};
pub use firmware::{command_line, memory_bytes};

/// Name for the boot report.
pub const NAME: &str = "DECstation 5000/200 (R3000)";
/// Index of this board for programs.
pub const INDEX: u32 = 1;
/// What the firmware passes in a0..a3: argc, argv, its magic number, its callback vector.
pub type BootArguments = [u32; 4];
/// The clock chip's interrupt.
pub const CLOCK_INTERRUPT: Status = Status::INTERRUPT_3;

/// The model's counters, in kseg1: low word of the cycles since reset.
pub const COUNTER: u32 = 0xbfc8_0004;
const COUNTER_EXIT: u32 = 0xbfc8_0040;
const COUNTER_CLOCK: u32 = 0xbfc8_0044;
/// The firmware's reset and halt.
const RESET: u32 = 0xbfc0_0000;

/// DS1287 (MC146818): register `n` is the byte at `4 n`.
const CLOCK: u32 = 0xbfe8_0000;
const REGISTER_A: u32 = 10;
const REGISTER_B: u32 = 11;
const REGISTER_C: u32 = 12;
/// Time base running, 64 periodic interrupts a second: the paper's quantum.
const RATE_64: u8 = 0x2a;
/// The same at 8192 a second.
#[cfg(feature = "check")]
const RATE_8192: u8 = 0x23;
/// Periodic interrupts, binary numbers, 24 hours.
const PERIODIC: u8 = 0x40 | 0x04 | 0x02;

fn clock_register(register: u32) -> *mut u8 {
    (CLOCK + 4 * register) as *mut u8
}

/// Cycles in a time slice.
pub fn quantum_ticks() -> u32 {
    // SAFETY: a device register of the model's, without side effects.
    let hertz = unsafe { (COUNTER_CLOCK as *const u32).read_volatile() };
    (u64::from(hertz) * u64::from(QUANTUM_US) / 1_000_000) as u32
}

/// Something that differs between boots as far as the machine has it: the counter.
pub fn entropy() -> u32 {
    // SAFETY: as above.
    unsafe { (COUNTER as *const u32).read_volatile() }
}

/// Starts the clock: an interrupt each quantum.
pub fn start_clock() {
    // SAFETY: the clock chip is nobody else's; its interrupt is delivered in user mode only.
    unsafe {
        clock_register(REGISTER_A).write_volatile(RATE_64);
        clock_register(REGISTER_B).write_volatile(PERIODIC);
        clock_register(REGISTER_C).read_volatile();
    }
}

/// Arms the clock to interrupt soon: within 122 µs for less than a quantum, which is as fine as the
/// chip goes; else as usual.
#[cfg(feature = "check")]
pub fn arm_clock(ticks: u32) {
    let rate = if ticks < quantum_ticks() { RATE_8192 } else { RATE_64 };
    // SAFETY: as above.
    unsafe {
        clock_register(REGISTER_A).write_volatile(rate);
        clock_register(REGISTER_C).read_volatile();
    }
}

/// Takes back the clock's interrupt; the next comes by itself.
pub fn next_tick() {
    // SAFETY: reading register C clears it.
    unsafe {
        clock_register(REGISTER_A).write_volatile(RATE_64);
        clock_register(REGISTER_C).read_volatile();
    }
}

/// Ends the run with a status where the model's device is there, else halts.
pub fn exit(status: u32) -> ! {
    // SAFETY: both end the machine.
    unsafe {
        (COUNTER_EXIT as *mut u32).write_volatile(status);
        let halt: extern "C" fn() -> ! = core::mem::transmute(RESET as *const ());
        halt()
    }
}
