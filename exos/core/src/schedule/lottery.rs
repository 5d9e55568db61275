//! Lottery scheduling (Waldspurger and Weihl, OSDI 1994): a ticket is drawn for each quantum. In the long run everybody gets its
//! share; in the short run chance decides, which is what stride scheduling does away with.

use super::{CLIENTS, Clients, Policy};

/// Draws tickets.
#[derive(Clone, Debug)]
pub struct Lottery {
    tickets: [u32; CLIENTS],
    state: u32,
}

impl Lottery {
    /// Everybody has one ticket; the same seed draws the same.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self { tickets: [1; CLIENTS], state: seed | 1 }
    }

    /// A number below `end`: xorshift.
    fn draw(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        (u64::from(self.state) * end) >> 32
    }
}

impl Policy for Lottery {
    fn pick(&mut self, ready: &Clients) -> Option<usize> {
        let total: u64 = ready.iter().map(|client| u64::from(self.tickets[client])).sum();
        let mut winner = if total == 0 { return None } else { self.draw(total) };
        ready.iter().find(|client| {
            let tickets = u64::from(self.tickets[*client]);
            let won = winner < tickets;
            winner = winner.saturating_sub(tickets);
            won
        })
    }

    fn charge(&mut self, _: usize) {}

    fn set_share(&mut self, client: usize, tickets: u32) {
        if let Some(place) = self.tickets.get_mut(client) {
            *place = tickets.max(1);
        }
    }
}
