//! The table of processes: a few pages that all processes of a family share.
//!
//! Aegis knows environments; processes are the library's. Whoever has the capability of the table may write it, so its
//! processes have to trust each other with it, as those of the paper's ExOS do; what Aegis protects (memory, slices,
//! capabilities) stays protected. A reader checks what it reads before it uses it as an index.

use aegis_abi::Name;

use crate::layout::PROCESS_TABLE;
use crate::slice;

/// Processes that there can be.
pub const PROCESSES: usize = 128;
/// Words of a mask with a bit for each.
pub const MASK: usize = PROCESSES / 32;
/// Signals that there are.
pub const SIGNALS: usize = 32;

/// What a process is doing.
pub mod state {
    /// The place is free.
    pub const FREE: u32 = 0;
    /// It is being made.
    pub const STARTING: u32 = 1;
    /// It can run.
    pub const READY: u32 = 2;
    /// It waits: see [`Entry::waits_for`](super::Entry::waits_for).
    pub const BLOCKED: u32 = 3;
    /// It has ended, and its parent has not asked yet.
    pub const ZOMBIE: u32 = 4;
    /// It has ended and been asked about; somebody borrows its pages still.
    pub const LENDING: u32 = 5;
}

/// What a process can wait for; anything else is a pipe, by its physical page.
pub mod channel {
    /// Nothing in particular.
    pub const NONE: u32 = 0;
    /// A child's end.
    pub const CHILD: u32 = 1;
    /// A key at the console.
    pub const CONSOLE: u32 = 2;
    /// A time.
    pub const TIME: u32 = 3;
    /// A signal.
    pub const SIGNAL: u32 = 4;
    /// Nothing: it serves calls, and its own state is not to be taken up again.
    pub const SERVER: u32 = 5;

    /// The wish to read from a pipe, or to write to it.
    #[must_use]
    pub const fn pipe(page: u32, write: bool) -> u32 {
        page << 4 | 8 | write as u32
    }
}

/// A process.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// See [`state`].
    pub state: u32,
    /// Its environment.
    pub name: u32,
    /// Its place, plus [`PROCESSES`] times how often the place was used before.
    pub pid: u32,
    /// The place of its parent.
    pub parent: u32,
    /// How it ended: an exit status, or 128 plus a signal.
    pub status: u32,
    /// How many had ended before it.
    pub died: u32,
    /// See [`channel`].
    pub waits_for: u32,
    /// Microseconds at which it wants to be woken, with [`channel::TIME`].
    pub wake_at: u32,
    /// Microseconds at which it wants a SIGALRM, if `alarm` is not zero.
    pub alarm_at: u32,
    /// See `alarm_at`.
    pub alarm: u32,
    /// Its share of the processor, in tickets.
    pub share: u32,
    /// Turns that it was given.
    pub turns: u32,
    /// How many it had been given when SIGKILL came.
    pub killed_at: u32,
    /// Not zero if somebody wants its attention.
    pub attention: u32,
    /// Signals that have come, one byte each: a store of a byte is atomic here, a read-modify-write of a word is not.
    pub pending: [u8; SIGNALS],
    /// Processes whose pages it borrows since it was forked.
    pub lenders: [u32; MASK],
    /// The name of its program, padded with zeroes.
    pub program: [u8; 16],
}

/// The table.
#[repr(C)]
pub struct Table {
    /// The environment that hands out time slices.
    pub scheduler: u32,
    /// No place from this one on has been used yet.
    pub used: u32,
    /// Not zero if a bit of `changed` is set.
    pub news: u32,
    /// Places that the scheduler has to look at, a bit each ([`tell_scheduler`]).
    pub changed: [u32; MASK],
    /// Microseconds at which the scheduler has to look at who waits for a time, if `timed` is not zero.
    pub due: u32,
    /// See `due`.
    pub timed: u32,
    /// How many processes have ended.
    pub deaths: u32,
    /// Places of those who wait for a key, a bit each; some may not any more.
    pub want_keys: [u32; MASK],
    /// A key that the scheduler has taken for whoever asks first: 256 more than its byte, or zero.
    pub key: u32,
    /// The processes.
    pub entries: [Entry; PROCESSES],
}

const _: () = assert!(size_of::<Table>() <= (PROCESS_TABLE.end - PROCESS_TABLE.start) as usize);

/// An entry, to be read and written a field at a time.
pub fn entry(slot: usize) -> *mut Entry {
    let table = PROCESS_TABLE.start as *mut Table;
    // SAFETY: a place inside the table, which is pinned there; nothing is read yet.
    unsafe { (&raw mut (*table).entries).cast::<Entry>().add(slot % PROCESSES) }
}

/// Reads a field of an entry.
macro_rules! get {
    ($slot:expr, $field:ident) => {{
        let entry = $crate::process::table::entry($slot);
        // SAFETY: the table is pinned; others write it, so it is read once.
        unsafe { (&raw const (*entry).$field).read_volatile() }
    }};
}

/// Writes a field of an entry.
macro_rules! set {
    ($slot:expr, $field:ident, $value:expr) => {{
        let value = $value;
        let entry = $crate::process::table::entry($slot);
        // SAFETY: the table is pinned and shared; what others make of it is theirs to check.
        unsafe { (&raw mut (*entry).$field).write_volatile(value) }
    }};
}
pub(crate) use {get, set};

/// Reads a field of the table itself, or writes it.
macro_rules! head {
    ($field:ident) => {{
        let table = $crate::layout::PROCESS_TABLE.start as *const $crate::process::table::Table;
        // SAFETY: the table is pinned; others write it, so it is read once.
        unsafe { (&raw const (*table).$field).read_volatile() }
    }};
    ($field:ident = $value:expr) => {{
        let value = $value;
        let table = $crate::layout::PROCESS_TABLE.start as *mut $crate::process::table::Table;
        // SAFETY: the table is pinned and shared.
        unsafe { (&raw mut (*table).$field).write_volatile(value) }
    }};
}
pub(crate) use head;

/// The environment that hands out time slices.
#[must_use]
pub fn scheduler() -> Name {
    Name(head!(scheduler))
}

/// No place from this one on has been used yet.
#[must_use]
pub fn used() -> usize {
    (head!(used) as usize).min(PROCESSES)
}

/// Lets the scheduler look at a place before its next turn: whether the process there can run, what its share is, whether nobody
/// else waits for its end. What has not changed it does not look at: its turns are not to cost more the more processes there are.
pub(crate) fn tell_scheduler(slot: usize) {
    slice::critical(|| {
        head!(changed = with(head!(changed), slot));
        head!(news = 1);
    });
}

/// A mask with the bit of a place set as well.
pub(crate) fn with(mut mask: [u32; MASK], slot: usize) -> [u32; MASK] {
    mask[slot / 32 % MASK] |= 1 << (slot % 32);
    mask
}

/// Lets the scheduler look, at a time, at who waits for one.
pub(crate) fn tell_time(microseconds: u32) {
    slice::critical(|| {
        let later = || microseconds.wrapping_sub(head!(due)).cast_signed() >= 0;
        if head!(timed) == 0 || !later() {
            head!(due = microseconds);
            head!(timed = 1);
        }
    });
}

/// Lets a process run. Both at once: it may be this one, whose slice ends before it has told, and which gets no other then.
pub(crate) fn set_ready(slot: usize) {
    slice::critical(|| {
        set!(slot, state, state::READY);
        tell_scheduler(slot);
    });
}

/// Whether a process lives: runs or could.
#[must_use]
pub fn lives(slot: usize) -> bool {
    matches!(get!(slot, state), state::STARTING | state::READY | state::BLOCKED)
}

/// The place of a living or ended process with this number.
#[must_use]
pub fn find(pid: u32) -> Option<usize> {
    let slot = pid as usize % PROCESSES;
    (get!(slot, state) != state::FREE && get!(slot, pid) == pid).then_some(slot)
}

/// How many processes have ended.
pub(crate) fn deaths() -> u32 {
    head!(deaths)
}

/// Notes that a process has ended, after all others that have. In a critical section.
pub(crate) fn set_ended(slot: usize, status: u32) {
    set!(slot, status, status);
    set!(slot, died, head!(deaths));
    head!(deaths = head!(deaths).wrapping_add(1));
    set!(slot, state, state::ZOMBIE);
    tell_scheduler(slot);
}

/// Takes a free place for a child of `parent`'s.
pub(crate) fn claim(parent: usize) -> Option<usize> {
    slice::critical(|| {
        let slot = (0..PROCESSES).find(|slot| get!(*slot, state) == state::FREE)?;
        if slot >= used() {
            head!(used = slot as u32 + 1);
        }
        set!(slot, state, state::STARTING);
        set!(slot, name, 0);
        set!(
            slot,
            pid,
            get!(slot, pid).wrapping_add(PROCESSES as u32) / PROCESSES as u32 * PROCESSES as u32
                + slot as u32
        );
        set!(slot, parent, parent as u32);
        set!(slot, status, 0);
        set!(slot, waits_for, channel::NONE);
        set!(slot, wake_at, 0);
        set!(slot, alarm_at, 0);
        set!(slot, alarm, 0);
        set!(slot, share, 1);
        set!(slot, turns, 0);
        set!(slot, killed_at, 0);
        set!(slot, attention, 0);
        set!(slot, pending, [0; SIGNALS]);
        set!(slot, lenders, [0; MASK]);
        set!(slot, program, [0; 16]);
        Some(slot)
    })
}

/// Lets those run who wait for `channel`. In a critical section, or the waker's condition may be missed.
pub(crate) fn wake(channel: u32) {
    for slot in 0..used() {
        if get!(slot, state) == state::BLOCKED && get!(slot, waits_for) == channel {
            set_ready(slot);
        }
    }
}

/// Lets one process run, whatever it waits for.
pub(crate) fn wake_one(slot: usize) {
    if get!(slot, state) == state::BLOCKED && get!(slot, waits_for) != channel::SERVER {
        set_ready(slot);
    }
}
