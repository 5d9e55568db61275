//! ELF files that are to become programs of a boot image: refused, or made of pages where programs are; what can be built can
//! be read, and is accepted again.
#![no_main]

use aegis_abi::layout::PAGE_SIZE;
use bootimage::executable::{PROCESS_DATA, PROGRAM_END, PROGRAM_START};
use bootimage::{Executable, Program, build, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(executable) = Executable::parse(data) else { return };
    for (index, segment) in executable.segments.iter().enumerate() {
        let end = u64::from(segment.address) + u64::from(segment.memory_bytes);
        let inside = |start: u32, limit: u32| segment.address >= start && end <= u64::from(limit);
        assert!(inside(PROGRAM_START, PROGRAM_END) || inside(PROCESS_DATA.start, PROCESS_DATA.end));
        assert!(segment.contents.len() as u64 <= u64::from(segment.memory_bytes));
        let page = |address: u64| address / u64::from(PAGE_SIZE);
        if let Some(next) = executable.segments.get(index + 1) {
            assert!(
                segment.memory_bytes == 0 || page(end - 1) < page(next.address.into()),
                "pages are shared"
            );
        }
    }
    let code = executable.segments.iter().filter(|segment| segment.executable);
    let at_entry = |segment: &&bootimage::executable::Segment| {
        executable.entry >= segment.address && executable.entry - segment.address < segment.memory_bytes
    };
    assert!(executable.entry % 4 == 0 && code.into_iter().any(|segment| at_entry(&segment)));
    assert_eq!(Executable::parse(&executable.file).as_ref().map(|again| again.entry), Ok(executable.entry));
    if executable.is_bare() {
        let image = build(&[Program { name: "fuzzed", file: data }]).expect("it was accepted");
        let read = parse(&image).expect("it was built");
        assert_eq!(read.programs[0].file, executable.file);
        assert_eq!(read.first_pages.len(), executable.pages().count());
    }
});
