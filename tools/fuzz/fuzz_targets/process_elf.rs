//! ELF files that a process is asked to become: what ExOS's check lets through keeps all that it promises.
#![no_main]

use exos_core::elf::{Limits, check};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { read_only: 0x1_0000..0x6_0000, writable: 0x10_0000..0x1018_0000 };
const PAGE: u64 = 4096;

fuzz_target!(|data: &[u8]| {
    // How long the file is said to be, then its first page.
    let Some((length, page)) = data.split_first_chunk::<4>() else { return };
    let bytes = u32::from_le_bytes(*length);
    let Ok(found) = check(&page[..page.len().min(PAGE as usize)], bytes, &LIMITS) else { return };
    let segments = &found.segments[..found.count];
    let span = |at: u32, length: u32| u64::from(at)..u64::from(at) + u64::from(length);
    for (index, segment) in segments.iter().enumerate() {
        let memory = span(segment.address, segment.memory_bytes);
        let file = span(segment.file_offset, segment.file_bytes);
        assert!(memory.start % PAGE == 0 && file.start % PAGE == 0 && !memory.is_empty());
        assert!(file.is_empty() || file.end <= u64::from(bytes));
        assert!(segment.file_bytes <= segment.memory_bytes);
        let limits = if segment.writable { &LIMITS.writable } else { &LIMITS.read_only };
        assert!(memory.start >= u64::from(limits.start) && memory.end <= u64::from(limits.end));
        for other in &segments[index + 1..] {
            let other = span(other.address, other.memory_bytes);
            assert!(
                memory.end.div_ceil(PAGE) * PAGE <= other.start
                    || other.end.div_ceil(PAGE) * PAGE <= memory.start
            );
        }
    }
    let entry = u64::from(found.entry);
    assert!(entry % 4 == 0);
    assert!(segments.iter().any(|s| s.executable && span(s.address, s.file_bytes).contains(&entry)));
});
