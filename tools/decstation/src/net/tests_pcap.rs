//! A capture read back with the crate's own reader.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use pcap_file::pcap::PcapReader;

use super::*;

/// Memory that both the capture and the test can see.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn frames_come_back_with_their_times() {
    let file = Shared::default();
    let mut capture = Capture::new(Box::new(file.clone())).unwrap();
    let mut good = vec![0x55; 60];
    crc::append_fcs(&mut good);
    let bad = vec![0xaa; 64];
    capture.record(1_500_000_123, &good);
    capture.record(1_600_000_000, &bad);
    assert_eq!(capture.failure(), None);
    let bytes = file.0.lock().unwrap().clone();
    let mut reader = PcapReader::new(Cursor::new(bytes)).unwrap();
    let first = reader.next_packet().unwrap().unwrap();
    assert_eq!(first.timestamp, Duration::from_nanos(1_500_000_123));
    assert_eq!(first.data.len(), 60);
    let second = reader.next_packet().unwrap().unwrap();
    assert_eq!(second.data.len(), 64);
    assert!(reader.next_packet().is_none());
}
