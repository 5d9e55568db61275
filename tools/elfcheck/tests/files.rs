//! Files that cannot be checked are refused, never passed.

mod common;

use common::*;
use elfcheck::{Code, CodeError};
use object::{Endianness, elf};

#[track_caller]
fn refusal(bytes: &[u8]) -> CodeError {
    Code::read(bytes).expect_err("a refusal")
}

#[test]
fn not_elf() {
    assert!(matches!(refusal(b""), CodeError::Unreadable(_)));
    assert!(matches!(refusal(b"#!/bin/sh\n"), CodeError::Unreadable(_)));
}

#[test]
fn another_machine() {
    let message = |bytes: &[u8]| refusal(bytes).to_string();
    let mut wide = Program::new(&[NOP]).build();
    wide[4] = 2;
    assert_eq!(message(&wide), "not a 32-bit little-endian MIPS file (not 32-bit)");
    let big = Program { endian: Endianness::Big, ..Program::new(&[NOP]) };
    assert_eq!(message(&big.build()), "not a 32-bit little-endian MIPS file (not little-endian)");
    let arm = Program { machine: elf::EM_ARM, ..Program::new(&[NOP]) };
    assert_eq!(message(&arm.build()), "not a 32-bit little-endian MIPS file (not MIPS)");
}

#[test]
fn not_linked() {
    let object = Program { file_type: elf::ET_REL, ..Program::new(&[NOP]) };
    assert!(matches!(refusal(&object.build()), CodeError::NotLinked(1)));
}

#[test]
fn compressed_code() {
    let program = Program { flags: 0x0200_0000, ..Program::new(&[NOP]) };
    assert!(matches!(refusal(&program.build()), CodeError::Compressed(_)));
}

#[test]
fn no_code() {
    assert!(matches!(refusal(&Program::without_symbols(&[]).build()), CodeError::NoCode));
}

#[test]
fn no_section_headers() {
    let mut bytes = Program::new(&[NOP]).build();
    bytes[32..36].fill(0); // e_shoff
    bytes[48..52].fill(0); // e_shnum, e_shstrndx
    assert!(matches!(refusal(&bytes), CodeError::NoCode));
}

#[test]
fn sections_off_the_word_grid_or_on_top_of_each_other() {
    let odd = Program::without_symbols(&[]).section(".odd", BASE + 2, &[NOP]);
    assert!(matches!(refusal(&odd.build()), CodeError::BadSection(_)));
    let overlap = Program::without_symbols(&[NOP, NOP]).section(".more", BASE + 4, &[NOP]);
    assert!(matches!(refusal(&overlap.build()), CodeError::Overlap(..)));
}

#[test]
fn code_at_the_top_of_the_address_space() {
    let top = Program::without_symbols(&[]).section(".top", 0xffff_fff8, &[NOP, LW_T0]);
    assert_eq!(lines(&top.check_with(&defaults())), Vec::<String>::new());
    let beyond = Program::without_symbols(&[]).section(".top", 0xffff_fffc, &[NOP, NOP]);
    assert!(matches!(refusal(&beyond.build()), CodeError::BadSection(_)));
}

#[test]
fn damaged_files_do_not_panic() {
    let bytes = Program::new(&[NOP, LW_T0, JR_RA, NOP]).build();
    for length in 0..bytes.len() {
        let _ = Code::read(&bytes[..length]);
    }
    for position in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            if let Ok(code) = Code::read(&damaged) {
                let _ = elfcheck::check(&code, &defaults());
            }
        }
    }
}
