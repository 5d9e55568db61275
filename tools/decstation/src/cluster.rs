//! Several machines on one Ethernet segment, in lockstep on modelled time.
//!
//! Every machine runs up to the same moment; then the segment decides what has been on the wire.
//! A step is shorter than a frame's preamble, so nothing that a machine does can matter to another
//! within the step, and the result does not depend on the order in which the machines run.

use crate::cpu::Stop;
use crate::machine::Machine;
use crate::net::segment::{LOCKSTEP, Segment, Station};
use crate::net::time::{Clock, Nanos};

/// Machines and the segment between them.
pub struct Cluster {
    /// The machines; their LANCEs are attached as shared stations.
    pub machines: Vec<Machine>,
    /// The segment.
    pub segment: Segment,
    now: Nanos,
    ended: Vec<bool>,
}

impl Cluster {
    /// Connects `machines` with `segment`.
    #[must_use]
    pub fn new(machines: Vec<Machine>, segment: Segment) -> Self {
        Cluster { ended: vec![false; machines.len()], machines, segment, now: 0 }
    }

    /// Modelled time since reset, nanoseconds.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Runs all machines until modelled time `until`, or until machine 0 stops or another one fails:
    /// its index and the reason. A machine that ends well stays on the wire, silent.
    pub fn run(&mut self, until: Nanos) -> Option<(usize, Stop)> {
        while self.now < until {
            let next = (self.now + LOCKSTEP).min(until);
            for (i, machine) in self.machines.iter_mut().enumerate() {
                if self.ended[i] {
                    continue;
                }
                let cycles = Clock::new(machine.params.clock_hz).cycles(next);
                match machine.run(cycles) {
                    Stop::Limit => {}
                    Stop::Exit(0) | Stop::Halt(_) if i > 0 => self.ended[i] = true,
                    other => return Some((i, other)),
                }
            }
            let mut stations: Vec<&mut dyn Station> =
                self.machines.iter_mut().map(|m| &mut m.cpu.board as &mut dyn Station).collect();
            self.segment.exchange(&mut stations, next);
            self.now = next;
        }
        None
    }

    /// A hash of all machines' states.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.machines.iter().fold(0, |h, m| h.rotate_left(7) ^ m.cpu.state_hash())
    }
}
