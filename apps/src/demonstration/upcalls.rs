//! Upcalls that keep a log: each start and end of a slice, each wish for resources and each loss is noted with the time
//! before ExOS's own handler, or the program, deals with it.
//!
//! The log is in the page that a spawned program shares with the one that spawned it ([`START_PAGE`]), so that the
//! parent reads what its children's upcalls have noted. The handlers reach it from `$zero`.

use core::mem::offset_of;

use exos::abi::environment::{EnvironmentPage, Event};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping};
use exos::abi::{Call, Error};
use exos::memory::{self, Page};
use exos::start::START_PAGE;
use exos::{call, exception};

use crate::testing::lab::{peek, poke};

/// Words of the page.
pub mod word {
    /// Entries of the log; [`MOST`](super::MOST) closes it.
    pub const COUNT: usize = 0;
    /// The next end of a slice is stayed in for so many timer interrupts.
    pub const STAY: usize = 1;
    /// The handler's own: registers, and where ExOS handles the end of a slice.
    pub const SAVED_V0: usize = 2;
    /// See [`SAVED_V0`].
    pub const SAVED_V1: usize = 3;
    /// See [`SAVED_V0`].
    pub const SLICE_END: usize = 4;
    /// The first word that a program may use as it likes.
    pub const FREE: usize = 8;
    /// The first entry of the log.
    pub const LOG: usize = 128;
}

/// Entries for which there is room.
pub const MOST: u32 = (1024 - word::LOG as u32) / 2;

/// What an entry notes; bits 31..8 are a number.
pub mod kind {
    /// A slice started, or was lent.
    pub const START: u32 = 0;
    /// A slice ended.
    pub const END: u32 = 1;
    /// A handler of a slice's end gives way after having stayed; the number is the excess then.
    pub const LEAVE: u32 = 2;
    /// Resources are wanted back.
    pub const ASKED: u32 = 3;
    /// Resources were taken.
    pub const LOST: u32 = 4;
}

/// What a program does when resources are wanted back or were taken: it gets the entry's kind. It runs on a small
/// stack of its own, and its slice does not end meanwhile.
pub type Handler = extern "C" fn(kind: u32);

core::arch::global_asm!(
    ".pushsection .bss.demonstration, \"aw\", @nobits",
    ".align 3",
    "demonstration_stack: .space 4096 - 32",
    "demonstration_stack_top:",
    ".space 32", // a callee's arguments
    ".globl demonstration_handler",
    "demonstration_handler: .space 4",
    ".popsection",
    ".pushsection .text.demonstration, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // Instead of ExOS's: nothing is in the registers.
    ".globl demonstration_asked",
    "demonstration_asked:",
    "b 1f",
    "addiu $9, $zero, {ASKED}",
    ".globl demonstration_lost",
    "demonstration_lost:",
    "b 1f",
    "addiu $9, $zero, {LOST}",
    ".globl demonstration_start",
    "demonstration_start:",
    "addiu $9, $zero, {START}",
    "1: li $2, {CLOCK}",
    "syscall", // v1 = the time
    "lw $10, {COUNT}($zero)",
    "nop",
    "sltiu $11, $10, {MOST}",
    "beqz $11, 2f",
    "sll $11, $10, 3",
    "sw $3, {LOG}($11)",
    "sw $9, {LOG} + 4($11)",
    "addiu $10, $10, 1",
    "sw $10, {COUNT}($zero)",
    "2: beqz $9, 3f", // a plain start
    "lui $8, %hi(demonstration_handler)",
    "lw $8, %lo(demonstration_handler)($8)",
    "lui $sp, %hi(demonstration_stack_top)",
    "beqz $8, 3f",
    "addiu $sp, $sp, %lo(demonstration_stack_top)",
    // What was interrupted is saved, and there is no second place: the handler is a critical section.
    "li $10, 1",
    "lui $11, %hi(exos_critical)",
    "sw $10, %lo(exos_critical)($11)",
    "jalr $8",
    "move $4, $9",
    "lui $11, %hi(exos_critical)",
    "sw $zero, %lo(exos_critical)($11)",
    // A slice that ended meanwhile is given up now. There is nothing to save, as in ExOS's own sequence, which follows.
    "3:",
    "demonstration_go_on:",
    "lui $8, %hi(exos_over)",
    "lw $9, %lo(exos_over)($8)",
    "nop",
    "beqz $9, 4f",
    "sw $zero, %lo(exos_over)($8)",
    "move $4, $zero",
    "li $2, {YIELD}",
    "syscall",
    "4: j exos_slice_start",
    "nop",
    "demonstration_gone_on:",
    // Before ExOS's: a0 = pc; a0, a1, a2 are saved in the environment's page, all other registers are the program's.
    ".globl demonstration_end",
    "demonstration_end:",
    "sw $2, {SAVED_V0}($zero)",
    "sw $3, {SAVED_V1}($zero)",
    "addiu $5, $zero, {END}",
    "1: li $2, {CLOCK}",
    "syscall",
    "lw $2, {COUNT}($zero)",
    "nop",
    "sltiu $6, $2, {MOST}",
    "beqz $6, 2f",
    "sll $6, $2, 3",
    "sw $3, {LOG}($6)",
    "sw $5, {LOG} + 4($6)",
    "addiu $2, $2, 1",
    "sw $2, {COUNT}($zero)",
    // Does it stay? Then until the kernel, which goes on ticking, has counted so many interrupts.
    "2: lw $6, {STAY}($zero)",
    "sw $zero, {STAY}($zero)",
    "beqz $6, 4f",
    "nop",
    "3: lw $5, {EXCESS}($zero)",
    "nop",
    "sltu $2, $5, $6",
    "bnez $2, 3b",
    "sll $5, $5, 8",
    "b 1b",
    "ori $5, $5, {LEAVE}",
    "4: lw $2, {SAVED_V0}($zero)",
    "lw $3, {SAVED_V1}($zero)",
    // In one of the upcalls above?
    "lui $5, %hi(demonstration_asked)",
    "addiu $5, $5, %lo(demonstration_asked)",
    "subu $5, $4, $5",
    "sltiu $6, $5, demonstration_go_on - demonstration_asked",
    "bnez $6, 5f",
    "sltiu $6, $5, demonstration_gone_on - demonstration_asked",
    "bnez $6, 6f",
    "lw $5, {SLICE_END}($zero)",
    "nop",
    "jr $5",
    "nop",
    // It goes on, and gives way at its end.
    "5: lui $5, %hi(exos_over)",
    "jr $4",
    "sw $4, %lo(exos_over)($5)",
    // ExOS would have restored the registers next, which can be begun anew.
    "6: lui $4, %hi(exos_slice_start)",
    "addiu $4, $4, %lo(exos_slice_start)",
    "jr $5",
    "nop",
    ".set pop",
    ".popsection",
    CLOCK = const Call::Clock as u32,
    YIELD = const Call::Yield as u32,
    START = const kind::START,
    END = const kind::END,
    LEAVE = const kind::LEAVE,
    ASKED = const kind::ASKED,
    LOST = const kind::LOST,
    MOST = const MOST,
    COUNT = const START_PAGE as usize + 4 * word::COUNT,
    STAY = const START_PAGE as usize + 4 * word::STAY,
    SAVED_V0 = const START_PAGE as usize + 4 * word::SAVED_V0,
    SAVED_V1 = const START_PAGE as usize + 4 * word::SAVED_V1,
    SLICE_END = const START_PAGE as usize + 4 * word::SLICE_END,
    LOG = const START_PAGE as usize + 4 * word::LOG,
    EXCESS = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, excess),
);

unsafe extern "C" {
    static mut demonstration_handler: u32;
    fn demonstration_asked();
    fn demonstration_lost();
    fn demonstration_start();
    fn demonstration_end();
}

/// Gives the first program the page that spawned ones have at [`START_PAGE`], for its own upcalls to log to.
///
/// # Errors
/// Those of `page_alloc` and `guarantee`.
pub fn own_page() -> Result<(), Error> {
    let page = Page::any()?;
    memory::pin(memory::myself(), START_PAGE, page.number, Mapping::WRITABLE, page.write)
}

/// Binds the upcalls of this environment, the page being there.
///
/// # Errors
/// Those of the call `bind`.
pub fn bind() -> Result<(), Error> {
    set(word::COUNT, MOST);
    set(word::SLICE_END, memory::environment().slice_end_pc);
    exception::bind(Event::SliceEnd as u32, demonstration_end as *const () as u32)?;
    exception::bind(Event::SliceStart as u32, demonstration_start as *const () as u32)
}

/// Has `handler` called when resources are wanted back, and when they were taken.
///
/// # Errors
/// Those of the call `bind`.
pub fn listen(handler: Handler) -> Result<(), Error> {
    // SAFETY: a word that the upcalls read, which are not bound yet.
    unsafe { demonstration_handler = handler as *const () as u32 };
    exception::bind(Event::Revocation as u32, demonstration_asked as *const () as u32)?;
    exception::bind(Event::Repossession as u32, demonstration_lost as *const () as u32)
}

/// A word of this environment's page.
#[must_use]
pub fn get(index: usize) -> u32 {
    peek(START_PAGE + 4 * index as u32)
}

/// Changes a word of this environment's page.
pub fn set(index: usize, value: u32) {
    poke(START_PAGE + 4 * index as u32, value);
}

/// Waits until the counter has got on by so many ticks.
pub fn wait(ticks: u32) {
    let begin = call::clock();
    while call::clock().wrapping_sub(begin) < ticks {}
}
