//! Tests of processes that are processes themselves: each runs in a child of its own, so that what it breaks, closes or
//! forgets is gone with it, and a test that hangs is killed. Afterwards everything must be as it was ([`Census`]).

use exos::abi::calls::Fact;
use exos::abi::layout::SLICES;
use exos::process::table::{self, PROCESSES};
use exos::process::{self, ProcessError};
use exos::signal::{self, Action, SIGALRM, SIGKILL};
use exos::vm::map::{self, Protection};
use exos::{call, println, slice};

use super::{Failure, Outcome, Test};
use crate::ensure;

/// Microseconds that a test may take.
const LIMIT: u32 = 20_000_000;

/// What there is of everything that processes can leave behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Census {
    /// Physical pages that are free.
    pub pages: u32,
    /// Environments that live.
    pub environments: u32,
    /// Places of the table of processes that are taken.
    pub places: usize,
    /// Positions of the vector of time slices that are free.
    pub slices: usize,
}

impl Census {
    /// Counts.
    ///
    /// # Errors
    /// What Aegis refuses.
    pub fn take() -> Result<Self, Failure> {
        Ok(Self {
            pages: call::machine(Fact::FreePages as u32)?,
            environments: call::machine(Fact::Environments as u32)?,
            places: (0..PROCESSES).filter(|slot| state(*slot) != table::state::FREE).count(),
            slices: free_slices(),
        })
    }

    /// The same once this process has given back what it has kept for those who borrowed it: a fork does that.
    ///
    /// # Errors
    /// What Aegis refuses.
    pub fn settled() -> Result<Self, Failure> {
        status_of(|| 0)?;
        Self::take()
    }

    /// Checks that everything is as it was, once those who have ended are buried: orphans are by the scheduler, in its own
    /// time.
    ///
    /// # Errors
    /// What is different.
    pub fn same(self) -> Outcome {
        let mut now = Self::take()?;
        for _ in 0..200 {
            if now == self {
                break;
            }
            let _ = process::sleep(2000);
            now = Self::settled()?;
        }
        ensure!(now == self, "left behind: there were {self:?}, there are {now:?}");
        // A violation stops the machine.
        let checked = call::check_invariants()?;
        ensure!(checked > 0, "the checker of invariants checked nothing");
        Ok(())
    }
}

fn state(slot: usize) -> u32 {
    let entry = table::entry(slot);
    // SAFETY: the table is pinned; others write it, so it is read once.
    unsafe { (&raw const (*entry).state).read_volatile() }
}

/// Nobody tells how many are free: takes them all for a moment.
fn free_slices() -> usize {
    slice::critical(|| {
        let mut taken = [false; SLICES];
        for (position, taken) in taken.iter_mut().enumerate() {
            *taken = call::slice_alloc(position as u32).is_ok();
        }
        for (position, _) in taken.iter().enumerate().filter(|(_, taken)| **taken) {
            let _ = call::slice_free(position as u32);
        }
        taken.iter().filter(|taken| **taken).count()
    })
}

/// Runs all tests, prints a line for each and the totals. The answer is an exit status.
#[must_use]
pub fn run(groups: &[&[Test]]) -> u32 {
    // What grows once and stays, the page table for one, grows here.
    let _ = run_one(Test { name: "warming up", run: || Ok(()) });
    let (mut passed, mut failed) = (0, 0);
    for test in groups.iter().copied().flatten() {
        match run_one(*test) {
            Ok(()) => {
                println!("test {} ... ok", test.name);
                passed += 1;
            }
            Err(failure) => {
                println!("test {} ... FAILED: {failure}", test.name);
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    u32::from(failed > 0)
}

fn run_one(test: Test) -> Outcome {
    let before = Census::settled()?;
    let child = spawn(|| {
        let _ = signal::set_action(SIGALRM, Action::Default);
        match (test.run)() {
            Ok(()) => 0,
            Err(failure) => {
                println!("{failure}");
                1
            }
        }
    })?;
    let status = wait_with_limit(child)?;
    ensure!(status == 0, "its process ended with {status}");
    before.same()
}

/// Waits for a child, and kills it if it takes too long.
fn wait_with_limit(child: u32) -> Result<u32, Failure> {
    let notice: fn(u32) = |_| {};
    let _ = signal::set_action(SIGALRM, Action::Call(notice));
    signal::alarm(LIMIT);
    let status = match process::wait_for(child) {
        Err(ProcessError::Interrupted) => {
            println!("not done in time");
            signal::kill(child, SIGKILL)?;
            process::wait_for(child)
        }
        status => status,
    };
    signal::alarm(0);
    Ok(status?)
}

/// Forks a child that does something; what that tells is its status.
///
/// # Errors
/// As [`process::fork`].
pub fn spawn(child: impl FnOnce() -> u32) -> Result<u32, ProcessError> {
    match process::fork()? {
        0 => process::exit(child()),
        pid => Ok(pid),
    }
}

/// The status of a child that does something.
///
/// # Errors
/// As [`process::fork`] and [`process::wait_for`].
pub fn status_of(child: impl FnOnce() -> u32) -> Result<u32, ProcessError> {
    process::wait_for(spawn(child)?)
}

/// A page that this process and its children write and read: where they note what they have seen.
#[derive(Clone, Copy)]
pub struct Board(u32);

impl Board {
    /// Words that it has.
    pub const WORDS: usize = 1024;

    /// A new one, all zeroes. It goes when this process ends.
    ///
    /// # Errors
    /// No memory.
    pub fn new() -> Result<Self, Failure> {
        let share = map::new_shared(exos::abi::layout::ANY)?;
        let board = Self(map::map_shared(0, share, Protection::ReadWrite)?);
        for index in 0..Self::WORDS {
            board.set(index, 0);
        }
        Ok(board)
    }

    fn word(self, index: usize) -> *mut u32 {
        assert!(index < Self::WORDS);
        (self.0 as *mut u32).wrapping_add(index)
    }

    /// Reads a word.
    #[must_use]
    pub fn get(self, index: usize) -> u32 {
        // SAFETY: inside the page, which is mapped for as long as the process lives; others write it.
        unsafe { self.word(index).read_volatile() }
    }

    /// Writes a word.
    pub fn set(self, index: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { self.word(index).write_volatile(value) };
    }

    /// Adds to a word, whoever else does.
    pub fn add(self, index: usize, value: u32) {
        slice::critical(|| self.set(index, self.get(index).wrapping_add(value)));
    }

    /// Gives way until a word is this.
    ///
    /// # Errors
    /// It did not become so.
    #[track_caller]
    pub fn await_word(self, index: usize, value: u32) -> Outcome {
        for _ in 0..100_000 {
            if self.get(index) == value {
                return Ok(());
            }
            process::give_way();
        }
        Err(Failure::new(format_args!("word {index} is {}, and does not become {value}", self.get(index))))
    }
}
