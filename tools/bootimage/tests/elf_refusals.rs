//! Every reason to refuse an ELF file, by its message.

mod common;

use bootimage::{ElfError, Executable};
use common::*;

#[track_caller]
fn refused(file: &[u8], message: &str) {
    let reason = Executable::parse(file).expect_err("a refusal");
    assert_eq!(reason.to_string(), message);
}

#[track_caller]
fn accepted(file: &[u8]) {
    Executable::parse(file).expect("a program");
}

#[test]
fn the_default_is_a_program() {
    accepted(&Elf::default().build());
}

#[test]
fn not_elf() {
    refused(b"", "not an ELF file");
    refused(b"\x7fELF", "not an ELF file");
    refused(&Elf::default().build()[..51], "not an ELF file");
    refused(&elf(|e| e.magic = *b"#!/b"), "not an ELF file");
}

#[test]
fn not_32_bit() {
    refused(&elf(|e| e.class = 2), "not a 32-bit ELF file");
}

#[test]
fn not_little_endian() {
    refused(&elf(|e| e.data = 2), "not little-endian");
}

#[test]
fn not_mips() {
    refused(&elf(|e| e.machine = 40), "not for MIPS (machine 40)");
}

#[test]
fn not_executable() {
    for file_type in [1, 3] {
        refused(
            &elf(|e| e.file_type = file_type),
            &format!("not a static executable (ELF type {file_type}, need 2, ET_EXEC)"),
        );
    }
}

#[test]
fn later_isa() {
    refused(
        &elf(|e| e.flags = 0x5000_1000),
        "needs a later instruction set than MIPS-I (e_flags 0x50001000)",
    );
}

#[test]
fn file_too_large() {
    let loading = |size: u32| {
        elf(|e| {
            let data = &mut e.headers[1];
            (data.offset, data.file_bytes) = (size - 8, 8);
            data.address = 0x0002_1000 + (size - 8) % 0x1000;
            e.contents.resize(size as usize - 0x1000, 1);
        })
    };
    accepted(&loading(4 << 20));
    refused(
        &loading((4 << 20) + 1),
        "too large: 4194305 bytes without what is not loaded, the limit is 4194304",
    );
    // What is not loaded does not count.
    let mut file = Elf::default().build();
    file.resize(8 << 20, 0);
    accepted(&file);
}

#[test]
fn program_header_size() {
    refused(&elf(|e| e.header_size = 56), "program headers of 56 bytes, need 32");
}

#[test]
fn program_headers_outside_file() {
    let message = "the program header table lies outside the file";
    refused(&elf(|e| e.header_offset = 0x1000), message);
    refused(&elf(|e| e.header_offset = 0xffff_fff0), message);
}

#[test]
fn program_headers_in_header() {
    // Found by the fuzzer: the header is rewritten in the image, and with it what had been checked.
    let mut file = Elf::default().build();
    file[28..32].copy_from_slice(&20u32.to_le_bytes());
    refused(&file, "the program header table lies in the file's header");
}

#[test]
fn no_segment() {
    refused(&elf(|e| e.headers.clear()), "no loadable segment");
    refused(&elf(|e| e.headers.iter_mut().for_each(|h| h.kind = 4)), "no loadable segment");
    let empty = elf(|e| {
        for header in &mut e.headers {
            (header.file_bytes, header.memory_bytes) = (0, 0);
        }
    });
    refused(&empty, "no loadable segment");
}

#[test]
fn dynamic() {
    for kind in [PT_DYNAMIC, PT_INTERP] {
        refused(&elf(|e| e.headers[1].kind = kind), "has a dynamic or interpreter segment");
    }
}

#[test]
fn file_larger_than_memory() {
    refused(
        &elf(|e| e.headers[0].memory_bytes = 15),
        "segment at 0x00020000 is larger in the file than in memory",
    );
}

#[test]
fn segment_outside_file() {
    let message = "segment at 0x00021010 lies outside the file";
    refused(&elf(|e| e.headers[1].file_bytes = 9), message);
    refused(&elf(|e| e.headers[1].offset = 0xffff_f010), message);
    // The end of the range wraps around.
    refused(&elf(|e| e.headers[1].offset = 0xffff_fffc), message);
}

#[test]
fn bytes_that_are_not_loaded_may_be_anywhere() {
    // Found by the fuzzer: the image carries the file no further than its last loaded byte, so it was refused when it was
    // read again.
    let file = elf(|e| {
        e.headers[1].file_bytes = 0;
        e.headers[1].offset = 0x0100_0010;
    });
    accepted(&file);
    accepted(&bootimage::Executable::parse(&file).unwrap().file);
}

#[test]
fn address_overflow() {
    refused(
        &elf(|e| e.headers[1].memory_bytes = 0xffff_ffff),
        "segment at 0x00021010 runs past the address space",
    );
}

#[test]
fn outside_program_space() {
    for address in [0x10, 0xf010, 0x0007_c010, 0x7fff_0010, 0x8000_1010] {
        refused(
            &elf(|e| e.headers[1].address = address),
            &format!(
                "segment at {address:#010x} lies outside the space for programs \
                 (0x00010000..0x0007c000)"
            ),
        );
    }
    accepted(&elf(|e| e.headers[1].address = 0x0001_0010));
}

#[test]
fn misaligned() {
    refused(
        &elf(|e| e.headers[1].address = 0x0002_1014),
        "segment at 0x00021014 is misaligned: file offset 0x1010 differs within the page",
    );
}

#[test]
fn overlap() {
    refused(
        &elf(|e| e.headers[1].address = 0x0002_0010),
        "segments at 0x00020000 and 0x00020010 share a page",
    );
    // In whichever order the headers stand.
    let swapped = elf(|e| {
        e.headers[1].address = 0x0002_0010;
        e.headers.swap(0, 1);
    });
    refused(&swapped, "segments at 0x00020000 and 0x00020010 share a page");
    refused(
        &elf(|e| {
            e.headers[1].address = 0x0001_f010;
        }),
        "segments at 0x0001f010 and 0x00020000 share a page",
    );
}

#[test]
fn memory_too_large() {
    // One byte over the end, and just not.
    let up_to = |end: u32| elf(|e| e.headers[1].memory_bytes = end - 0x0002_1010);
    accepted(&up_to(0x0007_c000));
    for end in [0x0007_c001, 0x7000_0000] {
        refused(
            &up_to(end),
            &format!(
                "too large in memory: segment at 0x00021010 ends at {end:#010x}, \
                 the limit is 0x0007c000"
            ),
        );
    }
}

#[test]
fn entry_unaligned() {
    refused(&elf(|e| e.entry = 0x0002_0002), "entry point 0x00020002 is not at a word address");
}

#[test]
fn entry_not_executable() {
    for entry in [0, 0x0001_fffc, 0x0002_0010, 0x0002_1010, 0xffff_fffc] {
        assert_eq!(Executable::parse(&elf(|e| e.entry = entry)), Err(ElfError::EntryNotExecutable(entry)));
    }
    refused(&elf(|e| e.entry = 0x0002_1010), "entry point 0x00021010 is not in an executable segment");
    accepted(&elf(|e| e.entry = 0x0002_000c));
}
