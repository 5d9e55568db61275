//! Pages that Aegis wants back from a process: given up to a backing store or forgotten, taken by force, and brought back
//! (paper, sections 3.3 and 3.4). What is in memory stays what it was, or is a bus error, and nothing else.
//! `quick` on the command line leaves some steps out.
#![no_std]
#![no_main]

use apps::testing::process::{Board, run, spawn, status_of};
use apps::testing::single::Single;
use apps::testing::{Failure, Outcome, Test};
use apps::vm_tests::random::Random;
use apps::vm_tests::word;
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::environment::REPOSSESSIONS;
use exos::abi::layout::{BACKINGS, Mapping, PAGE_SIZE, Resource};
use exos::io::{self, pipe};
use exos::layout::{DATA, PAGE_TABLE, STACK_END};
use exos::process::{self, argument, data_end, exec, wait_for};
use exos::signal::{Action, SIGBUS, SIGKILL, SIGSEGV, set_action};
use exos::vm::map::{map, physical, sbrk, set_cached, unmap};
use exos::vm::swap::{STORE_PAGES, Store, give_up, set_store, traffic};
use exos::vm::{Protection, VmError, is_dirty, protect};
use exos::{call, memory, println};

exos::process!(main);

const TESTS: &[Test] = &[
    Test { name: "what is wanted back goes to the store and comes back", run: given_up },
    Test { name: "what was never written is forgotten, store or not", run: forgotten },
    Test { name: "more memory than the limit allows, at random", run: over_the_limit },
    Test { name: "a heap and a stack beyond the limit", run: heap_and_stack },
    Test { name: "a stack that grows without a page for it", run: no_page_for_the_stack },
    Test { name: "pages that are out are still protected, dirty and unmapped", run: out_and_about },
    Test { name: "a store that is in use, and one that is full", run: stores },
    Test { name: "a store that its owner frees", run: store_freed },
    Test { name: "taken by force, saved where the vector says", run: taken_and_saved },
    Test { name: "asked for more right after something was taken", run: taken_and_asked },
    Test { name: "taken by force without a store", run: taken_and_lost },
    Test { name: "more taken by force than the vector names", run: taken_by_dozens },
    Test { name: "everything taken by force", run: taken_whole },
    Test { name: "taken again and again while the program goes on", run: taken_at_random },
    Test { name: "fork while pages are out, with memory and without", run: forks },
    Test { name: "exec forgets the store", run: executes },
];

const PAGES: u32 = Resource::Pages as u32;
/// The deadline that has passed already.
const BY_FORCE: u32 = u32::MAX;

fn main() -> u32 {
    match argument(1) {
        Some("executed") => executed(),
        _ => run(&[TESTS]),
    }
}

fn quick() -> bool {
    call::machine(Fact::Quick as u32) == Ok(1)
}

/// A child and its parent take turns: each goes on when the other says so.
#[derive(Clone, Copy)]
struct Turns(Board);

/// Where on the board: the child's turn is over, the parent's is.
const CHILD: usize = 0;
const PARENT: usize = 1;
/// What the two tell each other.
const WORD: usize = 2;

impl Turns {
    fn new() -> Result<Self, Failure> {
        Ok(Self(Board::new()?))
    }

    /// The child's: lets the parent go on, and waits for its turn.
    fn over(self) -> Outcome {
        let turn = self.0.get(CHILD) + 1;
        self.0.set(CHILD, turn);
        self.0.await_word(PARENT, turn)
    }

    /// The parent's: waits until the child's `turn` is over.
    fn until_over(self, turn: u32) -> Outcome {
        self.0.await_word(CHILD, turn)
    }

    /// The parent's: lets the child go on behind its `turn`.
    fn go_on(self, turn: u32) {
        self.0.set(PARENT, turn);
    }
}

/// A child that does something, and its environment.
fn child(test: impl FnOnce() -> Outcome) -> Result<(u32, u32), Failure> {
    let pid = spawn(|| match test() {
        Ok(()) => 0,
        Err(failure) => {
            println!("{failure}");
            1
        }
    })?;
    // It may have ended already.
    Ok((pid, process::environment_of(pid).map_or(0, |name| name.0)))
}

fn ended_well(pid: u32) -> Outcome {
    ensure_eq!(wait_for(pid)?, 0, "the child");
    Ok(())
}

/// Limits a process to as many pages as it has and `more`.
fn limit(name: u32, more: u32) -> Outcome {
    let has = call::limit(name, PAGES, u32::MAX)?;
    call::limit(name, PAGES, has.saturating_add(more))?;
    Ok(())
}

/// Memory with a word of its own in each page.
#[derive(Clone, Copy)]
struct Memory {
    start: u32,
    pages: u32,
}

impl Memory {
    fn map(pages: u32) -> Result<Self, Failure> {
        Ok(Self { start: map(0, pages * PAGE_SIZE, Protection::ReadWrite)?, pages })
    }

    fn page(self, index: u32) -> u32 {
        self.start + index * PAGE_SIZE
    }

    fn read(self, index: u32, at: u32) -> u32 {
        // SAFETY: mapped, for as long as the process lives.
        unsafe { word(self.page(index), at).read_volatile() }
    }

    fn write(self, index: u32, at: u32, value: u32) {
        // SAFETY: as above.
        unsafe { word(self.page(index), at).write_volatile(value) };
    }

    /// Writes the first, the last and a middle word of each page.
    fn fill(self, salt: u32) {
        for index in 0..self.pages {
            for at in [0, 511, 1023] {
                self.write(index, at, salt ^ index << 16 ^ at);
            }
        }
    }

    /// Whether a page is as [`Self::fill`] left it.
    #[must_use]
    fn is_right(self, index: u32, salt: u32) -> bool {
        [0, 511, 1023].iter().all(|at| self.read(index, *at) == salt ^ index << 16 ^ at)
    }

    fn is_whole(self, salt: u32) -> Outcome {
        for index in 0..self.pages {
            ensure!(self.is_right(index, salt), "page {index} is another: {:x}", self.read(index, 0));
        }
        Ok(())
    }

    /// How many of its pages are somewhere.
    fn resident(self) -> u32 {
        (0..self.pages).filter(|index| physical(self.page(*index)).is_some()).count() as u32
    }
}

/// How many pages are free.
fn free() -> Result<u32, Failure> {
    Ok(call::machine(Fact::FreePages as u32)?)
}

fn given_up() -> Outcome {
    let (turns, store) = (Turns::new()?, Store::allocate(40)?);
    let (pid, name) = child(|| {
        set_store(store)?;
        let memory = Memory::map(24)?;
        memory.fill(7);
        for _ in 0..3 {
            let before = traffic();
            turns.over()?;
            let now = traffic();
            // One or two may be wanted again at once: the stack's.
            ensure!(now.out >= before.out + 10, "{before:?}, then {now:?}");
            ensure!(memory.resident() < 24, "all pages are still here");
            memory.is_whole(7)?;
            ensure_eq!(memory.resident(), 24, "pages that are back");
            ensure!(traffic().back > before.back, "nothing came back: {:?}", traffic());
            ensure_eq!(traffic().lost, 0, "lost");
        }
        Ok(())
    })?;
    for turn in 1..=3 {
        turns.until_over(turn)?;
        let before = free()?;
        call::revoke(name, PAGES, 12, 40)?;
        for _ in 0..40 {
            process::give_way();
        }
        ensure!(free()? >= before + 10, "{before} pages were free, {} are", free()?);
        turns.go_on(turn);
    }
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn forgotten() -> Outcome {
    for with_store in [false, true] {
        let store = Store::allocate(if with_store { 40 } else { 0 })?;
        let (pid, _) = child(|| {
            set_store(store)?;
            let (read, written) = (Memory::map(16)?, Memory::map(8)?);
            for index in 0..read.pages {
                ensure_eq!(read.read(index, 5), 0, "what was not written");
            }
            written.fill(3);
            let given = give_up(100);
            ensure!(given >= 16, "{given} pages given up");
            ensure_eq!(read.resident(), 0, "pages that were never written");
            ensure_eq!(traffic().forgotten, 16, "forgotten");
            ensure_eq!(written.resident(), if with_store { 0 } else { 8 }, "written pages");
            written.is_whole(3)?;
            for index in 0..read.pages {
                ensure_eq!(read.read(index, 1023), 0, "what was not written");
                read.write(index, 9, index);
            }
            give_up(100);
            for index in 0..read.pages {
                ensure_eq!(read.read(index, 9), index, "what was written at last");
            }
            ensure_eq!(traffic().lost, 0, "lost");
            Ok(())
        })?;
        ended_well(pid)?;
        store.free();
    }
    Ok(())
}

/// Random loads and stores, compared with what was stored.
fn at_random(memory: Memory, steps: u32, seed: u32, mut between: impl FnMut(u32)) -> Outcome {
    let mut model = [0u32; STORE_PAGES];
    let mut random = Random::new(seed);
    for step in 0..steps {
        let index = random.below(memory.pages);
        if random.once_in(2) {
            model[index as usize] = random.word();
            memory.write(index, index * 7, model[index as usize]);
        }
        let found = memory.read(index, index * 7);
        ensure!(found == model[index as usize], "step {step}: page {index} has {found:x}: {:?}", traffic());
        between(step);
    }
    Ok(())
}

/// Does something in a child that has a store and may have `more` pages than it has.
fn with_limit(more: u32, test: impl FnOnce() -> Outcome) -> Outcome {
    let (turns, store) = (Turns::new()?, Store::allocate(STORE_PAGES)?);
    let (pid, name) = child(|| {
        set_store(store)?;
        turns.over()?;
        test()
    })?;
    turns.until_over(1)?;
    limit(name, more)?;
    turns.go_on(1);
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn over_the_limit() -> Outcome {
    let steps = if quick() { 1000 } else { 10_000 };
    with_limit(12, || {
        at_random(Memory::map(56)?, steps, 1, |_| {})?;
        let traffic = traffic();
        println!("{steps} accesses to 56 pages with 12: {traffic:?}");
        ensure!(traffic.out > steps / 4 && traffic.lost == 0, "{traffic:?}");
        Ok(())
    })
}

/// Uses so many pages of stack.
#[inline(never)]
fn recurse(depth: u32) -> u32 {
    let mut local = [depth; PAGE_SIZE as usize / 4];
    let below = if depth == 0 { 0 } else { recurse(depth - 1) };
    core::hint::black_box(&mut local);
    below + u32::from(local[17] == depth)
}

fn heap_and_stack() -> Outcome {
    with_limit(8, || {
        let heap = Memory { start: sbrk(0)?.next_multiple_of(PAGE_SIZE), pages: 20 };
        sbrk(21 * PAGE_SIZE as i32)?;
        heap.fill(1);
        ensure_eq!(recurse(20), 21, "frames that kept their words");
        heap.is_whole(1)?;
        ensure!(traffic().out > 20, "{:?}", traffic());
        Ok(())
    })
}

fn no_page_for_the_stack() -> Outcome {
    let turns = Turns::new()?;
    for more in [0, 1, 3, 8] {
        turns.0.set(CHILD, 0);
        turns.0.set(PARENT, 0);
        let (pid, name) = child(|| {
            turns.over()?;
            turns.0.set(WORD, recurse(40));
            Ok(())
        })?;
        turns.until_over(1)?;
        limit(name, more)?;
        turns.go_on(1);
        ensure_eq!(wait_for(pid)?, 128 + SIGKILL, "with {more} pages");
        ensure_eq!(turns.0.get(WORD), 0, "frames");
    }
    Ok(())
}

fn out_and_about() -> Outcome {
    let store = Store::allocate(STORE_PAGES)?;
    let (pid, _) = child(|| {
        set_store(store)?;
        let memory = Memory::map(12)?;
        memory.fill(11);
        give_up(100);
        ensure_eq!(memory.resident(), 0, "pages that are here");
        for index in 0..memory.pages {
            ensure_eq!(is_dirty(memory.page(index)), Some(true), "page {index} is dirty");
        }
        // No access while it is out, and then again.
        protect(memory.page(3), PAGE_SIZE, Protection::None)?;
        protect(memory.page(4), 2 * PAGE_SIZE, Protection::Read)?;
        ensure_eq!(status_of(|| memory.read(3, 0))?, 128 + SIGSEGV, "reading what is protected");
        give_up(100);
        let stores = || {
            memory.write(5, 0, 1);
            0
        };
        ensure_eq!(status_of(stores)?, 128 + SIGSEGV, "writing what may be read");
        protect(memory.page(3), 3 * PAGE_SIZE, Protection::ReadWrite)?;
        give_up(100);
        set_cached(memory.page(6), false)?;
        memory.is_whole(11)?;
        memory.fill(12);
        give_up(100);
        set_cached(memory.page(6), true)?;
        memory.is_whole(12)?;
        // What is unmapped frees its place: this takes more places than there are.
        for round in 0..STORE_PAGES as u32 {
            let more = Memory::map(4)?;
            more.fill(round);
            give_up(100);
            ensure_eq!(more.resident(), 0, "pages of round {round} that are here");
            ensure!(more.is_right(0, round), "a page of round {round} is another");
            unmap(more.start, 4 * PAGE_SIZE)?;
        }
        memory.is_whole(12)
    })?;
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn stores() -> Outcome {
    let (small, other) = (Store::allocate(4)?, Store::allocate(8)?);
    let (pid, _) = child(|| {
        set_store(small)?;
        let memory = Memory::map(8)?;
        memory.fill(2);
        // One place for each; what is left has none.
        ensure_eq!(give_up(100), 4, "given up");
        ensure_eq!(give_up(1), 0, "given up to a full store");
        ensure_eq!(set_store(other), Err(VmError::Taken), "another store");
        memory.is_whole(2)?;
        give_up(2);
        unmap(memory.start, 8 * PAGE_SIZE)?;
        // Its own data and stack may be there.
        let local = core::hint::black_box([5u32; 2000]);
        ensure_eq!(local.iter().sum::<u32>(), 10_000, "the stack");
        Ok(())
    })?;
    ended_well(pid)?;
    small.free();
    other.free();
    Ok(())
}

fn store_freed() -> Outcome {
    let (turns, store) = (Turns::new()?, Store::allocate(20)?);
    let (pid, _) = child(|| {
        wire()?;
        set_store(store)?;
        let (gone, stays) = (Memory::map(6)?, Memory::map(6)?);
        gone.fill(1);
        for _ in 0..20 {
            give_up(u32::from(gone.resident() > 0));
        }
        ensure_eq!(gone.resident(), 0, "pages that are here");
        // Data and stack may have gone, too: they are to come back.
        wire()?;
        stays.fill(2);
        turns.over()?;
        for index in 0..6 {
            ensure_eq!(reads(gone, index), None, "page {index}, which is nowhere");
        }
        stays.is_whole(2)?;
        unmap(gone.start, 6 * PAGE_SIZE)?;
        Ok(())
    })?;
    turns.until_over(1)?;
    store.free();
    turns.go_on(1);
    ended_well(pid)
}

/// What bus errors there were, for [`reads`].
static BUS_ERRORS: Single<u32> = Single::new(0);
/// The page that [`reads`] reads.
static READING: Single<u32> = Single::new(0);

/// Maps another page where one was lost.
fn mend(_: u32) {
    BUS_ERRORS.set(BUS_ERRORS.get() + 1);
    let page = READING.get();
    let mended = unmap(page, PAGE_SIZE).and_then(|()| map(page, PAGE_SIZE, Protection::ReadWrite));
    if mended.is_err() {
        let _ = set_action(SIGBUS, Action::Default);
    }
}

/// Reads a page; `None` if that is a bus error. There is another page then.
fn reads(memory: Memory, index: u32) -> Option<u32> {
    let _ = set_action(SIGBUS, Action::Call(mend));
    READING.set(memory.page(index));
    let before = BUS_ERRORS.get();
    let value = memory.read(index, 0);
    (BUS_ERRORS.get() == before).then_some(value)
}

/// Pins the pages of this process's own data and stack somewhere, too: Aegis takes others first.
fn wire() -> Outcome {
    let rights = process::capabilities().next().map(|(_, [_, write])| write);
    let own = rights.ok_or(Failure::new(format_args!("no pages of its own")))?;
    // Written, so that the pages are this process's.
    let stack = (STACK_END - 4 * PAGE_SIZE, STACK_END);
    let mut at = PAGE_TABLE.end;
    for (start, end) in [(DATA, data_end()), stack] {
        for address in (start..end).step_by(PAGE_SIZE as usize) {
            let byte = address as *mut u8;
            // SAFETY: data or stack of this process's; nothing is changed.
            unsafe { byte.write_volatile(byte.read_volatile()) };
            if let Some(page) = physical(address) {
                at -= PAGE_SIZE;
                memory::pin(memory::myself(), at, page, Mapping::WRITABLE, own)?;
            }
        }
    }
    Ok(())
}

fn taken_and_saved() -> Outcome {
    let (turns, store) = (Turns::new()?, Store::allocate(20)?);
    let (pid, name) = child(|| {
        wire()?;
        set_store(store)?;
        let memory = Memory::map(20)?;
        memory.fill(9);
        for round in 1..=4 {
            let before = traffic();
            turns.over()?;
            let now = traffic();
            ensure_eq!(now.out - before.out, BACKINGS as u32, "saved in round {round}");
            ensure_eq!(now.lost, 0, "lost");
            ensure_eq!(memory.resident(), 20 - BACKINGS as u32, "pages that are here");
            memory.is_whole(9)?;
        }
        Ok(())
    })?;
    for turn in 1..=4 {
        turns.until_over(turn)?;
        let before = free()?;
        call::revoke(name, PAGES, BACKINGS as u32, BY_FORCE)?;
        ensure_eq!(free()?, before + BACKINGS as u32, "free pages");
        turns.go_on(turn);
    }
    ended_well(pid)?;
    store.free();
    Ok(())
}

/// The child hears of both at once, and its store has room for little more than what was saved: what it gives up is
/// not to go where that is.
fn taken_and_asked() -> Outcome {
    const ROOM: u32 = BACKINGS as u32 + 4;
    let (turns, store) = (Turns::new()?, Store::allocate(ROOM as usize)?);
    let (pid, name) = child(|| {
        wire()?;
        set_store(store)?;
        let memory = Memory::map(30)?;
        memory.fill(13);
        turns.over()?;
        ensure_eq!(traffic().out, ROOM, "pages that went to the store");
        ensure_eq!(traffic().lost, 0, "lost");
        memory.is_whole(13)
    })?;
    turns.until_over(1)?;
    call::revoke(name, PAGES, BACKINGS as u32, BY_FORCE)?;
    call::revoke(name, PAGES, 12, 0)?;
    turns.go_on(1);
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn taken_and_lost() -> Outcome {
    let turns = Turns::new()?;
    let (pid, name) = child(|| {
        wire()?;
        let (written, read) = (Memory::map(12)?, Memory::map(4)?);
        written.fill(4);
        ensure!((0..4).all(|index| read.read(index, 0) == 0), "what was never written");
        turns.over()?;
        let now = traffic();
        ensure_eq!(now.lost + now.forgotten, 6, "lost and forgotten");
        let mut lost = 0;
        for index in 0..12 {
            match reads(written, index) {
                Some(_) => ensure!(written.is_right(index, 4), "page {index} is another"),
                None => {
                    lost += 1;
                    ensure_eq!(written.read(index, 0), 0, "the new page {index}");
                    written.write(index, 0, 1);
                }
            }
        }
        ensure_eq!(lost, now.lost, "bus errors");
        for index in 0..4 {
            ensure_eq!(reads(read, index), Some(0), "what was never written");
        }
        Ok(())
    })?;
    turns.until_over(1)?;
    call::revoke(name, PAGES, 6, BY_FORCE)?;
    turns.go_on(1);
    ended_well(pid)?;
    // Nobody mends it: that is the end, and a known one.
    let turns = Turns::new()?;
    let (pid, name) = child(|| {
        wire()?;
        let memory = Memory::map(8)?;
        memory.fill(4);
        turns.over()?;
        memory.is_whole(4)
    })?;
    turns.until_over(1)?;
    call::revoke(name, PAGES, 3, BY_FORCE)?;
    turns.go_on(1);
    ensure_eq!(wait_for(pid)?, 128 + SIGBUS, "who does not mend");
    Ok(())
}

fn taken_by_dozens() -> Outcome {
    const TAKEN: u32 = 2 * REPOSSESSIONS as u32 + 4;
    let (turns, store) = (Turns::new()?, Store::allocate(20)?);
    let (pid, name) = child(|| {
        wire()?;
        set_store(store)?;
        let memory = Memory::map(50)?;
        memory.fill(6);
        turns.over()?;
        let now = traffic();
        ensure_eq!((now.out, now.lost), (BACKINGS as u32, TAKEN - BACKINGS as u32), "saved, and lost");
        let lost = (0..50).filter(|index| reads(memory, *index).is_none()).count() as u32;
        ensure_eq!(lost, TAKEN - BACKINGS as u32, "bus errors");
        Ok(())
    })?;
    turns.until_over(1)?;
    call::revoke(name, PAGES, TAKEN, BY_FORCE)?;
    turns.go_on(1);
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn taken_whole() -> Outcome {
    let turns = Turns::new()?;
    let (bystander, _) = child(|| {
        let memory = Memory::map(8)?;
        memory.fill(8);
        turns.0.await_word(WORD, 1)?;
        memory.is_whole(8)
    })?;
    let (pid, name) = child(|| {
        let memory = Memory::map(8)?;
        memory.fill(8);
        turns.over()?;
        memory.is_whole(8)
    })?;
    turns.until_over(1)?;
    call::revoke(name, PAGES, u32::MAX, BY_FORCE)?;
    turns.go_on(1);
    ensure!(wait_for(pid)? != 0, "it goes on without its memory");
    turns.0.set(WORD, 1);
    ended_well(bystander)
}

fn taken_at_random() -> Outcome {
    let steps = if quick() { 1000 } else { 10_000 };
    let (turns, store) = (Turns::new()?, Store::allocate(STORE_PAGES)?);
    let (pid, name) = child(|| {
        set_store(store)?;
        let memory = Memory::map(48)?;
        turns.over()?;
        at_random(memory, steps, 5, |step| {
            if step % 10 == 0 {
                turns.0.set(WORD, step);
                process::give_way();
            }
        })?;
        let traffic = traffic();
        println!("{steps} accesses: {traffic:?}");
        ensure!(traffic.out > 20 && traffic.lost == 0, "{traffic:?}");
        Ok(())
    })?;
    turns.until_over(1)?;
    turns.go_on(1);
    let mut random = Random::new(9);
    loop {
        match process::try_wait_for(pid)? {
            Some(status) => {
                ensure_eq!(status, 0, "the child");
                break;
            }
            None => {
                // Never more at once than it has said where to save to: it loads the vector again when it goes on.
                let deadline = [BY_FORCE, 1, 2, 0][random.below(4) as usize];
                let _ = call::revoke(name, PAGES, 1 + random.below(BACKINGS as u32), deadline);
                let until = turns.0.get(WORD) + 20 + random.below(40);
                while turns.0.get(WORD) < until && process::environment_of(pid).is_some() {
                    process::give_way();
                }
            }
        }
    }
    store.free();
    Ok(())
}

fn forks() -> Outcome {
    let (turns, store) = (Turns::new()?, Store::allocate(STORE_PAGES)?);
    let (pid, name) = child(|| {
        set_store(store)?;
        let memory = Memory::map(30)?;
        memory.fill(21);
        let whole = || u32::from(memory.is_whole(21).is_err() || give_up(10) != 0);
        give_up(100);
        ensure_eq!(status_of(whole)?, 0, "a child of one whose pages were out");
        give_up(100);
        turns.over()?;
        // Not enough memory to bring all of it back.
        for _ in 0..3 {
            ensure!(process::fork().is_err(), "a child without memory for it");
            memory.is_whole(21)?;
        }
        turns.over()?;
        ensure_eq!(status_of(whole)?, 0, "a child when there is memory again");
        give_up(100);
        memory.is_whole(21)
    })?;
    turns.until_over(1)?;
    limit(name, 10)?;
    turns.go_on(1);
    turns.until_over(2)?;
    call::limit(name, PAGES, u32::MAX)?;
    turns.go_on(2);
    ended_well(pid)?;
    store.free();
    Ok(())
}

fn executes() -> Outcome {
    const STORE: u32 = 20;
    let store = Store::allocate(STORE as usize)?;
    let [(from, says), (hears, to)] = [pipe()?, pipe()?];
    let (pid, _) = child(|| {
        ensure_eq!((hears, says), (FROM, TO), "the files that the new program knows");
        set_store(store)?;
        Memory::map(10)?.fill(1);
        give_up(5);
        exec("swapping", &["swapping", "executed"]);
        Err(Failure::new(format_args!("not executed")))
    })?;
    ensure_eq!(io::read(from, &mut [0])?, 1, "what the new program says");
    // The store is another's now, all of it.
    let turns = Turns::new()?;
    let (other, _) = child(|| {
        wire()?;
        set_store(store)?;
        let memory = Memory::map(30)?;
        memory.fill(3);
        ensure_eq!(give_up(100), STORE, "pages in the store");
        turns.over()?;
        memory.is_whole(3)
    })?;
    turns.until_over(1)?;
    let name = process::environment_of(pid).ok_or(Failure::new(format_args!("the child is gone")))?;
    call::revoke(name.0, PAGES, 4, BY_FORCE)?;
    io::write(to, b"x")?;
    ensure_eq!(wait_for(pid)?, 44, "the new program");
    turns.go_on(1);
    ended_well(other)?;
    store.free();
    Ok(())
}

/// The files, which an exec leaves open, that the new program reads and writes.
const FROM: usize = 5;
/// See [`FROM`].
const TO: usize = 4;

/// The old program's store is nobody's now: what is taken is saved nowhere.
fn executed() -> u32 {
    let Ok(memory) = Memory::map(20) else { return 1 };
    memory.fill(2);
    if wire().is_err() || io::write(TO, b"x") != Ok(1) {
        return 2;
    }
    if io::read(FROM, &mut [0]) != Ok(1) {
        return 3;
    }
    let lost = (0..20).filter(|index| reads(memory, *index).is_none()).count() as u32;
    let traffic = traffic();
    if (traffic.out, traffic.lost, lost) == (0, 4, 4) { 44 } else { 4 }
}
