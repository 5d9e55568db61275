use super::*;

fn mark(cycles: u64, instructions: u64, write: u64) -> String {
    format!(
        r#"{{"cycles":{cycles},"dcache_misses":1,"icache_misses":2,"instructions":{instructions},"nops":{},"stalls":{{"write buffer":{write}}}}}"#,
        instructions / 10
    )
}

#[test]
fn what_lies_between_two_marks() {
    let text = [mark(100, 50, 5), mark(700, 350, 25), mark(800, 400, 26)].join("\n");
    let marks = Marks::parse(&text).expect("marks");
    let cost = marks.between(100, 600).expect("is there");
    let get = |name: &str| cost[name];
    assert_eq!([get(CYCLES), get(INSTRUCTIONS), get(NOPS)], [600.0, 300.0, 30.0]);
    assert_eq!([get(I_MISSES), get("stall write buffer")], [0.0, 20.0]);
}

#[test]
fn the_low_word_finds_a_mark_beyond_it() {
    let high = 3 << 32;
    let text = [mark(high + 100, 50, 5), mark(high + 700, 350, 25)].join("\n");
    assert!(Marks::parse(&text).expect("marks").between(100, 600).is_some());
}

#[test]
fn both_ends_of_a_measurement_are_exact_and_the_only_ones() {
    let text = [mark(100, 50, 5), mark(200, 60, 5), mark(300, 70, 5)].join("\n");
    let marks = Marks::parse(&text).expect("marks");
    let cost = marks.between(100, 200).expect("somebody looked at the clock meanwhile");
    assert!((cost[INSTRUCTIONS] - 20.0).abs() < 1e-9);
    assert!(marks.between(101, 100).is_none(), "no such mark");
    assert!(marks.between(100, 150).is_none(), "it ends at none");
    let high = 1 << 32;
    let text =
        [mark(100, 50, 5), mark(200, 60, 5), mark(high + 100, 70, 5), mark(high + 200, 80, 5)].join("\n");
    assert!(Marks::parse(&text).expect("marks").between(100, 100).is_none(), "two of them");
}

#[test]
fn what_is_no_mark_is_refused() {
    assert!(Marks::parse("{}").is_err());
    assert!(Marks::parse("cycles").is_err());
}
