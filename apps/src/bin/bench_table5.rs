//! Table 5: exception dispatch, from the instruction that faults to the first of the handler; and,
//! beside the paper's rows, the round trip through a handler that restores the three registers and
//! resumes behind the instruction.
//!
//! What is subtracted is the same loop with the handler's instructions in line and without the
//! faulting one.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;
use core::mem::offset_of;

use exos::abi::environment::{EnvironmentPage, cause};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping};
use exos::memory::{self, Page, WINDOWS};
use exos::{exception, println};

#[path = "../measure.rs"]
mod measure;

exos::program!(main);

const PAGE: usize = ENVIRONMENT_PAGE as usize;

fn main() -> u32 {
    let page = match Page::any() {
        Ok(page) => page,
        Err(error) => {
            println!("bench: no page: {error:?}");
            return 1;
        }
    };
    let protected = WINDOWS[0];
    let bound = memory::pin(memory::myself(), protected, page.number, Mapping::empty(), page.read)
        .and_then(|()| exception::bind(cause::ADDRESS_LOAD, handle_address_load as *const () as u32))
        .and_then(|()| exception::bind(cause::OVERFLOW, handle_overflow as *const () as u32))
        .and_then(|()| exception::bind(cause::COPROCESSOR, handle_coprocessor as *const () as u32))
        .and_then(|()| exception::bind(cause::MODIFIED, handle_modified as *const () as u32));
    if let Err(error) = bound {
        println!("bench: cannot set up: {error:?}");
        return 1;
    }
    measure::calibrate();
    let rows: [(&str, &str, measure::Loop, u32); 4] = [
        ("unalign", "unalign round trip", unalign, protected),
        ("overflow", "overflow round trip", overflow, 0x7fff_ffff),
        ("coproc", "coproc round trip", coproc, 0),
        ("prot", "prot round trip", prot, protected),
    ];
    for (dispatch, round_trip, body, argument) in rows {
        measure::row("5", dispatch, body, argument, 1);
        let n = measure::iterations();
        let (begin, ticks) = measure::ticks(without_exception, n, argument);
        println!("OVERHEAD 5 {dispatch} {n} {ticks} at={begin}");
        measure::row("5", round_trip, body, argument, 1);
    }
    0
}

unsafe extern "C" {
    fn unalign(n: u32, address: u32) -> u32;
    fn overflow(n: u32, large: u32) -> u32;
    fn coproc(n: u32, unused: u32) -> u32;
    fn prot(n: u32, address: u32) -> u32;
    fn without_exception(n: u32, unused: u32) -> u32;
    fn handle_address_load();
    fn handle_overflow();
    fn handle_coprocessor();
    fn handle_modified();
}

global_asm!(
    // t0 counts, t1 is the argument: the handler leaves both alone.
    ".macro bench_loop name, fault:vararg",
    ".align 4",
    "\\name:",
    "move $8, $4",
    "move $9, $5",
    "1: \\fault",
    "addiu $8, $8, -1",
    "bnez $8, 1b",
    "nop",
    "jr $31",
    "nop",
    ".endm",
    // Resume behind the instruction: the saved registers, then the PC in k1.
    ".macro bench_handler name, code",
    ".align 4",
    "\\name:",
    "addiu $27, $4, 4",
    "lw $4, {SAVED_A0} + 4 * \\code($zero)",
    "lw $5, {SAVED_A1} + 4 * \\code($zero)",
    "lw $6, {SAVED_A2} + 4 * \\code($zero)",
    "jr $27",
    "nop",
    ".endm",
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    "bench_loop unalign, lw $10, 1($9)",
    "bench_loop overflow, add $10, $9, $9",
    "bench_loop coproc, .word 0x440a0000", // mfc1 $10, $f0
    "bench_loop prot, sw $zero, 0($9)",
    "bench_handler handle_address_load, 4",
    "bench_handler handle_overflow, 12",
    "bench_handler handle_coprocessor, 11",
    "bench_handler handle_modified, 1",
    ".align 4",
    "without_exception:",
    "move $8, $4",
    "1: addiu $10, $4, 4",
    "lw $10, {SAVED_A0}($zero)",
    "lw $10, {SAVED_A1}($zero)",
    "lw $10, {SAVED_A2}($zero)",
    "nop",
    "nop",
    "addiu $8, $8, -1",
    "bnez $8, 1b",
    "nop",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
    SAVED_A0 = const PAGE + offset_of!(EnvironmentPage, saved_a0),
    SAVED_A1 = const PAGE + offset_of!(EnvironmentPage, saved_a1),
    SAVED_A2 = const PAGE + offset_of!(EnvironmentPage, saved_a2),
);
