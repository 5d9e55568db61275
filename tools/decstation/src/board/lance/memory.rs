//! The 128 KB of buffer memory, and the descriptors in it.

use crate::bus::Width;

/// Bytes of buffer memory.
pub const BYTES: usize = 128 << 10;

/// RMD1 and TMD1: the controller owns the descriptor.
pub const OWN: u16 = 0x8000;
/// RMD1 and TMD1: the summary of the errors.
pub const ERR: u16 = 0x4000;
/// RMD1 and TMD1: the first buffer of a frame.
pub const STP: u16 = 0x0200;
/// RMD1 and TMD1: the last buffer of a frame.
pub const ENP: u16 = 0x0100;

/// The memory. Halfwords are little-endian, as the processor is.
pub struct Memory {
    bytes: Box<[u8]>,
}

impl Memory {
    /// Cleared memory.
    pub fn new() -> Memory {
        Memory { bytes: vec![0; BYTES].into_boxed_slice() }
    }

    fn index(address: u32) -> usize {
        address as usize % BYTES
    }

    /// An access of the processor.
    pub fn read(&self, offset: u32, width: Width) -> u32 {
        let base = Memory::index(offset & !(width.bytes() - 1));
        (0..width.bytes() as usize)
            .fold(0, |value, byte| value | u32::from(self.bytes[base + byte]) << (8 * byte))
    }

    /// An access of the processor.
    pub fn write(&mut self, offset: u32, value: u32, width: Width) {
        let base = Memory::index(offset & !(width.bytes() - 1));
        let bytes = value.to_le_bytes();
        let count = width.bytes() as usize;
        self.bytes[base..base + count].copy_from_slice(&bytes[..count]);
    }

    /// A halfword, as the controller reads it.
    pub fn half(&self, address: u32) -> u16 {
        self.read(address, Width::Half) as u16
    }

    /// Stores a halfword.
    pub fn set_half(&mut self, address: u32, value: u16) {
        self.write(address, u32::from(value), Width::Half);
    }

    /// Reads `count` bytes from `address`; `swap` exchanges the bytes of each halfword.
    pub fn copy_out(&self, address: u32, count: usize, swap: bool, into: &mut Vec<u8>) {
        let flip = u32::from(swap);
        into.extend(
            (0..count as u32).map(|byte| self.bytes[Memory::index(address.wrapping_add(byte) ^ flip)]),
        );
    }

    /// Writes `data` to `address`; `swap` exchanges the bytes of each halfword.
    pub fn copy_in(&mut self, address: u32, data: &[u8], swap: bool) {
        let flip = u32::from(swap);
        for (&byte, offset) in data.iter().zip(0u32..) {
            self.bytes[Memory::index(address.wrapping_add(offset) ^ flip)] = byte;
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Memory")
    }
}

/// One ring of descriptors: four halfwords each, at a multiple of eight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ring {
    base: u32,
    entries: u32,
}

impl Ring {
    /// A ring from the two halfwords of the initialization block: address, and length code with
    /// the address's high byte.
    pub fn new(low: u16, high: u16) -> Ring {
        Ring { base: (u32::from(high & 0xff) << 16 | u32::from(low)) & !7, entries: 1 << (high >> 13) }
    }

    /// Descriptors in the ring (1 to 128).
    pub fn entries(self) -> u32 {
        self.entries.max(1)
    }

    /// Where descriptor `index` lies.
    pub fn descriptor(self, index: u32) -> Descriptor {
        Descriptor { address: self.base + 8 * (index % self.entries()) }
    }

    /// The index after `index`.
    pub fn next(self, index: u32) -> u32 {
        (index + 1) % self.entries()
    }
}

/// One descriptor's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    address: u32,
}

impl Descriptor {
    /// RMD1 or TMD1: status, and the buffer address's high byte.
    pub fn status(self, memory: &Memory) -> u16 {
        memory.half(self.address + 2)
    }

    /// Gives the descriptor back to the processor with status bits `status`; the buffer address
    /// stays.
    pub fn release(self, memory: &mut Memory, status: u16) {
        let high = self.status(memory) & 0x00ff;
        memory.set_half(self.address + 2, status & 0x7f00 | high);
    }

    /// Whether the controller owns the descriptor.
    pub fn owned(self, memory: &Memory) -> bool {
        self.status(memory) & OWN != 0
    }

    /// The buffer's address.
    pub fn buffer(self, memory: &Memory) -> u32 {
        u32::from(self.status(memory) & 0xff) << 16 | u32::from(memory.half(self.address))
    }

    /// The buffer's size in bytes: RMD2 and TMD2 hold it negated, in twelve bits.
    pub fn count(self, memory: &Memory) -> usize {
        match memory.half(self.address + 4).wrapping_neg() & 0x0fff {
            0 => 4096,
            count => usize::from(count),
        }
    }

    /// RMD3 or TMD3.
    pub fn set_last(self, memory: &mut Memory, value: u16) {
        memory.set_half(self.address + 6, value);
    }
}
