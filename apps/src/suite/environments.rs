//! Many environments: their names, their memory, and the address-space ids that they share.

use apps::testing::Test;
use apps::testing::assembler::{Code, NOP, SYSCALL, addiu, addu, beq, lw, reg, sw};
use apps::testing::companion::{Command, Companion};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::interrupt;
use apps::testing::lab::{Lab, poke};
use apps::testing::registers::Registers;
use apps::{ensure, ensure_eq};
use core::mem::offset_of;
use exos::abi::calls::Fact;
use exos::abi::environment::{EnvironmentPage, Event};
use exos::abi::layout::{ADDRESS_SPACE_IDS, ENVIRONMENT_PAGE, ENVIRONMENTS, Mapping};
use exos::abi::{Call, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, slice, transfer};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "two hundred environments at once", run: || many(200) },
    Test { name: "as many environments as there is room for", run: || many(ENVIRONMENTS - 1) },
    Test { name: "names are not used again", run: names },
    Test { name: "environments that share address-space ids keep their memory", run: swarm },
    Test { name: "children are destroyed by their parents alone", run: families },
];

fn many(count: usize) -> Outcome {
    let free = call::machine(Fact::FreePages as u32)?;
    let mut children = [0; ENVIRONMENTS];
    let children = &mut children[..count];
    for round in 0..2 {
        for index in 0..count {
            children[index] = call::environment_create()?;
            ensure!(!children[..index].contains(&children[index]), "two have one name");
            ensure!(children[index] as i32 <= 0, "a name is negative");
        }
        ensure_eq!(call::machine(Fact::Environments as u32)?, count as u32 + 1, "environments");
        ensure!(call::machine(Fact::FreePages as u32)? < free, "environments take memory");
        if count == ENVIRONMENTS - 1 {
            ensure_eq!(call::environment_create(), Err(Error::Exhausted), "one too many");
        }
        call::check_invariants()?;
        for index in 0..count {
            // In another order than they were made in.
            let child = children[index * 7 % count];
            if call::bind(child, Event::Synchronous as u32, 0).is_ok() {
                call::environment_destroy(child)?;
            }
        }
        for child in children.iter() {
            let destroyed = call::environment_destroy(*child);
            ensure!(destroyed.is_ok() || destroyed == Err(Error::NoEnvironment), "destroying {child:x}");
        }
        ensure_eq!(call::machine(Fact::FreePages as u32)?, free, "free pages after round {round}");
    }
    Ok(())
}

fn names() -> Outcome {
    const COUNT: usize = 1000;
    let mut seen = [0; COUNT];
    for index in 0..COUNT {
        let name = call::environment_create()?;
        call::environment_destroy(name)?;
        ensure!(!seen[..index].contains(&name), "{name:x} is used again");
        ensure_eq!(call::bind(name, 34, 0), Err(Error::NoEnvironment), "a dead one's name");
        seen[index] = name;
    }
    Ok(())
}

/// Where a member of the swarm finds its code and its own memory.
const MEMBER_CODE: u32 = 0x4000;
const MEMBER_DATA: u32 = 0x3000;
/// Where its slices start: it looks at its memory and yields back.
const MEMBER_START: u32 = MEMBER_CODE + 0x200;
/// More than there are address-space ids.
const MEMBERS: usize = 80;
/// What the memory of a member sums to.
const fn signature(index: u32) -> u32 {
    index * 0x0101_0101
}

/// A member answers a transfer with its own number (a0), how often it was called (a1), and the sum
/// of words of its memory (a2).
fn member_code() -> Code<64> {
    const CALLER: u32 = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, caller) as u32;
    let mut code = Code::new();
    code.push(lw(4, MEMBER_DATA, reg::ZERO)).push(lw(5, MEMBER_DATA + 4, reg::ZERO)).push(NOP);
    code.push(addiu(5, 5, 1)).push(sw(5, MEMBER_DATA + 4, reg::ZERO)).push(addiu(6, reg::ZERO, 0));
    for word in 2..6 {
        // Its memory and its own environment page both count.
        code.push(lw(reg::T0, MEMBER_DATA + 4 * word, reg::ZERO)).push(NOP).push(addu(6, 6, reg::T0));
    }
    let name = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, name) as u32;
    code.push(lw(7, name, reg::ZERO)).push(lw(reg::V0, CALLER, reg::ZERO)).push(NOP);
    code.push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
    code
}

/// A member's slice: looks at its memory, so that the TLB has it, and yields to whom its memory names.
fn member_start() -> [u32; 7] {
    let number = Call::Yield as u32;
    [
        lw(reg::T0, MEMBER_DATA, reg::ZERO),
        lw(4, MEMBER_DATA + 24, reg::ZERO),
        addiu(reg::V0, reg::ZERO, number as i16),
        SYSCALL,
        beq(0, 0, -1),
        NOP,
        NOP,
    ]
}

fn through_window(page: Page, write: impl FnOnce(u32)) -> Outcome {
    memory::pin(memory::myself(), WINDOWS[3], page.number, Mapping::WRITABLE, page.write)?;
    write(WINDOWS[3]);
    memory::unpin(memory::myself(), WINDOWS[3])?;
    Ok(())
}

fn new_member(index: u32, code: Page) -> Result<(u32, Page), Failure> {
    let name = call::environment_create()?;
    let data = Page::any()?;
    through_window(data, |window| {
        poke(window, index);
        poke(window + 4, 0);
        for word in 2..6 {
            poke(window + 4 * word, signature(index) * word);
        }
        poke(window + 24, memory::myself().0);
    })?;
    memory::pin(Name(name), MEMBER_DATA, data.number, Mapping::WRITABLE, data.write)?;
    memory::pin(Name(name), MEMBER_CODE, code.number, Mapping::empty(), code.read)?;
    call::bind(name, Event::Synchronous as u32, MEMBER_CODE)?;
    call::bind(name, Event::SliceStart as u32, MEMBER_START)?;
    Ok((name, data))
}

fn swarm() -> Outcome {
    let code = Page::any()?;
    through_window(code, |window| {
        for (index, word) in member_code().words().iter().enumerate() {
            poke(window + 4 * index as u32, *word);
        }
        for (index, word) in member_start().into_iter().enumerate() {
            poke(window + MEMBER_START - MEMBER_CODE + 4 * index as u32, word);
        }
    })?;
    let [low, high] = code.write.words();
    call::cache_flush(code.number, low, high)?;
    let mut members = [None; MEMBERS];
    for (index, member) in members.iter_mut().enumerate() {
        *member = Some(new_member(index as u32, code)?);
    }
    let mut lab = Lab::new()?;
    let body = [SYSCALL];
    lab.prepare(&body);
    transfer::bind_synchronous(Lab::behind(&body))?;
    let mut calls = [0; MEMBERS];
    for round in 0..12 {
        for step in 0..MEMBERS {
            // In order; in strides; back and forth between two that share an id.
            let index = match round % 3 {
                0 => step,
                1 => step * 37 % MEMBERS,
                _ => (step / 2 + step % 2 * ADDRESS_SPACE_IDS) % MEMBERS,
            };
            let Some((name, _)) = members[index] else { continue };
            calls[index] += 1;
            interrupt::hold_off()?;
            let after = lab.run(&Registers::canaries(index as u32).with(reg::V0, name));
            let expected =
                [index as u32, calls[index], signature(index as u32).wrapping_mul(2 + 3 + 4 + 5), name];
            ensure_eq!(
                [after.0[4], after.0[5], after.0[6], after.0[7]],
                expected,
                "member {index}, round {round}"
            );
        }
        call::check_invariants()?;
    }
    // Two that share an id: called, the id lost by a yield to the other, called again.
    for index in 0..MEMBERS - ADDRESS_SPACE_IDS {
        let (Some((one, _)), Some((other, _))) = (members[index], members[index + ADDRESS_SPACE_IDS]) else {
            continue;
        };
        ensure_eq!(Name(one).address_space(), Name(other).address_space(), "the ids of {index}");
        for _ in 0..3 {
            interrupt::hold_off()?;
            let after = lab.run(&Registers::canaries(1).with(reg::V0, one));
            ensure_eq!([after.0[4], after.0[7]], [index as u32, one], "member {index}");
            slice::yield_to(Name(other))?;
        }
    }
    transfer::bind_synchronous(0)?;
    for (name, data) in members.into_iter().flatten() {
        call::environment_destroy(name)?;
        data.free()?;
    }
    code.free()?;
    Ok(())
}

fn families() -> Outcome {
    let child = Companion::spawn(0)?;
    let (v0, grandchild) = {
        let words = [Call::EnvironmentCreate.number()];
        child.command(Command::Call, &words)?;
        (child.answer(0), child.answer(1))
    };
    ensure_eq!(v0, 0, "a child creates a child");
    ensure_eq!(call::environment_destroy(grandchild), Err(Error::Denied), "a grandchild");
    ensure_eq!(call::bind(grandchild, 34, 0), Err(Error::Denied), "a grandchild's entry");
    let words = [Call::EnvironmentDestroy.number(), grandchild];
    child.command(Command::Call, &words)?;
    ensure_eq!(child.answer(0), 0, "its parent destroys it");
    ensure_eq!(call::environment_destroy(grandchild), Err(Error::NoEnvironment), "twice");
    Ok(())
}
