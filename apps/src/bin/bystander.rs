//! The bystander: starts hostile programs beside a watcher, and tells whether they harmed anything.
//!
//! The first environment supervises: it starts the watcher (this program again), then one hostile
//! program after the other, keeps slices going, and checks when each is done or destroyed that all it
//! had is free again. Nothing that the hostile programs say counts as proof but the watcher's memory,
//! the kernel's own checks, and what the supervisor sees itself. `quick` on the command line leaves out what GXemul
//! does not survive, and what its clock is too coarse for.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use apps::ensure;
use apps::testing::{Failure, Outcome, on_large_stack};
use exos::abi::calls::Fact;
use exos::abi::layout::{ANY, EXCESS_LIMIT, SLICES};
use exos::abi::{Call, Error, Name};
use exos::spawn::{Child, spawn};
use exos::{call, memory, print, println, slice};

#[allow(dead_code, reason = "each of the two programs uses a part of it")]
#[path = "../hostile/protocol.rs"]
mod protocol;
#[path = "../hostile/watcher.rs"]
mod watcher;

use protocol::{FOREIGN_ROW, OUTCOMES, ROWS, TABLE, TRANSFER_ROW, role};

exos::program!(main);

/// The seed where the command line names none.
const SEED: u32 = 0x0a39_1995;
/// Random calls that are made.
const CALLS: u32 = 100_000;
/// Pages of random instructions that are run.
const INSTRUCTION_PAGES: u32 = 200;
/// Free pages that are left to hostile programs; the supervisor holds the others, so that memory runs
/// out now and then without taking all day.
const FREE_PAGES: u32 = 1500;
/// Pages of the largest machine that the supervisor can hold back.
const HELD: usize = 16384;
/// Slices that a hostile program may take before it counts as hanging.
const PATIENCE: u32 = 4000;

/// The pages that are held back; a program has one thread.
static mut HELD_PAGES: [u16; HELD] = [0; HELD];

fn main() -> u32 {
    if fact(Fact::Parent) == 0 { on_large_stack(supervise) } else { watcher::run() }
}

fn fact(fact: Fact) -> u32 {
    call::machine(fact as u32).unwrap_or(0)
}

/// What must be the same before a hostile program and after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Census {
    pages: u32,
    environments: u32,
    slices: usize,
}

impl Census {
    fn take() -> Self {
        let mut taken = [0; SLICES];
        let mut slices = 0;
        while slices < SLICES
            && let Ok(position) = call::slice_alloc(ANY)
        {
            taken[slices] = position;
            slices += 1;
        }
        for position in &taken[..slices] {
            let _ = call::slice_free(*position);
        }
        Self { pages: fact(Fact::FreePages), environments: fact(Fact::Environments), slices }
    }
}

/// Counts passed and failed tests.
struct Report {
    passed: u32,
    failed: u32,
}

impl Report {
    fn test(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Err(failure) => {
                self.failed += 1;
                println!("test {name} ... FAILED: {failure}");
            }
        }
    }
}

/// Who is looked after, and how.
struct Supervisor {
    seed: u32,
    watcher: Child,
    watched: [u32; protocol::PAGE_COUNT],
    quantum: u32,
}

extern "C" fn supervise() -> u32 {
    let seed = match fact(Fact::Seed) {
        0 => SEED,
        seed => seed,
    };
    println!("seed {seed}");
    let mut report = Report { passed: 0, failed: 0 };
    match Supervisor::new(seed) {
        Ok(supervisor) => supervisor.run(&mut report),
        Err(failure) => report.test("a watcher watches", Err(failure)),
    }
    println!("{} passed, {} failed", report.passed, report.failed);
    u32::from(report.failed > 0)
}

/// Gives a child a slice of its own.
fn give_slice(child: &Child) -> Result<(), Error> {
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, child.name.0).map(|_| ())
}

/// Allocates all pages but [`FREE_PAGES`]; tells how many.
fn hold_pages() -> usize {
    let mut count = 0;
    while count < HELD && fact(Fact::FreePages) > FREE_PAGES {
        let Ok(page) = call::page_alloc(ANY, 0, 0, 0, 0) else {
            break;
        };
        // SAFETY: this program has one thread, and nobody holds a reference.
        unsafe { (&raw mut HELD_PAGES).cast::<u16>().add(count).write(page as u16) };
        count += 1;
    }
    count
}

fn release_pages(count: usize) -> Outcome {
    for index in 0..count {
        // SAFETY: as in `hold_pages`, which wrote it.
        let page = unsafe { (&raw const HELD_PAGES).cast::<u16>().add(index).read() };
        call::page_free(u32::from(page))?;
    }
    Ok(())
}

impl Supervisor {
    fn new(seed: u32) -> Result<Self, Failure> {
        let watcher = spawn("bystander", &[role::WATCHER])?;
        give_slice(&watcher)?;
        let mut turns = 0;
        while watcher.word(protocol::PROGRESS)? < 2 {
            slice::yield_to(Name::NOBODY)?;
            turns += 1;
            ensure!(turns < PATIENCE && watcher.lives(), "the watcher does not begin to watch");
        }
        let mut watched = [0; protocol::PAGE_COUNT];
        for (index, page) in watched.iter_mut().enumerate() {
            *page = watcher.word(protocol::PAGES + 1 + index)?;
        }
        Ok(Self { seed, watcher, watched, quantum: fact(Fact::QuantumTicks) })
    }

    fn run(self, report: &mut Report) {
        let before = Census::take();
        let held = hold_pages();
        self.all_calls(report);
        report.test("a hostile program is destroyed in the middle of its calls", self.cut_short());
        report.test("random instructions do what user mode may, and fault otherwise", self.instructions());
        report.test("a slice that is over cannot be handed on for ever", self.overrun());
        report.test("a slice begins whole, whenever the one before it ends", self.sliver());
        report.test("what is lent at the end of a slice is not the next one", self.lend());
        report.test("environments that share an address-space id share no mapping", self.alias());
        report.test(
            "what was held back is free again",
            release_pages(held).and_then(|()| {
                let after = Census::take();
                ensure!(before == after, "{before:?} became {after:?}");
                Ok(())
            }),
        );
        report.test("the watcher saw no harm to its memory, registers and mappings", self.unharmed());
        self.watcher.destroy();
    }

    /// Starts a hostile program with a slice of its own.
    fn start(&self, what: u32, seed: u32, wanted: u32) -> Result<Child, Failure> {
        let mut words = [0; protocol::PAGES + 1 + protocol::PAGE_COUNT];
        words[protocol::ROLE] = what;
        words[protocol::SEED] = seed;
        words[protocol::WANTED] = wanted;
        words[protocol::SUPERVISOR] = memory::myself().0;
        words[protocol::WATCHER] = self.watcher.name.0;
        words[protocol::PAGES] = protocol::PAGE_COUNT as u32;
        words[protocol::PAGES + 1..].copy_from_slice(&self.watched);
        let child = spawn("hostile", &words)?;
        give_slice(&child)?;
        Ok(child)
    }

    /// Lets a hostile program go on until it says that it is done, or has made `until` calls.
    fn wait(&self, child: &Child, until: u32) -> Outcome {
        for turn in 0..PATIENCE {
            // Now what is left of this slice, now its own.
            let whom = if turn % 2 == 0 { child.name } else { Name::NOBODY };
            if slice::yield_to(whom) == Err(Error::NoEnvironment) {
                break;
            }
            if child.word(protocol::FINISHED)? != 0 || child.word(protocol::PROGRESS)? >= until {
                return self.said(child);
            }
        }
        self.said(child)?;
        ensure!(child.lives(), "it is gone after {} calls", child.word(protocol::PROGRESS)?);
        Err(Failure::new(format_args!("it hangs after {} calls", child.word(protocol::PROGRESS)?)))
    }

    /// What a hostile program itself found wrong.
    fn said(&self, child: &Child) -> Outcome {
        let (check, detail) = (child.word(protocol::FAULT)?, child.word(protocol::DETAIL)?);
        ensure!(
            check == 0,
            "its check {check} failed: {detail:#x}, after {} calls",
            child.word(protocol::PROGRESS)?
        );
        Ok(())
    }

    /// Destroys a hostile program and the family that it leaves.
    fn end(&self, child: Child) -> Outcome {
        child.destroy();
        let spared = [0, memory::myself().0, self.watcher.name.0];
        for page in 0..fact(Fact::Pages) {
            let owner = call::page_owner(page)?;
            if !spared.contains(&owner) {
                call::environment_destroy(owner)?;
            }
        }
        Ok(())
    }

    /// That a family is gone and the kernel in order.
    fn clean(&self, before: Census) -> Outcome {
        let after = Census::take();
        ensure!(before == after, "{before:?} became {after:?}");
        match call::check_invariants() {
            // A violation stops the machine.
            Ok(_) | Err(Error::Unsupported) => {}
            Err(error) => return Err(error.into()),
        }
        self.unharmed()
    }

    /// That the watcher goes on and has nothing to complain of.
    fn unharmed(&self) -> Outcome {
        let pass = self.watcher.word(protocol::PROGRESS)?;
        for _ in 0..SLICES {
            slice::yield_to(Name::NOBODY)?;
        }
        let (check, detail) = (self.watcher.word(protocol::FAULT)?, self.watcher.word(protocol::DETAIL)?);
        ensure!(check == 0, "its check {check} failed: {detail:#x}");
        ensure!(self.watcher.word(protocol::PROGRESS)? > pass, "it stands still after {pass} passes");
        ensure!(self.watcher.word(protocol::PREEMPTED)? > 0, "no slice ever ended under it");
        for page in self.watched {
            ensure!(call::page_owner(page)? == self.watcher.name.0, "page {page} is not its own any more");
        }
        Ok(())
    }

    /// The random calls, and what became of them.
    fn all_calls(&self, report: &mut Report) {
        let before = Census::take();
        let child = match self.start(role::CALLS, self.seed, CALLS) {
            Ok(child) => child,
            Err(failure) => return report.test("random calls are made", Err(failure)),
        };
        let waited = self.wait(&child, ANY);
        println!();
        report.test("random calls leave the kernel in order", waited);
        report.test("every call succeeds and refuses as its table says", counts(&child));
        report.test(
            "all that it had is free again, and the watcher unharmed",
            self.end(child).and_then(|()| self.clean(before)),
        );
    }

    fn cut_short(&self) -> Outcome {
        let before = Census::take();
        let child = self.start(role::CALLS, self.seed.wrapping_add(1), ANY)?;
        let waited = self.wait(&child, CALLS / 10);
        println!();
        self.end(child)?;
        waited?;
        self.clean(before)
    }

    fn instructions(&self) -> Outcome {
        let before = Census::take();
        let child = self.start(role::INSTRUCTIONS, self.seed, INSTRUCTION_PAGES)?;
        let waited = self.wait(&child, ANY);
        self.end(child)?;
        waited?;
        self.clean(before)
    }

    /// Yields until a hostile program is done or gone; the longest that nobody came back to here.
    fn longest_gap(&self, child: &Child) -> Result<u32, Failure> {
        let mut longest = 0;
        for _ in 0..PATIENCE {
            let start = call::clock();
            slice::yield_to(Name::NOBODY)?;
            longest = longest.max(call::clock().wrapping_sub(start) / self.quantum);
            if !child.lives() || child.word(protocol::FINISHED)? != 0 {
                return Ok(longest);
            }
        }
        Err(Failure::new(format_args!("it hangs")))
    }

    fn overrun(&self) -> Outcome {
        ensure!(!protocol::quick(), "left out");
        let before = Census::take();
        let child = self.start(role::OVERRUN, 0, 40)?;
        // It loses its state when a child of its is destroyed for what it overran, so this is one try.
        let mut longest = 0;
        for _ in 0..8 {
            let start = call::clock();
            slice::yield_to(Name::NOBODY)?;
            longest = longest.max(call::clock().wrapping_sub(start) / self.quantum);
        }
        self.end(child)?;
        // Its slice, what it may overrun, and a slice of the watcher's that may be overrun a little.
        let most = 1 + EXCESS_LIMIT + 1 + 2;
        ensure!(longest > 2, "it overran nothing: {longest} slices");
        ensure!(longest <= most, "nobody else ran for {longest} slices, more than {most}");
        self.clean(before)
    }

    fn sliver(&self) -> Outcome {
        ensure!(!protocol::quick(), "left out");
        let before = Census::take();
        let child = self.start(role::SLIVER, 0, 2)?;
        let mut cut = 0;
        for _ in 0..PATIENCE {
            slice::yield_to(Name::NOBODY)?;
            // This slice has just begun: it lasts. Whoever else runs meanwhile does so for long.
            let start = call::clock();
            let mut last = start;
            while last.wrapping_sub(start) < self.quantum / 2 {
                let now = call::clock();
                cut += u32::from(now.wrapping_sub(last) > self.quantum / 16);
                last = now;
            }
            if child.word(protocol::FINISHED)? != 0 {
                break;
            }
        }
        let said = self.said(&child);
        self.end(child)?;
        said?;
        ensure!(cut == 0, "{cut} slices were cut short");
        self.clean(before)
    }

    fn lend(&self) -> Outcome {
        let before = Census::take();
        let child = self.start(role::LEND, 0, 4)?;
        let longest = self.longest_gap(&child);
        let said = self.said(&child);
        // Were this slice the other's now, it would be so when this one yields next.
        for _ in 0..4 {
            slice::yield_to(Name::NOBODY)?;
        }
        self.end(child)?;
        said?;
        let longest = longest?;
        ensure!(longest <= 5, "nobody came back here for {longest} slices");
        self.clean(before)
    }

    fn alias(&self) -> Outcome {
        let before = Census::take();
        let child = self.start(role::ALIAS, 0, 0)?;
        let waited = self.wait(&child, ANY);
        self.end(child)?;
        waited?;
        self.clean(before)
    }
}

/// Errors that a call cannot answer in this build of the kernel, and calls that cannot succeed.
fn impossible(call: Call, error: Option<Error>) -> bool {
    let test_build = fact(Fact::TestBuild) != 0;
    let plants = matches!(call, Call::CheckFault | Call::CheckPlant);
    let check = plants || matches!(call, Call::CheckTimer | Call::CheckInvariants);
    match error {
        Some(Error::Unsupported) => test_build && call != Call::FpuMod,
        // It visits nobody, and ids of hardware address spaces are shared only by many.
        Some(Error::Busy) if matches!(call, Call::CidSwitch | Call::EnvironmentDestroy) => true,
        // Only a child that may have few has too many.
        Some(Error::Exhausted) if call == Call::SliceGive => true,
        Some(_) => check && !test_build,
        // Nothing waits at the console; the first environment alone may halt; and a fault in the kernel
        // stops the machine of a test build.
        // There is no floating-point unit.
        None => {
            plants || matches!(call, Call::ConsoleRead | Call::Halt | Call::FpuMod) || check && !test_build
        }
    }
}

/// Prints how often each call succeeded and answered each error, and tells whether any that must occur
/// did not.
fn counts(child: &Child) -> Outcome {
    let mut totals = [0; OUTCOMES];
    let mut missing = None;
    let mut delivered = 0;
    print!("{:<20} {:>7}", "call", "success");
    for error in Error::ALL {
        print!(" {:>13}", name(error));
    }
    println!();
    for row in 0..ROWS {
        let label = match row {
            TRANSFER_ROW => "(transfer)",
            FOREIGN_ROW => "(not Aegis's)",
            _ => Call::ALL[row].row().function,
        };
        print!("{label:<20}");
        for (outcome, total) in totals.iter_mut().enumerate() {
            let count = child.word(TABLE + row * OUTCOMES + outcome)?;
            *total += count;
            if row == FOREIGN_ROW {
                delivered += count;
            }
            let error = outcome.checked_sub(1).map(|index| Error::ALL[index]);
            let (documented, expected) = match (row, error) {
                (TRANSFER_ROW, Some(error)) => (error == Error::NoEnvironment, error == Error::NoEnvironment),
                (FOREIGN_ROW, Some(_)) => (false, false),
                (_, None) if row >= TRANSFER_ROW => (true, true),
                _ => {
                    let call = Call::ALL[row];
                    let documented = error.is_none_or(|error| call.row().errors.contains(&error));
                    (documented, documented && !impossible(call, error))
                }
            };
            let width = if outcome == 0 { 7 } else { 13 };
            if documented || count > 0 {
                print!(" {count:>width$}")
            } else {
                print!(" {:>width$}", "")
            }
            if expected && count == 0 && missing.is_none() {
                missing = Some((label, error));
            }
        }
        println!();
    }
    print!("{:<20}", "all");
    for (outcome, total) in totals.iter().enumerate() {
        let width = if outcome == 0 { 7 } else { 13 };
        print!(" {total:>width$}");
    }
    println!();
    println!("{} calls", totals.iter().sum::<u32>());
    if let Some((call, error)) = missing {
        let outcome = error.map_or("success", name);
        return Err(Failure::new(format_args!("{call} never answered {outcome}")));
    }
    for (index, error) in Error::ALL.into_iter().enumerate() {
        let possible = error != Error::Unsupported || fact(Fact::TestBuild) == 0;
        ensure!(totals[1 + index] > 0 || !possible, "no call ever answered {}", name(error));
    }
    let handled = child.word(protocol::DELIVERED)?;
    ensure!(delivered == handled, "{handled} of {delivered} foreign system calls were delivered");
    let all: u32 = totals.iter().sum();
    ensure!(all == CALLS, "{all} calls were counted, not {CALLS}");
    Ok(())
}

/// The name of an error.
fn name(error: Error) -> &'static str {
    match error {
        Error::Invalid => "Invalid",
        Error::Denied => "Denied",
        Error::NoEnvironment => "NoEnvironment",
        Error::NoPage => "NoPage",
        Error::Busy => "Busy",
        Error::Exhausted => "Exhausted",
        Error::Unsupported => "Unsupported",
    }
}
