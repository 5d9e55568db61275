//! Every reason to refuse a set of programs, by its message.

mod common;

use bootimage::{Program, build};
use common::*;

#[track_caller]
fn refused(programs: &[Program<'_>], message: &str) {
    assert_eq!(build(programs).expect_err("a refusal").to_string(), message);
}

/// Programs of one file under many names.
fn named<'a>(names: &[&'a str], file: &'a [u8]) -> Vec<Program<'a>> {
    names.iter().map(|name| Program { name, file }).collect()
}

#[test]
fn no_program() {
    refused(&[], "no program");
}

#[test]
fn too_many_programs() {
    let file = Elf::default().build();
    let names: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(build(&named(&names[..64], &file)).is_ok());
    refused(&named(&names, &file), "too many programs: 65, the limit is 64");
}

#[test]
fn invalid_name() {
    let file = Elf::default().build();
    for name in ["", "a b", "a/b", "a\0b", "ä"] {
        refused(
            &named(&["first", name], &file),
            &format!("invalid name {name:?}: a name is made of A-Z a-z 0-9 _ - . only"),
        );
    }
}

#[test]
fn name_too_long() {
    let file = Elf::default().build();
    assert!(build(&named(&["sixteen--letters"], &file)).is_ok());
    refused(
        &named(&["seventeen-letters"], &file),
        "name \"seventeen-letters\" is too long: the limit is 16 characters",
    );
}

#[test]
fn duplicate_name() {
    let file = Elf::default().build();
    refused(&named(&["a", "b", "a"], &file), "two programs are named \"a\"");
}

#[test]
fn refused_program() {
    let (good, bad) = (Elf::default().build(), elf(|e| e.class = 2));
    let programs = [Program { name: "init", file: &good }, Program { name: "bad", file: &bad }];
    refused(&programs, "program \"bad\": not a 32-bit ELF file");
}

#[test]
fn image_too_large() {
    let file = elf(|e| {
        let data = &mut e.headers[1];
        data.offset = (4 << 20) - 0x3000 - 0xff0;
        e.contents.resize((4 << 20) - 0x4000, 1);
        data.file_bytes = 0xff0;
    });
    // 1 + 1 + 2 pages besides the files: 4 x 1021 + 4 = 4088 pages, 8 below the limit.
    let fits = named(&["a", "b", "c", "d"], &file);
    assert_eq!(build(&fits).unwrap().len(), 4088 * 4096);
    let small = Elf::default().build(); // 2 pages
    let mut programs = fits;
    for name in ["e", "f", "g", "h"] {
        programs.push(Program { name, file: &small });
    }
    assert_eq!(build(&programs).unwrap().len(), 16 << 20);
    programs.push(Program { name: "i", file: &small });
    refused(&programs, "image too large: 4098 pages, the limit is 4096");
}
