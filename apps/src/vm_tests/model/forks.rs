//! Children: all of the model is theirs too, and what they make of it their own.

use exos::println;
use exos::process::{self, fork};

use super::sharing::GATE;
use super::state::Model;
use super::{Outcome, operation};
use crate::model_says;
use crate::vm_tests::random::Random;
use crate::vm_tests::word;

/// Operations of a child's own.
const STEPS: u32 = 40;

impl Model {
    /// A child that verifies, writes all of it over and goes on for a while. Only its shared pages are seen here.
    pub(super) fn fork_and_wait(&mut self, random: &mut Random) -> Outcome {
        if !self.shares_known || self.beside.is_some() {
            return Ok(());
        }
        let salt = random.word();
        let child = fork().map_err(|_| "no child")?;
        if child == 0 {
            let done = self.verify().and_then(|()| self.write_over(salt, true));
            self.shares_known = false;
            leave(done.and_then(|()| self.live(salt)));
        }
        model_says!(process::wait_for(child) == Ok(0), "a child sees something else");
        for share in 0..self.shares.len() {
            if self.pages.iter().any(|page| page.share == share + 1) {
                self.shares[share].1 = Self::of_share(salt, share);
            }
        }
        self.verify()
    }

    /// A child that waits, while this process changes its own memory, and then finds all as it was.
    pub(super) fn fork_beside(&mut self, random: &mut Random) -> Outcome {
        if self.beside.is_some() {
            return if random.once_in(2) { self.end_beside() } else { Ok(()) };
        }
        if !self.shares_known {
            return Ok(());
        }
        let salt = random.word();
        set_gate(0);
        let child = fork().map_err(|_| "no child")?;
        if child == 0 {
            self.shares_known = false;
            // SAFETY: mapped there in the beginning, and shared with the parent.
            while unsafe { word(GATE, 0).read_volatile() } == 0 {
                process::give_way();
            }
            let done = self.verify();
            leave(done.and_then(|()| self.write_over(salt, false)).and_then(|()| self.live(salt)));
        }
        self.beside = Some(child);
        Ok(())
    }

    /// Lets the child that waits go on, and waits for it.
    pub(super) fn end_beside(&mut self) -> Outcome {
        let Some(child) = self.beside.take() else { return Ok(()) };
        set_gate(1);
        model_says!(process::wait_for(child) == Ok(0), "a child that waited sees something else");
        self.verify()
    }

    /// Some operations of a child's own.
    fn live(&mut self, seed: u32) -> Outcome {
        let mut random = Random::new(seed);
        (0..STEPS).try_for_each(|_| operation(self, &mut random))?;
        self.verify()
    }
}

/// Keeps the child that waits from going on, or lets it.
fn set_gate(open: u32) {
    // SAFETY: mapped there in the beginning.
    unsafe { word(GATE, 0).write_volatile(open) };
}

/// Ends a child.
fn leave(done: Outcome) -> ! {
    if let Err(text) = done {
        println!("child: {text}");
    }
    process::exit(u32::from(done.is_err()))
}
