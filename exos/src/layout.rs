//! The address space of a process: where the library keeps what is its own (linker/process.ld draws the map).
//!
//! Everything here lies in the second segment, pinned by guaranteed mappings (paper, section 5.4): what handlers
//! touch cannot miss. The program's data, heap and stack are ordinary memory in the first segment.

use aegis_abi::layout::{GUARANTEED_PAGES, PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END};

/// The user area: arguments and environment, the hot words, the handlers' stack and the library's own data, copied whole by a fork.
pub const USER_AREA: core::ops::Range<u32> = 0x2000..0xa000;
/// Where a handler's first frame ends: the top of their stack, not where it would meet what the kernel keeps at the
/// end of a page in the data cache.
pub const HANDLER_STACK_TOP: u32 = 0x7e00;
/// Where the code is.
pub const TEXT: core::ops::Range<u32> = 0x1_0000..0x6_0000;
/// Where the page table is: as much of it is pinned as it needs.
pub const PAGE_TABLE: core::ops::Range<u32> = 0x6_0000..0x7_8000;
/// The table of processes, which all of a family share.
pub const PROCESS_TABLE: core::ops::Range<u32> = 0x7_8000..0x7_c000;
/// The first segment: data and bss, and the heap behind them.
pub const DATA: u32 = 0x10_0000;
/// Where `mmap` looks for room. The software TLB tells pages apart by the low ten bits of their numbers (paper, section 5.4):
/// the first half thousand of these are in the way neither of what is pinned nor of data, heap and stack.
pub const MAPPINGS: core::ops::Range<u32> = 0x1020_0000..0x7000_0000;
/// Behind the last page of the stack.
pub const STACK_END: u32 = 0x7fff_f000;
/// How far the stack may grow.
pub const STACK_BYTES: u32 = 0x10_0000;

/// Page of an address.
#[must_use]
pub const fn page(address: u32) -> u32 {
    address >> PAGE_SHIFT
}

/// Address of a page.
#[must_use]
pub const fn address(page: u32) -> u32 {
    page << PAGE_SHIFT
}

const _: () = assert!(PROCESS_TABLE.end + 4 * PAGE_SIZE == SECOND_SEGMENT_END);
const _: () = assert!(GUARANTEED_PAGES == (SECOND_SEGMENT_END / PAGE_SIZE) as usize);
