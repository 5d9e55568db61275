//! Ranges that no operation takes, and what each answers.

use exos::abi::Capability;
use exos::abi::layout::{PAGE_SIZE, SECOND_SEGMENT_END, USER_END};
use exos::println;
use exos::vm::map::{Share, map, map_shared, physical, sbrk, set_cached, unmap};
use exos::vm::{Protection, VmError, is_dirty, is_referenced, protect};

/// Starts and bytes that are in no first segment: unaligned, of the library, of the kernel, wrapping around, empty.
const RANGES: [(u32, u32); 12] = [
    (0x2000_0004, PAGE_SIZE),
    (0x2000_0800, 2 * PAGE_SIZE),
    (0x2000_0001, 1),
    (0x1000, PAGE_SIZE),
    (SECOND_SEGMENT_END - PAGE_SIZE, 2 * PAGE_SIZE),
    (USER_END, PAGE_SIZE),
    (USER_END - PAGE_SIZE, PAGE_SIZE + 1),
    (0xa000_0000, PAGE_SIZE),
    (0xffff_f000, PAGE_SIZE),
    (0xffff_f000, 2 * PAGE_SIZE),
    (0x2000_0000, u32::MAX),
    (0x2000_0000, 0),
];

/// Tries one of them; tells whether it was refused as it has to be.
#[must_use]
pub fn refused(which: u32) -> bool {
    let (start, bytes) = RANGES[which as usize % RANGES.len()];
    let range = Err(VmError::Range);
    let answers = (
        map(start, bytes, Protection::Read).map(|_| ()),
        protect(start, bytes, Protection::ReadWrite),
        unmap(start, bytes),
    );
    let others = [of_a_page(start), of_the_heap(), of_any_address()];
    let right = answers == (range, range, range) && others == [true; 3];
    if !right {
        println!(
            "{start:08x} for {bytes:x} bytes: {answers:?}; of a page, of the heap, of any address {others:?}"
        );
    }
    right
}

/// What concerns one page.
fn of_a_page(start: u32) -> bool {
    let share = Share { page: 1, read: Capability::PUBLIC, write: Capability::NONE };
    let alone = match map_shared(start, share, Protection::Read) {
        Err(VmError::Range) => true,
        // One page may be right where several are not; this one is nobody's to read.
        Err(VmError::Refused(_)) => start.is_multiple_of(PAGE_SIZE),
        _ => false,
    };
    // Not mapped, or another's: the addresses of the first segment here are outside all that tests map.
    alone
        && set_cached(start, false) == Err(VmError::Unmapped)
        && is_dirty(start).is_none()
        && is_referenced(start).is_none()
        && physical(start).is_none()
}

fn of_the_heap() -> bool {
    [i32::MIN, -0x1000_0000, i32::MAX, 0x1020_0000].iter().all(|bytes| sbrk(*bytes) == Err(VmError::Range))
}

/// Where the library looks for room itself.
fn of_any_address() -> bool {
    map(0, 0, Protection::Read) == Err(VmError::Range)
        && map(0, u32::MAX, Protection::Read) == Err(VmError::NoMemory)
        && map(0, 0x6000_0001, Protection::Read) == Err(VmError::NoMemory)
}
