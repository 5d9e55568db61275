//! Planted clock interrupts (test builds of the kernel).

use exos::abi::Error;
use exos::abi::calls::Fact;
use exos::call;

/// What a planted interrupt does besides: nothing.
pub const PLAIN: u32 = 0;
/// It empties the TLB.
pub const EMPTY_TLB: u32 = 1;
/// It ends the slice.
pub const END_SLICE: u32 = 2;

fn place(word: u32) -> Option<Place> {
    (word != 0).then_some(Place { pc: word & !3, in_delay_slot: word & 1 != 0 })
}

/// Where an interrupt came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The pc that the kernel found.
    pub pc: u32,
    /// Whether it is that of a branch whose delay slot was interrupted.
    pub in_delay_slot: bool,
}

impl Place {
    /// Address of the instruction before which the interrupt came.
    #[must_use]
    pub const fn address(self) -> u32 {
        if self.in_delay_slot { self.pc + 4 } else { self.pc }
    }
}

/// Ticks of this machine's counter in which a program gets on by about so many instructions, at least one.
#[must_use]
pub fn ticks(instructions: u32) -> u32 {
    /// QEMU's malta: an instruction is a nanosecond, a tick 6 ns.
    const MALTA: u32 = 6;
    /// A DECstation counts cycles, and takes a few for an instruction, misses included.
    const CYCLES: u32 = 3;
    let ticks = match call::machine(Fact::Board as u32) {
        Ok(0) => instructions / MALTA,
        _ => instructions * CYCLES,
    };
    ticks.max(1)
}

/// Raises the clock interrupt `ticks` from now, at least one. Tells what [`landed`] would have.
///
/// # Errors
/// [`Error::Unsupported`] on a kernel that is not a test build, or a machine that does not count cycles.
pub fn plant(ticks: u32, kind: u32) -> Result<Option<Place>, Error> {
    call::check_timer(ticks.max(1), kind).map(place)
}

/// Keeps the clock away for a whole quantum: the next tick does nothing. For tests that a slice must not
/// end under: who is called while its own main program is interrupted has one place for its registers.
///
/// # Errors
/// As [`plant`].
pub fn hold_off() -> Result<(), Error> {
    plant(u32::MAX, PLAIN).map(|_| ())
}

/// Where the last planted interrupt came. Takes the answer away: until the next has come, it is
/// `None`.
///
/// # Errors
/// As [`plant`].
pub fn landed() -> Result<Option<Place>, Error> {
    call::check_timer(0, 0).map(place)
}

/// Executes `count` nops, at most eight: shifts what follows against the clock, which is slower than
/// the processor.
pub fn shift(count: u32) {
    unsafe extern "C" {
        fn testing_shift(skipped_bytes: u32);
    }
    // SAFETY: jumps to one of eight nops in front of a return.
    unsafe { testing_shift(4 * (8 - count.min(8))) }
}

core::arch::global_asm!(
    ".pushsection .text.testing, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl testing_shift",
    "testing_shift:",
    "lui $8, %hi(1f)",
    "addiu $8, $8, %lo(1f)",
    "addu $8, $8, $4",
    "jr $8",
    "nop",
    "1: nop",
    "nop",
    "nop",
    "nop",
    "nop",
    "nop",
    "nop",
    "nop",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
);
