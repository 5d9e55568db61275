use super::*;
use expect_test::expect;

fn row(table: &str, name: &str, machine: &str, instructions: f64) -> Row {
    Row {
        table: Some(table.into()),
        row: Some(name.into()),
        system: "Aegis".into(),
        machine: machine.into(),
        instructions: Some(instructions),
        n: Some(100_000),
        ..Row::default()
    }
}

fn sample() -> Results {
    let published = Published::load().expect("loads");
    let mut results = Results::default();
    let binary = Binary {
        sha256: "00".into(),
        tool: "qemu".into(),
        tool_version: "7.2".into(),
        toolchain: "rustc 1".into(),
    };
    results.environment.guest_binaries.insert("bench-table4.elf".into(), binary);
    results.environment.summarize();
    let rows = vec![
        row("6", "transfer", "malta", 26.0),
        row("4", "syscall stack", "malta", 60.125),
        row("aegis", "round trip", "malta", 50.0),
        row("4", "procedure call", "malta", 4.0),
    ];
    results.replace(None, rows, &published);
    results
}

#[test]
fn the_file() {
    expect![[r#"
        {
          "environment": {
            "guest_binaries": {
              "bench-table4.elf": {
                "sha256": "00",
                "tool": "qemu",
                "tool_version": "7.2",
                "toolchain": "rustc 1"
              }
            },
            "parameters": null,
            "toolchain": "rustc 1",
            "tools": {
              "qemu": "7.2"
            }
          },
          "rows": [
            {"cycles":null,"instructions":4.0,"machine":"malta","n":100000,"paper_ultrix_us":null,"paper_us":null,"ratio":null,"row":"procedure call","system":"Aegis","table":"4","us":null,"us_high":null,"us_low":null},
            {"cycles":null,"instructions":60.125,"machine":"malta","n":100000,"paper_ultrix_us":null,"paper_us":null,"ratio":null,"row":"syscall stack","system":"Aegis","table":"4","us":null,"us_high":null,"us_low":null},
            {"cycles":null,"instructions":26.0,"machine":"malta","n":100000,"paper_ultrix_us":null,"paper_us":null,"ratio":null,"row":"transfer","system":"Aegis","table":"6","us":null,"us_high":null,"us_low":null},
            {"cycles":null,"instructions":50.0,"machine":"malta","n":100000,"paper_ultrix_us":null,"paper_us":null,"ratio":null,"row":"round trip","system":"Aegis","table":"aegis","us":null,"us_high":null,"us_low":null}
          ],
          "schema": 1
        }
    "#]]
    .assert_eq(&sample().to_json().expect("serializes"));
}

#[test]
fn reading_gives_back_what_was_written() {
    let text = sample().to_json().expect("serializes");
    let again = Results::parse(&text).expect("parses");
    assert_eq!(again, sample());
    assert_eq!(again.to_json().expect("serializes"), text);
}

#[test]
fn one_table_is_replaced_and_the_rest_left() {
    let published = Published::load().expect("loads");
    let mut results = sample();
    let new = vec![
        row("4", "procedure call", "malta", 3.0),
        row("4", "procedure call", "DEC3100", 5.0),
        row("4", "procedure call", "DEC2100", 6.0),
        row("aegis", "round trip", "malta", 51.0),
    ];
    results.replace(Some(&["4"]), new, &published);
    let left: Vec<_> = results
        .rows
        .iter()
        .map(|r| (r.table.as_deref().unwrap_or(""), r.machine.as_str(), r.instructions.unwrap_or(0.0)))
        .collect();
    expect![[r#"[("4", "DEC2100", 6.0), ("4", "DEC3100", 5.0), ("4", "malta", 3.0), ("6", "malta", 26.0), ("aegis", "malta", 51.0)]"#]]
    .assert_eq(&format!("{left:?}"));
}

#[test]
fn figures_are_kept() {
    let text = r#"{"schema": 1, "environment": {"guest_binaries": {}, "parameters": null, "toolchain": "", "tools": {}}, "rows": [
        {"figure": "2", "series": "ExOS", "x": 1, "y": 259.5, "system": "ExOS", "machine": "DEC5000/125"}]}"#;
    let results = Results::parse(text).expect("parses");
    assert_eq!(results.rows[0].key().0, "figure 2");
    let json = results.to_json().expect("serializes");
    assert!(
        json.contains(r#""figure":"2""#) && json.contains(r#""y":259.5"#) && !json.contains(r#""table""#),
        "{json}"
    );
}

#[test]
fn images_of_several_compilers_are_told() {
    let mut environment = sample().environment;
    let mut binary = environment.guest_binaries["bench-table4.elf"].clone();
    binary.toolchain = "rustc 2".into();
    environment.guest_binaries.insert("b.elf".into(), binary);
    environment.summarize();
    assert_eq!(environment.toolchain, MIXED);
    assert_eq!(environment.tools["qemu"], "7.2");
}

#[test]
fn another_schema_is_refused() {
    let text = sample().to_json().expect("serializes").replace("\"schema\": 1", "\"schema\": 2");
    assert!(Results::parse(&text).expect_err("refused").to_string().contains("schema 2"));
}

#[test]
fn an_unchanged_file_is_not_touched() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a/b.json");
    write_file(&path, "text").expect("writes");
    let time = || std::fs::metadata(&path).and_then(|m| m.modified()).expect("a time");
    let before = time();
    std::thread::sleep(std::time::Duration::from_millis(20));
    write_file(&path, "text").expect("writes");
    assert_eq!(before, time());
    write_file(&path, "other").expect("writes");
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), "other");
}
