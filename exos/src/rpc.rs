//! Calls into another address space over protected control transfer (paper, sections 5.5, 6.1 and 7.1; Tables 8 and 12).
//!
//! lrpc saves all registers that C lets a caller rely on (gp, which nothing here uses, is not among them), and believes the
//! server nothing but its answer. tlrpc trusts the server to keep them. Both have the paper's limits: one function, no permission checks, single-threaded.
//! The registers are the message: `a0` the argument, `v1` the answer.
//!
//! Anybody may transfer to a client. Who did is the kernel's word, which cannot be forged, and lrpc compares it with the server: a
//! transfer of anybody else's is a slice for the client, and no answer. tlrpc does not compare, which would cost it five instructions
//! of 74: its clients trust everybody who knows their names.
//!
//! While a call is under way this process's slices are the server's. The server may be interrupted; who calls it meanwhile
//! is told that it is busy. A server's own state is one: a call is served if it is where it waits for calls ([`serve`]), and refused
//! if a call is under way, or the server itself was interrupted.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::environment::{EnvironmentPage, Event};
use aegis_abi::layout::ENVIRONMENT_PAGE;
use aegis_abi::{Call, Error, Name};

use crate::layout::HANDLER_STACK_TOP;
use crate::process::table::{self, channel, set, state};
use crate::signal::{self, SIGKILL};
use crate::{call, memory, process, slice};

/// A function that a server offers.
pub type Service = extern "C" fn(u32) -> u32;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcError {
    /// The server is gone, or was never one.
    Gone,
    /// The server is in the middle of somebody else's call.
    Busy,
}

global_asm!(
    ".pushsection .bss.pinned, \"aw\", @nobits",
    ".align 5", // one half of an address reaches all
    "exos_rpc_sp: .space 4",
    ".globl exos_rpc_caller",
    "exos_rpc_caller: .space 4",
    ".globl exos_rpc_service",
    "exos_rpc_service: .space 4",
    "exos_rpc_kept: .space 8",
    ".globl exos_rpc_home",
    "exos_rpc_home: .space 4", // where it waits, once it does
    ".popsection",
    ".pushsection .text.hot.rpc, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // u64 exos_lrpc(argument, server): status in v0, answer in v1.
    ".align 4",
    ".globl exos_lrpc",
    "exos_lrpc:",
    "addiu $sp, $sp, -48",
    "sw $16, 0($sp)",
    "sw $17, 4($sp)",
    "sw $18, 8($sp)",
    "sw $19, 12($sp)",
    "lui $8, %hi(exos_next)", // exos_rpc_sp's, too: see below
    "sw $20, 16($sp)",
    "sw $21, 20($sp)",
    "sw $22, 24($sp)",
    "sw $23, 28($sp)",
    "move $2, $5",
    "sw $30, 32($sp)",
    "sw $31, 40($sp)",
    "sw $sp, %lo(exos_rpc_sp)($8)",
    "sw $5, %lo(exos_next)($8)",
    ".globl exos_lrpc_call",
    "exos_lrpc_call:",
    "syscall",
    // Refused.
    "exos_lrpc_refused:",
    "lui $9, %hi(exos_rpc_sp)",
    "lw $sp, %lo(exos_rpc_sp)($9)",
    "b 1f",
    "li $4, 1",
    // The answer enters here, if it is the server's: nothing is believed but a0 and v1.
    ".globl exos_lrpc_answer",
    "exos_lrpc_answer:",
    "lui $9, %hi(exos_next)",
    "lw $10, {CALLER}($zero)", // the kernel's word
    "lw $8, %lo(exos_next)($9)", // whom this environment waits for
    ".globl exos_lrpc_check",
    "exos_lrpc_check:", // a slice that ends before here is resumed here: slice.rs does the same
    "lw $sp, %lo(exos_rpc_sp)($9)",
    "bne $8, $10, 2f",
    "1: move $2, $4",
    "lw $31, 40($sp)",
    "lw $16, 0($sp)",
    "lw $17, 4($sp)",
    "lw $18, 8($sp)",
    "lw $19, 12($sp)",
    "lw $20, 16($sp)",
    "lw $21, 20($sp)",
    "lw $22, 24($sp)",
    "lw $23, 28($sp)",
    "lw $30, 32($sp)",
    "jr $31",
    "addiu $sp, $sp, 48",
    // Somebody else, or not asked: all that this environment takes of it is the slice, with which it goes on where it was.
    "2: j exos_slice_start",
    "nop",
    // A slice begins while the call is under way, and the server is gone.
    ".globl exos_call_failed",
    "exos_call_failed:",
    "lui $9, %hi(exos_rpc_sp)",
    "lw $9, %lo(exos_rpc_sp)($9)",
    "nop",
    "bnez $9, exos_lrpc_refused",
    "nop",
    "break", // it was trusted with everything
    "nop",
    // u64 exos_tlrpc(argument, server): the same, and the server keeps what a callee keeps.
    ".align 4",
    ".globl exos_tlrpc",
    "exos_tlrpc:",
    "lui $8, %hi(exos_next)",
    "move $2, $5",
    "sw $5, %lo(exos_next)($8)",
    ".globl exos_tlrpc_call",
    "exos_tlrpc_call:",
    "syscall",
    "li $4, 1", // refused
    ".globl exos_tlrpc_answer",
    "exos_tlrpc_answer:",
    "jr $31",
    "move $2, $4",
    // The server's side: a0 is the argument.
    ".align 4",
    ".globl exos_serve",
    "exos_serve:",
    "lui $8, %hi(exos_next)",
    "lw $9, %lo(exos_rpc_home)($8)",
    "lw $8, %lo(exos_next)($8)",
    "lw $16, {CALLER}($zero)",
    "beq $8, $9, exos_serve_free",
    "move $2, $16",
    "li $4, 2",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    ".globl exos_serve_free",
    "exos_serve_free:",
    "lui $9, %hi(exos_rpc_service)",
    "lw $25, %lo(exos_rpc_service)($9)",
    "sw $16, %lo(exos_rpc_caller)($9)", // who is to be told if there will be no answer
    "jalr $25",
    "addiu $sp, $zero, {TOP} - 32",
    "move $3, $2",
    "move $4, $zero",
    ".globl exos_serve_done",
    "exos_serve_done:", // from here on begun anew if it is interrupted
    "lui $9, %hi(exos_rpc_home)",
    "lw $10, %lo(exos_rpc_home)($9)",
    "sw $zero, %lo(exos_rpc_caller)($9)",
    "sw $10, %lo(exos_next)($9)",
    "move $2, $16",
    ".globl exos_serve_answer",
    "exos_serve_answer:",
    "syscall",
    // Nobody waits for the answer any more.
    "exos_serve_nobody:",
    "move $4, $zero",
    "li $2, {YIELD}",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    // The same for callers that trust: their stack pointer and return address are kept, the rest C keeps.
    ".align 4",
    ".globl exos_serve_trusted",
    "exos_serve_trusted:",
    "lui $9, %hi(exos_rpc_service)",
    "lw $25, %lo(exos_rpc_service)($9)",
    "sw $sp, %lo(exos_rpc_service + 4)($9)",
    "sw $31, %lo(exos_rpc_service + 8)($9)",
    "jalr $25",
    "addiu $sp, $zero, {TOP} - 32",
    "move $3, $2",
    "move $4, $zero",
    ".globl exos_trusted_done",
    "exos_trusted_done:",
    "lui $9, %hi(exos_rpc_service)",
    "lw $10, %lo(exos_rpc_home)($9)",
    "lui $8, %hi(exos_next)",
    "lw $31, %lo(exos_rpc_service + 8)($9)",
    "lw $2, {CALLER}($zero)",
    "sw $10, %lo(exos_next)($8)",
    "lw $sp, %lo(exos_rpc_service + 4)($9)",
    ".globl exos_trusted_answer",
    "exos_trusted_answer:",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    // Waits for calls: for `give_up`.
    ".globl exos_serve_wait",
    "exos_serve_wait:",
    "lui $8, %hi(exos_rpc_home)",
    "j exos_give_up",
    "sw $31, %lo(exos_rpc_home)($8)",
    ".set pop",
    ".popsection",
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
    TOP = const HANDLER_STACK_TOP,
    YIELD = const Call::Yield as u32,
);

// What is pinned lies below 64 KB and above 32: one high half of an address for all of it.
const _: () = assert!(crate::layout::USER_AREA.end <= 0x1_0000);

unsafe extern "C" {
    static mut exos_rpc_service: Service;
    static mut exos_rpc_sp: u32;
    static mut exos_rpc_caller: u32;
    static mut exos_going: u32;
    fn exos_lrpc_call();
    fn exos_tlrpc_call();
    fn exos_lrpc(argument: u32, server: u32) -> u64;
    fn exos_lrpc_answer();
    fn exos_tlrpc(argument: u32, server: u32) -> u64;
    fn exos_tlrpc_answer();
    fn exos_serve();
    fn exos_serve_trusted();
}

fn enter(pc: unsafe extern "C" fn()) -> Result<(), Error> {
    call::bind(memory::myself().0, Event::Synchronous as u32, pc as *const () as u32).map(|_| ())
}

/// Tells the handler of a slice's end where calls leave this environment.
fn transfers_at(pc: unsafe extern "C" fn()) {
    // SAFETY: a word that the handler reads.
    unsafe { (&raw mut exos_going).write_volatile(pc as *const () as u32) };
}

/// This process ends: calls are refused from now on, and who waits for an answer is told that there is none.
pub(crate) fn close() {
    let _ = call::bind(memory::myself().0, Event::Synchronous as u32, 0);
    // SAFETY: a word that the entry of calls alone writes, which is closed.
    let caller = unsafe { (&raw const exos_rpc_caller).read_volatile() };
    if caller != 0 {
        // SAFETY: as above.
        unsafe { (&raw mut exos_rpc_caller).write_volatile(0) };
        // Not to be said twice, so it is not to be interrupted.
        slice::critical(|| slice::give_up!("exos_give_up", caller, 1));
    }
}

#[inline(always)]
fn answer(words: u64) -> Result<u32, RpcError> {
    match words as u32 {
        0 => Ok((words >> 32) as u32),
        2 => Err(RpcError::Busy),
        _ => Err(RpcError::Gone),
    }
}

/// A server, to be called by lrpc.
#[derive(Clone, Copy, Debug)]
pub struct Server(Name);

impl Server {
    /// Gets ready to call a server: answers enter this process where lrpc's do from now on. A process makes calls of one kind
    /// at a time, of whichever was connected last.
    ///
    /// # Errors
    /// Those of the call `bind`.
    pub fn connect(server: Name) -> Result<Self, Error> {
        enter(exos_lrpc_answer)?;
        transfers_at(exos_lrpc_call);
        Ok(Self(server))
    }

    /// Calls it.
    ///
    /// # Errors
    /// [`RpcError`].
    #[inline(always)]
    pub fn call(self, argument: u32) -> Result<u32, RpcError> {
        // SAFETY: the function keeps what a callee keeps, whatever the server does.
        answer(unsafe { exos_lrpc(argument, self.0.0) })
    }
}

/// A server that is trusted to keep registers, to be called by tlrpc.
#[derive(Clone, Copy, Debug)]
pub struct TrustedServer(Name);

impl TrustedServer {
    /// As [`Server::connect`], for tlrpc.
    ///
    /// # Safety
    /// The server must keep the registers that a callee keeps, the stack pointer and the return address.
    ///
    /// # Errors
    /// Those of the call `bind`.
    pub unsafe fn connect(server: Name) -> Result<Self, Error> {
        enter(exos_tlrpc_answer)?;
        transfers_at(exos_tlrpc_call);
        // SAFETY: a word that says how to go on if the server dies: not at all.
        unsafe { (&raw mut exos_rpc_sp).write_volatile(0) };
        Ok(Self(server))
    }

    /// Calls it.
    ///
    /// # Errors
    /// [`RpcError`]. If the server dies in the middle of the call, so does this process.
    #[inline(always)]
    pub fn call(self, argument: u32) -> Result<u32, RpcError> {
        // SAFETY: `connect`'s caller vouches for the server.
        answer(unsafe { exos_tlrpc(argument, self.0.0) })
    }
}

/// How callers of a service are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By lrpc: they keep their registers themselves.
    Untrusted,
    /// By tlrpc: their registers are kept.
    Trusted,
}

/// Offers a service to whoever knows this environment's name; [`serve`] waits for the calls.
///
/// # Errors
/// Those of the call `bind`.
pub fn offer(service: Service, kind: Kind) -> Result<(), Error> {
    // SAFETY: read by the entry alone, which is bound after it.
    unsafe { (&raw mut exos_rpc_service).write_volatile(service) };
    enter(match kind {
        Kind::Untrusted => exos_serve,
        Kind::Trusted => exos_serve_trusted,
    })
}

/// Offers a service that is a few instructions without a stack: it begins with the caller's registers, keeps those that a
/// callee keeps, and transfers back itself, with `a0` zero and the answer in `v1`.
///
/// # Safety
/// The entry must do that.
///
/// # Errors
/// Those of the call `bind`.
pub unsafe fn offer_leaf(entry: unsafe extern "C" fn()) -> Result<(), Error> {
    enter(entry)
}

/// Serves with a leaf ([`offer_leaf`]), and does nothing else any more. Whatever signal is sent to it ends it: calls keep no note
/// of the state that they interrupt, so that no handler could go back to it.
pub fn serve_leaf() -> ! {
    set!(process::slot(), waits_for, channel::SERVER);
    set!(process::slot(), state, state::BLOCKED);
    while !signal::is_pending(process::slot(), SIGKILL) {
        process::give_way_blindly();
    }
    process::exit(128 + SIGKILL)
}

/// Serves, and does nothing else any more. `ready` is called once, when calls may come: it may tell somebody so.
pub fn serve(ready: impl FnOnce()) -> ! {
    ready();
    loop {
        // A signal may come; calls enter elsewhere.
        slice::critical(|| {
            if !slice::is_asked() {
                set!(process::slot(), waits_for, channel::SIGNAL);
                set!(process::slot(), state, state::BLOCKED);
            }
        });
        wait_for_calls();
        process::goes_on();
        signal::attend();
    }
}

/// Gives the slice to the scheduler, or, if that is gone, to nobody in particular; calls are served until this environment has
/// another one.
#[inline(never)]
fn wait_for_calls() {
    if Error::from_code(slice::give_up!("exos_serve_wait", Call::Yield as u32, table::scheduler().0))
        .is_some()
    {
        let _ = slice::give_up!("exos_serve_wait", Call::Yield as u32, 0);
    }
}
