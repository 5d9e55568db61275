//! Pages that are given up, to a backing store or because nothing was written to them, and come back when they are touched:
//! no page's contents, protection or dirty bit may notice.

use exos::vm::pages::held;
use exos::vm::swap::{Store, give_up, set_store, traffic};

use super::Outcome;
use super::state::Model;
use crate::model_says;
use crate::vm_tests::random::Random;

impl Model {
    /// Chooses a backing store, if there is to be one.
    pub(super) fn start_swapping(&mut self, store: Option<Store>) -> Outcome {
        self.swaps = store.is_some();
        match store {
            Some(store) => set_store(store).map_err(|_| "no backing store"),
            None => Ok(()),
        }
    }

    /// Gives pages up.
    pub(super) fn give_up(&mut self, random: &mut Random) -> Outcome {
        let (before, free) = (traffic(), held());
        let given = give_up(1 + random.below(24));
        let now = traffic();
        let gone = now.out - before.out + now.forgotten - before.forgotten;
        model_says!(gone == given && now.lost == 0, "other pages have gone than were given up");
        // What children had borrowed may have gone, too; and some of what this looks at has come back.
        model_says!(held() <= free - given + 8, "pages that were given up are still held");
        Ok(())
    }
}
