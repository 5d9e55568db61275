//! Builds small ELF files by hand, so that every field can be made wrong.
#![allow(dead_code, missing_docs)]

pub const PT_LOAD: u32 = 1;
pub const PT_DYNAMIC: u32 = 2;
pub const PT_INTERP: u32 = 3;
pub const R: u32 = 4;
pub const W: u32 = 2;
pub const X: u32 = 1;

/// One program header.
#[derive(Clone, Debug)]
pub struct Header {
    pub kind: u32,
    pub offset: u32,
    pub address: u32,
    pub file_bytes: u32,
    pub memory_bytes: u32,
    pub flags: u32,
}

/// An ELF file in the making; the default is a valid program.
#[derive(Clone, Debug)]
pub struct Elf {
    pub magic: [u8; 4],
    pub class: u8,
    pub data: u8,
    pub file_type: u16,
    pub machine: u16,
    pub entry: u32,
    pub header_offset: u32,
    pub flags: u32,
    pub header_size: u16,
    pub headers: Vec<Header>,
    /// What follows the headers, from file offset 0x1000.
    pub contents: Vec<u8>,
}

impl Default for Elf {
    /// Code of 16 bytes at 0x20000, and data of 8 bytes with 0x1800 bytes of zeros behind it.
    fn default() -> Self {
        Self {
            magic: *b"\x7fELF",
            class: 1,
            data: 1,
            file_type: 2,
            machine: 8,
            entry: 0x0002_0004,
            header_offset: 52,
            flags: 0x1000, // o32
            header_size: 32,
            headers: vec![
                Header {
                    kind: PT_LOAD,
                    offset: 0x1000,
                    address: 0x0002_0000,
                    file_bytes: 16,
                    memory_bytes: 16,
                    flags: R | X,
                },
                Header {
                    kind: PT_LOAD,
                    offset: 0x1010,
                    address: 0x0002_1010,
                    file_bytes: 8,
                    memory_bytes: 0x1808,
                    flags: R | W,
                },
            ],
            contents: (1..=24).collect(),
        }
    }
}

impl Elf {
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.magic);
        bytes.extend([self.class, self.data, 1]);
        bytes.resize(16, 0);
        bytes.extend(self.file_type.to_le_bytes());
        bytes.extend(self.machine.to_le_bytes());
        for word in [1, self.entry, self.header_offset, 0, self.flags] {
            bytes.extend(word.to_le_bytes());
        }
        for half in [52, self.header_size, self.headers.len() as u16, 0, 0, 0] {
            bytes.extend(half.to_le_bytes());
        }
        for header in &self.headers {
            let Header { kind, offset, address, file_bytes, memory_bytes, flags } = *header;
            for word in [kind, offset, address, address, file_bytes, memory_bytes, flags, 0x1000] {
                bytes.extend(word.to_le_bytes());
            }
        }
        bytes.resize(0x1000, 0);
        bytes.extend(&self.contents);
        bytes
    }
}

/// The valid default, changed.
pub fn elf(change: impl FnOnce(&mut Elf)) -> Vec<u8> {
    let mut elf = Elf::default();
    change(&mut elf);
    elf.build()
}
