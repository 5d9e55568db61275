//! The coprocessor 0 registers that the port uses, on a MIPS32 release 2 processor.

use bitflags::bitflags;

bitflags! {
    /// `Status`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Status: u32 {
        /// Interrupts are on.
        const IE = 1;
        /// An exception is being handled: kernel mode, interrupts off, whatever else is set.
        const EXL = 1 << 1;
        /// User mode, once EXL is clear.
        const USER = 1 << 4;
        /// The clock's interrupt is let through.
        const CLOCK = 1 << 15;
    }
}

bitflags! {
    /// `Cause`, as far as it is written.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Cause: u32 {
        /// Interrupts have a vector of their own.
        const IV = 1 << 23;
    }
}

bitflags! {
    /// The low bits of `EntryLo0` and `EntryLo1`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct EntryLo: u32 {
        /// Valid.
        const VALID = 1 << 1;
        /// Writable.
        const DIRTY = 1 << 2;
        /// Cacheable, non-coherent.
        const CACHED = 3 << 3;
        /// Not cached.
        const UNCACHED = 2 << 3;
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
                unsafe { asm!(".set push", ".set noat", concat!("mfc0 {}, $", $number), "nop", ".set pop", out(reg) value, options(nomem, nostack)) };
                value
            }

            /// Writes the register.
            ///
            /// # Safety
            /// The value must keep the kernel's own view of memory and traps intact.
            #[allow(dead_code, reason = "not every register is written")]
            pub unsafe fn write(value: u32) {
                // SAFETY: the caller vouches for the value.
                unsafe { asm!(".set push", ".set noat", concat!("mtc0 {}, $", $number), ".word 0xc0", ".set pop", in(reg) value, options(nostack)) };
            }
        }
    };
}

// `.word 0xc0` is ehb, which a MIPS-I assembler does not know.
register!(index, 0, "`Index` of the TLB.");
register!(entry_lo0, 2, "`EntryLo0`, the even page of a pair.");
register!(entry_lo1, 3, "`EntryLo1`, the odd page.");
register!(page_mask, 5, "`PageMask`.");
register!(wired, 6, "`Wired`.");
register!(count, 9, "`Count`, the clock's counter.");
register!(entry_hi, 10, "`EntryHi`: the pair's address, and the address space that runs.");
register!(compare, 11, "`Compare`: the clock interrupts when `Count` gets there.");
register!(status, 12, "`Status`.");
register!(cause, 13, "`Cause`.");
register!(epc, 14, "`EPC`.");
