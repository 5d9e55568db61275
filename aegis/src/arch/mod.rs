//! The processor: vectors, hot paths, registers. Exactly one of the ports is built.

mod frame;
#[cfg(feature = "malta")]
mod mips32;
#[cfg(feature = "decstation")]
mod r3000;

pub use frame::{TrapFrame, register};
#[cfg(feature = "malta")]
pub use mips32::*;
#[cfg(feature = "decstation")]
pub use r3000::*;

struct InterruptsOff;

critical_section::set_impl!(InterruptsOff);

// SAFETY: the kernel runs with interrupts off and on one processor, so every section of it is a
// critical one already.
unsafe impl critical_section::Impl for InterruptsOff {
    unsafe fn acquire() {}
    unsafe fn release((): ()) {}
}
