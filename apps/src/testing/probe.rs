//! Loads, stores and jumps that may fault: the answer is the word, or the exception.

use core::arch::global_asm;

use super::trap::{self, Repair, Seen};

global_asm!(
    ".pushsection .text.testing, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // u32 testing_load(address); void testing_store(address, value); void testing_jump(address)
    ".globl testing_load",
    "testing_load:",
    "lw $2, 0($4)",
    "nop",
    ".globl testing_landing",
    "testing_landing:",
    "jr $31",
    "nop",
    ".globl testing_store",
    "testing_store:",
    "sw $5, 0($4)",
    "jr $31",
    "nop",
    ".globl testing_jump",
    "testing_jump:",
    "jr $4",
    "nop",
    ".set pop",
    ".popsection",
);

unsafe extern "C" {
    fn testing_load(address: u32) -> u32;
    fn testing_store(address: u32, value: u32);
    fn testing_jump(address: u32);
    fn testing_landing();
}

fn attempt<T>(access: impl FnOnce() -> T) -> Result<T, Seen> {
    trap::expect(Repair::Goto(testing_landing as *const () as u32));
    let value = access();
    trap::taken().map_or(Ok(value), Err)
}

/// Loads a word.
///
/// # Errors
/// The exception that it took.
pub fn load(address: u32) -> Result<u32, Seen> {
    // SAFETY: a word is read, or the handler goes on behind it.
    attempt(|| unsafe { testing_load(address) })
}

/// Stores a word.
///
/// # Errors
/// The exception that it took.
pub fn store(address: u32, value: u32) -> Result<(), Seen> {
    // SAFETY: the tests store to memory that is theirs to spoil, or where it must fail.
    attempt(|| unsafe { testing_store(address, value) })
}

/// Jumps to an address that must not be executed, and comes back with the exception.
///
/// # Errors
/// The exception that it took.
pub fn jump(address: u32) -> Result<(), Seen> {
    // SAFETY: the handler goes on behind it. If something can be executed there, the test is lost.
    attempt(|| unsafe { testing_jump(address) })
}
