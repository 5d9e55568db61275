//! The machine as a callback sees it: memory by the program's pointers, the console, the clock.

use crate::board::csr::Csr;
use crate::board::dz::Dz;
use crate::board::map::ROM_BASE;
use crate::board::rtc::Rtc;
use crate::bus::{Cycles, Width};

use super::image::Image;

/// Longest string that a callback follows.
const LONGEST_STRING: u32 = 1 << 16;

/// What a callback works on.
#[derive(Debug)]
pub struct Machine<'a> {
    /// RAM, from physical address 0.
    pub ram: &'a mut [u8],
    /// The serial lines.
    pub dz: &'a mut Dz,
    /// The clock.
    pub rtc: &'a mut Rtc,
    /// The control and status register.
    pub csr: &'a mut Csr,
    /// The time of the call.
    pub now: Cycles,
}

impl Machine<'_> {
    /// The physical address of a pointer into unmapped memory.
    pub fn physical(pointer: u32) -> Option<u32> {
        (pointer >> 30 == 2).then_some(pointer & 0x1fff_ffff)
    }

    /// The byte at `pointer`; zero where there is no memory.
    pub fn byte(&self, image: &Image, pointer: u32) -> u8 {
        match Machine::physical(pointer) {
            Some(paddr) if paddr >= ROM_BASE => image.read(paddr - ROM_BASE, Width::Byte) as u8,
            Some(paddr) => self.ram.get(paddr as usize).copied().unwrap_or_default(),
            None => 0,
        }
    }

    /// The word at `pointer`.
    pub fn word(&self, image: &Image, pointer: u32) -> u32 {
        (0..4).fold(0, |word, index| {
            word | u32::from(self.byte(image, pointer.wrapping_add(index))) << (8 * index)
        })
    }

    /// The bytes of the string at `pointer`, without its end.
    pub fn string(&self, image: &Image, pointer: u32) -> Vec<u8> {
        (0..LONGEST_STRING)
            .map(|index| self.byte(image, pointer.wrapping_add(index)))
            .take_while(|&byte| byte != 0)
            .collect()
    }

    /// The string at `pointer` as text.
    pub fn text(&self, image: &Image, pointer: u32) -> String {
        String::from_utf8_lossy(&self.string(image, pointer)).into_owned()
    }

    /// Writes `bytes` at `pointer`, as far as there is RAM; what has been written.
    pub fn store(&mut self, pointer: u32, bytes: &[u8]) -> Option<(u32, u32)> {
        let paddr = Machine::physical(pointer)?;
        let room = self.ram.get_mut(paddr as usize..paddr as usize + bytes.len())?;
        room.copy_from_slice(bytes);
        Some((paddr, bytes.len() as u32))
    }

    /// Sends text to the console, a return before each new line; the time it takes.
    pub fn print(&mut self, text: &[u8]) -> Cycles {
        let mut cycles = 0;
        for &byte in text {
            if byte == b'\n' {
                cycles += self.dz.console_output(b'\r', self.now);
            }
            cycles += self.dz.console_output(byte, self.now);
        }
        cycles
    }
}
