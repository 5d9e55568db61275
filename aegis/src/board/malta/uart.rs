//! The 16550 at the ISA bus's COM1. QEMU's works as it comes out of reset.

use core::ptr::NonNull;

use volatile::VolatilePtr;

const BASE: u32 = 0xb800_03f8;
const DATA: u32 = 0;
const LINE_STATUS: u32 = 5;
const DATA_READY: u8 = 1;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

fn register(offset: u32) -> VolatilePtr<'static, u8> {
    // SAFETY: the UART's registers lie there, in uncached kseg1, and are nobody else's.
    unsafe { VolatilePtr::new(NonNull::new_unchecked((BASE + offset) as *mut u8)) }
}

/// Sends a byte, waiting for room.
pub fn put(byte: u8) {
    while register(LINE_STATUS).read() & TRANSMITTER_EMPTY == 0 {}
    register(DATA).write(byte);
}

/// A byte that has come in, if there is one.
pub fn get() -> Option<u8> {
    (register(LINE_STATUS).read() & DATA_READY != 0).then(|| register(DATA).read())
}
