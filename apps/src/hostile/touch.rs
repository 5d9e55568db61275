//! Loads, stores, exceptions and transfers of who makes random calls: what may fault, and goes on.

use core::arch::global_asm;
use core::mem::offset_of;

use exos::abi::environment::{EnvironmentPage, cause};
use exos::abi::layout::ENVIRONMENT_PAGE;
use exos::call;
use exos::exception::{self, Frame};

use super::fault;

/// What is wrong, for the supervisor's report.
pub mod wrong {
    /// An exception that nothing the program did explains; the detail is its pc.
    pub const EXCEPTION: u32 = 1;
    /// A call answered what the table does not list; the detail is the call.
    pub const UNDOCUMENTED: u32 = 2;
    /// A page that was mapped as asked cannot be read, or can be written; the detail is its number.
    pub const MAPPING: u32 = 3;
    /// A page that was freed or taken back can still be read; the detail is its number.
    pub const FREED: u32 = 4;
    /// A system call that is not Aegis's was not delivered; the detail is its number.
    pub const DELIVERY: u32 = 5;
    /// A page came with somebody's contents; the detail is its number.
    pub const CONTENTS: u32 = 6;
    /// The program could not begin; the detail is the error.
    pub const BEGIN: u32 = 7;
}

/// What the handler leaves in v0 of a foreign system call. It is neither a name nor an error.
pub const FOREIGN: u32 = 0x0f0e_1600;

global_asm!(
    ".pushsection .text.hostile, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // Where transfers to the program enter: they answer the raw call that is being made.
    ".globl hostile_entered",
    "hostile_entered:",
    "jr $31",
    "nop",
    // u32 hostile_load(address); void hostile_store(address, word): may fault, and go on.
    ".globl hostile_load",
    "hostile_load:",
    "lw $2, 0($4)",
    "jr $31",
    "nop",
    ".globl hostile_store",
    "hostile_store:",
    "sw $5, 0($4)",
    "jr $31",
    "nop",
    // An environment that answers transfers: back to whoever called.
    ".globl hostile_echo",
    "hostile_echo:",
    "lw $2, {CALLER}($0)",
    "nop",
    "syscall",
    "break",
    ".globl hostile_echo_end",
    "hostile_echo_end:",
    ".set pop",
    ".popsection",
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
);

unsafe extern "C" {
    fn hostile_entered();
    fn hostile_load(address: u32) -> u32;
    fn hostile_store(address: u32, word: u32);
    static hostile_echo: [u8; 0];
    static hostile_echo_end: [u8; 0];
}

/// Where transfers to the program enter.
pub fn entered() -> u32 {
    hostile_entered as *const () as u32
}

/// The code of an environment that answers transfers.
pub fn echo_code() -> &'static [u8] {
    let length = &raw const hostile_echo_end as usize - &raw const hostile_echo as usize;
    // SAFETY: the code lies between the two labels.
    unsafe { core::slice::from_raw_parts((&raw const hostile_echo).cast(), length) }
}

/// What the exception handler counts. A program has one thread; the handler runs inside of it.
struct Handled {
    foreign: core::cell::Cell<u32>,
    faults: core::cell::Cell<u32>,
}

// SAFETY: a program has one thread.
unsafe impl Sync for Handled {}

static HANDLED: Handled = Handled { foreign: core::cell::Cell::new(0), faults: core::cell::Cell::new(0) };

/// Counts foreign system calls and the faults of probes, and goes on behind them.
pub fn handle(frame: &mut Frame) {
    let probe = [hostile_load as *const () as u32, hostile_store as *const () as u32].contains(&frame.pc);
    match frame.code() {
        cause::SYSTEM_CALL => {
            HANDLED.foreign.set(HANDLED.foreign.get() + 1);
            frame.registers[2] = FOREIGN;
        }
        cause::TLB_LOAD | cause::TLB_STORE | cause::MODIFIED if probe => {
            HANDLED.faults.set(HANDLED.faults.get() + 1);
            let _ = call::last_resort_done();
        }
        _ => {
            fault(wrong::EXCEPTION, frame.pc);
            exception::report_and_exit(frame);
        }
    }
    frame.pc += 4;
}

/// Foreign system calls that were delivered so far.
pub fn delivered() -> u32 {
    compiler_barrier();
    HANDLED.foreign.get()
}

/// Reads a word, or says that it faulted.
pub fn load(address: u32) -> Option<u32> {
    let before = HANDLED.faults.get();
    // SAFETY: reads a word, or faults and goes on.
    let word = unsafe { hostile_load(address) };
    compiler_barrier();
    (HANDLED.faults.get() == before).then_some(word)
}

/// Writes a word, or says that it faulted.
pub fn store(address: u32, word: u32) -> bool {
    let before = HANDLED.faults.get();
    // SAFETY: the address is where nothing of the program's lies.
    unsafe { hostile_store(address, word) };
    compiler_barrier();
    HANDLED.faults.get() == before
}

/// Keeps the compiler from moving memory accesses across it. (A fence of `core`'s does not compile for
/// MIPS-I on every compiler.)
fn compiler_barrier() {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("", options(nostack)) };
}
