//! Processes (paper, section 6.1): programs with a table of them, parents, exit statuses and signals, all at user level.
//!
//! An environment of Aegis's becomes a process by a place in the [`table`] that all processes of a family share. Time
//! slices are handed out by one environment ([`crate::schedule`]), which yields to the processes directly; so a process
//! needs no slice of its own. Its own pages are charged to itself.
//!
//! - [`start`]: from the first instruction to `main`
//! - [`fork`]: a child that copies itself; pages are shared until they are written
//! - [`exec`]: another program in the same environment
//! - [`exit`] and [`wait`]: how a process ends, and who is told
//! - [`crate::signal`]: kill

use aegis_abi::layout::PAGE_SIZE;
use aegis_abi::{Capability, Error, Name};

use crate::layout::USER_AREA;
use crate::vm::Rights;
use crate::{call, memory, slice};

pub mod arguments;
pub mod exec;
pub(crate) mod exit;
mod fork;
mod list;
pub mod start;
pub mod table;

pub use arguments::{Arguments, argument, arguments, environment, set_environment};
pub use exec::{ExecError, exec};
pub use exit::{exit, has_ended_child, try_wait_for, wait, wait_for};
pub use fork::fork;
pub use list::{Process, State, processes};
pub use start::data_end;

use table::{MASK, PROCESSES, channel, get, head, set, state};

/// Why a process cannot be made or asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessError {
    /// No place in the table of processes, no environment, or no memory.
    Exhausted,
    /// There is no such process, or no child.
    NoProcess,
    /// A signal came first.
    Interrupted,
    /// Aegis refused.
    Refused(Error),
}

impl core::fmt::Display for ProcessError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exhausted => write!(f, "no memory, or no place for another process"),
            Self::NoProcess => write!(f, "there is no such process"),
            Self::Interrupted => write!(f, "interrupted by a signal"),
            Self::Refused(error) => write!(f, "Aegis refused: {error:?}"),
        }
    }
}

impl From<Error> for ProcessError {
    fn from(error: Error) -> Self {
        match error {
            Error::Exhausted => Self::Exhausted,
            error => Self::Refused(error),
        }
    }
}

/// How often a page can have been lent: pages of 64 MB.
const PAGES: usize = 16384;

/// Pipes that a process can have made and that are in use.
pub const MADE: usize = 76;

/// What outlives an exec, where handlers reach it from `$zero`; its layout is the same in all programs.
#[repr(C)]
pub(crate) struct Hot {
    /// The capabilities of this process's own pages.
    pub own: [[u32; 2]; 2],
    /// Its place in the table, plus one; zero in a bare program.
    pub place: u32,
    /// The capabilities of the table's pages, and the pages.
    pub table: [[u32; 2]; 2],
    pub table_pages: [u32; 4],
    /// The capability to read the page of the arguments, which may be another's.
    pub start_read: [u32; 2],
    /// Signals that an exec's new program ignores as the old one did, a bit each.
    pub ignored: u32,
    /// For a child that copies itself: how many pages the page table has.
    pub table_size: u32,
    /// Whether any bit of `lent` is set.
    pub lends: u32,
    /// Pages of its own that somebody borrows and that it does not use itself any more.
    pub lent: [u32; PAGES / 32],
    /// Pages for pipes that it has made and not freed: number and the capability to read, zero where there is none.
    pub made: [[u32; 3]; MADE],
    /// Pages that have been its own before, of the first 32 MB. Aegis clears the others.
    pub known: [u32; PAGES / 64],
}

const _: () = assert!(size_of::<Hot>() <= PAGE_SIZE as usize);

#[unsafe(link_section = ".bss.pinned.hot")]
#[unsafe(no_mangle)]
static mut EXOS_HOT: Hot = Hot {
    own: [[0; 2]; 2],
    place: 0,
    table: [[0; 2]; 2],
    table_pages: [0; 4],
    start_read: [0; 2],
    ignored: 0,
    table_size: 0,
    lends: 0,
    lent: [0; PAGES / 32],
    made: [[0; 3]; MADE],
    known: [0; PAGES / 64],
};

pub(crate) fn hot() -> &'static mut Hot {
    // SAFETY: from pinned operations and handlers, none of which keeps the reference.
    unsafe { &mut *&raw mut EXOS_HOT }
}

impl Hot {
    pub(crate) fn rights(&self) -> Rights {
        let [read, write] = self.own.map(|[low, high]| Capability::from_words(low, high));
        Rights { read, write }
    }

    pub(crate) fn set_rights(&mut self, rights: Rights) {
        self.own = [rights.read.words(), rights.write.words()];
    }

    pub(crate) fn table_rights(&self) -> Rights {
        let [read, write] = self.table.map(|[low, high]| Capability::from_words(low, high));
        Rights { read, write }
    }

    /// Whether a page was this process's before; it is from now on.
    pub(crate) fn know(&mut self, page: u32) -> bool {
        let Some(word) = self.known.get_mut(page as usize / 32) else { return true };
        let bit = 1 << (page % 32);
        core::mem::replace(word, *word | bit) & bit != 0
    }

    /// Keeps a page that is not used any more here for those who borrow it.
    pub(crate) fn lend(&mut self, page: u32) {
        if let Some(word) = self.lent.get_mut(page as usize / 32) {
            *word |= 1 << (page % 32);
            self.lends = 1;
        }
    }

    /// After a fork: the child has had no page yet, and lent none.
    pub(crate) fn forget_pages(&mut self) {
        self.known.fill(0);
        self.lent.fill(0);
        self.made.fill([0; 3]);
        self.lends = 0;
    }
}

/// Whether this program is a process, rather than a bare environment.
#[must_use]
pub fn is_process() -> bool {
    hot().place != 0
}

/// The place of this process in the table.
#[inline]
pub(crate) fn slot() -> usize {
    (hot().place as usize).wrapping_sub(1) % PROCESSES
}

/// The number of this process.
#[must_use]
pub fn id() -> u32 {
    // SAFETY: a word of this process's. Volatile: a signal's handler may have forked at any instruction, and returned in the child.
    let place = unsafe { (&raw const EXOS_HOT.place).read_volatile() };
    get!((place as usize).wrapping_sub(1), pid)
}

/// The number of its parent.
#[must_use]
pub fn parent_id() -> u32 {
    get!(get!(slot(), parent) as usize, pid)
}

/// What this process holds: what each pair of capabilities, to read and to write, is for.
pub fn capabilities() -> impl Iterator<Item = (&'static str, [Capability; 2])> {
    let pair = |rights: Rights| [rights.read, rights.write];
    let own = ("its own pages", pair(hot().rights()));
    let table = ("the table of processes", pair(hot().table_rights()));
    [own, table].into_iter().chain(crate::io::shares().map(|share| ("a pipe", [share.read, share.write])))
}

/// The environment of a process: to yield to it, or to call it.
#[must_use]
pub fn environment_of(pid: u32) -> Option<Name> {
    table::find(pid).filter(|slot| table::lives(*slot)).map(|slot| Name(get!(slot, name)))
}

/// Sets how much of the processor a process gets, in tickets, from 1 up.
///
/// # Errors
/// [`ProcessError::NoProcess`].
pub fn set_share(pid: u32, tickets: u32) -> Result<(), ProcessError> {
    let slot = table::find(pid).ok_or(ProcessError::NoProcess)?;
    set!(slot, share, tickets.max(1));
    table::tell_scheduler(slot);
    Ok(())
}

/// Whether somebody borrows pages of this process's.
pub(crate) fn somebody_borrows() -> bool {
    borrowed_from(slot())
}

/// Whether somebody borrows pages of the process at a place.
pub(crate) fn borrowed_from(lender: usize) -> bool {
    (0..table::used()).any(|slot| {
        slot != lender && get!(slot, lenders)[lender / 32] & 1 << (lender % 32) != 0 && table::lives(slot)
    })
}

/// This process borrows from nobody any more: lets those go on that have only waited for that, or free what they
/// kept.
pub(crate) fn borrow_no_more() {
    let lenders: [u32; MASK] = get!(slot(), lenders);
    set!(slot(), lenders, [0; MASK]);
    for lender in (0..table::used()).filter(|lender| lenders[lender / 32] & 1 << (lender % 32) != 0) {
        if get!(lender, state) == state::LENDING || get!(lender, state) == state::ZOMBIE {
            // It destroys itself when it finds that nobody borrows, and the slice comes back.
            let _ = slice::yield_to(Name(get!(lender, name)));
        }
    }
}

/// Waits until `done` says so, or a signal comes. Who makes it so must wake `channel` afterwards, in a critical section or
/// from another process.
///
/// # Errors
/// [`ProcessError::Interrupted`], after the signal has been handled.
pub(crate) fn wait_until(wanted: u32, mut done: impl FnMut() -> bool) -> Result<(), ProcessError> {
    loop {
        let mut before = 0;
        let waits = slice::critical(|| {
            before = crate::signal::handler_calls();
            if done() {
                return false;
            }
            if get!(slot(), attention) == 0 {
                set!(slot(), waits_for, wanted);
                set!(slot(), state, state::BLOCKED);
                match wanted {
                    channel::TIME => table::tell_time(get!(slot(), wake_at)),
                    channel::CONSOLE => head!(want_keys = table::with(head!(want_keys), slot())),
                    _ => {}
                }
            }
            true
        });
        if !waits {
            return Ok(());
        }
        give_way_blindly();
        goes_on();
        set!(slot(), waits_for, channel::NONE);
        crate::signal::attend();
        // Or a slice has ended since this one goes on, and the next has begun with the handler.
        if crate::signal::handler_calls() != before {
            return Err(ProcessError::Interrupted);
        }
    }
}

/// This process has waited and runs again: perhaps since somebody yielded to it, of which nobody has told the scheduler.
pub(crate) fn goes_on() {
    if get!(slot(), state) != state::READY {
        table::set_ready(slot());
    }
}

/// Gives the rest of the slice to whoever is next, and attends to what has come when this process runs again.
pub fn give_way() {
    give_way_blindly();
    if slice::is_asked() {
        crate::signal::attend();
    }
}

/// The same for those who attend to it themselves.
pub(crate) fn give_way_blindly() {
    // The scheduler, or, if that is gone, nobody in particular.
    if slice::yield_to(table::scheduler()).is_err() {
        let _ = slice::yield_to(Name::NOBODY);
    }
}

/// Gives the rest of the slice to a process's environment, and attends to what has come when this one runs again.
///
/// # Errors
/// [`ProcessError::NoProcess`] if it is gone.
#[inline(always)]
pub fn yield_to(who: Name) -> Result<(), ProcessError> {
    slice::yield_to(who).map_err(|_| ProcessError::NoProcess)?;
    if slice::is_asked() {
        crate::signal::attend();
    }
    Ok(())
}

/// Sleeps for so many microseconds.
///
/// # Errors
/// [`ProcessError::Interrupted`].
pub fn sleep(microseconds: u32) -> Result<(), ProcessError> {
    let end = call::microseconds().unwrap_or(0).wrapping_add(microseconds);
    set!(slot(), wake_at, end);
    wait_until(channel::TIME, || {
        let now = call::microseconds().unwrap_or(end);
        now.wrapping_sub(end).cast_signed() >= 0
    })
}

/// Pins the pages of the table of processes in an environment.
pub(crate) fn pin_table(who: Name, pages: &[u32; 4], write: Capability) -> Result<(), Error> {
    use aegis_abi::layout::Mapping;
    for (index, page) in pages.iter().enumerate() {
        let address = crate::layout::PROCESS_TABLE.start + index as u32 * PAGE_SIZE;
        memory::pin(who, address, *page, Mapping::WRITABLE, write)?;
    }
    Ok(())
}

/// Pages of the user area.
pub(crate) const USER_PAGES: core::ops::Range<u32> = USER_AREA.start / PAGE_SIZE..USER_AREA.end / PAGE_SIZE;
