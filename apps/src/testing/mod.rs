//! A harness for tests that run on Aegis.
//!
//! A test is a function; what it finds wrong is a [`Failure`]. [`run`] prints a line for each and
//! checks besides that the test left no page and no environment behind and that the kernel's
//! invariants hold.
//!
//! - [`lab`]: runs instructions of a test's choice with chosen contents in every register
//! - [`trap`]: the exceptions that a test expects, and how each is repaired
//! - [`probe`]: loads and stores that may fault
//! - [`companion`]: a second environment that carries out commands
//! - [`interrupt`]: planted clock interrupts
//! - [`process`]: tests of processes of ExOS
//! - [`space`]: bindings of the first segment, and a pager for it

pub mod assembler;
pub mod companion;
pub mod failure;
pub mod interrupt;
pub mod lab;
pub mod probe;
pub mod process;
pub mod registers;
pub mod single;
pub mod space;
pub mod trap;

use exos::abi::calls::Fact;
use exos::{call, println};

pub use failure::{Failure, Outcome};

/// A test and its name.
#[derive(Clone, Copy)]
pub struct Test {
    /// What the line says.
    pub name: &'static str,
    /// What it does.
    pub run: fn() -> Outcome,
}

/// What tests can be told to leave out, by bits of the command line's `seed=N`: for machines that end at
/// something that an R3000 takes as an exception. A test that leaves something out fails, and says so.
pub mod leave_out {
    /// Instructions that do not exist.
    pub const RESERVED: u32 = 1;
    /// Jumps to where no instruction can begin.
    pub const UNALIGNED: u32 = 2;
    /// The kernel's addresses.
    pub const KERNEL: u32 = 4;
    /// What looks at the time within a slice: a clock that stands still there is waited for in vain.
    pub const CLOCK: u32 = 8;
}

/// Whether the command line says to leave this out.
#[must_use]
pub fn is_left_out(what: u32) -> bool {
    call::machine(Fact::Seed as u32).is_ok_and(|bits| bits & what != 0)
}

/// What must be the same before and after a test: free pages, living environments.
fn census() -> Result<(u32, u32), Failure> {
    Ok((call::machine(Fact::FreePages as u32)?, call::machine(Fact::Environments as u32)?))
}

fn run_one(test: Test) -> Outcome {
    let before = census()?;
    (test.run)()?;
    trap::nothing_left()?;
    let after = census()?;
    crate::ensure!(before == after, "free pages and environments were {before:?}, are {after:?}");
    // A violation stops the machine.
    let checked = call::check_invariants()?;
    crate::ensure!(checked > 0, "the checker of invariants checked nothing");
    Ok(())
}

/// Runs all tests, prints a line for each and the totals. The answer is an exit status.
#[must_use]
pub fn run(tests: &[Test]) -> u32 {
    let mut failed = 0;
    for test in tests {
        match run_one(*test) {
            Ok(()) => println!("test {} ... ok", test.name),
            Err(failure) => {
                failed += 1;
                println!("test {} ... FAILED: {failure}", test.name);
                trap::forget();
            }
        }
    }
    println!("{} passed, {failed} failed", tests.len() - failed);
    u32::from(failed > 0)
}

/// What a program of tests does: runs groups of them, if it can. The answer is an exit status.
#[must_use]
pub fn run_groups(groups: &[&[Test]]) -> u32 {
    unsafe extern "C" {
        static __stack_top: [u8; 0];
    }
    if &raw const __stack_top as u32 >= companion::SHARED {
        println!("the suite is too large: the pages that it shares would overlap it");
        return 1;
    }
    if call::machine(Fact::TestBuild as u32) != Ok(1) {
        println!("the suite needs a test build of the kernel");
        return 1;
    }
    if trap::install().is_err() {
        return 1;
    }
    let mut tests = [Test { name: "", run: || Ok(()) }; 100];
    let mut count = 0;
    for test in groups.iter().copied().flatten() {
        tests[count] = *test;
        count += 1;
    }
    run(&tests[..count])
}

/// Runs `main` on a stack of its own, larger than the one that a program begins with.
pub fn on_large_stack(main: extern "C" fn() -> u32) -> u32 {
    const BYTES: usize = 56 << 10;
    #[repr(C, align(8))]
    struct Stack(core::cell::UnsafeCell<[u8; BYTES]>);
    // SAFETY: used by the one call that `on_large_stack` makes.
    unsafe impl Sync for Stack {}
    static STACK: Stack = Stack(core::cell::UnsafeCell::new([0; BYTES]));

    unsafe extern "C" {
        fn testing_on_stack(top: u32, main: extern "C" fn() -> u32) -> u32;
    }
    // SAFETY: the stack is this function's own; 32 bytes at its top hold a callee's arguments.
    unsafe { testing_on_stack(STACK.0.get() as u32 + BYTES as u32 - 32, main) }
}

core::arch::global_asm!(
    ".pushsection .text.testing, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // u32 testing_on_stack(top, main)
    ".globl testing_on_stack",
    "testing_on_stack:",
    "sw $16, -8($4)",
    "sw $31, -4($4)",
    "move $16, $sp",
    "addiu $sp, $4, -32",
    "jalr $5",
    "nop",
    "addiu $8, $sp, 32",
    "move $sp, $16",
    "lw $16, -8($8)",
    "lw $31, -4($8)",
    "nop",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
);
