//! A yield to whom one has yielded to before takes a short way through the kernel. It is the same yield: whoever is
//! entered begins with registers that are zero, the slice goes back to whom it is lent by, and whatever
//! stands in the way of entering it at once sends the yield the long way.

use core::mem::offset_of;

use apps::testing::Test;
use apps::testing::assembler::{Code, NOP, SYSCALL, addiu, addu, beq, bne, lw, ori, reg, sw};
use apps::testing::companion::{Command, Companion, SHARED, word};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::interrupt::{self, END_SLICE, PLAIN};
use apps::testing::lab::{self, Lab, peek, poke};
use apps::testing::registers::{Registers, store_all};
use apps::{ensure, ensure_eq};
use exos::abi::environment::{EnvironmentPage, Event};
use exos::abi::layout::{ANY, ENVIRONMENT_PAGE, Mapping, PAGE_SIZE, Resource};
use exos::abi::name::SELECTOR;
use exos::abi::{Call, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice, transfer};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "whoever is yielded to begins with zero in every register", run: registers },
    Test { name: "a yield takes the short way when it can, and no other", run: ways },
    Test { name: "a slice that was lent goes back to the first lender", run: lent },
    Test { name: "a loan that is yielded back is over, either way", run: given_back },
    Test { name: "a yield after the end of a slice goes to whose turn it is", run: over },
    Test { name: "the dead are not yielded to, whoever remembers them", run: dead },
    Test { name: "who says no more where its slices start is not yielded to", run: no_start },
    Test { name: "a yield tells what is wanted back or was taken", run: told },
    Test { name: "those that share an address-space id are yielded to in turn", run: same_id },
    Test { name: "a yield in a branch's delay slot is an exception of the caller", run: delay_slot },
    Test { name: "slices that end anywhere in a yield lose nothing", run: storm },
    Test { name: "interrupts anywhere in a yield lose nothing", run: shaken },
];

/// Words of a child's data page, behind the registers that it begins with.
const K1: u32 = 0x100;
const RUNS: u32 = 0x104;
const REFUSED: u32 = 0x108;
const NEXT: u32 = 0x10c;
const PARENT: u32 = 0x110;
const TOLD: u32 = 0x114;
const CALLED: u32 = 0x118;
const EXCESS: u32 = 0x11c;
/// Where in the page of code children start, are told what they have lost or are asked for, are called, and see a
/// slice end.
const START: u32 = lab::CODE;
const EVENT: u32 = lab::CODE + 0x400;
const ENTRY: u32 = lab::CODE + 0x600;
const END: u32 = lab::CODE + 0x700;
/// Where a slice starts that a callee has kept.
const KEPT: u32 = lab::CODE + 0x800;

const YIELD: u32 = ori(reg::V0, reg::ZERO, Call::Yield.number());

fn count(code: &mut Code<256>, at: u32) {
    let word = lab::DATA + at;
    code.push(lw(reg::T0, word, reg::ZERO)).push(NOP).push(addiu(reg::T0, reg::T0, 1));
    code.push(sw(reg::T0, word, reg::ZERO));
}

/// What children execute: they note what they began with, and yield to whom their data names.
fn code() -> Result<Page, Failure> {
    let page = Page::any()?;
    memory::pin(memory::myself(), WINDOWS[3], page.number, Mapping::WRITABLE, page.write)?;
    let mut start = Code::<256>::new();
    store_all(&mut start, lab::DATA);
    start.push(sw(reg::K1, lab::DATA + K1, reg::ZERO));
    start
        .push(lw(reg::T0, ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, excess) as u32, reg::ZERO))
        .push(NOP);
    start.push(sw(reg::T0, lab::DATA + EXCESS, reg::ZERO));
    count(&mut start, RUNS);
    start.push(lw(4, lab::DATA + NEXT, reg::ZERO)).push(YIELD).push(SYSCALL);
    count(&mut start, REFUSED);
    start.push(lw(4, lab::DATA + PARENT, reg::ZERO)).push(YIELD).push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
    let mut event = Code::<256>::new();
    count(&mut event, TOLD);
    event.push(lw(4, lab::DATA + PARENT, reg::ZERO)).push(YIELD).push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
    // Called for the first time, it stays until its slice ends. The next call, or its next slice, it gives back.
    let mut entry = Code::<256>::new();
    count(&mut entry, CALLED);
    entry.push(addiu(reg::T0, reg::T0, -1)).push(beq(reg::T0, reg::ZERO, -1)).push(NOP);
    entry
        .push(lw(reg::V0, lab::DATA + PARENT, reg::ZERO))
        .push(NOP)
        .push(SYSCALL)
        .push(beq(0, 0, -1))
        .push(NOP);
    let mut kept = Code::<256>::new();
    count(&mut kept, TOLD);
    kept.push(lw(reg::V0, lab::DATA + PARENT, reg::ZERO))
        .push(NOP)
        .push(SYSCALL)
        .push(beq(0, 0, -1))
        .push(NOP);
    let mut end = Code::<256>::new();
    end.push(ori(4, reg::ZERO, 0)).push(YIELD).push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
    for (at, code) in [(START, start), (EVENT, event), (ENTRY, entry), (KEPT, kept), (END, end)] {
        for (index, word) in code.words().iter().enumerate() {
            poke(WINDOWS[3] + at - lab::CODE + 4 * index as u32, *word);
        }
    }
    memory::unpin(memory::myself(), WINDOWS[3])?;
    let [low, high] = page.write.words();
    call::cache_flush(page.number, low, high)?;
    Ok(page)
}

/// A child that does nothing but this, and its data, which this environment sees too.
#[derive(Clone, Copy)]
struct Child {
    name: Name,
    data: Page,
    address: u32,
}

impl Child {
    /// `index` tells those that live at once apart, and from companions.
    fn new(index: u32, code: Page) -> Result<Self, Failure> {
        let name = Name(call::environment_create()?);
        let child = Self { name, data: Page::any()?, address: SHARED + (4 + index) * PAGE_SIZE };
        let data = child.data;
        memory::pin(memory::myself(), child.address, data.number, Mapping::WRITABLE, data.write)?;
        for word in [RUNS, REFUSED, TOLD, CALLED] {
            child.set(word, 0);
        }
        child.set(NEXT, memory::myself().0);
        child.set(PARENT, memory::myself().0);
        memory::pin(name, lab::DATA, data.number, Mapping::WRITABLE, data.write)?;
        memory::pin(name, lab::CODE, code.number, Mapping::empty(), code.read)?;
        call::bind(name.0, Event::SliceStart as u32, START)?;
        Ok(child)
    }

    fn get(&self, at: u32) -> u32 {
        peek(self.address + at)
    }

    fn set(&self, at: u32, value: u32) {
        poke(self.address + at, value);
    }

    /// Yields to it, by the long way if so wanted: what is bound anew might be anything.
    fn run(&self, short: bool) -> Result<(), Error> {
        // No slice ends in the middle.
        interrupt::hold_off()?;
        if !short {
            call::bind(self.name.0, Event::SliceStart as u32, START)?;
        }
        slice::yield_to(self.name)
    }

    fn end(self) -> Outcome {
        call::environment_destroy(self.name.0)?;
        self.forget()
    }

    /// What it leaves behind.
    fn forget(self) -> Outcome {
        memory::unpin(memory::myself(), self.address)?;
        self.data.free()?;
        Ok(())
    }
}

/// Whether this environment remembers to have yielded to somebody.
fn remembered(name: Name) -> bool {
    memory::environment().yielded[(name.0 & SELECTOR) as usize / 8].name == name.0
}

/// Where this environment can be entered at once.
fn yield_pc() -> u32 {
    peek(ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, yield_pc) as u32)
}

/// The same of a companion, which tells it.
fn yield_pc_of(companion: &Companion) -> Result<u32, Failure> {
    let at = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, yield_pc) as u32;
    companion.command(Command::Load, &[at])?;
    ensure_eq!(companion.answer(0), 1, "the companion reads its own page");
    Ok(companion.answer(1))
}

/// Binds where this environment's slices start, for as long as `f` runs.
fn starting_at(pc: u32, f: impl FnOnce() -> Outcome) -> Outcome {
    let myself = memory::myself().0;
    let start = memory::environment().slice_start_pc;
    call::bind(myself, Event::SliceStart as u32, pc)?;
    let outcome = f();
    call::bind(myself, Event::SliceStart as u32, start)?;
    outcome
}

fn registers() -> Outcome {
    let code = code()?;
    let child = Child::new(0, code)?;
    let mut lab = Lab::new()?;
    // k1 comes back in t0: the laboratory does not look at it.
    let body = [SYSCALL, addu(reg::T0, reg::K1, reg::ZERO)];
    lab.prepare(&body);
    starting_at(lab::body_start() + 4, || {
        for seed in 0..40 {
            interrupt::hold_off()?;
            Registers::canaries(seed).write(child.address);
            child.set(K1, seed + 1);
            child.set(EXCESS, 1);
            let before = Registers::canaries(seed).with(4, child.name.0);
            let after = lab.run(&before.with(reg::V0, Call::Yield as u32));
            for (registers, whose) in [(Registers::read(child.address), "the child's"), (after, "this one's")]
            {
                if let Some(difference) = registers.difference(&Registers::ZERO) {
                    ensure!(false, "yield {seed}: {whose} {difference}");
                }
            }
            ensure_eq!(
                [child.get(K1), child.get(EXCESS), child.get(RUNS)],
                [0, 0, seed + 1],
                "k1, excess, runs"
            );
            ensure!(remembered(child.name), "who was yielded to is remembered");
            ensure_eq!(
                yield_pc(),
                lab::body_start() + 4,
                "the child came back where it can always come back"
            );
        }
        Ok(())
    })?;
    child.end()?;
    code.free()?;
    Ok(())
}

fn ways() -> Outcome {
    let companion = Companion::spawn(0)?;
    let name = companion.name();
    ensure!(!remembered(name), "who was never yielded to is remembered");
    companion.command(Command::Nothing, &[])?;
    ensure!(remembered(name), "who was yielded to is forgotten");
    companion
        .command(Command::Load, &[ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, slice_start_pc) as u32])?;
    let there = companion.answer(1);
    ensure_eq!(yield_pc_of(&companion)?, there, "where the companion is entered");
    let start = memory::environment().slice_start_pc;
    // Whatever is bound anew is looked at by the long way first.
    for event in [Event::SliceStart, Event::Revocation, Event::Repossession] {
        let pc = if event == Event::SliceStart { start } else { 0 };
        call::bind(memory::myself().0, event as u32, pc)?;
        ensure_eq!(yield_pc(), 0, "after binding {event:?}");
        companion.command(Command::Nothing, &[])?;
        ensure_eq!(yield_pc(), start, "after coming back");
    }
    call::revoke(memory::myself().0, Resource::Pages as u32, 0, 0)?;
    ensure_eq!(yield_pc(), 0, "while something is untold");
    companion.command(Command::Nothing, &[])?;
    // There is no handler to tell it to.
    ensure_eq!(yield_pc(), start, "who does not want to be told");
    // Names that are nearly the one that is remembered.
    for bit in [0, 1, 2, 9, 13, 14, 20, 21, 30] {
        let wrong = Name(name.0 ^ 1 << bit);
        ensure_eq!(slice::yield_to(wrong), Err(Error::NoEnvironment), "yielding to {:08x}", wrong.0);
    }
    ensure_eq!(slice::yield_to(Name(name.0 & !(1 << 31))), Err(Error::NoEnvironment), "a positive name");
    slice::yield_to(Name::NOBODY)?;
    companion.command(Command::Nothing, &[])?;
    Ok(())
}

/// This environment lends to one, who lends to another, who computes until the slice ends.
fn lent() -> Outcome {
    let companions = [Companion::spawn(0)?, Companion::spawn(1)?];
    companions[0].post(Command::YieldTo, &[companions[1].name().0]);
    companions[1].post(Command::Compute, &[]);
    for round in 1..=6 {
        let before = companions[1].get(word::PROGRESS);
        // In a slice that has just begun.
        slice::yield_to(Name::NOBODY)?;
        // Comes back with the next slice, which would be theirs if they had kept this one.
        slice::yield_to(companions[0].name())?;
        ensure_eq!(companions[0].get(word::PROGRESS), round, "turns of the one between");
        ensure!(companions[1].get(word::PROGRESS) > before, "the last one did not run in round {round}");
    }
    companions[1].stop()?;
    ensure_eq!(companions[1].answer(0), 0, "registers wrong in the last one");
    companions[0].stop()?;
    Ok(())
}

/// Lends to a child, which yields back; then calls another, which stays until the slice ends. The call was
/// for good, so the next slice is the callee's too.
fn given_back() -> Outcome {
    let code = code()?;
    let (child, callee) = (Child::new(0, code)?, Child::new(1, code)?);
    call::bind(callee.name.0, Event::Synchronous as u32, ENTRY)?;
    call::bind(callee.name.0, Event::SliceEnd as u32, END)?;
    call::bind(callee.name.0, Event::SliceStart as u32, KEPT)?;
    // Somebody else's slice is between, or the callee would never see the end of this one.
    let other = Companion::spawn(0)?;
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, other.name().0)?;
    other.post(Command::Yield, &[]);
    let mut lab = Lab::new()?;
    let mut body = Code::<16>::new();
    body.push(SYSCALL).li(reg::V0, callee.name.0).push(SYSCALL).push(NOP);
    lab.prepare(body.words());
    let behind = lab::body_start();
    transfer::bind_synchronous(behind + 16)?;
    starting_at(behind + 4, || {
        for (round, short) in [false, true, true, false, true].into_iter().enumerate() {
            if !short {
                call::bind(child.name.0, Event::SliceStart as u32, START)?;
                call::bind(memory::myself().0, Event::SliceStart as u32, behind + 4)?;
            }
            callee.set(CALLED, 0);
            callee.set(TOLD, 0);
            interrupt::plant(interrupt::ticks(8000), END_SLICE)?;
            ensure_eq!(yield_pc(), if short { behind + 4 } else { 0 }, "round {round}: the way back");
            lab.run(&Registers::ZERO.with(4, child.name.0).with(reg::V0, Call::Yield as u32));
            ensure_eq!(child.get(RUNS), round as u32 + 1, "round {round}: the child was lent the slice");
            // Were the call not for good, this environment would have had the next slice, and called again.
            let counts = [callee.get(CALLED), callee.get(TOLD)];
            ensure_eq!(counts, [1, 1], "round {round}: the callee's calls and slices");
            ensure_eq!(memory::environment().caller, callee.name.0, "round {round}: who gave the slice back");
        }
        Ok(())
    })?;
    transfer::bind_synchronous(0)?;
    other.stop()?;
    child.end()?;
    callee.end()?;
    code.free()?;
    Ok(())
}

/// Ends this environment's slice without its knowing, and yields to one while the turn is another's.
fn over() -> Outcome {
    let code = code()?;
    let child = Child::new(0, code)?;
    let other = Companion::spawn(1)?;
    child.run(true)?;
    child.run(true)?;
    ensure_eq!(child.get(RUNS), 2, "the child runs");
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, other.name().0)?;
    let end = memory::environment().slice_end_pc;
    for round in 0..4 {
        other.post(Command::Yield, &[]);
        call::bind(memory::myself().0, Event::SliceEnd as u32, 0)?;
        interrupt::landed()?;
        interrupt::plant(interrupt::ticks(200), END_SLICE)?;
        while interrupt::landed()?.is_none() {}
        ensure_eq!(other.get(word::PROGRESS), 0, "round {round}: the other one ran already");
        ensure!(remembered(child.name), "round {round}: the child is remembered");
        slice::yield_to(child.name)?;
        call::bind(memory::myself().0, Event::SliceEnd as u32, end)?;
        ensure_eq!(child.get(RUNS), 2 + round, "round {round}: the child had what is another's");
        ensure!(other.get(word::PROGRESS) > 0, "round {round}: whose turn it was did not run");
        // Now there is something to lend again.
        child.run(true)?;
        ensure_eq!(child.get(RUNS), 3 + round, "round {round}: the child runs again");
        other.stop()?;
    }
    child.end()?;
    code.free()?;
    Ok(())
}

fn dead() -> Outcome {
    let code = code()?;
    // The one between remembers the other, too.
    let between = Child::new(0, code)?;
    for round in 0..3 {
        let child = Child::new(1, code)?;
        between.set(NEXT, child.name.0);
        for _ in 0..3 {
            child.run(true)?;
            between.run(true)?;
        }
        ensure_eq!([child.get(RUNS), between.get(REFUSED)], [6, round], "both yielded to it");
        ensure!(remembered(child.name), "it is remembered");
        call::environment_destroy(child.name.0)?;
        ensure!(!remembered(child.name), "the dead are remembered");
        ensure_eq!(slice::yield_to(child.name), Err(Error::NoEnvironment), "yielding to the dead");
        between.run(true)?;
        ensure_eq!(between.get(REFUSED), round + 1, "the other one yields to the dead");
        // Its id, and perhaps its page, are another's now.
        let heir = Child::new(2, code)?;
        ensure_eq!(slice::yield_to(child.name), Err(Error::NoEnvironment), "yielding to the dead one's heir");
        between.run(true)?;
        ensure_eq!(between.get(REFUSED), round + 1 + 1, "the other one yields to the heir");
        ensure_eq!(heir.get(RUNS), 0, "the heir ran");
        between.set(REFUSED, round + 1);
        heir.end()?;
        child.forget()?;
    }
    between.end()?;
    code.free()?;
    Ok(())
}

fn no_start() -> Outcome {
    let code = code()?;
    let child = Child::new(0, code)?;
    for round in 1..=3 {
        child.run(true)?;
        child.run(true)?;
        call::bind(child.name.0, Event::SliceStart as u32, 0)?;
        ensure!(remembered(child.name), "round {round}: it is forgotten");
        ensure_eq!(
            slice::yield_to(child.name),
            Err(Error::NoEnvironment),
            "round {round}: yielding to nowhere"
        );
        ensure_eq!(child.get(RUNS), 2 * round, "round {round}: runs");
        call::bind(child.name.0, Event::SliceStart as u32, START)?;
    }
    // Another place to start is another place to enter.
    child.run(true)?;
    call::bind(child.name.0, Event::SliceStart as u32, EVENT)?;
    slice::yield_to(child.name)?;
    slice::yield_to(child.name)?;
    ensure_eq!([child.get(RUNS), child.get(TOLD)], [7, 2], "where it starts now");
    child.end()?;
    code.free()?;
    Ok(())
}

fn told() -> Outcome {
    let code = code()?;
    let child = Child::new(0, code)?;
    let wish = || call::revoke(child.name.0, Resource::Pages as u32, 1, 0);
    let counts = || [child.get(RUNS), child.get(TOLD)];
    child.run(true)?;
    // Nobody to tell: it goes on as ever, and is told when it wants to be.
    wish()?;
    child.run(true)?;
    child.run(true)?;
    ensure_eq!(counts(), [3, 0], "with no handler");
    call::bind(child.name.0, Event::Revocation as u32, EVENT)?;
    child.run(true)?;
    ensure_eq!(counts(), [3, 1], "with a handler");
    child.run(true)?;
    child.run(true)?;
    ensure_eq!(counts(), [5, 1], "told once");
    wish()?;
    child.run(true)?;
    ensure_eq!(counts(), [5, 2], "told again");
    child.run(true)?;
    ensure_eq!(counts(), [6, 2], "told once again");
    // It has no page to give: taken by force means told of the emergency.
    call::bind(child.name.0, Event::Repossession as u32, EVENT)?;
    child.run(true)?;
    call::revoke(child.name.0, Resource::Pages as u32, 1, u32::MAX)?;
    child.run(true)?;
    ensure_eq!(counts(), [7, 3], "told what was taken");
    child.run(true)?;
    ensure_eq!(counts(), [8, 3], "told that once");
    child.end()?;
    code.free()?;
    Ok(())
}

fn same_id() -> Outcome {
    const BETWEEN: usize = 62;
    let code = code()?;
    let first = Child::new(0, code)?;
    let mut bare = [0; BETWEEN + 16];
    let mut second = None;
    for name in &mut bare {
        *name = call::environment_create()?;
        if Name(*name).address_space() == first.name.address_space() {
            call::environment_destroy(core::mem::take(name))?;
            second = Some(Child::new(1, code)?);
            break;
        }
    }
    let Some(second) = second else { return Err(Failure::new(format_args!("no two share an id"))) };
    ensure_eq!(second.name.address_space(), first.name.address_space(), "their ids");
    let children = [first, second];
    let (mut runs, mut random) = ([0; 2], 7u32);
    for step in 0..300 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let which = (random >> 20 & 1) as usize;
        // Now and then one yields to the other, whom it may remember.
        let through = random >> 24 & 3 == 0;
        let next = if through { children[1 - which].name } else { memory::myself() };
        children[which].set(NEXT, next.0);
        children[1 - which].set(NEXT, memory::myself().0);
        children[which].run(true)?;
        runs[which] += 1;
        runs[1 - which] += u32::from(through);
        ensure_eq!(children.map(|child| child.get(RUNS)), runs, "step {step}: runs");
        if step % 50 == 0 {
            call::check_invariants()?;
        }
    }
    ensure_eq!(children.map(|child| child.get(REFUSED)), [0; 2], "refusals");
    for child in children {
        child.end()?;
    }
    for name in bare.into_iter().filter(|name| *name != 0) {
        call::environment_destroy(name)?;
    }
    code.free()?;
    Ok(())
}

fn delay_slot() -> Outcome {
    let code = code()?;
    let child = Child::new(0, code)?;
    child.run(true)?;
    child.run(true)?;
    let mut lab = Lab::new()?;
    let before = Registers::canaries(3).with(4, child.name.0).with(reg::V0, Call::Yield as u32);
    let before = before.with(reg::SP, lab::STACK_TOP);
    apps::testing::trap::expect(apps::testing::trap::Repair::Patch);
    let after = lab.try_out(&[bne(reg::V0, reg::ZERO, 1), SYSCALL, NOP], &before);
    let Some(seen) = apps::testing::trap::taken() else {
        return Err(Failure::new(format_args!("no exception")));
    };
    ensure!(seen.in_delay_slot(), "the exception is in a delay slot");
    ensure_eq!(seen.code(), exos::abi::environment::cause::SYSTEM_CALL, "the exception's code");
    if let Some(difference) = after.difference(&before) {
        ensure!(false, "afterwards {difference}");
    }
    ensure_eq!(child.get(RUNS), 2, "the child ran");
    child.end()?;
    code.free()?;
    Ok(())
}

/// Yields again and again to a child that comes back at once, with interrupts planted everywhere around.
fn plant_around(kind: u32) -> Result<(Child, Page, u32), Failure> {
    let code = code()?;
    let (child, between) = (Child::new(0, code)?, Child::new(1, code)?);
    call::bind(child.name.0, Event::SliceEnd as u32, END)?;
    call::bind(between.name.0, Event::SliceEnd as u32, END)?;
    between.set(NEXT, child.name.0);
    let span = interrupt::ticks(220);
    let rounds = span.max(220);
    let mut came_back = 0;
    for round in 0..rounds {
        let runs = child.get(RUNS);
        interrupt::plant(1 + round % span, kind)?;
        // On a clock that is slower than the processor.
        interrupt::shift(round / span);
        for _ in 0..3 {
            slice::yield_to(between.name)?;
            came_back += 1;
        }
        // A slice that ends in a child ends its run.
        let lost = runs + 3 - child.get(RUNS);
        ensure!(lost <= u32::from(kind == END_SLICE), "round {round}: {lost} runs are lost");
        if kind == END_SLICE && round % 32 == 0 {
            call::check_invariants()?;
        }
    }
    ensure_eq!(came_back, 3 * rounds, "yields that came back");
    ensure_eq!([child.get(REFUSED), between.get(REFUSED)], [0; 2], "refusals");
    if let Some(difference) = Registers::read(child.address).difference(&Registers::ZERO) {
        ensure!(false, "the child began with {difference}");
    }
    between.end()?;
    Ok((child, code, rounds))
}

fn storm() -> Outcome {
    let (child, code, rounds) = plant_around(END_SLICE)?;
    ensure!(child.get(RUNS) >= 2 * rounds, "the child had {} runs", child.get(RUNS));
    child.end()?;
    code.free()?;
    Ok(())
}

fn shaken() -> Outcome {
    let (child, code, rounds) = plant_around(PLAIN)?;
    ensure_eq!(child.get(RUNS), 3 * rounds, "runs of the child");
    child.end()?;
    code.free()?;
    Ok(())
}

const _: () = assert!(SHARED as usize + 8 * PAGE_SIZE as usize <= (WINDOWS[3] as usize), "room for children");
