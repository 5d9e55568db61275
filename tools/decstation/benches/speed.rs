//! How fast the model runs, and what the host's time goes to.
//!
//! `cargo bench -p decstation` prints three tables: instructions a second of a few mixes, of which none
//! may be below 40 million (the bench fails); what each thing that a program does costs the host; and
//! from both, where a mix's time goes. Then criterion measures the mixes once more, with its
//! statistics and its comparison with the last time.

#![allow(missing_docs)] // criterion_group! makes an undocumented function

#[path = "speed/costs.rs"]
mod costs;
#[path = "speed/loops.rs"]
mod loops;
#[path = "speed/share.rs"]
mod share;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};

use loops::{Loop, mixes};

/// Instructions a second that every mix must reach.
const FLOOR: f64 = 40e6;

/// Host nanoseconds for one instruction of the loop: the best of several runs, since all that
/// disturbs a run makes it slower.
fn nanoseconds(looped: &Loop) -> f64 {
    let mut machine = looped.machine();
    let mut best = f64::INFINITY;
    let end = Instant::now() + Duration::from_millis(300);
    while Instant::now() < end {
        let before = machine.instructions();
        let started = Instant::now();
        machine.run_for(400_000);
        let took = started.elapsed().as_secs_f64() * 1e9;
        best = best.min(took / (machine.instructions() - before) as f64);
    }
    best
}

/// The table of the mixes; the names of those that are too slow.
fn speeds() -> Vec<(Loop, f64)> {
    println!("\n{:<32} {:>12} {:>22}", "mix", "ns an instr.", "million instructions/s");
    let measured: Vec<(Loop, f64)> =
        mixes().into_iter().map(|mix| (mix.clone(), nanoseconds(&mix))).collect();
    for (mix, ns) in &measured {
        let verdict = if 1e9 / ns < FLOOR { "  too slow: 40 are asked for" } else { "" };
        println!("{:<32} {ns:>12.2} {:>22.1}{verdict}", mix.name, 1e3 / ns);
    }
    measured
}

fn criterion_mixes(c: &mut Criterion) {
    for mix in mixes() {
        const CYCLES: u64 = 4_000_000;
        let mut machine = mix.machine();
        machine.run_for(100_000);
        let share = machine.instructions() as f64 / machine.cycles() as f64;
        let mut group = c.benchmark_group("instructions");
        group.throughput(Throughput::Elements((CYCLES as f64 * share) as u64));
        group.sample_size(20);
        group.bench_function(mix.name, |b| b.iter(|| machine.run_for(CYCLES)));
        group.finish();
    }
}

criterion_group!(benches, criterion_mixes);

fn main() -> ExitCode {
    let mut slow = Vec::new();
    // Tests of all targets run this too, and have no time to measure.
    if std::env::args().any(|a| a == "--bench") {
        let speeds = speeds();
        let costs = costs::table();
        share::table(&speeds, &costs);
        slow.extend(speeds.into_iter().filter(|(_, ns)| 1e9 / ns < FLOOR).map(|(mix, _)| mix.name));
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
    if slow.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("below 40 million instructions a second: {}", slow.join(", "));
    ExitCode::FAILURE
}
