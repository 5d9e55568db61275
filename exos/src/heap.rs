//! The allocator behind `alloc`'s `Vec`, `String` and `Box`, for processes: an ordinary part of the library (the paper's
//! ExOS had C's malloc).
//!
//! Memory is mapped ([`map`]) as it is needed, each time twice as much as the last, so that few regions hold it all; pages
//! come when they are touched. A bare program has no virtual memory, and so gets none.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

use aegis_abi::layout::PAGE_SIZE;
use talc::DefaultBinning;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::vm::map::{Protection, map};
use crate::{process, slice};

/// Bytes of the first mapping.
const FIRST: u32 = 16 * PAGE_SIZE;
/// Bytes of the largest step.
const LARGEST: u32 = 4096 * PAGE_SIZE;

/// Where more memory comes from: how much to map next.
#[derive(Debug)]
struct Mappings {
    next: u32,
}

// SAFETY: mapping memory allocates nothing by this allocator.
unsafe impl Source for Mappings {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        // What is asked for, and the allocator's own records.
        let wanted =
            layout.size().checked_add(layout.align()).and_then(|size| u32::try_from(size).ok()).ok_or(())?;
        let wanted = wanted.checked_add(2 * PAGE_SIZE).ok_or(())? & !(PAGE_SIZE - 1);
        let bytes = talc.source.next.max(wanted);
        let address = map(0, bytes, Protection::ReadWrite).map_err(|_| ())?;
        talc.source.next = (bytes * 2).min(LARGEST);
        // SAFETY: mapped just now, writable, and nobody else's.
        unsafe { talc.claim(address as *mut u8, bytes as usize) }.map(|_| ()).ok_or(())
    }
}

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

static mut ALLOCATOR: Talc<Mappings, DefaultBinning> = Talc::new(Mappings { next: FIRST });
/// Set while the allocator works. Only a fault handler of the program's own can find it so.
static mut BUSY: bool = false;

/// Runs `f` on the allocator: uninterrupted by signals, and refused in a fault handler that interrupts it.
fn with<R>(refused: R, f: impl FnOnce(&mut Talc<Mappings, DefaultBinning>) -> R) -> R {
    if !process::is_process() {
        return refused;
    }
    slice::critical(|| {
        // SAFETY: the program is single-threaded; what can come in between is turned away by the flag.
        unsafe {
            let busy = &raw mut BUSY;
            if busy.read_volatile() {
                return refused;
            }
            busy.write_volatile(true);
            let result = f(&mut *&raw mut ALLOCATOR);
            busy.write_volatile(false);
            result
        }
    })
}

// SAFETY: the allocator's own guarantees; it is used by one at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's: the layout is not empty.
        with(null_mut(), |talc| unsafe { talc.allocate(layout) }.map_or(null_mut(), |found| found.as_ptr()))
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's. What is freed where that is refused stays allocated.
        with((), |talc| unsafe { talc.deallocate(pointer, layout) });
    }
}
