//! How a process ends, and who is told (paper, section 6.1).

use aegis_abi::{Error, Name};

use super::table::{self, PROCESSES, SIGNALS, channel, get, set, state};
use super::{ProcessError, borrow_no_more, borrowed_from, slot, somebody_borrows, wait_until};
use crate::pipe::made;
use crate::vm::{pinned, vm};
use crate::{call, io, memory, rpc, signal, slice};

/// Ends this process. Its parent learns the status.
pub fn exit(status: u32) -> ! {
    if !super::is_process() {
        crate::start::exit(status);
    }
    // SAFETY: single-threaded.
    let again = unsafe { core::mem::replace(&mut *&raw mut EXITING, true) };
    if !again {
        io::close_all();
    }
    // From here on it may not touch what it has borrowed: its stack, say.
    leave(status, if again { Left::Open } else { Left::Tidy })
}

/// What a process that ends has left behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Its files are closed.
    Tidy,
    /// They are not, whoever waits for them has to find out by itself.
    Open,
    /// Nor may its own memory be looked at: it was interrupted anywhere.
    HalfDone,
}

/// Set when a process has begun to end. What it closes then may be gone, with whoever has made it: that fault is to end it
/// at last, and not to begin anew.
#[unsafe(link_section = ".bss.pinned")]
static mut EXITING: bool = false;

/// Whether this process has begun to end.
pub(crate) fn is_exiting() -> bool {
    // SAFETY: single-threaded.
    unsafe { (&raw const EXITING).read_volatile() }
}

/// Ends this process before it knows its files: nobody has closed them.
pub(super) fn fail_to_start() -> ! {
    leave(127, Left::Open)
}

fn leave(status: u32, left: Left) -> ! {
    pinned((status, left), |(status, left)| -> () { end(status, left) });
    unreachable!("a process that has ended does not go on")
}

/// Ends this process wherever it was interrupted. On the handlers' stack.
pub(crate) fn end_at_once(status: u32) -> ! {
    destroy_half_made(slot());
    end(status, Left::HalfDone)
}

/// The end, on the handlers' stack.
fn end(status: u32, left: Left) -> ! {
    let me = slot();
    slice::critical(|| {
        if !table::lives(me) {
            return; // SIGKILL has come into the end itself
        }
        for child in 0..table::used() {
            if get!(child, state) != state::FREE && get!(child, parent) == me as u32 && child != me {
                // The scheduler takes orphans in.
                set!(child, parent, 0);
                table::tell_scheduler(child);
            }
        }
        table::set_ended(me, status);
        // That it has heard of SIGKILL, if there was one.
        set!(me, attention, 0);
        set!(me, pending, [0; SIGNALS]);
        let parent = get!(me, parent) as usize % PROCESSES;
        signal::post(parent, signal::SIGCHLD);
        table::wake_one(parent);
        if left != Left::Tidy {
            (0..table::used()).for_each(table::wake_one);
        }
    });
    rpc::close();
    borrow_no_more();
    if somebody_borrows() && left != Left::HalfDone {
        // What has come into being since the last fork nobody borrows.
        vm().free_unshared();
    }
    loop {
        slice::critical(|| {
            if somebody_borrows() || made::in_use() {
                return;
            }
            if get!(me, state) == state::LENDING {
                set!(me, state, state::FREE);
            }
            let _ = call::environment_destroy(memory::myself().0);
        });
        super::give_way_blindly();
    }
}

/// Waits for any child to end; tells its number and its status. Of several it is the one that ended first.
///
/// # Errors
/// [`ProcessError::NoProcess`] if there is no child; [`ProcessError::Interrupted`].
pub fn wait() -> Result<(u32, u32), ProcessError> {
    wait_for_some(None)
}

/// Waits for a child; tells its status.
///
/// # Errors
/// As [`wait`].
pub fn wait_for(pid: u32) -> Result<u32, ProcessError> {
    wait_for_some(Some(pid)).map(|(_, status)| status)
}

/// The same without waiting: `None` while the child goes on.
///
/// # Errors
/// [`ProcessError::NoProcess`].
pub fn try_wait_for(pid: u32) -> Result<Option<u32>, ProcessError> {
    match ended(Some(pid)) {
        Some(child) => Ok(Some(reap(child).1)),
        None if has_children(Some(pid)) => Ok(None),
        None => Err(ProcessError::NoProcess),
    }
}

fn wait_for_some(pid: Option<u32>) -> Result<(u32, u32), ProcessError> {
    loop {
        if let Some(child) = ended(pid) {
            return Ok(reap(child));
        }
        if !has_children(pid) {
            return Err(ProcessError::NoProcess);
        }
        wait_until(channel::CHILD, || ended(pid).is_some())?;
    }
}

/// This process's children, or the one with this number: their places.
fn children(pid: Option<u32>) -> impl Iterator<Item = usize> {
    let me = slot();
    (0..table::used()).filter(move |child| {
        let there =
            matches!(get!(*child, state), state::STARTING | state::READY | state::BLOCKED | state::ZOMBIE);
        there
            && *child != me
            && get!(*child, parent) == me as u32
            && pid.is_none_or(|pid| get!(*child, pid) == pid)
    })
}

fn has_children(pid: Option<u32>) -> bool {
    children(pid).next().is_some()
}

/// One of them that has ended: the first that did.
fn ended(pid: Option<u32>) -> Option<usize> {
    let deaths = table::deaths();
    children(pid)
        .filter(|child| get!(*child, state) == state::ZOMBIE)
        .max_by_key(|child| deaths.wrapping_sub(get!(*child, died)))
}

/// Whether a child has ended that nobody has waited for yet.
#[must_use]
pub fn has_ended_child() -> bool {
    ended(None).is_some()
}

/// Forgets a child that has ended; tells its number and its status.
pub(crate) fn reap(child: usize) -> (u32, u32) {
    let result = (get!(child, pid), get!(child, status));
    destroy_half_made(child);
    let name = Name(get!(child, name));
    let deaf = signal::is_pending(child, signal::SIGKILL);
    if deaf && call::environment_destroy(name.0).is_ok() {
        set!(child, state, state::FREE);
    } else if lives(name) {
        // It may be lending, or not have come to its end yet: it finds that nobody waits for it any more.
        set!(child, state, state::LENDING);
        let _ = slice::yield_to(name);
    } else {
        set!(child, state, state::FREE);
    }
    // A child that has ended borrows no more.
    pinned((), |()| vm().free_lent());
    result
}

/// Destroys what a process was making by a fork when it was destroyed itself. For Aegis that is now the child of whoever
/// waits for the dead one.
fn destroy_half_made(dead: usize) {
    let half_made =
        |child: &usize| get!(*child, state) == state::STARTING && get!(*child, parent) == dead as u32;
    for child in (0..table::used()).filter(half_made) {
        match call::environment_destroy(get!(child, name)) {
            Ok(_) | Err(Error::NoEnvironment) => set!(child, state, state::FREE),
            // An orphan's: it is given turns, and ends when it misses something.
            Err(_) => {
                set!(child, parent, 0);
                table::set_ready(child);
            }
        }
    }
}

/// Whether an environment lives.
pub(crate) fn lives(name: Name) -> bool {
    // Binding an event that does not exist names the environment and does nothing.
    call::bind(name.0, u32::MAX, 0) != Err(Error::NoEnvironment)
}

/// Notes that an environment is gone whose process never said that it ended: it was destroyed.
pub(crate) fn bury(dead: usize) {
    slice::critical(|| {
        if !table::lives(dead) {
            if get!(dead, state) == state::LENDING {
                set!(dead, state, state::FREE);
            }
            return;
        }
        for child in 0..table::used() {
            // One that is half made is left to `destroy_half_made`.
            let made = !matches!(get!(child, state), state::FREE | state::STARTING);
            if made && get!(child, parent) == dead as u32 {
                set!(child, parent, 0);
                table::tell_scheduler(child);
            }
        }
        table::set_ended(dead, 128 + signal::SIGKILL);
        set!(dead, lenders, [0; table::MASK]);
        let parent = get!(dead, parent) as usize % PROCESSES;
        signal::post(parent, signal::SIGCHLD);
        // Who reads from it or writes to it must find out that it is gone.
        for slot in 0..table::used() {
            table::wake_one(slot);
        }
    });
    for lender in (0..table::used()).filter(|lender| get!(*lender, state) == state::LENDING) {
        if !borrowed_from(lender) {
            let _ = slice::yield_to(Name(get!(lender, name)));
        }
    }
}
