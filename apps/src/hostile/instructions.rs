//! Random instructions, in a child that handles every exception by going on behind it.
//!
//! What user mode may not do must fault, whatever the word. The child's handler lies in a page of its
//! own; when execution leaves the page of random words, it tries to read kernel memory, which must
//! fault like the rest, and yields.

use core::arch::global_asm;

use exos::abi::environment::{Event, cause};
use exos::abi::layout::{Mapping, PAGE_SHIFT, PAGE_SIZE};
use exos::abi::{Call, Error, Name};
use exos::memory::{self, Page};
use exos::{call, slice};

use super::protocol;
use super::random::Random;

/// Pages of the child: its data, its handlers, the random words.
const DATA: u32 = 3;
const HANDLER: u32 = 4;
const CODE: u32 = 0x20;
/// Where this program maps the child's data and code.
const DATA_WINDOW: u32 = 0x70;
const CODE_WINDOW: u32 = 0x71;
/// Where the handler notes that it could read the kernel's memory, and what.
const BREACH: u32 = (DATA << PAGE_SHIFT) + 0xffc;
const BREACHED: u32 = 0xb4ea_0000;

/// Ticks that a page may run.
const RUN_TICKS: u32 = 100_000;

/// What is wrong, for the supervisor's report.
pub mod wrong {
    /// The child could read kernel memory; the detail is the page of random words, by number.
    pub const BREACH: u32 = 20;
    /// A call was refused; the detail is the error.
    pub const REFUSED: u32 = 21;
}

global_asm!(
    ".pushsection .text.hostile, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // Copied to the handler page; position independent. a0 = pc.
    ".globl hostile_handlers",
    "hostile_handlers:",
    "1: srl $27, $4, {PAGE_SHIFT}", // exceptions
    "xori $26, $27, {CODE}",
    "bnez $26, 2f",
    "addiu $27, $4, 4",
    "jr $27",
    "nop",
    "2: srl $27, $4, {PAGE_SHIFT}",
    "xori $26, $27, {HANDLER}",
    "beqz $26, 3f", // the handler's own: kernel memory could not be read
    "lui $27, 0x8000",
    "lw $26, 0($27)",
    "nop",
    "lui $26, {BREACHED} >> 16",
    "sw $26, {BREACH}($0)",
    "3: li $2, {DONE}", // a slice may have ended in the last resort
    "syscall",
    "4: move $4, $0",
    "li $2, {YIELD}",
    "syscall",
    "b 4b",
    "nop",
    ".globl hostile_last_resort",
    "hostile_last_resort:",
    "move $16, $4", // the call keeps s0 alone
    "li $2, {DONE}",
    "syscall",
    "b 1b",
    "move $4, $16",
    ".globl hostile_handlers_end",
    "hostile_handlers_end:",
    ".set pop",
    ".popsection",
    PAGE_SHIFT = const PAGE_SHIFT,
    CODE = const CODE,
    HANDLER = const HANDLER,
    BREACH = const BREACH,
    BREACHED = const BREACHED,
    YIELD = const Call::Yield as u32,
    DONE = const Call::LastResortDone as u32,
);

unsafe extern "C" {
    static hostile_handlers: [u8; 0];
    static hostile_last_resort: [u8; 0];
    static hostile_handlers_end: [u8; 0];
}

/// Runs `wanted` pages of random words.
pub fn run(seed: u32, wanted: u32) {
    if let Err(error) = attempt(seed, wanted) {
        protocol::fault(wrong::REFUSED, error.code());
    }
}

fn attempt(seed: u32, wanted: u32) -> Result<(), Error> {
    let mut random = Random::new(seed);
    let [data, handler, code] = [Page::any()?, Page::any()?, Page::any()?];
    let here = |page: u32| page << PAGE_SHIFT;
    memory::pin(memory::myself(), here(DATA_WINDOW), data.number, Mapping::WRITABLE, data.write)?;
    memory::pin(memory::myself(), here(CODE_WINDOW), handler.number, Mapping::WRITABLE, handler.write)?;
    let start = &raw const hostile_handlers as u32;
    let length = &raw const hostile_handlers_end as u32 - start;
    // SAFETY: the page is mapped writable at the window, and code is read.
    unsafe {
        core::ptr::copy_nonoverlapping(start as *const u8, here(CODE_WINDOW) as *mut u8, length as usize)
    };
    let last_resort = here(HANDLER) + (&raw const hostile_last_resort as u32 - start);
    memory::pin(memory::myself(), here(CODE_WINDOW), code.number, Mapping::WRITABLE, code.write)?;
    let mut child = Name::NOBODY;
    let quick = protocol::quick();
    for done in 0..wanted {
        let mut before = 0;
        for index in 0..PAGE_SIZE / 4 {
            let mut word = instruction(&mut random, index);
            while quick && survived(word, before) != Some(word) {
                word = survived(word, before).unwrap_or_else(|| instruction(&mut random, index));
            }
            before = word;
            // SAFETY: the page is mapped writable at the window.
            unsafe { ((here(CODE_WINDOW) + 4 * index) as *mut u32).write_volatile(word) };
        }
        for page in [handler, code] {
            let [low, high] = page.read.words();
            call::cache_flush(page.number, low, high)?;
        }
        if call::bind(child.0, u32::MAX, 0) == Err(Error::NoEnvironment) {
            // The first, or it lost itself so that it was destroyed.
            child = Name(call::environment_create()?);
            memory::pin(child, here(DATA), data.number, Mapping::WRITABLE, data.write)?;
            memory::pin(child, here(HANDLER), handler.number, Mapping::empty(), handler.read)?;
            memory::pin(child, here(CODE), code.number, Mapping::WRITABLE, code.write)?;
            for code in 1..cause::COUNT as u32 {
                if !matches!(code, cause::TLB_LOAD | cause::TLB_STORE) {
                    call::bind(child.0, code, here(HANDLER))?;
                }
            }
            call::bind(child.0, Event::TlbMiss as u32, here(HANDLER))?;
            call::bind(child.0, Event::LastResort as u32, last_resort)?;
            call::bind(child.0, Event::SliceEnd as u32, here(HANDLER) + 4 * 6)?;
            call::bind(child.0, Event::SliceStart as u32, here(CODE))?;
        }
        // In a test build, code that does not leave its page is told to sooner.
        let _ = call::check_timer(RUN_TICKS, 2);
        slice::yield_to(child)?;
        let breach = (here(DATA_WINDOW) + BREACH % PAGE_SIZE) as *const u32;
        // SAFETY: the page is mapped at the window.
        if unsafe { breach.read_volatile() } == BREACHED {
            protocol::fault(wrong::BREACH, done);
        }
        protocol::set(protocol::PROGRESS, done + 1);
    }
    protocol::set(protocol::FINISHED, 1);
    Ok(())
}

/// The word at a place of the page: at its beginning, code that fills registers with values worth
/// having; then anything, but branches and jumps stay in the page, so that more of it runs.
fn instruction(random: &mut Random, index: u32) -> u32 {
    const LUI: u32 = 0x0f << 26;
    const ORI: u32 = 0x0d << 26;
    let word = random.word();
    if index < 64 {
        let (register, half) = (index / 2, index & 1);
        let high = random.pick(&[0, 1, 0x8000, 0x8004, 0xa000, 0xb800, 0xbfc0, 0xc000, 0xffff, 2, 7]);
        let low = random.pick(&[0, 0x1000, 0x2000, 0x2040, 0x3000, 0x3f8, word & 0xfff0]);
        return if half == 0 {
            LUI | register << 16 | high
        } else {
            ORI | register << 21 | register << 16 | low
        };
    }
    // What a processor does least expectedly lies in a few of the 64 groups.
    let word = if random.one_in(4) {
        word & 0x03ff_ffff | random.pick(&[0x00, 0x10, 0x1c, 0x1f, 0x01, 0x2f, 0x13]) << 26
    } else {
        word
    };
    match word >> 26 {
        0x01 | 0x04..=0x07 | 0x14..=0x17 => word & 0xffff_0000 | word & 7,
        0x02 | 0x03 | 0x1d => {
            word & 0xfc00_0000 | ((CODE << PAGE_SHIFT) + 4 * (index + (word & 7)).min(1023)) >> 2
        }
        // jr and jalr go anywhere: seldom.
        0x00 if matches!(word & 0x3f, 8 | 9) && !random.one_in(8) => word ^ 0x20,
        // QEMU takes this one for a PMON entry and prints a character, past kernel and console.
        0x00 if word & 0x3f == 5 => word ^ 0x20,
        _ => word,
    }
}

/// A word like this one that GXemul goes on after, whatever it finds in registers; `None` if there is none. It ends
/// at some words that are no instructions and at branches in a branch's slot, executes jumps to where none can
/// begin for ever, and lets anybody write coprocessor 0 and the kernel's memory: loads and stores are those that
/// reach the first pages from `$zero`.
fn survived(word: u32, before: u32) -> Option<u32> {
    const S: u32 = 31 << 21;
    const T: u32 = 31 << 16;
    const D: u32 = 31 << 11;
    const SHIFT: u32 = 31 << 6;
    const BRANCHES: core::ops::Range<u32> = 1..8;
    let kept = match (word >> 26, word & 0x3f) {
        (0, 0 | 2 | 3) => !S,
        (0, 4 | 6 | 7 | 32..=39 | 42 | 43) => !SHIFT,
        (0, 12 | 13) => !0,
        (0, 16 | 18) => !(S | T | SHIFT),
        (0, 17 | 19) => !(T | D | SHIFT),
        (0, 24..=27) => !(D | SHIFT),
        (branch, _) if BRANCHES.contains(&branch) && BRANCHES.contains(&(before >> 26)) => return None,
        (1, _) => !(0xe << 16),
        (2..=5 | 8..=14, _) => !0,
        (6 | 7, _) => !T,
        (15, _) => !S,
        (0x20..=0x26 | 0x28..=0x2b | 0x2e, _) => !(S | 0x8000),
        _ => return None,
    };
    Some(word & kept)
}
