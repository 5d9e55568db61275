//! The DZ serial lines: the console is line 3.

use core::ptr::NonNull;

use volatile::VolatilePtr;

const BASE: u32 = 0xbfe0_0000;
const CONTROL: u32 = 0x00;
const RECEIVE: u32 = 0x08;
const TRANSMIT_CONTROL: u32 = 0x10;
const TRANSMIT_DATA: u32 = 0x18;

const TRANSMITTER_READY: u16 = 1 << 15;
const RECEIVED: u16 = 1 << 7;
const SCAN: u16 = 1 << 5;
const LINE: u16 = 3;

fn register(offset: u32) -> VolatilePtr<'static, u16> {
    // SAFETY: the DZ's registers lie there, in uncached kseg1, and are nobody else's.
    unsafe { VolatilePtr::new(NonNull::new_unchecked((BASE + offset) as *mut u16)) }
}

/// Starts scanning and the console's transmitter, once.
fn start() {
    if register(CONTROL).read() & SCAN == 0 {
        register(CONTROL).write(SCAN);
    }
    if register(TRANSMIT_CONTROL).read() & 0xf != 1 << LINE {
        register(TRANSMIT_CONTROL).write(1 << LINE);
    }
}

/// Sends a byte, waiting for room.
pub fn put(byte: u8) {
    start();
    loop {
        let control = register(CONTROL).read();
        if control & TRANSMITTER_READY != 0 && control >> 8 & 3 == LINE {
            break;
        }
    }
    register(TRANSMIT_DATA).write(u16::from(byte));
}

/// A byte that has come in, if there is one.
pub fn get() -> Option<u8> {
    start();
    (register(CONTROL).read() & RECEIVED != 0).then(|| register(RECEIVE).read() as u8)
}
