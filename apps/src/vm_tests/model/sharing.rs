//! Pages that have a capability of their own, and are mapped at several addresses at once.

use exos::abi::layout::ANY;
use exos::abi::{Capability, Error};
use exos::vm::map::{Share, free_shared, map_shared, new_shared, unmap};
use exos::vm::{Protection, VmError, protect};

use super::Outcome;
use super::state::{FAR, Model, NEAR, Page, protection};
use crate::model_says;
use crate::vm_tests::random::Random;
use crate::vm_tests::word;

/// Shared pages.
pub const SHARES: usize = 4;
/// Where one more is mapped, outside the model.
pub const GATE: u32 = 0x3800_0000;

const DENIED: VmError = VmError::Refused(Error::Denied);

impl Model {
    /// Maps a shared page somewhere, with enough rights or without.
    pub(super) fn map_shared(&mut self, random: &mut Random) -> Outcome {
        let (index, which) =
            (random.below((NEAR + FAR) as u32) as usize, random.below(SHARES as u32) as usize);
        let Some(share) = self.shares[which].0 else { return Ok(()) };
        let at = self.address(index);
        if self.pages[index].mapped() {
            let answer = map_shared(at, share, Protection::Read);
            model_says!(answer == Err(VmError::Taken), "what is taken is mapped again");
            return Ok(());
        }
        if random.once_in(4) {
            return without_rights(at, share);
        }
        let wanted = protection(random);
        model_says!(map_shared(at, share, wanted) == Ok(at), "a shared page is not mapped");
        self.pages[index] = Page { share: which + 1, touched: true, ..Page::new(0, wanted) };
        Ok(())
    }

    /// Frees a shared page that is mapped nowhere any more, and makes another one.
    pub(super) fn replace_share(&mut self, random: &mut Random) -> Outcome {
        let which = random.below(SHARES as u32) as usize;
        let Some(share) = self.shares[which].0 else { return Ok(()) };
        // What children have mapped they would lose.
        if !self.shares_known || self.beside.is_some() {
            return Ok(());
        }
        for index in 0..NEAR + FAR {
            if self.pages[index].share == which + 1 {
                model_says!(unmap(self.address(index), 4096).is_ok(), "a shared page is not unmapped");
                self.pages[index] = Page::NONE;
            }
        }
        model_says!(free_shared(share) == Ok(()), "a shared page is not freed");
        model_says!(matches!(free_shared(share), Err(VmError::Refused(_))), "a page is freed twice");
        self.shares[which] = (Some(fresh()?), 0);
        Ok(())
    }
}

/// A shared page that begins with zeroes: the kernel clears what was another's, not what was this process's.
pub(super) fn fresh() -> Result<Share, &'static str> {
    let new = new_shared(ANY).map_err(|_| "no shared page")?;
    let at = map_shared(0, new, Protection::ReadWrite).map_err(|_| "no room for a shared page")?;
    // SAFETY: mapped just now.
    unsafe {
        word(at, 0).write_volatile(0);
        word(at, 1023).write_volatile(0);
    }
    unmap(at, 4096).map_err(|_| "a shared page is not unmapped")?;
    Ok(new)
}

/// A page can be neither written nor read with less than its capability.
fn without_rights(at: u32, share: Share) -> Outcome {
    let read_only = Share { write: Capability::NONE, ..share };
    let nothing = Share { read: Capability::PUBLIC, write: Capability::PUBLIC, ..share };
    for (share, wanted) in [(read_only, Protection::ReadWrite), (nothing, Protection::Read)] {
        model_says!(map_shared(at, share, wanted) == Err(DENIED), "a page is mapped without the right to it");
        model_says!(exos::vm::is_dirty(at).is_none(), "what is refused leaves something");
    }
    model_says!(map_shared(at, read_only, Protection::Read) == Ok(at), "a page is not mapped to be read");
    model_says!(protect(at, 4096, Protection::ReadWrite) == Err(DENIED), "a page to be read can be written");
    // SAFETY: mapped, and readable still.
    unsafe { word(at, 0).read_volatile() };
    model_says!(unmap(at, 4096).is_ok(), "a shared page is not unmapped");
    Ok(())
}
