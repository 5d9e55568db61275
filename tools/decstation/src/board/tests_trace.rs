//! The access log.

use super::*;

#[test]
fn unanswered_accesses_are_kept_without_tracing() {
    let mut log = TraceLog::new();
    log.access(Region::Csr, 0x1ff0_0000, Width::Word, None, 5, 1);
    log.unanswered(Region::EmptySlot(0), 0x1e00_0000, Width::Byte, None, 2);
    let entries = log.take();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        entries[0].to_string(),
        "           2 read   8 0x1e000000 0x00000000 TURBOchannel slot 0 (empty): no answer"
    );
    assert!(log.take().is_empty());
}

#[test]
fn tracing_shows_name_address_and_value() {
    let mut log = TraceLog::new();
    log.set(true);
    log.access(Region::Csr, 0x1ff0_0000, Width::Word, Some(0xff), 0xff, 10);
    assert_eq!(log.take()[0].to_string(), "          10 write 32 0x1ff00000 0x000000ff CSR");
}

#[test]
fn the_log_is_bounded() {
    let mut log = TraceLog::new();
    for cycle in 0..CAPACITY as u64 + 3 {
        log.unanswered(Region::Memory, 0, Width::Word, None, cycle);
    }
    assert_eq!(log.take().len(), CAPACITY);
    assert_eq!(log.dropped(), 3);
}

#[test]
fn odd_accesses_and_missing_functions_are_kept_without_tracing() {
    let mut log = TraceLog::new();
    log.access(Region::Dz, 0x1fe0_0020, Width::Half, None, 5, 1);
    log.rom_write(Region::Rom, 0x1fc0_0000, Width::Byte, 7, 2);
    log.prom("bootinit", 0x1fc0_2150, u32::MAX, 3);
    let lines: Vec<String> = log.take().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "           1 read  16 0x1fe00020 0x00000005 DZ serial lines: an undocumented image",
            "           2 write  8 0x1fc00000 0x00000007 system ROM: write to ROM ignored",
            "           3 call     0x1fc02150 system ROM: bootinit is not provided, 0xffffffff returned",
        ]
    );
}
