//! The counters of the DECstation model (tools/decstation), where they are there, and what stands in for
//! them on machines that have none: hardware, and other emulators.

use core::arch::global_asm;
use core::ptr::addr_of_mut;

use aegis_abi::environment::cause;
use aegis_abi::layout::QUANTUM_US;

use crate::arch::{self, KERNEL_CONTEXT};

/// The model's counters, in kseg1: low word of the cycles since reset.
pub const COUNTER: u32 = 0xbfc8_0004;
/// Microseconds since reset.
const MICROSECONDS: u32 = 0xbfc8_0000;
/// Reads [`SIGNATURE`]; a word written there ends the run with that status.
const EXIT: u32 = 0xbfc8_0040;
const SIGNATURE: u32 = 0x4445_4353;
/// Reads the processor's clock, hertz.
const HERTZ: u32 = 0xbfc8_0044;

/// Ticks in a time slice: cycles, or microseconds where there is no counter. Zero until it is known.
static mut QUANTUM: u32 = 0;

/// Ticks in a time slice. The first question finds out whether the counters are there.
pub fn quantum_ticks() -> u32 {
    // SAFETY: the kernel runs on one processor with interrupts off.
    unsafe {
        if QUANTUM == 0 {
            QUANTUM = look();
        }
        QUANTUM
    }
}

/// Whether the counters are there.
pub fn is_there() -> bool {
    // Even the slowest of the machines has many cycles in a microsecond.
    quantum_ticks() != QUANTUM_US
}

fn look() -> u32 {
    // What does not answer is a bus error, or reads as anything (some emulators).
    if probe(EXIT) == SIGNATURE {
        (u64::from(probe(HERTZ)) * u64::from(QUANTUM_US) / 1_000_000) as u32
    } else {
        arch::replace_clock(asm_coarse_clock);
        QUANTUM_US
    }
}

/// Reads a word of kseg1; zero if that is a bus error.
fn probe(address: u32) -> u32 {
    const BUS_ERROR: usize = cause::BUS_DATA as usize;
    let context = addr_of_mut!(KERNEL_CONTEXT);
    // SAFETY: for the time of the load, a bus error of the kernel's goes to code that skips it; it
    // alters k0 and k1 alone, which belong to nobody.
    unsafe {
        let usual = (*context).kernel_pc[BUS_ERROR];
        (&raw mut (*context).kernel_pc[BUS_ERROR]).write_volatile(asm_probe_missed as *const () as u32);
        let value = asm_probe(address);
        (&raw mut (*context).kernel_pc[BUS_ERROR]).write_volatile(usual);
        value
    }
}

/// The cycles by now, where they are counted.
pub fn cycles() -> Option<u32> {
    // SAFETY: a device register that is there, without side effects.
    is_there().then(|| unsafe { (COUNTER as *const u32).read_volatile() })
}

/// Microseconds since the machine was started; in steps of a slice where there is no better clock.
pub fn microseconds() -> u32 {
    if is_there() {
        // SAFETY: as above.
        unsafe { (MICROSECONDS as *const u32).read_volatile() }
    } else {
        // SAFETY: a word that only this and the clock call know.
        unsafe { asm_coarse_time }
    }
}

/// A slice has passed by the clock chip, for machines that have no better clock.
pub fn note_tick() {
    // SAFETY: a word that only this and the clock call know.
    unsafe { asm_coarse_time = asm_coarse_time.wrapping_add(QUANTUM_US) };
}

/// Ends the run with a status, if this is the model.
pub fn exit(status: u32) {
    if is_there() {
        // SAFETY: the device is there, and the run ends.
        unsafe { (EXIT as *mut u32).write_volatile(status) };
    }
}

unsafe extern "C" {
    fn asm_probe(address: u32) -> u32;
    fn asm_probe_missed();
    fn asm_coarse_clock();
    static mut asm_coarse_time: u32;
}

global_asm!(
    ".pushsection .text.asm, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl asm_probe",
    "asm_probe:",
    "move $2, $zero",
    "lw $2, 0($4)",
    "nop",
    "jr $31",
    "nop",
    // A bus error in that load: ERRADDR is cleared, and the load skipped.
    ".globl asm_probe_missed",
    "asm_probe_missed:",
    "lui $26, 0xbfd8",
    "sw $zero, 0($26)",
    "mfc0 $26, $14", // EPC
    "nop",
    "addiu $26, $26, 4",
    "jr $26",
    ".word 0x42000010", // rfe
    // The clock call without a counter: microseconds, as they were at the last tick. k0 = where to resume.
    ".globl asm_coarse_clock",
    "asm_coarse_clock:",
    "lui $27, %hi(asm_coarse_time)",
    "lw $3, %lo(asm_coarse_time)($27)",
    "jr $26",
    ".word 0x42000010", // rfe
    ".set pop",
    ".popsection",
    ".pushsection .data",
    ".align 2",
    ".globl asm_coarse_time",
    "asm_coarse_time: .word 0",
    ".popsection",
);
