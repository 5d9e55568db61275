//! Exceptions, handled by this environment (paper, sections 5.3 and 6.2).
//!
//! Aegis saves three registers and jumps to the handler bound for the exception's code; everything
//! else happens here. The general trampoline saves all registers on the stack of what was
//! interrupted, calls a Rust function with them, restores what it left, and resumes without entering
//! the kernel: the last four instructions reload the PC into k1, which Aegis preserves over
//! refills and interrupts, and jump.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::Error;
use aegis_abi::environment::{EnvironmentPage, Event, SaveArea, cause};
use aegis_abi::layout::ENVIRONMENT_PAGE;

use crate::{call, memory, println, start};

/// What was interrupted. A handler may change it; that is how it repairs.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    arguments: [u32; 4],
    /// General registers by number; 26 and 27 (k0, k1) mean nothing.
    pub registers: [u32; 32],
    /// HI.
    pub hi: u32,
    /// LO.
    pub lo: u32,
    /// Where to resume.
    pub pc: u32,
    /// The bad address, or zero.
    pub bad_address: u32,
    /// The `Cause` word.
    pub cause: u32,
    padding: u32,
}

impl Frame {
    /// The exception's code; see [`cause`].
    #[must_use]
    pub const fn code(&self) -> u32 {
        cause::code(self.cause)
    }

    /// Whether the exception was in a branch's delay slot: `pc` is the branch then.
    #[must_use]
    pub const fn in_delay_slot(&self) -> bool {
        self.cause & cause::DELAY_SLOT != 0
    }
}

/// A handler of exceptions.
pub type Handler = fn(&mut Frame);

const PAGE: usize = ENVIRONMENT_PAGE as usize;

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // TLB misses and the last resort have save areas of their own.
    ".globl exos_miss",
    "exos_miss:",
    "addiu $sp, $sp, -{FRAME}",
    "sw $8, {REGISTERS} + 4 * 8($sp)",
    "b exos_save",
    "li $8, {MISS_SAVE}",
    ".globl exos_last_resort",
    "exos_last_resort:",
    "addiu $sp, $sp, -{FRAME}",
    "sw $8, {REGISTERS} + 4 * 8($sp)",
    "b exos_save",
    "li $8, {LAST_SAVE}",
    // a0 = pc, a1 = bad address, a2 = Cause; a0, a1, a2 are saved by code in the environment's page.
    ".globl exos_exception",
    "exos_exception:",
    "addiu $sp, $sp, -{FRAME}",
    "sw $8, {REGISTERS} + 4 * 8($sp)",
    "sw $9, {REGISTERS} + 4 * 9($sp)",
    "sw $10, {REGISTERS} + 4 * 10($sp)",
    "sw $11, {REGISTERS} + 4 * 11($sp)",
    "andi $8, $6, 0x7c",
    "lw $9, {SAVED_A0}($8)",
    "lw $10, {SAVED_A1}($8)",
    "lw $11, {SAVED_A2}($8)",
    "b 1f",
    "nop",
    "exos_save:",
    "sw $9, {REGISTERS} + 4 * 9($sp)",
    "sw $10, {REGISTERS} + 4 * 10($sp)",
    "sw $11, {REGISTERS} + 4 * 11($sp)",
    "lw $9, 0($8)",
    "lw $10, 4($8)",
    "lw $11, 8($8)",
    "1: sw $9, {REGISTERS} + 4 * 4($sp)",
    "sw $10, {REGISTERS} + 4 * 5($sp)",
    "sw $11, {REGISTERS} + 4 * 6($sp)",
    "sw $4, {PC}($sp)",
    "sw $5, {BAD}($sp)",
    "sw $6, {CAUSE}($sp)",
    "mfhi $8",
    "mflo $9",
    "sw $8, {HI}($sp)",
    "sw $9, {LO}($sp)",
    "sw $zero, {REGISTERS}($sp)",
    "sw $1, {REGISTERS} + 4 * 1($sp)",
    "sw $2, {REGISTERS} + 4 * 2($sp)",
    "sw $3, {REGISTERS} + 4 * 3($sp)",
    "sw $7, {REGISTERS} + 4 * 7($sp)",
    "sw $12, {REGISTERS} + 4 * 12($sp)",
    "sw $13, {REGISTERS} + 4 * 13($sp)",
    "sw $14, {REGISTERS} + 4 * 14($sp)",
    "sw $15, {REGISTERS} + 4 * 15($sp)",
    "sw $16, {REGISTERS} + 4 * 16($sp)",
    "sw $17, {REGISTERS} + 4 * 17($sp)",
    "sw $18, {REGISTERS} + 4 * 18($sp)",
    "sw $19, {REGISTERS} + 4 * 19($sp)",
    "sw $20, {REGISTERS} + 4 * 20($sp)",
    "sw $21, {REGISTERS} + 4 * 21($sp)",
    "sw $22, {REGISTERS} + 4 * 22($sp)",
    "sw $23, {REGISTERS} + 4 * 23($sp)",
    "sw $24, {REGISTERS} + 4 * 24($sp)",
    "sw $25, {REGISTERS} + 4 * 25($sp)",
    "sw $28, {REGISTERS} + 4 * 28($sp)",
    "addiu $8, $sp, {FRAME}",
    "sw $8, {REGISTERS} + 4 * 29($sp)",
    "sw $30, {REGISTERS} + 4 * 30($sp)",
    "sw $31, {REGISTERS} + 4 * 31($sp)",
    "jal exos_handle",
    "move $4, $sp",
    "lw $8, {HI}($sp)",
    "lw $9, {LO}($sp)",
    "mthi $8",
    "mtlo $9",
    "lw $1, {REGISTERS} + 4 * 1($sp)",
    "lw $2, {REGISTERS} + 4 * 2($sp)",
    "lw $3, {REGISTERS} + 4 * 3($sp)",
    "lw $4, {REGISTERS} + 4 * 4($sp)",
    "lw $5, {REGISTERS} + 4 * 5($sp)",
    "lw $6, {REGISTERS} + 4 * 6($sp)",
    "lw $7, {REGISTERS} + 4 * 7($sp)",
    "lw $8, {REGISTERS} + 4 * 8($sp)",
    "lw $9, {REGISTERS} + 4 * 9($sp)",
    "lw $10, {REGISTERS} + 4 * 10($sp)",
    "lw $11, {REGISTERS} + 4 * 11($sp)",
    "lw $12, {REGISTERS} + 4 * 12($sp)",
    "lw $13, {REGISTERS} + 4 * 13($sp)",
    "lw $14, {REGISTERS} + 4 * 14($sp)",
    "lw $15, {REGISTERS} + 4 * 15($sp)",
    "lw $16, {REGISTERS} + 4 * 16($sp)",
    "lw $17, {REGISTERS} + 4 * 17($sp)",
    "lw $18, {REGISTERS} + 4 * 18($sp)",
    "lw $19, {REGISTERS} + 4 * 19($sp)",
    "lw $20, {REGISTERS} + 4 * 20($sp)",
    "lw $21, {REGISTERS} + 4 * 21($sp)",
    "lw $22, {REGISTERS} + 4 * 22($sp)",
    "lw $23, {REGISTERS} + 4 * 23($sp)",
    "lw $24, {REGISTERS} + 4 * 24($sp)",
    "lw $25, {REGISTERS} + 4 * 25($sp)",
    "lw $28, {REGISTERS} + 4 * 28($sp)",
    "lw $30, {REGISTERS} + 4 * 30($sp)",
    "lw $31, {REGISTERS} + 4 * 31($sp)",
    // Only here is k1 live. A slice that ends in these four is resumed at the first.
    ".globl exos_resume",
    "exos_resume:",
    "lw $27, {PC}($sp)",
    "nop",
    "jr $27",
    "addiu $sp, $sp, {FRAME}",
    ".set pop",
    ".popsection",
    FRAME = const size_of::<Frame>(),
    REGISTERS = const offset_of!(Frame, registers),
    HI = const offset_of!(Frame, hi),
    LO = const offset_of!(Frame, lo),
    PC = const offset_of!(Frame, pc),
    BAD = const offset_of!(Frame, bad_address),
    CAUSE = const offset_of!(Frame, cause),
    SAVED_A0 = const PAGE + offset_of!(EnvironmentPage, saved_a0),
    SAVED_A1 = const PAGE + offset_of!(EnvironmentPage, saved_a1),
    SAVED_A2 = const PAGE + offset_of!(EnvironmentPage, saved_a2),
    MISS_SAVE = const PAGE + offset_of!(EnvironmentPage, miss_save) + offset_of!(SaveArea, a0),
    LAST_SAVE = const PAGE + offset_of!(EnvironmentPage, last_resort_save) + offset_of!(SaveArea, a0),
);

const _: () = assert!(size_of::<Frame>().is_multiple_of(8));

unsafe extern "C" {
    fn exos_exception();
    fn exos_miss();
    fn exos_last_resort();
    /// The first of the four instructions that resume.
    fn exos_resume();
}

/// Address of the sequence that resumes, four instructions long: for tests that interrupt it.
#[must_use]
pub fn resume_address() -> u32 {
    exos_resume as *const () as u32
}

static mut HANDLER: Handler = report_and_exit;

#[unsafe(no_mangle)]
extern "C" fn exos_handle(frame: &mut Frame) {
    if frame.code() == cause::SYSTEM_CALL
        && let Some(error) = cause::error(frame.cause)
    {
        // A primitive operation was refused: its stub answers like those of the other calls.
        frame.registers[2] = error.code();
        frame.pc += 4;
        return;
    }
    // SAFETY: written by `handle` alone; a program is single-threaded.
    let handler = unsafe { HANDLER };
    handler(frame);
}

/// Makes `handler` the handler of every exception, TLB misses and the last resort included, through
/// the general trampoline.
///
/// # Errors
/// Those of the call `bind`.
pub fn handle(handler: Handler) -> Result<(), Error> {
    // SAFETY: a program is single-threaded; an exception between here and `bind` gets the new one.
    unsafe { HANDLER = handler };
    for code in 0..cause::COUNT as u32 {
        if !matches!(code, cause::INTERRUPT | cause::TLB_LOAD | cause::TLB_STORE) {
            bind(code, exos_exception as *const () as u32)?;
        }
    }
    bind(Event::TlbMiss as u32, exos_miss as *const () as u32)?;
    bind(Event::LastResort as u32, exos_last_resort as *const () as u32)
}

/// Binds the handler of one event of this environment to an address.
///
/// # Errors
/// Those of the call `bind`.
pub fn bind(event: u32, pc: u32) -> Result<(), Error> {
    call::bind(memory::myself().0, event, pc).map(|_| ())
}

/// The handler that programs begin with: says what happened and ends the program.
pub fn report_and_exit(frame: &mut Frame) {
    println!(
        "program: exception {} at {:08x}, bad address {:08x}, cause {:08x}",
        frame.code(),
        frame.pc,
        frame.bad_address,
        frame.cause
    );
    start::exit(100 + frame.code())
}
