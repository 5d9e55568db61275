//! The 32-bit cyclic redundancy check of Ethernet frames (IEEE 802.3 clause 3.2.8).
//!
//! Frames are bytes in the order of transmission; each byte goes out low bit first, so the
//! reflected form of the polynomial is used.

const POLYNOMIAL: u32 = 0xedb8_8320;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// The check register after `bytes`, starting from all ones, not complemented.
#[must_use]
pub fn register(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)])
}

/// The frame check sequence of `bytes`; a frame ends in its little-endian bytes.
#[must_use]
pub fn fcs(bytes: &[u8]) -> u32 {
    !register(bytes)
}

/// Appends the frame check sequence.
pub fn append_fcs(frame: &mut Vec<u8>) {
    let fcs = fcs(frame);
    frame.extend_from_slice(&fcs.to_le_bytes());
}

/// Whether `frame`, its last four bytes included, checks.
#[must_use]
pub fn is_good(frame: &[u8]) -> bool {
    match frame.split_last_chunk::<4>() {
        Some((data, check)) => fcs(data) == u32::from_le_bytes(*check),
        None => false,
    }
}

/// The bit (0..=63) of a LANCE's logical address filter that destination `address` selects: the
/// six high bits of the check register (Am7990 data sheet, "Logical Address Filter").
#[must_use]
pub fn filter_bit(address: &[u8; 6]) -> u32 {
    register(address) >> 26
}

#[cfg(test)]
#[path = "tests_crc.rs"]
mod tests;
