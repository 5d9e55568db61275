//! What parent and child tell each other, by words of the page that they share.

use apps::demonstration::upcalls::word;
use exos::abi::environment::REPOSSESSIONS;

/// Pages of data that the child has.
pub const DATA: usize = 6;
/// How often it uses each: its own affair, of which no kernel knows.
pub const USES: [u32; DATA] = [9, 2, 7, 1, 8, 5];
/// Pages that it has pinned.
pub const PINNED: usize = 10;
/// Pages that are lent to it to save contents to.
pub const STORES: usize = 2;
/// Positions in the vector of slices that it can keep in mind.
pub const POSITIONS: usize = 3;

/// What to do ([`Command`]); the child makes it zero when it is done.
pub const COMMAND: usize = word::FREE;
/// Whether it gives back what it is asked for.
pub const WILLING: usize = COMMAND + 1;
/// Turns that it has had.
pub const TURNS: usize = WILLING + 1;
/// What its environment's page said in its last turn: pages wanted, slices wanted, the deadline.
pub const WISH: usize = TURNS + 1;
/// Units that it has given back, and the first of them.
pub const GIVEN: usize = WISH + 3;
/// See [`GIVEN`].
pub const GIVEN_WHICH: usize = GIVEN + 1;
/// The repossession vector, as it found it when it was told last: pages that could not be taken, how many
/// resources, and three words for each.
pub const EMERGENCY: usize = GIVEN_WHICH + 4;
/// See [`EMERGENCY`].
pub const LOST: usize = EMERGENCY + 1;
/// See [`EMERGENCY`].
pub const LOST_WHICH: usize = LOST + 1;
/// A store: its number, and the capability to write it in two words.
pub const STORE: usize = LOST_WHICH + 3 * REPOSSESSIONS;
/// The numbers of its pages of data.
pub const PAGE: usize = STORE + 3 * STORES;
/// How often it has used each.
pub const USED: usize = PAGE + DATA;
/// What it found when it looked at each last ([`found`]).
pub const FOUND: usize = USED + DATA;
/// The numbers of its pinned pages.
pub const PIN: usize = FOUND + DATA;
/// The positions that it has been given.
pub const POSITION: usize = PIN + PINNED;

const _: () = assert!(POSITION + POSITIONS <= word::LOG);

/// What the child finds in a page.
pub mod found {
    /// What it has written.
    pub const WHOLE: u32 = 1;
    /// Something else.
    pub const DAMAGED: u32 = 2;
    /// It misses, and the kernel refuses to bind it: bits 31..8 are the error's number.
    pub const REFUSED: u32 = 3;
}

/// What the child can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Command {
    /// Allocate and fill all pages.
    Furnish = 1,
    /// Look whether the pages of data hold what was written.
    Look,
    /// Load the repossession vector with the stores.
    Load,
    /// Allocate pages for those that were taken and saved, and read the contents back.
    ReadBack,
}

impl Command {
    /// The command in a word.
    pub fn from_word(word: u32) -> Option<Self> {
        [Self::Furnish, Self::Look, Self::Load, Self::ReadBack]
            .into_iter()
            .find(|found| *found as u32 == word)
    }
}

/// What the child writes at an offset of a page of data.
pub const fn contents(page: usize, offset: u32) -> u32 {
    (page as u32 + 1) * 0x0101_0000 + offset
}
