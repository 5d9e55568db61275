//! What stands in the hardware's TLB, read entry by entry.

use core::arch::asm;

use aegis_abi::layout::PAGE_SHIFT;

use crate::arch::TLB_ENTRIES;
use crate::arch::cp0;

/// A page that the hardware's TLB maps.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The hardware's id of its address space.
    pub space: u32,
    /// The virtual page.
    pub vpn: u32,
    /// The physical page.
    pub page: u32,
    /// Whether it can be written.
    pub writable: bool,
}

/// Hands the valid entries that user mode can reach to `f`. An entry that is global is of no address space.
#[cfg(feature = "decstation")]
pub fn for_each(mut f: impl FnMut(Entry)) {
    let running = cp0::entry_hi::read();
    for index in 0..TLB_ENTRIES {
        // SAFETY: reads an entry; `EntryHi` is put back before anything depends on it.
        let (high, low) = unsafe {
            cp0::index::write(index << 8);
            asm!(".set push", ".set noreorder", "tlbr", "nop", "nop", ".set pop", options(nostack));
            let entry = (cp0::entry_hi::read(), cp0::entry_lo::read());
            cp0::entry_hi::write(running);
            entry
        };
        if low & 1 << 9 != 0 && high >> 31 == 0 {
            assert!(low & 1 << 8 == 0, "an entry of the TLB is global");
            f(Entry {
                space: high >> 6 & 63,
                vpn: high >> PAGE_SHIFT,
                page: low >> PAGE_SHIFT,
                writable: low & 1 << 10 != 0,
            });
        }
    }
}

/// Puts a mapping into the TLB where no refill replaces it: `tlbwr` leaves the first eight entries alone.
#[cfg(feature = "decstation")]
pub fn place(address: u32, mapping: impl Fn(u32) -> u32) {
    let running = cp0::entry_hi::read();
    // SAFETY: it is meant to be wrong; what is mapped is for the checker alone to look at.
    unsafe {
        cp0::entry_hi::write(address & !0xfff | running & 0xfff);
        cp0::entry_lo::write(mapping(address >> PAGE_SHIFT));
        cp0::index::write(7 << 8);
        asm!(".set push", ".set noreorder", "tlbwi", "nop", "nop", ".set pop", options(nostack));
        cp0::entry_hi::write(running);
    }
}

/// Puts a mapping into the TLB.
#[cfg(feature = "malta")]
pub fn place(address: u32, mapping: impl Fn(u32) -> u32) {
    crate::arch::refill(address, mapping);
}

/// Hands the valid entries that user mode can reach to `f`. An entry that is global is of no address space.
#[cfg(feature = "malta")]
pub fn for_each(mut f: impl FnMut(Entry)) {
    let running = cp0::entry_hi::read();
    for index in 0..TLB_ENTRIES {
        // SAFETY: reads an entry; `EntryHi` is put back before anything depends on it.
        let (high, pair) = unsafe {
            cp0::index::write(index);
            asm!(".set push", ".set mips32r2", "ehb", "tlbr", "ehb", ".set pop", options(nostack));
            let entry = (cp0::entry_hi::read(), [cp0::entry_lo0::read(), cp0::entry_lo1::read()]);
            cp0::entry_hi::write(running);
            entry
        };
        for (half, low) in pair.into_iter().enumerate() {
            if low & 1 << 1 != 0 && high >> 31 == 0 {
                assert!(low & 1 == 0, "an entry of the TLB is global");
                f(Entry {
                    space: high & 0xff,
                    vpn: (high >> PAGE_SHIFT & !1) + half as u32,
                    page: low >> 6,
                    writable: low & 1 << 2 != 0,
                });
            }
        }
    }
}
