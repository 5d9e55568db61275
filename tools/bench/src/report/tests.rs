use super::*;
use expect_test::expect;

fn row(table: &str, name: &str, machine: &str, instructions: f64, us: Option<f64>) -> Row {
    Row {
        table: Some(table.into()),
        row: Some(name.into()),
        system: "Aegis".into(),
        machine: machine.into(),
        instructions: Some(instructions),
        us,
        ratio: us.map(|us| us / 1.4),
        n: Some(1000),
        ..Row::default()
    }
}

fn sample(rows: Vec<Row>) -> (Results, Published) {
    let published = Published::load().expect("loads");
    let mut results = Results::default();
    results.environment.toolchain = "rustc 1".into();
    results.replace(None, rows, &published);
    (results, published)
}

#[test]
fn markdown_with_a_modelled_machine() {
    let (results, published) = sample(vec![
        row("6", "transfer", "malta", 26.0, None),
        row("6", "transfer", "DEC5000/125", 26.0, Some(1.5)),
        row("aegis", "a|b", "malta", 7.5, None),
    ]);
    expect![[r##"
        # Results

        Written by `scripts/reproduce.sh` from `results.json`; do not edit.
        "published" is the SOSP '95 paper (Aegis, ExOS, Ultrix 4.2), "talk" its slides; "here" is this kernel.
        DECstations are modelled (tools/decstation): times at the central values of the timing parameters, "low to
        high" at both ends of the uncertain ones. A lower bound is what no kernel that keeps the same promises can be
        faster than (docs/hot-paths.md). Cache misses are for each operation. "!" flags a row that is slower than the
        published one, and misses of a row that should have none.
        On malta (QEMU) only instructions are counted, without one that takes an exception; the model counts that too.

        ## Table 6: unidirectional protected control transfer

        | machine | system | unit | transfer |
        |---|---|---|---:|
        | DEC2100 | Aegis, published | µs | 2.9 |
        | DEC3100 | Aegis, published | µs | 2.2 |
        | DEC5000/125 | Aegis, published | µs | 1.4 |
        | DEC5000/125 | Aegis, here | µs | 1.50 |
        | DEC5000/125 | Aegis, here | of published | 1.07! |
        | DEC5000/125 | Aegis, here | instructions | 26.00 |
        | Intel 486 DX-50 | L3, published | µs | 9.3 |
        | malta | Aegis, here | instructions | 26.00 |

        ## aegis: rows that the paper does not have

        | row | system | machine | instructions |
        |---|---|---|---:|
        | a\|b | Aegis | malta | 7.5 |

        ## Environment

        - guest compiler: rustc 1
    "##]]
    .assert_eq(&markdown(&results, &published));
}

#[test]
fn csv_has_both_origins() {
    let (results, published) =
        sample(vec![row("6", "transfer", "malta", 26.0, None), row("aegis", "a, \"b\"", "malta", 7.5, None)]);
    expect![[r#"
        table,row,system,machine,origin,instructions,cycles,us,us_low,us_high,ratio,lower_bound_us,i_misses,d_misses,n
        6,transfer,Aegis,DEC2100,published,,,2.9,,,,,,,
        6,transfer,Aegis,DEC3100,published,,,2.2,,,,,,,
        6,transfer,Aegis,DEC5000/125,published,,,1.4,,,,,,,
        6,transfer,L3,Intel 486 DX-50,published,,,9.3,,,,,,,
        6,transfer,Aegis,malta,here,26,,,,,,,,,1000
        aegis,"a, ""b""",Aegis,malta,here,7.5,,,,,,,,,1000
    "#]]
    .assert_eq(&csv(&results, &published));
}

#[test]
fn the_readme_section() {
    let (results, published) = sample(vec![
        row("4", "procedure call", "malta", 4.0, None),
        row("4", "syscall no stack", "malta", 28.0, None),
        row("5", "unalign", "malta", 18.0, None),
        row("6", "transfer", "malta", 26.0, None),
    ]);
    let old = "# Aegis\n<!-- results:begin -->\nstale\n<!-- results:end -->\nrest\n";
    let new = readme(old, &results, &published).expect("has its markers");
    expect![[r##"
        # Aegis
        <!-- results:begin -->
        | table | row | Ultrix, published, µs | Aegis/ExOS, published, µs | here, instructions (malta) |
        |---|---|---:|---:|---:|
        | 4, null procedure call and system call | procedure call | 0.28 | 0.28 | 4 |
        | 4, null procedure call and system call | syscall no stack | 21.3 | 1.6 | 28 |
        | 5, exception dispatch | unalign | n/a | 1.5 | 18 |
        | 6, unidirectional protected control transfer | transfer |  | 1.4 | 26 |

        On the DEC5000/125; table 7 on the DEC5000/200, table 13 on the DEC3100 (and of the authors' talk, where it says "talk"). "!" is slower than published. From `bench-results/results.json`; what the paper claims in words, and whether it holds here: [bench-results/claims.md](bench-results/claims.md).
        <!-- results:end -->
        rest
    "##]]
    .assert_eq(&new);
    assert_eq!(readme(&new, &results, &published).expect("again"), new);
}

#[test]
fn a_readme_without_its_markers_is_refused() {
    let (results, published) = sample(vec![]);
    for text in [
        "",
        BEGIN,
        "<!-- results:end --> <!-- results:begin -->",
        "<!-- results:begin --> <!-- results:begin --> <!-- results:end -->",
    ] {
        assert!(readme(text, &results, &published).is_err(), "{text}");
    }
}

#[test]
fn every_table_of_the_paper_can_be_drawn() {
    let published = Published::load().expect("loads");
    for (table, name, system) in [
        ("7", "DPF", "Aegis"),
        ("8", "pipe'", "ExOS"),
        ("9", "matrix", "ExOS"),
        ("10", "dirty", "ExOS"),
        ("11", "ExOS/ASH", "ExOS"),
        ("12", "tlrpc", "ExOS"),
        ("13", "trap", "ExOS clustered"),
    ] {
        let mut r = row(table, name, "DEC5000/125", 10.0, Some(1.0));
        r.system = system.into();
        let (results, _) = sample(vec![r]);
        let text = terminal(&results, &published, None);
        assert!(text.contains(&format!("{system}, here")), "{text}");
    }
}

fn timed(table: &str, name: &str, system: &str, machine: &str, us: f64, paper: Option<f64>) -> Row {
    Row {
        system: system.into(),
        us_low: Some(us * 0.9),
        us_high: Some(us * 1.1),
        paper_us: paper,
        ratio: paper.map(|paper| us / paper),
        lower_bound_us: Some(us / 2.0),
        ..row(table, name, machine, 10.0, Some(us))
    }
}

#[test]
fn seconds_are_shown_where_the_paper_has_them() {
    let us = timed("9", "matrix", "ExOS", "DEC5000/125", 3_900_000.0, Some(3_700_000.0));
    let (results, published) = sample(vec![us]);
    let text = markdown(&results, &published);
    for line in [
        "| DEC5000/125 | Ultrix, published | s | 3.8 |",
        "| DEC5000/125 | ExOS, here | s | 3.90 |",
        "| DEC5000/125 | ExOS, here | s, low to high | 3.51 to 4.29 |",
        "| DEC5000/125 | ExOS, here | of published | 1.05! |",
        "| DEC5000/125 | ExOS, here | lower bound, s | 1.95 |",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(csv(&results, &published).contains("9,matrix,ExOS,DEC5000/125,here,10,,3900000,"));
    let text = readme(&format!("{BEGIN}\n{END}"), &results, &published).expect("has the markers");
    assert!(text.contains("| matrix | 3.8 s | 3.7 s | 3.90 s | 3.51 to 4.29 s | 1.05! | 1.95 s |"), "{text}");
}

#[test]
fn what_the_talk_says_stands_apart_from_the_papers_table() {
    let (results, published) = sample(vec![
        timed("13", "prot100", "ExOS clustered", "DEC5000/125", 119.0, None),
        timed("13", "prot100", "ExOS clustered", "DEC3100", 180.0, None),
        timed("13", "prot100", "ExOS inverted", "DEC3100", 180.0, Some(189.0)),
    ]);
    let text = markdown(&results, &published);
    let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap_or_default().to_owned();
    let header = line("| machine |");
    let column = header.split('|').position(|c| c.trim() == "prot100").expect("a column");
    let cell = |start: &str| line(start).split('|').nth(column).unwrap_or_default().trim().to_owned();
    assert_eq!(
        cell("| DEC5000 (25 MHz, from slide 10 title; slide 13 states none) | ExOS clustered, talk slide 13"),
        "238"
    );
    assert_eq!(cell("| DEC5000/125 | ExOS clustered, here | of the talk's"), "0.50");
    assert_eq!(cell("| DEC5000/125 | ExOS clustered, here | of published"), "");
    assert_eq!(cell("| DEC3100 | ExOS inverted, here | of published"), "0.95");
    assert_eq!(cell("| DEC3100 | ExOS clustered, here | of the talk's"), "");
    let text = readme(&format!("{BEGIN}\n{END}"), &results, &published).expect("has the markers");
    assert!(text.contains("| prot100, ExOS clustered | 238 (talk) | 180.00 |"), "{text}");
    assert!(text.contains("| prot100, ExOS inverted | 189 | 180.00 | 162.00 to 198.00 | 0.95 |"), "{text}");
}
