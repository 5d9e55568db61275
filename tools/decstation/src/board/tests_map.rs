//! The address map against the KN02 specification's table.

use super::*;

#[test]
fn every_register_is_where_operating_systems_look() {
    for (paddr, region) in [
        (0x0000_0000, Region::Memory),
        (0x1dff_ffff, Region::Memory),
        (0x1e00_0000, Region::EmptySlot(0)),
        (0x1e40_0000, Region::EmptySlot(1)),
        (0x1e80_0000, Region::EmptySlot(2)),
        (0x1f40_0000, Region::EmptySlot(5)),
        (0x1f80_0000, Region::LanceBuffer),
        (0x1f90_0000, Region::LanceRegisters),
        (0x1f9c_0002, Region::LanceRom),
        (0x1fbc_03f0, Region::LanceRom),
        (0x1fc0_0000, Region::Rom),
        (0x1fc8_0000, Region::Reserved),
        (0x1fd0_0000, Region::CheckSyndrome),
        (0x1fd8_0000, Region::ErrorAddress),
        (0x1fe0_0018, Region::Dz),
        (0x1fe8_0000, Region::Rtc),
        (0x1ff0_0000, Region::Csr),
        (0x1ff8_0000, Region::Rom),
        (0x2000_0000, Region::Outside),
    ] {
        assert_eq!(Region::decode(paddr).0, region, "{paddr:#010x}");
    }
}

#[test]
fn images_fold_onto_one_offset() {
    assert_eq!(Region::decode(0x1f82_0004), (Region::LanceBuffer, 4));
    assert_eq!(Region::decode(0x1fa0_0004), (Region::LanceBuffer, 4));
    assert_eq!(Region::decode(0x1fbc_03e0), (Region::LanceRom, 0x3e0));
    assert_eq!(Region::decode(0x1fc0_0100), Region::decode(0x1ff8_0100));
}

#[test]
fn classes_of_access() {
    for (paddr, class) in [
        (0x1000_0000, AccessClass::Empty),
        (0x1e00_0000, AccessClass::Empty),
        (0x1fc8_0000, AccessClass::Empty),
        (0x1f80_0000, AccessClass::LanceBuffer),
        (0x1f90_0000, AccessClass::Register),
        (0x1ff0_0000, AccessClass::Register),
        (0x1fc0_0000, AccessClass::Rom),
    ] {
        assert_eq!(Region::decode(paddr).0.class(), class, "{paddr:#010x}");
    }
}
