//! What Aegis's own operations cost, beyond the paper's tables (sections 3 and 5): the software TLB, a miss
//! through an application's handler, the primitive operations on the TLB, pages, environments.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;
use core::mem::offset_of;

use exos::abi::Call;
use exos::abi::environment::{EnvironmentPage, Event, SaveArea};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource};
use exos::memory::{self, Page};
use exos::{call, exception, println, slice};

#[path = "../measure.rs"]
mod measure;

exos::program!(main);

/// Where the pages that are touched begin, all of them one physical page: not where they would meet this
/// program's own in the STLB.
const PAGES: u32 = 0x0108_0000;
/// So many that each is gone from the TLB (64 entries) when its turn comes again, and none from the STLB.
const FEW: u32 = 512;
/// So many that each is gone from the STLB, too: twice what one address space has there.
const MANY: u32 = 2048;
/// A page of this program's that its miss handler reaches from `$zero`.
const DATA: u32 = 0x3000;

const OWN_PAGE: usize = ENVIRONMENT_PAGE as usize;

fn main() -> u32 {
    match rows() {
        Ok(()) => 0,
        Err(error) => {
            println!("bench: cannot set up: {error:?}");
            1
        }
    }
}

fn rows() -> Result<(), exos::abi::Error> {
    measure::calibrate();
    let (page, data) = (Page::any()?, Page::any()?);
    memory::pin(memory::myself(), DATA, data.number, Mapping::WRITABLE, data.write)?;
    exception::bind(Event::TlbMiss as u32, handle_miss as *const () as u32)?;
    bind_all(&page)?;
    let n = measure::iterations();
    measure::row("aegis", "STLB hit", touch, (FEW - 1) << PAGE_SHIFT, 1);
    let (begin, ticks) = measure::ticks(touch, n, 0);
    println!("OVERHEAD aegis \"STLB hit\" {n} {ticks} at={begin}");
    measure::row("aegis", "miss through a handler", touch, (MANY - 1) << PAGE_SHIFT, 1);
    let (begin, ticks) = measure::ticks(touch, n, 0);
    println!("OVERHEAD aegis \"miss through a handler\" {n} {ticks} at={begin}");
    measure::row("aegis", "TLBwr", write, 0, 1);
    measure::row("aegis", "TLBvadelete", delete, 0, 1);

    measure::slices(if measure::quick() { 4 } else { 32 }, "aegis", "end and start of a slice");

    // What takes long, fewer times. The page is this program's again and again, so it is not cleared.
    page.free()?;
    let few = (n / 50).max(8);
    measure::row_of(few, "aegis", "page alloc and free", allocate, page.number, 1);
    measure::row_of(few, "aegis", "page alloc, TLBwr, free", bind, page.number, 1);
    measure::row_of(few, "aegis", "yield to oneself", give_way, 0, 1);
    exception::bind(Event::Revocation as u32, handle_revocation as *const () as u32)?;
    // SAFETY: the page is this program's and mapped there.
    unsafe { ((DATA as *mut u32).add(3)).write_volatile(page.number) };
    measure::row_of(few, "aegis", "revocation of a page", revoke, page.number, 1);
    let few = few / 4;
    measure::row_of(few, "aegis", "environment create and destroy", create, 0, 1);

    // The same beside more and more environments: what these have costs nobody else anything.
    let spare = page.number;
    let page = Page::any()?;
    bind_all(&page)?;
    let mut others = 0;
    for alive in [1, 16, 200] {
        while others + 1 < alive {
            call::environment_create()?;
            others += 1;
        }
        let figure = "environments";
        measure::point(n / 8, figure, "STLB hit", alive, touch, (FEW - 1) << PAGE_SHIFT);
        measure::point(n / 8, figure, "TLBwr", alive, write, 0);
        measure::point(few, figure, "page alloc, TLBwr, free", alive, bind, spare);
        measure::point(few, figure, "yield to oneself", alive, give_way, 0);
        measure::point(few, figure, "environment create and destroy", alive, create, 0);
    }
    Ok(())
}

/// Binds the pages that are touched to `page`, and tells the miss handler to do so.
fn bind_all(page: &Page) -> Result<(), exos::abi::Error> {
    let [low, high] = page.read.words();
    let entry = page.number << PAGE_SHIFT;
    for (word, value) in [entry, low, high].into_iter().enumerate() {
        // SAFETY: the page is this program's and mapped there.
        unsafe { ((DATA as *mut u32).add(word)).write_volatile(value) };
    }
    for number in 0..FEW {
        call::tlb_write(PAGES + number * PAGE_SIZE, entry, low, high)?;
    }
    Ok(())
}

unsafe extern "C" {
    /// Touches a page in each iteration, the next one of those that the mask in the second argument spans.
    fn touch(n: u32, mask: u32) -> u32;
    /// Binds the same page in each iteration.
    fn write(n: u32, unused: u32) -> u32;
    /// Takes it back.
    fn delete(n: u32, unused: u32) -> u32;
    fn handle_miss();
    fn handle_revocation();
}

extern "C" fn allocate(n: u32, number: u32) -> u32 {
    let mut failed = 0;
    for _ in 0..n {
        match call::page_alloc(number, 11, 12, 13, 14) {
            Ok(page) => failed += u32::from(call::page_free(page).is_err()),
            Err(_) => failed += 1,
        }
    }
    failed
}

extern "C" fn bind(n: u32, number: u32) -> u32 {
    let mut failed = 0;
    for _ in 0..n {
        match call::page_alloc(number, 11, 12, 13, 14) {
            Ok(page) => {
                failed += u32::from(call::tlb_write(PAGES, page << PAGE_SHIFT, 11, 12).is_err());
                failed += u32::from(call::page_free(page).is_err());
            }
            Err(_) => failed += 1,
        }
    }
    failed
}

extern "C" fn give_way(n: u32, _: u32) -> u32 {
    (0..n).map(|_| u32::from(slice::yield_to(memory::myself()).is_err())).sum()
}

/// Is asked for a page, told so in the next slice, and gives it back.
extern "C" fn revoke(n: u32, number: u32) -> u32 {
    let mut failed = 0;
    for _ in 0..n {
        failed += u32::from(call::page_alloc(number, 11, 12, 13, 14).is_err());
        failed += u32::from(call::revoke(memory::myself().0, Resource::Pages as u32, 1, 0).is_err());
        failed += u32::from(slice::yield_to(memory::myself()).is_err());
        failed += memory::environment().revocation.wanted[0];
    }
    failed
}

extern "C" fn create(n: u32, _: u32) -> u32 {
    let mut failed = 0;
    for _ in 0..n {
        match call::environment_create() {
            Ok(name) => failed += u32::from(call::environment_destroy(name).is_err()),
            Err(_) => failed += 1,
        }
    }
    failed
}

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    ".align 4",
    "touch:",
    "lui $8, %hi({PAGES})",
    "move $9, $zero",
    "1: addu $10, $8, $9",
    "touch_load:",
    "lw $10, 0($10)",
    "addiu $9, $9, 4096",
    "addiu $4, $4, -1",
    "bnez $4, 1b",
    "and $9, $9, $5",
    "jr $31",
    "nop",
    // a0 = pc, a1 = bad address. Everything is one page, so there is no table to search.
    ".align 4",
    "handle_miss:",
    "sw $4, {SCRATCH}($zero)",
    "sw $2, {SCRATCH} + 4($zero)",
    "sw $7, {SCRATCH} + 8($zero)",
    "move $4, $5",
    "lw $5, {DATA}($zero)",
    "lw $6, {DATA} + 4($zero)",
    "lw $7, {DATA} + 8($zero)",
    "li $2, {TLB_WRITE}",
    "syscall",
    "lw $27, {SCRATCH}($zero)",
    "lw $2, {SCRATCH} + 4($zero)",
    "lw $7, {SCRATCH} + 8($zero)",
    "lw $4, {SAVED_A0}($zero)",
    "lw $5, {SAVED_A1}($zero)",
    "lw $6, {SAVED_A2}($zero)",
    "jr $27",
    "nop",
    // A slice begins like this, with no register saved and none to lose.
    ".align 4",
    "handle_revocation:",
    "lw $4, {DATA} + 12($zero)",
    "li $2, {PAGE_FREE}",
    "syscall",
    "j exos_slice_start",
    "nop",
    ".macro primitive_loop name, number",
    ".align 4",
    "\\name:",
    "addiu $sp, $sp, -16",
    "sw $16, 0($sp)",
    "move $16, $4",
    "lui $4, %hi({PAGES})",
    "lw $5, {DATA}($zero)",
    "lw $6, {DATA} + 4($zero)",
    "lw $7, {DATA} + 8($zero)",
    "li $2, \\number",
    "1: syscall",
    "addiu $16, $16, -1",
    "bnez $16, 1b",
    "nop",
    "lw $16, 0($sp)",
    "nop",
    "jr $31",
    "addiu $sp, $sp, 16",
    ".endm",
    "primitive_loop write, {TLB_WRITE}",
    "primitive_loop delete, {TLB_DELETE}",
    ".set pop",
    ".popsection",
    PAGES = const PAGES,
    DATA = const DATA,
    SCRATCH = const DATA + 64,
    PAGE_FREE = const Call::PageFree as u32,
    TLB_WRITE = const Call::TlbWrite as u32,
    TLB_DELETE = const Call::TlbDelete as u32,
    SAVED_A0 = const OWN_PAGE + offset_of!(EnvironmentPage, miss_save) + offset_of!(SaveArea, a0),
    SAVED_A1 = const OWN_PAGE + offset_of!(EnvironmentPage, miss_save) + offset_of!(SaveArea, a1),
    SAVED_A2 = const OWN_PAGE + offset_of!(EnvironmentPage, miss_save) + offset_of!(SaveArea, a2),
);
