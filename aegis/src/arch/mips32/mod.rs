//! MIPS32 release 2, the processor of QEMU's malta board: the kernel's paths over its CP0 and TLB.
//!
//! User programs are MIPS-I and run unchanged; what differs from the R3000 port is here: exception
//! levels instead of a mode stack, `eret`, a vector for interrupts, TLB entries in pairs.

pub mod cp0;
mod tlb;

use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr::{self, addr_of, addr_of_mut};

use aegis_abi::Name;
use aegis_abi::environment::{EnvironmentPage, Peer, cause};
use aegis_abi::layout::PAGE_SHIFT;
use aegis_abi::{calls, name};
use aegis_core::slices::Running;

pub use tlb::{ENTRIES as TLB_ENTRIES, flush as flush_tlb, forget as forget_tlb};

use super::calls::Entry;
use super::copy_vector;
use super::frame::TrapFrame;
use cp0::Status;

static mut TRAP_FRAME: TrapFrame = TrapFrame::new();

static mut RUNNING: Running = Running::NEW;

/// The turn that is running, for [`Slices`](aegis_core::slices::Slices).
pub fn running() -> &'static mut Running {
    // SAFETY: once, at boot. The assembly, which changes it too, runs only while the kernel's Rust does not.
    unsafe { &mut *addr_of_mut!(RUNNING) }
}

/// The context in which the kernel itself runs: every exception enters [`mips32_kernel_trap`].
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
    RUNNING = sym RUNNING,
    LENDER = const offset_of!(Running, lender),
    SUCCESSOR = const offset_of!(Running, successor),
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
    FRAME_ENTRY_HI = const offset_of!(TrapFrame, entry_hi),
    FRAME_PREVIOUS = const offset_of!(TrapFrame, previous),
    KERNEL_CONTEXT = sym KERNEL_CONTEXT,
    BOOT = sym crate::boot::boot,
);

unsafe extern "C" {
    static mips32_refill_vector: [u8; 0];
    static mips32_refill_vector_end: [u8; 0];
    static mips32_general_vector: [u8; 0];
    static mips32_general_vector_end: [u8; 0];
    static mips32_interrupt_vector: [u8; 0];
    static mips32_interrupt_vector_end: [u8; 0];
    fn mips32_dispatch_address();
    fn mips32_dispatch_plain();
    fn mips32_dispatch_reserved();
    fn mips32_call();
    fn mips32_foreign_call();
    fn mips32_null();
    fn mips32_clock();
    fn mips32_null_stack();
    fn mips32_rust_call();
    fn mips32_yield();
    fn mips32_primitive();
    fn mips32_invalid();
    fn mips32_kernel_trap();
    fn mips32_enter(page: *const EnvironmentPage, pc: u32) -> !;
}

macro_rules! entry {
    (NoStack null) => {
        Entry { path: mips32_null, handler: ptr::null() }
    };
    (NoStack clock) => {
        Entry { path: mips32_clock, handler: ptr::null() }
    };
    (Primitive $function:ident) => {
        Entry { path: mips32_primitive, handler: ptr::null() }
    };
    (Stack null_stack) => {
        Entry { path: mips32_null_stack, handler: ptr::null() }
    };
    (Stack yield_to) => {
        Entry { path: mips32_yield, handler: crate::call::yield_to as *const () }
    };
    (Stack $function:ident) => {
        Entry { path: mips32_rust_call, handler: crate::call::$function as *const () }
    };
}

super::calls::table!(mips32_foreign_call, $);

#[unsafe(export_name = "mips32_calls")]
static CALLS: [Entry; calls::SLOTS] = aegis_abi::for_each_call!(entries);

/// Puts the vectors in place and readies the processor. From here on a trap is reported.
pub fn init() {
    let context = addr_of_mut!(KERNEL_CONTEXT);
    // SAFETY: nothing else uses the kernel's context yet.
    unsafe { (*context).kernel_pc = [mips32_kernel_trap as *const () as u32; cause::COUNT] };
    set_context(context as u32);
    // SAFETY: the vectors' code is position independent but for absolute jumps within kseg0, and
    // fits: the refill vector has 0x180 bytes, the general one 0x80. kseg0 is RAM there.
    unsafe {
        copy_vector(0x8000_0000, addr_of!(mips32_refill_vector), addr_of!(mips32_refill_vector_end));
        copy_vector(0x8000_0180, addr_of!(mips32_general_vector), addr_of!(mips32_general_vector_end));
        copy_vector(0x8000_0200, addr_of!(mips32_interrupt_vector), addr_of!(mips32_interrupt_vector_end));
        // No boot vectors, no error level: kernel mode proper, interrupts off.
        cp0::status::write(0);
        cp0::cause::write(cp0::Cause::IV.bits());
        cp0::entry_hi::write(0);
    }
    flush_tlb();
}

/// Sets the page whose context exceptions go to.
fn set_context(page: u32) {
    // SAFETY: ErrorEPC is a plain register to this kernel; `page` is a context page.
    unsafe {
        core::arch::asm!(".set push", ".set noat", "mtc0 {}, $30", ".word 0xc0", ".set pop", in(reg) page, options(nostack))
    };
}

/// Readies the page of a new environment: what the assembly reads of it.
pub fn init_page(page: &mut EnvironmentPage, name: Name) {
    let address = mips32_dispatch_address as *const () as u32;
    let plain = mips32_dispatch_plain as *const () as u32;
    for code in 0..cause::COUNT as u32 {
        page.kernel_pc[code as usize] = match code {
            cause::TLB_LOAD | cause::TLB_STORE => mips32_invalid as *const () as u32,
            cause::SYSTEM_CALL => mips32_call as *const () as u32,
            cause::RESERVED => mips32_dispatch_reserved as *const () as u32,
            // Interrupts have another vector, and a machine check is nobody's but ours.
            cause::INTERRUPT | 24 => mips32_kernel_trap as *const () as u32,
            _ if cause::has_bad_address(code) => address,
            _ => plain,
        };
    }
    page.name = name.0;
    page.entry_hi = name.address_space();
    page.status = (Status::IE | Status::EXL | Status::USER | Status::CLOCK).bits();
}

/// The kernel's address of the page of the environment that made the call being handled.
pub fn caller_page() -> u32 {
    // SAFETY: calls are handled one at a time; the assembly wrote the frame before this one.
    unsafe { (*addr_of!(TRAP_FRAME)).page }
}

/// Enters an environment at `pc` with all registers zero. Nothing of the kernel's stack is used
/// again.
pub fn enter(page: &EnvironmentPage, pc: u32) -> ! {
    // SAFETY: the page is a living environment's, made by `init_page`.
    unsafe { mips32_enter(page, pc) }
}

/// Writes back what the data cache holds of a page and forgets what the instruction cache does.
///
/// QEMU, the one machine this port runs on, keeps instructions coherent with memory.
pub fn flush_caches(_page: u32) {}

/// The hardware's id of the address space that the trap or call being handled came from.
pub fn address_space() -> u32 {
    cp0::entry_hi::read() & 0xff
}

/// The word that chooses the address space of an environment, for `EntryHi`.
pub const fn entry_hi(name: Name) -> u32 {
    name.address_space()
}

/// Tells the assembly where the records of pages are: here only Rust looks at them.
pub fn set_records(_records: u32, _pages: u32) {}

/// Puts what a miss on `address` was missing into the TLB. Pages go in pairs here, and a half that is not
/// there faults as invalid when it is touched.
pub fn refill(address: u32, mapping: impl Fn(u32) -> u32) {
    let even = address >> PAGE_SHIFT & !1;
    tlb::write_pair(address, mapping(even), mapping(even + 1));
}
