//! QEMU's malta board: memory at physical zero, a 16550 on the ISA bus, the processor's own timer,
//! and exit by semihosting.

mod uart;

use core::arch::global_asm;

use aegis_abi::layout::QUANTUM_US;

use crate::arch::cp0::{Status, cause, compare, count};

pub use uart::{get, put};

/// Name for the boot report.
pub const NAME: &str = "malta (MIPS32)";
/// Index of this board for programs.
pub const INDEX: u32 = 0;
/// Ticks of `Count` in a time slice: QEMU advances it every 6 ns.
const QUANTUM_TICKS: u32 = QUANTUM_US * 1000 / 6;

/// Ticks in a time slice.
pub fn quantum_ticks() -> u32 {
    QUANTUM_TICKS
}

/// Whether a tick is as fine as that always.
#[cfg(feature = "check")]
pub fn counts_cycles() -> bool {
    true
}

/// Ticks since boot, and the counter when they were added up: it wraps every 25 seconds, the clock's
/// interrupts come more often.
static ELAPSED: spin::Mutex<(u64, u32)> = spin::Mutex::new((0, 0));

/// Microseconds since the machine was started.
pub fn microseconds() -> u32 {
    let mut elapsed = ELAPSED.lock();
    let now = count::read();
    elapsed.0 += u64::from(now.wrapping_sub(elapsed.1));
    elapsed.1 = now;
    (elapsed.0 * 6 / 1000) as u32
}

/// What the boot loader passes in a0..a3: argc or nothing, argv, environment, bytes of memory.
pub type BootArguments = [u32; 4];

/// Bytes of memory.
pub fn memory_bytes(arguments: &BootArguments) -> u32 {
    arguments[3]
}

/// The command line: the second string of argv. (argc is not set when semihosting is on.)
pub fn command_line(arguments: &BootArguments) -> impl Iterator<Item = &'static [u8]> {
    let vector = arguments[1];
    // SAFETY: the loader left a vector of two pointers to strings, in a page of low memory that the
    // kernel never hands out; a pointer that leads elsewhere is not followed.
    let line = unsafe {
        let string = *(vector as *const u32).add(1);
        let in_page = (vector..vector + aegis_abi::layout::PAGE_SIZE).contains(&string);
        in_page.then(|| core::ffi::CStr::from_ptr(string as *const core::ffi::c_char).to_bytes())
    };
    line.into_iter()
}

/// Something that differs between boots as far as the machine has it: the counter.
pub fn entropy() -> u32 {
    count::read()
}

/// Starts the clock: an interrupt a quantum from now.
pub fn start_clock() {
    arm_clock(QUANTUM_TICKS);
}

/// Arms the clock to interrupt in `ticks`. This also takes back a pending interrupt.
pub fn arm_clock(ticks: u32) {
    arm_clock_at(count::read().wrapping_add(ticks));
}

/// Arms the clock to interrupt when its counter gets to `moment`, or at once if it has passed by then:
/// a moment that passes before `Compare` has it would come again in half a minute only.
fn arm_clock_at(mut moment: u32) {
    /// Ticks that writing `Compare` takes, and twice as many each time it took longer.
    const SOON: u32 = 16;
    let mut soon = SOON;
    loop {
        // SAFETY: a clock interrupt is delivered in user mode only.
        unsafe { compare::write(moment) };
        let left = moment.wrapping_sub(count::read()).cast_signed();
        if left > 0 || cause::read() & Status::CLOCK.bits() != 0 {
            return;
        }
        moment = count::read().wrapping_add(soon);
        soon = soon.saturating_mul(2);
    }
}

/// Takes back the clock's interrupt and arms the next, a quantum after this one, so that turns do
/// not drift.
pub fn next_tick() {
    microseconds(); // so that the counter's wrapping is not missed
    let mut next = compare::read().wrapping_add(QUANTUM_TICKS);
    if (next.wrapping_sub(count::read())).cast_signed() <= 0 {
        next = count::read().wrapping_add(QUANTUM_TICKS);
    }
    arm_clock_at(next);
}

/// Ends the emulator with a status: by semihosting, or by the board's reset where there is none.
pub fn exit(status: u32) -> ! {
    // SAFETY: ends the machine.
    unsafe { mips32_exit(status) }
}

unsafe extern "C" {
    fn mips32_exit(status: u32) -> !;
}

// UHI's exit is operation 1. Without semihosting `sdbbp` traps into the kernel, which comes back here
// in the end; the second time it resets the board (SOFTRES), and QEMU with -no-reboot ends.
global_asm!(
    ".pushsection .text.mips32, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set mips32r2",
    ".globl mips32_exit",
    "mips32_exit:",
    "lui $8, %hi(1f)",
    "lw $9, %lo(1f)($8)",
    "li $25, 1",
    "sw $25, %lo(1f)($8)",
    "bnez $9, 2f",
    "nop",
    "sdbbp 1",
    "2: lui $8, 0xbf00",
    "li $9, 0x42",
    "sw $9, 0x500($8)",
    "b .",
    "nop",
    ".set pop",
    ".popsection",
    ".pushsection .data",
    ".align 2",
    "1: .word 0",
    ".popsection",
);
