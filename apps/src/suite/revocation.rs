//! Revocation: who is asked gives back what it likes, who does not in time is helped, and nobody loses
//! what it needs to live.

use core::mem::offset_of;

use apps::testing::Test;
use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{peek, poke};
use apps::testing::space::{BOUND, HERE, bind, bind_there, call_there, load_there};
use apps::testing::{interrupt, probe};
use apps::{ensure, ensure_eq};
use exos::abi::environment::{EnvironmentPage, Repossession, Revocation, Taken};
use exos::abi::layout::{ANY, ENVIRONMENT_PAGE, Mapping, PAGE_SIZE, RESERVE, Resource, SLICES};
use exos::abi::{Call, Capability, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "who is asked for pages is told, and gives them back", run: told },
    Test { name: "what is not given back in time is taken", run: deadline },
    Test { name: "lending one's turns does not put a deadline off", run: lending },
    Test { name: "who gives back in time loses nothing more", run: in_time },
    Test { name: "a page taken by force is saved where its owner said", run: saved },
    Test { name: "a page is not saved where its owner may not write any more", run: lost_backing },
    Test { name: "the reserve is not taken, and the emergency is told", run: reserve },
    Test { name: "a page that is pinned twice shields no other", run: shield },
    Test { name: "the last slice is not taken", run: slices },
    Test { name: "revocation and backing refuse what they should", run: refusals },
    Test { name: "a victim that dies first leaves nothing", run: dies },
];

const NOW: u32 = u32::MAX;
const PAGES: u32 = Resource::Pages as u32;
const SLICE: u32 = Resource::Slices as u32;
/// Capabilities of companions' pages.
const READ: [u32; 2] = [5, 6];
const WRITE: [u32; 2] = [7, 8];
const WRITABLE: Capability = Capability::from_words(WRITE[0], WRITE[1]);
/// Where companions pin pages: as many as there are between the laboratory and the program.
const PINS: core::ops::Range<u32> = 7..16;
/// Pages that a companion has pinned from its beginning.
const LABORATORY: usize = 4;

fn allocate_there(companion: &Companion) -> Result<u32, Failure> {
    let (v0, page) = call_there(companion, Call::PageAlloc, &[ANY, READ[0], READ[1], WRITE[0], WRITE[1]])?;
    ensure_eq!(v0, 0, "the companion allocates a page");
    Ok(page)
}

fn pin_there(companion: &Companion, vpn: u32, page: u32) -> Outcome {
    let arguments = [companion.name().0, vpn, page, Mapping::WRITABLE.bits(), WRITE[0], WRITE[1]];
    ensure_eq!(call_there(companion, Call::Guarantee, &arguments)?.0, 0, "the companion pins a page");
    Ok(())
}

/// A word of a companion's environment page.
fn environment_word(companion: &Companion, offset: usize) -> Result<u32, Failure> {
    let word = load_there(companion, ENVIRONMENT_PAGE + offset as u32)?;
    word.ok_or_else(|| Failure::new(format_args!("the companion cannot read its environment's page")))
}

const WANTED: usize = offset_of!(EnvironmentPage, revocation) + offset_of!(Revocation, wanted);
const COUNT: usize = offset_of!(EnvironmentPage, repossession) + offset_of!(Repossession, count);
const EMERGENCY: usize = offset_of!(EnvironmentPage, repossession) + offset_of!(Repossession, emergency);
const TAKEN: usize = offset_of!(EnvironmentPage, repossession) + offset_of!(Repossession, taken);

/// Entry `index` of a companion's repossession vector.
fn taken(companion: &Companion, index: usize) -> Result<[u32; 3], Failure> {
    let at = TAKEN + index * size_of::<Taken>();
    Ok([
        environment_word(companion, at + offset_of!(Taken, resource))?,
        environment_word(companion, at + offset_of!(Taken, number))?,
        environment_word(companion, at + offset_of!(Taken, saved))?,
    ])
}

/// A companion that counts what it is told.
fn listener(index: u32) -> Result<Companion, Failure> {
    let companion = Companion::spawn(index)?;
    companion.command(Command::Listen, &[3])?;
    Ok(companion)
}

fn told_of(companion: &Companion) -> [u32; 2] {
    [companion.get(word::REVOCATIONS), companion.get(word::REPOSSESSIONS)]
}

fn owner(page: u32) -> Result<u32, Error> {
    call::page_owner(page)
}

/// Gives a companion a slice, in which it does nothing but yield.
fn yielder(companion: &Companion) -> Result<u32, Failure> {
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, companion.name().0)?;
    companion.post(Command::Yield, &[]);
    Ok(position)
}

/// Lets a companion that yields have one turn of its own.
fn turn(companion: &Companion) -> Outcome {
    let before = companion.get(word::PROGRESS);
    for _ in 0..20 {
        slice::yield_to(Name::NOBODY)?;
        if companion.get(word::PROGRESS) != before {
            return Ok(());
        }
    }
    Err(Failure::new(format_args!("the companion has no turn")))
}

fn told() -> Outcome {
    let companion = listener(0)?;
    let pages = [allocate_there(&companion)?, allocate_there(&companion)?, allocate_there(&companion)?];
    let name = companion.name().0;
    call::revoke(name, PAGES, 2, 0)?;
    ensure_eq!(told_of(&companion), [0, 0], "before its next slice");
    ensure_eq!(environment_word(&companion, WANTED)?, 2, "pages wanted");
    ensure_eq!(told_of(&companion), [1, 0], "at its next slice");
    ensure_eq!(call_there(&companion, Call::PageFree, &[pages[1]])?.0, 0, "it gives one back");
    ensure_eq!(environment_word(&companion, WANTED)?, 1, "pages wanted");
    ensure_eq!(call_there(&companion, Call::PageFree, &[pages[0]])?.0, 0, "it gives one back");
    ensure_eq!(call_there(&companion, Call::PageFree, &[pages[2]])?.0, 0, "it gives more back");
    ensure_eq!(environment_word(&companion, WANTED)?, 0, "pages wanted");
    // Slices are asked for likewise, and without a deadline nothing is ever taken.
    let position = yielder(&companion)?;
    for _ in 0..5 {
        turn(&companion)?;
    }
    companion.stop()?;
    call::revoke(name, SLICE, 1, 0)?;
    ensure_eq!(environment_word(&companion, WANTED + 4)?, 1, "slices wanted");
    ensure_eq!(told_of(&companion), [2, 0], "told again");
    ensure_eq!(call_there(&companion, Call::SliceFree, &[position])?.0, 0, "it gives its slice back");
    ensure_eq!(environment_word(&companion, WANTED + 4)?, 0, "slices wanted");
    ensure_eq!(told_of(&companion), [2, 0], "told once each");
    // Who does not listen is not told, and goes on.
    companion.command(Command::Listen, &[0])?;
    call::revoke(name, PAGES, 1, 0)?;
    companion.command(Command::Nothing, &[])?;
    ensure_eq!(told_of(&companion), [2, 0], "who does not listen");
    Ok(())
}

fn deadline() -> Outcome {
    const TURNS: u32 = 4;
    let companion = listener(0)?;
    let pages = [allocate_there(&companion)?, allocate_there(&companion)?, allocate_there(&companion)?];
    let name = companion.name().0;
    for page in pages {
        ensure_eq!(
            bind_there(&companion, HERE, page, Mapping::WRITABLE, WRITABLE)?,
            BOUND,
            "it binds its page"
        );
    }
    bind(HERE, pages[2], Mapping::WRITABLE, WRITABLE)?;
    poke(HERE, 5);
    yielder(&companion)?;
    turn(&companion)?;
    call::revoke(name, PAGES, 2, TURNS)?;
    for step in 0..TURNS {
        for page in pages {
            ensure_eq!(owner(page)?, name, "an owner {step} turns after the wish");
        }
        // Turns of others do not count.
        for _ in 0..3 {
            slice::yield_to(memory::myself())?;
        }
        turn(&companion)?;
        ensure_eq!(companion.get(word::REVOCATIONS), 1, "told once");
    }
    let left = pages.map(|page| owner(page) == Ok(name));
    ensure_eq!(left.iter().filter(|left| **left).count(), 1, "pages left after {TURNS} turns");
    turn(&companion)?;
    companion.stop()?;
    ensure_eq!(told_of(&companion), [1, 1], "told of the loss");
    ensure_eq!(environment_word(&companion, COUNT)?, 2, "pages in the vector");
    ensure_eq!(environment_word(&companion, EMERGENCY)?, 0, "an emergency");
    for index in 0..2 {
        let [resource, number, saved] = taken(&companion, index)?;
        let place = pages.iter().position(|page| *page == number);
        ensure!(place.is_some_and(|place| !left[place]), "page {number} is in the vector");
        ensure_eq!((resource, saved), (PAGES, ANY), "what the vector says of page {number}");
    }
    ensure_eq!(probe::load(HERE).is_ok(), left[2], "a binding of the page outside");
    ensure_eq!(load_there(&companion, HERE)?.is_some(), left[2], "a binding of the page in its own space");
    ensure_eq!(call_there(&companion, Call::RepossessionDone, &[])?.0, 0, "it has read the vector");
    ensure_eq!(environment_word(&companion, COUNT)?, 0, "pages in the vector");
    ensure_eq!(taken(&companion, 0)?, [0; 3], "an empty vector");
    Ok(())
}

fn lending() -> Outcome {
    let (companion, helper) = (listener(0)?, Companion::spawn(1)?);
    let page = allocate_there(&companion)?;
    helper.post(Command::Compute, &[]);
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, companion.name().0)?;
    companion.post(Command::YieldTo, &[helper.name().0]);
    call::revoke(companion.name().0, PAGES, 1, 3)?;
    for _ in 0..10 {
        turn(&companion)?;
    }
    ensure_eq!(owner(page)?, Name::NOBODY.0, "the owner after ten turns");
    companion.stop()?;
    helper.stop()
}

fn in_time() -> Outcome {
    let companion = listener(0)?;
    let pages = [allocate_there(&companion)?, allocate_there(&companion)?];
    call::revoke(companion.name().0, PAGES, 1, 3)?;
    ensure_eq!(call_there(&companion, Call::PageFree, &[pages[0]])?.0, 0, "it gives one back");
    yielder(&companion)?;
    for _ in 0..8 {
        turn(&companion)?;
    }
    companion.stop()?;
    ensure_eq!(owner(pages[1])?, companion.name().0, "the other page's owner");
    ensure_eq!(environment_word(&companion, COUNT)?, 0, "pages in the vector");
    ensure_eq!(told_of(&companion), [1, 0], "told of a loss that was none");
    Ok(())
}

/// Loads entry `index` of a companion's vector with a page of this environment's.
fn back(companion: &Companion, index: u32, page: Page) -> Outcome {
    let [low, high] = page.write.words();
    ensure_eq!(call_there(companion, Call::Backing, &[index, page.number, low, high])?.0, 0, "backing");
    Ok(())
}

fn saved() -> Outcome {
    let companion = listener(0)?;
    let page = allocate_there(&companion)?;
    let backing = Page::any()?;
    memory::pin(memory::myself(), WINDOWS[3], backing.number, Mapping::WRITABLE, backing.write)?;
    poke(WINDOWS[3] + 12, 1);
    back(&companion, 7, backing)?;
    memory::pin(memory::myself(), WINDOWS[2], page, Mapping::WRITABLE, WRITABLE)?;
    bind(HERE, page, Mapping::WRITABLE, WRITABLE)?;
    ensure_eq!(bind_there(&companion, HERE, page, Mapping::empty(), WRITABLE)?, BOUND, "it binds its page");
    for offset in (0..PAGE_SIZE).step_by(4) {
        poke(HERE + offset, 0xabc0_0000 + offset);
    }
    ensure_eq!(load_there(&companion, HERE + 8)?, Some(0xabc0_0008), "its page");
    call::revoke(companion.name().0, PAGES, 1, NOW)?;
    ensure_eq!(owner(page)?, Name::NOBODY.0, "the owner at once");
    ensure!(probe::load(HERE).is_err() && probe::load(WINDOWS[2]).is_err(), "bindings outside");
    ensure_eq!(load_there(&companion, HERE + 8)?, None, "its own binding");
    for offset in (0..PAGE_SIZE).step_by(4) {
        ensure_eq!(peek(WINDOWS[3] + offset), 0xabc0_0000 + offset, "the saved word at {offset:x}");
    }
    ensure_eq!(taken(&companion, 0)?, [PAGES, page, backing.number], "the vector");
    ensure_eq!(told_of(&companion)[1], 1, "told of the loss");
    // An entry serves once.
    let next = allocate_there(&companion)?;
    poke(WINDOWS[3], 0x1111);
    call::revoke(companion.name().0, PAGES, 1, NOW)?;
    ensure_eq!(peek(WINDOWS[3]), 0x1111, "what was saved first");
    ensure_eq!(taken(&companion, 1)?, [PAGES, next, ANY], "the vector's next entry");
    ensure_eq!(environment_word(&companion, COUNT)?, 2, "pages in the vector");
    // Taken by another, the page is clean.
    let again = Page::allocate(page)?;
    memory::pin(memory::myself(), WINDOWS[2], again.number, Mapping::empty(), again.read)?;
    ensure_eq!(peek(WINDOWS[2] + 8), 0, "another's contents");
    again.free()?;
    backing.free()?;
    Ok(())
}

fn lost_backing() -> Outcome {
    let companion = listener(0)?;
    for change in 0..4 {
        let page = allocate_there(&companion)?;
        memory::pin(memory::myself(), WINDOWS[2], page, Mapping::WRITABLE, WRITABLE)?;
        poke(WINDOWS[2], 0x5ec3_e700);
        let mut backing = Page::any()?;
        back(&companion, 0, backing)?;
        match change {
            0 => {
                backing.free()?;
                backing = Page::allocate(backing.number)?;
            }
            1 => {
                let write = memory::capability();
                let [low, high] = write.words();
                call::page_protect(backing.number, 1, 2, low, high)?;
                backing.write = write;
            }
            2 => {
                // The old capability reads it still.
                let write = memory::capability();
                let ([read_low, read_high], [low, high]) = (backing.write.words(), write.words());
                call::page_protect(backing.number, read_low, read_high, low, high)?;
                backing.write = write;
            }
            _ => {
                ensure_eq!(call_there(&companion, Call::Backing, &[0, ANY, 0, 0])?.0, 0, "unloading");
            }
        }
        memory::pin(memory::myself(), WINDOWS[3], backing.number, Mapping::WRITABLE, backing.write)?;
        poke(WINDOWS[3], 0x600d);
        call::revoke(companion.name().0, PAGES, 1, NOW)?;
        ensure_eq!(peek(WINDOWS[3]), 0x600d, "the page that was no backing any more, change {change}");
        ensure_eq!(taken(&companion, change)?, [PAGES, page, ANY], "the vector");
        backing.free()?;
    }
    Ok(())
}

fn reserve() -> Outcome {
    let companion = listener(0)?;
    let name = companion.name().0;
    let mut loose = [0; 5];
    let mut pinned = [0; 9];
    for (vpn, page) in PINS.zip(&mut pinned) {
        *page = allocate_there(&companion)?;
        pin_there(&companion, vpn, *page)?;
    }
    for page in &mut loose {
        *page = allocate_there(&companion)?;
    }
    // One is bound besides, in the first segment alone.
    ensure_eq!(bind_there(&companion, HERE, loose[2], Mapping::empty(), WRITABLE)?, BOUND, "it binds a page");
    // What is not pinned goes first.
    call::revoke(name, PAGES, 5, NOW)?;
    for page in loose {
        ensure_eq!(owner(page)?, Name::NOBODY.0, "the owner of a page that was not pinned");
    }
    for page in pinned {
        ensure_eq!(owner(page)?, name, "the owner of a pinned page");
    }
    ensure_eq!(environment_word(&companion, EMERGENCY)?, 0, "an emergency");
    // Then what is pinned last, as far as the reserve.
    let beyond = pinned.len() + LABORATORY - RESERVE;
    call::revoke(name, PAGES, 1, NOW)?;
    ensure_eq!(owner(pinned[8])?, Name::NOBODY.0, "the owner of the page that was pinned last");
    ensure_eq!(owner(pinned[7])?, name, "the owner of the one before");
    for round in 0..4 {
        call::revoke(name, PAGES, 100 + round, NOW)?;
        for (index, page) in pinned.into_iter().enumerate() {
            let kept = index < pinned.len() - beyond;
            ensure_eq!(owner(page)? == name, kept, "whether it has pinned page {index}, round {round}");
        }
        // It has ignored everything, and lives.
        companion.command(Command::Nothing, &[])?;
        let missing = if round == 0 { 101 - beyond as u32 } else { 100 + round };
        ensure_eq!(environment_word(&companion, EMERGENCY)?, missing, "pages that could not be taken");
    }
    ensure_eq!(environment_word(&companion, COUNT)?, (loose.len() + beyond) as u32, "pages in the vector");
    // More than any number of pages.
    call::revoke(name, PAGES, u32::MAX, NOW)?;
    call::revoke(name, PAGES, u32::MAX, u32::MAX - 1)?;
    companion.command(Command::Nothing, &[])?;
    // More losses than the vector has room for are counted.
    ensure_eq!(call_there(&companion, Call::RepossessionDone, &[])?.0, 0, "it has read the vector");
    for _ in 0..20 {
        allocate_there(&companion)?;
    }
    call::revoke(name, PAGES, 20, NOW)?;
    ensure_eq!(environment_word(&companion, COUNT)?, 20, "pages counted in the vector");
    companion.command(Command::Nothing, &[])
}

fn shield() -> Outcome {
    let companion = listener(0)?;
    let name = companion.name().0;
    let mut pinned = [0; 9];
    for (vpn, page) in PINS.zip(&mut pinned) {
        *page = allocate_there(&companion)?;
        pin_there(&companion, vpn, *page)?;
    }
    // A page of the reserve, at the very end too.
    pin_there(&companion, 0x75, pinned[0])?;
    call::revoke(name, PAGES, 100, NOW)?;
    for (index, page) in pinned.into_iter().enumerate() {
        let kept = index < RESERVE - LABORATORY;
        ensure_eq!(owner(page)? == name, kept, "whether it has pinned page {index}");
    }
    companion.command(Command::Nothing, &[])
}

fn slices() -> Outcome {
    let companion = listener(0)?;
    let name = companion.name().0;
    let positions = [call::slice_alloc(ANY)?, call::slice_alloc(ANY)?, call::slice_alloc(ANY)?];
    for position in positions {
        call::slice_give(position, name)?;
    }
    call::revoke(name, SLICE, 1, NOW)?;
    ensure_eq!(call::slice_alloc(positions[2]), Ok(positions[2]), "the last one's position");
    ensure_eq!(taken(&companion, 0)?, [SLICE, positions[2], ANY], "the vector");
    for _ in 0..3 {
        call::revoke(name, SLICE, SLICES as u32, NOW)?;
    }
    ensure_eq!(call::slice_alloc(positions[1]), Ok(positions[1]), "the last but one's position");
    ensure_eq!(call::slice_alloc(positions[0]), Err(Error::Busy), "the last that is left");
    ensure_eq!(environment_word(&companion, COUNT)?, 2, "slices in the vector");
    // It has its turns in the one that is left.
    companion.post(Command::Yield, &[]);
    for _ in 0..3 {
        turn(&companion)?;
    }
    companion.stop()?;
    for position in &positions[1..] {
        call::slice_free(*position)?;
    }
    Ok(())
}

fn refusals() -> Outcome {
    let (companion, other) = (listener(0)?, Companion::spawn(1)?);
    let grandchild = call_there(&companion, Call::EnvironmentCreate, &[])?.1;
    ensure_eq!(call::revoke(grandchild, PAGES, 1, NOW), Err(Error::Denied), "a child of another's");
    for (name, error) in [
        (memory::myself().0, Error::Denied),
        (other.name().0, Error::Denied),
        (0, Error::NoEnvironment),
        (grandchild | 1, Error::NoEnvironment),
    ] {
        for deadline in [0, 1, NOW] {
            let answer = call_there(&companion, Call::Revoke, &[name, PAGES, 1, deadline])?.0;
            ensure_eq!(answer, error.code(), "asking {name:x} with deadline {deadline:x}");
        }
    }
    for resource in [2, 3, 0x4000_0000, u32::MAX] {
        let answer = call::revoke(companion.name().0, resource, 1, 0);
        ensure_eq!(answer, Err(Error::Invalid), "resource {resource}");
    }
    // Of oneself.
    let page = allocate_there(&companion)?;
    ensure_eq!(call_there(&companion, Call::Revoke, &[companion.name().0, PAGES, 1, NOW])?.0, 0, "of itself");
    ensure_eq!(owner(page)?, Name::NOBODY.0, "the owner");
    let (mine, free) = (Page::any()?, Page::any()?);
    free.free()?;
    let pages = call::machine(exos::abi::calls::Fact::Pages as u32)?;
    let ([read_low, read_high], [low, high]) = (mine.read.words(), mine.write.words());
    for (arguments, error) in [
        ([8, mine.number, low, high], Error::Invalid),
        ([u32::MAX, mine.number, low, high], Error::Invalid),
        ([0, mine.number, read_low, read_high], Error::Denied),
        ([0, mine.number, 0, 0], Error::Denied),
        ([0, 0, 0, 0], Error::Denied),
        ([0, 0, 1, 0], Error::Denied),
        ([0, call::machine(exos::abi::calls::Fact::ImagePage as u32)?, 1, 0], Error::Denied),
        ([0, free.number, low, high], Error::NoPage),
        ([0, pages, low, high], Error::NoPage),
        ([0, u32::MAX - 1, low, high], Error::NoPage),
    ] {
        let answer = call_there(&companion, Call::Backing, &arguments)?.0;
        ensure_eq!(answer, error.code(), "backing {arguments:x?}");
    }
    ensure_eq!(call_there(&companion, Call::EnvironmentDestroy, &[grandchild])?.0, 0, "the end of it");
    ensure_eq!(call::revoke(grandchild, PAGES, 1, NOW), Err(Error::NoEnvironment), "a dead one");
    mine.free()?;
    Ok(())
}

fn dies() -> Outcome {
    let backing = Page::any()?;
    for round in 0..3 {
        let companion = listener(0)?;
        let page = allocate_there(&companion)?;
        back(&companion, 0, backing)?;
        yielder(&companion)?;
        call::revoke(companion.name().0, PAGES, 3, 2)?;
        if round > 0 {
            turn(&companion)?;
        }
        companion.stop()?;
        if round == 1 {
            companion.command_and_die(Command::Exit, &[])?;
        }
        drop(companion);
        ensure_eq!(owner(page)?, Name::NOBODY.0, "a dead one's page");
        // Whoever comes next has no wish to fulfil, no loss, and no backing.
        let next = listener(0)?;
        let page = allocate_there(&next)?;
        ensure_eq!(environment_word(&next, WANTED)?, 0, "pages wanted of the next");
        yielder(&next)?;
        for _ in 0..4 {
            turn(&next)?;
        }
        next.stop()?;
        ensure_eq!(told_of(&next), [0, 0], "what the next was told");
        call::revoke(next.name().0, PAGES, 1, NOW)?;
        ensure_eq!(taken(&next, 0)?, [PAGES, page, ANY], "the next one's vector");
    }
    interrupt::plant(u32::MAX, interrupt::PLAIN)?;
    backing.free()?;
    Ok(())
}
