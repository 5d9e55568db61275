//! Protected control transfer alters no register, whichever way it takes, and tells the callee who
//! called; one that is refused alters `v0` alone.

use apps::testing::Test;
use apps::testing::assembler::{SYSCALL, reg};
use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::Outcome;
use apps::testing::interrupt;
use apps::testing::lab::{self, Lab};
use apps::testing::registers::Registers;
use apps::{ensure, ensure_eq};
use exos::abi::name::SELECTOR;
use exos::abi::{Error, Name};
use exos::{call, memory, transfer};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "a synchronous transfer alters no register", run: || registers(false) },
    Test { name: "an asynchronous transfer alters no register", run: || registers(true) },
    Test { name: "transfers to nobody are refused", run: nobody },
    Test { name: "transfers to entries that are not bound are refused", run: unbound },
    Test { name: "the transfer cache forgets the dead", run: dead_peer },
];

/// What a transfer is made with: the answer comes to the instruction behind it, where a refusal
/// comes too.
const TRANSFER: [u32; 1] = [SYSCALL];

fn bind_answers() -> Outcome {
    transfer::bind_synchronous(Lab::behind(&TRANSFER))?;
    transfer::bind_asynchronous(Lab::behind(&TRANSFER))?;
    Ok(())
}

fn unbind_answers() -> Outcome {
    transfer::bind_synchronous(0)?;
    transfer::bind_asynchronous(0)?;
    Ok(())
}

/// Whether this environment's transfer cache has a callee.
fn cached(name: Name) -> bool {
    memory::environment().peers[(name.0 & SELECTOR) as usize / 8].name == name.0
}

/// Transfers with these registers and checks both sides.
fn exchange(lab: &mut Lab, companion: &Companion, name: Name, seed: u32) -> Outcome {
    let myself = memory::myself();
    let sent = Registers::canaries(seed).with(reg::V0, name.0);
    let reply = Registers::canaries(seed + 1000);
    reply.write(companion.address(word::REPLY));
    Registers::ZERO.write(companion.address(word::RECEIVED));
    companion.set(word::CALLER, 0);
    interrupt::hold_off()?;
    let after = lab.run(&sent);
    let received = Registers::read(companion.address(word::RECEIVED));
    if let Some(difference) = received.difference(&sent) {
        ensure!(false, "transfer {seed}: the callee's {difference}");
    }
    ensure_eq!(companion.get(word::CALLER), myself.0, "transfer {seed}: the caller's name");
    let bit = name.0 & Name::ASYNCHRONOUS;
    if let Some(difference) = after.difference(&reply.with(reg::V0, myself.0 | bit)) {
        ensure!(false, "transfer {seed}: the caller's {difference}");
    }
    ensure_eq!(memory::environment().caller, companion.name().0, "transfer {seed}: who answered");
    Ok(())
}

fn registers(asynchronous: bool) -> Outcome {
    let companion = Companion::spawn(0)?;
    companion.command(Command::Serve, &[])?;
    ensure_eq!(companion.answer(0), 1, "the companion serves");
    let mut lab = Lab::new()?;
    lab.prepare(&TRANSFER);
    bind_answers()?;
    ensure!(!cached(companion.name()), "the cache knows a callee that was never called");
    let name = if asynchronous { companion.name().asynchronous() } else { companion.name() };
    for seed in 0..100 {
        exchange(&mut lab, &companion, name, seed)?;
        ensure!(cached(companion.name()) != asynchronous, "the cache after a transfer");
    }
    // Both kinds in turn.
    for seed in 0..20 {
        let name = companion.name();
        exchange(&mut lab, &companion, if seed % 2 == 0 { name.asynchronous() } else { name }, seed)?;
    }
    unbind_answers()
}

/// Makes a transfer that must be refused with `error`.
fn refused(lab: &mut Lab, name: u32, error: Error) -> Outcome {
    let before = Registers::canaries(name >> 6).with(reg::V0, name);
    let after = lab.run(&before);
    if let Some(difference) = after.difference(&before.with(reg::V0, error.code())) {
        ensure!(false, "a transfer to {name:08x}: {difference}");
    }
    Ok(())
}

fn nobody() -> Outcome {
    let mut lab = Lab::new()?;
    lab.prepare(&TRANSFER);
    let child = Companion::spawn(0)?;
    child.command(Command::Serve, &[])?;
    let name = child.name().0;
    let dead = call::environment_create()?;
    call::environment_destroy(dead)?;
    // Wrong generations and ids, stray bits, names that are nobody's.
    let bits = [1, 2, 3, 4, 5, 13, 14, 20, 21, 30].map(|bit| name ^ 1 << bit);
    let others =
        [dead, dead | 1, dead + (1 << 14), 0x8000_0000, 0x8000_0001, u32::MAX, u32::MAX - 1, name | 7];
    for wrong in bits.into_iter().chain(others) {
        for _ in 0..2 {
            refused(&mut lab, wrong, Error::NoEnvironment)?;
        }
    }
    ensure_eq!(child.get(word::CALLER), 0, "nobody was called");
    Ok(())
}

fn unbound() -> Outcome {
    let mut lab = Lab::new()?;
    lab.prepare(&TRANSFER);
    bind_answers()?;
    let companion = Companion::spawn(0)?;
    let name = companion.name();
    refused(&mut lab, name.0, Error::NoEnvironment)?;
    refused(&mut lab, name.asynchronous().0, Error::NoEnvironment)?;
    companion.command(Command::Serve, &[])?;
    exchange(&mut lab, &companion, name, 1)?;
    ensure!(cached(name), "a callee is cached");
    // A parent may bind for its child.
    call::bind(name.0, 34, 0)?;
    ensure!(!cached(name), "a callee without an entry is cached");
    refused(&mut lab, name.0, Error::NoEnvironment)?;
    exchange(&mut lab, &companion, name.asynchronous(), 2)?;
    call::bind(name.0, 35, 0)?;
    refused(&mut lab, name.asynchronous().0, Error::NoEnvironment)?;
    // Bound anew to another address, a cached callee is entered there.
    companion.command(Command::Serve, &[])?;
    exchange(&mut lab, &companion, name, 3)?;
    call::bind(name.0, 34, lab::CODE + 0xc00)?;
    let reply = Registers::canaries(4);
    reply.write(companion.address(word::REPLY));
    interrupt::hold_off()?;
    let after = lab.run(&Registers::canaries(5).with(reg::V0, name.0));
    let mine = memory::myself().asynchronous().0;
    ensure_eq!(after.0[reg::V0 as usize], mine, "the asynchronous entry's answer");
    unbind_answers()
}

fn dead_peer() -> Outcome {
    let mut lab = Lab::new()?;
    lab.prepare(&TRANSFER);
    bind_answers()?;
    let mut last = Name::NOBODY;
    for seed in 0..3 {
        let companion = Companion::spawn(0)?;
        let name = companion.name();
        ensure!(name != last, "a name is used again");
        companion.command(Command::Serve, &[])?;
        exchange(&mut lab, &companion, name, seed)?;
        ensure!(cached(name), "a callee is cached");
        drop(companion);
        ensure!(!cached(name), "a dead callee is cached");
        refused(&mut lab, name.0, Error::NoEnvironment)?;
        last = name;
    }
    unbind_answers()
}
