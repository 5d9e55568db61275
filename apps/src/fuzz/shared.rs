//! What the supervisor and the three that make calls share: a page of counts for each of the three, and
//! the board, on which all write what they have come by.

use exos::abi::layout::{ANY, Mapping, PAGE_SIZE};
use exos::abi::{Call, Capability, Error, Name};
use exos::memory::{self, Page};
use exos::start::START_PAGE;

/// How many make calls.
pub const WORKERS: usize = 3;

/// Where one of the three finds its page of counts; it stays the same page when it is spawned again.
pub const STATS: u32 = 0x3000;
/// Where they find the board.
pub const BOARD: u32 = 0x4000;
/// Where the supervisor has the pages of counts, then the board.
pub const SHARED: u32 = 0x0007_0000;
/// Where the supervisor has the board.
pub const SUPERVISORS_BOARD: u32 = SHARED + WORKERS as u32 * PAGE_SIZE;

/// Words of a page of counts.
pub mod stats {
    /// Calls made.
    pub const PROGRESS: usize = 0;
    /// Not zero when something was not as it must be: which check, in the words of `touch::wrong`.
    pub const FAULT: usize = 2;
    /// More about it.
    pub const DETAIL: usize = 3;
    /// Not zero when it is about to end by what it does.
    pub const LEAVING: usize = 4;
    /// What calls answered: [`OUTCOMES`](super::OUTCOMES) words for each row.
    pub const TABLE: usize = 16;
    /// Entries for `tlb_write_range`.
    pub const ENTRIES: usize = 512;
}

/// Words of the board.
pub mod board {
    /// Not zero when all is done.
    pub const STOP: usize = 0;
    /// The supervisor's name.
    pub const SUPERVISOR: usize = 1;
    /// Capabilities that all know.
    pub const CAPABILITIES: usize = 8;
    /// How many.
    pub const CAPABILITY_COUNT: usize = 4;
    /// Pages that somebody has allocated.
    pub const PAGES: core::ops::Range<usize> = 32..160;
    /// Environments that somebody has created.
    pub const NAMES: core::ops::Range<usize> = 160..224;
    /// Positions that somebody has allocated.
    pub const SLICES: core::ops::Range<usize> = 224..256;
    /// Environments that answer transfers, one of each of the three.
    pub const ECHOES: usize = 256;
    /// The three themselves.
    pub const THREE: usize = 260;
}

/// Words that one of the three is started with.
pub mod start {
    /// Which of the three it is.
    pub const SLOT: usize = 0;
    /// The seed of its random numbers.
    pub const SEED: usize = 1;
    /// The page of the code that answers transfers, and a capability to read it.
    pub const ECHO: usize = 2;
    /// Its page of counts, and a capability to read it.
    pub const STATS: usize = 5;
    /// How many pages its program has.
    pub const COUNT: usize = 8;
    /// Those: number and capability of each, in three words.
    pub const PAGES: usize = 9;
}

/// The row of protected control transfers, behind those of the table of calls.
pub const TRANSFER_ROW: usize = Call::ALL.len();
/// The row of system calls that are not Aegis's; success is that the exception came.
pub const FOREIGN_ROW: usize = TRANSFER_ROW + 1;
/// Rows.
pub const ROWS: usize = FOREIGN_ROW + 1;
/// Success, and every error.
pub const OUTCOMES: usize = 1 + Error::ALL.len();

const _: () = assert!(stats::TABLE + ROWS * OUTCOMES <= stats::ENTRIES);

/// A page of words.
#[derive(Clone, Copy)]
pub struct Words(pub u32);

impl Words {
    /// One's own page of counts.
    pub const STATS: Self = Self(STATS);
    /// The board, for the three.
    pub const BOARD: Self = Self(BOARD);
    /// What one is started with.
    pub const START: Self = Self(START_PAGE);

    /// A word.
    pub fn get(self, index: usize) -> u32 {
        // SAFETY: the supervisor maps the page there for as long as anybody reads it.
        unsafe { (self.0 as *const u32).add(index).read_volatile() }
    }

    /// Changes a word.
    pub fn set(self, index: usize, value: u32) {
        // SAFETY: as in `get`; no reference to the page exists.
        unsafe { (self.0 as *mut u32).add(index).write_volatile(value) };
    }

    /// Counts a word up.
    pub fn bump(self, index: usize) {
        self.set(index, self.get(index) + 1);
    }

    /// A capability in two words.
    pub fn capability(self, index: usize) -> Capability {
        Capability::from_words(self.get(index), self.get(index + 1))
    }

    /// Writes a page's number and a capability.
    pub fn set_page(self, index: usize, number: u32, capability: Capability) {
        self.set(index, number);
        for (word, value) in capability.words().into_iter().enumerate() {
            self.set(index + 1 + word, value);
        }
    }
}

/// The place of an outcome in a page of counts.
pub fn place(row: usize, error: Option<Error>) -> usize {
    let outcome = error.and_then(|error| Error::ALL.iter().position(|other| *other == error));
    stats::TABLE + row * OUTCOMES + outcome.map_or(0, |index| index + 1)
}

/// Notes that something is wrong; the first note stays.
pub fn fault(check: u32, detail: u32) {
    let words = Words::STATS;
    if words.get(stats::FAULT) == 0 {
        words.set(stats::DETAIL, detail);
        words.set(stats::FAULT, check);
    }
}

/// Allocates a page and maps it at an address of this environment's.
pub fn page_at(address: u32) -> Result<Page, Error> {
    let page = Page::allocate(ANY)?;
    memory::pin(memory::myself(), address, page.number, Mapping::WRITABLE, page.write)?;
    for word in 0..PAGE_SIZE as usize / 4 {
        Words(address).set(word, 0);
    }
    Ok(page)
}

/// The names on the board of the three or of their echoes.
pub fn names(at: usize) -> [Name; WORKERS] {
    core::array::from_fn(|slot| Name(Words::BOARD.get(at + slot)))
}
