use super::*;

#[test]
fn rust_lines() {
    let text = r####"//! doc
/* block /* nested */
   still */ fn a() { // code after a comment
    let s = "// not a comment
    /* nor this */";

    let q = '"'; // a quote
    let e = '\''; let r = r#"
// raw "string
"#;
    /* only a comment */
}
"####;
    // fn a, let s, /* nor this, let q, let e, // raw, "#;, }
    assert_eq!(count(text, Language::Rust), 8);
    assert_eq!(count("fn f<'a>(x: &'a str) {} // \" \n\n// x", Language::Rust), 1);
    assert_eq!(count("let c = '\\\\'; // c\n// d\nlet bar = br\"\\\";\n// e", Language::Rust), 2);
}

#[test]
fn assembly_lines() {
    let text = "# comment\n#include \"x.h\"\n#define A 1\n  # if only\n\tnop # slot\n/* a\n b */ nop\n// c\nlabel:\n/* x */\n";
    // include, define, "# if only" reads as the preprocessor's, nop, nop, label
    assert_eq!(count(text, Language::Assembly), 6);
}

#[test]
fn shell_lines() {
    assert_eq!(count("#!/bin/sh\n# c\n\nset -e\n  x=1 # y\n", Language::Shell), 2);
}

#[test]
fn areas() {
    for (path, expected) in [
        ("aegis/src/env.rs", Some(KERNEL)),
        ("aegis/abi/src/lib.rs", Some(KERNEL)),
        ("aegis/core/src/stlb.rs", Some(KERNEL)),
        ("aegis/src/arch/r3000/exception.S", Some(KERNEL)),
        ("aegis/src/arch/mips32/tlb.rs", Some("aegis: arch/mips32")),
        ("aegis/src/board/malta.rs", Some("aegis: board/malta")),
        ("aegis/src/check.rs", Some("aegis: invariant checker")),
        ("aegis/src/check_pages.rs", Some("aegis: invariant checker")),
        ("aegis/core/src/stlb/tests.rs", Some("aegis: tests")),
        ("aegis/core/tests/model.rs", Some("aegis: tests")),
        ("tools/bench/src/lib.rs", Some("tools")),
        ("tools/bench/src/sizes/tests.rs", Some("tools: tests")),
        ("scripts/setup.sh", Some("scripts")),
        (".ci/run", Some("scripts")),
        ("docs/x.rs", None),
    ] {
        assert_eq!(area(path), expected, "{path}");
    }
}

#[test]
fn this_project_is_counted() {
    let areas = count_project(&crate::project::root()).expect("counts");
    let tools = areas.iter().find(|(name, _)| *name == "tools").expect("there").1;
    assert!(tools.rust > 500, "{tools:?}");
    assert!(render(&areas, &[]).contains("of 5000 allowed"));
}

#[test]
fn an_elf_is_measured() {
    let elf = std::fs::read(std::env::current_exe().expect("this test")).expect("reads");
    let bytes = elf_bytes(&elf).expect("an ELF file");
    assert!(bytes.text > 10_000 && bytes.data > 0, "{bytes:?}");
    assert!(elf_bytes(b"no ELF").is_err());
}
