//! The R3000's TLB: 64 entries of one page, 6-bit address-space ids.

use core::arch::asm;

use aegis_abi::layout::Mapping;

use super::cp0::{entry_hi, entry_lo, index};

/// Entries.
pub const ENTRIES: u32 = 64;

/// Puts a mapping, in the form of an `EntryLo`, into the TLB, over an entry that has the page already:
/// two entries that match one address shut an R3000's TLB down.
pub fn write(address: u32, mapping: u32) {
    let running = entry_hi::read();
    // SAFETY: the entry maps a user address of the running address space, by a binding that was checked
    // when it was made. The nops are what the processor needs between CP0 and the TLB.
    unsafe {
        entry_hi::write(address & !0xfff | running & 0xfff);
        entry_lo::write(mapping);
        asm!(".set push", ".set noreorder", "tlbp", "nop", "nop", ".set pop", options(nostack));
        if index::read() & 1 << 31 != 0 {
            asm!(".set push", ".set noreorder", "tlbwr", "nop", "nop", ".set pop", options(nostack));
        } else {
            asm!(".set push", ".set noreorder", "tlbwi", "nop", "nop", ".set pop", options(nostack));
        }
        entry_hi::write(running);
    }
}

/// Takes a page of an address space out of the TLB, if it is there.
pub fn forget(space: u32, vpn: u32) {
    let running = entry_hi::read();
    // SAFETY: as in `flush`.
    unsafe {
        entry_hi::write(vpn << 12 | space << 6);
        asm!(".set push", ".set noreorder", "tlbp", "nop", "nop", ".set pop", options(nostack));
        let found = index::read();
        if found & 1 << 31 == 0 {
            entry_lo::write(0);
            entry_hi::write(0x8000_0000 + (found << 4));
            asm!(".set push", ".set noreorder", "tlbwi", "nop", "nop", ".set pop", options(nostack));
        }
        entry_hi::write(running);
    }
}

/// Entries that `tlbwr` never replaces; the first is the kernel's.
const WIRED: u32 = 1;
// `flush` empties seven at a time.
const _: () = assert!((ENTRIES - WIRED).is_multiple_of(7));

/// Maps the last page of the address space, which user mode cannot reach, to a page of the kernel's, for good.
pub fn wire(page: u32) {
    const GLOBAL: u32 = 1 << 8;
    let mapping = page << 12 | (Mapping::VALID | Mapping::WRITABLE).bits() | GLOBAL;
    // SAFETY: once, at boot; nothing else is mapped there.
    unsafe {
        index::write(0);
        entry_hi::write(0xffff_f000);
        entry_lo::write(mapping);
        asm!(".set push", ".set noreorder", "tlbwi", "nop", "nop", ".set pop", options(nostack));
        entry_hi::write(0);
    }
}

/// Empties the TLB but for what is the kernel's.
pub fn flush() {
    let running = entry_hi::read();
    // SAFETY: the entries written match no address that can be used, and are never looked for: they lie in kseg0, which
    // is not translated. So that they all have the same address does no harm.
    unsafe {
        entry_lo::write(0);
        entry_hi::write(0x8000_0000);
        // Three instructions an entry, seven entries a round. The one between CP0 and the TLB is what the processor needs.
        asm!(
            ".set push",
            ".set noreorder",
            "1:",
            ".rept 6",
            "mtc0 $9, $0",
            "addiu $9, $9, 0x100",
            "tlbwi",
            ".endr",
            "mtc0 $9, $0",
            "addiu $9, $9, 0x100",
            "bne $9, $10, 1b",
            "tlbwi",
            ".set pop",
            inout("$9") WIRED << 8 => _,
            in("$10") ENTRIES << 8,
            options(nostack),
        );
        entry_hi::write(running);
    }
}
