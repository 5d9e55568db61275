//! The processor: vectors, hot paths, registers. Exactly one of the ports is built.

mod calls;
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

/// Puts a vector's code in its place.
///
/// # Safety
/// The place must be RAM that is the kernel's, with room for the code, which must be able to move.
unsafe fn copy_vector(to: u32, from: *const [u8; 0], end: *const [u8; 0]) {
    let length = end as usize - from as usize;
    // SAFETY: the caller vouches for the place; source and destination are different memory.
    unsafe { core::ptr::copy_nonoverlapping(from.cast::<u8>(), to as *mut u8, length) };
}

/// Goes on only if the trap came from an environment: in the kernel, the context is the kernel's own.
fn must_be_users(frame: &mut TrapFrame) {
    if frame.page == &raw const KERNEL_CONTEXT as u32 {
        crate::trap::kernel_trap(frame);
    }
}

/// Any interrupt; the clock's is the only one that is let through.
#[unsafe(no_mangle)]
extern "C" fn kernel_interrupt(frame: &mut TrapFrame) {
    must_be_users(frame);
    crate::schedule::clock_interrupt(frame);
}

/// A TLB miss that the assembly has not refilled, or an entry that is not valid.
#[unsafe(no_mangle)]
extern "C" fn kernel_tlb_miss(frame: &mut TrapFrame) {
    must_be_users(frame);
    crate::translation::miss(frame);
}

/// A primitive operation that the assembly does not do itself.
#[unsafe(no_mangle)]
extern "C" fn kernel_primitive(frame: &mut TrapFrame) {
    crate::translation::primitive(frame);
}

/// A protected control transfer that the transfer cache does not know.
#[unsafe(no_mangle)]
extern "C" fn kernel_transfer(frame: &mut TrapFrame) {
    crate::environment::transfer(frame);
}

struct InterruptsOff;

critical_section::set_impl!(InterruptsOff);

// SAFETY: the kernel runs with interrupts off and on one processor, so every section of it is a
// critical one already.
unsafe impl critical_section::Impl for InterruptsOff {
    unsafe fn acquire() {}
    unsafe fn release((): ()) {}
}
