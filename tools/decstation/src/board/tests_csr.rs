//! CSR: what reads back, what is write-only, the cascade.

use super::*;

/// What is read besides at cycle 0: no jumper is in, and the even bank is being refreshed.
const JUMPERS: u32 = 0x0700_0000;

#[test]
fn low_byte_reads_requests_and_writes_leds() {
    let mut csr = Csr::new(16 << 20);
    csr.write(0, 0x00ff_20aa, Width::Word, 0).unwrap();
    csr.set_pending(0x40);
    assert_eq!(csr.read(0, Width::Word, 0), Ok(JUMPERS | 0x00ff_2040));
    assert_eq!(csr.leds(), 0xaa);
}

#[test]
fn reserved_high_bits_do_not_stick() {
    let mut csr = Csr::new(16 << 20);
    csr.write(0, 0xffff_ffff, Width::Word, 0).unwrap();
    assert_eq!(csr.read(0, Width::Word, 0), Ok(JUMPERS | 0x00ff_ff00));
    assert!(csr.fast_line_rate() && csr.transmitters_disabled());
}

#[test]
fn ip2_is_any_request_that_is_enabled() {
    let mut csr = Csr::new(16 << 20);
    assert!(!csr.cascade(0xff));
    csr.write(0, 0x0080_0000, Width::Word, 0).unwrap();
    assert!(csr.cascade(0x80));
    assert!(!csr.cascade(0x40));
    csr.write(0, 0x0040_0000, Width::Word, 0).unwrap();
    assert!(csr.cascade(0xc0));
    assert!(!csr.cascade(0x80));
}

#[test]
fn parts_of_the_register_can_be_accessed() {
    let mut csr = Csr::new(16 << 20);
    csr.write(2, 0x81, Width::Byte, 0).unwrap();
    assert_eq!(csr.read(0, Width::Word, 0), Ok(JUMPERS | 0x0081_2000));
    assert_eq!(csr.read(2, Width::Half, 0), Ok(0x0781));
}

#[test]
fn what_the_prom_leaves() {
    let mut small = Csr::new(120 << 20);
    assert_eq!(small.read(0, Width::Word, 0), Ok(JUMPERS | 0x2000));
    let mut large = Csr::new(128 << 20);
    assert_eq!(large.read(0, Width::Word, 0), Ok(JUMPERS | 0x2400));
}

#[test]
fn refresh_alternates() {
    let mut csr = Csr::new(16 << 20);
    let mut even = |now| csr.read(3, Width::Byte, now).unwrap() & 2 != 0;
    assert!(even(389) && !even(390) && !even(779) && even(780));
}
