//! The laboratory: runs a few instructions of a test's choice with every register filled, and shows
//! every register afterwards.
//!
//! It lives in four pages at the bottom of the second segment, which code reaches from `$zero`
//! without a base register:
//!
//! ```text
//! 0x3000  registers before and after, and what the laboratory's caller keeps
//! 0x4000  code
//! 0x5000  a stack of two pages for exception handlers, while sp belongs to the test
//! ```

use exos::abi::layout::{Mapping, PAGE_SIZE};
use exos::memory::{self, Page};

use super::assembler::{Code, NOP, jr, lw, reg, sw};
use super::failure::Failure;
use super::registers::{Registers, load_all, store_all};
use super::single::Single;
use exos::call;

/// The page of data.
pub const DATA: u32 = 0x3000;
/// Registers before.
const IN: u32 = DATA;
/// Registers after.
const OUT: u32 = DATA + 0x100;
/// What the laboratory's caller keeps.
const KEPT: u32 = DATA + 0x200;
/// Words that tests may use.
pub const WORDS: u32 = DATA + 0x300;
/// The page of code.
pub const CODE: u32 = 0x4000;
/// Words of code that fit.
pub const CODE_WORDS: usize = PAGE_SIZE as usize / 4;
const STACK: u32 = 0x5000;
/// What sp has to be while exceptions are handled by Rust.
pub const STACK_TOP: u32 = STACK + 2 * PAGE_SIZE - 64;

/// The code page, for handlers that repair code.
static CODE_PAGE: Single<Option<Page>> = Single::new(None);

/// Registers that a callee keeps, with gp.
const CALLEE_KEEPS: [u32; 12] = [16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 30, 31];

/// Pages of the laboratory, mapped for as long as this lives.
pub struct Lab {
    pages: [Page; 4],
}

impl Lab {
    /// Sets it up.
    ///
    /// # Errors
    /// When there are no pages.
    pub fn new() -> Result<Self, Failure> {
        let mut lab = Self { pages: [Page::any()?, Page::any()?, Page::any()?, Page::any()?] };
        for (index, page) in lab.pages.iter().enumerate() {
            let address = DATA + index as u32 * PAGE_SIZE;
            memory::pin(memory::myself(), address, page.number, Mapping::WRITABLE, page.write)?;
        }
        CODE_PAGE.set(Some(lab.pages[1]));
        lab.clear();
        Ok(lab)
    }

    fn clear(&mut self) {
        for word in (DATA..CODE).step_by(4) {
            poke(word, 0);
        }
    }

    /// The page of code.
    #[must_use]
    pub const fn code_page(&self) -> Page {
        self.pages[1]
    }

    /// Writes the whole code of an experiment, and tells where `body` begins in it.
    pub fn prepare(&mut self, body: &[u32]) -> u32 {
        let mut code = Code::<CODE_WORDS>::new();
        for (index, number) in CALLEE_KEEPS.iter().enumerate() {
            code.push(sw(*number, KEPT + 4 * index as u32, reg::ZERO));
        }
        load_all(&mut code, IN);
        let start = CODE + 4 * code.words().len() as u32;
        code.extend(body);
        store_all(&mut code, OUT);
        for (index, number) in CALLEE_KEEPS.iter().enumerate() {
            code.push(lw(*number, KEPT + 4 * index as u32, reg::ZERO));
        }
        code.push(NOP).push(jr(reg::RA)).push(NOP);
        write_code(CODE, code.words());
        start
    }

    /// Address behind the last instruction of `body`, as [`Self::prepare`] places it.
    #[must_use]
    pub fn behind(body: &[u32]) -> u32 {
        body_start() + 4 * body.len() as u32
    }

    /// Runs what is prepared, and tells the registers afterwards.
    pub fn run(&mut self, before: &Registers) -> Registers {
        before.write(IN);
        Registers::ZERO.write(OUT);
        // SAFETY: `prepare` wrote a function there that keeps what a callee keeps; what the body
        // does is the test's affair.
        unsafe {
            let run: extern "C" fn() = core::mem::transmute::<usize, extern "C" fn()>(CODE as usize);
            run();
        }
        Registers::read(OUT)
    }

    /// Prepares and runs.
    pub fn try_out(&mut self, body: &[u32], before: &Registers) -> Registers {
        self.prepare(body);
        self.run(before)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        CODE_PAGE.set(None);
        for page in self.pages {
            let freed = page.free();
            debug_assert!(freed.is_ok());
        }
    }
}

/// Where the body of every experiment begins.
#[must_use]
pub fn body_start() -> u32 {
    let mut code = Code::<CODE_WORDS>::new();
    load_all(&mut code, IN);
    CODE + 4 * (CALLEE_KEEPS.len() + code.words().len()) as u32
}

/// Writes instructions into the code page.
pub fn write_code(address: u32, words: &[u32]) {
    for (index, word) in words.iter().enumerate() {
        poke(address + 4 * index as u32, *word);
    }
    if let Some(page) = CODE_PAGE.get() {
        let [low, high] = page.write.words();
        let flushed = call::cache_flush(page.number, low, high);
        debug_assert!(flushed.is_ok());
    }
}

/// Reads a word of this program's memory.
#[must_use]
pub fn peek(address: u32) -> u32 {
    // SAFETY: callers name memory that is mapped.
    unsafe { (address as *const u32).read_volatile() }
}

/// Writes a word of this program's memory.
pub fn poke(address: u32, value: u32) {
    // SAFETY: callers name memory that is theirs and mapped.
    unsafe { (address as *mut u32).write_volatile(value) };
}
