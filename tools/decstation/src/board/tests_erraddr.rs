//! ERRADDR: reads, writes, the first error, clearing.

use super::*;

#[test]
fn a_read_timeout_is_recorded_without_an_interrupt() {
    let mut errors = ErrorAddress::new();
    errors.latch(0x1e00_0000, false);
    assert_eq!(errors.read(0, Width::Word, 0), Ok(0xc000_0000 | 0x1e00_0000 >> 2));
    assert!(!errors.interrupt());
}

#[test]
fn a_write_timeout_interrupts_until_any_write() {
    let mut errors = ErrorAddress::new();
    errors.latch(0x1000_0004, true);
    assert_eq!(errors.read(0, Width::Word, 0), Ok(0xe400_0001));
    assert!(errors.interrupt());
    errors.write(0, 0x1234, Width::Word, 0).unwrap();
    assert_eq!(errors.read(0, Width::Word, 0), Ok(0));
    assert!(!errors.interrupt());
}

#[test]
fn the_first_error_stays() {
    let mut errors = ErrorAddress::new();
    errors.latch(0x100, false);
    errors.latch(0x200, true);
    assert_eq!(errors.read(0, Width::Word, 0), Ok(VALID | CPU | 0x40));
    assert!(errors.interrupt());
}
