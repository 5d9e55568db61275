//! Time slices: who has them, who runs in them, and that a program whose slice ends loses nothing by
//! it, unless it does not give way.

use apps::testing::Test;
use apps::testing::assembler::{NOP, addiu, beq, reg};
use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::interrupt::{self, END_SLICE};
use apps::testing::lab::Lab;
use apps::testing::registers::Registers;
use apps::{ensure, ensure_eq};
use exos::abi::layout::{ANY, SLICES};
use exos::abi::{Error, Name};
use exos::{call, memory, slice};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "two that compute in slices of their own both get on", run: compute },
    Test { name: "slices that end at random", run: storm },
    Test { name: "a slice is lent to whom it is yielded to", run: yield_to },
    Test { name: "who ignores the end of its slice is destroyed", run: || overrun(Command::Overrun) },
    Test {
        name: "who has no handler for the end of its slice is destroyed",
        run: || overrun(Command::NoEnd),
    },
    Test { name: "a slice whose owner ends is free", run: ends },
    Test { name: "calls on slices refuse what they should", run: refusals },
];

/// Gives a companion a slice of its own.
pub fn give(companion: &Companion) -> Result<u32, Failure> {
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, companion.name().0)?;
    Ok(position)
}

/// Counts t0 down to zero.
const COUNT_DOWN: [u32; 5] = [addiu(reg::T0, reg::T0, -1), beq(reg::T0, 0, 2), NOP, beq(0, 0, -4), NOP];

fn compute() -> Outcome {
    let companion = Companion::spawn(0)?;
    give(&companion)?;
    companion.post(Command::Compute, &[]);
    let mut lab = Lab::new()?;
    lab.prepare(&COUNT_DOWN);
    let (mut turns, mut last, mut runs) = (0, 0, 0);
    // Nobody yields: the clock alone divides the processor.
    while turns < 8 && runs < 20_000 {
        let before = Registers::canaries(runs).with(reg::T0, 3000);
        let after = lab.run(&before);
        if let Some(difference) = after.difference(&before.with(reg::T0, 0)) {
            ensure!(false, "run {runs}: {difference}");
        }
        runs += 1;
        let progress = companion.get(word::PROGRESS);
        turns += u32::from(progress != last);
        last = progress;
    }
    companion.stop()?;
    ensure!(turns == 8, "the companion had {turns} turns in {runs} runs");
    ensure!(runs > 8, "no progress here");
    ensure_eq!(companion.answer(0), 0, "registers wrong in the companion");
    Ok(())
}

fn storm() -> Outcome {
    let companions = [Companion::spawn(0)?, Companion::spawn(1)?];
    // The first computes in what the second lends it, and that ends soon.
    give(&companions[1])?;
    companions[0].post(Command::Compute, &[]);
    companions[1].post(Command::PlantAndYield, &[interrupt::ticks(9000), 0, 1, companions[0].name().0]);
    let span = interrupt::ticks(1536);
    let mut lab = Lab::new()?;
    lab.prepare(&COUNT_DOWN);
    let mut random: u32 = 12345;
    for run in 0..400 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        interrupt::plant(1 + (random >> 24) * span / 256, END_SLICE)?;
        let before = Registers::canaries(random >> 8).with(reg::T0, 500);
        let after = lab.run(&before);
        if let Some(difference) = after.difference(&before.with(reg::T0, 0)) {
            ensure!(false, "run {run}: {difference}");
        }
        if random >> 16 & 7 == 0 {
            slice::yield_to(Name::NOBODY)?;
        }
    }
    // The one that lends ends first, or it would lend to who waits for it.
    for companion in companions.iter().rev() {
        ensure!(
            companion.get(word::PROGRESS) > 10,
            "a companion got on by {}",
            companion.get(word::PROGRESS)
        );
        companion.stop()?;
    }
    ensure_eq!(companions[0].answer(0), 0, "registers wrong in the companion");
    Ok(())
}

fn yield_to() -> Outcome {
    let ring = [Companion::spawn(0)?, Companion::spawn(1)?, Companion::spawn(2)?];
    // None has a slice: each lends what it was lent to the next, the last to this environment.
    let next = [ring[1].name(), ring[2].name(), memory::myself()];
    for (companion, next) in ring.iter().zip(next) {
        companion.post(Command::YieldTo, &[next.0]);
    }
    for round in 1..=50 {
        // No slice ends in the middle.
        interrupt::hold_off()?;
        ring[0].run()?;
        for (index, companion) in ring.iter().enumerate() {
            ensure_eq!(companion.get(word::PROGRESS), round, "turns of {index}");
        }
    }
    for companion in ring.iter().rev() {
        companion.stop()?;
    }
    ensure_eq!(slice::yield_to(Name(0x8000_4000)), Err(Error::NoEnvironment), "yielding to nobody");
    let bare = call::environment_create()?;
    ensure_eq!(slice::yield_to(Name(bare)), Err(Error::NoEnvironment), "yielding to who has no start");
    call::environment_destroy(bare)?;
    // Yielding to oneself and to whose turn is next.
    slice::yield_to(memory::myself())?;
    slice::yield_to(Name::NOBODY)?;
    Ok(())
}

fn overrun(command: Command) -> Outcome {
    let companion = Companion::spawn(0)?;
    let before = call::clock();
    companion.command_and_die(command, &[])?;
    let slices =
        call::clock().wrapping_sub(before) / call::machine(exos::abi::calls::Fact::QuantumTicks as u32)?;
    ensure!((5..=20).contains(&slices), "it was destroyed after {slices} slices");
    ensure!(companion.get(word::PROGRESS) > 0, "it never ran");
    Ok(())
}

fn ends() -> Outcome {
    let companion = Companion::spawn(0)?;
    let position = give(&companion)?;
    ensure_eq!(call::slice_alloc(position), Err(Error::Busy), "a slice in use");
    companion.command_and_die(Command::Exit, &[])?;
    ensure_eq!(call::slice_alloc(position), Ok(position), "a dead one's slice");
    call::slice_free(position)?;
    Ok(())
}

fn refusals() -> Outcome {
    let companion = Companion::spawn(0)?;
    let mine = call::slice_alloc(ANY)?;
    ensure_eq!(call::slice_alloc(mine), Err(Error::Busy), "a position taken");
    ensure_eq!(call::slice_alloc(SLICES as u32), Err(Error::Invalid), "beyond the vector");
    ensure_eq!(call::slice_free(SLICES as u32), Err(Error::Invalid), "freeing beyond the vector");
    ensure_eq!(call::slice_give(u32::MAX, companion.name().0), Err(Error::Invalid), "giving no position");
    ensure_eq!(call::slice_give(mine, Name::NOBODY.0), Err(Error::NoEnvironment), "giving to nobody");
    ensure_eq!(call::slice_owner(SLICES as u32), Err(Error::Invalid), "the owner beyond the vector");
    ensure_eq!(call::slice_owner((mine + 1) % SLICES as u32), Ok(Name::NOBODY.0), "the owner of a free one");
    ensure_eq!(call::slice_free((mine + 1) % SLICES as u32), Err(Error::Denied), "freeing a free one");
    call::slice_give(mine, companion.name().0)?;
    ensure_eq!(call::slice_free(mine), Err(Error::Denied), "freeing what was given away");
    ensure_eq!(call::slice_give(mine, companion.name().0), Err(Error::Denied), "giving it twice");
    let mut taken = 0;
    let mut positions = [0; SLICES];
    while let Ok(position) = call::slice_alloc(ANY) {
        positions[taken] = position;
        taken += 1;
    }
    let exhausted = call::slice_alloc(ANY);
    for position in &positions[..taken] {
        call::slice_free(*position)?;
    }
    ensure_eq!(exhausted, Err(Error::Exhausted), "one slice too many");
    ensure_eq!(taken, SLICES - 2, "slices that could be had");
    Ok(())
}
