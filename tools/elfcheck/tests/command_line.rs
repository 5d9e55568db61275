//! The program itself: what it prints, and its exit status.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;

/// Writes a program to a file of its own for one test.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Runs the tool: exit status, standard output, standard error.
fn run(arguments: &[&str], files: &[&Path]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_elfcheck")).args(arguments).args(files).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_clean_program() {
    let path = file("clean.elf", &Program::new(&[JR_RA, NOP]).build());
    let (status, out, err) = run(&[], &[&path]);
    assert_eq!(status, Some(0));
    assert_eq!(
        out,
        format!("{}: 2 instructions, 0 HI/LO windows, allowed: none, 0 violations\n", path.display())
    );
    assert_eq!(err, "");
    assert_eq!(run(&["--quiet"], &[&path]), (Some(0), String::new(), String::new()));
}

#[test]
fn a_violation() {
    let path = file("violation.elf", &Program::new(&[LW_T0, USE_T0]).build());
    let (status, out, _) = run(&["--quiet"], &[&path]);
    assert_eq!(status, Some(1));
    assert!(out.starts_with(&format!("{}: 0x00400000 <main+0x0>: load-delay: ", path.display())));
}

#[test]
fn unreadable_input() {
    let path = file("text.elf", b"not an ELF file");
    let violation = file("violation2.elf", &Program::new(&[LW_T0, USE_T0]).build());
    let (status, out, err) = run(&[], &[&path, &violation]);
    assert_eq!(status, Some(2));
    assert!(err.contains("text.elf: not a readable ELF file"), "{err}");
    // The other file is checked all the same.
    assert!(out.contains("load-delay"));
    assert_eq!(run(&[], &[Path::new("/nonexistent")]).0, Some(2));
    assert_eq!(run(&[], &[]).0, Some(2));
}

#[test]
fn allowing_on_the_command_line_and_by_file() {
    let program = Program::without_symbols(&[ERET]).symbol("mips32_leave", BASE, 4);
    let path = file("allow.elf", &program.build());
    assert_eq!(run(&[], &[&path]).0, Some(1));
    let (status, out, _) = run(&["--allow", "eret@mips32_*"], &[&path]);
    assert_eq!(status, Some(0));
    assert!(out.contains("allowed: eret x1"));
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/mips32.allow");
    assert_eq!(run(&["--allow", list], &[&path]).0, Some(0));
    assert_eq!(run(&["--allow", "/nonexistent"], &[&path]).0, Some(2));
}

#[test]
fn refusing_system_calls() {
    let path = file("syscall.elf", &Program::new(&[SYSCALL]).build());
    assert_eq!(run(&[], &[&path]).0, Some(0));
    assert_eq!(run(&["--no-syscall"], &[&path]).0, Some(1));
}

#[test]
fn naming_hand_assembly() {
    let program = Program::without_symbols(&[MFLO, MULT]).symbol("fast_copy", BASE, 8);
    let path = file("hand.elf", &program.build());
    assert_eq!(run(&[], &[&path]).0, Some(0));
    assert_eq!(run(&["--asm-symbol", "fast_*"], &[&path]).0, Some(1));
    assert_eq!(run(&["--asm-section", ".text"], &[&path]).0, Some(1));
}
