//! Address spaces: many environments on few of the hardware's ids, tags that are used again, and visits
//! to a child's space.

use core::mem::offset_of;

use apps::testing::assembler::{
    Code, NOP, SYSCALL, addiu, addu, andi, beq, bne, jr, lui, lw, ori, reg, srl, sw,
};
use apps::testing::companion::Companion;
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{self, Lab, peek, poke};
use apps::testing::registers::Registers;
use apps::testing::space::{HERE, bind, call_there, entry, in_stlb};
use apps::testing::{Test, probe};
use apps::{ensure, ensure_eq};
use exos::abi::environment::{EnvironmentPage, Event};
use exos::abi::layout::{ANY, ENVIRONMENT_PAGE, Mapping, PAGE_SIZE};
use exos::abi::{Call, Capability, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "two hundred environments keep first segments of their own", run: swarm },
    Test { name: "a tag that is used again has no bindings of its last owner's", run: tags },
    Test { name: "CIDswitch enters a child's address space", run: visit },
    Test { name: "leaving the processor ends a visit", run: leave },
    Test { name: "children that share an id are told apart on a visit", run: siblings },
    Test { name: "CIDswitch refuses what it should", run: refusals },
];

/// Pages of the first segment that a member has.
const PAGES: usize = 4;
/// What a member knows, in its page at [`lab::DATA`]: word offsets.
const EXPECTED: u32 = lab::DATA;
const ERRORS: u32 = lab::DATA + 4;
const MISSES: u32 = lab::DATA + 8;
const LOW: u32 = lab::DATA + 12;
const HIGH: u32 = lab::DATA + 16;
const PARENT: u32 = lab::DATA + 20;
const RUNS: u32 = lab::DATA + 24;
const TABLE: u32 = lab::DATA + 32;
/// Where its slices start and where it handles misses.
const START: u32 = lab::CODE;
const HANDLER: u32 = lab::CODE + 0x400;

/// Adds `word += 1`, by way of t7.
fn count(code: &mut Code<128>, word: u32) {
    code.push(lw(15, word, reg::ZERO)).push(NOP).push(addiu(15, 15, 1)).push(sw(15, word, reg::ZERO));
}

/// A member's slice: looks at each of its pages, changes it, and yields to its parent.
fn start() -> Code<128> {
    let (expected, errors, pages) = (reg::T4, 13, 14);
    let mut code = Code::new();
    code.push(lw(expected, EXPECTED, reg::ZERO)).push(lw(errors, ERRORS, reg::ZERO));
    code.push(lui(reg::T0, HERE >> 16)).push(addiu(pages, reg::ZERO, PAGES as i16));
    code.push(lw(reg::T2, 0, reg::T0)).push(NOP);
    code.push(beq(reg::T2, expected, 2)).push(addiu(reg::T2, expected, 1)).push(addiu(errors, errors, 1));
    code.push(sw(reg::T2, 0, reg::T0)).push(addiu(reg::T0, reg::T0, 0x1000)).push(addiu(pages, pages, -1));
    code.push(bne(pages, reg::ZERO, -9)).push(addiu(expected, expected, 0x100));
    code.push(sw(errors, ERRORS, reg::ZERO));
    count(&mut code, EXPECTED);
    count(&mut code, RUNS);
    code.push(lw(4, PARENT, reg::ZERO)).push(addiu(reg::V0, reg::ZERO, Call::Yield as i16));
    code.push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
    code
}

/// Its handler of misses: binds the page that its table names.
fn handler() -> Code<128> {
    let (pc, address, slot) = (16, 17, 24);
    let mut code = Code::new();
    code.push(addu(pc, 4, reg::ZERO)).push(addu(address, 5, reg::ZERO));
    code.push(srl(slot, 5, 10)).push(andi(slot, slot, 4 * (PAGES as u32 - 1)));
    count(&mut code, MISSES);
    code.push(addu(4, address, reg::ZERO)).push(lw(5, TABLE, slot));
    code.push(lw(6, LOW, reg::ZERO)).push(lw(7, HIGH, reg::ZERO));
    code.push(addiu(reg::V0, reg::ZERO, Call::TlbWrite as i16)).push(SYSCALL).push(jr(pc)).push(NOP);
    code
}

fn through_window(page: u32, capability: Capability, look: impl FnOnce(u32)) -> Outcome {
    memory::pin(memory::myself(), WINDOWS[3], page, Mapping::WRITABLE, capability)?;
    look(WINDOWS[3]);
    memory::unpin(memory::myself(), WINDOWS[3])?;
    Ok(())
}

/// The page of code that all members share.
fn member_code() -> Result<Page, Failure> {
    let page = Page::any()?;
    through_window(page.number, page.write, |window| {
        for (at, code) in [(START, start()), (HANDLER, handler())] {
            for (index, word) in code.words().iter().enumerate() {
                poke(window + at - START + 4 * index as u32, *word);
            }
        }
    })?;
    let [low, high] = page.write.words();
    call::cache_flush(page.number, low, high)?;
    Ok(page)
}

/// An environment with pages of its own. They all answer to one capability.
#[derive(Clone, Copy)]
struct Member {
    name: u32,
    capability: Capability,
    data: u32,
    pages: [u32; PAGES],
}

impl Member {
    fn new(index: u32, code: Page) -> Result<Self, Failure> {
        let name = call::environment_create()?;
        let capability = Capability(0x7777_0001_0000_0001 * (u64::from(index) + 1));
        let [low, high] = capability.words();
        let data = call::page_alloc(ANY, low, high, low, high)?;
        let mut pages = [0; PAGES];
        let signature = index << 16;
        for (place, page) in pages.iter_mut().enumerate() {
            *page = call::page_alloc(ANY, low, high, low, high)?;
            through_window(*page, capability, |window| poke(window, signature + 0x100 * place as u32))?;
        }
        through_window(data, capability, |window| {
            for (at, word) in [
                (EXPECTED, signature),
                (ERRORS, 0),
                (MISSES, 0),
                (LOW, low),
                (HIGH, high),
                (PARENT, memory::myself().0),
                (RUNS, 0),
            ] {
                poke(window + at - lab::DATA, word);
            }
            // Its misses look the entry up by the low bits of the page's number.
            for (place, page) in pages.iter().enumerate() {
                let slot = (HERE as usize / PAGE_SIZE as usize + place) % PAGES;
                poke(window + TABLE - lab::DATA + 4 * slot as u32, entry(*page, Mapping::WRITABLE));
            }
        })?;
        memory::pin(Name(name), lab::DATA, data, Mapping::WRITABLE, capability)?;
        memory::pin(Name(name), lab::CODE, code.number, Mapping::empty(), code.read)?;
        call::bind(name, Event::SliceStart as u32, START)?;
        call::bind(name, Event::TlbMiss as u32, HANDLER)?;
        Ok(Self { name, capability, data, pages })
    }

    /// A word of its data.
    fn word(&self, at: u32) -> Result<u32, Failure> {
        let mut word = 0;
        through_window(self.data, self.capability, |window| word = peek(window + at - lab::DATA))?;
        Ok(word)
    }

    fn free(&self) -> Outcome {
        for page in self.pages.into_iter().chain([self.data]) {
            call::page_free(page)?;
        }
        Ok(())
    }
}

fn swarm() -> Outcome {
    const MEMBERS: usize = 200;
    let code = member_code()?;
    let mut members = [None; MEMBERS];
    for (index, member) in members.iter_mut().enumerate() {
        *member = Some(Member::new(index as u32, code)?);
    }
    const ROUNDS: u32 = 9;
    for round in 0..ROUNDS as usize {
        for step in 0..MEMBERS {
            let index = match round % 3 {
                0 => step,
                1 => step * 37 % MEMBERS,
                // Those that share an id, one after the other.
                _ => step % 4 * (MEMBERS / 4) + step / 4,
            };
            let Some(member) = members[index] else { continue };
            slice::yield_to(Name(member.name))?;
        }
        call::check_invariants()?;
    }
    for (index, member) in members.iter().flatten().enumerate() {
        ensure_eq!(member.word(RUNS)?, ROUNDS, "runs of member {index}");
        ensure_eq!(member.word(ERRORS)?, 0, "wrong words that member {index} saw");
        ensure!((PAGES as u32..=ROUNDS * PAGES as u32).contains(&member.word(MISSES)?), "misses of {index}");
        for (place, page) in member.pages.iter().enumerate() {
            let mut word = 0;
            through_window(*page, member.capability, |window| word = peek(window))?;
            ensure_eq!(
                word,
                ((index as u32) << 16) + 0x100 * place as u32 + ROUNDS,
                "page {place} of {index}"
            );
        }
    }
    for member in members.iter().flatten() {
        call::environment_destroy(member.name)?;
        member.free()?;
    }
    code.free()?;
    Ok(())
}

/// A bare environment, and whether the STLB has something that its bindings would be.
fn inherits() -> Result<(Name, bool), Failure> {
    let name = Name(call::environment_create()?);
    let mut found = false;
    for place in 0..PAGES as u32 {
        found |= in_stlb(name, HERE + place * PAGE_SIZE)?.is_some();
    }
    call::environment_destroy(name.0)?;
    Ok((name, found))
}

/// Has a member bind its pages, and destroys it: at once, or when all tags have been used and its own is
/// still ahead. Whoever has the tag next is in the same place, and must not find the bindings.
fn tag_again(code: Page, at_once: bool) -> Outcome {
    let member = Member::new(1, code)?;
    slice::yield_to(Name(member.name))?;
    ensure_eq!(member.word(RUNS)?, 1, "it ran");
    ensure!(in_stlb(Name(member.name), HERE)?.is_some(), "its page is in the STLB");
    let tag = Name(member.name).tag();
    let (mut living, mut again, mut last) = (true, false, tag);
    for step in 0..2100 {
        if living && (at_once || last < tag) {
            call::environment_destroy(member.name)?;
            living = false;
        }
        let (name, found) = inherits()?;
        ensure!(!found, "creation {step}: {:x} begins with bindings", name.0);
        last = name.tag();
        again |= last == tag;
    }
    ensure!(again && !living, "its tag was not used again");
    member.free()
}

fn tags() -> Outcome {
    let code = member_code()?;
    tag_again(code, true)?;
    tag_again(code, false)?;
    code.free()?;
    Ok(())
}

/// A child whose memory a visitor finds at [`lab::WORDS`], and whose code is the laboratory's.
fn child(lab: &Lab, word: u32) -> Result<(Name, Page), Failure> {
    let name = Name(call::environment_create()?);
    let page = Page::any()?;
    through_window(page.number, page.write, |window| poke(window + lab::WORDS - lab::DATA, word))?;
    memory::pin(name, lab::DATA, page.number, Mapping::WRITABLE, page.write)?;
    memory::pin(name, lab::CODE, lab.code_page().number, Mapping::empty(), lab.code_page().read)?;
    Ok((name, page))
}

const NAME: u32 = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, name) as u32;

fn switch(code: &mut Code<128>, name: Name) {
    code.li(4, name.0).push(ori(reg::V0, reg::ZERO, Call::CidSwitch.number())).push(SYSCALL);
}

fn visit() -> Outcome {
    let mut lab = Lab::new()?;
    let (name, page) = child(&lab, 0x0c41_1d00)?;
    let shared = Page::any()?;
    let [low, high] = shared.write.words();
    bind(HERE, shared.number, Mapping::WRITABLE, shared.write)?;
    poke(HERE, 0x5a4e);
    call::tlb_delete(HERE)?;
    let mut body = Code::<128>::new();
    switch(&mut body, name);
    // Destroying the ground that one stands on is refused.
    body.li(4, name.0).push(ori(reg::V0, reg::ZERO, Call::EnvironmentDestroy.number())).push(SYSCALL);
    body.push(addu(16, reg::V0, reg::ZERO));
    body.push(lw(reg::T0, lab::WORDS, reg::ZERO)).push(lw(reg::T1, NAME, reg::ZERO));
    body.li(4, HERE).li(5, entry(shared.number, Mapping::WRITABLE)).li(6, low).li(7, high);
    body.push(ori(reg::V0, reg::ZERO, Call::TlbWrite.number())).push(SYSCALL);
    body.push(lw(reg::T2, 0, 4)).push(sw(reg::T1, 4, 4));
    // To visit whom one visits changes nothing.
    switch(&mut body, name);
    body.push(lw(reg::T3, lab::WORDS, reg::ZERO)).push(sw(reg::T2, lab::WORDS + 4, reg::ZERO));
    switch(&mut body, memory::myself());
    body.push(lw(reg::T4, lab::WORDS, reg::ZERO)).push(lw(17, NAME, reg::ZERO)).push(NOP);
    lab.prepare(body.words());
    poke(lab::WORDS, 0x0143);
    poke(lab::WORDS + 4, 0x0144);
    let after = lab.run(&Registers::canaries(1));
    let [t0, t1, t2, t3, t4, s0, s1] = [8, 9, 10, 11, 12, 16, 17].map(|register: usize| after.0[register]);
    let myself = memory::myself().0;
    ensure_eq!([t0, t3], [0x0c41_1d00; 2], "the child's memory");
    ensure_eq!([t1, s1], [myself; 2], "the environment's own page, there and here");
    ensure_eq!(t2, 0x5a4e, "what was bound in the child's space");
    ensure_eq!(t4, 0x0143, "memory of its own afterwards");
    ensure_eq!(peek(lab::WORDS + 4), 0x0144, "what was stored there, here");
    ensure_eq!(s0, Error::Busy.code(), "destroying whom it visits");
    ensure!(probe::load(HERE).is_err(), "what was bound there is bound here");
    ensure!(in_stlb(name, HERE)?.is_some(), "the child's binding");
    through_window(shared.number, shared.write, |window| poke(lab::WORDS, peek(window + 4)))?;
    ensure_eq!(peek(lab::WORDS), myself, "what was stored to the page bound there");
    through_window(page.number, page.write, |window| poke(lab::WORDS, peek(window + 0x304)))?;
    ensure_eq!(peek(lab::WORDS), 0x5a4e, "what was stored to the child's memory");
    // The child ends: so does its binding, and nothing of it is here.
    call::environment_destroy(name.0)?;
    shared.free()?;
    page.free()?;
    Ok(())
}

fn leave() -> Outcome {
    let mut lab = Lab::new()?;
    let (name, page) = child(&lab, 0x0c41_1d00)?;
    let mut body = Code::<128>::new();
    switch(&mut body, name);
    body.push(ori(4, reg::ZERO, 0)).push(ori(reg::V0, reg::ZERO, Call::Yield.number())).push(SYSCALL);
    let behind = Lab::behind(body.words());
    body.push(lw(reg::T0, lab::WORDS, reg::ZERO)).push(lw(reg::T1, NAME, reg::ZERO)).push(NOP);
    lab.prepare(body.words());
    let start = memory::environment().slice_start_pc;
    let myself = memory::myself().0;
    for round in 0..5 {
        poke(lab::WORDS, round);
        call::bind(myself, Event::SliceStart as u32, behind)?;
        let after = lab.run(&Registers::canaries(round));
        call::bind(myself, Event::SliceStart as u32, start)?;
        ensure_eq!([after.0[8], after.0[9]], [round, myself], "after a yield in round {round}");
    }
    call::environment_destroy(name.0)?;
    page.free()?;
    Ok(())
}

/// Creates environments until two share an id; destroys the others.
fn two_that_share(avoid: u32, lab: &Lab) -> Result<[(Name, Page); 2], Failure> {
    let first = child(lab, 1)?;
    ensure!(first.0.address_space() != avoid, "the first child has this environment's id");
    let mut bare = [0; 80];
    for place in 0..bare.len() {
        let second = child(lab, 2)?;
        if second.0.address_space() == first.0.address_space() {
            for name in &bare[..place] {
                call::environment_destroy(*name)?;
            }
            return Ok([first, second]);
        }
        second.1.free()?;
        bare[place] = second.0.0;
    }
    Err(Failure::new(format_args!("no two environments share an id")))
}

fn siblings() -> Outcome {
    let mut lab = Lab::new()?;
    let myself = memory::myself();
    let children = two_that_share(myself.address_space(), &lab)?;
    let names = children.map(|(name, _)| name);
    let mut body = Code::<128>::new();
    for (index, name) in [names[0], names[1], names[0], myself, names[1], myself, names[0]].iter().enumerate()
    {
        switch(&mut body, *name);
        body.push(lw(8 + index as u32, lab::WORDS, reg::ZERO)).push(NOP);
    }
    switch(&mut body, myself);
    lab.prepare(body.words());
    poke(lab::WORDS, 3);
    for round in 0..3 {
        let after = lab.run(&Registers::canaries(round));
        ensure_eq!(after.0[8..15], [1, 2, 1, 3, 2, 3, 1], "whose memory was seen in round {round}");
    }
    for (name, page) in children {
        call::environment_destroy(name.0)?;
        page.free()?;
    }
    Ok(())
}

fn refusals() -> Outcome {
    let companion = Companion::spawn(0)?;
    let other = Companion::spawn(1)?;
    let myself = memory::myself();
    let grandchild = call_there(&companion, Call::EnvironmentCreate, &[])?.1;
    ensure_eq!(call::cid_switch(grandchild), Err(Error::Denied), "a grandchild's space");
    for name in [0, 1, u32::MAX, myself.0 ^ 1 << 21, myself.asynchronous().0, companion.name().0 | 1] {
        ensure_eq!(call::cid_switch(name), Err(Error::NoEnvironment), "the space of {name:x}");
    }
    for (name, error) in [
        (myself.0, Error::Denied),
        (other.name().0, Error::Denied),
        (0, Error::NoEnvironment),
        (companion.name().0 ^ 1 << 22, Error::NoEnvironment),
    ] {
        let answer = call_there(&companion, Call::CidSwitch, &[name])?.0;
        ensure_eq!(answer, error.code(), "a companion in the space of {name:x}");
    }
    ensure_eq!(call_there(&companion, Call::EnvironmentDestroy, &[grandchild])?.0, 0, "the end of it");
    ensure_eq!(call::cid_switch(grandchild), Err(Error::NoEnvironment), "a dead one's space");
    // Only the hardware's id tells two spaces apart.
    let mut bare = [0; 140];
    let mut busy = 0;
    for name in &mut bare {
        *name = call::environment_create()?;
        if Name(*name).address_space() == myself.address_space() {
            busy += 1;
            ensure_eq!(call::cid_switch(*name), Err(Error::Busy), "a space with this one's id");
        }
    }
    for name in bare {
        call::environment_destroy(name)?;
    }
    ensure!(busy >= 2, "{busy} children have this environment's id");
    // To where it is already.
    call::cid_switch(myself.0)?;
    Ok(())
}
