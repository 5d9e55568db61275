//! The logs of several environments, put together to one: who ran when.

use core::fmt::{self, Write};

use super::upcalls::{MOST, kind, word};
use crate::testing::lab::peek;

/// Something that an environment has noted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When, in ticks since the log begins.
    pub at: u32,
    /// Whose note it is.
    pub who: char,
    /// What it notes ([`kind`]).
    pub kind: u32,
}

impl Event {
    const NONE: Self = Self { at: 0, who: ' ', kind: 0 };

    /// What it is called.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self.kind & 0xff {
            kind::START => "start of slice",
            kind::END => "end of slice",
            kind::LEAVE => "gives way",
            kind::ASKED => "asked",
            _ => "lost",
        }
    }

    /// Whether it notes this.
    #[must_use]
    pub const fn is(self, kind: u32) -> bool {
        self.kind & 0xff == kind
    }

    /// The number in it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.kind >> 8
    }
}

/// Events that one log can hold.
const ROOM: usize = 160;

/// What several environments have noted, in the order of time.
pub struct Log {
    /// When it begins, by the machine's counter.
    pub begin: u32,
    events: [Event; ROOM],
    count: usize,
}

impl Log {
    /// Puts the logs together that lie in pages at these addresses, from a moment on.
    #[must_use]
    pub fn gather(begin: u32, pages: &[(char, u32)]) -> Self {
        let mut log = Self { begin, events: [Event::NONE; ROOM], count: 0 };
        for (who, page) in pages {
            for index in 0..peek(page + 4 * word::COUNT as u32).min(MOST) {
                let entry = page + 4 * word::LOG as u32 + 8 * index;
                let at = peek(entry).wrapping_sub(begin);
                // What is earlier is from before.
                if at.cast_signed() >= 0 {
                    log.insert(Event { at, who: *who, kind: peek(entry + 4) });
                }
            }
        }
        log
    }

    fn insert(&mut self, event: Event) {
        let place = self.events().partition_point(|found| found.at <= event.at);
        if self.count < ROOM {
            self.events.copy_within(place..self.count, place + 1);
            self.events[place] = event;
            self.count += 1;
        }
    }

    /// The events, in the order of time.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events[..self.count]
    }

    /// The events of one kind of one environment.
    pub fn of(&self, who: char, kind: u32) -> impl Iterator<Item = Event> {
        self.events().iter().copied().filter(move |event| event.who == who && event.is(kind))
    }

    /// Who runs at a moment, in lower case if it should have given way.
    #[must_use]
    pub fn running(&self, at: u32) -> char {
        let before = &self.events()[..self.events().partition_point(|event| event.at <= at)];
        match before.last() {
            None => '?',
            Some(event) if event.is(kind::START) => event.who,
            Some(event) => event.who.to_ascii_lowercase(),
        }
    }

    /// Who runs, sampled in the middle of each of `columns` pieces of `width` ticks from a moment on.
    pub fn sampled(&self, from: u32, width: u32, columns: u32) -> impl Iterator<Item = char> {
        (0..columns).map(move |column| self.running(from + column * width + width / 2))
    }
}

/// A line of letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Letters {
    bytes: [u8; 100],
    length: usize,
}

impl Letters {
    /// None.
    pub const EMPTY: Self = Self { bytes: [b' '; 100], length: 0 };

    /// They.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("?")
    }
}

impl FromIterator<char> for Letters {
    fn from_iter<T: IntoIterator<Item = char>>(letters: T) -> Self {
        let mut line = Self::EMPTY;
        for letter in letters {
            // What does not fit is cut.
            let _ = line.write_char(letter);
        }
        line
    }
}

impl Write for Letters {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.length).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
