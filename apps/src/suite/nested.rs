//! Faults in fault handlers: the last resort, and then the end of the environment and of nothing else.

use apps::testing::Test;
use apps::testing::assembler::{NOP, beq, reg};
use apps::testing::companion::{Command, Companion};
use apps::testing::failure::Outcome;
use apps::testing::lab::{self, Lab};
use apps::testing::registers::Registers;
use apps::testing::trap::{self, Repair};
use apps::{ensure, ensure_eq};
use exos::abi::Name;
use exos::abi::calls::Fact;
use exos::abi::environment::cause;
use exos::call;
use exos::memory::Page;

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "a miss handler that misses enters the last resort", run: miss_in_miss },
    Test { name: "the last resort can be entered again once it is done", run: twice },
    Test {
        name: "a fault in the last resort destroys the environment",
        run: || dies(Command::LastResortFault, &[0]),
    },
    Test {
        name: "a fault before the last resort is done destroys it",
        run: || dies(Command::LastResortFault, &[1]),
    },
    Test { name: "an exception with no handler bound destroys it", run: || dies(Command::NoHandler, &[]) },
    Test { name: "a miss on a delay slot of the next page", run: miss_on_slot },
];

fn miss_in_miss() -> Outcome {
    let companion = Companion::spawn(0)?;
    companion.command(Command::MissInMiss, &[])?;
    ensure_eq!(companion.answer(0), 1, "the last resort is entered");
    ensure_eq!(companion.answer(1), lab::CODE + 0x800, "the pc is in the miss handler");
    ensure_eq!(companion.answer(2), 0x7000, "the bad address is its own");
    ensure_eq!(companion.answer(3), 0x0010_0000, "a0 of the first miss is still saved");
    ensure_eq!(companion.answer(4), 0x0010_0000, "the bad address of the first miss is in a1");
    companion.command(Command::Nothing, &[])
}

fn twice() -> Outcome {
    let companion = Companion::spawn(0)?;
    companion.command(Command::LastResortTwice, &[])?;
    ensure_eq!([companion.answer(0), companion.answer(1)], [1, 1], "both faults came to it");
    Ok(())
}

fn dies(command: Command, arguments: &[u32]) -> Outcome {
    let companion = Companion::spawn(0)?;
    let (name, data) = (companion.name(), companion.data_page());
    let environments = call::machine(Fact::Environments as u32)?;
    companion.command_and_die(command, arguments)?;
    ensure_eq!(call::machine(Fact::Environments as u32)?, environments - 1, "environments");
    ensure_eq!(call::page_owner(data)?, exos::memory::myself().0, "its pages are still its parent's");
    drop(companion);
    ensure_eq!(call::page_owner(data)?, Name::NOBODY.0, "its pages are free");
    let page = Page::allocate(data)?;
    page.free()?;
    let next = Companion::spawn(0)?;
    ensure!(next.name() != name, "a name is used again");
    next.command(Command::Nothing, &[])
}

/// A branch at the end of a page whose delay slot is in a page that is not pinned: the exception is
/// the branch's, and the bad address the slot's.
fn miss_on_slot() -> Outcome {
    let mut lab = Lab::new()?;
    // The laboratory's last page ends at an address where nothing is pinned.
    let end = lab::STACK_TOP + 64;
    lab::write_code(end - 4, &[beq(reg::ZERO, reg::ZERO, -5)]);
    let body = [apps::testing::assembler::jr(reg::T0), NOP];
    lab.prepare(&body);
    let before = Registers::canaries(5).with(reg::SP, lab::STACK_TOP).with(reg::T0, end - 4);
    trap::expect(Repair::Goto(Lab::behind(&body)));
    let after = lab.run(&before);
    let Some(seen) = trap::taken() else {
        ensure!(false, "no exception");
        return Ok(());
    };
    ensure_eq!(seen.code(), cause::TLB_LOAD, "exception code");
    ensure!(seen.in_delay_slot() && seen.last_resort, "a delay slot's, in the last resort");
    ensure_eq!([seen.pc, seen.bad_address], [end - 4, end], "pc and bad address");
    if let Some(difference) = after.difference(&before) {
        ensure!(false, "{difference}");
    }
    Ok(())
}
