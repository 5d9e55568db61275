use super::*;
use crate::protocol::parse;

/// Clock lines of a counter that ticks every `per` instructions, read at phase `phase`, with 11 instructions around the loop.
fn clocks(per: (u64, u64), phase: u64) -> Vec<Clock> {
    [1_000_u64, 10_000, 100_000, 1_000_000]
        .iter()
        .map(|&i| {
            let at = |instructions: u64| instructions * per.1 / per.0;
            Clock { ticks: at(phase + i + 11) - at(phase), instructions: i }
        })
        .collect()
}

#[test]
fn calibration_finds_the_exact_ratio_at_every_phase() {
    for (over, under) in [(6, 1), (1, 1), (25, 4), (5, 2), (1, 2), (1, 3)] {
        for phase in 0..40 {
            let got = calibrate(&clocks((over, under), phase));
            assert_eq!(got, Ok(Ratio { over, under }), "phase {phase}");
        }
    }
}

#[test]
fn a_clock_that_drifts_is_refused() {
    let mut lines = clocks((6, 1), 0);
    lines[1].ticks += 40;
    assert!(matches!(calibrate(&lines), Err(MeasureError::Unsteady { .. })));
}

#[test]
fn the_same_loop_in_different_times_is_refused() {
    let mut lines = clocks((6, 1), 0);
    let mut again = lines[2];
    again.ticks += 1;
    lines.push(again);
    assert!(calibrate(&lines).is_ok());
    again.ticks += 1;
    lines.push(again);
    assert!(matches!(calibrate(&lines), Err(MeasureError::Unsteady { .. })));
}

#[test]
fn a_stopped_clock_is_refused() {
    let lines: Vec<Clock> =
        clocks((6, 1), 0).iter().map(|c| Clock { ticks: 0, instructions: c.instructions }).collect();
    assert!(calibrate(&lines).is_err());
}

#[test]
fn a_clock_that_runs_backwards_is_refused() {
    let mut lines = clocks((6, 1), 0);
    lines[3].ticks = 0;
    assert!(matches!(calibrate(&lines), Err(MeasureError::Unsteady { .. })));
}

#[test]
fn too_few_or_too_short_loops_are_refused() {
    assert_eq!(calibrate(&clocks((6, 1), 0)[..2]), Err(MeasureError::NoCalibration(2)));
    let short = [10, 20, 30].map(|i| Clock { ticks: i / 6, instructions: i });
    assert!(matches!(calibrate(&short), Err(MeasureError::Coarse { .. })));
}

const CLOCK: &str = "CLOCK 166 1000\nCLOCK 1666 10000\nCLOCK 166666 1000000\n";

fn run(text: &str) -> Result<Vec<Measured>, MeasureError> {
    let text = format!("{CLOCK}{text}");
    measure(&parse(text.lines()).expect("the test's lines parse"), None)
}

#[test]
fn the_median_of_three_trials_less_the_overhead() {
    // 30, 32 and 31 instructions, of which 4 are the loop's.
    let got = run("OVERHEAD 4 \"procedure call\" 1200 800\n\
         BENCH 4 \"procedure call\" 1 600 3000\n\
         BENCH 4 \"procedure call\" 2 600 3200\n\
         BENCH 4 \"procedure call\" 3 600 3100\n");
    let row = Measured {
        table: "4".into(),
        row: "procedure call".into(),
        system: None,
        cost: Cost::from([(INSTRUCTIONS.to_owned(), 27.0)]),
        n: 600,
        x: None,
        y: None,
    };
    assert_eq!(got, Ok(vec![row]));
}

#[test]
fn a_transfer_and_its_reply_are_halved() {
    let got = run(
        "BENCH 6 transfer 1 600 5200 per=2\nBENCH 6 transfer 2 600 5200 per=2\nBENCH 6 transfer 3 600 5200 per=2\n",
    );
    assert_eq!(got.map(|rows| rows[0].cost[INSTRUCTIONS]), Ok(26.0));
}

#[test]
fn systems_are_rows_of_their_own() {
    let line = |s: &str, t: u64| format!("BENCH 13 dirty {t} 600 600 system=\"ExOS {s}\"\n");
    let text: String = (1..=3).flat_map(|t| [line("linear", t), line("inverted", t)]).collect();
    let systems: Vec<_> = run(&text).expect("sound").into_iter().map(|m| m.system).collect();
    assert_eq!(systems, [Some("ExOS linear".to_owned()), Some("ExOS inverted".to_owned())]);
}

/// Marks before and after each of four measurements of 600 iterations: so many cycles and instructions each.
fn marked(each: [(u64, u64); 4]) -> (String, Marks) {
    let mut marks = String::new();
    let mut lines = String::new();
    let mut at = (1000, 500);
    for (number, (cycles, instructions)) in each.into_iter().enumerate() {
        for (cycles, instructions) in [at, (at.0 + 600 * cycles, at.1 + 600 * instructions)] {
            marks += &format!(
                "{{\"cycles\":{cycles},\"instructions\":{instructions},\"nops\":0,\"icache_misses\":0,\
                 \"dcache_misses\":0,\"stalls\":{{\"exception\":{}}}}}\n",
                cycles - instructions
            );
        }
        lines += &match number {
            0 => format!("OVERHEAD 4 r 600 {} at={}\n", 600 * cycles, at.0),
            trial => format!("BENCH 4 r {trial} 600 {} at={} per=2\n", 600 * cycles, at.0),
        };
        at = (at.0 + 600 * cycles + 77, at.1 + 600 * instructions + 7);
    }
    (lines, Marks::parse(&marks).expect("marks"))
}

#[test]
fn with_marks_ticks_are_cycles_and_the_rest_is_known_too() {
    let (lines, marks) = marked([(4, 4), (48, 30), (46, 30), (44, 28)]);
    let got = measure(&parse(lines.lines()).expect("parses"), Some(&marks)).expect("measures");
    let cost = &got[0].cost;
    assert_eq!([cost[CYCLES], cost[INSTRUCTIONS], cost["stall exception"]], [21.0, 13.0, 8.0]);
}

#[test]
fn what_was_executed_besides_is_taken_off() {
    let got = run(
        "BENCH 4 r 1 600 3000 less=6000\nBENCH 4 r 2 600 3000 less=6000\nBENCH 4 r 3 600 3000 less=6000\n",
    );
    assert_eq!(got.map(|rows| rows[0].cost[INSTRUCTIONS]), Ok(20.0));
}

#[test]
fn points_of_a_figure_are_rows_of_their_own() {
    let line = |x: u64, t: u64| format!("BENCH fig curve {t} 600 {} x={x}\n", 600 * x);
    let text: String = (1..=3).flat_map(|t| [line(1, t), line(16, t)]).collect();
    let rows = run(&text).expect("sound");
    assert_eq!(rows.iter().map(|r| r.x).collect::<Vec<_>>(), [Some(1), Some(16)]);
}

#[test]
fn points_that_are_no_times_are_kept_as_printed() {
    let lines = "POINT 3 \"share 3\" 0 36600\nPOINT 3 \"share 2\" 1 48100\nPOINT 3 \"share 3\" 2 84700\n";
    let reports = parse(lines.lines()).expect("parses");
    // No clock was calibrated, and none is needed.
    let rows = measure(&reports, None).expect("measures");
    let got: Vec<_> = rows.iter().map(|r| (r.table(), r.row.as_str(), r.x, r.y)).collect();
    let point = |series, x, y| ("figure 3".to_owned(), series, Some(x), Some(y));
    assert_eq!(got, [point("share 3", 0, 36_600), point("share 2", 1, 48_100), point("share 3", 2, 84_700)]);
    // Beside rows that are times.
    let mixed = run(&format!("{lines}BENCH 12 lrpc 1 6 60\nBENCH 12 lrpc 2 6 60\nBENCH 12 lrpc 3 6 60\n"));
    assert_eq!(mixed.expect("sound").iter().map(Measured::table).filter(|t| t == "12").count(), 1);
}

#[test]
fn a_point_printed_twice_is_refused() {
    assert!(refusal("POINT 3 s 4 10\nPOINT 3 s 4 10\n").contains("two points at 4"));
}

#[test]
fn what_lies_between_iterations_that_are_measured_alone_is_not_counted() {
    let (_, marks) = marked([(4, 4), (48, 30), (46, 30), (44, 28)]);
    // The second and the third measurement, of 600 times 48 and 46 cycles.
    let at = [1000 + 600 * 4 + 77, 1000 + 600 * 52 + 2 * 77];
    let lines: String = (1..=3)
        .map(|t| format!("BENCH 4 r {t} 2 {} at={}+{},{}+{}\n", 600 * 94, at[0], 600 * 48, at[1], 600 * 46))
        .collect();
    let got = measure(&parse(lines.lines()).expect("parses"), Some(&marks)).expect("measures");
    assert_eq!([got[0].cost[CYCLES], got[0].cost[INSTRUCTIONS]], [300.0 * 94.0, 300.0 * 60.0]);
}

#[test]
fn a_measurement_without_its_marks_is_refused() {
    let (lines, _) = marked([(4, 4), (48, 30), (46, 30), (44, 28)]);
    let got = measure(&parse(lines.lines()).expect("parses"), Some(&Marks::default()));
    assert!(matches!(got, Err(MeasureError::Unmarked { at: Some(1000), .. })), "{got:?}");
}

fn refusal(text: &str) -> String {
    run(text).expect_err("must be refused").to_string()
}

#[test]
fn refusals() {
    let trials = |ticks: [u64; 3]| -> String {
        (1..=3).zip(ticks).map(|(t, k)| format!("BENCH 4 r {t} 600 {k}\n")).collect()
    };
    assert!(refusal("BENCH 4 r 1 600 3000\n").contains("trials [1]"));
    assert!(refusal(&format!("{}BENCH 4 r 3 600 1\n", trials([9; 3]))).contains("[1, 2, 3, 3]"));
    assert!(refusal(&trials([3000, 3000, 4000])).contains("differ too much"));
    assert!(refusal(&format!("OVERHEAD 4 r 600 3000\n{}", trials([3000; 3]))).contains("empty loop"));
    let unsteady = format!("OVERHEAD 4 r 600 600\nOVERHEAD 4 r 600 700\n{}", trials([3000; 3]));
    assert!(refusal(&unsteady).contains("overhead is not steady"));
    assert!(refusal("OVERHEAD 4 other 600 3000\n").contains("no trial"));
    let mixed = "BENCH 4 r 1 600 3000\nBENCH 4 r 2 600 3000\nBENCH 4 r 3 700 3500\n";
    assert!(refusal(mixed).contains("differ in n"));
}

#[test]
fn rounding() {
    for (x, rounded) in [(27.00006, 27.0), (-0.0, 0.0), (1.0005, 1.001), (1e9, 1e9)] {
        assert_eq!(thousandths(x).to_bits(), f64::to_bits(rounded), "{x}");
    }
}
