//! The wire as a capture file, in the classic pcap format with nanosecond timestamps.
//!
//! Frames are written without their check sequence, as network interfaces deliver them, unless the
//! sequence is wrong: then nothing is cut off. The timestamp is the modelled time at which the
//! frame's preamble began.

use std::io::Write;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};

use super::crc;
use super::time::Nanos;

/// Longest frame that a capture keeps, in bytes.
const SNAP_BYTES: u32 = 65_535;

/// A capture file being written.
pub struct Capture {
    writer: PcapWriter<Box<dyn Write + Send>>,
    failed: Option<String>,
}

impl Capture {
    /// Starts a capture on `output`, writing the file's header.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(output: Box<dyn Write + Send>) -> std::io::Result<Capture> {
        let header = PcapHeader {
            snaplen: SNAP_BYTES,
            datalink: DataLink::ETHERNET,
            ts_resolution: TsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let writer = PcapWriter::with_header(output, header).map_err(std::io::Error::other)?;
        Ok(Capture { writer, failed: None })
    }

    /// Records one frame, its check sequence included, that began at `start`.
    pub fn record(&mut self, start: Nanos, frame: &[u8]) {
        let shown = if crc::is_good(frame) { &frame[..frame.len() - 4] } else { frame };
        let length = shown.len() as u32;
        let packet = PcapPacket::new(Duration::from_nanos(start), length, shown);
        if let Err(error) = self.writer.write_packet(&packet) {
            self.failed.get_or_insert_with(|| error.to_string());
        }
    }

    /// The first write that failed, if any: a capture that lacks frames says so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Capture").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests_pcap.rs"]
mod tests;
