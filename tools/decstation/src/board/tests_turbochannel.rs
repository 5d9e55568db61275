//! What drivers check before they believe in the module.

use super::*;

fn bytes(rom: &mut OptionRom, offset: u32, count: u32) -> Vec<u8> {
    (0..count).map(|index| rom.read(offset + 4 * index, Width::Byte, 0).unwrap() as u8).collect()
}

#[test]
fn the_identification_is_one_byte_a_word() {
    let mut rom = OptionRom::new([8, 0, 0x2b, 1, 2, 3]);
    assert_eq!(bytes(&mut rom, 0x3e0, 4), [1, 4, 1, 1]);
    assert_eq!(bytes(&mut rom, 0x3f0, 4), [0x55, 0x00, 0xaa, 0xff]);
    assert_eq!(bytes(&mut rom, 0x420, 8), *b"DEC     ");
    assert_eq!(bytes(&mut rom, 0x440, 8), *b"PMAD-AA ");
    assert_eq!(bytes(&mut rom, 0x460, 4), *b"TCF0");
}

#[test]
fn the_station_address_has_mirror_and_pattern() {
    let address = [8, 0, 0x2b, 0x1f, 2, 3];
    let mut rom = OptionRom::new(address);
    let station = bytes(&mut rom, 2, 32);
    assert_eq!(station[..6], address);
    for index in 0..8 {
        assert_eq!(station[index], station[15 - index]);
        assert_eq!(station[index], station[16 + index]);
    }
    assert_eq!(station[24..28], [0xff, 0x00, 0x55, 0xaa]);
    assert_eq!(bytes(&mut rom, 0x82, 6), address);
}

#[test]
fn the_checksum_folds_its_carries() {
    // 0x0008, 0x1f2b, 0x0302: ((8 * 2 + 0x1f2b) * 2) + 0x0302.
    assert_eq!(station_checksum([8, 0, 0x2b, 0x1f, 2, 3]), 0x4178);
    // 0xffff doubled wraps to itself: all ones count as zero.
    assert_eq!(station_checksum([0xff; 6]), 0);
    // 0x8000 * 2 = 0x10000 -> 1, + 0 = 1, * 2 = 2, + 0 = 2.
    assert_eq!(station_checksum([0, 0x80, 0, 0, 0, 0]), 2);
}
