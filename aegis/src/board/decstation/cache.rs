//! The instruction cache: 64 KB, direct-mapped. What it holds is invalidated by storing bytes with the
//! caches swapped and isolated, in code that runs uncached. The data cache writes through.

use core::arch::asm;

use aegis_abi::layout::PAGE_SIZE;

/// Where the cache's lines are, while it is isolated: its index is the address.
const FIRST: u32 = 0x8000_0000;
const BYTES: u32 = 64 << 10;

/// Invalidates the whole instruction cache.
pub fn flush_instruction_cache() {
    invalidate(FIRST, BYTES);
}

/// Invalidates what the instruction cache holds of a physical page.
pub fn flush_instruction_page(page: u32) {
    invalidate(FIRST + (page * PAGE_SIZE & (BYTES - 1)), PAGE_SIZE);
}

/// Invalidates the lines of these addresses of kseg0; `bytes` is a multiple of 64. The loop's own
/// instructions come from memory one by one, so there are few besides the stores.
fn invalidate(start: u32, bytes: u32) {
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
            "2:",
            "addiu $4, $4, 64",
            ".irp offset, -64,-60,-56,-52,-48,-44,-40,-36,-32,-28,-24,-20,-16,-12,-8",
            "sb $zero, \\offset($4)",
            ".endr",
            "bne $4, $5, 2b",
            "sb $zero, -4($4)",
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
            inout("$4") start => _, in("$5") start + bytes,
            out("$8") _, out("$9") _, out("$10") _,
            options(nostack),
        );
    }
}
