//! Images as they are: the exact bytes of a small one, and what is in its pages.

mod common;

use bootimage::{Executable, Program, build, parse, words};
use common::*;
use expect_test::expect;

fn programs() -> [Vec<u8>; 2] {
    [Elf::default().build(), elf(|e| e.headers.truncate(1))]
}

fn small_image() -> Vec<u8> {
    let [init, shell] = programs();
    build(&[Program { name: "init", file: &init }, Program { name: "shell", file: &shell }]).unwrap()
}

/// The bytes that are not zero, 16 to a line.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        if chunk.iter().any(|&byte| byte != 0) {
            let words: Vec<String> =
                chunk.chunks(4).map(|w| w.iter().map(|b| format!("{b:02x}")).collect()).collect();
            text += &format!("{:06x}: {}\n", line * 16, words.join(" "));
        }
    }
    text
}

#[test]
fn header_and_table() {
    expect![[r#"
        000000: 41454731 01000000 08000000 02000000
        000010: 04000200 03000000 01000000 55b79234
        000020: 696e6974 00000000 00000000 00000000
        000030: 04000000 18100000 00000000 00000000
        000040: 7368656c 6c000000 00000000 00000000
        000050: 06000000 10100000 00000000 00000000
        001000: 00000200 02000000 01100200 03000000
        001010: 01200200 ffffffff 00000000 00000000
    "#]]
    .assert_eq(&dump(&small_image()[..2 * 4096]));
}

#[test]
fn listing() {
    expect![[r#"
        boot image version 1: 8 pages, 2 programs, checksum 0x3492b755
          init                4120 bytes at page 4
          shell               4112 bytes at page 6
        first program: entry 0x00020004, 3 pages, table at page 1
          0x00020000 ro page 2
          0x00021000 rw page 3
          0x00022000 rw zero
    "#]]
    .assert_eq(&parse(&small_image()).unwrap().to_string());
}

#[test]
fn the_first_programs_pages() {
    let image = small_image();
    let image = parse(&image).unwrap();
    let [code, data, zero] = &image.first_pages[..] else { panic!("three pages") };
    let code = code.contents.unwrap().1;
    assert_eq!(code[..16], (1..=16).collect::<Vec<u8>>());
    // The file goes on, but not the segment.
    assert!(code[16..].iter().all(|&byte| byte == 0));
    let data = data.contents.unwrap().1;
    assert!(data[..16].iter().all(|&byte| byte == 0));
    assert_eq!(data[16..24], (17..=24).collect::<Vec<u8>>());
    assert!(data[24..].iter().all(|&byte| byte == 0));
    assert_eq!(zero.contents, None);
}

#[test]
fn a_segment_over_several_pages() {
    let file = elf(|e| {
        e.contents = (0..0x2100_u32).map(|n| (n / 0x1000 + 1) as u8).collect();
        e.headers.truncate(1);
        e.headers[0].file_bytes = 0x2100;
        e.headers[0].memory_bytes = 0x4000;
    });
    let pages: Vec<_> = Executable::parse(&file).unwrap().pages().collect();
    assert_eq!(pages.len(), 4);
    let bytes = |page: usize| pages[page].contents.as_deref().unwrap();
    assert!(bytes(0).iter().all(|&byte| byte == 1));
    assert!(bytes(1).iter().all(|&byte| byte == 2));
    assert!(bytes(2)[..0x100].iter().all(|&byte| byte == 3));
    assert!(bytes(2)[0x100..].iter().all(|&byte| byte == 0));
    assert_eq!(pages[3].contents, None);
}

#[test]
fn the_largest_program() {
    let file = elf(|e| {
        e.headers[0].address = 0x0001_0000;
        e.entry = 0x0001_0000;
        e.headers[1].address = 0x0001_1010;
        e.headers[1].memory_bytes = 0x0006_aff0;
    });
    let program = Program { name: "big", file: &file };
    let image = build(&[program]).unwrap();
    let image = parse(&image).unwrap();
    assert_eq!(image.first_pages.len(), 108);
    assert_eq!(image.first_pages[0].contents.unwrap().0, 2);
}

#[test]
fn the_kernel_finds_the_image_sound() {
    let image = small_image();
    let header = words::header_from_bytes(image.first_chunk().unwrap());
    assert_eq!(header.total_pages(), Some(8));
    assert_eq!(header.find("shell").unwrap().file_page, 6);
    assert_eq!(words::header_to_bytes(&header)[..], image[..2080]);
}

/// A file with sections behind what is loaded, and one without them.
fn with_sections() -> (Vec<u8>, Vec<u8>) {
    let bare = Elf::default().build();
    let mut full = bare.clone();
    full.extend(b"debug information");
    full[32..36].copy_from_slice(&0x1018_u32.to_le_bytes()); // e_shoff
    full[46..48].copy_from_slice(&40_u16.to_le_bytes()); // e_shentsize
    full[48..50].copy_from_slice(&5_u16.to_le_bytes()); // e_shnum
    full[50..52].copy_from_slice(&4_u16.to_le_bytes()); // e_shstrndx
    (full, bare)
}

#[test]
fn files_are_trimmed_to_what_is_loaded() {
    let (full, mut bare) = with_sections();
    bare[46] = 40;
    let executable = Executable::parse(&full).unwrap();
    assert_eq!(executable.file, bare);
    // Only once.
    assert_eq!(Executable::parse(&bare).unwrap().file, bare);
    let image = build(&[Program { name: "a", file: &full }]).unwrap();
    let image = parse(&image).unwrap();
    assert_eq!(image.programs[0].file, bare);
    assert_eq!(Executable::parse(image.programs[0].file), Ok(executable));
}

#[test]
fn only_what_is_loaded_keeps_a_file_long() {
    let file = elf(|e| {
        e.headers[1].file_bytes = 0; // all zeros: its offset does not count
        e.headers.push(Header {
            kind: 4, // PT_NOTE
            ..e.headers[0].clone()
        });
        e.headers[2].file_bytes = 24;
    });
    assert_eq!(Executable::parse(&file).unwrap().file.len(), 0x1010);
}

#[test]
fn trimming_keeps_the_program_headers() {
    let mut file = Elf::default().build();
    let headers = file[52..116].to_vec();
    file.extend(&headers);
    file[28..32].copy_from_slice(&0x1018_u32.to_le_bytes()); // e_phoff
    file.extend(b"debug information");
    let trimmed = Executable::parse(&file).unwrap().file;
    assert_eq!(trimmed, file[..0x1018 + 64]);
    assert!(Executable::parse(&trimmed).is_ok());
}

#[test]
fn an_image_is_the_same_every_time() {
    assert_eq!(small_image(), small_image());
}
