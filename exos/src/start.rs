//! From the first time slice to `main`, and how a program ends.

use core::arch::global_asm;
use core::panic::PanicInfo;

use aegis_abi::layout::PAGE_SIZE;

use crate::{call, console, memory, process, signal, slice};

/// Where a spawned program finds the page that it shares with the one that spawned it.
pub const START_PAGE: u32 = 2 * PAGE_SIZE;

// The kernel enters at the ELF entry with all registers zero, when the first slice starts.
global_asm!(
    ".pushsection .text.start, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl _start",
    "_start:",
    "lui $sp, %hi(__stack_top)",
    "addiu $sp, $sp, %lo(__stack_top)",
    "jal exos_start",
    "nop",
    ".set pop",
    ".popsection",
);

unsafe extern "C" {
    fn exos_main() -> u32;
}

#[unsafe(no_mangle)]
extern "C" fn exos_start() -> ! {
    slice::bind();
    // SAFETY: `program!` defines it, once in each program.
    let status = unsafe { exos_main() };
    exit(status)
}

/// Ends this program: the machine, if it is the first, else itself.
pub fn exit(status: u32) -> ! {
    let _ = call::halt(status);
    let _ = call::environment_destroy(memory::myself().0);
    loop {
        let _ = call::yield_to(0);
    }
}

/// Makes a function the program: `program!(main)`, where `fn main() -> u32` returns the exit status.
#[macro_export]
macro_rules! program {
    ($main:ident) => {
        #[unsafe(no_mangle)]
        extern "C" fn exos_main() -> u32 {
            let main: fn() -> u32 = $main;
            main()
        }
    };
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    use core::fmt::Write;
    // Straight to the console: what the standard output is may be part of the trouble.
    let _ = writeln!(console::Console, "program: {info}");
    if process::is_process() {
        // Aborts with a register dump and a backtrace.
        signal::abort()
    }
    exit(101)
}
