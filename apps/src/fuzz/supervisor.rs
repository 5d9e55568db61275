//! The first environment: starts the three, lends them its slices, limits them and asks them for
//! resources now and then, starts those again that end, and tells in the end whether all was well.

use apps::ensure;
use apps::testing::{Failure, Outcome};
use exos::abi::calls::Fact;
use exos::abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource, SLICES};
use exos::abi::{Error, Name};
use exos::memory::{self, Page};
use exos::spawn::{Child, spawn};
use exos::{call, println, slice};

use super::random::Random;
use super::shared::{SHARED, STATS, SUPERVISORS_BOARD, WORKERS, Words, board, page_at, start, stats};
use super::{counts, touch};

/// The seed where the command line names none.
const SEED: u32 = 0x0a39_1995;
/// Calls of a full run, of a quick one, and of a quick one on a board that is a model.
const CALLS: [u32; 3] = [1_000_000, 100_000, 20_000];
/// Each outcome occurs at least so often in each of them.
const LEAST: [u32; 3] = [100, 1, 0];
/// Free pages that are left to the three; the supervisor holds the others, so that memory runs out now
/// and then without taking all day.
const FREE_PAGES: u32 = 1500;
/// Pages of the largest machine that the supervisor can hold back.
const HELD: usize = 16384;
/// Turns without a call after which one of the three counts as lost.
const PATIENCE: u32 = 1000;
/// Families of those that ended are ended too after so many ends.
const REAP_EVERY: u32 = 8;
/// Where the supervisor looks at a page for a moment.
const LOOK: u32 = 0x0007_4000;

/// The pages that are held back; a program has one thread.
static mut HELD_PAGES: [u16; HELD] = [0; HELD];

fn fact(fact: Fact) -> u32 {
    call::machine(fact as u32).unwrap_or(0)
}

/// What must be the same before and after.
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

/// The page of counts of one of the three.
fn counts_of(slot: usize) -> Words {
    Words(SHARED + slot as u32 * PAGE_SIZE)
}

/// Who looks after the three.
struct Supervisor {
    random: Random,
    wanted: u32,
    stats: [Page; WORKERS],
    board: Page,
    echo: Page,
    three: [Option<Child>; WORKERS],
    /// How far each was when it last got on, and how many turns ago that is.
    seen: [(u32, u32); WORKERS],
    ended: u32,
    lost: u32,
}

/// Runs everything; the answer is an exit status.
pub extern "C" fn run() -> u32 {
    let seed = match fact(Fact::Seed) {
        0 => SEED,
        seed => seed,
    };
    let length = if fact(Fact::Quick) == 0 { 0 } else { 1 + fact(Fact::Board) as usize };
    println!("seed {seed}, {} calls", CALLS[length]);
    if fact(Fact::TestBuild) != 1 {
        println!("the fuzzer needs a test build of the kernel");
        return 1;
    }
    let before = Census::take();
    let mut report = Report { passed: 0, failed: 0 };
    match Supervisor::new(seed, CALLS[length]) {
        Err(error) => report.test("three environments make calls", Err(error)),
        Ok(mut supervisor) => {
            let held = hold_pages();
            let watched = supervisor.watch().and_then(|()| supervisor.stop());
            report.test("random calls of three environments leave the kernel in order", watched);
            report.test("every call succeeds and refuses as its table says", supervisor.count(LEAST[length]));
            let ended = supervisor.end().and_then(|()| release_pages(held));
            let clean = ended.and_then(|()| {
                call::check_invariants()?;
                let after = Census::take();
                ensure!(before == after, "{before:?} became {after:?}");
                Ok(())
            });
            report.test("all that they had is free again", clean);
        }
    }
    println!("{} passed, {} failed", report.passed, report.failed);
    u32::from(report.failed > 0)
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

impl Supervisor {
    fn new(seed: u32, wanted: u32) -> Result<Self, Failure> {
        let mut pages = [page_at(SHARED)?; WORKERS];
        for (slot, page) in pages.iter_mut().enumerate().skip(1) {
            *page = page_at(SHARED + slot as u32 * PAGE_SIZE)?;
        }
        let words = Words(SUPERVISORS_BOARD);
        let board = page_at(SUPERVISORS_BOARD)?;
        words.set(board::SUPERVISOR, memory::myself().0);
        for index in 0..board::CAPABILITY_COUNT {
            let [low, high] = memory::capability().words();
            words.set(board::CAPABILITIES + 2 * index, low);
            words.set(board::CAPABILITIES + 2 * index + 1, high);
        }
        for index in board::PAGES {
            words.set(index, ANY);
        }
        let echo = page_at(LOOK)?;
        let code = touch::echo_code();
        // SAFETY: the page has just been mapped there, writable; code is read.
        unsafe { core::ptr::copy_nonoverlapping(code.as_ptr(), LOOK as *mut u8, code.len()) };
        memory::unpin(memory::myself(), LOOK)?;
        let [low, high] = echo.write.words();
        call::cache_flush(echo.number, low, high)?;
        let mut supervisor = Self {
            random: Random::new(seed),
            wanted,
            stats: pages,
            board,
            echo,
            three: [const { None }; WORKERS],
            seen: [(0, 0); WORKERS],
            ended: 0,
            lost: 0,
        };
        for slot in 0..WORKERS {
            supervisor.start(slot)?;
        }
        Ok(supervisor)
    }

    /// Starts one of the three, with a slice of its own.
    fn start(&mut self, slot: usize) -> Outcome {
        let child = spawn("fuzz", &[slot as u32, self.random.word()])?;
        let page = child.start_page;
        memory::pin(memory::myself(), LOOK, page.number, Mapping::WRITABLE, page.write)?;
        let words = Words(LOOK);
        words.set_page(start::ECHO, self.echo.number, self.echo.read);
        words.set_page(start::STATS, self.stats[slot].number, self.stats[slot].read);
        let mut count = 0;
        let shared = [page, self.stats[slot], self.board];
        for page in child.pages().chain(&shared) {
            words.set_page(start::PAGES + 3 * count, page.number, page.write);
            count += 1;
        }
        words.set(start::COUNT, count as u32);
        memory::unpin(memory::myself(), LOOK)?;
        for (address, page) in [(STATS, self.stats[slot]), (super::shared::BOARD, self.board)] {
            memory::pin(child.name, address, page.number, Mapping::WRITABLE, page.write)?;
        }
        counts_of(slot).set(stats::LEAVING, 0);
        Words(SUPERVISORS_BOARD).set(board::THREE + slot, child.name.0);
        // There may be none: then it runs in what is lent to it.
        if let Ok(position) = call::slice_alloc(ANY) {
            call::slice_give(position, child.name.0)?;
        }
        self.three[slot] = Some(child);
        self.seen[slot].1 = 0;
        Ok(())
    }

    fn progress(&self) -> u32 {
        (0..WORKERS).map(|slot| counts_of(slot).get(stats::PROGRESS)).sum()
    }

    /// Lets the three go on until all calls are made.
    fn watch(&mut self) -> Outcome {
        let mut turn = 0;
        while self.progress() < self.wanted {
            let slot = turn % WORKERS;
            turn += 1;
            self.look_after(slot)?;
            if self.random.one_in(8) {
                self.trouble(slot);
            }
            let whom = match &self.three[slot] {
                Some(child) if turn % 4 != 0 => child.name,
                _ => Name::NOBODY,
            };
            // It may have ended just now.
            let _ = slice::yield_to(whom);
        }
        println!(
            "{} calls; {} of the three ended and were started again, {} were lost",
            self.progress(),
            self.ended,
            self.lost
        );
        Ok(())
    }

    /// Starts one of the three again if it has ended, and says what it found wrong.
    fn look_after(&mut self, slot: usize) -> Outcome {
        let words = counts_of(slot);
        let (check, detail) = (words.get(stats::FAULT), words.get(stats::DETAIL));
        ensure!(check == 0, "check {check} of number {slot} failed: {detail:#x}, after {}", self.progress());
        let done = words.get(stats::PROGRESS);
        let (last, turns) = &mut self.seen[slot];
        *turns = if *last == done { *turns + 1 } else { 0 };
        *last = done;
        let lost = *turns > PATIENCE;
        let lives = self.three[slot].as_ref().is_some_and(Child::lives);
        if lives && !lost {
            return Ok(());
        }
        ensure!(lives || words.get(stats::LEAVING) != 0, "number {slot} was destroyed, after {done} calls");
        self.lost += u32::from(lost);
        self.ended += 1;
        if let Some(child) = self.three[slot].take() {
            child.destroy();
        }
        if self.ended % REAP_EVERY == 0 || fact(Fact::Environments) > 128 {
            self.reap()?;
        }
        // What the others have may leave too little for a program: they are asked for it, by force.
        for _ in 0..100 {
            match self.start(slot) {
                Ok(()) => return Ok(()),
                Err(failure) if self.three[slot].is_some() => return Err(failure),
                Err(_) => self.make_room()?,
            }
        }
        Err(Failure::new(format_args!("there is no room for number {slot}")))
    }

    /// Takes pages from the two that live, by force.
    fn make_room(&mut self) -> Outcome {
        self.reap()?;
        for child in self.three.iter().flatten() {
            match call::revoke(child.name.0, Resource::Pages as u32, 100, u32::MAX) {
                Ok(_) | Err(Error::NoEnvironment) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Limits one of the three, or asks it for resources.
    fn trouble(&mut self, slot: usize) {
        let Some(name) = self.three[slot].as_ref().map(|child| child.name) else { return };
        let resource = self.random.pick(&Resource::ALL);
        if !self.random.one_in(8) {
            let limit = match resource {
                Resource::Pages => self.random.pick(&[ANY, ANY, 32, 2]),
                Resource::Slices => self.random.pick(&[ANY, ANY, 24, 4]),
                Resource::Environments => self.random.pick(&[ANY, ANY, 100, 10]),
            };
            let _ = call::limit(name.0, resource as u32, limit);
        } else {
            let deadline = self.random.pick(&[0, 1, 2, 8, ANY]);
            let _ = call::revoke(name.0, resource as u32, self.random.below(32), deadline);
        }
    }

    /// Ends the families of those of the three that have ended.
    fn reap(&self) -> Outcome {
        for page in 0..fact(Fact::Pages) {
            let owner = call::page_owner(page)?;
            let spared = self.three.iter().flatten().any(|child| child.name.0 == owner);
            if owner != 0 && owner != memory::myself().0 && !spared {
                match call::environment_destroy(owner) {
                    // The children of those that live are not its own to end.
                    Ok(_) | Err(Error::Denied | Error::NoEnvironment) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// What the three counted, together.
    fn count(&self, least: u32) -> Outcome {
        counts::report(least, |index| (0..WORKERS).map(|slot| counts_of(slot).get(index)).sum())
    }

    /// Ends the three and their families.
    fn stop(&mut self) -> Outcome {
        Words(SUPERVISORS_BOARD).set(board::STOP, 1);
        for child in &mut self.three {
            if let Some(child) = child.take() {
                child.destroy();
            }
        }
        self.reap()
    }

    /// Frees what is left.
    fn end(&mut self) -> Outcome {
        self.stop()?;
        for (index, page) in self.stats.into_iter().chain([self.board, self.echo]).enumerate() {
            if index <= WORKERS {
                memory::unpin(memory::myself(), SHARED + ((index as u32) << PAGE_SHIFT))?;
            }
            page.free()?;
        }
        Ok(())
    }
}
