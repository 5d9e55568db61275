//! Plausibility: the paper's Table 9, the naive matrix multiply, in C and in Rust.
//!
//! Between 0.7 and 1.15 of Ultrix's 7.1, 5.2 and 3.8 seconds, and the ratios between the machines
//! within 15 % of the paper's. Nothing is fitted to it. Unoptimized builds of the model compute a
//! fifth of the rows and scale.

mod common;

use common::guest::{build_rust, compile};
use decstation::board::BoardConfig;
use decstation::counters::Stall;
use decstation::cpu::Stop;
use decstation::loader::Program;
use decstation::machine::Machine;
use decstation::params::{Bound, Params};

/// Machine, and Ultrix's seconds on it.
const PUBLISHED: [(&str, f64); 3] = [("2100", 7.1), ("3100", 5.2), ("5000/125", 3.8)];
const ROWS: u32 = if cfg!(debug_assertions) { 30 } else { 150 };

fn plausible(language: &str, program: &Program) {
    let mut ours = Vec::new();
    for (name, published) in PUBLISHED {
        let params = Params::built_in(name, Bound::Central).expect("built-in");
        let mut m = Machine::new(params, 8 << 20, BoardConfig::default());
        m.boot(program).expect("fits");
        assert_eq!(m.run(u64::MAX), Stop::Exit(0), "{name}");
        let seconds = m.microseconds() / 1e6 * 150.0 / f64::from(ROWS);
        let ratio = seconds / published;
        let (c, steps) = (m.counters(), f64::from(ROWS * 150 * 150));
        println!(
            "{language}, {name}: {seconds:.2} s, {ratio:.2} of the published {published}; a step: {:.1} \
             instructions, {:.1} cycles waiting for mflo, {:.2} D-misses",
            c.instructions as f64 / steps,
            c.stall(Stall::MultDiv) as f64 / steps,
            c.dcache_misses as f64 / steps,
        );
        assert!((0.7..1.15).contains(&ratio), "{language}, {name}: {seconds:.2} s");
        ours.push((seconds, published));
    }
    for (i, j) in [(0, 1), (1, 2), (0, 2)] {
        let change = (ours[i].0 / ours[j].0) / (ours[i].1 / ours[j].1);
        println!("{language}, {} to {}: {change:.3} of the paper's ratio", PUBLISHED[i].0, PUBLISHED[j].0);
        assert!((0.85..1.15).contains(&change), "{language}, {i} to {j}: {change:.3}");
    }
}

#[test]
fn the_matrix_multiply_in_c_is_plausible() {
    if let Some(program) = compile("matrix", &[&format!("-DROWS={ROWS}")]) {
        plausible("C", &program);
    }
}

#[test]
fn the_matrix_multiply_in_rust_is_plausible() {
    let few: &[&str] = if ROWS == 150 { &[] } else { &["few-rows"] };
    if let Some(program) = build_rust("matrix-rust", few) {
        plausible("Rust", &program);
    }
}
