//! Pages: who may map them, what they contain when they change hands, and that a mapping ends when
//! the right to it does.

use apps::testing::companion::{Command, Companion};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{peek, poke};
use apps::testing::{Test, probe};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::layout::{ANY, Mapping, PAGE_SIZE};
use exos::abi::{Call, Capability, Error, Name};
use exos::call;
use exos::memory::{self, Page, WINDOWS};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "a page that changes owners is cleared", run: cleared },
    Test { name: "a freed page is gone at once", run: freed },
    Test { name: "a destroyed environment's pages are gone at once", run: orphaned },
    Test { name: "a change of capability breaks the others' mappings", run: protect },
    Test { name: "mappings need the right capability", run: capabilities },
    Test { name: "the boot image can be read and not written", run: image },
    Test { name: "calls on pages refuse what they should", run: refusals },
    Test { name: "all memory can be had, and no more", run: exhaustion },
];

const HERE: u32 = WINDOWS[3];
/// Where companions map pages.
const THERE: u32 = 0x0007_0000;

fn myself() -> Name {
    memory::myself()
}

/// Maps a page of this environment's here.
fn map(page: Page) -> Outcome {
    memory::pin(myself(), HERE, page.number, Mapping::WRITABLE, page.write)?;
    Ok(())
}

fn fill(word: u32) {
    for address in (HERE..HERE + PAGE_SIZE).step_by(4) {
        poke(address, word);
    }
}

fn all_are(word: u32) -> bool {
    (HERE..HERE + PAGE_SIZE).step_by(4).all(|address| peek(address) == word)
}

fn call_there(companion: &Companion, call: Call, arguments: &[u32]) -> Result<(u32, u32), Failure> {
    let mut words = [0; 8];
    words[0] = call.number();
    words[1..=arguments.len()].copy_from_slice(arguments);
    companion.command(Command::Call, &words)?;
    Ok((companion.answer(0), companion.answer(1)))
}

fn pin_there(
    companion: &Companion,
    page: u32,
    writable: bool,
    capability: Capability,
) -> Result<u32, Failure> {
    let [low, high] = capability.words();
    companion.command(Command::Pin, &[THERE, page, u32::from(writable), low, high])?;
    Ok(companion.answer(0))
}

fn load_there(companion: &Companion) -> Result<[u32; 4], Failure> {
    companion.command(Command::Load, &[THERE])?;
    Ok([0, 1, 2, 3].map(|index| companion.answer(index)))
}

/// What a load or store answers that finds nothing mapped in the second segment.
const MISSED: [u32; 4] = [0, 2, THERE, 1];

fn cleared() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = Page::any()?;
    map(page)?;
    ensure!(all_are(0), "a new page is not clear");
    fill(0xdead_beef);
    page.free()?;
    // The same owner takes it back: it is as it was.
    let page = Page::allocate(page.number)?;
    map(page)?;
    ensure!(all_are(0xdead_beef), "a page is cleared for its last owner");
    page.free()?;
    // Another one's is clear, and so is it again when it comes back.
    let taken = call_there(&companion, Call::PageAlloc, &[page.number, 5, 6, 7, 8])?;
    ensure_eq!(taken, (0, page.number), "the companion takes the page");
    let write = Capability::from_words(7, 8);
    ensure_eq!(pin_there(&companion, page.number, true, write)?, 0, "the companion maps it");
    ensure_eq!(load_there(&companion)?, [1, 0, 0, 0], "the companion's page is clear");
    memory::pin(myself(), HERE, page.number, Mapping::WRITABLE, write)?;
    ensure!(all_are(0), "the companion's page is not clear");
    fill(0x5ec2_e700);
    ensure_eq!(load_there(&companion)?, [1, 0x5ec2_e700, 0, 0], "what was written");
    ensure_eq!(call_there(&companion, Call::PageFree, &[page.number])?, (0, 0), "free");
    let page = Page::allocate(page.number)?;
    map(page)?;
    ensure!(all_are(0), "another's contents are in a new page");
    page.free()?;
    Ok(())
}

fn freed() -> Outcome {
    let companion = Companion::spawn(0)?;
    for _ in 0..3 {
        let page = Page::any()?;
        map(page)?;
        fill(0x1234_5678);
        ensure_eq!(pin_there(&companion, page.number, false, page.read)?, 0, "the companion maps it");
        ensure_eq!(load_there(&companion)?, [1, 0x1234_5678, 0, 0], "the companion reads it");
        ensure_eq!(peek(HERE), 0x1234_5678, "so does its owner");
        page.free()?;
        let seen = probe::load(HERE).err();
        ensure!(seen.is_some_and(|seen| seen.last_resort), "a freed page is still mapped");
        ensure!(probe::store(HERE, 1).is_err(), "a freed page can be written");
        ensure_eq!(load_there(&companion)?, MISSED, "the companion's mapping of a freed page");
        // Nor does the mapping come back with the page.
        let page = Page::allocate(page.number)?;
        ensure!(probe::load(HERE).is_err(), "a mapping came back");
        ensure_eq!(load_there(&companion)?, MISSED, "the companion's mapping of a page taken again");
        page.free()?;
    }
    Ok(())
}

fn orphaned() -> Outcome {
    let companion = Companion::spawn(0)?;
    let (v0, page) = call_there(&companion, Call::PageAlloc, &[ANY, 5, 6, 7, 8])?;
    ensure_eq!(v0, 0, "the companion allocates a page");
    memory::pin(myself(), HERE, page, Mapping::WRITABLE, Capability::from_words(7, 8))?;
    fill(7);
    drop(companion);
    ensure!(probe::load(HERE).is_err(), "a dead environment's page is still mapped");
    ensure_eq!(call::page_owner(page)?, Name::NOBODY.0, "its owner");
    Ok(())
}

fn protect() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = Page::any()?;
    map(page)?;
    poke(HERE, 99);
    ensure_eq!(pin_there(&companion, page.number, true, page.write)?, 0, "the companion maps it");
    ensure_eq!(load_there(&companion)?, [1, 99, 0, 0], "the companion reads it");
    call::page_protect(page.number, 31, 32, 33, 34)?;
    ensure_eq!(load_there(&companion)?, MISSED, "the companion's mapping");
    ensure_eq!(probe::load(HERE).ok(), Some(99), "the owner's own mapping stays");
    let denied = Error::Denied.code();
    ensure_eq!(pin_there(&companion, page.number, true, page.write)?, denied, "the old capability");
    ensure_eq!(pin_there(&companion, page.number, false, page.read)?, denied, "the old capability to read");
    let write = Capability::from_words(33, 34);
    ensure_eq!(pin_there(&companion, page.number, true, write)?, 0, "the new capability");
    ensure_eq!(load_there(&companion)?, [1, 99, 0, 0], "the companion reads it again");
    page.free()?;
    ensure!(probe::load(HERE).is_err(), "a mapping that `protect` kept outlives the page");
    ensure_eq!(load_there(&companion)?, MISSED, "the companion's mapping of a freed page");
    Ok(())
}

fn capabilities() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = Page::any()?;
    map(page)?;
    poke(HERE, 17);
    let denied = Error::Denied.code();
    let near = |capability: Capability, bit: u32| Capability(capability.0 ^ 1 << bit);
    for wrong in [
        Capability::NONE,
        Capability::PUBLIC,
        near(page.write, 0),
        near(page.write, 31),
        near(page.write, 32),
        near(page.write, 63),
        near(page.read, 0),
        near(page.read, 63),
        Capability(page.write.0.rotate_left(32)),
        Capability(u64::MAX),
    ] {
        ensure_eq!(pin_there(&companion, page.number, false, wrong)?, denied, "read with {wrong:?}");
        ensure_eq!(pin_there(&companion, page.number, true, wrong)?, denied, "write with {wrong:?}");
        // It does not help to own the page.
        let here = memory::pin(myself(), HERE - PAGE_SIZE, page.number, Mapping::empty(), wrong);
        ensure_eq!(here, Err(Error::Denied), "the owner with {wrong:?}");
    }
    ensure_eq!(
        pin_there(&companion, page.number, true, page.read)?,
        denied,
        "writing with the right to read"
    );
    ensure_eq!(load_there(&companion)?, MISSED, "nothing is mapped");
    ensure_eq!(pin_there(&companion, page.number, false, page.read)?, 0, "reading");
    ensure_eq!(load_there(&companion)?, [1, 17, 0, 0], "reading");
    companion.command(Command::Store, &[THERE, 18])?;
    ensure_eq!([companion.answer(0), companion.answer(1)], [0, 1], "a store is an exception");
    ensure_eq!(pin_there(&companion, page.number, true, page.write)?, 0, "writing");
    companion.command(Command::Store, &[THERE, 18])?;
    ensure_eq!((companion.answer(0), peek(HERE)), (1, 18), "a store arrives");
    // A page whose capability is NONE is nobody's to map.
    call::page_protect(page.number, 0, 0, 0, 0)?;
    ensure_eq!(pin_there(&companion, page.number, false, Capability::NONE)?, denied, "NONE against NONE");
    let here = memory::pin(myself(), HERE - PAGE_SIZE, page.number, Mapping::empty(), Capability::NONE);
    ensure_eq!(here, Err(Error::Denied), "the owner's NONE against NONE");
    page.free()?;
    Ok(())
}

fn image() -> Outcome {
    let first = call::machine(Fact::ImagePage as u32)?;
    let pages = call::machine(Fact::ImagePages as u32)?;
    memory::pin(myself(), HERE, first, Mapping::empty(), Capability::PUBLIC)?;
    ensure_eq!(peek(HERE), exos::abi::image::MAGIC, "the image's first word");
    ensure!(probe::store(HERE, 0).is_err(), "the image can be written");
    let mut published = 0;
    for page in first..first + pages {
        if call::page_owner(page)? == myself().0 {
            // A page of this program's own.
            continue;
        }
        let write = memory::pin(myself(), HERE, page, Mapping::WRITABLE, Capability::PUBLIC);
        ensure_eq!(write, Err(Error::Denied), "mapping page {page} of the image to write");
        published +=
            u32::from(memory::pin(myself(), HERE, page, Mapping::empty(), Capability::PUBLIC).is_ok());
        ensure_eq!(call::page_free(page), Err(Error::Denied), "freeing page {page} of the image");
    }
    ensure!(published > 0, "no page of the image can be read");
    memory::unpin(myself(), HERE)?;
    Ok(())
}

fn refusals() -> Outcome {
    let companion = Companion::spawn(0)?;
    let pages = call::machine(Fact::Pages as u32)?;
    let page = Page::any()?;
    let mine = myself().0;
    let [low, high] = page.write.words();
    ensure_eq!(call::page_alloc(page.number, 1, 2, 3, 4), Err(Error::Busy), "a page in use");
    ensure_eq!(call::page_alloc(0, 1, 2, 3, 4), Err(Error::Busy), "a page of the kernel's");
    ensure_eq!(call::page_alloc(pages, 1, 2, 3, 4), Err(Error::NoPage), "a page that does not exist");
    ensure_eq!(call::page_alloc(u32::MAX - 1, 1, 2, 3, 4), Err(Error::NoPage), "a page far away");
    ensure_eq!(call::page_free(pages), Err(Error::NoPage), "freeing a page that does not exist");
    ensure_eq!(call::page_free(0), Err(Error::Denied), "freeing a page of the kernel's");
    ensure_eq!(call::page_protect(0, 1, 0, 1, 0), Err(Error::Denied), "protecting a page of the kernel's");
    ensure_eq!(call::page_owner(pages), Err(Error::NoPage), "the owner of no page");
    for vpn in [0, 1, 128, 0x100, 0x8_0000, u32::MAX] {
        let refused = call::guarantee(mine, vpn, page.number, 0, low, high);
        ensure_eq!(refused, Err(Error::Invalid), "mapping at page {vpn}");
        ensure_eq!(call::guarantee(mine, vpn, ANY, 0, 0, 0), Err(Error::Invalid), "unmapping page {vpn}");
    }
    for bits in [1, 0x100, 1 << 12, 1 << 31, u32::MAX] {
        let refused = call::guarantee(mine, 0x70, page.number, bits, low, high);
        ensure_eq!(refused, Err(Error::Invalid), "mapping with bits {bits:x}");
    }
    ensure_eq!(call::guarantee(mine, 0x70, pages, 0, low, high), Err(Error::NoPage), "no page");
    for number in 0..16 {
        let refused = call::guarantee(mine, 0x70, number, 0, low, high);
        ensure_eq!(refused, Err(Error::Denied), "mapping page {number} of the kernel's");
        let refused = call::guarantee(mine, 0x70, number, 0, 0, 0);
        ensure_eq!(refused, Err(Error::Denied), "mapping page {number} of the kernel's with NONE");
    }
    let denied = (Error::Denied.code(), 0);
    ensure_eq!(call_there(&companion, Call::PageFree, &[page.number])?, denied, "freeing another's");
    let arguments = [page.number, 1, 2, 3, 4];
    ensure_eq!(call_there(&companion, Call::PageProtect, &arguments)?, denied, "protecting another's");
    ensure_eq!(call_there(&companion, Call::CacheFlush, &[page.number, 1, 2])?, denied, "flushing another's");
    page.free()?;
    ensure_eq!(call::page_free(page.number), Err(Error::NoPage), "freeing twice");
    let refused = call::guarantee(mine, 0x70, page.number, 0, low, high);
    ensure_eq!(refused, Err(Error::NoPage), "mapping a free page");
    ensure_eq!(call::cache_flush(page.number, low, high), Err(Error::Denied), "flushing a free page");
    Ok(())
}

/// Allocates every page that there is; answers how many.
pub fn take_all() -> u32 {
    let mut count = 0;
    while call::page_alloc(ANY, 1, 2, 3, 4).is_ok() {
        count += 1;
    }
    count
}

/// Frees what [`take_all`] allocated; answers how many. What else this environment owns stays.
///
/// # Errors
/// When a page cannot be freed.
pub fn give_back() -> Result<u32, Failure> {
    let mut freed = 0;
    for page in 0..call::machine(Fact::Pages as u32)? {
        let known = call::guarantee(myself().0, HERE / PAGE_SIZE, page, 0, 1, 2);
        if known.is_ok() && call::page_owner(page)? == myself().0 {
            call::page_free(page)?;
            freed += 1;
        }
    }
    memory::unpin(myself(), HERE)?;
    Ok(freed)
}

fn exhaustion() -> Outcome {
    let free = call::machine(Fact::FreePages as u32)?;
    let taken = take_all();
    let none = [call::page_alloc(ANY, 1, 2, 3, 4), call::environment_create()];
    let left = call::machine(Fact::FreePages as u32)?;
    let freed = give_back()?;
    ensure_eq!(none, [Err(Error::Exhausted); 2], "without memory");
    ensure_eq!((taken, freed, left), (free, free, 0), "pages allocated, freed, left");
    Ok(())
}
