//! The Am7990 LANCE Ethernet controller with the 128 KB of buffer memory it has on the KN02.
//!
//! The processor sees the buffer memory, and two 16-bit ports: RAP at +4 selects a register, RDP at
//! +0 is that register. The controller reaches nothing but the buffer memory, so its 24-bit
//! addresses are offsets into it (the high bits are not decoded) and no access of it can time out:
//! MERR is never set.
//!
//! | part | module |
//! |---|---|
//! | CSR0..CSR3 | this one |
//! | buffer memory, descriptors | [`memory`] |
//! | initialization block | [`init`] |
//! | transmitter: ring, chaining, errors, loopback | [`transmit`] |
//! | receiver: address filter, ring, chaining, errors | [`receive`] |
//!
//! Time: initialization takes 10 us. An idle transmitter looks at its ring every 1.6 ms, or at once
//! when TDMD is written. From there to the first bit, and from the last bit to the receive
//! descriptor, the `lance_latency` parameter passes; frames that follow one another are only the
//! wire's gap apart.
//! Simplified:
//! - A frame moves between memory and wire at one instant (its start when sent, its end when
//!   received): the silo never overflows (OFLO), and runs empty (UFLO) only together with BUFF, when a
//!   chain has no end. Nothing of such a chain reaches the wire.
//! - A chain's descriptors are handed back together, when the frame is out.
//! - STOP does not cut short a frame that is on the wire.
//! - Frames are whole bytes (no FRAM), collisions come within the cable's delay (no LCOL), and the
//!   time-domain reflectometer reads zero.
//! - The transceiver makes its collision test after every frame (no CERR), unless no cable is there.
//! - Loopback takes frames of any length, not only the 8 to 32 bytes that the silo holds.
//!
//! Source: AMD Am7990 Local Area Network Controller for Ethernet data sheet.

mod init;
mod memory;
mod receive;
mod transmit;

use std::collections::VecDeque;
use std::sync::Arc;

use init::{Configuration, Mode};
use memory::Memory;
use transmit::Transmitter;

use super::lane_read;
use crate::bus::{BusError, Cycles, Device, Width};
use crate::net::segment::{Station, Transmission, WireEvent};
use crate::net::time::{Clock, Nanos};

/// CSR0: BABL, CERR, MISS or MERR.
pub const ERR: u16 = 0x8000;
/// CSR0: the transmitter was on the wire for longer than the longest frame.
pub const BABL: u16 = 0x4000;
/// CSR0: the transceiver's collision test did not come.
pub const CERR: u16 = 0x2000;
/// CSR0: a frame came and no receive buffer was there.
pub const MISS: u16 = 0x1000;
/// CSR0: memory did not answer.
pub const MERR: u16 = 0x0800;
/// CSR0: receive interrupt.
pub const RINT: u16 = 0x0400;
/// CSR0: transmit interrupt.
pub const TINT: u16 = 0x0200;
/// CSR0: initialization done.
pub const IDON: u16 = 0x0100;
/// CSR0: any reason for an interrupt.
pub const INTR: u16 = 0x0080;
/// CSR0: interrupt enable.
pub const INEA: u16 = 0x0040;
/// CSR0: the receiver is on.
pub const RXON: u16 = 0x0020;
/// CSR0: the transmitter is on.
pub const TXON: u16 = 0x0010;
/// CSR0: look at the transmit ring now.
pub const TDMD: u16 = 0x0008;
/// CSR0: stopped; the only state in which CSR1..CSR3 are accessible.
pub const STOP: u16 = 0x0004;
/// CSR0: started.
pub const STRT: u16 = 0x0002;
/// CSR0: initialized.
pub const INIT: u16 = 0x0001;
/// CSR3: bytes swapped in data.
pub const BSWP: u16 = 0x0004;

/// Bits of CSR0 that writing a one clears.
const CLEARED_BY_ONES: u16 = BABL | CERR | MISS | MERR | RINT | TINT | IDON;
/// Bits of CSR0 that make INTR.
const REASONS: u16 = BABL | MISS | MERR | RINT | TINT | IDON;
const ERRORS: u16 = BABL | CERR | MISS | MERR;
/// Time that reading the initialization block takes: 12 words and the start of the microprogram.
const INIT_NS: Nanos = 10_000;
/// Interval at which an idle transmitter looks at its ring.
const POLL_NS: Nanos = 1_600_000;

/// Something that happens to the controller at a known cycle.
#[derive(Debug)]
enum Incoming {
    /// The frame at the wire is out, or given up.
    Sent { token: u64, collisions: u32, deferred: bool, delivered: bool },
    /// A frame is complete in the receiver.
    Received(Arc<[u8]>),
}

/// The controller.
#[derive(Debug)]
pub struct Lance {
    clock: Clock,
    latency: Nanos,
    /// Whether a cable is connected.
    carrier: bool,
    memory: Memory,
    rap: u16,
    csr0: u16,
    csr1: u16,
    csr2: u16,
    csr3: u16,
    configuration: Configuration,
    receive_index: u32,
    transmitter: Transmitter,
    init_done: Option<Cycles>,
    start_after_init: bool,
    incoming: VecDeque<(Cycles, Incoming)>,
    outbox: Vec<Transmission>,
}

impl Lance {
    /// A stopped controller whose frames take `latency` between memory and wire; `carrier` says
    /// whether a cable is connected.
    #[must_use]
    pub fn new(clock: Clock, latency: Nanos, carrier: bool) -> Lance {
        Lance {
            clock,
            latency,
            carrier,
            memory: Memory::new(),
            rap: 0,
            csr0: STOP,
            csr1: 0,
            csr2: 0,
            csr3: 0,
            configuration: Configuration::default(),
            receive_index: 0,
            transmitter: Transmitter::default(),
            init_done: None,
            start_after_init: false,
            incoming: VecDeque::new(),
            outbox: Vec::new(),
        }
    }

    /// Reads the buffer memory as the processor does.
    ///
    /// # Errors
    /// None in practice; the type is the bus's.
    pub fn read_memory(&self, offset: u32, width: Width) -> Result<u32, BusError> {
        Ok(self.memory.read(offset, width))
    }

    /// Writes the buffer memory as the processor does.
    ///
    /// # Errors
    /// None in practice; the type is the bus's.
    pub fn write_memory(&mut self, offset: u32, value: u32, width: Width) -> Result<(), BusError> {
        self.memory.write(offset, value, width);
        Ok(())
    }

    /// CSR0 as a read shows it.
    #[must_use]
    pub fn csr0(&self) -> u16 {
        let mut csr0 = self.csr0;
        if csr0 & REASONS != 0 {
            csr0 |= INTR;
        }
        if csr0 & ERRORS != 0 {
            csr0 |= ERR;
        }
        csr0
    }

    /// Whether something waits to be taken to the wire.
    #[must_use]
    pub fn has_transmissions(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn stopped(&self) -> bool {
        self.csr0 & STOP != 0
    }

    fn mode(&self) -> Mode {
        self.configuration.mode
    }

    fn read_register(&self) -> u16 {
        match self.rap & 3 {
            0 => self.csr0(),
            1 => self.csr1,
            2 => self.csr2,
            _ => self.csr3,
        }
    }

    fn write_register(&mut self, value: u16, now: Cycles) {
        match self.rap & 3 {
            0 => self.write_csr0(value, now),
            // The others answer to a stopped controller only.
            _ if !self.stopped() => {}
            1 => self.csr1 = value & !1,
            2 => self.csr2 = value & 0xff,
            _ => self.csr3 = value & 7,
        }
    }

    fn write_csr0(&mut self, value: u16, now: Cycles) {
        if value & STOP != 0 {
            self.stop();
            return;
        }
        self.csr0 &= !(value & CLEARED_BY_ONES);
        let was_stopped = self.stopped();
        if value & INIT != 0 && (was_stopped || self.csr0 & INIT == 0) {
            self.csr0 = self.csr0 & !STOP | INIT;
            self.init_done = Some(now + self.clock.cycles(INIT_NS));
        }
        if value & STRT != 0 && self.csr0 & STRT == 0 {
            self.csr0 = self.csr0 & !STOP | STRT;
            if self.init_done.is_some() {
                self.start_after_init = true;
            } else {
                self.start(now);
            }
        }
        if !self.stopped() {
            self.csr0 = self.csr0 & !INEA | value & INEA;
        }
        if value & TDMD != 0 && self.csr0 & TXON != 0 {
            self.poll_transmit_ring(now);
        }
    }

    /// STOP: everything ends, CSR0 shows nothing else, CSR3 is cleared.
    fn stop(&mut self) {
        self.csr0 = STOP;
        self.csr3 = 0;
        self.init_done = None;
        self.start_after_init = false;
        self.incoming.clear();
        self.outbox.clear();
        self.transmitter.stop();
    }

    fn initialize(&mut self, now: Cycles) {
        self.init_done = None;
        let block = u32::from(self.csr2) << 16 | u32::from(self.csr1);
        self.configuration = Configuration::read(&self.memory, block);
        self.receive_index = 0;
        self.transmitter.reset_ring();
        self.csr0 |= IDON;
        if std::mem::take(&mut self.start_after_init) {
            self.start(now);
        }
    }

    fn start(&mut self, now: Cycles) {
        let mode = self.mode();
        if !mode.contains(Mode::DISABLE_RECEIVER) {
            self.csr0 |= RXON;
        }
        if !mode.contains(Mode::DISABLE_TRANSMITTER) {
            self.csr0 |= TXON;
            self.poll_transmit_ring(now);
        }
    }

    /// Queues what happens at `at`, in order of time.
    fn schedule(&mut self, at: Cycles, what: Incoming) {
        let position = self.incoming.partition_point(|(cycle, _)| *cycle <= at);
        self.incoming.insert(position, (at, what));
    }

    fn handle(&mut self, at: Cycles, what: Incoming) {
        match what {
            Incoming::Sent { token, collisions, deferred, delivered } => {
                if let Some(frame) = self.transmitter.finish(token) {
                    self.sent(at, frame, collisions, deferred, delivered);
                }
            }
            Incoming::Received(frame) => self.receive(&frame),
        }
    }
}

impl Station for Lance {
    fn take_transmissions(&mut self, into: &mut Vec<Transmission>) {
        into.append(&mut self.outbox);
    }

    fn deliver(&mut self, event: WireEvent) {
        match event {
            WireEvent::Sent { at, token, collisions, deferred, delivered } => self
                .schedule(self.clock.cycles(at), Incoming::Sent { token, collisions, deferred, delivered }),
            WireEvent::Heard { at, frame } => {
                // The receiver listens from the preamble on; a stopped one does not.
                if self.csr0 & RXON != 0 && !self.mode().contains(Mode::INTERNAL) {
                    let at = self.clock.cycles(at + self.latency);
                    self.schedule(at, Incoming::Received(frame));
                }
            }
        }
    }
}

impl Device for Lance {
    fn name(&self) -> &'static str {
        "LANCE"
    }

    fn read(&mut self, offset: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        self.advance(now);
        let register = if offset & 4 == 0 { self.read_register() } else { self.rap };
        Ok(lane_read(u32::from(register), offset, width))
    }

    fn write(&mut self, offset: u32, value: u32, _width: Width, now: Cycles) -> Result<(), BusError> {
        self.advance(now);
        if offset & 2 != 0 {
            // The ports are 16 bits wide; the other half of the word is nowhere.
        } else if offset & 4 == 0 {
            self.write_register(value as u16, now);
        } else {
            self.rap = value as u16 & 3;
        }
        Ok(())
    }

    fn advance(&mut self, now: Cycles) {
        while let Some(at) = self.next_event() {
            if at > now {
                break;
            }
            if self.init_done == Some(at) {
                self.initialize(at);
            } else if let Some((cycle, what)) = self.incoming.pop_front_if(|(cycle, _)| *cycle <= at) {
                self.handle(cycle, what);
            } else {
                self.poll_transmit_ring(at);
            }
        }
    }

    fn interrupt(&self) -> bool {
        self.csr0 & INEA != 0 && self.csr0 & REASONS != 0
    }

    fn next_event(&self) -> Option<Cycles> {
        [self.init_done, self.incoming.front().map(|(cycle, _)| *cycle), self.transmitter.next_poll()]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests;
