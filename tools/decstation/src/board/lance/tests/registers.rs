//! CSR0 to CSR3, RAP, the initialization block.

use super::*;

#[test]
fn reset_leaves_it_stopped() {
    let mut lance = Lance::new(Clock::new(25_000_000), 0, true);
    assert_eq!(lance.read(0, Width::Half, 0), Ok(u32::from(STOP)));
    assert_eq!(lance.read(4, Width::Half, 0), Ok(0));
    assert!(!lance.interrupt());
    assert_eq!(lance.next_event(), None);
}

#[test]
fn the_ports_are_16_bits_wide() {
    let mut lance = Lance::new(Clock::new(25_000_000), 0, true);
    lance.write(4, 0xffff_fff2, Width::Word, 0).unwrap();
    assert_eq!(lance.read(4, Width::Word, 0), Ok(2));
    lance.write(6, 1, Width::Half, 0).unwrap();
    assert_eq!(lance.read(4, Width::Half, 0), Ok(2));
}

#[test]
fn csr1_to_3_answer_only_while_stopped() {
    let mut driver = Driver::started(&Setup::default());
    assert_eq!(driver.read_csr(1), INIT_BLOCK as u16);
    driver.csr(1, 0x4444);
    assert_eq!(driver.read_csr(1), INIT_BLOCK as u16);
    driver.csr(0, STOP);
    driver.csr(1, 0x4445);
    driver.csr(2, 0xff12);
    driver.csr(3, 0xffff);
    assert_eq!(driver.read_csr(1), 0x4444);
    assert_eq!(driver.read_csr(2), 0x12);
    assert_eq!(driver.read_csr(3), 7);
    driver.csr(0, STOP);
    assert_eq!(driver.read_csr(3), 0);
}

#[test]
fn initialization_takes_its_time_and_interrupts() {
    let mut driver = Driver { lance: Lance::new(Clock::new(25_000_000), 0, true), now: 0 };
    driver.csr(0, INIT | INEA);
    assert_eq!(driver.read_csr(0), INIT | INEA);
    driver.run(10 * US - 1);
    assert!(!driver.lance.interrupt());
    driver.run(1);
    assert!(driver.lance.interrupt());
    assert_eq!(driver.read_csr(0), IDON | INTR | INIT | INEA);
    driver.csr(0, IDON | INEA);
    assert!(!driver.lance.interrupt());
}

#[test]
fn start_turns_on_what_the_mode_does_not_forbid() {
    for (mode, on) in [(0, RXON | TXON), (1, TXON), (2, RXON), (3, 0)] {
        let mut driver = Driver::started(&Setup { mode, ..Setup::default() });
        assert_eq!(driver.read_csr(0), INEA | INIT | STRT | on, "mode {mode}");
    }
}

#[test]
fn init_and_start_together() {
    let mut driver = Driver::initialized(&Setup::default());
    driver.csr(0, STOP);
    driver.csr(1, INIT_BLOCK as u16);
    driver.csr(0, INIT | STRT | INEA);
    driver.run(10 * US);
    assert_eq!(driver.read_csr(0), IDON | INTR | INEA | RXON | TXON | STRT | INIT);
}

#[test]
fn stop_wins_over_everything_and_clears() {
    let mut driver = Driver::started(&Setup::default());
    driver.csr(0, STOP | STRT | INIT | INEA);
    assert_eq!(driver.read_csr(0), STOP);
    // INEA cannot be set while stopped.
    driver.csr(0, INEA);
    assert_eq!(driver.read_csr(0), STOP);
}

#[test]
fn ones_clear_and_inea_follows_each_write() {
    let mut driver = Driver::started(&Setup::default());
    driver.hear(&with_fcs(frame(STATION, 60)));
    assert_eq!(driver.read_csr(0) & (RINT | INTR | INEA), RINT | INTR | INEA);
    assert!(driver.lance.interrupt());
    // The acknowledgement of a driver that switches interrupts off meanwhile.
    driver.csr(0, RINT);
    assert_eq!(driver.read_csr(0) & (RINT | INTR | INEA), 0);
    driver.csr(0, INEA);
    assert!(!driver.lance.interrupt());
}

#[test]
fn an_idle_controller_polls_every_1600_microseconds() {
    let mut driver = Driver::started(&Setup::default());
    assert_eq!(driver.lance.next_event(), Some(driver.now + 1600 * US));
    driver.load(TX_BUFFERS, &frame(PEER, 60));
    driver.descriptor(TX_RING, 0, TX_BUFFERS, 0x8300, 60);
    driver.run(1600 * US - 1);
    assert!(driver.outbox().is_empty());
    driver.run(1);
    assert_eq!(driver.outbox().len(), 1);
}
