//! The watcher: an environment with pages of its own that computes all the time and tells when
//! anything of its memory, registers or mappings is not as it left it.

use core::arch::global_asm;

use exos::abi::Name;
use exos::abi::calls::Fact;
use exos::abi::layout::{Mapping, PAGE_SHIFT, PAGE_SIZE};
use exos::memory::{self, Page};
use exos::{call, slice};

use super::protocol::{self, PAGE_COUNT};

/// Where its pages lie.
const BASE: u32 = 0x60;
/// It yields after each pass, but once in so many runs it goes on until a slice has ended under it.
const LONG_RUN: u32 = 64;

/// What is wrong, for the supervisor's report.
pub mod wrong {
    /// It could not begin.
    pub const BEGIN: u32 = 60;
    /// A word of its memory changed; the detail is where.
    pub const MEMORY: u32 = 61;
    /// A register changed; the detail is how many times around that was.
    pub const REGISTER: u32 = 62;
    /// A page is not its own any more; the detail is the page.
    pub const OWNER: u32 = 63;
    /// A guaranteed mapping is not what it was; the detail is the page.
    pub const MAPPING: u32 = 64;
    /// It could not yield.
    pub const YIELD: u32 = 65;
}

global_asm!(
    ".pushsection .text.watcher, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // u32 watcher_registers(seed, turns): keeps seed + n in register n for so many turns; zero, or the
    // turns that were left when one of them was something else.
    ".globl watcher_registers",
    "watcher_registers:",
    "addiu $sp, $sp, -48",
    "sw $16, 0($sp)",
    "sw $17, 4($sp)",
    "sw $18, 8($sp)",
    "sw $19, 12($sp)",
    "sw $20, 16($sp)",
    "sw $21, 20($sp)",
    "sw $22, 24($sp)",
    "sw $23, 28($sp)",
    "sw $28, 32($sp)",
    "sw $30, 36($sp)",
    "sw $31, 40($sp)",
    ".irp n, 1,3,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,30,31",
    "addiu $\\n, $4, \\n",
    ".endr",
    "mthi $6",
    "mtlo $7",
    "1:",
    ".irp n, 1,3,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,30,31",
    "addiu $2, $4, \\n",
    "bne $2, $\\n, 2f",
    "nop",
    ".endr",
    "mfhi $2",
    "bne $2, $6, 2f",
    "nop",
    "mflo $2",
    "bne $2, $7, 2f",
    "nop",
    "addiu $5, $5, -1",
    "bnez $5, 1b",
    "nop",
    "2: move $2, $5",
    "lw $16, 0($sp)",
    "lw $17, 4($sp)",
    "lw $18, 8($sp)",
    "lw $19, 12($sp)",
    "lw $20, 16($sp)",
    "lw $21, 20($sp)",
    "lw $22, 24($sp)",
    "lw $23, 28($sp)",
    "lw $28, 32($sp)",
    "lw $30, 36($sp)",
    "lw $31, 40($sp)",
    "nop",
    "jr $31",
    "addiu $sp, $sp, 48",
    ".set pop",
    ".popsection",
);

unsafe extern "C" {
    fn watcher_registers(seed: u32, turns: u32) -> u32;
}

/// The word that belongs at a place of its memory in a pass.
fn pattern(place: u32, pass: u32) -> u32 {
    (place ^ pass.wrapping_mul(0x9e37_79b1)).wrapping_mul(0x85eb_ca6b)
}

/// In how many passes it looks at each word once: a pass has to be short beside a slice, and a DECstation
/// executes far fewer instructions in one than QEMU.
fn stride() -> u32 {
    match call::machine(Fact::Board as u32) {
        Ok(0) => 1,
        _ => 16,
    }
}

/// Watches for as long as it lives.
pub fn run() -> u32 {
    let mut pages = [0; PAGE_COUNT];
    let mut mappings = [0; PAGE_COUNT];
    for index in 0..PAGE_COUNT {
        let vpn = BASE + index as u32;
        let pinned = Page::any().and_then(|page| {
            memory::pin(memory::myself(), vpn << PAGE_SHIFT, page.number, Mapping::WRITABLE, page.write)?;
            Ok(page)
        });
        let Ok(page) = pinned else {
            protocol::fault(wrong::BEGIN, vpn);
            return 1;
        };
        pages[index] = page.number;
        mappings[index] = memory::environment().guaranteed[vpn as usize];
        protocol::set(protocol::PAGES + 1 + index, page.number);
    }
    protocol::set(protocol::PAGES, PAGE_COUNT as u32);
    let words = PAGE_COUNT as u32 * PAGE_SIZE / 4;
    let memory = (BASE << PAGE_SHIFT) as *mut u32;
    let quantum = call::machine(Fact::QuantumTicks as u32).unwrap_or(1);
    let stride = stride();
    // Passes, and how often each word was looked at before.
    let (mut pass, mut lap, mut first) = (0u32, 0u32, 0u32);
    for run in 0u32.. {
        let mut last = call::clock();
        loop {
            for place in (first..words).step_by(stride as usize) {
                // SAFETY: the pages are mapped writable there, one behind the other.
                let word = unsafe { memory.add(place as usize) };
                // SAFETY: as above.
                if lap > 0 && unsafe { word.read_volatile() } != pattern(place, lap) {
                    protocol::fault(wrong::MEMORY, place);
                }
                // SAFETY: as above.
                unsafe { word.write_volatile(pattern(place, lap + 1)) };
            }
            pass += 1;
            first += 1;
            if first == stride {
                (first, lap) = (0, lap + 1);
            }
            // SAFETY: the function keeps what a callee keeps.
            let left = unsafe { watcher_registers(pass << 8, 200) };
            if left != 0 {
                protocol::fault(wrong::REGISTER, left);
            }
            for index in 0..PAGE_COUNT {
                if call::page_owner(pages[index]) != Ok(memory::myself().0) {
                    protocol::fault(wrong::OWNER, pages[index]);
                }
                if memory::environment().guaranteed[BASE as usize + index] != mappings[index] {
                    protocol::fault(wrong::MAPPING, pages[index]);
                }
            }
            protocol::set(protocol::PROGRESS, pass);
            let now = call::clock();
            if now.wrapping_sub(last) > quantum / 2 {
                // A pass takes a fraction of that: others ran in the middle of it.
                protocol::set(protocol::PREEMPTED, protocol::get(protocol::PREEMPTED) + 1);
                break;
            }
            last = now;
            if !run.is_multiple_of(LONG_RUN) {
                break;
            }
        }
        if slice::yield_to(Name::NOBODY).is_err() {
            protocol::fault(wrong::YIELD, 0);
        }
    }
    0
}
