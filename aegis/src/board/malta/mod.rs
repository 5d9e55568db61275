//! QEMU's malta board: memory at physical zero, a 16550 on the ISA bus, the processor's own timer,
//! and exit by semihosting.

mod uart;

use core::arch::asm;

use aegis_abi::layout::QUANTUM_US;

use crate::arch::cp0::{compare, count};

pub use uart::{get, put};

/// Name for the boot report.
pub const NAME: &str = "malta (MIPS32)";
/// Index of this board for programs.
pub const INDEX: u32 = 0;
/// Ticks of `Count` in a time slice: QEMU advances it every 6 ns.
pub const QUANTUM_TICKS: u32 = QUANTUM_US * 1000 / 6;

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
    // SAFETY: a clock interrupt is delivered in user mode only.
    unsafe { compare::write(count::read().wrapping_add(ticks)) };
}

/// Takes back the clock's interrupt and arms the next, a quantum after this one, so that turns do
/// not drift.
pub fn next_tick() {
    let mut next = compare::read().wrapping_add(QUANTUM_TICKS);
    if (next.wrapping_sub(count::read())).cast_signed() <= 0 {
        next = count::read().wrapping_add(QUANTUM_TICKS);
    }
    // SAFETY: a clock interrupt is delivered in user mode only.
    unsafe { compare::write(next) };
}

/// Ends the emulator with a status.
pub fn exit(status: u32) -> ! {
    // SAFETY: the unified hosting interface's exit does not return. Without semihosting `sdbbp` is an
    // exception; we come back here by way of the kernel trap and use the board's reset instead.
    static mut TRIED: bool = false;
    unsafe {
        if !TRIED {
            TRIED = true;
            asm!(".set push", ".set noreorder", ".set mips32r2", "li $25, 1", "sdbbp 1", "nop", ".set pop",
                 in("$4") status, out("$25") _, options(nostack));
        }
        // SOFTRES: 0x42 resets the board; QEMU with -no-reboot ends.
        (0xbf00_0500 as *mut u32).write_volatile(0x42);
    }
    loop {}
}
