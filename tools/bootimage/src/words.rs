//! The structs of [`aegis_abi::image`] as bytes: field by field, as little-endian words.

use aegis_abi::image::{FirstPage, Header, NAME_BYTES, PROGRAMS, Program};
use aegis_abi::layout::PAGE_SIZE;

/// Bytes of a header.
pub const HEADER_BYTES: usize = size_of::<Header>();
/// Bytes of a record.
pub const RECORD_BYTES: usize = size_of::<FirstPage>();

/// A program's place in the header while it is empty.
pub const EMPTY: Program = Program { name: [0; NAME_BYTES], file_page: 0, file_bytes: 0, reserved: [0; 2] };

/// Pages that a number of bytes takes.
pub const fn pages(bytes: u32) -> u32 {
    bytes.div_ceil(PAGE_SIZE)
}

/// A header's bytes, with the checksum that it holds.
pub fn header_to_bytes(header: &Header) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    for (to, word) in bytes.chunks_exact_mut(4).zip(header.words()) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    let checksum = std::mem::offset_of!(Header, checksum);
    bytes[checksum..checksum + 4].copy_from_slice(&header.checksum.to_le_bytes());
    bytes
}

/// A header from its bytes, whatever they say.
pub fn header_from_bytes(bytes: &[u8; HEADER_BYTES]) -> Header {
    let mut words = bytes.as_chunks().0.iter();
    // As many as the fields below take, in their order.
    let mut word = || words.next().map_or(0, |&word| u32::from_le_bytes(word));
    Header {
        magic: word(),
        version: word(),
        pages: word(),
        program_count: word(),
        first_entry: word(),
        first_pages: word(),
        first_table_page: word(),
        checksum: word(),
        programs: [(); PROGRAMS].map(|()| {
            let mut name = [0; NAME_BYTES];
            for part in name.as_chunks_mut().0 {
                *part = word().to_le_bytes();
            }
            Program { name, file_page: word(), file_bytes: word(), reserved: [(); 2].map(|()| word()) }
        }),
    }
}

/// A record's bytes.
pub fn record_to_bytes(record: FirstPage) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    bytes[..4].copy_from_slice(&record.address.to_le_bytes());
    bytes[4..].copy_from_slice(&record.page.to_le_bytes());
    bytes
}

/// A record from its bytes.
pub fn record_from_bytes(bytes: [u8; RECORD_BYTES]) -> FirstPage {
    let [a, b, c, d, e, f, g, h] = bytes;
    FirstPage { address: u32::from_le_bytes([a, b, c, d]), page: u32::from_le_bytes([e, f, g, h]) }
}
