//! The last events, for the report of a kernel trap. Only slow paths write it.

use spin::Mutex;

use crate::report;

const LENGTH: usize = 16;

/// Something that happened: what, to whom, with what.
type Event = (&'static str, u32, u32);

static HISTORY: Mutex<([Event; LENGTH], usize)> = Mutex::new(([("", 0, 0); LENGTH], 0));

/// Notes an event.
pub fn note(what: &'static str, who: u32, with: u32) {
    let mut history = HISTORY.lock();
    let (events, next) = &mut *history;
    events[*next % LENGTH] = (what, who, with);
    *next += 1;
}

/// Prints them, oldest first. A trap may have come at any time, so it takes no lock for granted.
pub fn print() {
    let Some(history) = HISTORY.try_lock() else { return };
    let (events, next) = &*history;
    report!("  history (event, environment, detail), oldest first:");
    for index in next.saturating_sub(LENGTH)..*next {
        let (what, who, with) = events[index % LENGTH];
        report!("    {what:<14} {who:08x} {with:08x}");
    }
}
