//! Signals, built on upcalls (paper, section 5.1.1; the talk says that ExOS had them).
//!
//! A signal is a byte in the table of processes and the wish for attention: the receiver's next slice begins with a call of
//! [`attend`] on the handlers' stack, like an exception at the instruction where the last one ended. One that waits or gives
//! its slice up by itself attends when it goes on. A handler is not disturbed but by SIGKILL, which nothing has to go on from.
//! Faults that nothing explains become signals of the process itself.
//! What Aegis wants back (section 3.3) is attended to in the same way.

use core::arch::global_asm;

use aegis_abi::environment::{Event, cause};
use aegis_abi::layout::{Resource, USER_END};

use crate::exception::Frame;
use crate::layout::TEXT;
use crate::process::table::{self, SIGNALS, get, set};
use crate::process::{self, ProcessError};
use crate::{call, console, memory, vm};

macro_rules! signals {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: u32 = $number;)*

        /// The name of a signal.
        #[must_use]
        pub const fn name(signal: u32) -> &'static str {
            match signal {
                $($number => stringify!($name),)*
                _ => "SIG?",
            }
        }

        /// The signal with this name, with or without the three letters.
        #[must_use]
        pub fn number(name: &str) -> Option<u32> {
            let same = |full: &str| full == name || full.strip_prefix("SIG") == Some(name);
            $(if same(stringify!($name)) { return Some($number); })*
            None
        }
    };
}

signals! {
    /// The terminal is gone.
    SIGHUP = 1;
    /// Control-C.
    SIGINT = 2;
    /// An instruction that there is not.
    SIGILL = 4;
    /// A breakpoint.
    SIGTRAP = 5;
    /// The program gave up.
    SIGABRT = 6;
    /// Arithmetic that has no result.
    SIGFPE = 8;
    /// Ends it, whatever it thinks of that.
    SIGKILL = 9;
    /// An address that is not aligned.
    SIGBUS = 10;
    /// An address where nothing is, or not this.
    SIGSEGV = 11;
    /// A system call that there is not.
    SIGSYS = 12;
    /// A pipe that nobody reads from.
    SIGPIPE = 13;
    /// The alarm that it set.
    SIGALRM = 14;
    /// It should end.
    SIGTERM = 15;
    /// A child has ended.
    SIGCHLD = 20;
    /// For programs.
    SIGUSR1 = 30;
    /// For programs.
    SIGUSR2 = 31;
}

/// What a process does about a signal.
#[derive(Clone, Copy)]
pub enum Action {
    /// Ends, but for SIGCHLD.
    Default,
    /// Nothing.
    Ignore,
    /// Calls a function with its number. It may do what the program may; a wait that it interrupts says so.
    Call(fn(u32)),
}

const DEFAULT: usize = 0;
const IGNORE: usize = 1;

struct Signals {
    /// Addresses of functions, or [`DEFAULT`], or [`IGNORE`].
    actions: [usize; SIGNALS],
    /// Set while the process reports its own end, and when it has given up by itself.
    reporting: bool,
    aborting: bool,
    /// Handlers that were called.
    calls: u32,
}

#[unsafe(link_section = ".bss.pinned.signals")]
static mut STATE: Signals =
    Signals { actions: [DEFAULT; SIGNALS], reporting: false, aborting: false, calls: 0 };

fn state() -> &'static mut Signals {
    // SAFETY: no function here keeps it over a call of the program's.
    unsafe { &mut *&raw mut STATE }
}

/// How many handlers of signals this process has called: who waits learns by it whether one has come, wherever that was.
pub(crate) fn handler_calls() -> u32 {
    // SAFETY: a word of this process's. Volatile: a slice may begin with a handler at any instruction.
    unsafe { (&raw const STATE.calls).read_volatile() }
}

/// Chooses what this process does about a signal; tells what it did before.
///
/// # Errors
/// The number, if there is no such signal or nothing can be done about it (SIGKILL).
pub fn set_action(signal: u32, action: Action) -> Result<Action, u32> {
    if signal as usize >= SIGNALS || signal == 0 || signal == SIGKILL {
        return Err(signal);
    }
    let before = action_of(signal);
    state().actions[signal as usize] = match action {
        Action::Default => DEFAULT,
        Action::Ignore => IGNORE,
        Action::Call(function) => function as usize,
    };
    Ok(before)
}

fn action_of(signal: u32) -> Action {
    match state().actions[signal as usize % SIGNALS] {
        DEFAULT => Action::Default,
        IGNORE => Action::Ignore,
        // SAFETY: no other numbers are stored than addresses of such functions.
        address => Action::Call(unsafe { core::mem::transmute::<usize, fn(u32)>(address) }),
    }
}

/// The signals that are ignored, a bit each.
pub(crate) fn ignored() -> u32 {
    let bits = state().actions.iter().enumerate().filter(|(_, action)| **action == IGNORE);
    bits.fold(0, |bits, (signal, _)| bits | 1 << signal)
}

/// Ignores signals, a bit each.
pub(crate) fn ignore(signals: u32) {
    for (signal, action) in state().actions.iter_mut().enumerate() {
        if signals & 1 << signal != 0 {
            *action = IGNORE;
        }
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// [`ProcessError::NoProcess`]; [`ProcessError::Refused`] for a signal that there is not.
pub fn kill(pid: u32, signal: u32) -> Result<(), ProcessError> {
    let living = || table::find(pid).filter(|slot| table::lives(*slot)).ok_or(ProcessError::NoProcess);
    let slot = living()?;
    if signal == 0 {
        return Ok(());
    }
    if signal as usize >= SIGNALS {
        return Err(ProcessError::Refused(aegis_abi::Error::Invalid));
    }
    // One that serves without a stack cannot call a handler, nor go on from there: all that it can do is end.
    let serves = get!(slot, waits_for) == table::channel::SERVER;
    let signal = if serves { SIGKILL } else { signal };
    // Found once more: meanwhile the place may be another's.
    crate::slice::critical(|| living().map(|slot| post(slot, signal)))?;
    if slot == process::slot() {
        attend();
    }
    Ok(())
}

/// Raises SIGALRM in this process after so many microseconds; zero: not any more.
pub fn alarm(microseconds: u32) {
    let now = call::microseconds().unwrap_or(0);
    set!(process::slot(), alarm_at, now.wrapping_add(microseconds));
    set!(process::slot(), alarm, u32::from(microseconds != 0));
    if microseconds != 0 {
        table::tell_time(now.wrapping_add(microseconds));
    }
}

/// Leaves a signal for a process. In a critical section.
pub(crate) fn post(slot: usize, signal: u32) {
    if slot == 0 {
        return; // the scheduler looks for itself
    }
    if signal == SIGKILL && !is_pending(slot, SIGKILL) {
        set!(slot, killed_at, get!(slot, turns));
    }
    // SAFETY: the table is pinned; a byte is stored at once.
    unsafe { pending(slot, signal).write_volatile(1) };
    set!(slot, attention, 1);
    if signal == SIGKILL && get!(slot, state) == table::state::BLOCKED {
        set!(slot, waits_for, table::channel::NONE);
    }
    table::wake_one(slot);
}

/// The byte of a signal.
fn pending(slot: usize, signal: u32) -> *mut u8 {
    let entry = table::entry(slot);
    // SAFETY: inside the entry; nothing is read.
    unsafe { (&raw mut (*entry).pending).cast::<u8>().add(signal as usize % SIGNALS) }
}

/// Whether a signal has come that a process has not attended to.
pub(crate) fn is_pending(slot: usize, signal: u32) -> bool {
    // SAFETY: the table is pinned.
    unsafe { pending(slot, signal).read_volatile() != 0 }
}

global_asm!(
    ".pushsection .text.slice, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // Aegis wants something back. Nothing is saved and nothing to be lost: note it, and begin the slice.
    ".globl exos_revocation",
    "exos_revocation:",
    "li $8, 1",
    "lui $9, %hi(exos_asked)",
    "lw $9, %lo(exos_asked)($9)",
    "nop",
    "sw $8, 0($9)",
    "j exos_slice_start",
    "nop",
    ".set pop",
    ".popsection",
);

/// Binds what Aegis tells a process.
pub(crate) fn bind() {
    unsafe extern "C" {
        fn exos_revocation();
    }
    let myself = memory::myself().0;
    let entry = exos_revocation as *const () as u32;
    // Both are told in the environment's page, which is looked at later.
    let _ = call::bind(myself, Event::Revocation as u32, entry);
    let _ = call::bind(myself, Event::Repossession as u32, entry);
}

/// Called at the start of a slice, with what the last one left: on the handlers' stack.
#[unsafe(no_mangle)]
extern "C" fn exos_attend(_frame: &mut Frame) {
    attend();
}

/// SIGKILL has come, and a slice begins with a handler interrupted or a call into another environment under way: on the
/// handlers' stack, from its top. What was interrupted may have left anything half done.
#[unsafe(no_mangle)]
extern "C" fn exos_killed() -> ! {
    process::exit::end_at_once(128 + SIGKILL)
}

/// Attends to what has come.
pub(crate) fn attend() {
    if !process::is_process() {
        return;
    }
    let me = process::slot();
    while get!(me, attention) != 0 {
        set!(me, attention, 0);
        give_back();
        for signal in 1..SIGNALS as u32 {
            if take(me, signal) {
                act(signal);
            }
        }
    }
}

/// Takes a signal that has come.
fn take(slot: usize, signal: u32) -> bool {
    let came = is_pending(slot, signal);
    // SAFETY: as in `post`.
    unsafe { pending(slot, signal).write_volatile(0) };
    came
}

/// Does what this process does about a signal.
fn act(signal: u32) {
    match action_of(signal) {
        Action::Ignore => {}
        Action::Call(function) => {
            state().calls = handler_calls().wrapping_add(1);
            function(signal);
        }
        // What is ending already is not ended in the middle of it.
        Action::Default if signal == SIGCHLD || process::exit::is_exiting() => {}
        Action::Default => process::exit(128 + signal),
    }
}

/// Gives back what Aegis wants.
fn give_back() {
    // First: what was saved has a place that nothing else is to go to.
    vm::pinned((), |()| vm::vm().notice_losses());
    let revocation = &memory::environment().revocation;
    let wanted = revocation.wanted[Resource::Pages as usize];
    if wanted > 0 {
        vm::swap::give_up(wanted);
    }
}

/// Ends this process as one that gave up: with a report.
pub fn abort() -> ! {
    state().aborting = true;
    // SAFETY: the exception is turned into the signal, which does not come back.
    unsafe { core::arch::asm!("break", options(noreturn, nostack)) }
}

/// An exception that nobody has explained: a signal of the process.
pub(crate) fn fault(frame: &mut Frame) {
    let signal = match frame.code() {
        cause::MODIFIED | cause::TLB_LOAD | cause::TLB_STORE => SIGSEGV,
        cause::ADDRESS_LOAD | cause::ADDRESS_STORE if frame.bad_address >= USER_END => SIGSEGV,
        cause::ADDRESS_LOAD | cause::ADDRESS_STORE | cause::BUS_FETCH | cause::BUS_DATA => SIGBUS,
        cause::SYSTEM_CALL => SIGSYS,
        cause::BREAKPOINT if state().aborting => SIGABRT,
        cause::BREAKPOINT => SIGTRAP,
        cause::OVERFLOW => SIGFPE,
        _ => SIGILL,
    };
    match action_of(signal) {
        Action::Call(function) => function(signal),
        _ => die(frame, signal, "at address"),
    }
}

/// No page is left for a fault: the process cannot go on.
pub(crate) fn out_of_memory(frame: &mut Frame) {
    die(frame, SIGKILL, "out of memory at address");
}

/// Reports and ends.
fn die(frame: &Frame, signal: u32, what: &str) -> ! {
    if core::mem::replace(&mut state().reporting, true) {
        // In the middle of the report, whose stack may be gone.
        console::write(b"\n");
    } else {
        report(frame, name(signal), what);
    }
    process::exit(128 + signal)
}

/// Says how a program ends, for people and for the tool that adds names (`bench symbolize`).
pub(crate) fn report(frame: &Frame, signal: &str, what: &str) {
    use core::fmt::Write;
    let program = get!(process::slot(), program);
    let length = program.iter().position(|byte| *byte == 0).unwrap_or(program.len());
    let program = core::str::from_utf8(&program[..length]).unwrap_or("?");
    // Straight to the console: what the standard output is may be part of the trouble.
    let mut out = console::Console;
    let _ = writeln!(out, "{program}: {signal} {what} {:#010x} (pid {})", frame.bad_address, process::id());
    let _ = writeln!(
        out,
        "  pc {:08x} ra {:08x} cause {:08x} hi {:08x} lo {:08x}",
        frame.pc, frame.registers[31], frame.cause, frame.hi, frame.lo
    );
    for (index, row) in frame.registers.chunks(8).enumerate() {
        let _ = write!(out, "  r{:<2}", index * 8);
        for register in row {
            let _ = write!(out, " {register:08x}");
        }
        let _ = writeln!(out);
    }
    let _ = write!(out, "  backtrace: {:08x}", frame.pc);
    let mut left = 12;
    let mut at = frame.registers[29] & !3;
    // What looks like a return address: a word of the stack that points behind a call.
    while left > 0
        && (crate::layout::STACK_END - crate::layout::STACK_BYTES..crate::layout::STACK_END).contains(&at)
    {
        // SAFETY: the stack above the stack pointer is mapped, or becomes so.
        let word = unsafe { (at as *const u32).read_volatile() };
        if is_behind_call(word) {
            let _ = write!(out, " {word:08x}");
            left -= 1;
        }
        at += 4;
    }
    let _ = writeln!(out);
}

/// Whether the instruction two before an address is a jump and link.
fn is_behind_call(word: u32) -> bool {
    if !word.is_multiple_of(4) || !(TEXT.start + 8..TEXT.end).contains(&word) {
        return false;
    }
    if memory::pinned(word - 8).is_none() {
        return false;
    }
    // SAFETY: code that is pinned there.
    let call = unsafe { ((word - 8) as *const u32).read() };
    call >> 26 == 3 || call & 0xfc1f_003f == 9
}
