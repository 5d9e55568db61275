//! Hostile input: no file and no image makes the library panic, and what is built can be read.

mod common;

use aegis_abi::image;
use bootimage::{Executable, Program, build, parse, words};
use common::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Overwrites single bytes, positions taken modulo the length.
fn mutate(bytes: &mut [u8], changes: &[(usize, u8)]) {
    for &(position, value) in changes {
        let position = position % bytes.len();
        bytes[position] = value;
    }
}

/// Changes to the first bytes, where the headers are.
fn changes(within: usize) -> impl Strategy<Value = Vec<(usize, u8)>> {
    let value = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x80), Just(0x7f)];
    vec((0..within, value), 1..8)
}

/// Two non-overlapping segments of any size, over contents of any length.
fn any_program() -> impl Strategy<Value = Vec<u8>> {
    let contents = vec(any::<u8>(), 16..0x3000);
    (contents, 0_u32..0x3000, 1_u32..0x40, any::<bool>()).prop_map(|(contents, extra, gap, writable)| {
        elf(|e| {
            let half = (contents.len() as u32 / 2).next_multiple_of(4);
            let code = &mut e.headers[0];
            (code.file_bytes, code.memory_bytes) = (half, half);
            let data_offset = 0x1000 + half;
            let data = &mut e.headers[1];
            data.offset = data_offset;
            data.address = 0x0002_0000 + half + (gap + 1) * 0x1000;
            data.file_bytes = contents.len() as u32 - half;
            data.memory_bytes = data.file_bytes + extra;
            data.flags = if writable { R | W } else { R };
            e.contents = contents;
        })
    })
}

proptest! {
    #[test]
    fn headers_are_bytes_and_back(bytes in vec(any::<u8>(), 2080)) {
        let header = words::header_from_bytes(bytes.first_chunk().unwrap());
        prop_assert_eq!(&words::header_to_bytes(&header)[..], &bytes);
    }

    #[test]
    fn a_damaged_elf_file_never_panics(changes in changes(0x80), cut in any::<Option<usize>>()) {
        let mut file = Elf::default().build();
        mutate(&mut file, &changes);
        if let Some(cut) = cut {
            file.truncate(cut % file.len());
        }
        if let Ok(executable) = Executable::parse(&file) {
            for page in executable.pages() {
                prop_assert!(page.contents.is_none_or(|contents| contents.len() == 4096));
            }
            // What is accepted can be built and read, but for a process in the first place.
            let built = build(&[Program { name: "a", file: &file }]);
            prop_assert_eq!(built.is_ok(), executable.is_bare());
            if let Ok(image) = built {
                prop_assert!(parse(&image).is_ok());
            }
        }
    }

    #[test]
    fn random_bytes_are_no_image_and_never_panic(bytes in vec(any::<u8>(), 0..0x3000)) {
        prop_assert!(parse(&bytes).is_err());
        prop_assert!(Executable::parse(&bytes).is_err());
    }

    #[test]
    fn a_damaged_image_never_panics(
        in_header in changes(0x60),
        in_table in changes(0x18),
        resealed in any::<bool>(),
    ) {
        let file = Elf::default().build();
        let mut image = build(&[Program { name: "a", file: &file }]).unwrap();
        mutate(&mut image, &in_header);
        mutate(&mut image[0x1000..], &in_table);
        if resealed {
            let mut header = words::header_from_bytes(image.first_chunk().unwrap());
            header.checksum = image::checksum(header.words());
            image[..2080].copy_from_slice(&words::header_to_bytes(&header));
        }
        if let Ok(image) = parse(&image) {
            let _ = image.to_string();
        }
    }

    #[test]
    fn what_is_built_can_be_read(files in vec(any_program(), 1..5)) {
        let names: Vec<String> = (0..files.len()).map(|n| format!("program-{n}")).collect();
        let programs: Vec<_> =
            names.iter().zip(&files).map(|(name, file)| Program { name, file }).collect();
        let bytes = build(&programs).unwrap();
        let image = parse(&bytes).unwrap();
        prop_assert_eq!(image.programs.len(), programs.len());
        for (read, built) in image.programs.iter().zip(&programs) {
            prop_assert_eq!(&read.name, built.name);
            let executable = Executable::parse(built.file).unwrap();
            prop_assert_eq!(read.file, executable.file);
        }
        let executable = Executable::parse(&files[0]).unwrap();
        prop_assert_eq!(image.first_entry, executable.entry);
        let pages: Vec<_> = executable.pages().collect();
        prop_assert_eq!(image.first_pages.len(), pages.len());
        for (read, built) in image.first_pages.iter().zip(&pages) {
            prop_assert_eq!(read.address, built.address);
            prop_assert_eq!(read.writable, built.writable);
            prop_assert_eq!(read.contents.map(|(_, bytes)| bytes), built.contents.as_deref());
        }
    }
}
