//! The program itself: what it writes and prints, and its exit status.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs the tool: success, standard output, standard error.
fn run(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bootimage")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn builds_and_lists() {
    let (elf, image) = (path("init.elf"), path("boot.bin"));
    std::fs::write(&elf, Elf::default().build()).unwrap();
    let program = format!("init={}", elf.display());
    let image_name = image.to_str().unwrap();
    assert_eq!(run(&["-o", image_name, &program]), (true, String::new(), String::new()));
    assert_eq!(std::fs::read(&image).unwrap().len(), 6 * 4096);
    let (success, out, _) = run(&["--list", image_name]);
    assert!(success);
    assert!(out.contains("init"), "{out}");
}

#[test]
fn refuses_with_the_programs_name() {
    let (bad, image) = (path("bad.elf"), path("none.bin"));
    std::fs::write(&bad, elf(|e| e.class = 2)).unwrap();
    let program = format!("worse={}", bad.display());
    let (success, _, err) = run(&["-o", image.to_str().unwrap(), &program]);
    assert!(!success);
    assert!(err.contains("program \"worse\": not a 32-bit ELF file"), "{err}");
    assert!(!image.exists());
}

#[test]
fn refuses_a_kernel_that_is_none() {
    let (elf, out) = (path("into.elf"), path("into-none.elf"));
    std::fs::write(&elf, Elf::default().build()).unwrap();
    let program = format!("init={}", elf.display());
    let arguments = ["--into", elf.to_str().unwrap(), "-o", out.to_str().unwrap()];
    let (success, _, err) = run(&[&arguments[..], &[&program]].concat());
    assert!(!success);
    assert!(err.contains("into.elf"), "{err}");
    assert!(err.contains("not a kernel without an image"), "{err}");
    assert!(!out.exists());
}

#[test]
fn refuses_a_file_that_is_no_image() {
    let text = path("text.bin");
    std::fs::write(&text, "no image").unwrap();
    let (success, _, err) = run(&["--list", text.to_str().unwrap()]);
    assert!(!success);
    assert!(err.contains("text.bin"), "{err}");
}

#[test]
fn refuses_arguments_that_make_no_sense() {
    assert!(!run(&[]).0);
    assert!(!run(&["-o", "x", "name-without-path"]).0);
    assert!(!run(&["-o", "x", "--list", "y"]).0);
    assert!(!run(&["--into", "x", "name=path"]).0);
    assert!(!run(&["--into", "x", "--list", "y"]).0);
}
