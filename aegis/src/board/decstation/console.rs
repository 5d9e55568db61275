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
/// What is written to [`RECEIVE`] are a line's parameters: receiver on, 9600 baud, eight bits, no parity.
const PARAMETERS: u16 = 1 << 12 | 14 << 8 | 3 << 3 | LINE;

fn register(offset: u32) -> VolatilePtr<'static, u16> {
    // SAFETY: the DZ's registers lie there, in uncached kseg1, and are nobody else's.
    unsafe { VolatilePtr::new(NonNull::new_unchecked((BASE + offset) as *mut u16)) }
}

/// Starts scanning, and the console's transmitter and receiver, once: what the firmware has left is not relied on.
fn start() {
    if register(TRANSMIT_CONTROL).read() & 0xf != 1 << LINE {
        register(RECEIVE).write(PARAMETERS);
        register(CONTROL).write(SCAN);
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
