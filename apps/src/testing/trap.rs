//! Exceptions that a test expects.
//!
//! The handler records each and repairs it as the test said. An exception that nobody expects ends
//! the program with a report.

use exos::abi::Error;
use exos::abi::environment::cause;
use exos::exception::{self, Frame};
use exos::{call, memory};

use super::assembler::NOP;
use super::failure::Failure;
use super::lab;
use super::registers::Registers;
use super::single::Single;
use crate::ensure;

/// What the handler does about an exception.
#[derive(Clone, Copy)]
pub enum Repair {
    /// Gives a register another value and runs the instruction again, with its branch if it is in
    /// a delay slot.
    Register(u32, u32),
    /// Makes the instruction a nop, in the laboratory's code page, and runs it again likewise.
    Patch,
    /// Goes on elsewhere.
    Goto(u32),
    /// Goes on behind the instruction, which is not in a delay slot.
    Skip,
}

/// An exception as the handler saw it.
#[derive(Clone, Copy)]
pub struct Seen {
    /// The `Cause` word.
    pub cause: u32,
    /// The pc that Aegis handed over.
    pub pc: u32,
    /// The bad address that it handed over.
    pub bad_address: u32,
    /// Whether the last resort was entered.
    pub last_resort: bool,
    /// Every register of what was interrupted.
    pub registers: Registers,
}

impl Seen {
    /// The exception's code.
    #[must_use]
    pub const fn code(&self) -> u32 {
        cause::code(self.cause)
    }

    /// Whether it was in a branch's delay slot.
    #[must_use]
    pub const fn in_delay_slot(&self) -> bool {
        self.cause & cause::DELAY_SLOT != 0
    }
}

static EXPECTED: Single<Option<Repair>> = Single::new(None);
static SEEN: Single<Option<Seen>> = Single::new(None);
/// Sees every exception first, and says whether it has dealt with it.
static PAGER: Single<Option<fn(&Frame) -> bool>> = Single::new(None);
/// Something to be done at the end of the handler.
static AFTERWARDS: Single<Option<fn()>> = Single::new(None);

/// Handles exceptions as tests expect them from here on.
///
/// # Errors
/// Those of the call `bind`.
pub fn install() -> Result<(), Error> {
    exception::handle(handle)
}

/// All registers of a frame.
#[must_use]
pub fn registers(frame: &Frame) -> Registers {
    let mut registers = Registers::ZERO;
    registers.0[..32].copy_from_slice(&frame.registers);
    registers.0[Registers::HI] = frame.hi;
    registers.0[Registers::LO] = frame.lo;
    registers
}

/// The handler.
pub fn handle(frame: &mut Frame) {
    if PAGER.get().is_some_and(|pager| pager(frame)) {
        return;
    }
    let Some(repair) = EXPECTED.get() else { return exception::report_and_exit(frame) };
    EXPECTED.set(None);
    let last_resort = memory::environment().in_last_resort != 0;
    if last_resort {
        let _ = call::last_resort_done();
    }
    SEEN.set(Some(Seen {
        cause: frame.cause,
        pc: frame.pc,
        bad_address: frame.bad_address,
        last_resort,
        registers: registers(frame),
    }));
    match repair {
        Repair::Register(number, value) => frame.registers[number as usize] = value,
        Repair::Patch => {
            lab::write_code(frame.pc + if frame.in_delay_slot() { 4 } else { 0 }, &[NOP]);
        }
        Repair::Goto(pc) => frame.pc = pc,
        Repair::Skip => frame.pc += 4,
    }
    if let Some(action) = AFTERWARDS.get() {
        action();
    }
}

/// Expects one exception.
pub fn expect(repair: Repair) {
    EXPECTED.set(Some(repair));
    SEEN.set(None);
}

/// The exception that was expected, if it came. Expects none any more.
pub fn taken() -> Option<Seen> {
    EXPECTED.set(None);
    let seen = SEEN.get();
    SEEN.set(None);
    seen
}

/// Does something as the last thing in every handler, or nothing any more.
pub fn afterwards(action: Option<fn()>) {
    AFTERWARDS.set(action);
}

/// Shows every exception to `pager` first, or to nobody any more. What it deals with is begun anew.
pub fn page_with(pager: Option<fn(&Frame) -> bool>) {
    PAGER.set(pager);
}

/// Expects nothing any more.
pub fn forget() {
    PAGER.set(None);
    EXPECTED.set(None);
    AFTERWARDS.set(None);
}

/// Whether an expected exception has not come.
///
/// # Errors
/// If so.
pub fn nothing_left() -> Result<(), Failure> {
    let left = EXPECTED.get().is_some() || AFTERWARDS.get().is_some();
    forget();
    ensure!(!left, "an expected exception did not come");
    Ok(())
}
