use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

extern crate std;

const LIMITS: Limits = Limits { read_only: 0x1_0000..0x6_0000, writable: 0x10_0000..0x1000_0000 };

/// A sound file: code at 0x10000, data at 0x100000.
fn sound() -> Vec<u8> {
    let mut file = vec![0; 3 * 4096];
    file[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
    let mut put16 = |at: usize, value: u16| file[at..at + 2].copy_from_slice(&value.to_le_bytes());
    put16(16, elf::ET_EXEC);
    put16(18, elf::EM_MIPS);
    put16(42, 32);
    put16(44, 2);
    let mut put = |at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(24, 0x1_0600);
    put(28, 52);
    let rows =
        [[1, 0, 0x1_0000, 0, 0x1000, 0x1000, 5, 4096], [1, 0x1000, 0x10_0000, 0, 0x1800, 0x4000, 6, 4096]];
    for (index, row) in rows.iter().enumerate() {
        for (word, value) in row.iter().enumerate() {
            put(52 + 32 * index + 4 * word, *value);
        }
    }
    file
}

fn checked(file: &[u8]) -> Result<Executable, Malformed> {
    check(&file[..file.len().min(4096)], file.len() as u32, &LIMITS)
}

fn with(at: usize, value: u32) -> Result<Executable, Malformed> {
    let mut file = sound();
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    checked(&file)
}

#[test]
fn a_sound_file_is_read() {
    let found = checked(&sound()).expect("it is sound");
    assert_eq!((found.entry, found.count), (0x1_0600, 2));
    assert!(found.segments[0].executable && !found.segments[0].writable);
    assert_eq!(found.segments[1].memory_bytes, 0x4000);
}

#[test]
fn each_fault_has_its_name() {
    assert_eq!(checked(&sound()[..40]), Err(Malformed::TooShort));
    assert_eq!(with(0, 0), Err(Malformed::NotElf));
    assert_eq!(with(16, 0x0008_0003), Err(Malformed::NotExecutable));
    assert_eq!(with(28, 4090), Err(Malformed::ProgramHeaders));
    assert_eq!(with(28, u32::MAX - 3), Err(Malformed::ProgramHeaders));
    assert_eq!(with(44, 0), Err(Malformed::SegmentCount));
    assert_eq!(with(52 + 8, 0x1_0004), Err(Malformed::Alignment));
    assert_eq!(with(52 + 4, 0x2000_0000), Err(Malformed::OutsideFile));
    assert_eq!(with(52 + 16, 0xffff_f000), Err(Malformed::OutsideFile));
    assert_eq!(with(52 + 8, 0xf000), Err(Malformed::OutsideLimits));
    assert_eq!(with(84 + 20, 0xffff_ffff), Err(Malformed::OutsideLimits));
    assert_eq!(with(84 + 8, 0x1_0000), Err(Malformed::OutsideLimits));
    assert_eq!(with(24, 0x1_0602), Err(Malformed::Entry));
    assert_eq!(with(24, 0x10_0000), Err(Malformed::Entry));
    assert_eq!(with(24, 0x1_1000), Err(Malformed::Entry));
    // Both writable, on one page.
    let mut file = sound();
    file[52 + 24..52 + 28].copy_from_slice(&7u32.to_le_bytes());
    file[52 + 8..52 + 12].copy_from_slice(&0x10_3000u32.to_le_bytes());
    assert_eq!(checked(&file), Err(Malformed::Overlap));
}

/// What [`Executable`] promises.
fn promises(found: &Executable, bytes: u32) {
    let segments = &found.segments[..found.count];
    for (index, segment) in segments.iter().enumerate() {
        assert_eq!((segment.address % 4096, segment.file_offset % 4096), (0, 0));
        assert!(
            segment.file_bytes == 0
                || u64::from(segment.file_offset) + u64::from(segment.file_bytes) <= u64::from(bytes)
        );
        let end = u64::from(segment.address) + u64::from(segment.memory_bytes);
        let limits = if segment.writable { &LIMITS.writable } else { &LIMITS.read_only };
        assert!(segment.address >= limits.start && end <= u64::from(limits.end));
        for other in &segments[index + 1..] {
            let other_end = u64::from(other.address) + u64::from(other.memory_bytes);
            let apart = end.div_ceil(4096) * 4096 <= u64::from(other.address)
                || other_end.div_ceil(4096) * 4096 <= u64::from(segment.address);
            assert!(apart);
        }
    }
    assert!(
        segments.iter().any(|s| s.executable && (s.address..s.address + s.file_bytes).contains(&found.entry))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn damaged_files_are_refused_or_keep_the_promises(changes in prop::collection::vec((0usize..120, any::<u8>()), 0..4), bytes in prop_oneof![Just(3 * 4096u32), any::<u32>()]) {
        let mut file = sound();
        for (at, value) in changes {
            file[at] = value;
        }
        if let Ok(found) = check(&file[..4096], bytes, &LIMITS) {
            promises(&found, bytes);
        }
    }

    #[test]
    fn noise_is_refused(page in prop::collection::vec(any::<u8>(), 0..200), bytes: u32) {
        if let Ok(found) = check(&page, bytes, &LIMITS) {
            promises(&found, bytes);
        }
    }
}
