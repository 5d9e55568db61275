//! Limits: what an environment and its descendants may have together, and that reaching it is an error
//! and no more.

use apps::testing::Test;
use apps::testing::assembler::{Code, NOP, SYSCALL, addiu, beq, lw, reg, sw};
use apps::testing::companion::{Command, Companion};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{self, peek, poke};
use apps::testing::space::call_there;
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::environment::Event;
use exos::abi::layout::{ANY, Mapping, Resource};
use exos::abi::{Call, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "a limit of pages counts all descendants", run: pages },
    Test { name: "a limit of slices", run: slices },
    Test { name: "a limit of environments", run: environments },
    Test { name: "a limit below what is used takes nothing and gives nothing", run: lowering },
    Test { name: "orphans do not escape their parent's limit", run: orphans },
    Test { name: "limits refuse what they should", run: refusals },
];

const PAGES: u32 = Resource::Pages as u32;
const SLICES: u32 = Resource::Slices as u32;
const ENVIRONMENTS: u32 = Resource::Environments as u32;
const NONE: u32 = u32::MAX;
const EXHAUSTED: (u32, u32) = (Error::Exhausted.code(), 0);

/// Tells what a child and its descendants have, and lets them have more.
fn used(name: Name, resource: u32, limit: u32) -> Result<u32, Error> {
    call::limit(name.0, resource, limit)
}

fn allocate_there(companion: &Companion) -> Result<(u32, u32), Failure> {
    call_there(companion, Call::PageAlloc, &[ANY, 5, 6, 7, 8])
}

/// A companion's child that allocates a page in every slice that it is lent.
struct Grandchild {
    name: u32,
    code: Page,
    data: Page,
}

impl Grandchild {
    fn new(companion: &Companion) -> Result<Self, Failure> {
        const PARENT: u32 = lab::DATA + 8;
        let (v0, name) = call_there(companion, Call::EnvironmentCreate, &[])?;
        ensure_eq!(v0, 0, "a child creates a child");
        let (code, data) = (Page::any()?, Page::any()?);
        let mut words = Code::<32>::new();
        words.push(addiu(4, reg::ZERO, -1));
        for (value, register) in [5, 6, 7, reg::T0].into_iter().enumerate() {
            words.push(addiu(register, reg::ZERO, 5 + value as i16));
        }
        words.push(addiu(reg::V0, reg::ZERO, Call::PageAlloc as i16)).push(SYSCALL);
        words.push(sw(reg::V0, lab::DATA, reg::ZERO)).push(sw(reg::V1, lab::DATA + 4, reg::ZERO));
        words.push(lw(4, PARENT, reg::ZERO)).push(addiu(reg::V0, reg::ZERO, Call::Yield as i16));
        words.push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
        memory::pin(memory::myself(), WINDOWS[3], code.number, Mapping::WRITABLE, code.write)?;
        for (index, word) in words.words().iter().enumerate() {
            poke(WINDOWS[3] + 4 * index as u32, *word);
        }
        let [low, high] = code.write.words();
        call::cache_flush(code.number, low, high)?;
        memory::pin(memory::myself(), WINDOWS[3], data.number, Mapping::WRITABLE, data.write)?;
        poke(WINDOWS[3] + PARENT - lab::DATA, memory::myself().0);
        for (address, page, bits) in
            [(lab::CODE, code, Mapping::empty()), (lab::DATA, data, Mapping::WRITABLE)]
        {
            let [low, high] = page.write.words();
            let arguments = [name, address >> 12, page.number, bits.bits(), low, high];
            ensure_eq!(call_there(companion, Call::Guarantee, &arguments)?.0, 0, "its memory");
        }
        let bound = call_there(companion, Call::Bind, &[name, Event::SliceStart as u32, lab::CODE])?;
        ensure_eq!(bound.0, 0, "its start");
        Ok(Self { name, code, data })
    }

    /// Lets it allocate a page: what it was answered.
    fn allocate(&self) -> Result<(u32, u32), Failure> {
        poke(WINDOWS[3], 1);
        slice::yield_to(Name(self.name))?;
        Ok((peek(WINDOWS[3]), peek(WINDOWS[3] + 4)))
    }

    fn free(self) -> Outcome {
        memory::unpin(memory::myself(), WINDOWS[3])?;
        self.code.free()?;
        self.data.free()?;
        Ok(())
    }
}

fn pages() -> Outcome {
    let companion = Companion::spawn(0)?;
    let grandchild = Grandchild::new(&companion)?;
    let before = used(companion.name(), PAGES, NONE)?;
    used(companion.name(), PAGES, before + 3)?;
    ensure_eq!(grandchild.allocate()?.0, 0, "the grandchild's page");
    ensure_eq!(used(companion.name(), PAGES, before + 3)?, before + 1, "pages of both");
    let mine = [allocate_there(&companion)?, allocate_there(&companion)?];
    ensure_eq!([mine[0].0, mine[1].0], [0; 2], "the child's pages");
    let free = call::machine(Fact::FreePages as u32)?;
    for _ in 0..3 {
        ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "a page too many");
        ensure_eq!(grandchild.allocate()?, EXHAUSTED, "a page too many for the grandchild");
    }
    ensure_eq!(call::machine(Fact::FreePages as u32)?, free, "free pages");
    ensure_eq!(used(companion.name(), PAGES, before + 3)?, before + 3, "pages of both");
    // A page that is not to be had is not charged.
    used(companion.name(), PAGES, before + 4)?;
    for page in [0, mine[0].1, call::machine(Fact::Pages as u32)?] {
        let refused = call_there(&companion, Call::PageAlloc, &[page, 5, 6, 7, 8])?.0;
        ensure!(refused == Error::Busy.code() || refused == Error::NoPage.code(), "page {page}");
    }
    ensure_eq!(used(companion.name(), PAGES, before + 3)?, before + 3, "pages of both");
    // What is freed can be had again, by whoever asks first; so can a dead descendant's.
    ensure_eq!(call_there(&companion, Call::PageFree, &[mine[0].1])?.0, 0, "a page less");
    ensure_eq!(grandchild.allocate()?.0, 0, "a page more for the grandchild");
    ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "a page too many");
    let destroyed = call_there(&companion, Call::EnvironmentDestroy, &[grandchild.name])?;
    ensure_eq!(destroyed.0, 0, "the end of the grandchild");
    ensure_eq!(used(companion.name(), PAGES, before + 3)?, before + 1, "pages of the child alone");
    for _ in 0..2 {
        ensure_eq!(allocate_there(&companion)?.0, 0, "a dead descendant's page");
    }
    ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "a page too many");
    // Without a limit again.
    used(companion.name(), PAGES, NONE)?;
    ensure_eq!(allocate_there(&companion)?.0, 0, "a page without limit");
    grandchild.free()
}

fn slices() -> Outcome {
    let companion = Companion::spawn(0)?;
    let name = companion.name();
    used(name, SLICES, 2)?;
    let position = call::slice_alloc(ANY)?;
    call::slice_give(position, name.0)?;
    let own = call_there(&companion, Call::SliceAlloc, &[ANY])?;
    ensure_eq!(own.0, 0, "a slice of its own");
    ensure_eq!(call_there(&companion, Call::SliceAlloc, &[ANY])?, EXHAUSTED, "a slice too many");
    let third = call::slice_alloc(ANY)?;
    ensure_eq!(call::slice_give(third, name.0), Err(Error::Exhausted), "a slice too many as a gift");
    ensure_eq!(used(name, SLICES, 2)?, 2, "slices");
    call::slice_free(third)?;
    ensure_eq!(call_there(&companion, Call::SliceAlloc, &[500])?, EXHAUSTED, "no position");
    // To give one to a child is to have no more than before.
    let (_, grandchild) = call_there(&companion, Call::EnvironmentCreate, &[])?;
    ensure_eq!(call_there(&companion, Call::SliceGive, &[own.1, grandchild])?.0, 0, "a gift at the limit");
    ensure_eq!(used(name, SLICES, 2)?, 2, "slices of both");
    ensure_eq!(call_there(&companion, Call::Limit, &[grandchild, SLICES, 1])?, (0, 1), "the grandchild's");
    let refused = call_there(&companion, Call::SliceGive, &[position, grandchild])?;
    ensure_eq!(refused, EXHAUSTED, "a gift beyond the grandchild's limit");
    ensure_eq!(used(name, SLICES, 1)?, 2, "slices of both");
    let moved = call_there(&companion, Call::Limit, &[grandchild, SLICES, 2])?;
    ensure_eq!(moved, (0, 1), "the grandchild's");
    ensure_eq!(
        call_there(&companion, Call::SliceGive, &[position, grandchild])?.0,
        0,
        "beyond a lowered limit"
    );
    ensure_eq!(call_there(&companion, Call::EnvironmentDestroy, &[grandchild])?.0, 0, "the end of it");
    ensure_eq!(used(name, SLICES, 1)?, 0, "slices of both");
    let again = call_there(&companion, Call::SliceAlloc, &[own.1])?;
    ensure_eq!(again, (0, own.1), "a slice of a dead grandchild");
    ensure_eq!(call_there(&companion, Call::SliceGive, &[own.1, name.0])?.0, 0, "a gift to itself");
    ensure_eq!(used(name, SLICES, 1)?, 1, "slices of both");
    ensure_eq!(call_there(&companion, Call::SliceFree, &[own.1])?.0, 0, "a slice less");
    ensure_eq!(used(name, SLICES, 1)?, 0, "slices");
    Ok(())
}

fn environments() -> Outcome {
    let companion = Companion::spawn(0)?;
    used(companion.name(), ENVIRONMENTS, 2)?;
    let create = || call_there(&companion, Call::EnvironmentCreate, &[]);
    let children = [create()?, create()?];
    ensure_eq!([children[0].0, children[1].0], [0; 2], "two children");
    let free = call::machine(Fact::FreePages as u32)?;
    for _ in 0..3 {
        ensure_eq!(create()?, EXHAUSTED, "a child too many");
    }
    ensure_eq!(call::machine(Fact::FreePages as u32)?, free, "free pages");
    ensure_eq!(used(companion.name(), ENVIRONMENTS, 2)?, 2, "descendants");
    ensure_eq!(call_there(&companion, Call::EnvironmentDestroy, &[children[0].1])?.0, 0, "one less");
    let (v0, last) = create()?;
    ensure_eq!(v0, 0, "one more");
    ensure_eq!(create()?, EXHAUSTED, "a child too many");
    // A grandparent may not destroy them before their parent is gone.
    companion.command_and_die(Command::Exit, &[])?;
    for orphan in [children[1].1, last] {
        call::environment_destroy(orphan)?;
    }
    Ok(())
}

fn lowering() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = allocate_there(&companion)?.1;
    let before = used(companion.name(), PAGES, 0)?;
    ensure!(before > 1, "{before} pages");
    ensure_eq!(call::page_owner(page)?, companion.name().0, "the owner of what is beyond");
    ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "a page with limit zero");
    ensure_eq!(call_there(&companion, Call::PageFree, &[page])?.0, 0, "a page less");
    ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "still above");
    ensure_eq!(used(companion.name(), PAGES, before)?, before - 1, "pages");
    ensure_eq!(allocate_there(&companion)?.0, 0, "below the limit again");
    ensure_eq!(allocate_there(&companion)?, EXHAUSTED, "at the limit");
    companion.command(Command::Nothing, &[])
}

fn orphans() -> Outcome {
    let companion = Companion::spawn(0)?;
    let grandchild = Grandchild::new(&companion)?;
    ensure_eq!(grandchild.allocate()?.0, 0, "the grandchild's page");
    let before = used(companion.name(), PAGES, NONE)?;
    used(companion.name(), PAGES, before)?;
    ensure_eq!(grandchild.allocate()?, EXHAUSTED, "beyond its parent's limit");
    companion.command_and_die(Command::Exit, &[])?;
    // It is this environment's child now, who may let it have more.
    ensure_eq!(grandchild.allocate()?, EXHAUSTED, "beyond its dead parent's limit");
    ensure_eq!(used(Name(grandchild.name), PAGES, 2)?, 1, "pages of the orphan");
    ensure_eq!(grandchild.allocate()?.0, 0, "a page that its new parent allows");
    ensure_eq!(grandchild.allocate()?, EXHAUSTED, "beyond the new limit");
    call::environment_destroy(grandchild.name)?;
    grandchild.free()
}

fn refusals() -> Outcome {
    let companion = Companion::spawn(0)?;
    let other = Companion::spawn(1)?;
    let grandchild = call_there(&companion, Call::EnvironmentCreate, &[])?.1;
    let myself = memory::myself();
    for name in [myself, Name(grandchild)] {
        ensure_eq!(used(name, PAGES, 1000), Err(Error::Denied), "limiting who is no child");
    }
    for name in [myself, companion.name(), other.name()] {
        let answer = call_there(&companion, Call::Limit, &[name.0, PAGES, NONE])?.0;
        ensure_eq!(answer, Error::Denied.code(), "limiting a parent, oneself, a sibling");
    }
    for name in [Name::NOBODY, companion.name().asynchronous(), Name(companion.name().0 ^ 1 << 22)] {
        ensure_eq!(used(name, PAGES, NONE), Err(Error::NoEnvironment), "limiting nobody");
    }
    for resource in [3, 4, 0x4000_0000, u32::MAX] {
        ensure_eq!(used(companion.name(), resource, 0), Err(Error::Invalid), "resource {resource}");
    }
    ensure_eq!(call_there(&companion, Call::EnvironmentDestroy, &[grandchild])?.0, 0, "the end of it");
    Ok(())
}
