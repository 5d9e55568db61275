use super::*;
use std::time::Duration;

fn judge_lines(lines: &[&str], end: End, change: impl FnOnce(&mut GuestTest)) -> Result<Totals, String> {
    let lines = lines.iter().map(|t| Line { stream: Stream::Console, text: (*t).to_owned() }).collect();
    let outcome = Outcome { end, lines, elapsed: Duration::ZERO, waits: None, log: "logs/x.log".into() };
    let mut test = GuestTest {
        kernel: "k.elf".into(),
        name: "x".into(),
        seconds: 1,
        status: 0,
        append: None,
        expect: vec![],
        dialogue: vec![],
        totals: true,
        defects: None,
        log: "logs/x.log".into(),
    };
    change(&mut test);
    judge(&test, &outcome)
}

const OK: End = End::Exited(0);

#[test]
fn totals_lines() {
    assert_eq!(totals("12 passed, 0 failed\r"), Some(Totals { passed: 12, failed: 0, known: 0 }));
    for line in ["passed, 0 failed", "12 passed", "12 passed, 0 failed, 1 ignored", "ok 1 passed, 0 failed"] {
        assert_eq!(totals(line), None, "{line}");
    }
}

#[test]
fn a_dialogue_that_does_not_come_to_its_end_is_a_failure() {
    let outcome = Outcome {
        end: OK,
        lines: vec![Line { stream: Stream::Console, text: "1 passed, 0 failed".into() }],
        elapsed: Duration::ZERO,
        waits: Some("$ ".into()),
        log: "logs/x.log".into(),
    };
    let test = GuestTest {
        kernel: "k.elf".into(),
        name: "x".into(),
        seconds: 1,
        status: 0,
        append: None,
        expect: vec![],
        dialogue: vec![],
        totals: true,
        defects: None,
        log: "logs/x.log".into(),
    };
    assert!(judge(&test, &outcome).is_err_and(|reason| reason.contains("\"$ \" in vain")));
}

#[test]
fn success() {
    let totals = judge_lines(&["a ok", "2 passed, 0 failed", "halt"], OK, |_| ());
    assert_eq!(totals, Ok(Totals { passed: 2, failed: 0, known: 0 }));
}

#[test]
fn failures() {
    let fails = |lines: &[&str], end, text: &str| {
        let error = judge_lines(lines, end, |_| ()).expect_err(text);
        assert!(error.contains(text), "{error}");
    };
    fails(&["2 passed, 1 failed"], OK, "1 failed");
    fails(&["2 passed, 1 failed"], End::Exited(1), "1 failed");
    fails(&["2 passed, 0 failed"], End::Exited(1), "status 1, expected 0");
    fails(&["a ok"], OK, "without its line");
    fails(&["0 passed, 0 failed"], OK, "no test ran");
    fails(&["1 passed, 0 failed", "1 passed, 0 failed"], OK, "start again");
    fails(&["1 passed, 0 failed"], End::TimedOut, "hung");
    fails(&["1 passed, 0 failed"], End::Signalled(6), "signal 6");
}

#[test]
fn a_planted_fault() {
    let fault = |t: &mut GuestTest| {
        t.status = 3;
        t.totals = false;
        t.expect = vec!["Cause".into(), "EPC".into()];
    };
    let lines = ["boot", "Cause 5", "EPC 80100000"];
    assert_eq!(judge_lines(&lines, End::Exited(3), fault), Ok(Totals::default()));
    assert!(judge_lines(&lines, OK, fault).expect_err("status").contains("expected 3"));
    let missing = judge_lines(&lines[..2], End::Exited(3), fault).expect_err("a line is missing");
    assert!(missing.contains("EPC"), "{missing}");
}
