//! Stride scheduling (Waldspurger and Weihl, 1995), the scheduler of the paper's Figure 3.
//!
//! Each client has a stride, inverse to its tickets, and a pass, which a quantum advances by the stride. Who has the
//! lowest pass is next. One that could not run joins again at the global pass: waiting saves up nothing.

use super::{CLIENTS, Clients, Policy};

/// The stride of one ticket.
const ONE: u32 = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Client {
    stride: u32,
    pass: u64,
    /// It has joined before.
    known: bool,
}

/// Hands out quanta in proportion to tickets, exactly.
#[derive(Clone, Debug)]
pub struct Stride {
    clients: [Client; CLIENTS],
    /// Those who were ready when the last quantum was given.
    joined: Clients,
    /// The pass of who was picked last: nobody that joins starts before it.
    global: u64,
}

impl Stride {
    /// Everybody has one ticket.
    #[must_use]
    pub const fn new() -> Self {
        let client = Client { stride: ONE, pass: 0, known: false };
        Self { clients: [client; CLIENTS], joined: Clients::new(), global: 0 }
    }
}

impl Default for Stride {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for Stride {
    fn pick(&mut self, ready: &Clients) -> Option<usize> {
        for index in ready.without(&self.joined).iter() {
            let client = &mut self.clients[index];
            // The first quantum comes at the end of the first stride.
            let first = if client.known { 0 } else { client.stride };
            client.pass = client.pass.max(self.global + u64::from(first));
            client.known = true;
        }
        self.joined = *ready;
        let best = ready.iter().min_by_key(|client| self.clients[*client].pass)?;
        self.global = self.global.max(self.clients[best].pass);
        Some(best)
    }

    fn charge(&mut self, client: usize) {
        if let Some(client) = self.clients.get_mut(client) {
            client.pass += u64::from(client.stride);
        }
    }

    fn set_share(&mut self, client: usize, tickets: u32) {
        if let Some(client) = self.clients.get_mut(client) {
            client.stride = (ONE / tickets.clamp(1, ONE)).max(1);
        }
    }
}
