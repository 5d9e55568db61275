//! The first segment: bindings by the primitive operations, what the public maps say of them, and a
//! pager that binds what is missed.

use exos::abi::calls::Fact;
use exos::abi::environment::cause;
use exos::abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END};
use exos::abi::map::{self, Binding};
use exos::abi::{Call, Capability, Error, Name};
use exos::call;
use exos::exception::Frame;
use exos::memory::{self, WINDOWS};

use super::companion::{Command, Companion};
use super::failure::{Failure, Outcome};
use super::lab::peek;
use super::single::Single;
use super::trap;

/// An address of the first segment, clear of the pages of the second in the STLB: see [`map::index`].
pub const HERE: u32 = 0x0048_0000;
/// Pages of the first segment that take an entry of the STLB each, from [`HERE`] on.
pub const APART: u32 = 800;

/// The entry that `tlb_write` takes for a page.
#[must_use]
pub const fn entry(page: u32, bits: Mapping) -> u32 {
    page << PAGE_SHIFT | bits.bits()
}

/// Binds the page of an address of this environment's.
///
/// # Errors
/// Those of the call `tlb_write`.
pub fn bind(address: u32, page: u32, bits: Mapping, capability: Capability) -> Result<(), Error> {
    let [low, high] = capability.words();
    call::tlb_write(address, entry(page, bits), low, high).map(|_| ())
}

/// Makes a call in a companion: `v0` and `v1`.
///
/// # Errors
/// When the companion does not answer.
pub fn call_there(companion: &Companion, call: Call, arguments: &[u32]) -> Result<(u32, u32), Failure> {
    let mut words = [0; 8];
    words[0] = call.number();
    words[1..=arguments.len()].copy_from_slice(arguments);
    companion.command(Command::Call, &words)?;
    Ok((companion.answer(0), companion.answer(1)))
}

/// Binds the page of an address of a companion's; the answer is the error's code, or the call's number.
///
/// # Errors
/// When the companion does not answer.
pub fn bind_there(
    companion: &Companion,
    address: u32,
    page: u32,
    bits: Mapping,
    capability: Capability,
) -> Result<u32, Failure> {
    let [low, high] = capability.words();
    Ok(call_there(companion, Call::TlbWrite, &[address, entry(page, bits), low, high])?.0)
}

/// What [`bind_there`] answers when it succeeds.
pub const BOUND: u32 = Call::TlbWrite.number();

/// A word of a companion's, or `None` where it misses.
///
/// # Errors
/// When the companion does not answer.
pub fn load_there(companion: &Companion, address: u32) -> Result<Option<u32>, Failure> {
    companion.command(Command::Load, &[address])?;
    Ok((companion.answer(0) == 1).then_some(companion.answer(1)))
}

/// Reads a word of one of the kernel's public pages.
///
/// # Errors
/// Those of the call `guarantee`.
pub fn public(first_page: Fact, offset: u32) -> Result<u32, Error> {
    let page = call::machine(first_page as u32)? + offset / PAGE_SIZE;
    memory::pin(memory::myself(), WINDOWS[2], page, Mapping::empty(), Capability::PUBLIC)?;
    Ok(peek(WINDOWS[2] + offset % PAGE_SIZE))
}

/// What the STLB holds for a page of an address space.
///
/// # Errors
/// Those of the call `guarantee`.
pub fn in_stlb(space: Name, address: u32) -> Result<Option<u32>, Error> {
    let vpn = address >> PAGE_SHIFT;
    let at = (map::index(space, vpn) * size_of::<Binding>()) as u32;
    let binding = Binding { key: public(Fact::StlbPage, at)?, mapping: public(Fact::StlbPage, at + 4)? };
    memory::unpin(memory::myself(), WINDOWS[2])?;
    Ok((binding.key == map::key(space, vpn)).then_some(binding.mapping))
}

/// Pages that the pager has.
const FRAMES: usize = 40;
/// The capability that they answer to.
const KNOWN: Capability = Capability(0x0123_4567_89ab_cdef);

static FRAME: Single<[u32; FRAMES]> = Single::new([ANY; FRAMES]);
static MISSES: Single<u32> = Single::new(0);

/// A pager: every page of the first segment appears, as one of few physical pages.
pub struct Pager;

impl Pager {
    /// Puts it in place. Every physical page holds its own number, in every word.
    ///
    /// # Errors
    /// When there are no pages.
    pub fn new() -> Result<Self, Failure> {
        let mut frames = [ANY; FRAMES];
        let [low, high] = KNOWN.words();
        for frame in &mut frames {
            *frame = call::page_alloc(ANY, low, high, low, high)?;
            memory::pin(memory::myself(), WINDOWS[2], *frame, Mapping::WRITABLE, KNOWN)?;
            for word in (WINDOWS[2]..WINDOWS[2] + PAGE_SIZE).step_by(4) {
                super::lab::poke(word, *frame);
            }
        }
        memory::unpin(memory::myself(), WINDOWS[2])?;
        FRAME.set(frames);
        MISSES.set(0);
        trap::page_with(Some(page_in));
        Ok(Self)
    }

    /// What every word of the page at an address holds.
    #[must_use]
    pub fn at(address: u32) -> u32 {
        let vpn = (address >> PAGE_SHIFT) as usize;
        FRAME.get()[(vpn * 7 + vpn / FRAMES) % FRAMES]
    }

    /// Misses that it has seen.
    #[must_use]
    pub fn misses() -> u32 {
        MISSES.get()
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When a page cannot be freed.
    pub fn end(self) -> Outcome {
        trap::page_with(None);
        for frame in FRAME.get() {
            call::page_free(frame)?;
        }
        Ok(())
    }
}

fn page_in(frame: &Frame) -> bool {
    let missed = matches!(frame.code(), cause::TLB_LOAD | cause::TLB_STORE);
    if !missed || frame.bad_address < SECOND_SEGMENT_END {
        return false;
    }
    MISSES.set(MISSES.get() + 1);
    // A binding that does not take would be missed for ever.
    MISSES.get() < 1_000_000
        && bind(frame.bad_address, Pager::at(frame.bad_address), Mapping::WRITABLE, KNOWN).is_ok()
}
