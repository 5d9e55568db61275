//! Attacks on time slices and address spaces, each on something that Aegis once did wrong.

use core::arch::global_asm;
use core::mem::offset_of;

use exos::abi::calls::Fact;
use exos::abi::environment::{EnvironmentPage, Event};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT};
use exos::abi::{Error, Name};
use exos::memory::{self, Page};
use exos::{call, slice};

use super::protocol;

/// Where a child has its code, and its attacker another page.
const CODE: u32 = 0x60;
/// Where a child has its data.
const DATA: u32 = 3;
/// Where this program writes a child's code, and reads its data.
const WINDOW: u32 = 0x70;

/// What is wrong, for the supervisor's report.
pub mod wrong {
    /// A call was refused; the detail is the error.
    pub const REFUSED: u32 = 40;
    /// Code of the attacker's ran as another environment; the detail is what it left.
    pub const ALIASED: u32 = 41;
}

global_asm!(
    ".pushsection .text.hostile, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // Transfers to this environment enter here: as if the transfer out had been a call that is back.
    ".globl attack_entered",
    "attack_entered:",
    "jr $31",
    "nop",
    // void attack_jump(v0, address)
    ".globl attack_jump",
    "attack_jump:",
    "jr $5",
    "move $2, $4",
    // A child that spins a1 times and transfers back.
    ".globl attack_spinner",
    "attack_spinner:",
    "1: bnez $5, 1b",
    "addiu $5, $5, -1",
    "lw $2, {CALLER}($0)",
    "nop",
    "syscall",
    "break",
    ".globl attack_spinner_end",
    "attack_spinner_end:",
    // A page of which attacker and victim have a version each: it transfers to v0, and where that
    // enters, it leaves a word that tells whose version ran.
    ".globl attack_evil",
    "attack_evil:",
    "syscall",
    "jr $31",
    "nop",
    "break",
    "li $8, 0xbad",
    "sw $8, {DATA}($0)",
    "lw $2, {CALLER}($0)",
    "nop",
    "syscall",
    "break",
    ".globl attack_good",
    "attack_good:",
    "break",
    "break",
    "break",
    "break",
    "li $8, 0x600d",
    "sw $8, {DATA}($0)",
    "lw $2, {CALLER}($0)",
    "nop",
    "syscall",
    "break",
    ".globl attack_good_end",
    "attack_good_end:",
    ".set pop",
    ".popsection",
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
    DATA = const DATA << PAGE_SHIFT,
);

unsafe extern "C" {
    fn attack_entered();
    fn attack_jump(name: u32, address: u32);
    static attack_spinner: [u8; 0];
    static attack_spinner_end: [u8; 0];
    static attack_evil: [u8; 0];
    static attack_good: [u8; 0];
    static attack_good_end: [u8; 0];
}

/// Copies code to the beginning of a new page.
fn code_page(start: *const [u8; 0], end: *const [u8; 0]) -> Result<Page, Error> {
    let page = Page::any()?;
    memory::pin(memory::myself(), WINDOW << PAGE_SHIFT, page.number, Mapping::WRITABLE, page.write)?;
    let length = end as usize - start as usize;
    // SAFETY: the page is mapped writable at the window, and code is read.
    unsafe { core::ptr::copy_nonoverlapping(start.cast(), (WINDOW << PAGE_SHIFT) as *mut u8, length) };
    memory::unpin(memory::myself(), WINDOW << PAGE_SHIFT)?;
    let [low, high] = page.read.words();
    call::cache_flush(page.number, low, high)?;
    Ok(page)
}

fn note(result: Result<(), Error>) {
    if let Err(error) = result {
        protocol::fault(wrong::REFUSED, error.code());
    }
    protocol::set(protocol::FINISHED, 1);
}

/// Ticks of a slice.
fn quantum() -> u32 {
    call::machine(Fact::QuantumTicks as u32).unwrap_or(1)
}

/// Computes for so many ticks.
fn spin(ticks: u32) {
    let start = call::clock();
    while call::clock().wrapping_sub(start) < ticks {}
}

/// Has no handler for the end of its slices, which it therefore overruns.
fn deaf() -> Result<(), Error> {
    let myself = memory::myself().0;
    call::bind(myself, Event::SliceEnd as u32, 0)?;
    for event in [Event::Synchronous, Event::Asynchronous] {
        call::bind(myself, event as u32, attack_entered as *const () as u32)?;
    }
    Ok(())
}

/// Hands a slice that is over to fresh children, none of which has overrun anything yet: unless the
/// count is the slice's, nobody else ever runs again.
pub fn overrun(children: u32) {
    note((|| {
        deaf()?;
        let page = code_page(&raw const attack_spinner, &raw const attack_spinner_end)?;
        // Two instructions a turn, an instruction a nanosecond, a tick 6 ns.
        let turns = quantum() * 6 / 2 / 8 * 9;
        // Where it is resumed once Aegis has taken the slice away.
        slice::yield_to(Name::NOBODY)?;
        for done in 0..children {
            let child = Name(call::environment_create()?);
            memory::pin(child, CODE << PAGE_SHIFT, page.number, Mapping::empty(), page.read)?;
            call::bind(child.0, Event::Synchronous as u32, CODE << PAGE_SHIFT)?;
            let _ = call::raw(child.0, [0, turns, 0, 0, 0, 0, 0, 0]);
            call::environment_destroy(child.0)?;
            protocol::set(protocol::PROGRESS, done + 1);
        }
        Ok(())
    })());
}

/// Yields just before a tick: of its own slice, and of the one after it.
pub fn sliver(turns: u32) {
    note((|| {
        deaf()?;
        let quantum = quantum();
        for done in 0..turns {
            slice::yield_to(Name::NOBODY)?;
            spin(quantum / 32 * 31 + if done % 2 == 0 { 0 } else { quantum });
            protocol::set(protocol::PROGRESS, done + 1);
        }
        Ok(())
    })());
}

/// Transfers asynchronously once its slice is over: what that lends would be the next one's slice.
pub fn lend(turns: u32) {
    note((|| {
        deaf()?;
        let quantum = quantum();
        for done in 0..turns {
            slice::yield_to(Name::NOBODY)?;
            spin(quantum / 8 * 9);
            let _ = call::raw(memory::myself().asynchronous().0, [0; 8]);
            protocol::set(protocol::PROGRESS, done + 1);
        }
        Ok(())
    })());
}

/// Transfers to an environment with the same address-space id, from a page that lies where the other
/// one's entry does: were the page in the TLB by then, the other would run the attacker's code.
pub fn alias() {
    note((|| {
        deaf()?;
        let myself = memory::myself();
        let mut victim = None;
        while victim.is_none() {
            let name = Name(call::environment_create()?);
            victim = (name.address_space() == myself.address_space()).then_some(name);
        }
        let victim = victim.ok_or(Error::NoEnvironment)?;
        let evil = code_page(&raw const attack_evil, &raw const attack_good)?;
        let good = code_page(&raw const attack_good, &raw const attack_good_end)?;
        let data = Page::any()?;
        memory::pin(victim, CODE << PAGE_SHIFT, good.number, Mapping::empty(), good.read)?;
        memory::pin(victim, DATA << PAGE_SHIFT, data.number, Mapping::WRITABLE, data.write)?;
        call::bind(victim.0, Event::Synchronous as u32, (CODE << PAGE_SHIFT) + 16)?;
        memory::pin(myself, CODE << PAGE_SHIFT, evil.number, Mapping::empty(), evil.read)?;
        memory::pin(myself, WINDOW << PAGE_SHIFT, data.number, Mapping::empty(), data.read)?;
        for _ in 0..2 {
            // SAFETY: the page transfers to the victim, which comes back to where this returns.
            unsafe { attack_jump(victim.0, CODE << PAGE_SHIFT) };
            // SAFETY: the victim's data are mapped there.
            let left = unsafe { ((WINDOW << PAGE_SHIFT) as *const u32).read_volatile() };
            if left != 0x600d {
                protocol::fault(wrong::ALIASED, left);
            }
        }
        Ok(())
    })());
}
