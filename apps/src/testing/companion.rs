//! A second environment that does what a test commands.
//!
//! The two share the page that `exos::spawn` maps at [`START_PAGE`] in the companion. The test
//! writes a command there and yields to the companion, which writes its answer and yields back; or
//! dies, and then the test goes on all the same.

use exos::abi::Name;
use exos::abi::layout::{Mapping, PAGE_SIZE};
use exos::memory::{self, Page};
use exos::slice;
use exos::spawn::{self, Child};
use exos::start::START_PAGE;

use super::failure::Failure;
use super::lab::{peek, poke};

/// Words of the shared page.
pub mod word {
    /// The command.
    pub const COMMAND: usize = 0;
    /// Zero until the command is done.
    pub const DONE: usize = 1;
    /// First of up to eight arguments.
    pub const ARGUMENTS: usize = 2;
    /// First of up to eight answers.
    pub const ANSWERS: usize = 10;
    /// Counts what the companion does by itself.
    pub const PROGRESS: usize = 20;
    /// Not zero ends what the companion does by itself.
    pub const STOP: usize = 21;
    /// Counts the wishes for resources that it was told of.
    pub const REVOCATIONS: usize = 22;
    /// Counts the losses of resources that it was told of.
    pub const REPOSSESSIONS: usize = 23;
    /// Where the end of a slice is handled otherwise, once it counts those.
    pub const SLICE_END: usize = 24;
    /// The registers that a transfer brought.
    pub const RECEIVED: usize = 64;
    /// The registers that the reply brings; `v0` is the caller's name instead.
    pub const REPLY: usize = 128;
    /// The caller's name, as the kernel told it.
    pub const CALLER: usize = 192;
}

/// What a companion can be told to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Command {
    /// Nothing.
    Nothing = 1,
    /// Loads from an address: answers whether it got the word, and the word or the exception.
    Load,
    /// Stores a value to an address: answers likewise.
    Store,
    /// Jumps to an address: answers likewise.
    Jump,
    /// Executes an instruction: answers the exception's code.
    Execute,
    /// Makes a call with this number and these arguments: answers v0 and v1.
    Call,
    /// Binds its entries of protected control transfer to code that stores every register and
    /// replies: synchronously to a synchronous one, asynchronously to an asynchronous one.
    Serve,
    /// Pins a page, read-only or writable, at an address of its own.
    Pin,
    /// Takes a fault with no handler bound.
    NoHandler,
    /// Takes a TLB miss whose handler faults in the second segment: answers what the last resort saw.
    MissInMiss,
    /// Takes a fault in its last resort.
    LastResortFault,
    /// Takes a fault in the second segment twice, with `last_resort_done` between.
    LastResortTwice,
    /// Yields back at once whenever it gets the processor, until told to stop.
    Yield,
    /// The same, and plants an interrupt that ends the slice before: the arguments are how
    /// many ticks before, how many nops stand between, whether in every turn or every other,
    /// and whom it yields to.
    PlantAndYield,
    /// Computes with every register in use until told to stop; answers how often a register was
    /// not what it should be.
    Compute,
    /// Ignores the end of its slice.
    Overrun,
    /// Has no handler for the end of its slice.
    NoEnd,
    /// Yields to the environment named, and counts its turns, until told to stop.
    YieldTo,
    /// Counts the events of revocation (1), of repossession (2), or both (3) from here on.
    Listen,
    /// Stays on the processor for as many ticks as the argument says after the end of a slice.
    OverrunBy,
    /// Ends.
    Exit,
}

impl Command {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Nothing,
        Self::Load,
        Self::Store,
        Self::Jump,
        Self::Execute,
        Self::Call,
        Self::Serve,
        Self::Pin,
        Self::NoHandler,
        Self::MissInMiss,
        Self::LastResortFault,
        Self::LastResortTwice,
        Self::Yield,
        Self::PlantAndYield,
        Self::Compute,
        Self::Overrun,
        Self::NoEnd,
        Self::YieldTo,
        Self::Listen,
        Self::OverrunBy,
        Self::Exit,
    ];

    /// The command in a word.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|command| *command as u32 == word)
    }
}

/// Where a test maps the pages that it shares with its companions.
pub const SHARED: u32 = 0x0007_0000;
/// How many companions a test can have at once.
pub const MOST: u32 = 8;

/// A companion, from the test's side.
pub struct Companion {
    /// Taken by `drop` alone.
    child: Option<Child>,
    name: Name,
    data_page: u32,
    shared_page: Page,
    shared: u32,
}

impl Companion {
    /// Spawns one; `index`, below [`MOST`], tells those that live at once apart.
    ///
    /// # Errors
    /// When it cannot be spawned.
    pub fn spawn(index: u32) -> Result<Self, Failure> {
        let child = spawn::spawn("companion", &[])?;
        let shared = SHARED + index * PAGE_SIZE;
        let page = child.start_page;
        memory::pin(memory::myself(), shared, page.number, Mapping::WRITABLE, page.write)?;
        Ok(Self {
            name: child.name,
            data_page: child.data_page,
            shared_page: page,
            child: Some(child),
            shared,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> Name {
        self.name
    }

    /// A page of its own data.
    #[must_use]
    pub const fn data_page(&self) -> u32 {
        self.data_page
    }

    /// The page that it shares with this environment.
    #[must_use]
    pub const fn shared_page(&self) -> Page {
        self.shared_page
    }

    /// Address of a word of the shared page.
    #[must_use]
    pub const fn address(&self, index: usize) -> u32 {
        self.shared + 4 * index as u32
    }

    /// Reads a word of the shared page.
    #[must_use]
    pub fn get(&self, index: usize) -> u32 {
        peek(self.address(index))
    }

    /// Writes a word of the shared page.
    pub fn set(&self, index: usize, value: u32) {
        poke(self.address(index), value);
    }

    /// Answer `index` to the last command.
    #[must_use]
    pub fn answer(&self, index: usize) -> u32 {
        self.get(word::ANSWERS + index)
    }

    /// Writes a command without running the companion.
    pub fn post(&self, command: Command, arguments: &[u32]) {
        for (index, argument) in arguments.iter().enumerate() {
            self.set(word::ARGUMENTS + index, *argument);
        }
        self.set(word::STOP, 0);
        self.set(word::PROGRESS, 0);
        self.set(word::DONE, 0);
        self.set(word::COMMAND, command as u32);
    }

    /// Lends it the rest of the slice.
    ///
    /// # Errors
    /// When it is dead.
    pub fn run(&self) -> Result<(), Failure> {
        Ok(slice::yield_to(self.name)?)
    }

    /// Has a command carried out.
    ///
    /// # Errors
    /// When the companion does not finish it.
    pub fn command(&self, command: Command, arguments: &[u32]) -> Result<(), Failure> {
        self.post(command, arguments);
        // The end of a slice may come between.
        for _ in 0..10 {
            self.run()?;
            if self.get(word::DONE) != 0 {
                return Ok(());
            }
        }
        Err(Failure::new(format_args!("the companion does not finish {command:?}")))
    }

    /// Has a command carried out that must be the companion's end.
    ///
    /// # Errors
    /// When it survives.
    pub fn command_and_die(&self, command: Command, arguments: &[u32]) -> Result<(), Failure> {
        self.post(command, arguments);
        for _ in 0..10 {
            self.run()?;
            if !self.lives() {
                return Ok(());
            }
        }
        Err(Failure::new(format_args!("the companion survived {command:?}")))
    }

    /// Tells it to end what it does by itself, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(&self) -> Result<(), Failure> {
        self.set(word::STOP, 1);
        for _ in 0..100 {
            if self.get(word::DONE) != 0 {
                return Ok(());
            }
            self.run()?;
        }
        Err(Failure::new(format_args!("the companion does not stop")))
    }

    /// Whether it lives.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.child.as_ref().is_some_and(Child::lives)
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        let unpinned = memory::unpin(memory::myself(), self.shared);
        debug_assert!(unpinned.is_ok());
        if let Some(child) = self.child.take() {
            child.destroy();
        }
    }
}

/// A word of the shared page, from the companion's side.
#[must_use]
pub fn get(index: usize) -> u32 {
    peek(START_PAGE + 4 * index as u32)
}

/// Changes a word of the shared page, from the companion's side.
pub fn set(index: usize, value: u32) {
    poke(START_PAGE + 4 * index as u32, value);
}
