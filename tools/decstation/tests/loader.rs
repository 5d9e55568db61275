//! The loader against files that nobody should trust.

use decstation::asm;
use decstation::loader::{self, LoadError};

const VA: u32 = 0x8003_0000;
/// Where the program header of [`asm::executable`] begins.
const HEADER: usize = 52;

fn good() -> Vec<u8> {
    asm::executable(VA, &[asm::NOP; 16])
}

/// The good file with the bytes at `at` replaced.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = good();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn word(at: usize, value: u32) -> Vec<u8> {
    with(at, &value.to_le_bytes())
}

/// A file with a second program header: a copy of the first, moved by `by` bytes.
fn two_segments(by: u32) -> Vec<u8> {
    let mut file = good();
    let mut second = file[HEADER..HEADER + 32].to_vec();
    second[8..12].copy_from_slice(&(VA + by).to_le_bytes());
    second[12..16].copy_from_slice(&(VA + by).to_le_bytes());
    file[44] = 2;
    for header in [&mut file[HEADER..HEADER + 32], &mut second[..]] {
        header[4..8].copy_from_slice(&116u32.to_le_bytes());
    }
    file.splice(HEADER + 32..HEADER + 32, second);
    file
}

#[test]
fn a_good_file_loads() {
    let program = loader::parse(&good()).expect("a program");
    assert_eq!((program.entry, program.segments.len()), (VA, 1));
    assert_eq!(program.segments[0], (VA & 0x1fff_ffff, vec![0; 64]));
    assert_eq!(loader::parse(&two_segments(64)).expect("side by side").segments.len(), 2);
}

#[test]
fn each_way_to_be_wrong_is_named_in_one_line() {
    for (file, problem) in [
        (Vec::new(), "not an ELF file"),
        (b"\x7fELF".to_vec(), "not an ELF file"),
        (good()[..60].to_vec(), "not an ELF file"),
        (good()[..100].to_vec(), "not an ELF file"),
        (with(4, &[2]), "not an ELF file"), // a 64-bit header that is too short
        (with(5, &[2]), "not an ELF file"), // big-endian: its header's sizes make no sense
        (with(18, &[3]), "ELF file for I386"),
        (with(18, &[0xf3]), "ELF file for Riscv"),
        (with(16, &[1]), "not linked"),
        (with(44, &[0]), "nothing to load"),
        (word(HEADER, 4), "nothing to load"),
        (word(24, 0), "the entry 0x00000000"),
        (word(24, VA + 2), "the entry 0x80030002"),
        (word(24, VA + 64), "the entry 0x80030040"),
        (word(HEADER + 8, 0x0040_0000), "not in kseg0 or kseg1"),
        (word(HEADER + 8, 0xc000_0000), "not in kseg0 or kseg1"),
        (word(HEADER + 8, 0x9fff_fff0), "beyond the end of the largest RAM"),
        (word(HEADER + 20, 0xffff_ffff), "beyond the end of the largest RAM"),
        (word(HEADER + 20, 8), "smaller in memory"),
        (word(HEADER + 4, 0xffff_fff0), "not an ELF file"),
        (word(HEADER + 16, 0x7fff_ffff), "not an ELF file"),
        (two_segments(0), "over another segment"),
        (two_segments(60), "over another segment"),
    ] {
        let error = loader::parse(&file).expect_err(problem).to_string();
        assert!(error.contains(problem), "{problem}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Big-endian and 64-bit files that are whole.
#[test]
fn foreign_byte_orders_and_sizes() {
    let halves = |file: &mut Vec<u8>, range: std::ops::Range<usize>| {
        file[range].chunks_exact_mut(2).for_each(|c| c.reverse());
    };
    let mut big = good();
    big[5] = 2;
    halves(&mut big, 16..20);
    big[20..40].chunks_exact_mut(4).for_each(|c| c.reverse());
    halves(&mut big, 40..52);
    big[52..84].chunks_exact_mut(4).for_each(|c| c.reverse());
    let error = loader::parse(&big).expect_err("big-endian").to_string();
    assert!(error.contains("big-endian"), "{error}");
    let mut wide = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    wide.extend([2, 0, 8, 0, 1, 0, 0, 0]);
    wide.extend([0; 40]);
    let error = loader::parse(&wide).expect_err("64-bit").to_string();
    assert!(error.contains("32-bit little-endian MIPS"), "{error}");
}

#[test]
fn a_program_that_the_machine_has_no_room_for() {
    let program = loader::parse(&word(HEADER + 20, 9 << 20)).expect("room in the largest");
    let mut ram = vec![0; 8 << 20];
    let error = program.place(&mut ram).expect_err("no room");
    assert!(matches!(error, LoadError::Misplaced { .. }));
    assert!(error.to_string().contains("beyond the end of RAM"), "{error}");
}

/// A generator of pseudo-random numbers (splitmix64): the same cases on every host.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) as usize % limit
    }
}

/// A file spoilt in up to eight places, mostly in its headers, and sometimes cut off.
fn spoilt(random: &mut Random, file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..=random.below(8) {
        let area = if random.below(4) == 0 { file.len() } else { file.len().min(148) };
        let at = random.below(area);
        file[at] = match random.below(4) {
            0 => 0,
            1 => 0xff,
            2 => file[at] ^ 1 << random.below(8),
            _ => random.below(256) as u8,
        };
    }
    if random.below(4) == 0 {
        file.truncate(random.below(file.len()));
    }
    file
}

/// 60,000 spoilt files: a program whose parts fit into the largest memory, or an error of one line.
#[test]
fn spoilt_files_are_programs_or_errors() {
    let mut random = Random(1);
    let (mut loaded, mut refused) = (0, 0);
    let mut ram = vec![0; 8 << 20];
    for file in [good(), two_segments(64)] {
        for _ in 0..30_000 {
            let spoilt = spoilt(&mut random, &file);
            let _ = loader::parse_symbols(&spoilt);
            match loader::parse(&spoilt) {
                Ok(program) => {
                    loaded += 1;
                    for &(paddr, size) in &program.zeroed {
                        assert!(u64::from(paddr) + u64::from(size) <= 480 << 20);
                    }
                    let _ = program.place(&mut ram);
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                }
            }
        }
    }
    assert!(loaded > 1000 && refused > 1000, "both happen: {loaded} {refused}");
}
