//! Published check values.

use super::*;

#[test]
fn the_standard_check_value() {
    assert_eq!(fcs(b"123456789"), 0xcbf4_3926);
    assert_eq!(fcs(b""), 0);
}

#[test]
fn a_frame_checks_until_a_bit_changes() {
    let mut frame = b"The quick brown fox jumps over the lazy dog".to_vec();
    append_fcs(&mut frame);
    assert_eq!(frame[frame.len() - 4..], 0x414f_a339u32.to_le_bytes());
    assert!(is_good(&frame));
    frame[3] ^= 0x10;
    assert!(!is_good(&frame));
    assert!(!is_good(&[1, 2, 3]));
}

/// The data sheet's table "Mapping of logical address to filter mask": the first byte of an
/// address `xx 00 00 00 00 00` that selects each filter bit.
#[test]
fn the_filter_table_of_the_data_sheet() {
    let first = [
        0x85, 0xa5, 0xe5, 0xc5, 0x45, 0x65, 0x25, 0x05, 0x2b, 0x0b, 0x4b, 0x6b, 0xeb, 0xcb, 0x8b, 0xab, 0xc7,
        0xe7, 0xa7, 0x87, 0x07, 0x27, 0x67, 0x47, 0x69, 0x49, 0x09, 0x29, 0xa9, 0x89, 0xc9, 0xe9,
    ];
    for (bit, &byte) in first.iter().enumerate() {
        assert_eq!(filter_bit(&[byte, 0, 0, 0, 0, 0]), bit as u32, "{byte:#04x}");
    }
}

#[test]
fn well_known_groups() {
    // IP's all-hosts group and the spanning-tree group.
    let all_hosts = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
    assert!(filter_bit(&all_hosts) < 64);
    assert_ne!(filter_bit(&all_hosts), filter_bit(&[0x01, 0x80, 0xc2, 0, 0, 0]));
}
