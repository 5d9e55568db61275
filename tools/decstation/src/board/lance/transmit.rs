//! The transmitter: how frames leave the ring, and what is said about them afterwards.

use super::init::Mode;
use super::memory::{Descriptor, ENP, ERR, STP};
use super::{BABL, BSWP, CERR, Incoming, Lance, POLL_NS, TINT, TXON};
use crate::bus::Cycles;
use crate::net::crc;
use crate::net::segment::{ATTEMPTS, COLLISION, PREAMBLE, Transmission, frame_time};

/// TMD1: more than one retry.
const MORE: u16 = 0x1000;
/// TMD1: one retry.
const ONE: u16 = 0x0800;
/// TMD1: had to wait for the carrier to drop.
const DEF: u16 = 0x0400;
/// TMD3: the next buffer of the frame was not there.
const BUFF: u16 = 0x8000;
/// TMD3: the silo ran empty.
const UFLO: u16 = 0x4000;
/// TMD3: the carrier was lost.
const LCAR: u16 = 0x0800;
/// TMD3: every attempt collided.
const RTRY: u16 = 0x0400;
/// The longest frame, check sequence included, that is not a babble.
const LONGEST: usize = 1518;

/// A frame that is between memory and wire.
#[derive(Debug)]
pub struct Frame {
    token: u64,
    descriptors: Vec<Descriptor>,
    bytes: Vec<u8>,
}

/// State of the transmitter.
#[derive(Debug, Default)]
pub struct Transmitter {
    index: u32,
    token: u64,
    current: Option<Frame>,
    poll_at: Option<Cycles>,
}

impl Transmitter {
    /// Forgets the frame under way.
    pub fn stop(&mut self) {
        self.current = None;
        self.poll_at = None;
    }

    /// Goes back to the ring's first descriptor.
    pub fn reset_ring(&mut self) {
        self.index = 0;
    }

    /// When the ring is looked at next.
    pub fn next_poll(&self) -> Option<Cycles> {
        self.poll_at
    }

    /// The frame marked `token`, which is done; none if it has been stopped meanwhile.
    pub fn finish(&mut self, token: u64) -> Option<Frame> {
        self.current.take_if(|frame| frame.token == token)
    }
}

impl Lance {
    /// Looks at the transmit ring, unless a frame is under way, and begins what it finds.
    pub(super) fn poll_transmit_ring(&mut self, now: Cycles) {
        self.look(now, false);
    }

    /// The same; `follows` is set when a frame has just ended and the controller, which has read
    /// ahead, is ready for the next at once.
    fn look(&mut self, now: Cycles, follows: bool) {
        if self.transmitter.current.is_some() || self.csr0 & TXON == 0 {
            return;
        }
        self.transmitter.poll_at = Some(now + self.clock.cycles(POLL_NS));
        let ring = self.configuration.transmit;
        for _ in 0..ring.entries() {
            let descriptor = ring.descriptor(self.transmitter.index);
            let status = descriptor.status(&self.memory);
            if !descriptor.owned(&self.memory) {
                return;
            }
            if status & STP != 0 {
                self.begin(now, follows);
                return;
            }
            // The rest of a frame that was given up: handed back unused.
            descriptor.release(&mut self.memory, status);
            self.transmitter.index = ring.next(self.transmitter.index);
        }
    }

    /// Gathers the frame at the ring's current place and sends it.
    fn begin(&mut self, now: Cycles, follows: bool) {
        let ring = self.configuration.transmit;
        let swap = self.csr3 & BSWP != 0;
        let mut bytes = Vec::new();
        let mut descriptors: Vec<Descriptor> = Vec::new();
        loop {
            let descriptor = ring.descriptor(self.transmitter.index);
            if !descriptor.owned(&self.memory) || descriptors.contains(&descriptor) {
                self.missing_buffer(&descriptors);
                return;
            }
            let status = descriptor.status(&self.memory);
            let buffer = descriptor.buffer(&self.memory);
            let count = descriptor.count(&self.memory);
            self.memory.copy_out(buffer, count, swap, &mut bytes);
            descriptors.push(descriptor);
            self.transmitter.index = ring.next(self.transmitter.index);
            if status & ENP != 0 {
                break;
            }
        }
        if !self.mode().contains(Mode::DISABLE_CRC) {
            crc::append_fcs(&mut bytes);
        }
        self.transmitter.token += 1;
        self.transmitter.poll_at = None;
        let frame = Frame { token: self.transmitter.token, descriptors, bytes };
        self.send(now, follows, frame);
    }

    /// Puts the frame on its way: to the wire, or back, or nowhere.
    fn send(&mut self, now: Cycles, follows: bool, frame: Frame) {
        let latency = if follows { 0 } else { self.latency };
        let ready = self.clock.nanos(now) + latency;
        let end = ready + PREAMBLE + frame_time(frame.bytes.len());
        let mode = self.mode();
        let attempts = if mode.contains(Mode::DISABLE_RETRY) { 1 } else { ATTEMPTS };
        let token = frame.token;
        if mode.contains(Mode::INTERNAL) || !self.carrier {
            let collides = mode.contains(Mode::INTERNAL) && mode.contains(Mode::FORCE_COLLISION);
            let (end, collisions) =
                if collides { (ready + u64::from(attempts) * COLLISION, attempts) } else { (end, 0) };
            self.schedule(
                self.clock.cycles(end),
                Incoming::Sent { token, collisions, deferred: false, delivered: !collides },
            );
        } else {
            self.outbox.push(Transmission { ready, frame: frame.bytes.as_slice().into(), attempts, token });
        }
        self.transmitter.current = Some(frame);
    }

    /// A chain without an end: the frame is spoilt and the transmitter turns itself off.
    fn missing_buffer(&mut self, descriptors: &[Descriptor]) {
        if let Some((last, rest)) = descriptors.split_last() {
            for descriptor in rest {
                let status = descriptor.status(&self.memory);
                descriptor.release(&mut self.memory, status);
            }
            let status = last.status(&self.memory) & (STP | ENP);
            last.set_last(&mut self.memory, BUFF | UFLO);
            last.release(&mut self.memory, status | ERR);
        }
        self.csr0 = self.csr0 & !TXON | TINT;
        self.transmitter.poll_at = None;
    }

    /// The frame is out, or given up.
    pub(super) fn sent(
        &mut self,
        now: Cycles,
        frame: Frame,
        collisions: u32,
        deferred: bool,
        delivered: bool,
    ) {
        let internal = self.mode().contains(Mode::INTERNAL);
        let mut status = match collisions {
            0 => 0,
            1 => ONE,
            _ => MORE,
        };
        if deferred {
            status |= DEF;
        }
        let mut last = 0;
        if !delivered {
            last |= RTRY;
            status &= !(ONE | MORE);
        }
        if !self.carrier && !internal {
            last |= LCAR;
            // Without a transceiver nothing answers with the collision test either.
            self.csr0 |= CERR;
        }
        if last != 0 {
            status |= ERR;
        }
        let count = frame.descriptors.len();
        for (descriptor, index) in frame.descriptors.iter().zip(1..) {
            let own = descriptor.status(&self.memory) & (STP | ENP);
            if index == count {
                descriptor.set_last(&mut self.memory, last);
                descriptor.release(&mut self.memory, own | status);
            } else {
                descriptor.release(&mut self.memory, own);
            }
        }
        if frame.bytes.len() > LONGEST {
            self.csr0 |= BABL;
        }
        self.csr0 |= TINT;
        if delivered && self.mode().contains(Mode::LOOPBACK) && (internal || self.carrier) {
            let at = now + self.clock.cycles(self.latency);
            self.schedule(at, Incoming::Received(frame.bytes.into()));
        }
        self.look(now, true);
    }
}
