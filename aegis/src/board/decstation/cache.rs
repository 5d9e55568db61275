//! The caches: 64 KB each, direct-mapped, write-through. Instructions are invalidated by storing bytes
//! with the caches swapped and isolated. The processor asks that they are swapped by code that is not
//! fetched through them; once they are, fetching is as fast as ever, through the other cache.

use core::arch::asm;

/// Bytes of each cache.
const SIZE: u32 = 64 << 10;
/// First address of kseg0.
const KSEG0: u32 = 0x8000_0000;

/// Invalidates the whole instruction cache.
pub fn flush_instruction_cache() {
    invalidate(KSEG0, SIZE);
}

/// Invalidates what the instruction cache holds of a page, by its address in kseg0.
pub fn flush_instructions_of_page(address: u32) {
    invalidate(address, 4096);
}

fn invalidate(start: u32, bytes: u32) {
    // SAFETY: while the caches are swapped and isolated no store reaches memory, interrupts are off, and
    // the code that swaps them runs from kseg1. All registers it uses are declared.
    unsafe {
        asm!(
            ".set push",
            ".set noreorder",
            ".set noat",
            "lui $8, %hi(1f)",
            "addiu $8, $8, %lo(1f)",
            "lui $9, 0x2000",
            "or $8, $8, $9",        // the same code, uncached
            "mfc0 $10, $12",        // Status
            "jr $8",
            "nop",
            "1:",
            "lui $9, 3",            // swap, isolate
            "mtc0 $9, $12",
            "lui $8, %hi(2f)",
            "addiu $8, $8, %lo(2f)",
            "nop",
            "jr $8",                // cached
            "nop",
            "2:",
            "sb $zero, 0({address})",
            "sb $zero, 4({address})",
            "sb $zero, 8({address})",
            "sb $zero, 12({address})",
            "sb $zero, 16({address})",
            "sb $zero, 20({address})",
            "sb $zero, 24({address})",
            "sb $zero, 28({address})",
            "sb $zero, 32({address})",
            "sb $zero, 36({address})",
            "sb $zero, 40({address})",
            "sb $zero, 44({address})",
            "sb $zero, 48({address})",
            "sb $zero, 52({address})",
            "sb $zero, 56({address})",
            "sb $zero, 60({address})",
            "addiu {address}, {address}, 64",
            "bne {address}, {end}, 2b",
            "nop",
            "lui $8, %hi(3f)",
            "addiu $8, $8, %lo(3f)",
            "lui $9, 0x2000",
            "or $8, $8, $9",
            "jr $8",                // uncached
            "nop",
            "3:",
            "mtc0 $10, $12",
            "nop",
            "nop",
            "nop",
            "lui $8, %hi(4f)",
            "addiu $8, $8, %lo(4f)",
            "jr $8",                // cached again
            "nop",
            "4:",
            ".set pop",
            address = inout(reg) start => _,
            end = in(reg) start + bytes,
            out("$8") _, out("$9") _, out("$10") _,
            options(nostack),
        );
    }
}
