//! Writes what the fuzz targets begin with: a small sound file for each, in `DIRECTORY/TARGET/seed`.
#![forbid(unsafe_code)]

use std::path::Path;

use bootimage::{Program, build};

/// A segment: file offset, address, bytes in the file, bytes in memory, flags.
type Segment = [u32; 5];

const READ_EXECUTE: u32 = 5;
const READ_WRITE: u32 = 6;

/// An ELF file for MIPS with these segments, full of `nop`s.
fn elf(entry: u32, segments: &[Segment]) -> Vec<u8> {
    let length = segments.iter().map(|s| s[0] + s[2]).max().unwrap_or(0).max(52 + 32 * segments.len() as u32);
    let mut file = vec![0; length as usize];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x01\x01\x01");
    for (at, half) in [(16, 2u16), (18, 8), (40, 52), (42, 32), (44, segments.len() as u16), (46, 40)] {
        put(at, &half.to_le_bytes());
    }
    for (at, word) in [(20, 1u32), (24, entry), (28, 52)] {
        put(at, &word.to_le_bytes());
    }
    for (index, &[offset, address, file_bytes, memory_bytes, flags]) in segments.iter().enumerate() {
        for (word, value) in
            [1, offset, address, address, file_bytes, memory_bytes, flags, 4096].iter().enumerate()
        {
            put(52 + 32 * index + 4 * word, &value.to_le_bytes());
        }
    }
    file
}

/// The same with a section of code and the names of sections, which the ELF check asks for.
fn with_sections(mut file: Vec<u8>) -> Vec<u8> {
    let names = file.len() as u32;
    file.extend_from_slice(b"\0.text\0.shstrtab\0\0\0");
    let table = file.len() as u32;
    let text = [1, 1, 6, 0x1_0000, 0x1000, 16, 0, 0, 4, 0];
    let strings = [7, 3, 0, 0, names, 17, 0, 0, 1, 0];
    for word in [[0; 10], text, strings].concat() {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    file[32..36].copy_from_slice(&table.to_le_bytes());
    file[48..50].copy_from_slice(&3u16.to_le_bytes());
    file[50..52].copy_from_slice(&2u16.to_le_bytes());
    file
}

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let write = |target: &str, bytes: &[u8]| {
        let folder = Path::new(&directory).join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("seed"), bytes)
    };
    let code = [0x1000, 0x1_0000, 16, 16, READ_EXECUTE];
    let bare = elf(0x1_0000, &[code, [0x2000, 0x1_2000, 16, 0x1010, READ_WRITE]]);
    let process = elf(0x1_0000, &[code, [0x2000, 0x10_0000, 16, 0x1010, READ_WRITE]]);
    let image = build(&[Program { name: "first", file: &bare }, Program { name: "second", file: &process }]);
    let image = image.map_err(std::io::Error::other)?;
    write("program_elf", &bare)?;
    write("boot_image", &[&[0], &image[..]].concat())?;
    write(
        "process_elf",
        &[&(process.len() as u32).to_le_bytes()[..], &process[..process.len().min(4096)]].concat(),
    )?;
    write("kernel_elf", &elf(0x8004_0000, &[[0x1000, 0x8004_0000, 16, 16, READ_EXECUTE]]))?;
    write("checked_elf", &with_sections(bare))
}
