//! Interrupts everywhere: at each instruction of the sequence that resumes from an exception, of
//! straight code, of the sequence that restores an environment; plain ones, such as empty the TLB,
//! and such as end the slice. No register is altered by any.

use apps::testing::Test;
use apps::testing::assembler::{
    BREAK, Code, NOP, SYSCALL, addiu, addu, beq, bne, lw, mfhi, mflo, mthi, mtlo, reg, sw,
};
use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::interrupt::{self, EMPTY_TLB, END_SLICE, PLAIN};
use apps::testing::lab::{self, Lab};
use apps::testing::registers::Registers;
use apps::testing::single::Single;
use apps::testing::trap::{self, Repair};
use apps::{ensure, ensure_eq};
use exos::abi::{Call, Name};
use exos::{call, exception, memory, slice};

use crate::slices;

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "interrupts at each instruction that resumes", run: || resume(PLAIN) },
    Test { name: "an emptied TLB at each instruction that resumes", run: || resume(EMPTY_TLB) },
    Test { name: "the end of the slice at each instruction that resumes", run: || resume(END_SLICE) },
    Test { name: "interrupts at each instruction of straight code", run: || straight(PLAIN) },
    Test { name: "an emptied TLB at each instruction of straight code", run: || straight(EMPTY_TLB) },
    Test { name: "the end of the slice at each instruction of straight code", run: || straight(END_SLICE) },
    Test { name: "a TLB miss preserves the register to resume with", run: miss_preserves_k1 },
    Test { name: "the end of the slice where registers are restored", run: restoring },
    Test { name: "the end of the slice where it is given up", run: yielding },
];

/// A companion that runs, and clobbers all registers, whenever the slice ends.
fn rival(kind: u32) -> Result<Option<Companion>, Failure> {
    if kind != END_SLICE {
        return Ok(None);
    }
    let companion = Companion::spawn(0)?;
    slices::give(&companion)?;
    companion.post(Command::Yield, &[]);
    Ok(Some(companion))
}

/// Which addresses of a sequence were interrupted.
struct Hits {
    start: u32,
    count: usize,
    hit: [bool; 128],
}

impl Hits {
    const fn new(start: u32, count: usize) -> Self {
        Self { start, count, hit: [false; 128] }
    }

    fn note(&mut self, address: u32) {
        let index = address.wrapping_sub(self.start) as usize / 4;
        if index < self.count {
            self.hit[index] = true;
        }
    }

    fn number(&self) -> usize {
        self.hit[..self.count].iter().filter(|hit| **hit).count()
    }

    fn missed(&self) -> Option<usize> {
        self.hit[..self.count].iter().position(|hit| !hit)
    }
}

/// When to interrupt: the clock is slower than the processor, so nops before and behind shift it.
#[derive(Clone, Copy)]
struct Plan {
    before: u32,
    ticks: u32,
    behind: u32,
    kind: u32,
}

impl Plan {
    fn plant(self) -> Outcome {
        interrupt::shift(self.before);
        interrupt::plant(self.ticks, self.kind)?;
        interrupt::shift(self.behind);
        Ok(())
    }
}

/// Makes an experiment of so many instructions again and again, with interrupts at random within it,
/// until each instruction was interrupted, and often enough in any case.
fn sweep(
    hits: &mut Hits,
    kind: u32,
    instructions: u32,
    mut experiment: impl FnMut(u32, Plan) -> Outcome,
) -> Outcome {
    const LEAST: u32 = 300;
    const MOST: u32 = 30_000;
    let ticks = interrupt::ticks(instructions);
    // Fails where no interrupt can be planted.
    interrupt::plant(ticks, PLAIN)?;
    let mut random: u32 = 4711;
    for attempt in 0..MOST {
        if attempt >= LEAST && hits.missed().is_none() {
            break;
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (before, behind) = (random >> 29, random >> 26 & 7);
        let plan = Plan { before, ticks: 1 + (random >> 8 & 0xffff) % ticks, behind, kind };
        experiment(attempt, plan)?;
        if let Some(place) = interrupt::landed()? {
            hits.note(place.address());
        }
    }
    interrupt::plant(1, PLAIN)?;
    interrupt::shift(8);
    if let Some(missed) = hits.missed() {
        let (number, count) = (hits.number(), hits.count);
        ensure!(false, "{number} of {count} instructions were interrupted, {missed} never");
    }
    Ok(())
}

/// Fails unless the registers after an experiment are those expected.
fn compare(plan: Plan, after: &Registers, expected: &Registers) -> Outcome {
    if let Some(difference) = after.difference(expected) {
        let place = interrupt::landed()?.map(interrupt::Place::address);
        ensure!(false, "{difference}; {} ticks, interrupted at {place:x?}", plan.ticks);
    }
    Ok(())
}

/// What the end of the exception handler plants.
static PLAN: Single<Plan> = Single::new(Plan { before: 0, ticks: 1, behind: 0, kind: PLAIN });

fn resume(kind: u32) -> Outcome {
    let rival = rival(kind)?;
    let mut lab = Lab::new()?;
    let mut hits = Hits::new(exception::resume_address(), 4);
    lab.prepare(&[BREAK, NOP]);
    trap::afterwards(Some(|| {
        let _ = PLAN.get().plant();
    }));
    sweep(&mut hits, kind, 240, |attempt, plan| {
        PLAN.set(plan);
        let before = Registers::canaries(attempt).with(reg::SP, lab::STACK_TOP);
        trap::expect(Repair::Skip);
        let after = lab.run(&before);
        ensure!(trap::taken().is_some(), "no exception");
        compare(plan, &after, &before)
    })?;
    trap::afterwards(None);
    if let Some(rival) = rival {
        ensure!(rival.get(word::PROGRESS) > 100, "the slice hardly changed hands");
    }
    Ok(())
}

/// Code that uses everything that straight code uses, with a loop: what it leaves shows whether any
/// instruction was lost or done twice.
fn straight_code() -> Code<64> {
    let mut code = Code::new();
    for step in 0..6 {
        code.extend(&[
            addiu(16 + step, 16 + step, 1),
            addu(reg::T1, reg::T1, 16 + step),
            sw(reg::T1, lab::WORDS + 4 * step, reg::ZERO),
            lw(reg::T2, lab::WORDS + 4 * step, reg::ZERO),
            mfhi(reg::T3),
            addu(reg::T4, reg::T4, reg::T2),
        ]);
    }
    // Between reading HI or LO and writing one of them again are two instructions: an R3000 that is
    // interrupted in between would lose what it read.
    code.extend(&[
        mflo(reg::T2),
        addiu(reg::T0, reg::ZERO, 3),
        addiu(reg::T4, reg::T4, 7),
        addiu(reg::T0, reg::T0, -1),
        bne(reg::T0, reg::ZERO, -3),
        addu(reg::T3, reg::T3, reg::T4),
        mthi(reg::T3),
        mtlo(reg::T4),
        beq(reg::T3, reg::T3, 2),
        addu(reg::T1, reg::T1, reg::T2),
        addiu(reg::T1, reg::T1, 100),
        NOP,
    ]);
    code
}

fn straight(kind: u32) -> Outcome {
    let rival = rival(kind)?;
    let mut lab = Lab::new()?;
    let code = straight_code();
    let start = lab.prepare(code.words());
    let mut hits = Hits::new(start, code.words().len());
    // One instruction is behind a branch that is always taken.
    hits.note(start + 4 * (hits.count as u32 - 2));
    let before = Registers::canaries(77);
    let expected = lab.run(&before);
    sweep(&mut hits, kind, 1500, |_, plan| {
        plan.plant()?;
        let after = lab.run(&before);
        compare(plan, &after, &expected)
    })?;
    drop(rival);
    Ok(())
}

/// k1 is the application's to resume with. What the kernel last saw in it differs from what it holds
/// when a page is missed that the kernel refills.
fn miss_preserves_k1() -> Outcome {
    const VALUE: u32 = 0x1357_9bdf;
    let mut lab = Lab::new()?;
    let mut code = Code::<64>::new();
    code.li(reg::K1, !VALUE).push(SYSCALL).li(reg::K1, VALUE);
    code.push(lw(reg::T1, lab::STACK_TOP, reg::ZERO)).push(sw(reg::K1, lab::WORDS, reg::ZERO));
    code.push(sw(reg::T1, lab::STACK_TOP + 4, reg::ZERO)).push(sw(reg::K1, lab::WORDS + 4, reg::ZERO));
    lab.prepare(code.words());
    for round in 0..20 {
        // An environment that goes empties the TLB.
        call::environment_destroy(call::environment_create()?)?;
        let before = Registers::canaries(round).with(reg::V0, Call::Null.number());
        let _ = lab.run(&before);
        let kept = [lab::peek(lab::WORDS), lab::peek(lab::WORDS + 4)];
        ensure_eq!(kept, [VALUE; 2], "k1 behind a miss");
    }
    Ok(())
}

/// The restoring of registers at a slice's start, interrupted itself by another end of a slice.
fn restoring() -> Outcome {
    let planter = Companion::spawn(0)?;
    slices::give(&planter)?;
    // What the planter lends this environment ends with this one's slice.
    let third = Companion::spawn(1)?;
    slices::give(&third)?;
    third.post(Command::Yield, &[]);
    let myself = memory::myself().0;
    let mut lab = Lab::new()?;
    let range = slice::start_sequence();
    let mut hits = Hits::new(range.start, range.len() / 4);
    let body = [addiu(reg::T0, reg::T0, -1), beq(reg::T0, 0, 2), NOP, beq(0, 0, -4), NOP];
    lab.prepare(&body);
    // The time to its beginning is the kernel's and the planter's, so it is looked for, and then hit
    // again and again.
    let span = interrupt::ticks(400);
    let (mut scan, mut found) = (0, None);
    for attempt in 0..2000 {
        // Its turn comes in the middle of the experiment, and plants another end of a slice.
        let soon = match found {
            Some(found) if attempt % 4 != 0 => found + attempt % (span / 8),
            _ => {
                scan = (scan + 1 + span / 200) % span;
                scan
            }
        };
        planter.post(Command::PlantAndYield, &[1 + soon, attempt % 7, 0, myself]);
        let before = Registers::canaries(attempt).with(reg::T0, 400);
        interrupt::plant(interrupt::ticks(960), END_SLICE)?;
        let after = lab.run(&before);
        if let Some(difference) = after.difference(&before.with(reg::T0, 0)) {
            ensure!(false, "{difference}; {:x?}", interrupt::landed()?);
        }
        if let Some(place) = interrupt::landed()? {
            hits.note(place.address());
            if range.contains(&(place.address() - 4)) {
                found = Some(soon.saturating_sub(span / 16));
            }
        }
        planter.stop()?;
    }
    ensure!(hits.number() > 40, "only {} instructions were interrupted", hits.number());
    Ok(())
}

/// A yield, interrupted by the end of the slice.
fn yielding() -> Outcome {
    let rival = rival(END_SLICE)?;
    // Up to and with the system call.
    let mut hits = Hits::new(slice::yield_address(), slice::YIELD_LENGTH);
    sweep(&mut hits, END_SLICE, 240, |_, plan| {
        plan.plant()?;
        slice::yield_to(Name::NOBODY)?;
        Ok(())
    })?;
    drop(rival);
    Ok(())
}
