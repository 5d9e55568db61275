//! The test build: faults and interrupts on request, and a checker of the kernel's invariants.

use core::arch::asm;

use aegis_abi::environment::EVENTS;
use aegis_abi::layout::{ENVIRONMENT_PAGE, GUARANTEED_PAGES, Mapping, PAGE_SHIFT};
use aegis_abi::map::vpn_of;
use aegis_abi::{Error, Name};
use aegis_core::pages::{Bound, State};
use spin::Mutex;

use crate::arch::{self, TrapFrame};
use crate::board;
use crate::kernel::{self, Kernel};
use crate::memory::{environment_page, is_user_code, page_address};

/// What the next clock interrupt does instead of ending a slice.
static PLANTED: Mutex<Option<u32>> = Mutex::new(None);

/// Empties the hardware TLB in the interrupt.
const FLUSH: u32 = 1;
/// The interrupt also ends the slice.
const END_SLICE: u32 = 2;

/// Where the last planted interrupt came: its pc, and 1 if that is a branch whose delay slot it
/// interrupted. Zero when that has been told.
static LANDED: Mutex<u32> = Mutex::new(0);

/// Raises the clock interrupt `ticks` from now, unless that is zero. Tells where the last one came. A
/// machine that does not count cycles can be asked for a whole quantum alone.
pub extern "C" fn check_timer(ticks: u32, kind: u32) -> u64 {
    if ticks > 0 {
        if ticks < board::quantum_ticks() && !board::counts_cycles() {
            return u64::from(Error::Unsupported.code());
        }
        *PLANTED.lock() = Some(kind);
        board::arm_clock(ticks.min(board::quantum_ticks()));
    }
    u64::from(core::mem::take(&mut *LANDED.lock())) << 32
}

/// Handles a planted clock interrupt; says whether the tick ends there.
pub fn clock_interrupt(frame: &TrapFrame) -> bool {
    let Some(kind) = PLANTED.lock().take() else { return false };
    *LANDED.lock() = frame.pc | frame.cause >> 31;
    if kind & FLUSH != 0 {
        arch::flush_tlb();
    }
    if kind & END_SLICE == 0 {
        board::arm_clock(board::quantum_ticks());
    }
    kind & END_SLICE == 0
}

/// Provokes a fault inside the kernel.
pub extern "C" fn check_fault(kind: u32) -> u64 {
    // SAFETY: there is nothing safe about it; the kernel's trap handler is what is tested.
    unsafe {
        match kind {
            0 => asm!(".set push", ".set noreorder", "lw $8, 2($0)", "nop", ".set pop", out("$8") _),
            1 => asm!("break"),
            2 => {
                asm!(".set push", ".set noreorder", "lui $8, 0x7fff", "lw $8, 0($8)", "nop", ".set pop", out("$8") _)
            }
            3 => {
                asm!(".set push", ".set noreorder", "lui $8, 0x8000", "lw $8, 1($8)", "nop", ".set pop", out("$8") _)
            }
            4 => asm!(".word 0xfc00003f"),
            5 => {
                asm!(".set push", ".set noreorder", ".set noat", "lui $8, 0x7fff", "add $8, $8, $8", ".set pop", out("$8") _)
            }
            6 => panic!("planted"),
            _ => return u64::from(Error::Unsupported.code()),
        }
    }
    0
}

/// Checks the invariants; the answer counts what was checked. A violation is a panic.
pub extern "C" fn check_invariants() -> u64 {
    let checked = kernel::with(|kernel| check(kernel));
    u64::from(checked) << 32
}

fn check(kernel: &Kernel) -> u32 {
    check_pages(kernel) + check_environments(kernel) + check_stlb(kernel)
}

/// Each page has one state, is in the list that goes with it, and its owner lives.
fn check_pages(kernel: &Kernel) -> u32 {
    let (count, free) = kernel.pages.count();
    let mut listed = kernel.pages.free_list().count();
    assert_eq!(listed, free, "the count of free pages");
    for number in kernel.pages.free_list() {
        assert_eq!(kernel.pages.state(number), Some(State::Free), "page {number} of the free list");
        assert_eq!(kernel.pages.bound(number), Bound::None, "free page {number} is bound");
    }
    for environment in kernel.environments.living() {
        for number in kernel.pages.of(environment.name) {
            let owned = Some(State::Owned(environment.name));
            assert_eq!(kernel.pages.state(number), owned, "page {number} of an owner's list");
            listed += 1;
        }
    }
    for number in 0..count as u32 {
        match kernel.pages.state(number) {
            Some(State::Kernel) => listed += 1,
            Some(State::Owned(owner)) => {
                assert!(kernel.environments.get(owner).is_ok(), "the owner of page {number} is dead");
            }
            _ => {}
        }
    }
    assert_eq!(listed, count, "every page is in one list or the kernel's");
    count as u32
}

/// Every binding of the STLB that can match is one that its page knows of, and allowed.
fn check_stlb(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    for binding in kernel.stlb.bindings() {
        let Some(space) = kernel.environments.tagged(binding.key >> 21) else { continue };
        let (vpn, number) = (vpn_of(binding.key), binding.mapping >> PAGE_SHIFT);
        if (vpn as usize) < GUARANTEED_PAGES {
            let guaranteed = environment_page(page_address(space.page)).guaranteed[vpn as usize];
            assert_eq!(binding.mapping, guaranteed, "a guaranteed mapping in the STLB");
        }
        let bound = kernel.pages.bound(number);
        assert!(
            bound == Bound::Many || bound == Bound::At(binding.key),
            "page {number} does not know that it is bound"
        );
        check_mapping(kernel, binding.mapping);
        checked += 1;
    }
    checked
}

/// A mapping is of a page that is in use, and of the kernel's only to read.
fn check_mapping(kernel: &Kernel, mapping: u32) {
    let number = mapping >> PAGE_SHIFT;
    let state = kernel.pages.state(number);
    assert!(!matches!(state, None | Some(State::Free)), "page {number} is mapped without right");
    let writable = mapping & Mapping::WRITABLE.bits() != 0;
    assert!(!(writable && state == Some(State::Kernel)), "page {number} of the kernel's is writable");
}

fn check_environments(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    for environment in kernel.environments.living() {
        let page = environment_page(page_address(environment.page));
        assert_eq!(page.name, environment.name.0, "an environment's page has its name");
        assert_eq!(kernel.pages.state(environment.page), Some(State::Kernel));
        for (vpn, entry) in page.guaranteed.iter().enumerate().filter(|(_, entry)| **entry != 0) {
            let number = entry >> PAGE_SHIFT;
            checked += 1;
            if vpn == (ENVIRONMENT_PAGE >> PAGE_SHIFT) as usize {
                assert_eq!(number, environment.page, "the environment's own page");
                assert_eq!(entry & Mapping::WRITABLE.bits(), 0, "is read-only");
                continue;
            }
            assert_ne!(
                kernel.pages.bound(number),
                Bound::None,
                "page {number} does not know that it is bound"
            );
            check_mapping(kernel, *entry);
        }
        for peer in page.peers.iter().filter(|peer| peer.name != 0) {
            let callee = kernel.environments.get(Name(peer.name)).expect("cached callees live");
            assert_eq!(page_address(callee.page), peer.page, "a cached callee has its page");
            let space = callee.name.address_space() as usize;
            assert_eq!(kernel.spaces[space], callee.name, "a cached callee has its address-space id");
            checked += 1;
        }
        for event in 0..EVENTS as u32 {
            if let Some(pc) = page.entry(event) {
                assert!(is_user_code(*pc), "an entry in the kernel");
            }
        }
    }
    checked
}
