use super::*;

fn trial(line: &str) -> Trial {
    match parse_line(line) {
        Ok(Some(Report::Trial(trial))) => trial,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_trial_with_a_quoted_row() {
    let got = trial("BENCH 4 \"syscall no stack\" 1 100000 2700000");
    assert_eq!((got.table.as_str(), got.row.as_str()), ("4", "syscall no stack"));
    assert_eq!((got.trial, got.n, got.ticks, got.per, got.system), (1, 100_000, 2_700_000, 1, None));
}

#[test]
fn a_trial_with_extras() {
    let got = trial("BENCH 6 transfer 3 1000 9 per=2 system=\"ExOS linear\" at=77\r");
    assert_eq!((got.trial, got.per, got.system.as_deref()), (3, 2, Some("ExOS linear")));
    assert_eq!(got.stretches, [(77, 9)]);
}

#[test]
fn iterations_that_are_measured_alone() {
    let got = trial("BENCH 10 prot100 1 2 9 per=1 at=77+4,99+5");
    assert_eq!(got.stretches, [(77, 4), (99, 5)]);
}

#[test]
fn clock_and_overhead() {
    assert_eq!(parse_line("CLOCK 10 60"), Ok(Some(Report::Clock(Clock { ticks: 10, instructions: 60 }))));
    let overhead = Overhead { table: "5".into(), row: "prot".into(), n: 10, ticks: 7, at: None };
    assert_eq!(parse_line("OVERHEAD 5 prot 10 7"), Ok(Some(Report::Overhead(overhead.clone()))));
    let overhead = Overhead { at: Some(12), ..overhead };
    assert_eq!(parse_line("OVERHEAD 5 prot 10 7 at=12"), Ok(Some(Report::Overhead(overhead))));
}

#[test]
fn points() {
    let point = |line| match parse_line(line) {
        Ok(Some(Report::Point(point))) => (point.figure, point.series, point.x, point.y, point.system),
        other => panic!("{other:?}"),
    };
    assert_eq!(point("POINT 3 \"share 3\" 12 345678\r"), ("3".into(), "share 3".into(), 12, 345_678, None));
    let lottery = point("POINT 3 s 0 0 system=\"ExOS lottery\"").4;
    assert_eq!(lottery.as_deref(), Some("ExOS lottery"));
}

#[test]
fn other_lines_are_left_alone() {
    for line in ["", "BENCHMARK 1", "hello BENCH 4", "3 passed, 0 failed", "CLOCKS 1 2"] {
        assert_eq!(parse_line(line), Ok(None), "{line}");
    }
}

#[test]
fn misprints_are_refused() {
    for (line, reason) in [
        ("BENCH 4 row 1 100", "expected BENCH"),
        ("BENCH 4 \"row 1 100 5", "quote is not closed"),
        ("BENCH 4 \"\" 1 100 5", "empty name"),
        ("BENCH 4 row 1 0 5", "count is zero"),
        ("BENCH 4 row 0 10 5", "count is zero"),
        ("BENCH 4 row 1 10 -5", "not a number"),
        ("BENCH 4 row 1 10 5 per=0", "count is zero"),
        ("BENCH 4 row 1 10 5 cycles=1", "none of per="),
        ("CLOCK 1", "expected CLOCK"),
        ("CLOCK 1 2 3", "expected CLOCK"),
        ("OVERHEAD 4 row 1", "expected OVERHEAD"),
        ("OVERHEAD 4 row 1 2 per=1", "is not at="),
        ("BENCH 4 row 1 10 5 at=x", "not a number"),
        ("BENCH 4 row 1 10 5 at=1+2,3", "is not <counter>+<ticks>"),
        ("BENCH 4 row 1 10 5 at=1+2,3+4", "are 6 ticks long, not 5"),
        ("POINT 3 \"share 3\" 12", "expected POINT"),
        ("POINT 3 s 12 -4", "not a number"),
        ("POINT 3 s 12 4 x=1", "is not system="),
    ] {
        let got = parse_line(line).expect_err(line);
        assert!(got.contains(reason), "{line}: {got}");
    }
}

#[test]
fn an_error_names_the_line() {
    let error = parse(["boot", "BENCH oops"]).expect_err("must be refused");
    assert_eq!(error.number, 2);
    assert!(error.to_string().contains("BENCH oops"));
}
