//! The receiver: which frames it takes, and how they get into the ring.

use super::init::Mode;
use super::memory::{ENP, ERR, STP};
use super::{BSWP, Lance, MISS, RINT, RXON};
use crate::net::crc;

/// RMD1: the check sequence is wrong.
const CRC: u16 = 0x0800;
/// RMD1: the frame needs a buffer that the controller does not own.
const BUFF: u16 = 0x0400;
/// Shorter frames are fragments of collisions and are not seen outside of loopback.
const SHORTEST: usize = 64;
/// The shortest frame that loopback can carry.
const SHORTEST_LOOPED: usize = 8;

impl Lance {
    /// Takes `frame`, check sequence included, if it is for this station.
    pub(super) fn receive(&mut self, frame: &[u8]) {
        let looped = self.mode().contains(Mode::LOOPBACK);
        // In loopback there is one check generator: without DTCR the transmitter has it, and the
        // receiver neither checks nor hashes.
        let checks = !looped || self.mode().contains(Mode::DISABLE_CRC);
        let shortest = if looped { SHORTEST_LOOPED } else { SHORTEST };
        let Some(destination) = frame.first_chunk::<6>() else {
            return;
        };
        if self.csr0 & RXON == 0 || frame.len() < shortest || !self.configuration.accepts(destination, checks)
        {
            return;
        }
        let status = if checks && !crc::is_good(frame) { ERR | CRC } else { 0 };
        self.store(frame, status);
    }

    /// Spreads `frame` over as many buffers as it needs.
    fn store(&mut self, frame: &[u8], status: u16) {
        let ring = self.configuration.receive;
        let swap = self.csr3 & BSWP != 0;
        let mut rest = frame;
        let mut start = STP;
        let mut descriptor = ring.descriptor(self.receive_index);
        if !descriptor.owned(&self.memory) {
            self.csr0 |= MISS;
            return;
        }
        loop {
            let (now, later) = rest.split_at(rest.len().min(descriptor.count(&self.memory)));
            let buffer = descriptor.buffer(&self.memory);
            self.memory.copy_in(buffer, now, swap);
            rest = later;
            self.receive_index = ring.next(self.receive_index);
            if rest.is_empty() {
                descriptor.set_last(&mut self.memory, frame.len() as u16 & 0x0fff);
                descriptor.release(&mut self.memory, start | ENP | status);
                break;
            }
            let next = ring.descriptor(self.receive_index);
            // A ring of one, or one that the frame has gone round, has no next buffer either.
            if next == descriptor || !next.owned(&self.memory) {
                descriptor.release(&mut self.memory, start | ERR | BUFF);
                break;
            }
            descriptor.release(&mut self.memory, start);
            start = 0;
            descriptor = next;
        }
        self.csr0 |= RINT;
    }
}
