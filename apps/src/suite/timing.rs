//! Time: the microsecond clock, what a position in the vector of slices promises, and what overrunning
//! costs.

use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::Outcome;
use apps::testing::{Test, is_left_out, leave_out};
use apps::{ensure, ensure_eq};
use exos::abi::Name;
use exos::abi::calls::Fact;
use exos::abi::layout::{ANY, QUANTUM_US};
use exos::{call, slice};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "microseconds go up, at the rate of the clock", run: microseconds },
    Test { name: "a slice comes again after as many quanta as there are slices", run: position },
    Test { name: "slices come in the order of their positions", run: order },
    Test { name: "who overruns its slice forfeits as many", run: forfeits },
];

fn microseconds() -> Outcome {
    ensure!(!is_left_out(leave_out::CLOCK), "left out");
    let quantum = u64::from(call::machine(Fact::QuantumTicks as u32)?);
    let (first, ticks) = (call::microseconds()?, call::clock());
    let mut last = first;
    while call::clock().wrapping_sub(ticks) < 4 * quantum as u32 {
        let now = call::microseconds()?;
        // Neither back, nor by leaps: a slice is longer than a call.
        ensure!(now.wrapping_sub(last) < QUANTUM_US / 2, "{last} us, then {now}");
        last = now;
    }
    let ticks = u64::from(call::clock().wrapping_sub(ticks));
    let counted = u64::from(call::microseconds()?.wrapping_sub(first));
    let expected = ticks * u64::from(QUANTUM_US) / quantum;
    ensure!(counted.abs_diff(expected) <= expected / 50, "{counted} us in {expected}");
    Ok(())
}

/// Companions that compute in slices of their own, which they never give up before the end.
fn position() -> Outcome {
    ensure!(!is_left_out(leave_out::CLOCK), "left out");
    let quantum = call::machine(Fact::QuantumTicks as u32)?;
    let companions = [Companion::spawn(0)?, Companion::spawn(1)?, Companion::spawn(2)?];
    for companion in &companions {
        companion.post(Command::Compute, &[]);
        let position = call::slice_alloc(ANY)?;
        call::slice_give(position, companion.name().0)?;
    }
    slice::yield_to(Name::NOBODY)?;
    let (mut longest, mut turns, mut last) = (0, 0, call::clock());
    while turns < 10 {
        let now = call::clock();
        let gap = now.wrapping_sub(last);
        turns += u32::from(gap > quantum);
        longest = longest.max(gap);
        last = now;
    }
    for companion in &companions {
        ensure!(companion.get(word::PROGRESS) > 0, "a companion has not run");
        companion.stop()?;
    }
    let hundredths = u64::from(longest) * 100 / u64::from(quantum);
    ensure!((250..=320).contains(&hundredths), "the longest time without a slice: {hundredths} % of one");
    Ok(())
}

fn order() -> Outcome {
    let companions = [Companion::spawn(0)?, Companion::spawn(1)?, Companion::spawn(2)?];
    // The first has two, around the second's.
    for (position, index) in [(10, 0), (20, 1), (30, 0), (40, 2)] {
        call::slice_alloc(position)?;
        call::slice_give(position, companions[index].name().0)?;
    }
    for companion in &companions {
        companion.post(Command::Yield, &[]);
    }
    // Whoever this environment meets after a yield of its own: all of them, each as often as it has slices.
    let progress = || companions.each_ref().map(|companion| companion.get(word::PROGRESS));
    slice::yield_to(Name::NOBODY)?;
    for round in 0..5 {
        let before = progress();
        slice::yield_to(Name::NOBODY)?;
        let after = progress();
        let turns = [0, 1, 2].map(|index| after[index] - before[index]);
        ensure_eq!(turns, [2, 1, 1], "turns in round {round}");
    }
    for companion in &companions {
        companion.stop()?;
    }
    Ok(())
}

fn forfeits() -> Outcome {
    for overrun in [1, 3, 6] {
        let companion = Companion::spawn(0)?;
        let position = call::slice_alloc(ANY)?;
        call::slice_give(position, companion.name().0)?;
        companion.command(Command::OverrunBy, &[overrun])?;
        companion.post(Command::Yield, &[]);
        for round in 1..=overrun {
            slice::yield_to(Name::NOBODY)?;
            ensure_eq!(
                companion.get(word::PROGRESS),
                0,
                "turns in round {round} after {overrun} ticks too many"
            );
        }
        for round in 1..=4 {
            slice::yield_to(Name::NOBODY)?;
            ensure_eq!(companion.get(word::PROGRESS), round, "turns when {overrun} ticks are paid");
        }
        companion.stop()?;
    }
    Ok(())
}
