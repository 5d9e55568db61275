//! Boot images: whatever the bytes are, they are refused, or what is read of them lies inside of them.
#![no_main]

use aegis_abi::image::checksum;
use aegis_abi::layout::PAGE_SIZE;
use bootimage::parse;
use bootimage::words::{HEADER_BYTES, header_from_bytes, header_to_bytes};
use libfuzzer_sys::fuzz_target;

const PAGE: usize = PAGE_SIZE as usize;

fuzz_target!(|data: &[u8]| {
    // Whole pages, as many as the header says, under a checksum that is right: what is behind these is what is to be tried. The
    // first byte says which of them are left as they are.
    let Some((&choice, data)) = data.split_first() else { return };
    let mut image = data.to_vec();
    if choice & 1 == 0 {
        image.resize(image.len().next_multiple_of(PAGE).max(PAGE), 0);
    }
    if choice & 2 == 0
        && let Some(head) = image.first_chunk::<HEADER_BYTES>()
    {
        let mut header = header_from_bytes(head);
        header.pages = (image.len() / PAGE) as u32;
        header.checksum = checksum(header.words());
        image[..HEADER_BYTES].copy_from_slice(&header_to_bytes(&header));
        assert_eq!(header_from_bytes(image.first_chunk().unwrap()), header);
    }
    let Ok(read) = parse(&image) else { return };
    let header = header_from_bytes(image.first_chunk().unwrap());
    assert_eq!(header.total_pages(), Some(read.total_pages), "the kernel takes what the tool takes");
    assert_eq!(read.total_pages as usize * PAGE, image.len());
    let inside = |page: u32, bytes: usize| page > 0 && page as usize * PAGE + bytes <= image.len();
    for (index, program) in read.programs.iter().enumerate() {
        assert!(inside(program.file_page, program.file.len()));
        assert!(read.programs[..index].iter().all(|other| other.name != program.name));
        assert_eq!(header.find(&program.name).map(|found| found.file_page), Some(program.file_page));
    }
    assert!(read.first_pages.windows(2).all(|pair| pair[0].address < pair[1].address));
    for record in &read.first_pages {
        assert!(record.address as usize % PAGE == 0);
        assert!(record.contents.is_none_or(|(page, bytes)| bytes.len() == PAGE && inside(page, PAGE)));
    }
    let entry = read.first_entry & !(PAGE_SIZE - 1);
    assert!(read.first_entry % 4 == 0 && read.first_pages.iter().any(|record| record.address == entry));
    let _ = read.to_string();
});
