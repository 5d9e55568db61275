//! The child of which resources are wanted back: a library operating system of a few lines. It knows how often it uses
//! each page, and chooses by that.

use core::mem::offset_of;

use apps::demonstration::upcalls::{self, get, kind, set};
use apps::testing::lab::{peek, poke};
use apps::testing::single::Single;
use exos::abi::environment::{EnvironmentPage, Repossession, Revocation, Taken};
use exos::abi::layout::{ANY, ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource};
use exos::abi::{Capability, Error, Name};
use exos::exception::{self, Frame};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice};

use crate::words::*;

/// Where its pages of data are: in the first segment, which it binds by itself.
pub const BASE: u32 = 0x0048_0000;
/// Where its pinned pages are, in the second segment.
const PINS: u32 = 0x0006_0000;

/// Its page table: by what it binds each page of data.
static TABLE: Single<[Option<Page>; DATA]> = Single::new([None; DATA]);
/// The error with which a page was refused.
static REFUSAL: Single<Option<Error>> = Single::new(None);

/// The child.
pub fn run() -> u32 {
    let bound = upcalls::bind().and_then(|()| upcalls::listen(told)).and_then(|()| exception::handle(fault));
    if bound.is_err() {
        return 1;
    }
    loop {
        if let Some(command) = Command::from_word(get(COMMAND)) {
            // A command that fails is never done, which the parent finds.
            if carry_out(command).is_ok() {
                set(COMMAND, 0);
            }
        }
        set(TURNS, get(TURNS) + 1);
        for index in 0..3 {
            set(WISH + index, environment_word(offset_of!(EnvironmentPage, revocation) + 4 * index));
        }
        let _ = slice::yield_to(Name::NOBODY);
    }
}

fn carry_out(command: Command) -> Result<(), Error> {
    match command {
        Command::Furnish => furnish(),
        Command::Look => {
            (0..DATA).for_each(|page| set(FOUND + page, look(page)));
            Ok(())
        }
        Command::Load => load(),
        Command::ReadBack => read_back(),
    }
}

/// A word of the environment's page, which the kernel changes.
fn environment_word(offset: usize) -> u32 {
    peek(ENVIRONMENT_PAGE + offset as u32)
}

const fn address(page: usize) -> u32 {
    BASE + page as u32 * PAGE_SIZE
}

fn table_set(page: usize, entry: Option<Page>) {
    let mut table = TABLE.get();
    table[page] = entry;
    TABLE.set(table);
    set(PAGE + page, entry.map_or(ANY, |found| found.number));
}

fn furnish() -> Result<(), Error> {
    for (page, uses) in USES.into_iter().enumerate() {
        table_set(page, Some(Page::any()?));
        for offset in (0..PAGE_SIZE).step_by(4) {
            poke(address(page) + offset, contents(page, offset));
        }
        for _ in 0..uses {
            look(page);
        }
    }
    for index in 0..PINNED {
        let page = Page::any()?;
        let at = PINS + index as u32 * PAGE_SIZE;
        memory::pin(memory::myself(), at, page.number, Mapping::WRITABLE, page.write)?;
        set(PIN + index, page.number);
    }
    Ok(())
}

/// Uses a page: reads all of it.
fn look(page: usize) -> u32 {
    REFUSAL.set(None);
    let mut whole = true;
    for offset in (0..PAGE_SIZE).step_by(4) {
        whole &= peek(address(page) + offset) == contents(page, offset);
        if let Some(error) = REFUSAL.get() {
            return found::REFUSED | (error as i32).unsigned_abs() << 8;
        }
    }
    set(USED + page, get(USED + page) + 1);
    if whole { found::WHOLE } else { found::DAMAGED }
}

/// A page of data misses: it is bound with its capability. If the kernel refuses, the instruction is passed over.
fn fault(frame: &mut Frame) {
    let page = (frame.bad_address.wrapping_sub(BASE) >> PAGE_SHIFT) as usize;
    match TABLE.get().get(page).copied().flatten().map_or(Err(Error::NoPage), |entry| bind(page, entry)) {
        Ok(()) => {}
        Err(error) => {
            REFUSAL.set(Some(error));
            frame.pc += 4;
        }
    }
}

fn bind(page: usize, entry: Page) -> Result<(), Error> {
    let [low, high] = entry.write.words();
    let word = entry.number << PAGE_SHIFT | Mapping::WRITABLE.bits();
    call::tlb_write(address(page), word, low, high).map(|_| ())
}

/// The upcalls: resources are wanted back, or are gone.
extern "C" fn told(what: u32) {
    if what == kind::LOST {
        note_losses();
    } else if get(WILLING) != 0 {
        give_back();
    }
}

/// Gives back what is wanted: of pages those that it uses least, of slices the second of its own.
fn give_back() {
    const WANTED: usize = offset_of!(EnvironmentPage, revocation) + offset_of!(Revocation, wanted);
    set(GIVEN, 0);
    for _ in 0..environment_word(WANTED + 4 * Resource::Pages as usize) {
        let Some(page) = least_used() else { break };
        let number = get(PAGE + page);
        if call::page_free(number).is_ok() {
            table_set(page, None);
            note_given(number);
        }
    }
    if environment_word(WANTED + 4 * Resource::Slices as usize) > 0
        && call::slice_free(get(POSITION + 1)).is_ok()
    {
        note_given(get(POSITION + 1));
    }
}

fn least_used() -> Option<usize> {
    (0..DATA).filter(|page| get(PAGE + page) != ANY).min_by_key(|page| get(USED + page))
}

fn note_given(number: u32) {
    let count = get(GIVEN);
    if count < 4 {
        set(GIVEN_WHICH + count as usize, number);
    }
    set(GIVEN, count + 1);
}

/// Copies the repossession vector for the parent to see, and tells the kernel that it is read. The page table stays as it
/// is: that the bindings are gone is the kernel's to enforce.
fn note_losses() {
    const VECTOR: usize = offset_of!(EnvironmentPage, repossession);
    set(EMERGENCY, environment_word(VECTOR + offset_of!(Repossession, emergency)));
    set(LOST, environment_word(VECTOR + offset_of!(Repossession, count)));
    for index in 0..LOST_WORDS {
        set(LOST_WHICH + index, environment_word(VECTOR + offset_of!(Repossession, taken) + 4 * index));
    }
    let _ = call::repossession_done();
}

/// Words of the vector's entries.
const LOST_WORDS: usize = STORE - LOST_WHICH;
const _: () = assert!(LOST_WORDS * 4 == exos::abi::environment::REPOSSESSIONS * size_of::<Taken>());

fn store(index: usize) -> (u32, Capability) {
    let at = STORE + 3 * index;
    (get(at), Capability::from_words(get(at + 1), get(at + 2)))
}

fn load() -> Result<(), Error> {
    for index in 0..STORES {
        let (page, capability) = store(index);
        let [low, high] = capability.words();
        call::backing(index as u32, page, low, high)?;
    }
    Ok(())
}

/// For each page that was taken and saved: allocates another, reads the contents back, and enters it in the table.
fn read_back() -> Result<(), Error> {
    for index in 0..get(LOST) as usize {
        let [_, number, saved] = [0, 1, 2].map(|word| get(LOST_WHICH + 3 * index + word));
        let Some(page) = (0..DATA).find(|page| get(PAGE + page) == number) else { continue };
        let Some((from, capability)) = (0..STORES).map(store).find(|store| store.0 == saved) else {
            continue;
        };
        let fresh = Page::any()?;
        memory::pin(memory::myself(), WINDOWS[0], fresh.number, Mapping::WRITABLE, fresh.write)?;
        memory::pin(memory::myself(), WINDOWS[1], from, Mapping::empty(), capability)?;
        for offset in (0..PAGE_SIZE).step_by(4) {
            poke(WINDOWS[0] + offset, peek(WINDOWS[1] + offset));
        }
        memory::unpin(memory::myself(), WINDOWS[0])?;
        memory::unpin(memory::myself(), WINDOWS[1])?;
        table_set(page, Some(fresh));
    }
    Ok(())
}
