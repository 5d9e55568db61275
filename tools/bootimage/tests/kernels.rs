//! Images put into kernels, and every reason not to, by its message.

mod common;

use bootimage::{KernelError, add_to_kernel};
use common::*;

const IMAGE: [u8; 8192] = [7; 8192];

/// A small kernel: 16 bytes of code and a page of zeros at 0x80040000, a reserved program header,
/// and a symbol table, at its end the symbol.
#[derive(Clone)]
struct Kernel {
    elf: Elf,
    symbol: &'static str,
    value: u32,
    section: u16,
}

impl Default for Kernel {
    fn default() -> Self {
        let mut elf = Elf { entry: 0x8004_0000, contents: (1..=16).collect(), ..Elf::default() };
        elf.headers[0].address = 0x8004_0000;
        elf.headers[0].memory_bytes = 0x1000;
        elf.headers[1] = Header { kind: 0, offset: 0, address: 0, file_bytes: 0, memory_bytes: 0, flags: R };
        Self { elf, symbol: "__image_start", value: 0x8004_1000, section: 1 }
    }
}

impl Kernel {
    fn build(&self) -> Vec<u8> {
        let mut file = self.elf.build();
        let names = [b"\0_start\0", self.symbol.as_bytes(), b"\0"].concat();
        let strings = file.len() as u32;
        file.extend(&names);
        file.resize(file.len().next_multiple_of(4), 0);
        let symbols = file.len() as u32;
        let symbol = |name: u32, value: u32, section: u16| {
            let mut bytes = Vec::new();
            for word in [name, value, 0] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend([0x10, 0]); // global, no type
            bytes.extend(section.to_le_bytes());
            bytes
        };
        file.extend(symbol(0, 0, 0));
        file.extend(symbol(1, 0x8004_0000, 1));
        file.extend(symbol(8, self.value, self.section));
        let sections = file.len() as u32;
        for section in [
            [0; 10],
            [0, 1, 6, 0x8004_0000, 0x1000, 16, 0, 0, 4, 0], // the code
            [0, 2, 0, 0, symbols, 48, 3, 1, 4, 16],         // SHT_SYMTAB
            [0, 3, 0, 0, strings, names.len() as u32, 0, 0, 1, 0], // SHT_STRTAB
        ] {
            for word in section {
                file.extend(word.to_le_bytes());
            }
        }
        file[32..36].copy_from_slice(&sections.to_le_bytes());
        for (at, half) in [(46, 40_u16), (48, 4), (50, 3)] {
            file[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
        file
    }
}

fn kernel(change: impl FnOnce(&mut Kernel)) -> Vec<u8> {
    let mut kernel = Kernel::default();
    change(&mut kernel);
    kernel.build()
}

#[track_caller]
fn refused(kernel: &[u8], message: &str) {
    let reason = add_to_kernel(kernel, &IMAGE).expect_err("a refusal");
    assert_eq!(reason.to_string(), message);
}

#[test]
fn the_image_is_loaded_at_the_symbol() {
    let kernel = Kernel::default().build();
    let file = add_to_kernel(&kernel, &IMAGE).unwrap();
    assert!(kernel.len() < 0x2000);
    assert_eq!(file.len(), 0x4000);
    assert_eq!(file[0x2000..], IMAGE);
    assert!(file[kernel.len()..0x2000].iter().all(|&byte| byte == 0));
    // Nothing of the kernel is changed but its last program header.
    let reserved = 52 + 32..52 + 64;
    assert_eq!(file[..reserved.start], kernel[..reserved.start]);
    assert_eq!(file[reserved.end..kernel.len()], kernel[reserved.end..]);
    let words: Vec<u32> = file[reserved].as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
    assert_eq!(words, [PT_LOAD, 0x2000, 0x8004_1000, 0x8004_1000, 8192, 8192, R, 4096]);
}

#[test]
fn a_kernel_whose_size_is_whole_pages_gets_no_padding() {
    let mut kernel = Kernel::default().build();
    kernel.resize(0x3000, 0);
    let file = add_to_kernel(&kernel, &IMAGE).unwrap();
    assert_eq!(file.len(), 0x5000);
    assert_eq!(file[0x3000..], IMAGE);
}

#[test]
fn files_that_are_no_kernels() {
    refused(b"", "not a kernel: not an ELF file");
    refused(&kernel(|k| k.elf.class = 2), "not a kernel: not a 32-bit ELF file");
    refused(&kernel(|k| k.elf.data = 2), "not a kernel: not little-endian");
    refused(&kernel(|k| k.elf.machine = 40), "not a kernel: not for MIPS (machine 40)");
    refused(
        &kernel(|k| k.elf.file_type = 1),
        "not a kernel: not a static executable (ELF type 1, need 2, ET_EXEC)",
    );
    refused(&kernel(|k| k.elf.header_size = 56), "not a kernel: program headers of 56 bytes, need 32");
    refused(
        &kernel(|k| k.elf.header_offset = 0x10_0000),
        "not a kernel: the program header table lies outside the file",
    );
}

#[test]
fn no_reserved_header() {
    let message = "not a kernel without an image: the last program header is not PT_NULL";
    refused(&Elf::default().build(), message);
    refused(&kernel(|k| k.elf.headers.clear()), message);
    // It must be the last one.
    refused(&kernel(|k| k.elf.headers.swap(0, 1)), message);
    // An image can be added once.
    let full = add_to_kernel(&Kernel::default().build(), &IMAGE).unwrap();
    refused(&full, message);
}

#[test]
fn no_symbol() {
    let message = "not a kernel: it defines no symbol __image_start";
    refused(&kernel(|k| k.symbol = "__image_end"), message);
    refused(&kernel(|k| k.section = 0), message); // used, not defined
    let mut stripped = Kernel::default().build();
    stripped[32..36].fill(0); // e_shoff
    stripped[48..52].fill(0); // e_shnum, e_shstrndx
    refused(&stripped, message);
}

#[test]
fn unreadable_symbols() {
    let mut kernel = Kernel::default().build();
    kernel[32..36].copy_from_slice(&0x10_0000_u32.to_le_bytes()); // e_shoff
    assert!(matches!(add_to_kernel(&kernel, &IMAGE), Err(KernelError::Symbols(_))));
}

#[test]
fn symbol_unaligned() {
    refused(&kernel(|k| k.value = 0x8004_1010), "__image_start is 0x80041010, not the start of a page");
}

#[test]
fn address_overflow() {
    refused(
        &kernel(|k| k.value = 0xffff_f000),
        "an image of 8192 bytes at 0xfffff000 runs past the address space",
    );
    assert!(add_to_kernel(&kernel(|k| k.value = 0xffff_e000), &IMAGE).is_ok());
}

#[test]
fn overlap() {
    for value in [0x8003_f000, 0x8004_0000] {
        refused(
            &kernel(|k| k.value = value),
            &format!("the image at {value:#010x} would overlap the segment at 0x80040000"),
        );
    }
    assert!(add_to_kernel(&kernel(|k| k.value = 0x8003_e000), &IMAGE).is_ok());
}

#[test]
fn damaged_kernels_do_not_panic() {
    let kernel = Kernel::default().build();
    for length in 0..kernel.len() {
        let _ = add_to_kernel(&kernel[..length], &IMAGE);
    }
    for position in (0..0x80).chain(0x1010..kernel.len()) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = kernel.clone();
            damaged[position] = value;
            let _ = add_to_kernel(&damaged, &IMAGE);
        }
    }
}
