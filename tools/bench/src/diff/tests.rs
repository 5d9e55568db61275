use super::*;
use expect_test::expect;

fn row(name: &str, machine: &str, instructions: f64, cycles: Option<f64>) -> Row {
    Row {
        table: Some("4".into()),
        row: Some(name.into()),
        system: "Aegis".into(),
        machine: machine.into(),
        instructions: Some(instructions),
        cycles,
        nops: cycles.map(|_| 3.0),
        ..Row::default()
    }
}

fn results(rows: Vec<Row>) -> Results {
    Results { rows, ..Results::default() }
}

#[test]
fn rows_that_moved_with_the_kinds_that_did() {
    let mut slow = row("a", "DEC2100", 30.0, Some(44.0));
    slow.stalls = BTreeMap::from([("I-miss".into(), 10.0), ("exception".into(), 4.0)]);
    let mut fast = row("a", "DEC2100", 29.0, Some(35.0));
    fast.stalls = BTreeMap::from([("write buffer".into(), 2.0), ("exception".into(), 4.0)]);
    let before = results(vec![
        slow,
        row("b", "malta", 20.0, None),
        row("c", "malta", 20.0, None),
        row("gone", "malta", 9.0, None),
    ]);
    let after = results(vec![
        fast,
        row("b", "malta", 20.01, None),
        row("c", "malta", 25.0, None),
        row("new", "DEC2100", 9.0, Some(9.5)),
    ]);
    expect![[r"
        table 4, a, DEC2100: faster, 44.00 to 35.00 cycles (-20.5 %): I-miss -10.00, write buffer +2.00, issue -1.00
        table 4, c, malta: slower, 20.00 to 25.00 instructions (+25.0 %): issue +5.00
        new      table 4, new, DEC2100: 9.50 cycles
        gone     table 4, gone, malta: was 9.00 instructions
        2 rows moved, 1 did not (by less than 0.05)
    "]]
    .assert_eq(&report(&before, &after));
}

#[test]
fn earlier_results_are_a_file_or_a_revision() {
    let dir = tempfile::tempdir().expect("a directory");
    let git = |args: &[&str]| {
        let status = Command::new("git")
            .arg("-C")
            .arg(dir.path())
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(args)
            .output()
            .expect("git runs");
        assert!(status.status.success(), "{args:?}: {}", String::from_utf8_lossy(&status.stderr));
    };
    let file = dir.path().join("bench-results/results.json");
    std::fs::create_dir_all(file.parent().expect("has one")).expect("makes it");
    let write = |instructions| {
        let text = results(vec![row("a", "malta", instructions, None)]).to_json().expect("serializes");
        std::fs::write(&file, text).expect("writes");
    };
    git(&["init", "-q"]);
    write(1.0);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    write(2.0);
    let value = |results: Results| results.rows[0].instructions;
    assert_eq!(value(earlier(dir.path(), "HEAD").expect("reads")), Some(1.0));
    assert_eq!(value(earlier(dir.path(), &file.to_string_lossy()).expect("reads")), Some(2.0));
    let error = earlier(dir.path(), "nonsense").expect_err("refused").to_string();
    assert!(error.starts_with("nonsense is neither a file nor a revision with results"), "{error}");
}
