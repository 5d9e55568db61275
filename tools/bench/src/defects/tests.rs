use super::*;

fn list() -> Defects {
    toml::from_str(
        r#"
append = "seed=3"
[[test]]
name = "kernel"
defect = "no protection"
says = "Load 80000000..."
[[test]]
name = "cases"
defect = "no overflow"
says = "addi: none; left out"
"#,
    )
    .expect("a list")
}

const KNOWN: [&str; 4] = [
    "[ warning ]",
    "test kernel ... FAILED: isolation.rs:87: Load 80000000: [1, 2]\r",
    "test cases ... FAILED: x.rs:1: addi: none; left out",
    "test other ... ok",
];

#[test]
fn known_defects_count_apart() {
    let totals = list().judge(KNOWN.into_iter());
    assert_eq!(totals, Ok(Totals { passed: 1, failed: 0, known: 2 }));
}

#[test]
fn everything_else_is_wrong() {
    let wrong = |line: usize, with: &str, text: &str| {
        let mut lines = KNOWN;
        lines[line] = with;
        let error = list().judge(lines.into_iter()).expect_err(text);
        assert!(error.contains(text), "{error}");
    };
    wrong(1, "test kernel ... ok", "kernel: passes, so the list of known defects is stale");
    wrong(1, "", "kernel: in the list, but did not run");
    wrong(2, "test cases ... FAILED: x.rs:1: addi: none; more; left out", "cases: fails otherwise");
    wrong(3, "test other ... FAILED: x.rs:1: why", "other: failed: why");
}

#[test]
fn the_list_of_gxemul_can_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gxemul-defects.toml");
    let defects = Defects::read(&path).expect("a list");
    assert!(!defects.tests.is_empty());
}
