//! The first environment's side of its children: spawning, telling them what to do, reading what they noted.

use core::ops::Deref;

use apps::demonstration::log::Log;
use apps::demonstration::part::Part;
use apps::demonstration::upcalls::{self, MOST, kind, word};
use apps::testing::Failure;
use apps::testing::lab::peek;
use exos::abi::layout::SLICES;
use exos::abi::{Error, Name};
use exos::start::START_PAGE;
use exos::{call, slice};

use crate::child::{self, OWNED, READY, RUN, Run};

/// The letter of the first environment.
pub const FIRST: char = 'P';
/// Most children.
const MOST_CHILDREN: usize = 4;

/// A child.
pub struct Player {
    /// What it is called here.
    pub letter: char,
    part: Part,
}

impl Deref for Player {
    type Target = Part;

    fn deref(&self) -> &Part {
        &self.part
    }
}

impl Player {
    /// Tells it what to do.
    pub fn tell(&self, run: Run) {
        self.set(RUN, run as u32);
    }
}

/// All of them.
pub struct Cast {
    players: [Option<Player>; MOST_CHILDREN],
}

impl Cast {
    /// Nobody but the first.
    pub const fn new() -> Self {
        Self { players: [const { None }; MOST_CHILDREN] }
    }

    /// Spawns a child, which idles.
    pub fn join(&mut self, letter: char) -> Result<(), Failure> {
        let index = self.players.iter().take_while(|found| found.is_some()).count();
        let player = Player { letter, part: Part::spawn("slices", index as u32)? };
        player.run_until(READY, 1)?;
        self.players[index] = Some(player);
        Ok(())
    }

    /// The children.
    pub fn players(&self) -> impl Iterator<Item = &Player> {
        self.players.iter().flatten()
    }

    /// The child with this letter.
    pub fn player(&self, letter: char) -> Result<&Player, Failure> {
        let found = self.players().find(|player| player.letter == letter);
        found.ok_or_else(|| Failure::new(format_args!("there is no {letter}")))
    }

    /// Allocates a position and gives it to a child: what the two calls answered.
    pub fn give(&self, letter: char, position: u32) -> Result<[Result<u32, Error>; 2], Failure> {
        let allocated = call::slice_alloc(position);
        Ok([allocated, call::slice_give(position, self.player(letter)?.name().0)])
    }

    /// Tells all children the same.
    pub fn tell(&self, run: Run) {
        for player in self.players() {
            player.tell(run);
        }
    }

    /// Destroys all children.
    pub fn leave(&mut self) {
        for player in self.players.iter_mut().filter_map(Option::take) {
            player.part.destroy();
        }
    }

    /// Who owns each position of the vector, by letter; a dot for nobody. Aegis has no call that tells: whether a position
    /// is free shows in whether it can be allocated, and whose it is each environment finds out for itself.
    pub fn owners(&self) -> Result<[char; SLICES], Failure> {
        let mut owners = ['.'; SLICES];
        for (position, owner) in owners.iter_mut().enumerate() {
            match call::slice_alloc(position as u32) {
                Ok(_) => {
                    call::slice_free(position as u32)?;
                }
                Err(Error::Busy) => *owner = '?',
                Err(error) => return Err(error.into()),
            }
        }
        claim(&mut owners, FIRST, child::probe());
        for player in self.players().filter(|player| player.lives()) {
            player.tell(Run::Probe);
            player.run_until(RUN, Run::Idle as u32)?;
            claim(&mut owners, player.letter, [player.get(OWNED), player.get(OWNED + 1)]);
        }
        Ok(owners)
    }

    /// Waits for the first environment's next slice, and opens all logs there: when that slice began. It has just
    /// begun, and nobody else runs before it is over.
    pub fn open(&self) -> Result<u32, Failure> {
        upcalls::set(word::COUNT, 0);
        slice::yield_to(Name::NOBODY)?;
        for player in self.players() {
            player.set(word::COUNT, 0);
        }
        let begin = last_start(START_PAGE);
        begin.ok_or_else(|| Failure::new(format_args!("no start of a slice was noted")))
    }

    /// Computes until the first environment's slice has come again so many times, then closes the logs.
    pub fn record(&self, begin: u32, rounds: u32) -> Log {
        while starts(START_PAGE, begin) <= rounds {}
        let mut pages = [(FIRST, START_PAGE); MOST_CHILDREN + 1];
        for (place, player) in pages[1..].iter_mut().zip(self.players()) {
            *place = (player.letter, player.page);
        }
        let log = Log::gather(begin, &pages[..=self.players().count()]);
        self.tell(Run::Idle);
        for player in self.players() {
            player.set(word::COUNT, MOST);
        }
        upcalls::set(word::COUNT, MOST);
        log
    }
}

/// Writes an environment's letter where its bits are set; what two claim, or what was free, is marked.
fn claim(owners: &mut [char; SLICES], letter: char, bits: [u32; SLICES / 32]) {
    for (position, owner) in owners.iter_mut().enumerate() {
        if bits[position / 32] >> (position % 32) & 1 != 0 {
            *owner = if *owner == '?' { letter } else { '!' };
        }
    }
}

/// The times of the starts that a log has noted.
fn noted_starts(page: u32) -> impl Iterator<Item = u32> {
    let count = peek(page + 4 * word::COUNT as u32).min(MOST);
    let entry = move |index| page + 4 * word::LOG as u32 + 8 * index;
    (0..count)
        .filter(move |index| peek(entry(*index) + 4) == kind::START)
        .map(move |index| peek(entry(index)))
}

fn last_start(page: u32) -> Option<u32> {
    noted_starts(page).last()
}

/// Starts since a moment.
fn starts(page: u32, begin: u32) -> u32 {
    noted_starts(page).filter(|at| at.wrapping_sub(begin).cast_signed() >= 0).count() as u32
}
