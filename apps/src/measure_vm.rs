//! Tables 10 and 13: what virtual memory costs a program, after Appel and Li. The page table is the program's choice; all else
//! is the same.
//!
//! 1,024 pages are mapped, all written. Pages are drawn from a permutation with a fixed seed. "Protected" is without any
//! access in prot100 and appel2, and read-only in prot1, trap and appel1. The hundred pages of prot100 are in use: they have been
//! touched since they were unprotected last, so that there are bindings to be taken back. That is not measured.

use exos::abi::layout::PAGE_SIZE;
use exos::exception::Frame;
use exos::println;
use exos::vm::{self, Protection, map};

use crate::measure;

/// Pages that are mapped.
const PAGES: usize = 1024;
/// Pages that are protected together.
const MANY: u32 = 100;
/// The seed of the permutation.
const SEED: u32 = 1995;

static mut BASE: u32 = 0;
/// A permutation of the pages.
static mut ORDER: [u16; PAGES] = [0; PAGES];
/// What the fault handlers count and remember.
static mut LEFT: u32 = 0;
static mut BEFORE: u32 = 0;

fn base() -> u32 {
    // SAFETY: written once, in the beginning.
    unsafe { BASE }
}

/// The address of the page drawn in place `index`.
#[inline(always)]
fn page(index: u32) -> u32 {
    // SAFETY: written once, in the beginning.
    base() + u32::from(unsafe { ORDER[index as usize % PAGES] }) * PAGE_SIZE
}

/// The same among the first hundred.
#[inline(always)]
fn page_of_many(index: u32) -> u32 {
    // The permutation of the hundred is the order of the first hundred of the permutation.
    // SAFETY: as above.
    base() + u32::from(unsafe { HUNDRED[(index % MANY) as usize] }) * PAGE_SIZE
}

static mut HUNDRED: [u16; MANY as usize] = [0; MANY as usize];

/// Measures; `curve` is the name of the page table, `paper` says whether it is the paper's.
pub fn run(curve: &str, paper: bool) -> u32 {
    measure::calibrate();
    match prepare() {
        Ok(()) => {}
        Err(error) => {
            println!("bench: cannot set up: {error:?}");
            return 1;
        }
    }
    println!("{PAGES} pages mapped, drawn with seed {SEED}; {curve} page table");
    let n = measure::iterations() / 8;
    let few = (n / 50).max(20);
    let row = |name: &str, n: u32, body: measure::Loop, per: u32, before: fn()| {
        if paper {
            measure::row_for(None, n, "10", name, body, per, before);
        }
        measure::row_for(Some(curve), n, "13", name, body, per, before);
    };
    row("dirty", n, dirty, 1, || {});
    row("prot1", n, prot1, 1, touch_all);
    let many = |name: &str, body: measure::Loop, before: fn()| {
        if paper {
            measure::row_of_stretches(None, "10", name, body, before);
        }
        measure::row_of_stretches(Some(curve), "13", name, body, before);
    };
    many("prot100", prot_many, use_many);
    many("unprot100", unprot_many, protect_used);
    row("trap", n, trap, 1, touch_all);
    row("appel1", n, appel1, 1, touch_all);
    row("appel2", few, appel2, MANY, touch_all);
    if paper {
        measure::row_of(few, "exos", "prot100, unprot100 and touch", unprot_and_touch, 0, 1);
        measure::row_of(n, "exos", "handlers' stack and back", cross, 0, 1);
        for count in [1, 3, 10, 30, 100, 300, 1000] {
            measure::point((few / count).max(3), "prot", "prot N and unprot N", count, prot_some, count);
        }
    }
    // What a search costs, by how much is mapped.
    let _ = map::unmap(base(), PAGES as u32 * PAGE_SIZE);
    let mut mapped = 0;
    for count in [16, 64, 256, 1024, 2048] {
        if map::map(base() + mapped * PAGE_SIZE, (count - mapped) * PAGE_SIZE, Protection::Read).is_err() {
            println!("bench: no room for {count} pages");
            return 1;
        }
        // Entries without a page are as long to search.
        for index in mapped..count {
            let _ = vm::protect(base() + index * PAGE_SIZE, PAGE_SIZE, Protection::None);
        }
        mapped = count;
        measure::point(n / 4, "lookup", curve, count, look_up, count);
    }
    0
}

fn prepare() -> Result<(), vm::VmError> {
    let address = map::map(0, PAGES as u32 * PAGE_SIZE, Protection::ReadWrite)?;
    let mut random = SEED;
    // SAFETY: single-threaded; nobody reads them yet.
    unsafe {
        BASE = address;
        for (index, place) in (*&raw mut ORDER).iter_mut().enumerate() {
            *place = index as u16;
        }
        for index in (1..PAGES).rev() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*&raw mut ORDER).swap(index, (random >> 8) as usize % (index + 1));
        }
        let hundred = (*&raw const ORDER).iter().filter(|page| u32::from(**page) < MANY);
        for (place, page) in (*&raw mut HUNDRED).iter_mut().zip(hundred) {
            *place = *page;
        }
    }
    for index in 0..PAGES as u32 {
        // SAFETY: mapped there.
        unsafe { ((address + index * PAGE_SIZE) as *mut u32).write_volatile(index) };
    }
    Ok(())
}

/// Asks whether a page is dirty.
extern "C" fn dirty(n: u32, _: u32) -> u32 {
    (0..n).map(|index| u32::from(vm::is_dirty(page(index)) == Some(true))).sum()
}

/// Changes the protection of a page: each is made read-only, and writable again when its turn comes once more.
extern "C" fn prot1(n: u32, _: u32) -> u32 {
    let mut failed = 0;
    for index in 0..n {
        let protection = if index & PAGES as u32 == 0 { Protection::Read } else { Protection::ReadWrite };
        failed += u32::from(vm::protect(page(index), PAGE_SIZE, protection).is_err());
    }
    failed
}

fn protect_many(protection: Protection) {
    let _ = vm::protect(base(), MANY * PAGE_SIZE, protection);
}

extern "C" fn prot_many(_: u32, _: u32) -> u32 {
    protect_many(Protection::None);
    0
}

extern "C" fn unprot_many(_: u32, _: u32) -> u32 {
    protect_many(Protection::ReadWrite);
    0
}

extern "C" fn prot_some(n: u32, count: u32) -> u32 {
    for _ in 0..n {
        let _ = vm::protect(base(), count * PAGE_SIZE, Protection::None);
        let _ = vm::protect(base(), count * PAGE_SIZE, Protection::ReadWrite);
    }
    0
}

/// All pages are bound, and can be written.
fn touch_all() {
    vm::set_handler(None);
    let _ = vm::protect(base(), PAGES as u32 * PAGE_SIZE, Protection::ReadWrite);
    for index in 0..PAGES as u32 {
        touch(base() + index * PAGE_SIZE);
    }
}

/// A hundred pages are in use: bound, written, and protected and unprotected before.
fn use_many() {
    vm::set_handler(None);
    protect_many(Protection::None);
    protect_many(Protection::ReadWrite);
    for index in 0..MANY {
        touch(page_of_many(index));
    }
}

/// The same, and then protected.
fn protect_used() {
    use_many();
    protect_many(Protection::None);
}

extern "C" fn cross(n: u32, _: u32) -> u32 {
    for _ in 0..n {
        vm::cross();
    }
    0
}

#[inline(always)]
fn touch(address: u32) {
    // SAFETY: mapped there; a fault is what is wanted.
    unsafe { (address as *mut u32).write_volatile(1) };
}

/// Counts faults and lets the last one through.
fn count_traps(_: &mut Frame, address: u32, _: bool) {
    // SAFETY: single-threaded.
    unsafe {
        LEFT -= 1;
        if LEFT == 0 {
            let _ = vm::protect(address & !(PAGE_SIZE - 1), PAGE_SIZE, Protection::ReadWrite);
        }
    }
}

/// A store to a page that is read-only, again and again.
extern "C" fn trap(n: u32, _: u32) -> u32 {
    vm::set_handler(Some(count_traps));
    let _ = vm::protect(base(), PAGE_SIZE, Protection::Read);
    // SAFETY: single-threaded.
    unsafe { LEFT = n };
    touch(base());
    vm::set_handler(None);
    0
}

/// Protects the page before, and unprotects this one.
fn protect_another(_: &mut Frame, address: u32, _: bool) {
    let page = address & !(PAGE_SIZE - 1);
    // SAFETY: single-threaded.
    unsafe {
        let _ = vm::protect(BEFORE, PAGE_SIZE, Protection::Read);
        let _ = vm::protect(page, PAGE_SIZE, Protection::ReadWrite);
        BEFORE = page;
    }
}

extern "C" fn appel1(n: u32, _: u32) -> u32 {
    for index in 0..MANY {
        let _ = vm::protect(base() + index * PAGE_SIZE, PAGE_SIZE, Protection::Read);
    }
    vm::set_handler(Some(protect_another));
    // SAFETY: single-threaded.
    unsafe { BEFORE = page_of_many(MANY - 1) };
    for index in 0..n {
        touch(page_of_many(index));
    }
    vm::set_handler(None);
    let _ = vm::protect(base(), MANY * PAGE_SIZE, Protection::ReadWrite);
    0
}

fn unprotect_this(_: &mut Frame, address: u32, _: bool) {
    let _ = vm::protect(address & !(PAGE_SIZE - 1), PAGE_SIZE, Protection::ReadWrite);
}

extern "C" fn appel2(n: u32, _: u32) -> u32 {
    vm::set_handler(Some(unprotect_this));
    for _ in 0..n {
        protect_many(Protection::None);
        for index in 0..MANY {
            touch(page_of_many(index));
        }
    }
    vm::set_handler(None);
    0
}

/// What is put off when a hundred pages get their rights back: each is bound when it is touched.
extern "C" fn unprot_and_touch(n: u32, _: u32) -> u32 {
    for _ in 0..n {
        protect_many(Protection::None);
        protect_many(Protection::ReadWrite);
        for index in 0..MANY {
            touch(page_of_many(index));
        }
    }
    0
}

/// Searches for random pages among the first `count`, of which no page is there.
extern "C" fn look_up(n: u32, count: u32) -> u32 {
    let mut random = SEED;
    let mut found = 0;
    for _ in 0..n {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        found += u32::from(vm::is_dirty(base() + (random >> 12 & (count - 1)) * PAGE_SIZE).is_some());
    }
    found
}
