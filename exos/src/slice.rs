//! Time slices: what this environment saves when one ends, and restores when the next begins (paper,
//! section 5.1.1).
//!
//! The kernel saves nothing. When a slice ends it enters `exos_slice_end` like an exception; the
//! handler saves all registers and yields. When a slice begins it enters `exos_slice_start`, which
//! restores them. A program that yields by itself saves only what a callee keeps.
//!
//! Three short sequences cannot be interrupted and taken up again in their middle: the end of an
//! exception handler, whose k1 is live, the voluntary yield, and the restoring itself. All can be begun anew, so a slice
//! that ends inside one of them is resumed at its beginning.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::environment::{EnvironmentPage, Event, SaveArea};
use aegis_abi::layout::ENVIRONMENT_PAGE;
use aegis_abi::{Call, Error, Name};

use crate::{call, memory};

const SAVED: usize = ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, slice_save);

// exos_state: word n is register n; 32 HI, 33 LO, 34 pc. exos_kind: 0 voluntary, 1 interrupted.
// exos_callee: not zero while this environment waits for a transfer to come back.
global_asm!(
    ".pushsection .bss",
    ".align 3",
    "exos_state: .space 4 * 36",
    "exos_kept: .space 4 * 12",
    "exos_kind: .space 4",
    "exos_callee: .space 4",
    ".popsection",
    ".pushsection .text.slice, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // u64 exos_yield(who): give the slice up, keep what a callee keeps.
    ".globl exos_yield",
    "exos_yield:",
    "lui $8, %hi(exos_kept)",
    "addiu $8, $8, %lo(exos_kept)",
    "sw $16, 0($8)",
    "sw $17, 4($8)",
    "sw $18, 8($8)",
    "sw $19, 12($8)",
    "sw $20, 16($8)",
    "sw $21, 20($8)",
    "sw $22, 24($8)",
    "sw $23, 28($8)",
    "sw $30, 32($8)",
    "sw $sp, 36($8)",
    "sw $31, 40($8)",
    "lui $8, %hi(exos_kind)",
    "sw $zero, %lo(exos_kind)($8)",
    "li $2, {YIELD}",
    "exos_yield_syscall:",
    "syscall", // comes back only if it is refused
    "jr $31",
    "nop",
    // The slice ends: a0 = pc, a1 = 0, a2 = Cause; a0, a1, a2 and k1 are in the save area.
    "exos_slice_end:",
    // Still restoring: nothing has run since the last save, which stays as it is.
    "lui $5, %hi(exos_slice_start)",
    "addiu $5, $5, %lo(exos_slice_start)",
    "subu $5, $4, $5",
    "sltiu $5, $5, exos_slice_start_end - exos_slice_start",
    "bnez $5, 2f",
    "nop",
    "lui $5, %hi(exos_state)",
    "addiu $5, $5, %lo(exos_state)",
    "sw $1, 4 * 1($5)",
    "sw $2, 4 * 2($5)",
    "sw $3, 4 * 3($5)",
    "sw $7, 4 * 7($5)",
    "sw $8, 4 * 8($5)",
    "sw $9, 4 * 9($5)",
    "sw $10, 4 * 10($5)",
    "sw $11, 4 * 11($5)",
    "sw $12, 4 * 12($5)",
    "sw $13, 4 * 13($5)",
    "sw $14, 4 * 14($5)",
    "sw $15, 4 * 15($5)",
    "sw $16, 4 * 16($5)",
    "sw $17, 4 * 17($5)",
    "sw $18, 4 * 18($5)",
    "sw $19, 4 * 19($5)",
    "sw $20, 4 * 20($5)",
    "sw $21, 4 * 21($5)",
    "sw $22, 4 * 22($5)",
    "sw $23, 4 * 23($5)",
    "sw $24, 4 * 24($5)",
    "sw $25, 4 * 25($5)",
    "sw $28, 4 * 28($5)",
    "sw $sp, 4 * 29($5)",
    "sw $30, 4 * 30($5)",
    "sw $31, 4 * 31($5)",
    "lw $8, {SAVED_A0}($zero)",
    "lw $9, {SAVED_A1}($zero)",
    "lw $10, {SAVED_A2}($zero)",
    "sw $8, 4 * 4($5)",
    "sw $9, 4 * 5($5)",
    "sw $10, 4 * 6($5)",
    "mfhi $8",
    "mflo $9",
    "sw $8, 4 * 32($5)",
    "sw $9, 4 * 33($5)",
    // If pc is inside one of the other two sequences, resume at its beginning.
    "lui $8, %hi(exos_resume)",
    "addiu $8, $8, %lo(exos_resume)",
    "subu $9, $4, $8",
    "sltiu $9, $9, 16",
    "bnez $9, 1f",
    "nop",
    "lui $8, %hi(exos_yield)",
    "addiu $8, $8, %lo(exos_yield)",
    "subu $9, $4, $8",
    "sltiu $9, $9, (exos_yield_syscall - exos_yield) + 4",
    "bnez $9, 1f",
    "nop",
    "move $8, $4",
    "1: sw $8, 4 * 34($5)",
    "li $9, 1",
    "lui $8, %hi(exos_kind)",
    "sw $9, %lo(exos_kind)($8)",
    "2: move $4, $zero",
    "li $2, {YIELD}",
    "syscall",
    "b .", // a yield to nobody in particular is never refused
    "nop",
    // A slice begins.
    ".globl exos_slice_start",
    "exos_slice_start:",
    "lui $8, %hi(exos_callee)",
    "lw $4, %lo(exos_callee)($8)",
    "lui $8, %hi(exos_kind)",
    "bnez $4, 3f",
    "nop",
    "lw $8, %lo(exos_kind)($8)",
    "lui $9, %hi(exos_kept)",
    "bnez $8, 1f",
    "addiu $9, $9, %lo(exos_kept)",
    "lw $16, 0($9)",
    "lw $17, 4($9)",
    "lw $18, 8($9)",
    "lw $19, 12($9)",
    "lw $20, 16($9)",
    "lw $21, 20($9)",
    "lw $22, 24($9)",
    "lw $23, 28($9)",
    "lw $30, 32($9)",
    "lw $sp, 36($9)",
    "lw $31, 40($9)",
    "move $2, $zero",
    "jr $31",
    "move $3, $zero",
    "1: lui $27, %hi(exos_state)",
    "addiu $27, $27, %lo(exos_state)",
    "lw $8, 4 * 32($27)",
    "lw $9, 4 * 33($27)",
    "mthi $8",
    "mtlo $9",
    "lw $1, 4 * 1($27)",
    "lw $2, 4 * 2($27)",
    "lw $3, 4 * 3($27)",
    "lw $4, 4 * 4($27)",
    "lw $5, 4 * 5($27)",
    "lw $6, 4 * 6($27)",
    "lw $7, 4 * 7($27)",
    "lw $8, 4 * 8($27)",
    "lw $9, 4 * 9($27)",
    "lw $10, 4 * 10($27)",
    "lw $11, 4 * 11($27)",
    "lw $12, 4 * 12($27)",
    "lw $13, 4 * 13($27)",
    "lw $14, 4 * 14($27)",
    "lw $15, 4 * 15($27)",
    "lw $16, 4 * 16($27)",
    "lw $17, 4 * 17($27)",
    "lw $18, 4 * 18($27)",
    "lw $19, 4 * 19($27)",
    "lw $20, 4 * 20($27)",
    "lw $21, 4 * 21($27)",
    "lw $22, 4 * 22($27)",
    "lw $23, 4 * 23($27)",
    "lw $24, 4 * 24($27)",
    "lw $25, 4 * 25($27)",
    "lw $28, 4 * 28($27)",
    "lw $sp, 4 * 29($27)",
    "lw $30, 4 * 30($27)",
    "lw $31, 4 * 31($27)",
    "lw $27, 4 * 34($27)",
    "nop",
    "jr $27",
    "nop",
    "3: li $2, {YIELD}", // its slice is the callee's until the answer comes
    "syscall",
    "break", // the callee is gone
    "nop",
    ".globl exos_slice_start_end",
    "exos_slice_start_end:",
    ".set pop",
    ".popsection",
    YIELD = const Call::Yield as u32,
    SAVED_A0 = const SAVED + offset_of!(SaveArea, a0),
    SAVED_A1 = const SAVED + offset_of!(SaveArea, a1),
    SAVED_A2 = const SAVED + offset_of!(SaveArea, a2),
);

unsafe extern "C" {
    static mut exos_callee: u32;
    fn exos_slice_start();
    fn exos_slice_start_end();
    fn exos_slice_end();
    fn exos_yield(who: u32) -> u64;
}

/// Address of the sequence that gives a slice up: for tests that interrupt it.
#[must_use]
pub fn yield_address() -> u32 {
    exos_yield as *const () as u32
}

/// Addresses of the sequence that restores an environment's registers: for tests that interrupt it.
#[must_use]
pub fn start_sequence() -> core::ops::Range<u32> {
    exos_slice_start as *const () as u32..exos_slice_start_end as *const () as u32
}

/// Binds the handlers of slices. A program does so before its first slice can end.
pub(crate) fn bind() {
    let myself = memory::myself().0;
    let start = exos_slice_start as *const () as u32;
    let end = exos_slice_end as *const () as u32;
    call::bind(myself, Event::SliceStart as u32, start).expect("bind the start of slices");
    call::bind(myself, Event::SliceEnd as u32, end).expect("bind the end of slices");
}

/// Gives the rest of the slice to `who`, or to whose turn is next, and returns when this environment
/// runs again.
///
/// # Errors
/// [`Error::NoEnvironment`].
pub fn yield_to(who: Name) -> Result<(), Error> {
    // SAFETY: the function keeps what a callee keeps.
    match Error::from_code(unsafe { exos_yield(who.0) } as u32) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Says that this environment's state is with `callee`, by an asynchronous transfer, until a transfer
/// comes back: slices that begin meanwhile are lent to it. [`Name::NOBODY`] ends it.
pub fn wait_for(callee: Name) {
    // SAFETY: a word that the handler of a slice's start reads.
    unsafe { (&raw mut exos_callee).write_volatile(callee.0) };
}
