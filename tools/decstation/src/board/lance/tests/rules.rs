//! What the data sheet says about single bits, one test a rule. The comments name the paragraph of
//! the Am7990 data sheet that a test holds to.

use super::*;

const ERRS: u16 = 0x4000;
const OWNED: u16 = 0x8000;
const EXTERNAL: u16 = 0x0004;

/// The outcome of a transmission, as the segment reports it.
fn outcome(driver: &mut Driver, collisions: u32, deferred: bool, delivered: bool) {
    let token = driver.outbox()[0].token;
    let at = driver.lance.clock.nanos(driver.now);
    driver.lance.deliver(WireEvent::Sent { at, token, collisions, deferred, delivered });
    driver.run(1);
}

/// CSR0, INEA: the interrupt line is INTR and INEA; the reasons are there without INEA.
#[test]
fn reasons_without_enable_do_not_interrupt() {
    let mut driver = Driver::started(&Setup::default());
    driver.csr(0, 0);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.read_csr(0) & (RINT | INTR | INEA), RINT | INTR);
    assert!(!driver.lance.interrupt());
    driver.csr(0, INEA);
    assert!(driver.lance.interrupt());
}

/// CSR0, CERR: it is part of ERR and makes no interrupt.
#[test]
fn a_missing_collision_test_does_not_interrupt() {
    let mut driver = Driver::started(&Setup { carrier: false, ..Setup::default() });
    driver.queue(0, &frame(PEER, 60));
    driver.run(100 * US);
    driver.csr(0, TINT | INEA);
    assert_eq!(driver.read_csr(0) & (ERR | CERR | INTR), ERR | CERR);
    assert!(!driver.lance.interrupt());
    driver.csr(0, CERR | INEA);
    assert_eq!(driver.read_csr(0) & (ERR | CERR), 0);
}

/// CSR0: RXON, TXON, INTR and ERR are read-only; zeros leave the reasons alone.
#[test]
fn what_writing_does_not_change() {
    let mut driver = Driver::started(&Setup { mode: 3, ..Setup::default() });
    driver.csr(0, RXON | TXON | INTR | ERR | INEA);
    assert_eq!(driver.read_csr(0), INEA | INIT | STRT);
    let mut driver = Driver::started(&Setup::default());
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.csr(0, INEA);
    assert_eq!(driver.read_csr(0) & RINT, RINT);
}

/// CSR0, TDMD: read as zero when the poll has been made; no effect with the transmitter off.
#[test]
fn a_demand_is_over_at_once() {
    let mut driver = Driver::started(&Setup::default());
    driver.csr(0, TDMD | INEA);
    assert_eq!(driver.read_csr(0) & TDMD, 0);
    let mut driver = Driver::started(&Setup { mode: 2, ..Setup::default() });
    driver.queue(0, &frame(PEER, 60));
    driver.run(5_000 * US);
    assert!(driver.outbox().is_empty());
    assert_eq!(driver.status(TX_RING, 0).0, OWNED | 0x0300);
}

/// Mode, DRX: the receiver is off, and a frame is neither stored nor missed.
#[test]
fn a_disabled_receiver_misses_nothing() {
    let mut driver = Driver::started(&Setup { mode: 1, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.read_csr(0) & (RINT | MISS), 0);
    assert_eq!(driver.status(RX_RING, 0).0, OWNED);
}

/// CSR0, INIT and STRT: STOP must be set before INIT, so INIT in a running controller does nothing.
#[test]
fn a_running_controller_is_not_initialized_again() {
    let mut driver = Driver::started(&Setup::default());
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.csr(0, RINT | INIT | INEA);
    driver.run(100 * US);
    assert_eq!(driver.read_csr(0), INEA | RXON | TXON | STRT | INIT);
    // The ring goes on where it was.
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 1).0, 0x0300);
}

/// The way to change anything: STOP, CSR1 to CSR3, INIT, STRT. Both rings begin again at their first
/// descriptor, with the mode that is in the block now.
#[test]
fn stop_and_initialization_begin_again() {
    let mut driver = Driver::started(&Setup::default());
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.queue(0, &frame(PEER, 60));
    outcome(&mut driver, 0, false, true);
    driver.csr(0, STOP);
    driver.half(INIT_BLOCK, 0x8000);
    driver.descriptor(RX_RING, 0, RX_BUFFERS, OWNED, 1536);
    driver.csr(1, INIT_BLOCK as u16);
    driver.csr(2, 0);
    driver.csr(0, INIT);
    driver.run(10 * US);
    driver.csr(0, IDON | STRT | INEA);
    driver.hear(&with_fcs(frame(PEER, 60)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 64));
    driver.queue(0, &frame(PEER, 60));
    assert_eq!(driver.outbox().len(), 1);
}

/// STRT after STOP without INIT: the old block's mode and addresses still hold.
#[test]
fn a_stopped_controller_can_be_started_without_initialization() {
    let mut driver = Driver::started(&Setup::default());
    driver.csr(0, STOP);
    driver.csr(0, STRT | INEA);
    assert_eq!(driver.read_csr(0), INEA | RXON | TXON | STRT);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 0).0, 0x0300);
}

/// STOP ends a reception too: what arrives afterwards is not stored.
#[test]
fn stop_forgets_the_frame_that_is_coming_in() {
    let mut driver = Driver::started(&Setup { latency: 30_000, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.csr(0, STOP);
    driver.run(1_000 * US);
    assert_eq!(driver.status(RX_RING, 0).0, OWNED);
    assert_eq!(driver.read_csr(0), STOP);
}

/// CSR0, STOP during the reading of the block: IDON never comes.
#[test]
fn stop_ends_an_initialization() {
    let mut driver = Driver { lance: Lance::new(Clock::new(25_000_000), 0, true), now: 0 };
    driver.csr(0, INIT | STRT | INEA);
    driver.run(5 * US);
    driver.csr(0, STOP);
    driver.run(100 * US);
    assert_eq!(driver.read_csr(0), STOP);
    assert_eq!(driver.lance.next_event(), None);
}

/// TMD1, ONE, MORE and DEF; TMD3, RTRY: one of the first three at most, and RTRY for none of them.
#[test]
fn the_transmit_status_of_each_outcome() {
    for (collisions, deferred, delivered, tmd1, tmd3) in [
        (0, false, true, 0x0300, 0),
        (0, true, true, 0x0700, 0),
        (1, false, true, 0x0b00, 0),
        (2, true, true, 0x1700, 0),
        (15, false, true, 0x1300, 0),
        (16, false, false, 0x0300 | ERRS, 0x0400),
        (16, true, false, 0x0700 | ERRS, 0x0400),
    ] {
        let mut driver = Driver::started(&Setup::default());
        driver.queue(0, &frame(PEER, 60));
        outcome(&mut driver, collisions, deferred, delivered);
        assert_eq!(driver.status(TX_RING, 0), (tmd1, tmd3), "{collisions} collisions");
        // Only a missing buffer turns the transmitter off.
        assert_eq!(driver.read_csr(0) & (TINT | TXON), TINT | TXON);
    }
}

/// CSR0, BABL: more than 1518 bytes are a babble, which is sent to its end nevertheless.
#[test]
fn a_babble_goes_on() {
    let mut driver = Driver::started(&Setup::default());
    driver.queue(0, &frame(PEER, 2000));
    let sent = driver.outbox();
    assert_eq!(sent[0].frame.len(), 2004);
    let at = driver.lance.clock.nanos(driver.now);
    driver.lance.deliver(WireEvent::Sent {
        at,
        token: sent[0].token,
        collisions: 0,
        deferred: false,
        delivered: true,
    });
    driver.run(1);
    assert_eq!(driver.status(TX_RING, 0), (0x0300, 0));
    assert_eq!(driver.read_csr(0) & (BABL | TINT | TXON), BABL | TINT | TXON);
    assert!(driver.lance.interrupt());
}

/// The receiver knows no longest frame: MCNT counts 12 bits and the check sequence with them.
#[test]
fn oversize_frames_are_received() {
    let mut driver = Driver::started(&Setup { rx_size: 1536, ..Setup::default() });
    let sent = with_fcs(frame(STATION, 3_000));
    driver.hear(&sent);
    assert_eq!(driver.status(RX_RING, 0).0, 0x0200);
    assert_eq!(driver.status(RX_RING, 1), (0x0100, 3_004));
    let mut stored = driver.bytes(RX_BUFFERS, 1536);
    stored.extend(driver.bytes(RX_BUFFERS + 0x800, 3_004 - 1536));
    assert_eq!(stored, sent);
}

/// TMD2, BCNT: zero is 4096 bytes.
#[test]
fn a_byte_count_of_zero_is_4096() {
    let mut driver = Driver::started(&Setup::default());
    driver.load(TX_BUFFERS, &frame(PEER, 4096));
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8300, 4096);
    assert_eq!(driver.get(TX_RING + 4), 0xf000);
    driver.csr(0, TDMD);
    assert_eq!(driver.outbox()[0].frame.len(), 4100);
}

/// Rings have 1 to 128 entries, and both wrap.
#[test]
fn rings_wrap_at_their_length() {
    for log in [0, 1, 7] {
        let mut driver = Driver::started(&Setup { rx_log: 0, tx_log: 0, ..Setup::default() });
        driver.csr(0, STOP);
        let (rx, tx) = (0x1_0000, 0x1_1000);
        driver.half(INIT_BLOCK + 16, rx as u16);
        driver.half(INIT_BLOCK + 18, log << 13 | 1);
        driver.half(INIT_BLOCK + 20, tx as u16);
        driver.half(INIT_BLOCK + 22, log << 13 | 1);
        driver.csr(1, INIT_BLOCK as u16);
        driver.csr(2, 0);
        driver.csr(0, INIT | STRT | INEA);
        driver.run(10 * US);
        for round in 0..130u32 {
            let index = round % (1 << log);
            driver.descriptor(rx, index, RX_BUFFERS, OWNED, 1536);
            driver.hear(&with_fcs(frame(STATION, 60)));
            assert_eq!(driver.status(rx, index).0, 0x0300, "ring of {} round {round}", 1 << log);
            driver.load(TX_BUFFERS, &frame(PEER, 60));
            driver.descriptor(tx, index, TX_BUFFERS, 0x8300, 60);
            driver.csr(0, TDMD | INEA);
            outcome(&mut driver, 0, false, true);
            assert_eq!(driver.status(tx, index).0, 0x0300);
        }
    }
}

/// CSR3, BSWP: data is swapped on its way out too; the block and the descriptors are not.
#[test]
fn byte_swap_in_the_transmitter() {
    let mut driver = Driver::initialized(&Setup::default());
    driver.csr(0, STOP);
    driver.csr(1, INIT_BLOCK as u16);
    driver.csr(3, BSWP);
    driver.csr(0, INIT | STRT);
    driver.run(10 * US);
    let sent = frame(PEER, 60);
    let swapped: Vec<u8> = sent.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    driver.load(TX_BUFFERS, &swapped);
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8300, 60);
    driver.csr(0, TDMD);
    assert_eq!(driver.outbox()[0].frame[..], with_fcs(sent));
}

/// RMD1, CRC and BUFF in one frame: BUFF alone, since the frame's end was not stored.
#[test]
fn a_chain_cut_short_says_nothing_of_the_check() {
    let mut driver = Driver::started(&Setup { rx_size: 64, rx_log: 0, ..Setup::default() });
    let mut bad = with_fcs(frame(STATION, 100));
    bad[20] ^= 1;
    driver.hear(&bad);
    assert_eq!(driver.status(RX_RING, 0).0, 0x0200 | ERRS | 0x0400);
    assert_eq!(driver.read_csr(0) & (RINT | MISS), RINT);
}

/// A receiver that owns no descriptor looks again when the next frame comes; MISS for each lost one.
#[test]
fn a_full_ring_recovers() {
    let mut driver = Driver::started(&Setup { rx_log: 1, ..Setup::default() });
    for _ in 0..2 {
        driver.hear(&with_fcs(frame(STATION, 60)));
    }
    for _ in 0..3 {
        driver.hear(&with_fcs(frame(STATION, 60)));
        assert_eq!(driver.read_csr(0) & MISS, MISS);
        driver.csr(0, MISS | INEA);
    }
    driver.descriptor(RX_RING, 0, RX_BUFFERS, OWNED, 1536);
    driver.hear(&with_fcs(frame(STATION, 70)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 74));
    assert_eq!(driver.read_csr(0) & MISS, 0);
}

/// Mode, LOOP without INTL: the wire is heard besides, as in normal operation.
#[test]
fn external_loopback_hears_others() {
    let mut driver = Driver::started(&Setup { mode: EXTERNAL | 0x0008, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 64));
    // Runts are seen in loopback.
    driver.hear(&with_fcs(frame(STATION, 28)));
    assert_eq!(driver.status(RX_RING, 1), (0x0300, 32));
}

/// Mode, COLL with DRTY: one attempt.
#[test]
fn a_forced_collision_without_retry() {
    let mut driver = Driver::started(&Setup { mode: 0x0044 | 0x0010 | 0x0020, ..Setup::default() });
    driver.queue(0, &frame(STATION, 28));
    // The preamble and the jam of one collision: 9.6 us.
    driver.run(240);
    assert_eq!(driver.status(TX_RING, 0), (0x0300 | ERRS, 0x0400));
}

/// A chain whose first buffer is out of memory order: addresses need not be even.
#[test]
fn receive_buffers_may_be_odd() {
    let mut driver = Driver::started(&Setup::default());
    driver.descriptor(RX_RING, 0, RX_BUFFERS + 3, OWNED, 65);
    driver.descriptor(RX_RING, 1, RX_BUFFERS + 0x801, OWNED, 1536);
    let sent = with_fcs(frame(STATION, 100));
    driver.hear(&sent);
    assert_eq!(driver.bytes(RX_BUFFERS + 3, 65), sent[..65]);
    assert_eq!(driver.bytes(RX_BUFFERS + 0x801, 39), sent[65..]);
    assert_eq!(driver.status(RX_RING, 1), (0x0100, 104));
}

/// CSR0, MERR: the controller reaches its own buffer memory only, which always answers.
#[test]
fn no_address_times_out() {
    let mut driver = Driver::started(&Setup::default());
    driver.descriptor(TX_RING, 0, 0x00ff_f000, 0x8300, 60);
    driver.csr(0, TDMD | INEA);
    outcome(&mut driver, 0, false, true);
    assert_eq!(driver.read_csr(0) & (MERR | ERR | RXON | TXON), RXON | TXON);
}
