//! The receive ring, the address filter, errors.

use super::*;

const CRC: u16 = 0x0800;
const BUFF: u16 = 0x0400;
const ERRS: u16 = 0x4000;

#[test]
fn a_frame_fills_the_next_descriptor() {
    let mut driver = Driver::started(&Setup::default());
    let sent = with_fcs(frame(STATION, 100));
    driver.hear(&sent);
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 104));
    assert_eq!(driver.bytes(RX_BUFFERS, 104), sent);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 1), (0x0300, 64));
    assert_eq!(driver.status(RX_RING, 2).0, 0x8000);
}

#[test]
fn the_latency_passes_before_the_descriptor_changes() {
    let mut driver = Driver::started(&Setup { latency: 30_000, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.run(30 * US - 2);
    assert_eq!(driver.status(RX_RING, 0).0, 0x8000);
    driver.run(1);
    assert_eq!(driver.status(RX_RING, 0).0, 0x0300);
}

#[test]
fn destinations() {
    let group = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
    let bit = crc::filter_bit(&group);
    let mut filter = [0; 4];
    filter[bit as usize / 16] = 1 << (bit % 16);
    let accepts = |mode: u16, filter: [u16; 4], to: [u8; 6]| {
        let mut driver = Driver::started(&Setup { mode, filter, ..Setup::default() });
        driver.hear(&with_fcs(frame(to, 60)));
        driver.status(RX_RING, 0).0 == 0x0300
    };
    let none = [0; 4];
    assert!(accepts(0, none, STATION));
    assert!(!accepts(0, none, PEER));
    assert!(accepts(0x8000, none, PEER));
    assert!(accepts(0, none, [0xff; 6]));
    assert!(!accepts(0, none, group));
    assert!(accepts(0, filter, group));
    assert!(!accepts(0, filter, [0x01, 0x00, 0x5e, 0x00, 0x00, 0x02]));
    assert!(accepts(0x8000, none, group));
    assert!(accepts(0, [0xffff; 4], [0x03, 1, 2, 3, 4, 5]));
}

#[test]
fn fragments_are_not_seen() {
    let mut driver = Driver::started(&Setup::default());
    driver.hear(&with_fcs(frame(STATION, 59)));
    driver.hear(&[0x08]);
    assert_eq!(driver.read_csr(0) & (RINT | MISS), 0);
    assert_eq!(driver.status(RX_RING, 0).0, 0x8000);
}

#[test]
fn a_bad_check_sequence_is_marked_at_the_end_of_the_frame() {
    let mut driver = Driver::started(&Setup::default());
    let mut bad = with_fcs(frame(STATION, 60));
    bad[20] ^= 1;
    driver.hear(&bad);
    assert_eq!(driver.status(RX_RING, 0).0, 0x0300 | ERRS | CRC);
    assert_eq!(driver.read_csr(0) & (ERR | RINT), RINT);
}

#[test]
fn without_a_buffer_the_frame_is_missed() {
    let mut driver = Driver::started(&Setup { rx_log: 0, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    driver.csr(0, RINT | INEA);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.read_csr(0) & (ERR | MISS | RINT | INTR), ERR | MISS | INTR);
    assert!(driver.lance.interrupt());
    driver.csr(0, MISS | INEA);
    assert_eq!(driver.read_csr(0) & (ERR | MISS | INTR), 0);
    // The descriptor comes back and is used again.
    driver.descriptor(RX_RING, 0, RX_BUFFERS, 0x8000, 1536);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 64));
}

#[test]
fn a_long_frame_is_chained() {
    let mut driver = Driver::started(&Setup { rx_size: 100, ..Setup::default() });
    let sent = with_fcs(frame(STATION, 250));
    driver.hear(&sent);
    assert_eq!(driver.status(RX_RING, 0).0, 0x0200);
    assert_eq!(driver.status(RX_RING, 1).0, 0x0000);
    assert_eq!(driver.status(RX_RING, 2), (0x0100, 254));
    assert_eq!(driver.status(RX_RING, 3).0, 0x8000);
    let mut stored = driver.bytes(RX_BUFFERS, 100);
    stored.extend(driver.bytes(RX_BUFFERS + 0x800, 100));
    stored.extend(driver.bytes(RX_BUFFERS + 0x1000, 54));
    assert_eq!(stored, sent);
}

#[test]
fn a_frame_that_fills_its_buffer_needs_no_other() {
    let mut driver = Driver::started(&Setup { rx_size: 64, rx_log: 0, ..Setup::default() });
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 64));
}

#[test]
fn a_chain_that_ends_too_soon_is_a_buffer_error() {
    let mut driver = Driver::started(&Setup { rx_size: 100, ..Setup::default() });
    driver.descriptor(RX_RING, 2, RX_BUFFERS + 0x1000, 0, 100);
    driver.hear(&with_fcs(frame(STATION, 250)));
    assert_eq!(driver.status(RX_RING, 0).0, 0x0200);
    assert_eq!(driver.status(RX_RING, 1).0, ERRS | BUFF);
    assert_eq!(driver.read_csr(0) & RINT, RINT);
}

#[test]
fn byte_swap_changes_data_only() {
    let mut driver = Driver::initialized(&Setup::default());
    driver.csr(0, STOP);
    driver.csr(1, INIT_BLOCK as u16);
    driver.csr(3, BSWP);
    driver.csr(0, INIT | STRT);
    driver.run(10 * US);
    let sent = with_fcs(frame(STATION, 60));
    driver.hear(&sent);
    assert_eq!(driver.status(RX_RING, 0), (0x0300, 64));
    let stored = driver.bytes(RX_BUFFERS, 64);
    let swapped: Vec<u8> = sent.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    assert_eq!(stored, swapped);
}

#[test]
fn addresses_beyond_the_memory_wrap() {
    let mut driver = Driver::started(&Setup::default());
    driver.descriptor(RX_RING, 0, 0x00fe_0000 + 0x3000, 0x8000, 1536);
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.bytes(0x3000, 6), STATION);
}
