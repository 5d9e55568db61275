//! Internal and external loopback.

use super::*;

const INTERNAL: u16 = 0x0044;
const EXTERNAL: u16 = 0x0004;
const NO_CRC: u16 = 0x0008;
const FORCE_COLLISION: u16 = 0x0010;

fn looped(mode: u16, sent: &[u8]) -> Driver {
    let mut driver = Driver::started(&Setup { mode, ..Setup::default() });
    driver.queue(0, sent);
    driver.run(1_000 * US);
    driver
}

#[test]
fn internal_loopback_appends_the_check_sequence() {
    let sent = frame(STATION, 28);
    let mut driver = looped(INTERNAL, &sent);
    assert!(driver.outbox().is_empty());
    assert_eq!(driver.status(TX_RING, 0), (0x0300, 0));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 32));
    assert_eq!(driver.bytes(RX_BUFFERS, 32), with_fcs(sent));
    assert_eq!(driver.read_csr(0) & (TINT | RINT | ERR), TINT | RINT);
}

#[test]
fn with_crc_disabled_the_receiver_checks() {
    let driver = looped(INTERNAL | NO_CRC, &with_fcs(frame(STATION, 28)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 32));
    let driver = looped(INTERNAL | NO_CRC, &frame(STATION, 28));
    assert_eq!(driver.status(RX_RING, 0).0, 0x4b00);
}

#[test]
fn only_frames_to_itself_come_back() {
    let driver = looped(INTERNAL, &frame(PEER, 28));
    assert_eq!(driver.status(RX_RING, 0).0, 0x8000);
    let driver = looped(INTERNAL | 0x8000, &frame(PEER, 28));
    assert_eq!(driver.status(RX_RING, 0).0, 0x0300);
}

#[test]
fn the_group_filter_needs_the_check_generator() {
    let group = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
    for (mode, status) in [(INTERNAL, 0x8000), (INTERNAL | NO_CRC, 0x0300)] {
        let mut driver = Driver::started(&Setup { mode, filter: [0xffff; 4], ..Setup::default() });
        driver.queue(0, &with_fcs(frame(group, 28)));
        driver.run(1_000 * US);
        assert_eq!(driver.status(RX_RING, 0).0, status);
    }
}

#[test]
fn a_forced_collision_ends_in_a_retry_error() {
    let driver = looped(INTERNAL | FORCE_COLLISION, &frame(STATION, 28));
    assert_eq!(driver.status(TX_RING, 0), (0x4300, 0x0400));
    assert_eq!(driver.status(RX_RING, 0).0, 0x8000);
}

#[test]
fn external_loopback_goes_over_the_wire() {
    let mut driver = Driver::started(&Setup { mode: EXTERNAL, ..Setup::default() });
    driver.queue(0, &frame(STATION, 28));
    let mut segment = Segment::new(1);
    segment.exchange(&mut [&mut driver.lance], u64::MAX);
    assert_eq!(segment.counts().frames, 1);
    driver.run(1_000 * US);
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 32));
}

#[test]
fn internal_loopback_does_not_hear_the_wire() {
    let mut driver = Driver::started(&Setup { mode: INTERNAL, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 0).0, 0x8000);
}
