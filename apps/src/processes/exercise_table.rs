//! The first exercise of docs/extending.md, solved: a page table of a program's own, chosen by relinking alone (paper,
//! section 7.2: extensible page-table structures).
//!
//! The table is the two-level one of many processors: the upper bits of a page's number choose a leaf, the lower ones the
//! entry in it. Two loads find a page, wherever it is. The program tries the table against the linear one first, then
//! lives on it: its heap, its stack, protection and fork all go through the table below.
#![no_std]
#![no_main]

use exos::page_table::{Full, Linear, PageTable, Pte, Soft};
use exos::vm::{self, Protection};
use exos::{println, process};

exos::process!(main, page_table: TwoLevel<'static>);

/// Entries of a leaf: a page of them, for 2 MB of address space.
const LEAF: usize = 512;
/// Leaves that the whole of the first segment would need.
const DIRECTORY: usize = 1024;
/// Leaves that there can be: as many pages as the library has room for (exos/src/layout.rs).
const LEAVES: usize = 24;

/// A directory of leaves.
struct TwoLevel<'a> {
    memory: &'a mut [Pte],
    /// Which leaf has these pages, plus one; zero: none has.
    directory: [u8; DIRECTORY],
    /// How many entries each leaf has. One without entries can be had for any place of the directory.
    entries: [u16; LEAVES],
    /// How many leaves there is memory for.
    leaves: usize,
    length: usize,
}

impl<'a> TwoLevel<'a> {
    /// Without entries, over memory that is all empty.
    fn new(memory: &'a mut [Pte]) -> Self {
        let mut table =
            Self { memory: &mut [], directory: [0; DIRECTORY], entries: [0; LEAVES], leaves: 0, length: 0 };
        table.extend(memory);
        table
    }

    /// The leaf of a page.
    fn leaf(&self, vpn: u32) -> Option<usize> {
        usize::from(*self.directory.get(vpn as usize / LEAF)?).checked_sub(1)
    }

    /// A leaf that nobody uses.
    fn free_leaf(&self) -> Option<usize> {
        self.entries[..self.leaves].iter().position(|entries| *entries == 0)
    }
}

impl<'a> PageTable<'a> for TwoLevel<'a> {
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        count_a_search();
        let leaf = self.leaf(vpn)?;
        self.memory.get_mut(leaf * LEAF + vpn as usize % LEAF).filter(|pte| pte.tag != 0)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        let mut at = vpn;
        while at < end {
            // What is left of this leaf.
            let behind = ((at as usize / LEAF + 1) * LEAF).min(end as usize) as u32;
            if let Some(leaf) = self.leaf(at) {
                let start = leaf * LEAF + at as usize % LEAF;
                let entries = &self.memory[start..start + (behind - at) as usize];
                if let Some(skip) = entries.iter().position(|pte| pte.tag != 0) {
                    let there = entries[skip..].iter().take_while(|pte| pte.tag != 0).count();
                    return &mut self.memory[start + skip..start + skip + there];
                }
            }
            at = behind;
        }
        &mut []
    }

    fn insert(&mut self, pte: Pte) -> Result<(), Full> {
        let vpn = pte.vpn() as usize;
        let leaf = match self.leaf(pte.vpn()) {
            Some(leaf) => leaf,
            None => {
                let leaf = self.free_leaf().ok_or(Full)?;
                *self.directory.get_mut(vpn / LEAF).ok_or(Full)? = leaf as u8 + 1;
                leaf
            }
        };
        let place = &mut self.memory[leaf * LEAF + vpn % LEAF];
        if place.tag == 0 {
            self.entries[leaf] += 1;
            self.length += 1;
        }
        *place = pte;
        Ok(())
    }

    fn remove(&mut self, vpn: u32) -> Option<Pte> {
        let leaf = self.leaf(vpn)?;
        let pte = core::mem::take(&mut self.memory[leaf * LEAF + vpn as usize % LEAF]);
        if pte.tag == 0 {
            return None;
        }
        self.length -= 1;
        self.entries[leaf] -= 1;
        if self.entries[leaf] == 0 {
            self.directory[vpn as usize / LEAF] = 0;
        }
        Some(pte)
    }

    fn len(&self) -> usize {
        self.length
    }

    fn wants(&self) -> usize {
        // One more insertion may need one more leaf.
        (self.leaves + usize::from(self.free_leaf().is_none())) * LEAF
    }

    fn release(&mut self) -> &'a mut [Pte] {
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        // Leaves stay where they are; the new ones are empty.
        self.leaves = (memory.len() / LEAF).min(LEAVES);
        self.memory = memory;
    }
}

/// Searches of the table. Handlers of misses touch it, so it is pinned, where they cannot miss themselves: in the program's
/// ordinary data the first miss would cause the next, for ever.
#[unsafe(link_section = ".bss.pinned.exercise")]
static mut SEARCHES: u32 = 0;

fn count_a_search() {
    // SAFETY: a process is single-threaded; a count that a miss in the middle of this loses does not matter.
    unsafe { SEARCHES = SEARCHES.wrapping_add(1) };
}

fn searches() -> u32 {
    // SAFETY: as above. Volatile: handlers write it.
    unsafe { (&raw const SEARCHES).read_volatile() }
}

/// What has gone wrong so far.
struct Checks {
    passed: u32,
    failed: u32,
}

impl Checks {
    fn check(&mut self, what: &str, holds: bool) {
        println!("test {what} ... {}", if holds { "ok" } else { "FAILED" });
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

fn main() -> u32 {
    let mut checks = Checks { passed: 0, failed: 0 };
    checks.check("it does what the linear table does", agrees_with_linear());
    checks.check("it says when it is full, and takes more memory", grows());
    // From here on it is tried by living on it.
    heap(&mut checks);
    protection(&mut checks);
    fork(&mut checks);
    println!("{} passed, {} failed", checks.passed, checks.failed);
    u32::from(checks.failed > 0)
}

/// Memory for the tables that are tried.
static mut OURS: [Pte; 4 * LEAF] = [Pte::EMPTY; 4 * LEAF];
static mut THEIRS: [Pte; 4 * LEAF] = [Pte::EMPTY; 4 * LEAF];

/// Random operations on both tables, with the same answers.
fn agrees_with_linear() -> bool {
    // SAFETY: nobody else uses this memory, here or later.
    let (ours, theirs) = unsafe { (&mut *&raw mut OURS, &mut *&raw mut THEIRS) };
    let (mut ours, mut theirs) = (TwoLevel::new(ours), Linear::new(theirs));
    let mut state = 1995u32;
    let mut random = |end: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % end
    };
    for _ in 0..20_000 {
        // Pages of four leaves, far apart.
        let vpn = random(4) * 0x1_0000 + 1 + random(60);
        let same = match random(4) {
            0 => {
                let pte = Pte::new(vpn, Soft::READ, random(32) as usize, random(1 << 20) << 12);
                ours.insert(pte) == theirs.insert(pte)
            }
            1 => ours.remove(vpn) == theirs.remove(vpn),
            2 => ours.find(vpn) == theirs.find(vpn),
            _ => {
                // The linear table's runs go on over holes: what is compared is all entries of a range.
                let end = vpn + random(0x2_0000);
                all(&mut ours, vpn, end) == all(&mut theirs, vpn, end)
            }
        };
        if !same || ours.len() != theirs.len() {
            return false;
        }
    }
    true
}

/// How many entries a range has, and a sum that tells what and in which order.
fn all<'a>(table: &mut dyn PageTable<'a>, vpn: u32, end: u32) -> (u32, u32) {
    let (mut at, mut count, mut sum) = (vpn, 0, 0u32);
    while let [first, rest @ ..] = table.run(at, end) {
        for pte in core::iter::once(&*first).chain(&*rest) {
            count += 1;
            sum = sum.wrapping_mul(31).wrapping_add(pte.tag ^ pte.entry);
            at = pte.vpn() + 1;
        }
    }
    (count, sum)
}

/// Fills leaf after leaf: full when the memory is, and not any more when there is more.
fn grows() -> bool {
    // SAFETY: `agrees_with_linear` is done with it.
    let memory = unsafe { &mut *&raw mut THEIRS };
    memory.fill(Pte::EMPTY);
    let page_in = |leaf: usize| Pte::new((leaf * LEAF + 7) as u32, Soft::READ, 0, 0);
    let mut table = TwoLevel::new(&mut memory[..LEAF]);
    let full = table.insert(page_in(1)).is_ok() && table.insert(page_in(2)) == Err(Full);
    let wants = table.wants();
    table.release();
    // SAFETY: the table has given up the slice over its beginning.
    table.extend(unsafe { &mut (&mut *&raw mut THEIRS)[..wants] });
    let grown = table.insert(page_in(2)).is_ok() && table.find(page_in(1).vpn()).is_some();
    // A leaf that is emptied serves other pages.
    let reused = table.remove(page_in(1).vpn()).is_some() && table.insert(page_in(9)).is_ok();
    full && grown && reused && table.find(page_in(1).vpn()).is_none()
}

/// Pages of the heap: more than a leaf has.
const PAGES: u32 = 600;

fn word(address: u32) -> *mut u32 {
    address as *mut u32
}

fn heap(checks: &mut Checks) {
    let before = searches();
    let Ok(heap) = vm::map::map(0, PAGES * 4096, Protection::ReadWrite) else {
        return checks.check("memory is mapped", false);
    };
    for page in 0..PAGES {
        // SAFETY: just mapped, and this function's.
        unsafe { word(heap + page * 4096).write_volatile(page ^ 0x5a5a) };
    }
    // SAFETY: as above.
    let kept = (0..PAGES).all(|page| unsafe { word(heap + page * 4096).read_volatile() } == page ^ 0x5a5a);
    checks.check("each page keeps what is written to it", kept);
    checks.check("misses search this table", searches().wrapping_sub(before) >= PAGES);
    let resident = vm::map::resident();
    let unmapped = vm::map::unmap(heap, PAGES * 4096).is_ok();
    checks.check("unmapping takes the entries out", unmapped && vm::map::resident() + PAGES == resident);
}

/// Faults that the handler has mended, where it was, and whether the last was a store's.
#[unsafe(link_section = ".bss.pinned.exercise")]
static mut MENDED: (u32, u32, bool) = (0, 0, false);

fn mend(_: &mut exos::exception::Frame, address: u32, store: bool) {
    // SAFETY: a process is single-threaded; the program reads it volatile.
    unsafe { MENDED = (MENDED.0 + 1, address, store) };
    // If it cannot be mended, the fault comes again, and the run ends by its time limit.
    let _ = vm::protect(address & !0xfff, 4096, Protection::ReadWrite);
}

fn protection(checks: &mut Checks) {
    let Ok(memory) = vm::map::map(0, 8 * 4096, Protection::ReadWrite) else {
        return checks.check("memory is mapped", false);
    };
    vm::set_handler(Some(mend));
    let at = memory + 5 * 4096 + 16;
    // SAFETY: just mapped, and this function's; the handler makes the second store possible.
    let value = unsafe {
        word(at).write_volatile(1);
        let protected = vm::protect(memory, 8 * 4096, Protection::Read);
        word(at).write_volatile(1 + u32::from(protected.is_ok()));
        word(at).read_volatile()
    };
    vm::set_handler(None);
    // SAFETY: as in `mend`.
    let mended = unsafe { (&raw const MENDED).read_volatile() };
    checks.check("a store to what is protected enters the handler once", mended == (1, at, true));
    checks.check("and is tried again", value == 2);
    checks.check("a page that was written is dirty", vm::is_dirty(at) == Some(true));
}

static mut SHARED: u32 = 1;

fn fork(checks: &mut Checks) {
    // SAFETY: single-threaded, here and in the child.
    unsafe { (&raw mut SHARED).write_volatile(7) };
    let status = match process::fork() {
        Ok(0) => {
            // SAFETY: as above. The child's copy, by way of the child's copy of this table.
            let seen = unsafe { (&raw const SHARED).read_volatile() };
            // SAFETY: as above.
            unsafe { (&raw mut SHARED).write_volatile(9) };
            process::exit(seen);
        }
        Ok(child) => process::wait_for(child),
        Err(error) => Err(error),
    };
    checks.check("a child sees what its parent wrote", status == Ok(7));
    // SAFETY: as above.
    checks.check("and not the other way round", unsafe { (&raw const SHARED).read_volatile() } == 7);
}
