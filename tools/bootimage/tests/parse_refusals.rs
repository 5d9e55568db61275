//! Every reason to refuse an image: a good one with one word changed.

mod common;

use std::mem::offset_of;

use aegis_abi::image::{self, FirstPage, Header};
use aegis_abi::layout::PAGE_SIZE;
use bootimage::{ParseError, build, parse, words};
use common::*;

const ENTRY_0: usize = offset_of!(Header, programs);
const ENTRY_1: usize = ENTRY_0 + size_of::<image::Program>();
const TABLE: usize = PAGE_SIZE as usize;

fn image() -> Vec<u8> {
    let file = Elf::default().build();
    build(&[bootimage::Program { name: "init", file: &file }, bootimage::Program { name: "sh", file: &file }])
        .unwrap()
}

/// Makes the checksum fit.
fn seal(image: &mut [u8]) {
    let mut header = words::header_from_bytes(image.first_chunk().unwrap());
    header.checksum = image::checksum(header.words());
    let bytes = words::header_to_bytes(&header);
    image[..bytes.len()].copy_from_slice(&bytes);
}

/// A good image with one word changed.
fn changed(offset: usize, value: u32) -> Vec<u8> {
    let mut image = image();
    image[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    seal(&mut image);
    image
}

#[track_caller]
fn refused(image: &[u8], reason: ParseError) {
    assert_eq!(parse(image), Err(reason));
}

#[test]
fn size() {
    for size in [0, 100, 4095, 4097, (16 << 20) + 4096] {
        refused(&vec![0; size], ParseError::Size(size));
    }
}

#[test]
fn magic_and_version() {
    refused(&changed(offset_of!(Header, magic), 7), ParseError::Magic(7));
    refused(&changed(offset_of!(Header, version), 2), ParseError::Version(2));
}

#[test]
fn total_pages() {
    let mut longer = image();
    let pages = longer.len() as u32 / PAGE_SIZE;
    longer.resize(longer.len() + PAGE_SIZE as usize, 0);
    refused(&longer, ParseError::TotalPages(pages, pages + 1));
    refused(&changed(offset_of!(Header, pages), 1 << 20), ParseError::TotalPages(1 << 20, pages));
}

#[test]
fn program_count() {
    refused(&changed(offset_of!(Header, program_count), 0), ParseError::ProgramCount(0));
    refused(&changed(offset_of!(Header, program_count), 65), ParseError::ProgramCount(65));
}

#[test]
fn table() {
    for pages in [0, 109, 0xffff_ffff] {
        refused(&changed(offset_of!(Header, first_pages), pages), ParseError::Table { pages, table: 1 });
    }
    for table in [0, 8, 0x0010_0000, 0xffff_ffff] {
        refused(&changed(offset_of!(Header, first_table_page), table), ParseError::Table { pages: 3, table });
    }
}

#[test]
fn checksums() {
    for offset in [offset_of!(Header, first_entry), ENTRY_1, TABLE / 2] {
        let mut image = image();
        image[offset] ^= 0x10;
        assert!(matches!(parse(&image), Err(ParseError::Checksum { .. })), "{offset:#x}");
    }
}

#[test]
fn names() {
    refused(&changed(ENTRY_0 + offset_of!(image::Program, name), 0), ParseError::Name(0));
    refused(
        &changed(ENTRY_1 + offset_of!(image::Program, name), u32::from_le_bytes(*b"a/b\0")),
        ParseError::Name(1),
    );
    // Padding that is not zero.
    refused(&changed(ENTRY_1 + offset_of!(image::Program, name) + 12, 1), ParseError::Name(1));
    // No padding at all is a name.
    let mut image = image();
    image[ENTRY_1..][..image::NAME_BYTES].fill(b'a');
    seal(&mut image);
    assert_eq!(parse(&image).unwrap().programs[1].name, "a".repeat(16));
    // Not text.
    image[ENTRY_1] = 0xff;
    seal(&mut image);
    refused(&image, ParseError::Name(1));
    refused(
        &changed(ENTRY_1 + offset_of!(image::Program, name), u32::from_le_bytes(*b"init")),
        ParseError::DuplicateName(1, "init".into()),
    );
}

#[test]
fn reserved() {
    let place = ENTRY_1 + offset_of!(image::Program, reserved);
    refused(&changed(place, 5), ParseError::Reserved(1, [5, 0]));
    refused(&changed(place + 4, 5), ParseError::Reserved(1, [0, 5]));
}

#[test]
fn files() {
    for page in [0, 7, 8, 0x0010_0000, 0xffff_ffff] {
        let reason = ParseError::File { entry: 1, page, bytes: 0x1018 };
        refused(&changed(ENTRY_1 + offset_of!(image::Program, file_page), page), reason);
    }
    for bytes in [0, 0x2001, (4 << 20) + 1, 0xffff_ffff] {
        let reason = ParseError::File { entry: 1, page: 6, bytes };
        refused(&changed(ENTRY_1 + offset_of!(image::Program, file_bytes), bytes), reason);
    }
}

#[test]
fn records() {
    let second = TABLE + size_of::<FirstPage>();
    refused(&changed(second, 0x0002_1003), ParseError::RecordFlags(1, 3));
    refused(&changed(second, 0x0002_0001), ParseError::RecordOrder(1, 0x0002_0000));
    refused(&changed(TABLE, 0), ParseError::RecordAddress(0, 0));
    refused(&changed(second, 0x0007_c000), ParseError::RecordAddress(1, 0x0007_c000));
    refused(&changed(TABLE, 0xf000), ParseError::RecordAddress(0, 0xf000));
    for page in [0, 8, 0xffff_fffe] {
        refused(&changed(second + offset_of!(FirstPage, page), page), ParseError::RecordPage(1, page));
    }
}

#[test]
fn entry_point() {
    for entry in [0, 0x0002_0002, 0x0002_3000, 0xffff_fffc] {
        refused(&changed(offset_of!(Header, first_entry), entry), ParseError::Entry(entry));
    }
}
