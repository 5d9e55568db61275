//! The initialization block: 24 bytes that tell the controller its mode, its addresses, its rings.
//!
//! | offset | |
//! |---|---|
//! | 0 | mode |
//! | 2..8 | physical address, in order of transmission |
//! | 8..16 | logical address filter, 64 bits |
//! | 16, 18 | receive ring: address 15:0; length code 15:13 and address 23:16 |
//! | 20, 22 | transmit ring, the same |

use super::memory::{Memory, Ring};
use crate::net::crc;

/// The mode word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mode(u16);

impl Mode {
    /// PROM: every frame is accepted.
    pub const PROMISCUOUS: Mode = Mode(0x8000);
    /// LOOP and INTL: internal loopback.
    pub const INTERNAL: Mode = Mode(0x0044);
    /// DRTY: one attempt only.
    pub const DISABLE_RETRY: Mode = Mode(0x0020);
    /// COLL: collisions are forced (in internal loopback).
    pub const FORCE_COLLISION: Mode = Mode(0x0010);
    /// DTCR: no check sequence is appended.
    pub const DISABLE_CRC: Mode = Mode(0x0008);
    /// LOOP: the receiver hears the transmitter.
    pub const LOOPBACK: Mode = Mode(0x0004);
    /// DTX: the transmitter stays off.
    pub const DISABLE_TRANSMITTER: Mode = Mode(0x0002);
    /// DRX: the receiver stays off.
    pub const DISABLE_RECEIVER: Mode = Mode(0x0001);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Mode) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What the block says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Configuration {
    /// Mode bits.
    pub mode: Mode,
    /// The station's own address.
    pub address: [u8; 6],
    /// The logical address filter.
    pub filter: u64,
    /// The receive ring.
    pub receive: Ring,
    /// The transmit ring.
    pub transmit: Ring,
}

impl Configuration {
    /// Reads the block at `address`.
    pub fn read(memory: &Memory, address: u32) -> Configuration {
        let half = |index: u32| memory.half(address.wrapping_add(2 * index));
        let mut station = [0; 6];
        for (pair, index) in station.chunks_exact_mut(2).zip(1..) {
            pair.copy_from_slice(&half(index).to_le_bytes());
        }
        let filter = (0..4).fold(0, |filter, index| filter | u64::from(half(4 + index)) << (16 * index));
        Configuration {
            mode: Mode(half(0)),
            address: station,
            filter,
            receive: Ring::new(half(8), half(9)),
            transmit: Ring::new(half(10), half(11)),
        }
    }

    /// Whether a frame to `destination` is for this station. `hash` says whether the filter can be
    /// used: it needs the check generator, which the transmitter holds in loopback.
    pub fn accepts(&self, destination: &[u8; 6], hash: bool) -> bool {
        if self.mode.contains(Mode::PROMISCUOUS) || *destination == [0xff; 6] {
            return true;
        }
        if destination[0] & 1 == 0 {
            *destination == self.address
        } else {
            hash && self.filter >> crc::filter_bit(destination) & 1 == 1
        }
    }
}
