//! The DECstation 5000/200 (KN02): firmware, serial line, clock chip, caches.
//!
//! One addition to the hardware is used where it is there: the model's device of counters, which also
//! ends the run (tools/decstation). Elsewhere the firmware's halt ends it, and the clock call counts in
//! steps of a time slice ([`counter`]).

mod cache;
mod clock;
mod console;
mod counter;
mod firmware;
#[cfg(feature = "check")]
mod plant;

use crate::arch::cp0::Status;

pub use cache::{flush_instruction_cache, flush_instructions_of_page};
pub use clock::{next_tick, start_clock};
pub use console::{get, put};
#[cfg(feature = "check")]
pub use counter::is_there as counts_cycles;
pub use counter::{COUNTER, microseconds, quantum_ticks};
pub use firmware::{command_line, memory_bytes};
#[cfg(feature = "check")]
pub use plant::arm_clock;

/// Name for the boot report.
pub const NAME: &str = "DECstation 5000/200 (R3000)";
/// Index of this board for programs.
pub const INDEX: u32 = 1;
/// What the firmware passes in a0..a3: argc, argv, its magic number, its callback vector.
pub type BootArguments = [u32; 4];
/// The clock chip's interrupt.
pub const CLOCK_INTERRUPT: Status = Status::INTERRUPT_3;

/// The firmware's reset and halt.
const RESET: u32 = 0xbfc0_0000;

/// Something that differs between boots as far as the machine has it: the counter, or the time of day.
pub fn entropy() -> u32 {
    counter::cycles().unwrap_or_else(clock::time_of_day)
}

/// Ends the run with a status where the model's device is there, else halts.
pub fn exit(status: u32) -> ! {
    counter::exit(status);
    // SAFETY: this ends the machine.
    unsafe {
        let halt: extern "C" fn() -> ! = core::mem::transmute(RESET as *const ());
        halt()
    }
}
