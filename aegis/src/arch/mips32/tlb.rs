//! The MIPS32 TLB: even and odd pages in pairs, 8-bit address-space ids of which 64 are used.

use core::arch::asm;

use aegis_abi::layout::{ADDRESS_SPACE_IDS, Mapping};

use super::cp0::{EntryLo, entry_hi, entry_lo0, entry_lo1, index, page_mask, wired};

/// Entries of a 34Kf's TLB: as many as an R3000's.
pub const ENTRIES: u32 = 64;

/// Turns a mapping in the form of an R3000 `EntryLo`, zero for none, into this processor's.
fn entry_lo(mapping: u32) -> u32 {
    let bits = Mapping::from_bits_truncate(mapping);
    if !bits.contains(Mapping::VALID) {
        return 0;
    }
    let mut low = EntryLo::VALID;
    low |= if bits.contains(Mapping::UNCACHED) { EntryLo::UNCACHED } else { EntryLo::CACHED };
    if bits.contains(Mapping::WRITABLE) {
        low |= EntryLo::DIRTY;
    }
    mapping >> 12 << 6 | low.bits()
}

/// Puts the pair of pages that contains `address` into the TLB, over an entry that has it already.
pub fn write_pair(address: u32, even: u32, odd: u32) {
    let space = entry_hi::read() & 0xff;
    // SAFETY: the entry maps user addresses of the running address space, by bindings that were checked
    // when they were made. Probing first keeps two entries from matching one address.
    unsafe {
        entry_hi::write(address & !0x1fff | space);
        asm!(".set push", ".set mips32r2", "tlbp", "ehb", ".set pop", options(nostack));
        entry_lo0::write(entry_lo(even));
        entry_lo1::write(entry_lo(odd));
        if index::read() & 1 << 31 != 0 {
            asm!(".set push", ".set mips32r2", "tlbwr", "ehb", ".set pop", options(nostack));
        } else {
            asm!(".set push", ".set mips32r2", "tlbwi", "ehb", ".set pop", options(nostack));
        }
        entry_hi::write(space);
    }
}

/// Takes the pair of pages that `vpn` is one of out of the TLB, if it is there: the other half comes back
/// when it is missed.
pub fn forget(space: u32, vpn: u32) {
    let running = entry_hi::read() & 0xff;
    // SAFETY: as in `flush`.
    unsafe {
        entry_hi::write((vpn & !1) << 12 | space);
        asm!(".set push", ".set mips32r2", "tlbp", "ehb", ".set pop", options(nostack));
        let found = index::read();
        if found & 1 << 31 == 0 {
            entry_lo0::write(0);
            entry_lo1::write(0);
            entry_hi::write(0x8000_0000 + (found << 13));
            asm!(".set push", ".set mips32r2", "tlbwi", "ehb", ".set pop", options(nostack));
        }
        entry_hi::write(running);
    }
}

/// Empties the TLB.
pub fn flush() {
    let space = entry_hi::read() & 0xff;
    // SAFETY: the entries written match no address that can be used: they lie in kseg0, each at an
    // address of its own.
    unsafe {
        page_mask::write(0);
        wired::write(0);
        entry_lo0::write(0);
        entry_lo1::write(0);
        for entry in 0..ENTRIES {
            index::write(entry);
            entry_hi::write(0x8000_0000 + (entry << 13));
            asm!(".set push", ".set mips32r2", "tlbwi", "ehb", ".set pop", options(nostack));
        }
        entry_hi::write(space);
    }
}

const _: () = assert!(ADDRESS_SPACE_IDS <= 256);
