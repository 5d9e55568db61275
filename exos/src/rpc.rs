//! Calls into another address space over protected control transfer (paper, sections 5.5, 6.1 and 7.1; Tables 8 and 12).
//!
//! lrpc saves all registers that C lets a caller rely on (gp, which nothing here uses, is not among them), and believes the
//! server nothing but its answer. tlrpc trusts the server to keep them. Both have the paper's limits: one function, no permission checks, single-threaded.
//! The registers are the message: `a0` the argument, `v1` the answer.
//!
//! While a call is under way this process's slices are the server's. The server may be interrupted; who calls it meanwhile
//! is told that it is busy.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::environment::{EnvironmentPage, Event};
use aegis_abi::layout::ENVIRONMENT_PAGE;
use aegis_abi::{Call, Error, Name};

use crate::layout::HANDLER_STACK_TOP;
use crate::process::table::{channel, set, state};
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
    ".align 2",
    "exos_rpc_sp: .space 4",
    ".globl exos_rpc_busy",
    "exos_rpc_busy: .space 4",
    ".globl exos_rpc_service",
    "exos_rpc_service: .space 4",
    "exos_rpc_kept: .space 8",
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
    "lui $8, %hi(exos_kind)",
    "lui $9, %hi(exos_rpc_sp)",
    "sw $20, 16($sp)",
    "sw $21, 20($sp)",
    "sw $22, 24($sp)",
    "sw $23, 28($sp)",
    "move $2, $5",
    "sw $30, 32($sp)",
    "sw $31, 40($sp)",
    "sw $sp, %lo(exos_rpc_sp)($9)",
    "sw $5, %lo(exos_kind)($8)",
    ".globl exos_lrpc_call",
    "exos_lrpc_call:",
    "syscall",
    // Refused.
    "exos_lrpc_refused:",
    "li $4, 1",
    // The answer enters here: nothing is believed but a0 and v1.
    ".globl exos_lrpc_answer",
    "exos_lrpc_answer:",
    "lui $9, %hi(exos_rpc_sp)",
    "lw $sp, %lo(exos_rpc_sp)($9)",
    "move $2, $4",
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
    "lui $8, %hi(exos_kind)",
    "move $2, $5",
    "sw $5, %lo(exos_kind)($8)",
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
    "lui $9, %hi(exos_rpc_busy)",
    "lw $8, %lo(exos_rpc_busy)($9)",
    "lw $16, {CALLER}($zero)",
    "lui $25, %hi(exos_rpc_service)",
    "bnez $8, 1f",
    "lw $25, %lo(exos_rpc_service)($25)",
    "sw $16, %lo(exos_rpc_busy)($9)", // who is to be told if there will be no answer
    "jalr $25",
    "addiu $sp, $zero, {TOP} - 32",
    "lui $9, %hi(exos_rpc_busy)",
    "lui $8, %hi(exos_kind)",
    "sw $zero, %lo(exos_rpc_busy)($9)",
    "sw $zero, %lo(exos_kind)($8)", // if it was interrupted: its own state is where it gave its slice up
    "move $3, $2",
    "move $4, $zero",
    "move $2, $16",
    "exos_serve_answer:",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    "1: li $4, 2",
    "b exos_serve_answer",
    "move $2, $16",
    // Nobody waits for the answer any more.
    "exos_serve_nobody:",
    "move $4, $zero",
    "li $2, {YIELD}",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    // void exos_rpc_refuse(caller): gives the slice to a caller, with the answer that there is none; a yield otherwise.
    ".globl exos_rpc_refuse",
    "exos_rpc_refuse:",
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
    "move $2, $4",
    "li $4, 1",
    "syscall",
    "jr $31", // the caller is gone, too
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
    "lui $9, %hi(exos_rpc_service)",
    "lui $8, %hi(exos_kind)",
    "sw $zero, %lo(exos_kind)($8)",
    "move $3, $2",
    "lw $31, %lo(exos_rpc_service + 8)($9)",
    "lw $2, {CALLER}($zero)",
    "lw $sp, %lo(exos_rpc_service + 4)($9)",
    "move $4, $zero",
    "syscall",
    "b exos_serve_nobody",
    "nop",
    ".set pop",
    ".popsection",
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
    TOP = const HANDLER_STACK_TOP,
    YIELD = const Call::Yield as u32,
);

unsafe extern "C" {
    static mut exos_rpc_service: Service;
    static mut exos_rpc_sp: u32;
    static mut exos_rpc_busy: u32;
    static mut exos_going: u32;
    fn exos_lrpc_call();
    fn exos_tlrpc_call();
    fn exos_rpc_refuse(caller: u32);
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

/// In [`exos_rpc_busy`], which is a caller's name else: no call may come, though none is under way.
const CLOSED: u32 = 1;

fn set_busy(value: u32) {
    // SAFETY: a word that the entry of calls reads.
    unsafe { (&raw mut exos_rpc_busy).write_volatile(value) };
}

/// This process ends: calls are refused from now on, and who waits for an answer is told that there is none.
pub(crate) fn close() {
    let _ = call::bind(memory::myself().0, Event::Synchronous as u32, 0);
    // SAFETY: a word that the entry of calls writes, which is closed.
    let caller = Name(unsafe { (&raw const exos_rpc_busy).read_volatile() });
    set_busy(0);
    if caller.0.cast_signed() < 0 {
        // Not to be said twice, so it is not to be interrupted.
        // SAFETY: it keeps what a callee keeps.
        slice::critical(|| unsafe { exos_rpc_refuse(caller.0) });
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

/// Serves with a leaf ([`offer_leaf`]), and does nothing else any more. Only being destroyed ends it: calls keep no note of the
/// state that they interrupt.
pub fn serve_leaf() -> ! {
    set!(process::slot(), waits_for, channel::SERVER);
    set!(process::slot(), state, state::BLOCKED);
    loop {
        process::give_way_blindly();
    }
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
        process::give_way_blindly();
        set!(process::slot(), state, state::READY);
        // What a call interrupts is not taken up again but at the last yield: attending would be lost.
        set_busy(CLOSED);
        crate::signal::attend();
        set_busy(0);
    }
}
