//! Everybody in turn: what processes get if nobody asks for anything else.

use super::{Clients, Policy};

/// Everybody in turn, whatever their shares.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    last: usize,
}

impl RoundRobin {
    /// Before the first.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: 0 }
    }
}

impl Policy for RoundRobin {
    fn pick(&mut self, ready: &Clients) -> Option<usize> {
        let next = ready.first_from(self.last + 1).or_else(|| ready.first_from(0))?;
        self.last = next;
        Some(next)
    }

    fn charge(&mut self, _: usize) {}

    fn set_share(&mut self, _: usize, _: u32) {}
}
