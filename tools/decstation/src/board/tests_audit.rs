//! Which answered accesses are odd.

use super::*;

fn odd(paddr: u32, width: Width) -> Option<Note> {
    oddity(Region::decode(paddr).0, paddr, width, false)
}

#[test]
fn what_operating_systems_do_is_not_odd() {
    for (paddr, width) in [
        (0x1ff0_0000, Width::Word), // CSR
        (0x1fd8_0000, Width::Word), // ERRADDR
        (0x1fe0_0018, Width::Half), // TDR
        (0x1fe0_0019, Width::Byte), // its breaks
        (0x1fe0_0011, Width::Byte), // TCR's modem outputs
        (0x1fe8_00fc, Width::Byte), // the last byte of the clock's memory
        (0x1fe8_0028, Width::Word), // the clock, read as words
        (0x1f90_0004, Width::Half), // RAP
        (0x1f90_0000, Width::Word), // RDP, as a word
        (0x1f80_0001, Width::Byte), // buffer memory
        (0x1f9c_0002, Width::Byte), // station address
        (0x1fbc_03f0, Width::Byte), // identification ROM
        (0x1fc0_0100, Width::Word), // system ROM
    ] {
        assert_eq!(odd(paddr, width), None, "{paddr:#010x}");
    }
}

#[test]
fn images_and_gaps_are() {
    for (paddr, width, note) in [
        (0x1ff0_0004, Width::Word, Note::Image),
        (0x1fd0_1000, Width::Word, Note::Image),
        (0x1fe0_0020, Width::Half, Note::Image),
        (0x1fe0_000c, Width::Half, Note::Image),
        (0x1fe0_001a, Width::Half, Note::NoRegister),
        (0x1fe8_0100, Width::Byte, Note::Image),
        (0x1fe8_0001, Width::Byte, Note::NoRegister),
        (0x1f90_0008, Width::Half, Note::Image),
        (0x1f90_0002, Width::Half, Note::NoRegister),
        (0x1f90_0000, Width::Byte, Note::NoRegister),
        (0x1fb0_0000, Width::Half, Note::Image),
        (0x1f82_0000, Width::Word, Note::Image),
        (0x1fa0_0000, Width::Word, Note::Image),
    ] {
        assert_eq!(odd(paddr, width), Some(note), "{paddr:#010x}");
    }
}

#[test]
fn line_parameters_are_written_whole() {
    let write = |width| oddity(Region::Dz, 0x1fe0_0008, width, true);
    assert_eq!(write(Width::Byte), Some(Note::NoRegister));
    assert_eq!(write(Width::Half), None);
    // Half a received character can be read.
    assert_eq!(odd(0x1fe0_0008, Width::Byte), None);
}
