//! The test build: faults and interrupts on request, a checker of the kernel's invariants, and errors for it
//! to find.

mod invariants;
mod plant;
mod tlb;

use core::arch::asm;

use aegis_abi::Error;
use spin::Mutex;

use crate::arch::{self, TrapFrame};
use crate::board;
use crate::kernel;

/// What the next clock interrupt does instead of ending a slice.
static PLANTED: Mutex<Option<u32>> = Mutex::new(None);

/// Empties the hardware TLB in the interrupt.
const FLUSH: u32 = 1;
/// The interrupt also ends the slice.
const END_SLICE: u32 = 2;

/// Where the last planted interrupt came: its pc, and 1 if that is a branch whose delay slot it
/// interrupted. Zero when that has been told.
static LANDED: Mutex<u32> = Mutex::new(0);

/// Raises the clock interrupt `ticks` from now, unless that is zero. Tells where the last one came. A
/// machine that does not count cycles can be asked for a whole quantum alone.
pub extern "C" fn check_timer(ticks: u32, kind: u32) -> u64 {
    if ticks > 0 {
        if ticks < board::quantum_ticks() && !board::counts_cycles() {
            return u64::from(Error::Unsupported.code());
        }
        *PLANTED.lock() = Some(kind);
        board::arm_clock(ticks.min(board::quantum_ticks()));
    }
    u64::from(core::mem::take(&mut *LANDED.lock())) << 32
}

/// Handles a planted clock interrupt; says whether the tick ends there.
pub fn clock_interrupt(frame: &TrapFrame) -> bool {
    let Some(kind) = PLANTED.lock().take() else { return false };
    *LANDED.lock() = frame.pc | frame.cause >> 31;
    if kind & FLUSH != 0 {
        arch::flush_tlb();
    }
    if kind & END_SLICE == 0 {
        board::arm_clock(board::quantum_ticks());
    }
    kind & END_SLICE == 0
}

/// Provokes a fault inside the kernel.
pub extern "C" fn check_fault(kind: u32) -> u64 {
    // SAFETY: there is nothing safe about it; the kernel's trap handler is what is tested.
    unsafe {
        match kind {
            0 => asm!(".set push", ".set noreorder", "lw $8, 2($0)", "nop", ".set pop", out("$8") _),
            1 => asm!("break"),
            2 => {
                asm!(".set push", ".set noreorder", "lui $8, 0x7fff", "lw $8, 0($8)", "nop", ".set pop", out("$8") _)
            }
            3 => {
                asm!(".set push", ".set noreorder", "lui $8, 0x8000", "lw $8, 1($8)", "nop", ".set pop", out("$8") _)
            }
            4 => asm!(".word 0xfc00003f"),
            5 => {
                asm!(".set push", ".set noreorder", ".set noat", "lui $8, 0x7fff", "add $8, $8, $8", ".set pop", out("$8") _)
            }
            6 => panic!("planted"),
            _ => return u64::from(Error::Unsupported.code()),
        }
    }
    0
}

/// Checks the invariants; the answer counts what was checked. A violation is a panic.
pub extern "C" fn check_invariants() -> u64 {
    let checked = kernel::with(|kernel| invariants::check(kernel));
    u64::from(checked) << 32
}

/// Breaks an invariant.
pub extern "C" fn check_plant(kind: u32) -> u64 {
    match kernel::with(|kernel| plant::plant(kernel, kind)) {
        Ok(()) => 0,
        Err(error) => u64::from(error.code()),
    }
}
