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

/// The environment that hands out time slices.
#[must_use]
pub fn scheduler() -> Name {
    let table = PROCESS_TABLE.start as *const Table;
    // SAFETY: as above.
    Name(unsafe { (&raw const (*table).scheduler).read_volatile() })
}

/// Says which environment hands out time slices.
pub(crate) fn set_scheduler(name: Name) {
    let table = PROCESS_TABLE.start as *mut Table;
    // SAFETY: as above.
    unsafe { (&raw mut (*table).scheduler).write_volatile(name.0) };
}

/// No place from this one on has been used yet.
#[must_use]
pub fn used() -> usize {
    let table = PROCESS_TABLE.start as *const Table;
    // SAFETY: as above.
    (unsafe { (&raw const (*table).used).read_volatile() } as usize).min(PROCESSES)
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

/// Takes a free place for a child of `parent`'s.
pub(crate) fn claim(parent: usize) -> Option<usize> {
    slice::critical(|| {
        let slot = (0..PROCESSES).find(|slot| get!(*slot, state) == state::FREE)?;
        if slot >= used() {
            let table = PROCESS_TABLE.start as *mut Table;
            // SAFETY: as above.
            unsafe { (&raw mut (*table).used).write_volatile(slot as u32 + 1) };
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
            set!(slot, state, state::READY);
        }
    }
}

/// Lets one process run, whatever it waits for.
pub(crate) fn wake_one(slot: usize) {
    if get!(slot, state) == state::BLOCKED && get!(slot, waits_for) != channel::SERVER {
        set!(slot, state, state::READY);
    }
}
