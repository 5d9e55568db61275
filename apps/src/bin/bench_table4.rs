//! Table 4: the null procedure call, and the null system call without and with a stack.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;

use exos::abi::Call;

#[path = "../measure.rs"]
mod measure;

exos::program!(main);

fn main() -> u32 {
    measure::calibrate();
    measure::row("4", "procedure call", procedure_call, 0, 1);
    measure::row("4", "syscall no stack", null_call, 0, 1);
    measure::row("4", "syscall stack", null_call_stack, 0, 1);
    0
}

unsafe extern "C" {
    /// Calls an empty procedure: seven instructions an iteration, two of them the procedure's.
    fn procedure_call(n: u32, unused: u32) -> u32;
    /// Makes the null call: five instructions an iteration besides the kernel's, two of them the stub.
    fn null_call(n: u32, unused: u32) -> u32;
    /// Makes the null call with a stack. It loses caller-saved registers, so the count is in another.
    fn null_call_stack(n: u32, unused: u32) -> u32;
}

global_asm!(
    // The labels around the stub are for the test that counts the instructions between them.
    ".macro call_loop name, number",
    ".align 4",
    "\\name:",
    "addiu $sp, $sp, -16",
    "sw $16, 0($sp)",
    "move $16, $4",
    "\\name\\()_stub:",
    "li $2, \\number",
    "syscall",
    "\\name\\()_back:",
    "addiu $16, $16, -1",
    "bnez $16, \\name\\()_stub",
    "nop",
    "lw $16, 0($sp)",
    "nop",
    "jr $31",
    "addiu $sp, $sp, 16",
    ".endm",
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".align 4",
    "procedure_call:",
    "move $9, $31",
    "1: jal 2f",
    "nop",
    "addiu $4, $4, -1",
    "bnez $4, 1b",
    "nop",
    "jr $9",
    "nop",
    "2: jr $31",
    "nop",
    "call_loop null_call, {NULL}",
    "call_loop null_call_stack, {NULL_STACK}",
    ".set pop",
    ".popsection",
    NULL = const Call::Null as u32,
    NULL_STACK = const Call::NullStack as u32,
);
