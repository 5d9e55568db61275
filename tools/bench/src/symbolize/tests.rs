use super::*;
use std::hint::black_box;

/// A function of this program's, to be found in its own ELF file.
#[inline(never)]
fn a_known_function(n: u32) -> u32 {
    black_box(n) + 1
}

/// Where it begins, from the file's symbols.
fn known_address(elf: &[u8]) -> u64 {
    assert_eq!(black_box(a_known_function)(1), 2);
    let file = object::File::parse(elf).expect("an ELF file");
    let symbol =
        file.symbols().find(|s| s.name().is_ok_and(|n| plain(n).ends_with("tests::a_known_function")));
    symbol.expect("is there").address()
}

/// A folder with this program under the name `known`.
fn folder() -> (tempfile::TempDir, u64) {
    let elf = std::fs::read(std::env::current_exe().expect("has a name")).expect("reads");
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("known"), &elf).expect("writes");
    (dir, known_address(&elf))
}

fn copied(programs: &mut Programs, log: &str) -> String {
    let mut out = Vec::new();
    programs.copy(log.as_bytes(), &mut out).expect("copies");
    String::from_utf8(out).expect("text")
}

#[test]
fn functions_and_lines_stand_behind_addresses() {
    let (dir, address) = folder();
    let mut programs = Programs::new(dir.path().into(), None).expect("no file is read yet");
    let call = address + CALL;
    let log = format!(
        "booting\r\nknown: SIGSEGV at address 0x00000004 (pid 3)\r\n  pc {address:08x} ra 0x{call:08x}\r\n  \
         backtrace: {address:#x} {call:x} 0\r\nbye\r\n"
    );
    let got = copied(&mut programs, &log);
    let place = "symbolize::tests::a_known_function at ";
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[9]), (10, "booting", "bye"), "{got}");
    for (line, number) in [(3, address), (4, call), (6, address), (7, call)] {
        assert!(lines[line].starts_with(&format!("    {number:#010x}  ")), "{got}");
        assert!(lines[line].contains(place) && lines[line].contains("symbolize/tests.rs:"), "{got}");
    }
    assert!(lines[8].ends_with("  ??"), "{got}");
    // What was there stays as it was.
    let copy: String = got.split_inclusive('\n').filter(|line| !line.starts_with("    ")).collect();
    assert_eq!(copy, log);
}

#[test]
fn the_line_is_the_functions() {
    let (dir, address) = folder();
    let program = Program::read(&dir.path().join("known")).expect("reads");
    let frames = program.frames(address);
    let line: u32 = frames.last().and_then(|f| f.rsplit(':').next()?.parse().ok()).expect("a line");
    let source = include_str!("tests.rs");
    let wanted = source.lines().position(|l| l.starts_with("fn a_known_function")).expect("is there") + 1;
    assert_eq!(line as usize, wanted, "{frames:?}");
}

#[test]
fn programs_are_found_by_name_or_given() {
    let (dir, address) = folder();
    let elf = dir.path().join("known");
    let trace = format!("  backtrace: {address:x}\n");
    let shown = |programs: &mut Programs, log: &str| copied(programs, log).contains("a_known_function at");
    // Nobody said whose addresses these are.
    let mut programs = Programs::new(dir.path().into(), None).expect("reads");
    assert!(!shown(&mut programs, &trace));
    assert!(shown(&mut programs, &format!("known: SIGBUS at address 0x1 (pid 1)\n{trace}")));
    // A program that is not there, and one outside the folder.
    for name in ["other", "../known", ""] {
        assert!(
            !shown(&mut programs, &format!("{name}: SIGILL at address 0x1 (pid 2)\n{trace}"))
                || name.is_empty()
        );
    }
    let mut given = Programs::new("/nowhere".into(), Some(&elf)).expect("reads");
    assert!(shown(&mut given, &trace));
    assert!(shown(&mut given, &format!("other: SIGILL at address 0x1 (pid 2)\n{trace}")));
    assert!(Programs::new("/nowhere".into(), Some(Path::new("/nowhere/else"))).is_err());
}

#[test]
fn a_damaged_program_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("known"), "no ELF").expect("writes");
    let mut programs = Programs::new(dir.path().into(), None).expect("reads");
    let log = "known: SIGSEGV at address 0x1 (pid 1)\n  pc 1 ra 2\n";
    let error = programs.copy(log.as_bytes(), Vec::new()).expect_err("refused");
    assert!(format!("{error:#}").contains("known"), "{error:#}");
}

#[test]
fn lines_that_say_who_and_where() {
    assert_eq!(program_of("sh: SIGSEGV at address 0x00000004 (pid 3)"), Some("sh"));
    assert_eq!(program_of("ls: SIGFPE at address 0x0 (pid 12) code 9"), Some("ls"));
    for line in
        ["sh: SIGSEGV", "SIGSEGV at address 0x4 (pid 3)", ": SIGSEGV at address 0x4 (pid 3)", "a: (pid 3)"]
    {
        assert_eq!(program_of(line), None, "{line}");
    }
    assert_eq!(addresses_of("  pc 00400128 ra 0x400200"), [0x40_0128, 0x40_0200]);
    assert_eq!(addresses_of("  pc 400128 ra 400200 sp 7fff0000"), [0x40_0128, 0x40_0200]);
    assert_eq!(addresses_of("  backtrace: 1 0xab ff"), [1, 0xab, 0xff]);
    for line in
        ["backtrace: 1", "  backtrace: none", "  backtrace:", "  pc here ra there", "  pc 1", "hello 12"]
    {
        assert_eq!(addresses_of(line), [] as [u64; 0], "{line}");
    }
}

#[test]
fn files_are_named_from_the_project_on() {
    assert_eq!(short("./exos/src/pipe.rs"), "exos/src/pipe.rs");
    let library =
        "~/toolchains/x/lib/rustlib/src/rust/library/core/~/x/lib/rustlib/src/rust/library/core/src/ptr.rs";
    assert_eq!(short(library), "library/core/src/ptr.rs");
}

#[test]
fn a_log_that_ends_in_the_middle_is_kept_whole() {
    let (dir, address) = folder();
    let mut programs = Programs::new("/nowhere".into(), Some(&dir.path().join("known"))).expect("reads");
    let got = copied(&mut programs, &format!("\u{1b}[0m\n  backtrace: {address:x}"));
    assert!(got.starts_with(&format!("\u{1b}[0m\n  backtrace: {address:x}\n    0x")), "{got}");
}
