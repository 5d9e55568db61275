//! TURBOchannel options: the identification ROM and, for the LANCE, the station address ROM.
//!
//! An option's ROM shows one byte in each word (width 1, stride 4). From its base: 0x3e0 width,
//! 0x3e4 stride, 0x3e8 ROM size and 0x3ec slot size (in units of 8 KB and 4 MB), 0x3f0 the test
//! pattern 55 00 aa ff, 0x400 firmware version, 0x420 vendor, 0x440 module name, 0x460 firmware
//! type, each in ASCII with trailing blanks (TURBOchannel Hardware Specification, EK-369AA-OD).
//!
//! The PMAD-AA has the option ROM in byte 0 of each word of its ROM space and the station address
//! ROM in byte 2. The latter holds 32 bytes (Ethernet address ROM format of DEC): 0..=5 the
//! address, 6 and 7 its checksum, 8..=15 the first eight backwards, 16..=23 the first eight again,
//! 24..=31 the test pattern ff 00 55 aa twice. It repeats through the ROM space.

use super::lane_read;
use crate::bus::{BusError, Cycles, Device, Width};

/// Bytes of the station address ROM.
const STATION_ROM_BYTES: usize = 32;
/// Words of the identification ROM that the model fills; the rest reads as zero.
const OPTION_ROM_WORDS: usize = 0x480 / 4;

/// The ROM space of the LANCE module.
#[derive(Debug)]
pub struct OptionRom {
    option: [u8; OPTION_ROM_WORDS],
    station: [u8; STATION_ROM_BYTES],
}

impl OptionRom {
    /// The ROMs of a PMAD-AA with station address `station`.
    #[must_use]
    pub fn new(station: [u8; 6]) -> OptionRom {
        OptionRom {
            option: option_rom(b"V5.3a   ", b"DEC     ", b"PMAD-AA ", b"TCF0"),
            station: station_rom(station),
        }
    }

    /// The station address ROM's 32 bytes.
    #[must_use]
    pub const fn station(&self) -> &[u8; STATION_ROM_BYTES] {
        &self.station
    }
}

fn option_rom(
    firmware: &[u8; 8],
    vendor: &[u8; 8],
    module: &[u8; 8],
    kind: &[u8; 4],
) -> [u8; OPTION_ROM_WORDS] {
    let mut rom = [0; OPTION_ROM_WORDS];
    let mut put = |offset: usize, bytes: &[u8]| {
        rom[offset / 4..][..bytes.len()].copy_from_slice(bytes);
    };
    put(0x3e0, &[1, 4, 1, 1]);
    put(0x3f0, &[0x55, 0x00, 0xaa, 0xff]);
    put(0x400, firmware);
    put(0x420, vendor);
    put(0x440, module);
    put(0x460, kind);
    rom
}

/// The station address ROM's contents for `address`.
#[must_use]
pub fn station_rom(address: [u8; 6]) -> [u8; STATION_ROM_BYTES] {
    let mut rom = [0; STATION_ROM_BYTES];
    rom[..6].copy_from_slice(&address);
    rom[6..8].copy_from_slice(&station_checksum(address).to_le_bytes());
    for index in 0..8 {
        rom[15 - index] = rom[index];
        rom[16 + index] = rom[index];
    }
    rom[24..].copy_from_slice(&[0xff, 0x00, 0x55, 0xaa, 0xff, 0x00, 0x55, 0xaa]);
    rom
}

/// The checksum of a station address: its three little-endian halves added with end-around carry,
/// the sum doubled between them; all ones count as zero.
fn station_checksum(address: [u8; 6]) -> u16 {
    let fold = |sum: u32| {
        if sum > 0xffff { sum - 0xffff } else { sum }
    };
    let sum = address.chunks_exact(2).fold(0, |sum, pair| {
        let half = u32::from(pair[0]) | u32::from(pair[1]) << 8;
        fold(fold(sum << 1) + half)
    });
    if sum == 0xffff { 0 } else { sum as u16 }
}

impl Device for OptionRom {
    fn name(&self) -> &'static str {
        "LANCE ROM"
    }

    fn read(&mut self, offset: u32, width: Width, _now: Cycles) -> Result<u32, BusError> {
        let word = offset as usize / 4;
        let option = self.option.get(word).copied().unwrap_or_default();
        let station = self.station[word % STATION_ROM_BYTES];
        let register = u32::from(option) | u32::from(station) << 16;
        Ok(lane_read(register, offset, width))
    }

    fn write(&mut self, _: u32, _: u32, _: Width, _: Cycles) -> Result<(), BusError> {
        Ok(())
    }

    fn advance(&mut self, _now: Cycles) {}

    fn interrupt(&self) -> bool {
        false
    }

    fn next_event(&self) -> Option<Cycles> {
        None
    }
}

#[cfg(test)]
#[path = "tests_turbochannel.rs"]
mod tests;
