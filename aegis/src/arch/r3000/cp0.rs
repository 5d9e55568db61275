//! The R3000's coprocessor 0 registers, as far as Rust code uses them.

use bitflags::bitflags;

bitflags! {
    /// `Status`. The mode is a stack of three pairs, which exceptions push and `rfe` pops.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Status: u32 {
        /// Interrupts were on before the exception.
        const INTERRUPTS_PREVIOUS = 1 << 2;
        /// The mode before the exception was user mode.
        const USER_PREVIOUS = 1 << 3;
        /// Hardware interrupt 3 of the board is let through.
        const INTERRUPT_3 = 1 << 11;
        /// The data cache is isolated from memory.
        const ISOLATE_CACHE = 1 << 16;
        /// The caches are swapped.
        const SWAP_CACHES = 1 << 17;
    }
}

macro_rules! register {
    ($name:ident, $number:literal, $what:literal) => {
        #[doc = $what]
        pub mod $name {
            use core::arch::asm;

            /// Reads the register.
            #[allow(dead_code, reason = "not every register is read")]
            pub fn read() -> u32 {
                let value;
                // SAFETY: reading a CP0 register changes nothing; the kernel runs in kernel mode.
                unsafe {
                    asm!(".set push", ".set noat", concat!("mfc0 {}, $", $number), "nop", ".set pop",
                         out(reg) value, options(nomem, nostack));
                }
                value
            }

            /// Writes the register, and waits until the processor has seen it.
            ///
            /// # Safety
            /// The value must keep the kernel's own view of memory and traps intact.
            #[allow(dead_code, reason = "not every register is written")]
            pub unsafe fn write(value: u32) {
                // SAFETY: the caller vouches for the value.
                unsafe {
                    asm!(".set push", ".set noat", concat!("mtc0 {}, $", $number), "nop", "nop", ".set pop",
                         in(reg) value, options(nostack));
                }
            }
        }
    };
}

register!(index, 0, "`Index` of the TLB: the entry, or bit 31 when a probe found none.");
register!(entry_lo, 2, "`EntryLo`: page frame and bits.");
register!(entry_hi, 10, "`EntryHi`: the page, and the address space that runs.");
register!(status, 12, "`Status`.");
