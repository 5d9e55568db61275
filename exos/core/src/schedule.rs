//! Who runs next (paper, section 7.3: extensible schedulers; Figure 3).
//!
//! A policy hands out quanta to clients, small numbers, of which some can run and some cannot at the moment.

mod clients;
mod lottery;
mod round_robin;
mod stride;

pub use clients::Clients;
pub use lottery::Lottery;
pub use round_robin::RoundRobin;
pub use stride::Stride;

/// Clients that there can be.
pub const CLIENTS: usize = 128;

/// A policy.
pub trait Policy {
    /// Chooses who gets the next quantum, among those that are `ready`.
    fn pick(&mut self, ready: &Clients) -> Option<usize>;

    /// A client has used a quantum, or had it and did not need all of it.
    fn charge(&mut self, client: usize);

    /// A client's share of the quanta, in tickets, at least one. It counts from its next quantum on.
    fn set_share(&mut self, client: usize, tickets: u32);
}

#[cfg(test)]
mod tests;
