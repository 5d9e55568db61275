//! Protected control transfer (paper, section 5.5).

use core::arch::asm;

use aegis_abi::Error;
use aegis_abi::Name;
use aegis_abi::environment::Event;

use crate::{call, memory};

/// Sets where synchronous transfers enter this environment.
///
/// # Errors
/// Those of the call `bind`.
pub fn bind_synchronous(pc: u32) -> Result<(), Error> {
    call::bind(memory::myself().0, Event::Synchronous as u32, pc).map(|_| ())
}

/// Sets where asynchronous transfers enter this environment.
///
/// # Errors
/// Those of the call `bind`.
pub fn bind_asynchronous(pc: u32) -> Result<(), Error> {
    call::bind(memory::myself().0, Event::Asynchronous as u32, pc).map(|_| ())
}

/// Transfers to `callee` for good, with nothing to come back to: ends a handler of transfers. If the
/// callee is gone, the slice is given up.
pub fn leave(callee: Name) -> ! {
    // SAFETY: nothing of this environment's state is used afterwards; `v0` names the callee.
    unsafe { asm!("syscall", inlateout("$2") callee.0 => _, options(nostack)) };
    loop {
        let _ = call::yield_to(0);
    }
}
