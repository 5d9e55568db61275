use super::*;

fn row(table: &str, name: &str, system: &str, machine: &str, us: f64) -> Row {
    Row {
        table: Some(table.into()),
        row: Some(name.into()),
        system: system.into(),
        machine: machine.into(),
        us: Some(us),
        ..Row::default()
    }
}

fn published() -> Published {
    Published::load().expect("loads")
}

/// A claim's lines in claims.md, of these rows.
fn lines(claims: &Claims, rows: Vec<Row>) -> Vec<String> {
    let results = Results { rows, ..Results::default() };
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join("exos/src")).expect("a directory");
    std::fs::write(dir.path().join("exos/src/stride.rs"), "// none\nfn a() {\n}\n").expect("a file");
    let evidence = Evidence { results: &results, published: &published(), root: dir.path() };
    let text = claims.markdown(&evidence).expect("is made");
    let table = text.split("\n## ").next().expect("a table");
    table.lines().filter(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

fn claims(text: &str) -> Claims {
    Claims::parse(text).expect(text)
}

const SHM: &str = r#"
    [[claim]]
    section = "6.1"
    text = "faster"
    says = "15 to 20 times"
    of.ultrix = { table = "8", row = "shm", published = "Ultrix" }
    of.here = { table = "8", row = "shm" }
    measures = [["", "ultrix / here"]]
    at_least = 15
"#;

fn shm(us: [f64; 3]) -> Vec<Row> {
    let machines = ["DEC2100", "DEC3100", "DEC5000/125"];
    let mut rows: Vec<Row> = machines.iter().zip(us).map(|(m, us)| row("8", "shm", "ExOS", m, us)).collect();
    // A machine that the paper does not have is no part of the claim.
    rows.push(row("8", "shm", "ExOS", "DEC5000/200", 1.0));
    rows
}

#[test]
fn a_claim_of_a_ratio() {
    // The paper's own: 15.1, 14.9, 20.7. The second one is 15 in two digits.
    let got = lines(&claims(SHM), shm([12.4, 9.3, 5.7]));
    let expected = "| 6.1 | faster | 15 to 20 times | `shm` of Ultrix / `shm` | at least 15 | 15.1 (15.1) | 14.9 (14.9) | 20.7 (20.7) |  | holds |";
    assert_eq!(got, [expected]);
    let some = lines(&claims(SHM), shm([13.4, 9.3, 5.7]));
    assert!(some[0].ends_with("| **not everywhere**: less on DEC2100 |"), "{some:?}");
    let none = lines(&claims(SHM), shm([13.4, 10.3, 9.7]));
    assert!(none[0].ends_with("| **does not hold**: less |"), "{none:?}");
}

#[test]
fn a_claim_whose_rows_are_missing_says_so() {
    let got = lines(&claims(SHM), Vec::new());
    assert!(got[0].ends_with("| (15.1) | (14.9) | (20.7) |  | not measured yet: table 8, shm |"), "{got:?}");
    let mut partly = shm([12.4, 9.3, 5.7]);
    partly.remove(1);
    assert!(lines(&claims(SHM), partly)[0].contains("not measured yet: table 8, shm"));
}

#[test]
fn a_claim_of_being_worse() {
    let text = r#"
        [[claim]]
        section = "6.2"
        text = "Ultrix is faster"
        says = "1.1 to 1.6 times"
        of.ultrix = { table = "10", row = "prot100", published = "Ultrix" }
        of.here = { table = "10", row = "prot100" }
        measures = [["", "here / ultrix"]]
        between = [1.1, 1.6]
        machines = ["DEC5000/125"]
    "#;
    let with = |us| lines(&claims(text), vec![row("10", "prot100", "ExOS", "DEC5000/125", us)]).remove(0);
    assert!(with(109.0).ends_with("|  |  | 1.07 (1.07) |  | holds |"), "{}", with(109.0));
    assert!(with(90.0).ends_with("**does not hold**: less |"));
    assert!(with(200.0).ends_with("**does not hold**: more |"));
}

#[test]
fn about_is_a_third_less_or_half_more() {
    let text = SHM.replace("at_least = 15", "between = [15, 15]\nabout = true");
    assert!(lines(&claims(&text), shm([18.7, 13.9, 5.3]))[0].contains("| 10 to 23 | 10.0 (15.1) | 10.0"));
    assert!(lines(&claims(&text), shm([18.7, 13.9, 5.3]))[0].ends_with("holds |"));
    assert!(
        lines(&claims(&text), shm([19.7, 13.9, 4.9]))[0].contains("less on DEC2100; more on DEC5000/125")
    );
}

#[test]
fn several_measures_of_a_claim() {
    let text = SHM.replace(
        r#"[["", "ultrix / here"]]"#,
        r#"[["once", "ultrix / here"], ["twice", "2 * ultrix / here"]]"#,
    );
    let got = lines(&claims(&text), shm([24.8, 18.6, 11.4]));
    assert!(got[0].starts_with("| 6.1 | faster |") && got[0].ends_with("does not hold**: less |"), "{got:?}");
    assert!(
        got[1].starts_with("|  |  |  | twice: 2 × `shm` of Ultrix / `shm` |") && got[1].ends_with("holds |")
    );
}

#[test]
fn fields_systems_lines_and_figures() {
    let text = r#"
        [[claim]]
        section = "1"
        text = "misses"
        says = "mostly"
        of.badly = { table = "exos", row = "badly", field = "i_misses" }
        of.well = { table = "exos", row = "well", system = "ExOS", field = "i_misses" }
        measures = [["", "well / badly"]]
        at_most = 0.1
        [[claim]]
        section = "2"
        text = "lines"
        says = "100"
        of.lines = { lines = "exos/src/stride.rs" }
        of.more = { lines = "exos/src" }
        measures = [["", "lines"], ["", "more"]]
        at_most = 100
        machines = ["DEC5000/125"]
        [[claim]]
        section = "3"
        text = "not there"
        says = "100"
        of.lines = { lines = "exos/src/vm" }
        measures = [["", "lines"]]
        at_most = 100
        [[claim]]
        section = "4"
        text = "evenly"
        says = "0.22 %"
        of.figure = { figure = "3" }
        measures = [["%", "figure"]]
        at_most = 0.22
        machines = ["DEC5000/125"]
        [[claim]]
        section = "5"
        text = "Mach"
        says = "3"
        elsewhere = "another system"
    "#;
    let mut rows = stride::tests::sample("DEC5000/125", 48_000.0, 48_050.0).rows;
    for (name, misses) in [("badly", 200.0), ("well", 2.0)] {
        let us = row("exos", name, "ExOS", "DEC5000/125", 1.0);
        rows.push(Row { i_misses: Some(misses), ..us });
    }
    // Of another system: not asked for.
    rows.insert(0, Row { i_misses: Some(99.0), ..row("exos", "well", "other", "DEC5000/125", 1.0) });
    let got = lines(&claims(text), rows);
    assert!(got[0].contains("| `well` i misses of ExOS / `badly` i misses | at most 0.1 |"), "{}", got[0]);
    // Two machines of four have been measured on: the claim waits for the others.
    assert!(
        got[0].contains("| 0.01 |") && got[0].ends_with("not measured yet: exos, well, ExOS |"),
        "{}",
        got[0]
    );
    assert!(
        got[1].contains("| lines of exos/src/stride.rs | at most 100 |  |  | 2.00 |  | holds |"),
        "{}",
        got[1]
    );
    assert!(got[2].ends_with("| 2.00 |  | holds |"));
    assert!(got[3].ends_with("not measured yet: exos/src/vm |"));
    assert!(got[4].ends_with("|  |  | 0.00 (0.22) |  | holds |"), "{}", got[4]);
    assert!(got[5].ends_with("not asked: another system |"));
    let columns = |line: &str| line.matches('|').count();
    assert!(got.iter().all(|line| columns(line) == columns(&got[0])));
}

#[test]
fn rows_slower_than_the_papers_are_listed_with_what_they_do() {
    let slow = Row {
        paper_us: Some(4.8),
        ratio: Some(1.25),
        lower_bound_us: Some(4.2),
        instructions: Some(90.0),
        nops: Some(10.0),
        cycles: Some(150.0),
        stalls: [("write buffer".to_owned(), 56.0), ("exception".to_owned(), 4.0)].into(),
        ..row("10", "trap", "ExOS", "DEC5000/125", 6.0)
    };
    let fast =
        Row { paper_us: Some(9.8), ratio: Some(1.004), ..row("10", "dirty", "ExOS", "DEC5000/125", 9.84) };
    let results = Results { rows: vec![slow, fast], ..Results::default() };
    let evidence = Evidence { results: &results, published: &published(), root: Path::new("/nowhere") };
    let text = rows_and_numbers(&evidence);
    assert!(text.contains("Of 2 rows that the paper has a number for, 1 are slower here"), "{text}");
    let line = "| 10 | trap | ExOS | DEC5000/125 | 6.00 | 4.80 | 1.25 | 4.20 | issue 80.0, write buffer 56.0, nops 10.0, exception 4.0 |";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("dirty"));
}

#[test]
fn the_claims_hold_of_the_papers_own_numbers() {
    // What the paper measured, as if it had been measured here.
    let published = published();
    let mut rows = Vec::new();
    for table in published.tables.iter().filter(|table| table.id.parse::<u32>().is_ok()) {
        let ours = |system: &str| system.starts_with("ExOS") || system == "Aegis";
        for n in table.rows.iter().filter(|n| ours(&n.system)) {
            if let (Some(machine), Some(us)) = (&n.machine, n.us()) {
                rows.push(row(&table.id, &n.row, &n.system, machine, us));
            }
        }
    }
    let results = Results { rows, ..Results::default() };
    let on = Evidence { results: &results, published: &published, root: Path::new("/nowhere") };
    let mut judged = 0;
    let mut apart = Vec::new();
    for claim in Claims::load().expect("loads").claim {
        for (name, formula) in &claim.measures {
            for (machine, _) in MACHINES {
                let Ok(value) = claim.value(formula, &on, machine, Whose::Ours).expect("is computed") else {
                    continue;
                };
                let papers = claim.value(formula, &on, machine, Whose::Papers).expect("is computed");
                assert_eq!(papers, Ok(value), "{}, {name}", claim.text);
                judged += 1;
                if claim.asked_on(machine) && claim.judge(value) != Verdict::Holds {
                    apart.push(format!("{} {name} {machine} {value:.2}", claim.section));
                }
            }
        }
    }
    assert!(judged > 60, "{judged}");
    // Where its words and its tables do not agree: paper.
    expect_test::expect![[""]].assert_eq(&apart.join("\n"));
}

#[test]
fn every_claim_finds_what_was_published() {
    let (published, results) = (published(), Results::default());
    let on = Evidence { results: &results, published: &published, root: Path::new("/nowhere") };
    for claim in Claims::load().expect("loads").claim {
        for (name, source) in claim.of.iter().filter(|(_, source)| source.published.is_some()) {
            let found = MACHINES.iter().any(|(m, _)| matches!(source.value(&on, m, Whose::Ours), Ok(Ok(_))));
            assert!(found, "{:?}: {name} is not in published.json", claim.text);
        }
    }
}

#[test]
fn a_claim_that_is_not_whole_is_refused() {
    for (from, to) in [
        ("at_least = 15", ""),
        ("at_least = 15", "at_least = 15\nbetween = [1, 2]"),
        ("ultrix / here", "ultrix / there"),
        ("ultrix / here", "ultrix"),
        ("ultrix / here", "ultrix / "),
        ("says", "sais"),
    ] {
        assert!(Claims::parse(&SHM.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn rounding_to_digits() {
    for (x, digits, rounded) in [
        (14.94, 2, 15.0),
        (6.666, 2, 6.7),
        (103.0, 2, 100.0),
        (0.2204, 2, 0.22),
        (15.625, 4, 15.63),
        (0.0, 2, 0.0),
    ] {
        assert!((significant(x, digits) - rounded).abs() < 1e-9, "{x}: {}", significant(x, digits));
    }
    assert!(significant(f64::INFINITY, 2).is_infinite());
}

#[test]
fn each_claim_says_something_else() {
    let claims = Claims::load().expect("claims.toml is sound");
    assert!(claims.claim.len() > 30);
    for (index, claim) in claims.claim.iter().enumerate() {
        assert!(claims.claim[..index].iter().all(|other| other.text != claim.text), "{}", claim.text);
    }
}

#[test]
fn nothing_holds_without_its_rows() {
    let (published, results) = (published(), Results::default());
    let on = Evidence { results: &results, published: &published, root: Path::new("/nowhere") };
    let text = Claims::load().expect("claims.toml is sound").markdown(&on).expect("it can be written");
    assert!(!text.contains("| holds |"), "{text}");
}
