//! The R3000, the paper's processor: the kernel's paths over its CP0 and TLB.

pub mod cp0;
mod tlb;

use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr::{self, addr_of, addr_of_mut};

use aegis_abi::environment::{EnvironmentPage, Peer, cause};
use aegis_abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT};
use aegis_abi::{Call, Name};
use aegis_abi::{calls, name};
use aegis_core::pages::Record;
use aegis_core::slices::Running;

pub use tlb::{ENTRIES as TLB_ENTRIES, flush as flush_tlb, forget as forget_tlb};

use super::calls::Entry;
use super::copy_vector;
use super::frame::TrapFrame;
use crate::{board, memory};
use cp0::Status;

static mut TRAP_FRAME: TrapFrame = TrapFrame::new();

/// The words that every path needs. The first entry of the TLB, which is never replaced, maps their page to the
/// last page of the address space as well, so that code reaches them from `$zero` without a base
/// register: the one thing that this kernel maps.
#[repr(C)]
struct Hot {
    /// The user's k1, between a vector and the code that gives it back.
    k1: u32,
    /// The page of the context that exceptions go to: the running environment's, or the kernel's own.
    page: u32,
    /// A call with a stack: where to resume, who called, its stack pointer and return address.
    pc: u32,
    caller: u32,
    sp: u32,
    ra: u32,
    /// The top of the kernel's stack.
    stack: u32,
    /// The kernel's own context page.
    context: u32,
    /// The records of pages, and how many there are.
    records: u32,
    pages: u32,
    /// The turn that is running.
    running: Running,
    /// Registers that a primitive operation borrows.
    borrowed: [u32; 3],
}

/// The page of [`Hot`]: they lie where no environment's page has anything, so that they are never in each other's
/// way in the data cache whatever their physical addresses are.
#[repr(C, align(4096))]
struct HotPage {
    unused: [u8; HOT_OFFSET],
    hot: Hot,
}

const HOT_OFFSET: usize = 0xf00;
const _: () = assert!(size_of::<EnvironmentPage>() <= HOT_OFFSET && size_of::<HotPage>() == 4096);

/// Where `$zero` reaches a field of [`Hot`], by its offset.
const fn from_zero(offset: usize) -> i32 {
    HOT_OFFSET as i32 + offset as i32 - 4096
}

static mut HOT_PAGE: HotPage = HotPage {
    unused: [0; HOT_OFFSET],
    hot: Hot {
        k1: 0,
        page: 0,
        pc: 0,
        caller: 0,
        sp: 0,
        ra: 0,
        stack: 0,
        context: 0,
        records: 0,
        pages: 0,
        running: Running::NEW,
        borrowed: [0; 3],
    },
};

fn hot() -> *mut Hot {
    // SAFETY: the address alone is taken.
    unsafe { addr_of_mut!(HOT_PAGE.hot) }
}

/// Tells the assembly where the records of pages are.
pub fn set_records(records: u32, pages: u32) {
    let hot = hot();
    // SAFETY: once, at boot, before any environment runs.
    unsafe {
        (*hot).records = records;
        (*hot).pages = pages;
    }
}

/// The turn that is running, for [`Slices`](aegis_core::slices::Slices).
pub fn running() -> &'static mut Running {
    // SAFETY: once, at boot. The assembly, which changes it too, runs only while the kernel's Rust does not.
    unsafe { &mut (*hot()).running }
}

/// The context in which the kernel itself runs: every exception enters [`asm_kernel_trap`].
pub static mut KERNEL_CONTEXT: EnvironmentPage = EnvironmentPage::new();

global_asm!(
    include_str!("../registers.S"),
    include_str!("vectors.S"),
    KERNEL_PC = const offset_of!(EnvironmentPage, kernel_pc),
    HANDLER_PC = const offset_of!(EnvironmentPage, handler_pc),
    SAVED_A0 = const offset_of!(EnvironmentPage, saved_a0),
    SAVED_A1 = const offset_of!(EnvironmentPage, saved_a1),
    SAVED_A2 = const offset_of!(EnvironmentPage, saved_a2),
    PEER_NAME = const offset_of!(EnvironmentPage, peers) + offset_of!(Peer, name),
    PEER_PAGE = const offset_of!(EnvironmentPage, peers) + offset_of!(Peer, page),
    NAME = const offset_of!(EnvironmentPage, name),
    CALLER = const offset_of!(EnvironmentPage, caller),
    ENTRY_HI = const offset_of!(EnvironmentPage, entry_hi),
    EXCESS = const offset_of!(EnvironmentPage, excess),
    YIELDED_NAME = const offset_of!(EnvironmentPage, yielded) + offset_of!(Peer, name),
    YIELDED_PAGE = const offset_of!(EnvironmentPage, yielded) + offset_of!(Peer, page),
    YIELD_PC = const offset_of!(EnvironmentPage, yield_pc),
    STATUS = const offset_of!(EnvironmentPage, status),
    SYNCHRONOUS_PC = const offset_of!(EnvironmentPage, synchronous_pc),
    SELECTOR = const name::SELECTOR,
    CALL_BASE = const calls::BASE,
    FRAME = sym TRAP_FRAME,
    FRAME_HI = const offset_of!(TrapFrame, hi),
    FRAME_LO = const offset_of!(TrapFrame, lo),
    FRAME_PC = const offset_of!(TrapFrame, pc),
    FRAME_CAUSE = const offset_of!(TrapFrame, cause),
    FRAME_BAD = const offset_of!(TrapFrame, bad_address),
    FRAME_STATUS = const offset_of!(TrapFrame, status),
    FRAME_PAGE = const offset_of!(TrapFrame, page),
    FRAME_PREVIOUS = const offset_of!(TrapFrame, previous),
    HOT = sym HOT_PAGE,
    HOT_K1_IN_PAGE = const HOT_OFFSET + offset_of!(Hot, k1),
    HOT_K1 = const from_zero(offset_of!(Hot, k1)),
    HOT_PAGE = const from_zero(offset_of!(Hot, page)),
    HOT_PC = const from_zero(offset_of!(Hot, pc)),
    HOT_CALLER = const from_zero(offset_of!(Hot, caller)),
    HOT_SP = const from_zero(offset_of!(Hot, sp)),
    HOT_RA = const from_zero(offset_of!(Hot, ra)),
    HOT_STACK = const from_zero(offset_of!(Hot, stack)),
    HOT_CONTEXT = const from_zero(offset_of!(Hot, context)),
    HOT_RECORDS = const from_zero(offset_of!(Hot, records)),
    HOT_PAGES = const from_zero(offset_of!(Hot, pages)),
    HOT_LENDER = const from_zero(offset_of!(Hot, running) + offset_of!(Running, lender)),
    HOT_SUCCESSOR = const from_zero(offset_of!(Hot, running) + offset_of!(Running, successor)),
    HOT_BORROWED = const from_zero(offset_of!(Hot, borrowed)),
    STLB = sym memory::STLB,
    RECORD_READ = const offset_of!(Record, read),
    RECORD_WRITE = const offset_of!(Record, write),
    RECORD_BOUND = const offset_of!(Record, bound),
    MANY = const Record::MANY,
    GUARANTEED = const offset_of!(EnvironmentPage, guaranteed),
    OWN_PAGE = const ENVIRONMENT_PAGE >> PAGE_SHIFT,
    MISS_PC = const offset_of!(EnvironmentPage, miss_pc),
    MISS_SAVE = const offset_of!(EnvironmentPage, miss_save),
    VALID = const Mapping::VALID.bits(),
    WRITABLE = const Mapping::WRITABLE.bits(),
    UNCACHED = const Mapping::UNCACHED.bits(),
    FRAME_ENTRY_HI = const offset_of!(TrapFrame, entry_hi),
    FRAME_CONTEXT = const offset_of!(TrapFrame, context),
    USER_BEFORE = const Status::USER_PREVIOUS.bits(),
    COUNTER_HIGH = const board::COUNTER >> 16,
    COUNTER_LOW = const board::COUNTER & 0xffff,
    BOOT = sym crate::boot::boot,
);

unsafe extern "C" {
    static asm_refill_vector: [u8; 0];
    static asm_refill_vector_end: [u8; 0];
    static asm_general_vector: [u8; 0];
    static asm_general_vector_end: [u8; 0];
    fn asm_dispatch_address();
    fn asm_dispatch_plain();
    fn asm_call();
    fn asm_foreign_call();
    fn asm_null();
    fn asm_clock();
    fn asm_null_stack();
    fn asm_rust_call();
    fn asm_yield();
    fn asm_primitive();
    fn asm_tlb_write();
    fn asm_tlb_delete();
    fn asm_interrupt();
    static __stack_top: [u8; 0];
    fn asm_invalid();
    fn asm_kernel_trap();
    fn asm_enter(page: *const EnvironmentPage, pc: u32) -> !;
}

macro_rules! entry {
    (NoStack null) => {
        Entry { path: asm_null, handler: ptr::null() }
    };
    (NoStack clock) => {
        Entry { path: asm_clock, handler: ptr::null() }
    };
    (Primitive tlb_write) => {
        Entry { path: asm_tlb_write, handler: ptr::null() }
    };
    (Primitive tlb_delete) => {
        Entry { path: asm_tlb_delete, handler: ptr::null() }
    };
    (Primitive $function:ident) => {
        Entry { path: asm_primitive, handler: ptr::null() }
    };
    (Stack null_stack) => {
        Entry { path: asm_null_stack, handler: ptr::null() }
    };
    (Stack yield_to) => {
        Entry { path: asm_yield, handler: crate::call::yield_to as *const () }
    };
    (Stack $function:ident) => {
        Entry { path: asm_rust_call, handler: crate::call::$function as *const () }
    };
}

super::calls::table!(asm_foreign_call, $);

#[unsafe(export_name = "asm_calls")]
static mut CALLS: [Entry; calls::SLOTS] = aegis_abi::for_each_call!(entries);

/// Takes another path for the clock call: for boards without a counter that it could read.
pub fn replace_clock(path: unsafe extern "C" fn()) {
    let slot = (Call::Clock.number() - calls::BASE) as usize / 8;
    // SAFETY: the kernel runs on one processor, and only the assembly reads the table otherwise.
    unsafe { (*addr_of_mut!(CALLS))[slot].path = path };
}

/// Puts the vectors in place and readies the processor. From here on a trap is reported.
pub fn init() {
    let context = addr_of_mut!(KERNEL_CONTEXT);
    tlb::wire(memory::page_of(addr_of!(HOT_PAGE) as u32));
    let hot = hot();
    // SAFETY: nothing else uses them yet. The vectors' code is position independent but for absolute
    // jumps within kseg0, and fits: each vector has 0x80 bytes. kseg0 is RAM there, and the firmware
    // is not called again. What the data cache writes through, the instruction cache has not seen.
    unsafe {
        (*context).kernel_pc = [asm_kernel_trap as *const () as u32; cause::COUNT];
        (*hot).page = context as u32;
        (*hot).context = context as u32;
        (*hot).stack = addr_of!(__stack_top) as u32;
        copy_vector(0x8000_0000, addr_of!(asm_refill_vector), addr_of!(asm_refill_vector_end));
        copy_vector(0x8000_0080, addr_of!(asm_general_vector), addr_of!(asm_general_vector_end));
        // No boot vectors, caches not isolated: kernel mode, interrupts off.
        cp0::status::write(0);
        cp0::entry_hi::write(0);
    }
    board::flush_instruction_cache();
    flush_tlb();
}

/// Readies the page of a new environment: what the assembly reads of it.
pub fn init_page(page: &mut EnvironmentPage, name: Name) {
    let address = asm_dispatch_address as *const () as u32;
    let plain = asm_dispatch_plain as *const () as u32;
    for code in 0..cause::COUNT as u32 {
        page.kernel_pc[code as usize] = match code {
            cause::INTERRUPT => asm_interrupt as *const () as u32,
            cause::TLB_LOAD | cause::TLB_STORE => asm_invalid as *const () as u32,
            cause::SYSTEM_CALL => asm_call as *const () as u32,
            _ if cause::has_bad_address(code) => address,
            _ => plain,
        };
    }
    page.name = name.0;
    // The name is the address space and the tag; see `Name`.
    page.entry_hi = name.0;
    page.status = (Status::USER_PREVIOUS | Status::INTERRUPTS_PREVIOUS | board::CLOCK_INTERRUPT).bits();
}

/// The kernel's address of the page of the environment that made the call being handled.
pub fn caller_page() -> u32 {
    // SAFETY: calls are handled one at a time; the assembly wrote the word before this one.
    unsafe { (*hot()).caller }
}

/// Enters an environment at `pc` with all registers zero. Nothing of the kernel's stack is used
/// again.
pub fn enter(page: &EnvironmentPage, pc: u32) -> ! {
    // SAFETY: the page is a living environment's, made by `init_page`.
    unsafe { asm_enter(page, pc) }
}

/// Forgets what the instruction cache holds of a page. The data cache writes through.
pub fn flush_caches(page: u32) {
    board::flush_instructions_of_page(memory::page_address(page));
}

/// The hardware's id of the address space that the trap or call being handled came from.
pub fn address_space() -> u32 {
    cp0::entry_hi::read() >> 6 & 63
}

/// The words that choose the address space of an environment, for `EntryHi`.
pub const fn entry_hi(name: Name) -> u32 {
    name.0
}

/// Puts what a miss on `address` was missing into the TLB. Pages stand alone here.
pub fn refill(address: u32, mapping: impl Fn(u32) -> u32) {
    tlb::write(address, mapping(address >> PAGE_SHIFT));
}
