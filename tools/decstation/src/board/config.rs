//! What a board is built from.

use super::rtc::Date;
use super::serial::{Null, SerialBackend};
use crate::net::segment::Segment;

/// How the LANCE is connected.
#[derive(Debug, Default)]
pub enum Attachment {
    /// No cable: every transmission loses its carrier.
    #[default]
    Unplugged,
    /// A segment of the board's own, with nobody else on it.
    Private(Segment),
    /// A segment that the caller steps, see [`Segment::exchange`].
    Shared,
}

/// How long a character takes on a serial line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LineTiming {
    /// The time that the line's parameters give.
    #[default]
    LineRate,
    /// None: for interactive use and long boot logs. Not what the hardware does.
    Immediate,
}

/// What a board is built from.
#[derive(Debug)]
pub struct BoardConfig {
    /// Cycles of the CPU in a second.
    pub clock_hz: u64,
    /// RAM fitted, in bytes, from physical address 0.
    pub ram_bytes: u32,
    /// Ethernet station address.
    pub station: [u8; 6],
    /// What serial lines 0..=3 (keyboard, mouse, modem, console) are connected to.
    pub lines: [Box<dyn SerialBackend>; 4],
    /// How long a character takes.
    pub line_timing: LineTiming,
    /// The boot command as the PROM passes it: `boot`, the device and file, then arguments.
    pub boot_args: Vec<String>,
    /// PROM environment variables that override or add to the defaults.
    pub environment: Vec<(String, String)>,
    /// What the clock shows at cycle 0.
    pub start_date: Date,
    /// How the LANCE is connected.
    pub ethernet: Attachment,
    /// Time the Ethernet controller adds in each direction, in nanoseconds.
    pub lance_latency_ns: u64,
}

impl Default for BoardConfig {
    fn default() -> BoardConfig {
        BoardConfig {
            clock_hz: 25_000_000,
            ram_bytes: 16 << 20,
            // A DEC address block; the low half is the model's.
            station: [0x08, 0x00, 0x2b, 0x00, 0x00, 0x01],
            lines: std::array::from_fn(|_| Box::new(Null) as Box<dyn SerialBackend>),
            line_timing: LineTiming::LineRate,
            boot_args: vec!["boot".into(), "6/tftp/aegis".into()],
            environment: Vec::new(),
            start_date: Date::default(),
            ethernet: Attachment::Unplugged,
            lance_latency_ns: 30_000,
        }
    }
}
