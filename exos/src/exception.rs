//! Exceptions, handled by this environment (paper, sections 5.3 and 6.2).
//!
//! Aegis saves three registers and jumps to the handler bound for the exception's code; everything
//! else happens here. The general trampoline saves the registers that C lets a callee lose, HI and LO, and calls
//! the fault handler ([`crate::vm`]); what that one does not settle gets the whole frame. Then it restores
//! what it saved and resumes without entering the kernel: the last four instructions reload the PC into k1,
//! which Aegis preserves over refills and interrupts, and jump.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::Error;
use aegis_abi::environment::{EnvironmentPage, Event, SaveArea, cause};
use aegis_abi::layout::{ENVIRONMENT_PAGE, SECOND_SEGMENT_END};

use crate::layout::HANDLER_STACK_TOP;
use crate::{call, memory, println, process, signal, start};

/// What was interrupted. A handler may change it; that is how it repairs.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    arguments: [u32; 4],
    /// General registers by number; 26 and 27 (k0, k1) mean nothing. A fault handler ([`crate::vm::Handler`]) finds
    /// only those that C lets a callee lose, and the stack pointer.
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

// In processes the program's stack is ordinary memory: a handler that is entered from it begins on the handlers'
// own, and one that is entered from a handler goes on below. In bare programs all stacks are pinned, so that
// the first frame is pushed where the exception was. What C lets a callee lose is saved at once, the rest only for
// handlers that want the whole frame.
//
// k1 is live twice: for the length of one branch on entry, and from the load of the pc to the jump. slice.rs knows
// both places.
global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // Makes a frame and saves t0 to t3 there.
    ".macro exos_enter",
    "srl $27, $sp, {SECOND_SEGMENT}",
    "bnez $27, 1f", // from the program
    "nop",
    "sw $sp, {REGISTERS} + 4 * 29 - {FRAME}($sp)",
    "b 2f",
    "addiu $sp, $sp, -{FRAME}",
    "1: sw $sp, {TOP} - {FRAME} + {REGISTERS} + 4 * 29($zero)",
    "addiu $sp, $zero, {TOP} - {FRAME}",
    "2: sw $8, {REGISTERS} + 4 * 8($sp)",
    "sw $9, {REGISTERS} + 4 * 9($sp)",
    "sw $10, {REGISTERS} + 4 * 10($sp)",
    "sw $11, {REGISTERS} + 4 * 11($sp)",
    ".endm",
    // TLB misses and the last resort have save areas of their own.
    ".globl exos_last_resort",
    "exos_last_resort:",
    "exos_enter",
    "b exos_from_area",
    "li $8, {LAST_SAVE}",
    ".globl exos_miss",
    "exos_miss:",
    "exos_enter",
    "li $8, {MISS_SAVE}",
    "exos_from_area:",
    "lw $9, 0($8)",
    "lw $10, 4($8)",
    "b exos_save",
    "lw $11, 8($8)",
    // a0 = pc, a1 = bad address, a2 = Cause; a0, a1, a2 are saved by code in the environment's page.
    ".globl exos_exception",
    "exos_exception:",
    "exos_enter",
    "andi $8, $6, 0x7c",
    "lw $9, {SAVED_A0}($8)",
    "lw $10, {SAVED_A1}($8)",
    "lw $11, {SAVED_A2}($8)",
    ".globl exos_save",
    "exos_save:",
    "sw $1, {REGISTERS} + 4 * 1($sp)",
    "sw $9, {REGISTERS} + 4 * 4($sp)",
    "sw $10, {REGISTERS} + 4 * 5($sp)",
    "sw $11, {REGISTERS} + 4 * 6($sp)",
    "mfhi $8",
    "mflo $9",
    "sw $4, {PC}($sp)",
    "sw $8, {HI}($sp)",
    "sw $9, {LO}($sp)",
    "sw $2, {REGISTERS} + 4 * 2($sp)",
    "sw $3, {REGISTERS} + 4 * 3($sp)",
    "sw $7, {REGISTERS} + 4 * 7($sp)",
    "sw $12, {REGISTERS} + 4 * 12($sp)",
    "sw $13, {REGISTERS} + 4 * 13($sp)",
    "sw $14, {REGISTERS} + 4 * 14($sp)",
    "sw $15, {REGISTERS} + 4 * 15($sp)",
    "sw $24, {REGISTERS} + 4 * 24($sp)",
    "sw $25, {REGISTERS} + 4 * 25($sp)",
    "sw $31, {REGISTERS} + 4 * 31($sp)",
    "jal exos_fault",
    "move $4, $sp",
    "bnez $2, exos_whole_frame",
    ".globl exos_restore",
    "exos_restore:", // sp = the frame
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
    "lw $24, {REGISTERS} + 4 * 24($sp)",
    "lw $25, {REGISTERS} + 4 * 25($sp)",
    "lw $31, {REGISTERS} + 4 * 31($sp)",
    // Only here is k1 live. A slice that ends at the first two is resumed at the first, one that ends at the
    // jump goes where it would have.
    ".globl exos_resume",
    "exos_resume:",
    "lw $27, {PC}($sp)",
    "lw $sp, {REGISTERS} + 4 * 29($sp)",
    "jr $27",
    "nop",
    // A handler wants the whole frame.
    "exos_whole_frame:",
    "sw $zero, {REGISTERS}($sp)",
    "sw $16, {REGISTERS} + 4 * 16($sp)",
    "sw $17, {REGISTERS} + 4 * 17($sp)",
    "sw $18, {REGISTERS} + 4 * 18($sp)",
    "sw $19, {REGISTERS} + 4 * 19($sp)",
    "sw $20, {REGISTERS} + 4 * 20($sp)",
    "sw $21, {REGISTERS} + 4 * 21($sp)",
    "sw $22, {REGISTERS} + 4 * 22($sp)",
    "sw $23, {REGISTERS} + 4 * 23($sp)",
    "sw $28, {REGISTERS} + 4 * 28($sp)",
    "sw $30, {REGISTERS} + 4 * 30($sp)",
    "jal exos_handle",
    "move $4, $sp",
    ".globl exos_restore_whole",
    "exos_restore_whole:",
    "lw $16, {REGISTERS} + 4 * 16($sp)",
    "lw $17, {REGISTERS} + 4 * 17($sp)",
    "lw $18, {REGISTERS} + 4 * 18($sp)",
    "lw $19, {REGISTERS} + 4 * 19($sp)",
    "lw $20, {REGISTERS} + 4 * 20($sp)",
    "lw $21, {REGISTERS} + 4 * 21($sp)",
    "lw $22, {REGISTERS} + 4 * 22($sp)",
    "lw $23, {REGISTERS} + 4 * 23($sp)",
    "lw $28, {REGISTERS} + 4 * 28($sp)",
    "b exos_restore",
    "lw $30, {REGISTERS} + 4 * 30($sp)",
    ".set pop",
    ".popsection",
    FRAME = const size_of::<Frame>(),
    TOP = const HANDLER_STACK_TOP,
    SECOND_SEGMENT = const SECOND_SEGMENT_END.trailing_zeros(),
    REGISTERS = const offset_of!(Frame, registers),
    HI = const offset_of!(Frame, hi),
    LO = const offset_of!(Frame, lo),
    PC = const offset_of!(Frame, pc),
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

/// `None` until a program has chosen: [`report_and_exit`], or in a process a signal ([`signal::fault`]).
#[unsafe(link_section = ".bss.pinned")]
static mut HANDLER: Option<Handler> = None;

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
    handler.unwrap_or(if process::is_process() { signal::fault } else { report_and_exit })(frame);
}

/// Makes `handler` the handler of every exception, TLB misses and the last resort included, through
/// the general trampoline.
///
/// # Errors
/// Those of the call `bind`.
pub fn handle(handler: Handler) -> Result<(), Error> {
    // SAFETY: a program is single-threaded; an exception between here and `bind` gets the new one.
    unsafe { HANDLER = Some(handler) };
    bind_all()
}

/// Binds the general trampoline to every exception, TLB misses and the last resort.
///
/// # Errors
/// Those of the call `bind`.
pub(crate) fn bind_all() -> Result<(), Error> {
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
