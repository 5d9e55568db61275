//! Time slices: what this environment saves when one ends, and restores when the next begins (paper,
//! section 5.1.1).
//!
//! The kernel saves nothing. When a slice ends it enters `exos_slice_end` like an exception; the
//! handler saves all registers and yields. When a slice begins it enters `exos_slice_start`, which
//! restores them. A program that yields by itself saves only what it needs, as the paper has it: the yield is inlined and
//! tells the compiler that it loses almost every register, so those are saved that are live, where the compiler likes.
//!
//! Some short sequences cannot be interrupted and taken up again in their middle: the first and the last instructions
//! of an exception handler, where k1 is live, the last ones of a voluntary yield, and the restoring itself. All can be begun
//! anew, so a slice that ends inside one of them is resumed at its beginning.
//!
//! A program can put the end of its slice off for a moment ([`critical`]): that is how processes that share
//! memory exclude each other, since nothing on this processor is atomic and nobody but the kernel can turn interrupts off.
//! It pays with its own time (excess time, section 5.1.1). And it can be asked for attention
//! (`watch_for_attention`): then its next slice begins with a call of its own instead of the restored registers, which is how signals
//! and revocations reach a process.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use aegis_abi::environment::{EnvironmentPage, Event, SaveArea};
use aegis_abi::layout::{ENVIRONMENT_PAGE, SECOND_SEGMENT_END};
use aegis_abi::{Call, Error, Name};

use crate::exception::Frame;
use crate::layout::HANDLER_STACK_TOP;
use crate::process::table::Entry;
use crate::signal::SIGKILL;
use crate::{call, memory};

const SAVED: usize = ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, slice_save);
/// From the word that asks for attention to the byte that says SIGKILL.
const KILLED: usize = offset_of!(Entry, pending) - offset_of!(Entry, attention) + SIGKILL as usize;

// exos_state: word n is register n; 32 HI, 33 LO, 34 pc. exos_next: where the next slice begins, an address: behind the
// yield, with the stack pointer in exos_sp, or exos_interrupted; or the name of the environment that has been transferred to
// and has the slices meanwhile.
// exos_critical: not zero in a critical section; exos_over: the slice ended meanwhile. exos_asked: the address of
// a word that is not zero if attention is asked for, with the signals behind it. exos_going: the address of the instruction that transfers to a callee (rpc.rs),
// one behind the store to exos_next that says so.
global_asm!(
    ".pushsection .bss.pinned, \"aw\", @nobits",
    ".align 3",
    "exos_state: .space 4 * 36",
    ".globl exos_next",
    "exos_next: .space 4",
    "exos_sp: .space 4", // reached from the same register: the state is a multiple of eight bytes
    ".globl exos_critical",
    "exos_critical: .space 4",
    ".globl exos_over",
    "exos_over: .space 4",
    ".globl exos_asked",
    "exos_asked: .space 4",
    ".globl exos_going",
    "exos_going: .space 4",
    ".popsection",
    ".pushsection .text.hot.slice, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // Gives the slice up: v0 and a0 are the system call's. Called by `give_up`, which has saved the rest.
    ".globl exos_give_up",
    "exos_give_up:",
    "lui $8, %hi(exos_next)",
    "sw $31, %lo(exos_next)($8)",
    "sw $sp, %lo(exos_sp)($8)",
    "exos_give_up_syscall:",
    "syscall", // comes back only if it is refused
    "jr $31",
    "nop",
    // A slice begins.
    ".globl exos_slice_start",
    "exos_slice_start:",
    "lui $8, %hi(exos_next)",
    "lw $9, %lo(exos_next)($8)",
    "lw $sp, %lo(exos_sp)($8)",
    "bltz $9, 3f",
    "move $4, $9",
    "jr $9",
    "move $2, $zero", // the yield was not refused
    "exos_interrupted:",
    "lui $27, %hi(exos_asked)",
    "lw $4, %lo(exos_asked)($27)",
    "lui $27, %hi(exos_state)",
    "lw $4, 0($4)",
    "nop",
    "bnez $4, 4f",
    "addiu $27, $27, %lo(exos_state)",
    "5:",
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
    "3: lui $9, %hi(exos_asked)",
    "lw $9, %lo(exos_asked)($9)",
    "li $2, {YIELD}", // its slice is the callee's until the answer comes
    "lbu $9, {KILLED}($9)",
    "nop",
    "bnez $9, 8f",
    "nop",
    "syscall",
    "j exos_call_failed", // the callee is gone
    "nop",
    // Attention is asked for. A handler is not disturbed, nor one that has not come to its stack yet: what it is to
    // save would be lost in the next fault. Of the program's own registers a frame is made.
    "4: lw $4, 4 * 29($27)",
    "lw $5, 4 * 34($27)",
    "srl $4, $4, {SECOND_SEGMENT}",
    "beqz $4, 7f",
    "lui $4, %hi(exos_last_resort)",
    "addiu $4, $4, %lo(exos_last_resort)",
    "lui $6, %hi(exos_save)",
    "addiu $6, $6, %lo(exos_save)",
    "subu $6, $6, $4",
    "subu $5, $5, $4",
    "sltu $5, $5, $6",
    "bnez $5, 7f",
    "addiu $sp, $zero, {TOP} - {FRAME}",
    "addiu $4, $sp, {REGISTERS}",
    "addiu $5, $27, 4 * 35",
    "6: lw $6, 0($27)",
    "addiu $27, $27, 4",
    "sw $6, 0($4)",
    "bne $27, $5, 6b",
    "addiu $4, $4, 4",
    "j exos_attended",
    "nop",
    // But SIGKILL ends a handler, too, and what was interrupted is not taken up again.
    "7: lui $4, %hi(exos_asked)",
    "lw $4, %lo(exos_asked)($4)",
    "nop",
    "lbu $4, {KILLED}($4)",
    "nop",
    "beqz $4, 5b",
    "nop",
    "8: j exos_killed",
    "addiu $sp, $zero, {TOP} - 32",
    ".globl exos_slice_start_end",
    "exos_slice_start_end:",
    // From here on a slice can end as anywhere else.
    "exos_attended:",
    "jal exos_attend",
    "move $4, $sp",
    "j exos_restore_whole",
    "nop",
    // Not where it is in nobody's way: a slice ends 64 times a second.
    ".section .text.slice, \"ax\", @progbits",
    // The slice ends: a0 = pc, a1 = 0, a2 = Cause; a0, a1, a2 and k1 are in the save area.
    "exos_slice_end:",
    // Still restoring: nothing has run since the last save, which stays as it is.
    "lui $5, %hi(exos_slice_start)",
    "addiu $5, $5, %lo(exos_slice_start)",
    "subu $5, $4, $5",
    "sltiu $5, $5, exos_slice_start_end - exos_slice_start",
    "bnez $5, 2f",
    "lui $5, %hi(exos_critical)",
    "lw $5, %lo(exos_critical)($5)",
    "nop",
    "bnez $5, 4f",
    // Where a call enters (rpc.rs): one that is refused is so at once, since the state that it has met is to stay as it is.
    "lui $6, %hi(exos_serve)",
    "addiu $6, $6, %lo(exos_serve)",
    "subu $6, $4, $6",
    "sltiu $6, $6, exos_serve_free - exos_serve",
    "beqz $6, 6f",
    "lui $5, %hi(exos_next)",
    "lui $6, %hi(exos_rpc_home)",
    "lw $5, %lo(exos_next)($5)",
    "lw $6, %lo(exos_rpc_home)($6)",
    "nop",
    "bne $5, $6, 7f",
    "6:",
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
    "jal exos_adjust", // ra is saved
    "nop",
    "sw $8, 4 * 34($5)",
    "lui $9, %hi(exos_interrupted)",
    "addiu $9, $9, %lo(exos_interrupted)",
    "lui $8, %hi(exos_next)",
    "sw $9, %lo(exos_next)($8)",
    "2: move $4, $zero",
    "li $2, {YIELD}",
    "syscall",
    "b .", // a yield to nobody in particular is never refused
    "nop",
    // In a call that is to be refused: go on.
    "7: move $27, $4",
    "lw $4, {SAVED_A0}($zero)",
    "lw $5, {SAVED_A1}($zero)",
    "lw $6, {SAVED_A2}($zero)",
    "jr $27",
    "nop",
    // In a critical section: go on, and remember. The pc is in no sequence that cannot be entered anew but perhaps in
    // the last instructions of a handler of a miss.
    "4: lui $5, %hi(exos_over)",
    "sw $4, %lo(exos_over)($5)",
    "lui $5, %hi(exos_state)",
    "addiu $5, $5, %lo(exos_state)",
    "sw $8, 4 * 8($5)",
    "sw $9, 4 * 9($5)",
    "sw $31, 4 * 31($5)",
    "jal exos_adjust",
    "nop",
    "move $27, $8",
    "lw $8, 4 * 8($5)",
    "lw $9, 4 * 9($5)",
    "lw $31, 4 * 31($5)",
    "lw $4, {SAVED_A0}($zero)",
    "lw $5, {SAVED_A1}($zero)",
    "lw $6, {SAVED_A2}($zero)",
    "jr $27",
    "nop",
    // Where to resume instead of a0, in t0; t1 is lost.
    "exos_adjust:",
    "lui $8, %hi(exos_resume)",
    "addiu $8, $8, %lo(exos_resume)",
    "subu $9, $4, $8",
    "sltiu $9, $9, 8",
    "bnez $9, 1f", // k1 or sp may be loaded, not both: once more
    "addiu $8, $8, 8",
    "beq $4, $8, 2f", // both are: there is nothing left but the jump
    "lui $8, %hi(exos_exception + 4)",
    "addiu $8, $8, %lo(exos_exception + 4)",
    "beq $4, $8, 3f",
    "lui $8, %hi(exos_miss + 4)",
    "addiu $8, $8, %lo(exos_miss + 4)",
    "beq $4, $8, 3f",
    "lui $8, %hi(exos_last_resort + 4)",
    "addiu $8, $8, %lo(exos_last_resort + 4)",
    "beq $4, $8, 3f",
    // The slice's end has overwritten what was said before a transfer: once more.
    "lui $8, %hi(exos_going)",
    "lw $8, %lo(exos_going)($8)",
    "nop",
    "beq $4, $8, 3f",
    // Somebody answers a call: what it is checked by is read before it changes.
    "lui $8, %hi(exos_lrpc_answer)",
    "addiu $8, $8, %lo(exos_lrpc_answer)",
    "subu $9, $4, $8",
    "sltiu $9, $9, exos_lrpc_check - exos_lrpc_answer",
    "bnez $9, 6f",
    "lui $8, %hi(exos_give_up)",
    "addiu $8, $8, %lo(exos_give_up)",
    "subu $9, $4, $8",
    "sltiu $9, $9, (exos_give_up_syscall - exos_give_up) + 4",
    "bnez $9, 5f",
    "nop",
    // The last instructions of a call that is served have overwritten what the slice's end has, and the other way round.
    "lui $8, %hi(exos_serve_done)",
    "addiu $8, $8, %lo(exos_serve_done)",
    "subu $9, $4, $8",
    "sltiu $9, $9, (exos_serve_answer - exos_serve_done) + 4",
    "bnez $9, 5f",
    "nop",
    "lui $8, %hi(exos_trusted_done)",
    "addiu $8, $8, %lo(exos_trusted_done)",
    "subu $9, $4, $8",
    "sltiu $9, $9, (exos_trusted_answer - exos_trusted_done) + 4",
    "bnez $9, 5f",
    "nop",
    // The first ones of one that can be served: it is. Nobody else has called meanwhile.
    "lui $8, %hi(exos_serve)",
    "addiu $8, $8, %lo(exos_serve)",
    "subu $9, $4, $8",
    "sltiu $9, $9, exos_serve_free - exos_serve",
    "beqz $9, 8f",
    "lw $9, {CALLER}($zero)",
    "lui $8, %hi(exos_serve_free)",
    "addiu $8, $8, %lo(exos_serve_free)",
    "jr $31",
    "sw $9, 4 * 16($5)",
    "8: jr $31",
    "move $8, $4",
    "1: jr $31",
    "addiu $8, $8, -8",
    "2: lw $8, {SAVED_K1}($zero)",
    "jr $31",
    "nop",
    "3: jr $31",
    "addiu $8, $4, -4",
    "5: jr $31",
    "nop",
    "6: lui $8, %hi(exos_next)",
    "lw $9, %lo(exos_next)($8)",
    "lw $10, {CALLER}($zero)",
    "sw $8, 4 * 9($5)",
    "sw $9, 4 * 8($5)",
    "sw $10, 4 * 10($5)",
    "lui $8, %hi(exos_lrpc_check)",
    "jr $31",
    "addiu $8, $8, %lo(exos_lrpc_check)",
    ".set pop",
    ".popsection",
    YIELD = const Call::Yield as u32,
    SECOND_SEGMENT = const SECOND_SEGMENT_END.trailing_zeros(),
    TOP = const HANDLER_STACK_TOP,
    FRAME = const size_of::<Frame>(),
    KILLED = const KILLED,
    REGISTERS = const offset_of!(Frame, registers),
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
    SAVED_K1 = const SAVED + offset_of!(SaveArea, k1),
    SAVED_A0 = const SAVED + offset_of!(SaveArea, a0),
    SAVED_A1 = const SAVED + offset_of!(SaveArea, a1),
    SAVED_A2 = const SAVED + offset_of!(SaveArea, a2),
);

unsafe extern "C" {
    static mut exos_next: u32;
    static mut exos_critical: u32;
    static mut exos_over: u32;
    static mut exos_asked: u32;
    fn exos_slice_start();
    fn exos_slice_start_end();
    fn exos_slice_end();
    fn exos_give_up();
}

/// Address of the sequence that gives a slice up, [`YIELD_LENGTH`] instructions long: for tests that interrupt it.
#[must_use]
pub fn yield_address() -> u32 {
    exos_give_up as *const () as u32
}

/// Instructions of that sequence.
pub const YIELD_LENGTH: usize = 4;

/// Addresses of the sequence that restores an environment's registers: for tests that interrupt it.
#[must_use]
pub fn start_sequence() -> core::ops::Range<u32> {
    exos_slice_start as *const () as u32..exos_slice_start_end as *const () as u32
}

/// Binds the handlers of slices. A program does so before its first slice can end.
pub(crate) fn bind() {
    /// Where nobody asks for anything, nor kills.
    static NOTHING: [u32; KILLED / 4 + 1] = [0; KILLED / 4 + 1];
    watch_for_attention((&raw const NOTHING).cast());
    let myself = memory::myself().0;
    let start = exos_slice_start as *const () as u32;
    let end = exos_slice_end as *const () as u32;
    call::bind(myself, Event::SliceStart as u32, start).expect("bind the start of slices");
    call::bind(myself, Event::SliceEnd as u32, end).expect("bind the end of slices");
}

/// Makes a system call that gives the slice away, and returns when this environment runs again, with zero, or at once with
/// what Aegis refused it with: `$call` is yield's number, or the name of an environment that is transferred to. `$entry` is
/// `exos_give_up`, or ends there.
///
/// The registers that no operand can name are saved here, on the stack, where a handler of signals that yields in the
/// middle does not meet them. Nor can the compiler be told that HI and LO are lost: it never keeps a product that long, and the ELF
/// check sees to it that none is read behind a call that was begun before.
macro_rules! give_up {
    ($entry:literal, $call:expr, $argument:expr) => {{
        let answer: u32;
        // SAFETY: no register that the compiler counts on is lost but those that are said to be.
        unsafe {
            core::arch::asm!(
                ".set push",
                ".set noreorder",
                ".set noat",
                "addiu $sp, $sp, -16",
                "sw $31, 8($sp)",
                "sw $30, 4($sp)",
                concat!("jal ", $entry),
                "sw $1, 0($sp)",
                "lw $1, 0($sp)",
                "lw $30, 4($sp)",
                "lw $31, 8($sp)",
                "addiu $sp, $sp, 16",
                ".set pop",
                inlateout("$2") $call => answer, inlateout("$4") $argument => _,
                out("$3") _, out("$5") _, out("$6") _, out("$7") _, out("$8") _, out("$9") _, out("$10") _, out("$11") _,
                out("$12") _, out("$13") _, out("$14") _, out("$15") _, out("$16") _, out("$17") _, out("$18") _, out("$19") _,
                out("$20") _, out("$21") _, out("$22") _, out("$23") _, out("$24") _, out("$25") _,
            );
        }
        answer
    }};
}

pub(crate) use give_up;

/// Gives the rest of the slice to `who`, or to whose turn is next, and returns when this environment
/// runs again.
///
/// # Errors
/// [`Error::NoEnvironment`].
#[inline(always)]
pub fn yield_to(who: Name) -> Result<(), Error> {
    match give_up!("exos_give_up", Call::Yield as u32, who.0) {
        0 => Ok(()),
        code => Err(Error::from_code(code).unwrap_or(Error::NoEnvironment)),
    }
}

/// Says that this environment's state goes with the next transfer to `callee`: slices that begin before a
/// transfer comes back are lent to it.
#[inline(always)]
pub fn going_to(callee: Name) {
    // SAFETY: a word that the handler of a slice's start reads.
    unsafe { (&raw mut exos_next).write_volatile(callee.0) };
}

/// Runs `f` with the end of this slice put off: nobody else runs meanwhile, unless `f` gives the slice up itself. It must
/// be short: what goes beyond the slice is paid for, and past the excess-time threshold there is no more.
pub fn critical<R>(f: impl FnOnce() -> R) -> R {
    let (depth, over) = (&raw mut exos_critical, &raw mut exos_over);
    // SAFETY: the program is single-threaded; the handler of a slice's end only reads the one and sets the other.
    unsafe { depth.write_volatile(depth.read_volatile() + 1) };
    compiler_barrier();
    let result = f();
    compiler_barrier();
    // SAFETY: as above. A slice that ends between the two is over before the second is read, or ends as usual.
    let ended = unsafe {
        depth.write_volatile(depth.read_volatile() - 1);
        depth.read_volatile() == 0 && over.read_volatile() != 0
    };
    if ended {
        // SAFETY: as above.
        unsafe { over.write_volatile(0) };
        end();
    }
    result
}

/// Ends a slice that was to end before. Rare, and not inlined: it would cost every critical section the saving of registers.
#[cold]
#[inline(never)]
fn end() {
    // A yield to nobody in particular is never refused.
    let _ = yield_to(Name::NOBODY);
}

/// Keeps the compiler from moving memory accesses over it; the processor moves none.
#[inline(always)]
pub(crate) fn compiler_barrier() {
    // SAFETY: no instruction at all. (`compiler_fence` crashes the compiler's back end for MIPS-I.)
    unsafe { asm!("", options(nostack, preserves_flags)) };
}

/// Names the word that asks for attention: if it is not zero, this environment's next slice begins with a call of
/// `exos_attend` (signal.rs) instead of what the last one left, unless that was in a handler. The word is one of a process's
/// [`Entry`]: its signals stand beside it, and SIGKILL is not put off.
pub(crate) fn watch_for_attention(word: *const u32) {
    // SAFETY: a word that the handler of a slice's start reads.
    unsafe { (&raw mut exos_asked).write_volatile(word as u32) };
}

/// Whether attention is asked for.
#[inline(always)]
pub(crate) fn is_asked() -> bool {
    // SAFETY: `bind` has named a word that lasts.
    unsafe { ((&raw const exos_asked).read_volatile() as *const u32).read_volatile() != 0 }
}
