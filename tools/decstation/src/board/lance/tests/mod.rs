//! The LANCE against its data sheet: registers, rings, loopback, the wire.

mod loopback;
mod receive;
mod registers;
mod rules;
mod transmit;
mod two;

use super::*;
use crate::net::segment::{Segment, frame_time};
use crate::net::{crc, segment};

/// Cycles in a microsecond at 25 MHz.
const US: Cycles = 25;
const STATION: [u8; 6] = [0x08, 0x00, 0x2b, 0x11, 0x22, 0x33];
const PEER: [u8; 6] = [0x08, 0x00, 0x2b, 0x44, 0x55, 0x66];

/// Where the tests put things in buffer memory.
const INIT_BLOCK: u32 = 0x100;
const RX_RING: u32 = 0x200;
const TX_RING: u32 = 0x300;
const RX_BUFFERS: u32 = 0x1000;
const TX_BUFFERS: u32 = 0x9000;

/// A driver in the smallest form.
struct Driver {
    lance: Lance,
    now: Cycles,
}

struct Setup {
    mode: u16,
    filter: [u16; 4],
    rx_log: u16,
    tx_log: u16,
    rx_size: u16,
    latency: Nanos,
    carrier: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { mode: 0, filter: [0; 4], rx_log: 2, tx_log: 2, rx_size: 1536, latency: 0, carrier: true }
    }
}

impl Driver {
    /// A controller that has been initialized and started with interrupts on.
    fn started(setup: &Setup) -> Driver {
        let mut driver = Driver::initialized(setup);
        driver.csr(0, STRT | INEA);
        driver
    }

    fn initialized(setup: &Setup) -> Driver {
        let mut driver =
            Driver { lance: Lance::new(Clock::new(25_000_000), setup.latency, setup.carrier), now: 0 };
        driver.half(INIT_BLOCK, setup.mode);
        for (pair, index) in STATION.chunks_exact(2).zip(1..) {
            driver.half(INIT_BLOCK + 2 * index, u16::from_le_bytes([pair[0], pair[1]]));
        }
        for (word, index) in setup.filter.iter().zip(4..) {
            driver.half(INIT_BLOCK + 2 * index, *word);
        }
        driver.half(INIT_BLOCK + 16, RX_RING as u16);
        driver.half(INIT_BLOCK + 18, setup.rx_log << 13);
        driver.half(INIT_BLOCK + 20, TX_RING as u16);
        driver.half(INIT_BLOCK + 22, setup.tx_log << 13);
        for index in 0..1 << setup.rx_log {
            let buffer = RX_BUFFERS + 0x800 * index;
            driver.descriptor(RX_RING, index, buffer, 0x8000, setup.rx_size);
        }
        driver.csr(1, INIT_BLOCK as u16);
        driver.csr(2, 0);
        driver.csr(3, 0);
        driver.csr(0, INIT);
        driver.now += 10 * US;
        assert_eq!(driver.read_csr(0), IDON | INTR | INIT);
        driver.csr(0, IDON);
        driver
    }

    fn half(&mut self, address: u32, value: u16) {
        self.lance.write_memory(address, u32::from(value), Width::Half).unwrap();
    }

    fn get(&self, address: u32) -> u16 {
        self.lance.read_memory(address, Width::Half).unwrap() as u16
    }

    fn csr(&mut self, register: u32, value: u16) {
        self.lance.write(4, register, Width::Half, self.now).unwrap();
        self.lance.write(0, u32::from(value), Width::Half, self.now).unwrap();
    }

    fn read_csr(&mut self, register: u32) -> u16 {
        self.lance.write(4, register, Width::Half, self.now).unwrap();
        self.lance.read(0, Width::Half, self.now).unwrap() as u16
    }

    fn descriptor(&mut self, ring: u32, index: u32, buffer: u32, status: u16, size: u16) {
        let at = ring + 8 * index;
        self.half(at, buffer as u16);
        self.half(at + 4, size.wrapping_neg() | 0xf000);
        self.half(at + 6, 0);
        self.half(at + 2, status | (buffer >> 16) as u16);
    }

    /// Status (RMD1 or TMD1) and last halfword of a descriptor.
    fn status(&self, ring: u32, index: u32) -> (u16, u16) {
        (self.get(ring + 8 * index + 2), self.get(ring + 8 * index + 6))
    }

    fn load(&mut self, address: u32, bytes: &[u8]) {
        for (&byte, offset) in bytes.iter().zip(0..) {
            self.lance.write_memory(address + offset, u32::from(byte), Width::Byte).unwrap();
        }
    }

    fn bytes(&self, address: u32, count: u32) -> Vec<u8> {
        (0..count)
            .map(|offset| self.lance.read_memory(address + offset, Width::Byte).unwrap() as u8)
            .collect()
    }

    /// Puts a whole frame into transmit descriptor `index` and demands its transmission.
    fn queue(&mut self, index: u32, frame: &[u8]) {
        let buffer = TX_BUFFERS + 0x800 * index;
        self.load(buffer, frame);
        self.descriptor(TX_RING, index, buffer, 0x8300, frame.len() as u16);
        self.csr(0, TDMD | INEA);
    }

    fn run(&mut self, cycles: Cycles) {
        self.now += cycles;
        self.lance.advance(self.now);
    }

    /// A frame that arrives from the wire now.
    fn hear(&mut self, frame: &[u8]) {
        let at = self.lance.clock.nanos(self.now);
        self.lance.deliver(WireEvent::Heard { at, frame: frame.into() });
        self.run(1);
    }

    /// What the controller wants to send.
    fn outbox(&mut self) -> Vec<Transmission> {
        let mut taken = Vec::new();
        self.lance.take_transmissions(&mut taken);
        taken
    }
}

/// A frame without its check sequence.
fn frame(to: [u8; 6], length: usize) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend_from_slice(&PEER);
    frame.extend_from_slice(&[0x08, 0x00]);
    frame.extend((14..length).map(|index| index as u8));
    frame
}

fn with_fcs(mut frame: Vec<u8>) -> Vec<u8> {
    crc::append_fcs(&mut frame);
    frame
}
