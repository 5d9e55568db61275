//! Sharing: bindings of one page in several places and environments, what ends them, and the maps that
//! everybody may read.

use apps::testing::Test;
use apps::testing::assembler::{NOP, addiu, jr, reg};
use apps::testing::companion::{Command, Companion};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{peek, poke};
use apps::testing::probe;
use apps::testing::space::{BOUND, HERE, bind, bind_there, call_there, entry, in_stlb, load_there, public};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::environment::cause;
use exos::abi::layout::{ANY, Mapping, PAGE_SIZE, Resource};
use exos::abi::map::{self, END, FREE, KERNEL};
use exos::abi::{Call, Capability, Error, Name};
use exos::call;
use exos::memory::{self, Page, WINDOWS};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "no binding outlives the right to it", run: stale },
    Test { name: "a page under several addresses", run: aliases },
    Test { name: "a page shared to read and to write", run: shared },
    Test { name: "code that was written is executed once the cache knows", run: code },
    Test { name: "a page that is not cached", run: uncached },
    Test { name: "entries of a range are what was checked", run: checked },
    Test { name: "the map of pages tells the truth", run: map_of_pages },
    Test { name: "the public maps cannot be written, and hold no capability", run: read_only },
];

const READ: Capability = Capability::from_words(5, 6);
const WRITE: Capability = Capability::from_words(7, 8);

/// How a page is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    /// By its owner, once.
    Once,
    /// By another, once.
    Elsewhere,
    /// By its owner, several times.
    Often,
    /// By others and its owner, in the first segment.
    Everywhere,
    /// And in the second.
    Mixed,
}

/// How the right to it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Freed,
    Protected,
    Destroyed,
    Repossessed,
}

/// Where a companion pins the page.
const PINNED: u32 = 0x8000;

fn stale() -> Outcome {
    let (reader, thief) = (Companion::spawn(1)?, Companion::spawn(2)?);
    for how in [How::Once, How::Elsewhere, How::Often, How::Everywhere, How::Mixed] {
        for end in [End::Freed, End::Protected, End::Destroyed, End::Repossessed] {
            let owner = Companion::spawn(0)?;
            stale_once(owner, &reader, &thief, (how, end))?;
        }
    }
    Ok(())
}

fn stale_once(owner: Companion, reader: &Companion, thief: &Companion, case: (How, End)) -> Outcome {
    const MANY: [u32; 3] = [HERE, HERE + PAGE_SIZE, HERE + 9 * PAGE_SIZE];
    let (how, end) = case;
    let [low, high] = READ.words();
    let [write_low, write_high] = WRITE.words();
    let page = call_there(&owner, Call::PageAlloc, &[ANY, low, high, write_low, write_high])?.1;
    let (mut here, mut pinned) = (false, false);
    let mut there = [false; 3];
    if how != How::Elsewhere {
        let places = if how == How::Once { &MANY[..1] } else { &MANY[..] };
        for address in places {
            ensure_eq!(bind_there(&owner, *address, page, Mapping::WRITABLE, WRITE)?, BOUND, "its owner's");
            ensure!(load_there(&owner, *address)?.is_some(), "{case:?}: its owner's binding");
        }
    }
    if matches!(how, How::Elsewhere | How::Everywhere | How::Mixed) {
        for (place, address) in MANY.into_iter().enumerate().take(if how == How::Elsewhere { 1 } else { 3 }) {
            ensure_eq!(bind_there(reader, address, page, Mapping::empty(), READ)?, BOUND, "another's");
            ensure!(load_there(reader, address)?.is_some(), "{case:?}: another's binding");
            there[place] = true;
        }
    }
    if matches!(how, How::Everywhere | How::Mixed) {
        bind(HERE, page, Mapping::WRITABLE, WRITE)?;
        poke(HERE, 0x0111);
        here = true;
    }
    if how == How::Mixed {
        memory::pin(memory::myself(), WINDOWS[3], page, Mapping::WRITABLE, WRITE)?;
        ensure_eq!(peek(WINDOWS[3]), 0x0111, "{case:?}: the pinned page");
        reader.command(Command::Pin, &[PINNED, page, 0, low, high])?;
        ensure_eq!(load_there(reader, PINNED)?, Some(0x0111), "{case:?}: the reader's pinned page");
        pinned = true;
    }
    let mut alive = Some(owner);
    match (end, &alive) {
        (End::Freed, Some(owner)) => ensure_eq!(call_there(owner, Call::PageFree, &[page])?.0, 0, "{case:?}"),
        (End::Protected, Some(owner)) => {
            let arguments = [page, 91, 92, 93, 94];
            ensure_eq!(call_there(owner, Call::PageProtect, &arguments)?.0, 0, "{case:?}");
        }
        (End::Repossessed, Some(owner)) => {
            // All that is not pinned: the page among it.
            call::revoke(owner.name().0, Resource::Pages as u32, 1, u32::MAX)?;
        }
        _ => alive = None,
    }
    if end != End::Protected {
        ensure_eq!(call::page_owner(page)?, Name::NOBODY.0, "{case:?}: the owner");
        // Another takes it and keeps a secret there.
        let taken = call_there(thief, Call::PageAlloc, &[page, 21, 22, 23, 24])?;
        ensure_eq!(taken, (0, page), "{case:?}: the page is taken");
        let write = Capability::from_words(23, 24);
        ensure_eq!(bind_there(thief, HERE, page, Mapping::WRITABLE, write)?, BOUND, "{case:?}: and bound");
        thief.command(Command::Store, &[HERE, 0x5ec3_e700])?;
        ensure_eq!(load_there(thief, HERE)?, Some(0x5ec3_e700), "{case:?}: the secret");
    }
    for address in MANY.into_iter().chain([WINDOWS[3]]) {
        let seen = probe::load(address).ok();
        ensure_eq!(seen, None, "{case:?}: {address:08x} here, {here} {pinned}");
        ensure!(probe::store(address, 1).is_err(), "{case:?}: a store to {address:08x} here");
    }
    for (place, address) in MANY.into_iter().enumerate() {
        ensure_eq!(load_there(reader, address)?, None, "{case:?}: {address:08x} there, {}", there[place]);
        if let Some(owner) = &alive {
            // A change of capability leaves the owner's own.
            let kept = end == End::Protected && (how == How::Once && place == 0 || how as u32 > 1);
            ensure_eq!(load_there(owner, address)?.is_some(), kept, "{case:?}: {address:08x} at its owner's");
        }
    }
    ensure_eq!(load_there(reader, PINNED)?, None, "{case:?}: pinned there");
    if end == End::Protected {
        // What the change has left ends with the page.
        if let Some(owner) = &alive {
            ensure_eq!(call_there(owner, Call::PageFree, &[page])?.0, 0, "{case:?}: free");
            for address in MANY {
                ensure_eq!(load_there(owner, address)?, None, "{case:?}: {address:08x} after all");
            }
        }
    } else {
        ensure_eq!(load_there(thief, HERE)?, Some(0x5ec3_e700), "{case:?}: the secret");
        ensure_eq!(call_there(thief, Call::PageFree, &[page])?.0, 0, "{case:?}: free");
    }
    call::check_invariants()?;
    Ok(())
}

fn aliases() -> Outcome {
    let (page, other) = (Page::any()?, Page::any()?);
    // In one place of the STLB, side by side, far apart, and in both segments.
    let addresses = [HERE, HERE + PAGE_SIZE, HERE + 1024 * PAGE_SIZE, 0x7fff_f000, WINDOWS[3]];
    memory::pin(memory::myself(), WINDOWS[3], page.number, Mapping::WRITABLE, page.write)?;
    for round in 0..100 {
        let (to, from) = (addresses[round % 5], addresses[round * 3 % 5]);
        for address in [to, from] {
            if address != WINDOWS[3] && probe::load(address).is_err() {
                bind(address, page.number, Mapping::WRITABLE, page.write)?;
            }
        }
        // Binding the second may have taken the first's place.
        if probe::store(to + 4, round as u32).is_err() {
            bind(to, page.number, Mapping::WRITABLE, page.write)?;
            poke(to + 4, round as u32);
        }
        if from != WINDOWS[3] {
            bind(from, page.number, Mapping::empty(), page.read)?;
            ensure_eq!(
                probe::store(from, 1).err().map(|seen| seen.code()),
                Some(cause::MODIFIED),
                "round {round}"
            );
        }
        ensure_eq!(peek(from + 4), round as u32, "from {from:08x}, to {to:08x}");
        if to != WINDOWS[3] {
            bind(to, page.number, Mapping::WRITABLE, page.write)?;
        }
    }
    // An address that is bound anew leaves the old page alone.
    bind(HERE, other.number, Mapping::WRITABLE, other.write)?;
    poke(HERE + 4, 0x0bad);
    ensure_eq!(peek(WINDOWS[3] + 4), 99, "the page that was bound before");
    page.free()?;
    ensure_eq!(peek(HERE + 4), 0x0bad, "the page that is bound now");
    other.free()?;
    Ok(())
}

fn shared() -> Outcome {
    let (writer, reader) = (Companion::spawn(0)?, Companion::spawn(1)?);
    let page = Page::any()?;
    bind(HERE, page.number, Mapping::WRITABLE, page.write)?;
    let there = HERE + 3 * PAGE_SIZE;
    ensure_eq!(
        bind_there(&writer, there, page.number, Mapping::WRITABLE, page.write)?,
        BOUND,
        "the writer's"
    );
    ensure_eq!(bind_there(&reader, HERE, page.number, Mapping::empty(), page.read)?, BOUND, "the reader's");
    let denied = bind_there(&reader, HERE, page.number, Mapping::WRITABLE, page.read)?;
    ensure_eq!(denied, Error::Denied.code(), "a reader that would write");
    for round in 0..20 {
        poke(HERE + 8, round);
        ensure_eq!(load_there(&writer, there + 8)?, Some(round), "what the writer sees");
        writer.command(Command::Store, &[there + 12, round * 3])?;
        ensure_eq!(peek(HERE + 12), round * 3, "what the writer wrote");
        ensure_eq!(load_there(&reader, HERE + 12)?, Some(round * 3), "what the reader sees");
        reader.command(Command::Store, &[HERE + 12, 1])?;
        ensure_eq!([reader.answer(0), reader.answer(1)], [0, cause::MODIFIED], "a reader's store");
    }
    page.free()?;
    Ok(())
}

fn code() -> Outcome {
    let page = Page::any()?;
    memory::pin(memory::myself(), WINDOWS[3], page.number, Mapping::WRITABLE, page.write)?;
    bind(HERE, page.number, Mapping::WRITABLE, page.write)?;
    bind(HERE + 5 * PAGE_SIZE, page.number, Mapping::empty(), page.read)?;
    let [low, high] = page.read.words();
    for round in 0..60i16 {
        // Written and executed under any of its addresses.
        let places = [HERE, HERE + 5 * PAGE_SIZE, WINDOWS[3]];
        let write = if round % 2 == 0 { HERE } else { WINDOWS[3] };
        let at = 0x40 * (round as u32 % 7);
        for (index, word) in [addiu(reg::V0, reg::ZERO, round), jr(reg::RA), NOP].into_iter().enumerate() {
            poke(write + at + 4 * index as u32, word);
        }
        call::cache_flush(page.number, low, high)?;
        let run = places[round as usize % 3] + at;
        // SAFETY: a function stands there, written above.
        let answer = unsafe {
            let function: extern "C" fn() -> u32 =
                core::mem::transmute::<usize, extern "C" fn() -> u32>(run as usize);
            function()
        };
        ensure_eq!(answer, round as u32, "what was executed at {run:08x}");
    }
    page.free()?;
    Ok(())
}

fn uncached() -> Outcome {
    let page = Page::any()?;
    let direct = HERE + 2 * PAGE_SIZE;
    bind(HERE, page.number, Mapping::WRITABLE, page.write)?;
    bind(direct, page.number, Mapping::WRITABLE | Mapping::UNCACHED, page.write)?;
    let bits = in_stlb(memory::myself(), direct)?.map(|mapping| mapping & 0xf00);
    ensure_eq!(bits, Some(0xe00), "the bits of a mapping that is not cached");
    for offset in (0..PAGE_SIZE).step_by(4) {
        poke(direct + offset, !offset);
    }
    for offset in (0..PAGE_SIZE).step_by(4) {
        ensure_eq!(peek(direct + offset), !offset, "uncached, the word at {offset:x}");
    }
    // The data cache writes through.
    for offset in (0..PAGE_SIZE).step_by(4) {
        poke(HERE + offset, offset ^ 0x55);
        ensure_eq!(peek(direct + offset), offset ^ 0x55, "written cached, the word at {offset:x}");
    }
    bind(direct, page.number, Mapping::UNCACHED, page.read)?;
    ensure!(probe::store(direct, 0).is_err(), "a store to a page that is read-only");
    page.free()?;
    Ok(())
}

/// Puts one entry into the data cache and another into memory behind it, in a place that the kernel's
/// own work throws out of the cache between checking and binding.
fn checked() -> Outcome {
    const CACHE_PAGES: u32 = 16;
    let companion = Companion::spawn(0)?;
    let theirs = call_there(&companion, Call::PageAlloc, &[ANY, 5, 6, 7, 8])?.1;
    let page = Page::any()?;
    let stlb = call::machine(Fact::StlbPage as u32)?;
    let mut tables = [None; CACHE_PAGES as usize];
    for table in &mut tables {
        *table = Some(Page::any()?);
    }
    let direct = HERE + PAGE_SIZE;
    let mut tried = 0;
    for table in tables.into_iter().flatten() {
        let colour = table.number.wrapping_sub(stlb) % CACHE_PAGES;
        if colour >= 8 {
            continue;
        }
        tried += 1;
        // The virtual page whose entry of the STLB lies where the table does.
        let vpn = 0x1_0000 + colour * PAGE_SIZE / 32 + 64;
        let at = map::index(memory::myself(), vpn) as u32 * 8;
        ensure_eq!(at / PAGE_SIZE, colour, "the place in the STLB");
        let offset = at % PAGE_SIZE;
        bind(HERE, table.number, Mapping::WRITABLE, table.write)?;
        bind(direct, table.number, Mapping::WRITABLE | Mapping::UNCACHED, table.write)?;
        let good = entry(page.number, Mapping::WRITABLE | Mapping::VALID);
        let (low_first, [table_low, table_high], [low, high]) = (0, table.read.words(), page.write.words());
        poke(direct + offset, low_first);
        poke(HERE + offset, good);
        ensure_eq!(peek(HERE + offset), good, "the entry in the cache");
        poke(direct + offset, entry(theirs, Mapping::WRITABLE | Mapping::VALID));
        let answer =
            call::tlb_write_range(vpn << 12, 1, table.number, offset, table_low, table_high, low, high);
        let bound = in_stlb(memory::myself(), vpn << 12)?.map(|mapping| mapping >> 12);
        ensure!(bound.is_none() || bound == Some(page.number), "page {bound:x?} was bound, of {answer:x?}");
    }
    ensure!(tried > 0, "no table had the right place");
    for table in tables.into_iter().flatten() {
        table.free()?;
    }
    page.free()?;
    Ok(())
}

fn map_entry(page: u32) -> Result<map::Entry, Error> {
    let at = (size_of::<map::Header>() + page as usize * size_of::<map::Entry>()) as u32;
    Ok(map::Entry { owner: public(Fact::MapPage, at)?, next: public(Fact::MapPage, at + 4)? })
}

fn map_of_pages() -> Outcome {
    let companion = Companion::spawn(0)?;
    let theirs = call_there(&companion, Call::PageAlloc, &[ANY, 5, 6, 7, 8])?.1;
    let mine = Page::any()?;
    let pages = call::machine(Fact::Pages as u32)?;
    ensure_eq!(public(Fact::MapPage, 0)?, pages, "pages");
    ensure_eq!(map_entry(theirs)?.owner, companion.name().0, "the companion's page");
    ensure_eq!(map_entry(mine.number)?.owner, memory::myself().0, "this environment's page");
    let mut free = 0;
    for page in 0..pages {
        let owner = call::page_owner(page)?;
        match map_entry(page)?.owner {
            FREE => {
                free += 1;
                ensure_eq!(owner, 0, "the owner of free page {page}");
            }
            // An environment's own page is the kernel's.
            KERNEL => {
                ensure!(owner == 0 || owner == memory::myself().0 || owner == companion.name().0, "{page}")
            }
            name => ensure_eq!(name, owner, "the owner of page {page}"),
        }
    }
    ensure_eq!(free, call::machine(Fact::FreePages as u32)?, "free pages");
    ensure_eq!(free, public(Fact::MapPage, 4)?, "free pages by the header");
    let (mut listed, mut last, mut next) = (0, END, public(Fact::MapPage, 8)?);
    // Who asks for any page gets the first of the list.
    let first = next;
    while next != END && listed <= pages {
        ensure_eq!(map_entry(next)?.owner, FREE, "page {next} of the free list");
        listed += 1;
        last = next;
        next = map_entry(next)?.next;
    }
    ensure_eq!((listed, last), (free, public(Fact::MapPage, 12)?), "the free list");
    let any = Page::any()?;
    ensure_eq!(any.number, first, "the page that is given");
    any.free()?;
    ensure_eq!(public(Fact::MapPage, 12)?, any.number, "the end of the list");
    memory::unpin(memory::myself(), WINDOWS[2])?;
    mine.free()?;
    Ok(())
}

fn public_pages() -> Result<[(u32, u32); 2], Failure> {
    Ok([
        (call::machine(Fact::MapPage as u32)?, call::machine(Fact::MapPages as u32)?),
        (call::machine(Fact::StlbPage as u32)?, 8),
    ])
}

fn read_only() -> Outcome {
    // Words that are nowhere else.
    let page = Page::any()?;
    bind(HERE, page.number, Mapping::WRITABLE, page.write)?;
    ensure_eq!(peek(HERE), 0, "a new page");
    let known = Capability::from_words(0xfeed_c0de, 0xdead_face);
    let [[read_low, read_high], [low, high]] = [page.read.words(), known.words()];
    call::page_protect(page.number, read_low, read_high, low, high)?;
    for (first, count) in public_pages()? {
        for number in first..first + count {
            let (window, there) = (WINDOWS[2], HERE + PAGE_SIZE);
            memory::pin(memory::myself(), window, number, Mapping::empty(), Capability::PUBLIC)?;
            bind(there, number, Mapping::empty(), Capability::PUBLIC)?;
            for offset in (0..PAGE_SIZE).step_by(4) {
                let word = peek(window + offset);
                ensure!(![read_low, read_high, low, high].contains(&word), "a capability in page {number}");
            }
            for address in [window, there] {
                let stored = probe::store(address + 16, 0).err().map(|seen| seen.code());
                ensure_eq!(stored, Some(cause::MODIFIED), "a store to public page {number}");
            }
            let pinned = memory::pin(memory::myself(), window, number, Mapping::WRITABLE, Capability::PUBLIC);
            ensure_eq!(pinned, Err(Error::Denied), "pinning public page {number} to write");
            let bound = bind(there, number, Mapping::WRITABLE, Capability::PUBLIC);
            ensure_eq!(bound, Err(Error::Denied), "binding public page {number} to write");
            ensure_eq!(call::page_free(number), Err(Error::Denied), "freeing public page {number}");
            ensure_eq!(
                call::page_protect(number, 1, 0, 1, 0),
                Err(Error::Denied),
                "protecting page {number}"
            );
        }
    }
    memory::unpin(memory::myself(), WINDOWS[2])?;
    call::tlb_delete(HERE + PAGE_SIZE)?;
    page.free()?;
    Ok(())
}
