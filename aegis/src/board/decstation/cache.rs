//! The caches: 64 KB each, direct-mapped, write-through. Instructions are invalidated by storing bytes
//! with the caches swapped and isolated, in code that runs uncached.

use core::arch::asm;

/// Invalidates the whole instruction cache.
pub fn flush_instruction_cache() {
    // SAFETY: while the caches are swapped and isolated no store reaches memory, interrupts are off, and
    // the loop runs from kseg1, so that nothing is fetched through the isolated cache. All registers
    // it uses are declared.
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
            "nop",
            "nop",
            "nop",
            "lui $8, 0x8000",
            "lui $9, 0x8001",       // 64 KB further
            "2: sb $zero, 0($8)",
            "sb $zero, 4($8)",
            "sb $zero, 8($8)",
            "sb $zero, 12($8)",
            "addiu $8, $8, 16",
            "bne $8, $9, 2b",
            "nop",
            "mtc0 $10, $12",
            "nop",
            "nop",
            "nop",
            "lui $8, %hi(3f)",
            "addiu $8, $8, %lo(3f)",
            "jr $8",                // cached again
            "nop",
            "3:",
            ".set pop",
            out("$8") _, out("$9") _, out("$10") _,
            options(nostack),
        );
    }
}
