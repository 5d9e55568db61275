//! Bare programs that drive a LANCE: set it up, send frames, wait for frames and compare them.
//!
//! Registers: s0 the buffer memory, s1 the two ports, s2 the exit register, t0..t5 scratch. A
//! program that finds something wrong ends its machine with a status that says what: 1 and up.

use decstation::asm::{self, r};

/// Where programs lie and start.
pub const ENTRY: u32 = 0x8003_0000;
/// Everybody's address.
pub const BROADCAST: [u8; 6] = [0xff; 6];

/// Status: a frame with an error, or in pieces.
const BAD_STATUS: u32 = 1;
/// Status: another length than expected.
const BAD_LENGTH: u32 = 2;
/// Status: other contents than expected.
const BAD_CONTENTS: u32 = 3;

/// A local experimental EtherType (IEEE 802), as the bytes lie in memory.
const KIND: [u8; 2] = [0x88, 0xb5];

const INIT_BLOCK: u32 = 0x100;
const RX_RING: u32 = 0x200;
const TX_RING: u32 = 0x300;
/// Eight entries.
const RING_LOG: u32 = 3;
const BUFFER_BYTES: u32 = 0x600;
const RX_BUFFERS: u32 = 0x1000;
const TX_BUFFERS: u32 = 0x4000;

const OWN: u32 = 0x8000;
const WHOLE: u32 = 0x0300;
const IDON: u32 = 0x0100;

const S2: u32 = 18;

/// The station address of machine `index`.
pub fn station(index: u8) -> [u8; 6] {
    [0x08, 0x00, 0x2b, 0x00, 0x10, index + 1]
}

/// A frame whose payload is a sequence of halfwords: `seed`, `seed` + 1, ...
#[derive(Clone, Copy)]
pub struct Frame {
    pub to: [u8; 6],
    pub from: [u8; 6],
    /// Bytes, check sequence not included; even.
    pub length: u16,
    pub seed: u16,
}

impl Frame {
    fn header(&self) -> [u8; 14] {
        let mut header = [0; 14];
        header[..6].copy_from_slice(&self.to);
        header[6..12].copy_from_slice(&self.from);
        header[12..].copy_from_slice(&KIND);
        header
    }

    /// The whole frame, without its check sequence.
    pub fn bytes(&self) -> Vec<u8> {
        let halves = (self.length - 14) / 2;
        let payload = (0..halves).flat_map(|n| self.seed.wrapping_add(n).to_le_bytes());
        self.header().into_iter().chain(payload).collect()
    }
}

/// A program being written.
pub struct Guest {
    code: Vec<u32>,
    sent: u32,
    received: u32,
}

impl Guest {
    /// A program that begins by starting its controller with `station`.
    pub fn new(station: [u8; 6]) -> Guest {
        let mut guest = Guest { code: Vec::new(), sent: 0, received: 0 };
        guest.load(r::S0, 0xbf80_0000);
        guest.load(r::S1, 0xbf90_0000);
        guest.load(S2, 0xbfc8_0000);
        guest.start(station);
        guest
    }

    /// The program's words.
    pub fn code(&self) -> &[u32] {
        &self.code
    }

    fn put(&mut self, words: &[u32]) {
        self.code.extend_from_slice(words);
    }

    fn load(&mut self, register: u32, value: u32) {
        self.put(&asm::li(register, value));
    }

    /// Stores a halfword into buffer memory.
    fn poke(&mut self, at: u32, value: u32) {
        self.put(&[asm::ori(r::T0, r::ZERO, value as i32), asm::sh(r::T0, at as i32, r::S0)]);
    }

    fn csr(&mut self, register: u32, value: u32) {
        self.put(&[
            asm::ori(r::T0, r::ZERO, register as i32),
            asm::sh(r::T0, 4, r::S1),
            asm::ori(r::T0, r::ZERO, value as i32),
            asm::sh(r::T0, 0, r::S1),
        ]);
    }

    /// Waits until `bit` of the halfword at `offset` from `base` is set, or clear.
    fn wait(&mut self, base: u32, offset: u32, bit: u32, set: bool) {
        self.put(&[
            asm::lhu(r::T0, offset as i32, base),
            asm::NOP,
            asm::andi(r::T0, r::T0, bit as i32),
            if set { asm::beq(r::T0, r::ZERO, -4) } else { asm::bne(r::T0, r::ZERO, -4) },
            asm::NOP,
        ]);
    }

    /// Ends the machine with `status` unless t0 is t1.
    fn check(&mut self, status: u32) {
        self.put(&[
            asm::beq(r::T0, r::T1, 4),
            asm::NOP,
            asm::ori(r::T2, r::ZERO, status as i32),
            asm::sw(r::T2, 0x40, S2),
            asm::NOP,
        ]);
    }

    fn descriptor(&mut self, ring: u32, index: u32, buffer: u32, bytes: u32, status: u32) {
        let at = ring + 8 * index;
        self.poke(at, buffer);
        self.poke(at + 4, bytes.wrapping_neg() & 0xffff);
        self.poke(at + 6, 0);
        self.poke(at + 2, status);
    }

    fn start(&mut self, station: [u8; 6]) {
        self.csr(0, 0x0004);
        self.poke(INIT_BLOCK, 0);
        for (pair, n) in station.chunks_exact(2).zip(1..) {
            self.poke(INIT_BLOCK + 2 * n, u32::from(u16::from_le_bytes([pair[0], pair[1]])));
        }
        for n in 4..8 {
            self.poke(INIT_BLOCK + 2 * n, 0);
        }
        for (n, value) in [(8, RX_RING), (9, RING_LOG << 13), (10, TX_RING), (11, RING_LOG << 13)] {
            self.poke(INIT_BLOCK + 2 * n, value);
        }
        for n in 0..1 << RING_LOG {
            self.descriptor(RX_RING, n, RX_BUFFERS + BUFFER_BYTES * n, BUFFER_BYTES, OWN);
            self.descriptor(TX_RING, n, TX_BUFFERS + BUFFER_BYTES * n, 0, 0);
        }
        self.csr(1, INIT_BLOCK);
        self.csr(2, 0);
        self.csr(3, 0);
        self.csr(0, 0x0001);
        self.wait(r::S1, 0, IDON, true);
        self.csr(0, IDON | 0x0002);
    }

    /// Puts the sequence's registers for `frame` in `buffer` up: t2 value, t3 place, t4 end.
    fn sequence(&mut self, frame: &Frame, buffer: u32) {
        self.load(r::T2, u32::from(frame.seed));
        self.put(&[
            asm::addiu(r::T3, r::S0, (buffer + 14) as i32),
            asm::addiu(r::T4, r::S0, (buffer + u32::from(frame.length)) as i32),
        ]);
    }

    /// Fills the next transmit buffers, then hands all of them over at once.
    pub fn send(&mut self, frames: &[Frame]) -> &mut Guest {
        for (frame, n) in frames.iter().zip(self.sent..) {
            let buffer = TX_BUFFERS + BUFFER_BYTES * n;
            for (pair, offset) in frame.header().chunks_exact(2).zip((0..).step_by(2)) {
                self.poke(buffer + offset, u32::from(u16::from_le_bytes([pair[0], pair[1]])));
            }
            self.sequence(frame, buffer);
            self.put(&[
                asm::sh(r::T2, 0, r::T3),
                asm::addiu(r::T3, r::T3, 2),
                asm::bne(r::T3, r::T4, -3),
                asm::addiu(r::T2, r::T2, 1),
            ]);
        }
        // Back to front, so that the controller does not begin before all are ready.
        let last = self.sent + frames.len() as u32;
        for (frame, n) in frames.iter().rev().zip((self.sent..last).rev()) {
            let length = u32::from(frame.length);
            self.descriptor(TX_RING, n, TX_BUFFERS + BUFFER_BYTES * n, length, OWN | WHOLE);
        }
        self.csr(0, 0x0008);
        for n in self.sent..last {
            self.wait(r::S0, TX_RING + 8 * n + 2, OWN, false);
        }
        self.sent = last;
        self
    }

    /// Waits for exactly these frames.
    pub fn expect_frames(&mut self, frames: &[Frame]) -> &mut Guest {
        for frame in frames {
            self.expect(*frame, true);
        }
        self
    }

    /// Waits for a frame like this one, whoever sent it.
    pub fn expect_from_anyone(&mut self, frame: Frame) -> &mut Guest {
        self.expect(frame, false);
        self
    }

    fn expect(&mut self, frame: Frame, sender: bool) {
        let at = RX_RING + 8 * self.received;
        let buffer = RX_BUFFERS + BUFFER_BYTES * self.received;
        self.wait(r::S0, at + 2, OWN, false);
        self.compare(at + 2, WHOLE, BAD_STATUS);
        self.compare(at + 6, u32::from(frame.length) + 4, BAD_LENGTH);
        for (pair, offset) in frame.header().chunks_exact(2).zip((0..).step_by(2)) {
            if sender || !(6..12).contains(&offset) {
                let half = u32::from(u16::from_le_bytes([pair[0], pair[1]]));
                self.compare(buffer + offset, half, BAD_CONTENTS);
            }
        }
        self.sequence(&frame, buffer);
        self.put(&[asm::lhu(r::T0, 0, r::T3), asm::andi(r::T1, r::T2, 0xffff)]);
        self.check(BAD_CONTENTS);
        self.put(&[asm::addiu(r::T3, r::T3, 2), asm::bne(r::T3, r::T4, -9), asm::addiu(r::T2, r::T2, 1)]);
        self.received += 1;
    }

    fn compare(&mut self, at: u32, value: u32, status: u32) {
        self.put(&[asm::lhu(r::T0, at as i32, r::S0), asm::ori(r::T1, r::ZERO, value as i32)]);
        self.check(status);
    }

    /// Ends the machine well.
    pub fn exit(&mut self) {
        self.put(&[asm::sw(r::ZERO, 0x40, S2), asm::beq(r::ZERO, r::ZERO, -1), asm::NOP]);
    }
}
