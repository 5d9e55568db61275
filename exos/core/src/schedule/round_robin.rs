//! Everybody in turn: what processes get if nobody asks for anything else.

use super::{CLIENTS, Policy};

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
    fn pick(&mut self, clients: usize, ready: &dyn Fn(usize) -> bool) -> Option<usize> {
        let clients = clients.min(CLIENTS);
        let behind = (self.last + 1).min(clients);
        let next = (behind..clients).chain(0..behind).find(|client| ready(*client))?;
        self.last = next;
        Some(next)
    }

    fn charge(&mut self, _: usize) {}

    fn set_share(&mut self, _: usize, _: u32) {}
}
