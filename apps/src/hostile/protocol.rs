//! What the supervisor, the watcher and the hostile program tell each other: words of the page that
//! each shares with the supervisor.

use exos::abi::Call;
use exos::abi::calls::Fact;
use exos::abi::error::Error;
use exos::call;
use exos::start::START_PAGE;

/// What a hostile program does, or that a bystander is the watcher: the first word that it is given.
pub mod role {
    /// Random calls.
    pub const CALLS: u32 = 0;
    /// Random instructions.
    pub const INSTRUCTIONS: u32 = 1;
    /// Keeps a slice that is over by handing it on to fresh children.
    pub const OVERRUN: u32 = 2;
    /// Yields just before each tick, so that the next one's slice would be over at once.
    pub const SLIVER: u32 = 3;
    /// Lends what is not its to lend, once its slice is over.
    pub const LEND: u32 = 4;
    /// Transfers to an environment that shares its address-space id.
    pub const ALIAS: u32 = 5;
    /// Watches over its memory, registers and mappings.
    pub const WATCHER: u32 = 16;
}

/// What a program is to do: one of [`role`].
pub const ROLE: usize = 0;
/// The seed of its random numbers.
pub const SEED: usize = 1;
/// How many calls, or pages of instructions, it is to try.
pub const WANTED: usize = 2;
/// Name of the supervisor.
pub const SUPERVISOR: usize = 3;
/// Name of the watcher.
pub const WATCHER: usize = 4;

/// How far the program is: calls made, passes over its memory.
pub const PROGRESS: usize = 16;
/// Not zero when it has done all that it was to do.
pub const FINISHED: usize = 17;
/// Not zero when something was not as it must be: which check, in its program's words.
pub const FAULT: usize = 18;
/// More about [`FAULT`].
pub const DETAIL: usize = 19;
/// Foreign system calls that were delivered back to it.
pub const DELIVERED: usize = 20;
/// The watcher: passes in which a slice ended under it.
pub const PREEMPTED: usize = 21;

/// The watcher's pages: how many, then their numbers.
pub const PAGES: usize = 32;
/// How many pages the watcher watches.
pub const PAGE_COUNT: usize = 8;

/// The counts of what calls answered, [`OUTCOMES`] for each row: a row for each call of the table, then
/// [`TRANSFER_ROW`] and [`FOREIGN_ROW`].
pub const TABLE: usize = 64;
/// Success, and every error.
pub const OUTCOMES: usize = 1 + Error::ALL.len();
/// The row of protected control transfers.
pub const TRANSFER_ROW: usize = Call::ALL.len();
/// The row of system calls that are not Aegis's; success is that the exception came.
pub const FOREIGN_ROW: usize = TRANSFER_ROW + 1;
/// Rows of the table.
pub const ROWS: usize = FOREIGN_ROW + 1;

const _: () = assert!(TABLE + ROWS * OUTCOMES <= exos::spawn::START_WORDS);

/// Whether the command line says `quick`: to leave out what GXemul does not survive.
pub fn quick() -> bool {
    call::machine(Fact::Quick as u32) == Ok(1)
}

/// A word of the page that the spawner shares with this program.
pub fn get(index: usize) -> u32 {
    // SAFETY: the spawner maps the page there for as long as the program lives.
    unsafe { (START_PAGE as *const u32).add(index).read_volatile() }
}

/// Changes a word of that page.
pub fn set(index: usize, value: u32) {
    // SAFETY: as in `get`; no reference to the page exists.
    unsafe { (START_PAGE as *mut u32).add(index).write_volatile(value) };
}

/// Notes that something is wrong; the first note stays.
pub fn fault(check: u32, detail: u32) {
    if get(FAULT) == 0 {
        set(DETAIL, detail);
        set(FAULT, check);
    }
}
