//! Two controllers on one segment, with clocks of different rates.

use super::*;

#[test]
fn a_frame_crosses_and_its_time_adds_up() {
    let setup = Setup { latency: 30_000, mode: 0x8000, ..Setup::default() };
    let mut sender = Driver::started(&setup);
    let mut receiver = Driver::started(&setup);
    let sent = frame(PEER, 200);
    let start = sender.lance.clock.nanos(sender.now);
    sender.queue(0, &sent);
    let mut segment = Segment::new(5);
    let mut until = start;
    while receiver.status(RX_RING, 0).0 & 0x8000 != 0 {
        until += segment::LOCKSTEP;
        for driver in [&mut sender, &mut receiver] {
            driver.now = driver.lance.clock.cycles(until);
            driver.lance.advance(driver.now);
        }
        segment.exchange(&mut [&mut sender.lance, &mut receiver.lance], until);
    }
    assert_eq!(receiver.bytes(RX_BUFFERS, 204), with_fcs(sent));
    // Latency, preamble, 204 bytes, the cable, latency; seen at the end of a lockstep.
    let wire = segment::PREAMBLE + frame_time(204) + segment::PROPAGATION;
    let expected = start + 30_000 + wire + 30_000;
    assert!((expected..expected + 2 * segment::LOCKSTEP).contains(&until));
    assert_eq!(sender.status(TX_RING, 0).0, 0x0300);
}
