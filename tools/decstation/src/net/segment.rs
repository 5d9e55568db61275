//! One 10 Mb/s Ethernet segment that joins LANCEs in modelled time (IEEE 802.3 clause 4, half
//! duplex).
//!
//! The machines run in lockstep: each is brought to the same instant of wire time, then
//! [`Segment::exchange`] collects what their controllers want to send and hands out what has been
//! decided. A decision about an instant is made only when every machine has passed it, and what
//! follows from it happens at least a preamble later; so with steps of at most [`LOCKSTEP`] no
//! machine ever hears of something in its past, and the result does not depend on the order in
//! which the machines are run.
//!
//! Modelled: preamble, frame and inter-frame gap times, deferral, collisions within the cable's
//! delay, jam, truncated binary exponential backoff with a seeded generator, sixteen attempts.
//! Simplified: every pair of stations is the same delay apart, the medium delivers every bit, and
//! a collision's fragments are not delivered (a controller discards them as runts).

use std::sync::Arc;

use super::pcap::Capture;
use super::time::Nanos;

/// One bit on the wire.
pub const BIT: Nanos = 100;
/// Preamble and start-of-frame delimiter: 64 bits.
pub const PREAMBLE: Nanos = 64 * BIT;
/// Gap that every station leaves after the carrier drops: 96 bits.
pub const GAP: Nanos = 96 * BIT;
/// The unit of backoff: 512 bits.
pub const SLOT: Nanos = 512 * BIT;
/// What is on the wire in a collision: the preamble and 32 bits of jam.
pub const COLLISION: Nanos = PREAMBLE + 32 * BIT;
/// Attempts after which a controller gives a frame up.
pub const ATTEMPTS: u32 = 16;
/// The longest step between exchanges that keeps every effect in the future: a preamble, less the
/// default propagation delay and a microsecond for the instruction that a machine may be in.
pub const LOCKSTEP: Nanos = PREAMBLE - PROPAGATION - 1_000;
/// Default one-way delay between two stations: about 70 m of thin cable with its transceivers.
pub const PROPAGATION: Nanos = 400;

/// Time that `bytes` bytes, check sequence included, take on the wire, preamble not included.
#[must_use]
pub const fn frame_time(bytes: usize) -> Nanos {
    bytes as Nanos * 8 * BIT
}

/// What a controller wants to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmission {
    /// When the controller is ready to begin.
    pub ready: Nanos,
    /// The frame from destination address to check sequence.
    pub frame: Arc<[u8]>,
    /// Attempts before the controller gives up: [`ATTEMPTS`], or 1 with retry disabled.
    pub attempts: u32,
    /// The controller's mark, handed back with the outcome.
    pub token: u64,
}

/// What the segment tells a controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireEvent {
    /// The transmission marked `token` ended at `at`.
    Sent {
        /// When the last bit, or the last jam, was out.
        at: Nanos,
        /// The mark of the transmission.
        token: u64,
        /// Collisions that the frame met.
        collisions: u32,
        /// Whether the first attempt waited for another station's carrier.
        deferred: bool,
        /// Whether the frame went out; false after the last attempt collided.
        delivered: bool,
    },
    /// A frame of another station ended at `at`.
    Heard {
        /// When the last bit arrived.
        at: Nanos,
        /// The frame from destination address to check sequence.
        frame: Arc<[u8]>,
    },
}

impl WireEvent {
    /// When the event takes place.
    #[must_use]
    pub const fn at(&self) -> Nanos {
        match self {
            WireEvent::Sent { at, .. } | WireEvent::Heard { at, .. } => *at,
        }
    }
}

/// A controller on the segment.
pub trait Station {
    /// Moves what the controller wants to send to the end of `into`.
    fn take_transmissions(&mut self, into: &mut Vec<Transmission>);
    /// Hands the controller something that happens at `event.at()`.
    fn deliver(&mut self, event: WireEvent);
}

/// A transmission that is not over.
#[derive(Debug)]
struct Pending {
    station: usize,
    sequence: u64,
    ready: Nanos,
    collisions: u32,
    deferred: bool,
    transmission: Transmission,
}

/// Counts of what happened on a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SegmentCounts {
    /// Frames that went out whole.
    pub frames: u64,
    /// Bytes of those frames, check sequences included.
    pub bytes: u64,
    /// Collisions.
    pub collisions: u64,
    /// Frames given up after their last attempt.
    pub abandoned: u64,
}

/// The medium.
#[derive(Debug)]
pub struct Segment {
    propagation: Nanos,
    random: u64,
    pending: Vec<Pending>,
    sequence: u64,
    /// When the carrier last dropped, and whose it was if it was one station's.
    idle_since: Option<(Nanos, Option<usize>)>,
    capture: Option<Capture>,
    counts: SegmentCounts,
    scratch: Vec<Transmission>,
}

impl Segment {
    /// A silent segment; `seed` drives the backoff.
    #[must_use]
    pub fn new(seed: u64) -> Segment {
        Segment {
            propagation: PROPAGATION,
            random: seed ^ 0x9e37_79b9_7f4a_7c15,
            pending: Vec::new(),
            sequence: 0,
            idle_since: None,
            capture: None,
            counts: SegmentCounts::default(),
            scratch: Vec::new(),
        }
    }

    /// Records every frame from now on.
    pub fn set_capture(&mut self, capture: Capture) {
        self.capture = Some(capture);
    }

    /// The capture, if there is one.
    #[must_use]
    pub fn capture(&self) -> Option<&Capture> {
        self.capture.as_ref()
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> SegmentCounts {
        self.counts
    }

    /// Whether nothing waits to be sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes what the stations want to send, decides everything that is certain when all of them
    /// have reached `until`, and hands out the outcomes.
    pub fn exchange(&mut self, stations: &mut [&mut dyn Station], until: Nanos) {
        for (index, station) in stations.iter_mut().enumerate() {
            station.take_transmissions(&mut self.scratch);
            for transmission in self.scratch.drain(..) {
                self.pending.push(Pending {
                    station: index,
                    sequence: self.sequence,
                    ready: transmission.ready,
                    collisions: 0,
                    deferred: false,
                    transmission,
                });
                self.sequence += 1;
            }
        }
        while let Some(first) = self.next_start() {
            let heard_by_all = first.saturating_add(self.propagation);
            // With one station nobody else can begin, whatever the time is.
            if heard_by_all > until && stations.len() > 1 {
                break;
            }
            self.attempt(stations, first, heard_by_all);
        }
    }

    /// When `pending` may begin, and whether it has to wait for another station's carrier.
    fn start_of(&self, pending: &Pending) -> (Nanos, bool) {
        match self.idle_since {
            Some((idle, owner)) if pending.ready < idle + GAP => (idle + GAP, owner != Some(pending.station)),
            _ => (pending.ready, false),
        }
    }

    fn next_start(&self) -> Option<Nanos> {
        self.pending.iter().map(|p| self.start_of(p).0).min()
    }

    /// Lets everybody begin who begins before hearing the first.
    fn attempt(&mut self, stations: &mut [&mut dyn Station], first: Nanos, heard: Nanos) {
        let mut starters = Vec::new();
        let mut waiting = Vec::new();
        for mut pending in std::mem::take(&mut self.pending) {
            let (start, waits) = self.start_of(&pending);
            if start <= heard {
                pending.deferred |= waits && pending.collisions == 0;
                starters.push((start, pending));
            } else {
                waiting.push(pending);
            }
        }
        self.pending = waiting;
        // A controller has one transmission at a time; a second one of its own follows it.
        starters.sort_by_key(|(start, pending)| (*start, pending.station, pending.sequence));
        let (now, later) = split_by_station(starters);
        self.pending.extend(later);
        match now.len() {
            0 => {}
            1 => {
                for (_, pending) in now {
                    self.deliver(stations, first, pending);
                }
            }
            _ => self.collide(stations, now),
        }
    }

    fn deliver(&mut self, stations: &mut [&mut dyn Station], start: Nanos, pending: Pending) {
        let frame = pending.transmission.frame;
        let end = start + PREAMBLE + frame_time(frame.len());
        self.idle_since = Some((end, Some(pending.station)));
        self.counts.frames += 1;
        self.counts.bytes += frame.len() as u64;
        if let Some(capture) = &mut self.capture {
            capture.record(start, &frame);
        }
        for (index, station) in stations.iter_mut().enumerate() {
            if index == pending.station {
                station.deliver(WireEvent::Sent {
                    at: end,
                    token: pending.transmission.token,
                    collisions: pending.collisions,
                    deferred: pending.deferred,
                    delivered: true,
                });
            } else {
                station.deliver(WireEvent::Heard { at: end + self.propagation, frame: Arc::clone(&frame) });
            }
        }
    }

    fn collide(&mut self, stations: &mut [&mut dyn Station], starters: Vec<(Nanos, Pending)>) {
        let last = starters.iter().map(|(start, _)| *start).max();
        let end = last.unwrap_or_default() + self.propagation + COLLISION;
        self.idle_since = Some((end, None));
        self.counts.collisions += 1;
        for (_, mut pending) in starters {
            pending.collisions += 1;
            if pending.collisions >= pending.transmission.attempts {
                self.counts.abandoned += 1;
                if let Some(station) = stations.get_mut(pending.station) {
                    station.deliver(WireEvent::Sent {
                        at: end,
                        token: pending.transmission.token,
                        collisions: pending.collisions,
                        deferred: pending.deferred,
                        delivered: false,
                    });
                }
                continue;
            }
            let slots = self.draw() & ((1 << pending.collisions.min(10)) - 1);
            pending.ready = end + slots * SLOT;
            self.pending.push(pending);
        }
    }

    /// The next number of the backoff's generator (splitmix64).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// The first transmission of each station, and the rest, which wait.
fn split_by_station(sorted: Vec<(Nanos, Pending)>) -> (Vec<(Nanos, Pending)>, Vec<Pending>) {
    let mut now: Vec<(Nanos, Pending)> = Vec::new();
    let mut later = Vec::new();
    for (start, pending) in sorted {
        if now.iter().any(|(_, other)| other.station == pending.station) {
            later.push(pending);
        } else {
            now.push((start, pending));
        }
    }
    (now, later)
}

#[cfg(test)]
#[path = "tests_segment.rs"]
mod tests;
