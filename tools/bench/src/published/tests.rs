use super::*;

fn us(table: &str, row: &str, system: &str, machine: &str) -> Option<f64> {
    Published::load().expect("loads").number(table, row, system, machine).expect("is there").us()
}

#[test]
#[allow(clippy::float_cmp)]
fn well_known_numbers() {
    let d5 = "DEC5000/125";
    for (table, row, system, machine, value) in [
        ("4", "procedure call", "Aegis", d5, 0.28),
        ("4", "syscall no stack", "Aegis", d5, 1.6),
        ("4", "syscall stack", "Aegis", d5, 2.3),
        ("4", "syscall no stack", "Ultrix", d5, 21.3),
        ("4", "syscall stack", "Ultrix", "DEC2100", 32.2),
        ("4", "syscall stack", "Aegis", "DEC2100", 4.7),
        ("4", "syscall no stack", "Aegis", "DEC3100", 2.9),
        ("5", "prot", "Aegis", d5, 1.5),
        ("5", "prot", "Ultrix", "DEC2100", 238.0),
        ("5", "overflow", "Ultrix", "DEC3100", 151.0),
        ("6", "transfer", "Aegis", d5, 1.4),
        ("6", "transfer", "Aegis", "DEC2100", 2.9),
        ("6", "transfer", "L3", "Intel 486 DX-50", 9.3),
        ("7", "DPF", "Aegis", "DEC5000/200", 1.5),
        ("7", "MPF cold", "baseline", "DEC5000/200", 71.0),
        ("8", "pipe'", "ExOS", d5, 10.7),
        ("8", "shm", "Ultrix", "DEC3100", 139.0),
        ("9", "matrix", "ExOS", "DEC2100", 7_000_000.0),
        ("10", "appel2", "Ultrix", d5, 232.0),
        ("11", "ExOS/ASH", "ExOS", d5, 259.0),
        ("12", "tlrpc", "ExOS", d5, 2.9),
        ("13", "dirty", "ExOS inverted", "DEC3100", 5.9),
        ("13", "prot100", "ExOS linear", "DEC2100", 213.0),
    ] {
        assert_eq!(us(table, row, system, machine), Some(value), "{table} {row} {system} {machine}");
    }
    assert_eq!(us("5", "unalign", "Ultrix", d5), None);
}

#[test]
fn every_table_is_whole() {
    let published = Published::load().expect("loads");
    let sizes = |id: &str| published.table(id).map(|t| t.rows.len());
    // Ultrix's getpid stands in two rows of table 4, its round trip in two of table 11.
    let expected: [(&str, usize); 15] = [
        ("1", 12),
        ("2", 5),
        ("3", 4),
        ("4", 18),
        ("5", 24),
        ("6", 4),
        ("7", 6),
        ("8", 24),
        ("9", 6),
        ("10", 42),
        ("11", 5),
        ("12", 6),
        ("13", 28),
        ("figure 2", 20),
        ("figure 3", 105),
    ];
    for (id, size) in expected {
        assert_eq!(sizes(id), Some(size), "table {id}");
    }
}

#[test]
fn no_number_is_there_twice() {
    let published = Published::load().expect("loads");
    for table in &published.tables {
        let mut seen = std::collections::BTreeSet::new();
        for n in &table.rows {
            let x = n.x.map(f64::to_bits);
            let key = (&n.row, &n.system, &n.machine, &n.series, x, &n.source);
            assert!(seen.insert(key), "table {}: {key:?}", table.id);
        }
    }
}

#[test]
fn values_are_printed_as_in_the_paper() {
    let published = Published::load().expect("loads");
    let shown = |t, r, s, m| published.number(t, r, s, m).expect("is there").value.to_string();
    assert_eq!(shown("5", "overflow", "Ultrix", "DEC5000/125"), "130.0");
    assert_eq!(shown("4", "procedure call", "Aegis", "DEC5000/125"), "0.28");
    assert_eq!(shown("5", "coproc", "Ultrix", "DEC5000/125"), "n/a");
    assert_eq!(shown("11", "ExOS", "Ultrix", "DEC5000/125"), "3400");
    assert_eq!(shown("1", "processor", "platform", "DEC2100"), "R2000");
}

#[test]
fn an_unexplained_source_is_refused() {
    let text = r#"{"schema": 1, "sources": {}, "tables": [{"id": "4", "title": "", "rows": [
        {"row": "r", "system": "Aegis", "machine": null, "value": 1, "unit": "us", "source": "rumour", "confidence": "low"}]}]}"#;
    assert!(Published::parse(text).expect_err("refused").to_string().contains("rumour"));
}
