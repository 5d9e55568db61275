//! The pages of pipes: who made one owns it, and keeps it for as long as anybody can read or write, beyond its own end
//! if need be ([`crate::process`]).

use aegis_abi::layout::{ANY, Mapping};
use aegis_abi::{Capability, Name};

use super::{Ring, Share};
use crate::memory::{self, WINDOWS};
use crate::process::table::{self, get, state};
use crate::process::{self, hot};
use crate::vm::{VmError, map, pinned};
use crate::{call, slice};

/// A page for a pipe.
pub(super) fn new() -> Result<Share, VmError> {
    sweep();
    let share = map::new_shared(ANY)?;
    let [low, high] = share.read.words();
    let noted =
        pinned([share.page, low, high], |words| match hot().made.iter_mut().find(|place| place[0] == 0) {
            Some(place) => {
                *place = words;
                true
            }
            None => false,
        });
    if noted {
        Ok(share)
    } else {
        let _ = map::free_shared(share);
        Err(VmError::NoMemory)
    }
}

/// Nobody reads or writes any more: frees the page, or lets its maker go that has only waited for this.
pub(super) fn unused(page: u32) {
    let owner = Name(call::page_owner(page).unwrap_or(0));
    if owner == memory::myself() {
        pinned(page, |page| {
            if let Some(place) = hot().made.iter_mut().find(|place| place[0] == page) {
                *place = [0; 3];
                let _ = call::page_free(page);
            }
        });
        return;
    }
    let waits = |slot: &usize| {
        get!(*slot, name) == owner.0 && matches!(get!(*slot, state), state::ZOMBIE | state::LENDING)
    };
    if (0..table::used()).find(waits).is_some() {
        let _ = slice::yield_to(owner);
    }
}

/// Frees those of this process's that nobody uses any more.
fn sweep() {
    pinned((), |()| {
        for index in 0..process::MADE {
            let words = hot().made[index];
            if words[0] != 0 && !used(words) {
                hot().made[index] = [0; 3];
                let _ = call::page_free(words[0]);
            }
        }
    });
}

/// Whether anybody uses a pipe that this process has made.
pub(crate) fn in_use() -> bool {
    sweep();
    hot().made.iter().any(|place| place[0] != 0)
}

/// Whether any living process can read from a pipe, or write to it.
fn used([page, low, high]: [u32; 3]) -> bool {
    // Not one of those that stay open while signals may come.
    let address = WINDOWS[2];
    let read = Capability::from_words(low, high);
    if memory::pin(memory::myself(), address, page, Mapping::empty(), read).is_err() {
        return false;
    }
    let ring = Ring(address);
    let used = ring.is_open(true) || ring.is_open(false);
    let _ = memory::unpin(memory::myself(), address);
    used
}
