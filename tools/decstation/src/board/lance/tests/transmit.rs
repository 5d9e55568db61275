//! The transmit ring, chaining, errors, time.

use super::*;

const ERRS: u16 = 0x4000;
const LCAR: u16 = 0x0800;
const RTRY: u16 = 0x0400;

/// Carries what the driver wants to send over a segment of its own.
fn carry(driver: &mut Driver) -> segment::SegmentCounts {
    let mut segment = Segment::new(1);
    segment.exchange(&mut [&mut driver.lance], u64::MAX);
    segment.counts()
}

#[test]
fn a_demanded_frame_goes_out_with_its_check_sequence() {
    let mut driver = Driver::started(&Setup { latency: 30_000, ..Setup::default() });
    let before = driver.now;
    driver.queue(0, &frame(PEER, 60));
    let outbox = driver.outbox();
    assert_eq!(outbox.len(), 1);
    assert_eq!(outbox[0].ready, before * 40 + 30_000);
    assert_eq!(outbox[0].frame[..], with_fcs(frame(PEER, 60)));
    assert_eq!(outbox[0].attempts, 16);
    // Until it is out the controller keeps the descriptor.
    driver.run(1_000 * US);
    assert_eq!(driver.status(TX_RING, 0).0, 0x8300);
}

#[test]
fn completion_clears_own_and_interrupts_when_the_last_bit_is_out() {
    let mut driver = Driver::started(&Setup::default());
    driver.queue(0, &frame(PEER, 60));
    carry(&mut driver);
    // Preamble 6.4 us and 64 bytes 51.2 us: 57.6 us.
    driver.run(57 * US + 14);
    assert_eq!(driver.status(TX_RING, 0).0, 0x8300);
    assert!(!driver.lance.interrupt());
    driver.run(1);
    assert_eq!(driver.status(TX_RING, 0), (0x0300, 0));
    assert_eq!(driver.read_csr(0) & (TINT | INTR | ERR), TINT | INTR);
    assert!(driver.lance.interrupt());
}

#[test]
fn frames_follow_at_the_gap() {
    let mut driver = Driver::started(&Setup { latency: 30_000, ..Setup::default() });
    for index in 0..3 {
        let buffer = TX_BUFFERS + 0x800 * index;
        driver.load(buffer, &frame(PEER, 60));
        driver.descriptor(TX_RING, index, buffer, 0x8300, 60);
    }
    let start = driver.now;
    driver.csr(0, TDMD | INEA);
    let mut segment = Segment::new(1);
    while driver.status(TX_RING, 2).0 & 0x8000 != 0 {
        segment.exchange(&mut [&mut driver.lance], u64::MAX);
        let next = driver.lance.next_event().unwrap();
        driver.now = next;
        driver.lance.advance(next);
    }
    // 30 + 3 * 57.6 + 2 * 9.6 microseconds.
    assert_eq!(driver.now - start, (30 + 192) * US);
    assert_eq!(segment.counts().frames, 3);
}

#[test]
fn chained_buffers_make_one_frame() {
    let mut driver = Driver::started(&Setup::default());
    let whole = frame(PEER, 300);
    driver.load(TX_BUFFERS, &whole[..100]);
    driver.load(TX_BUFFERS + 0x801, &whole[100..137]);
    driver.load(TX_BUFFERS + 0x1000, &whole[137..]);
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8200, 100);
    driver.descriptor(TX_RING, 1, TX_BUFFERS + 0x801, 0x8000, 37);
    driver.descriptor(TX_RING, 2, TX_BUFFERS + 0x1000, 0x8100, 163);
    driver.csr(0, TDMD);
    let sent = driver.outbox();
    assert_eq!(sent[0].frame[..], with_fcs(whole));
    driver.lance.deliver(WireEvent::Sent {
        at: driver.now * 40,
        token: sent[0].token,
        collisions: 0,
        deferred: true,
        delivered: true,
    });
    driver.run(1);
    assert_eq!(driver.status(TX_RING, 0), (0x0200, 0));
    assert_eq!(driver.status(TX_RING, 1), (0x0000, 0));
    assert_eq!(driver.status(TX_RING, 2), (0x0500, 0));
}

#[test]
fn a_chain_without_an_end_turns_the_transmitter_off() {
    let mut driver = Driver::started(&Setup::default());
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8200, 100);
    driver.csr(0, TDMD | INEA);
    assert!(driver.outbox().is_empty());
    assert_eq!(driver.status(TX_RING, 0), (0x0200 | ERRS, 0xc000));
    assert_eq!(driver.read_csr(0) & (TINT | TXON | RXON), TINT | RXON);
    assert_eq!(driver.lance.next_event(), None);
}

#[test]
fn a_descriptor_without_a_start_is_handed_back() {
    let mut driver = Driver::started(&Setup::default());
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8100, 100);
    driver.queue(1, &frame(PEER, 60));
    assert_eq!(driver.status(TX_RING, 0).0, 0x0100);
    assert_eq!(driver.outbox().len(), 1);
}

#[test]
fn collisions_are_counted_in_the_descriptor() {
    for (collisions, delivered, status, last) in
        [(1, true, 0x0b00, 0), (5, true, 0x1300, 0), (16, false, 0x0300 | ERRS, RTRY)]
    {
        let mut driver = Driver::started(&Setup::default());
        driver.queue(0, &frame(PEER, 60));
        let token = driver.outbox()[0].token;
        driver.lance.deliver(WireEvent::Sent {
            at: driver.now * 40,
            token,
            collisions,
            deferred: false,
            delivered,
        });
        driver.run(1);
        assert_eq!(driver.status(TX_RING, 0), (status, last));
    }
}

#[test]
fn retry_can_be_disabled() {
    let mut driver = Driver::started(&Setup { mode: 0x20, ..Setup::default() });
    driver.queue(0, &frame(PEER, 60));
    assert_eq!(driver.outbox()[0].attempts, 1);
}

#[test]
fn without_a_cable_the_carrier_is_lost() {
    let mut driver = Driver::started(&Setup { carrier: false, ..Setup::default() });
    driver.queue(0, &frame(PEER, 60));
    assert!(driver.outbox().is_empty());
    driver.run(100 * US);
    assert_eq!(driver.status(TX_RING, 0), (0x0300 | ERRS, LCAR));
    assert_eq!(driver.read_csr(0) & (ERR | CERR | TINT), ERR | CERR | TINT);
}

#[test]
fn crc_can_be_left_out_and_runts_are_sent_as_they_are() {
    let mut driver = Driver::started(&Setup { mode: 0x8, ..Setup::default() });
    driver.queue(0, &frame(PEER, 40));
    assert_eq!(driver.outbox()[0].frame[..], frame(PEER, 40));
}

#[test]
fn a_babbler_is_told() {
    let mut driver = Driver::started(&Setup::default());
    driver.queue(0, &frame(PEER, 1514));
    carry(&mut driver);
    driver.run(2_000 * US);
    assert_eq!(driver.read_csr(0) & BABL, 0);
    driver.queue(1, &frame(PEER, 1515));
    carry(&mut driver);
    driver.run(2_000 * US);
    assert_eq!(driver.read_csr(0) & (BABL | ERR), BABL | ERR);
}

#[test]
fn stop_forgets_the_frame_under_way() {
    let mut driver = Driver::started(&Setup::default());
    driver.queue(0, &frame(PEER, 60));
    carry(&mut driver);
    driver.csr(0, STOP);
    driver.run(1_000 * US);
    assert_eq!(driver.read_csr(0), STOP);
    assert_eq!(driver.status(TX_RING, 0).0, 0x8300);
}
