//! A second environment attacks: it can neither reach the first one's pages nor the kernel's memory,
//! execute privileged instructions, enter the kernel's addresses, nor act on who is not its child.

use apps::testing::companion::{Command, Companion};
use apps::testing::failure::Outcome;
use apps::testing::lab::{peek, poke};
use apps::testing::{Test, is_left_out, leave_out};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::environment::EVENTS;
use exos::abi::environment::cause;
use exos::abi::layout::{Mapping, PAGE_SIZE};
use exos::abi::{Call, Error, Name};
use exos::call;
use exos::memory::{self, Page, WINDOWS};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "another's pages cannot be reached", run: pages },
    Test { name: "the kernel's memory cannot be reached", run: kernel },
    Test { name: "privileged instructions are exceptions", run: privileged },
    Test { name: "nobody acts on who is not its child", run: strangers },
];

const CANARY: u32 = 0xcafe_0001;
const MINE: u32 = WINDOWS[3];

fn pages() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = Page::any()?;
    memory::pin(memory::myself(), MINE, page.number, Mapping::WRITABLE, page.write)?;
    for offset in (0..PAGE_SIZE).step_by(4) {
        poke(MINE + offset, CANARY + offset);
    }
    // Addresses that are mapped here, and not there: the hardware has them in its TLB.
    for address in [MINE, MINE + 4, companion.address(0), companion.address(0) + PAGE_SIZE - 4] {
        ensure_eq!(peek(address), peek(address), "a word of memory");
        for (command, code) in [
            (Command::Load, cause::TLB_LOAD),
            (Command::Store, cause::TLB_STORE),
            (Command::Jump, cause::TLB_LOAD),
        ] {
            companion.command(command, &[address, 0x0bad_0bad])?;
            let answers = [0, 1, 2, 3].map(|index| companion.answer(index));
            ensure_eq!(answers, [0, code, address, 1], "{command:?} {address:08x}");
        }
    }
    // Nor can it map the page with capabilities of its own making.
    for attempt in 0..200u32 {
        let low = attempt.wrapping_mul(0x9e37_79b1);
        companion.command(Command::Pin, &[MINE, page.number, attempt & 1, low, !low])?;
        ensure_eq!(companion.answer(0), Error::Denied.code(), "a guessed capability");
    }
    for offset in (0..PAGE_SIZE).step_by(4) {
        ensure_eq!(peek(MINE + offset), CANARY + offset, "a word of the victim's page");
    }
    page.free()?;
    Ok(())
}

fn kernel() -> Outcome {
    ensure!(!is_left_out(leave_out::KERNEL), "left out");
    let companion = Companion::spawn(0)?;
    let addresses = [
        0x8000_0000,
        0x8000_0180,
        0x8000_0200,
        0x8004_0000,
        0x8005_0000,
        0x83ff_fffc,
        0xa000_0000,
        0xa004_0000,
        0xbfc0_0000,
        0xbf00_0500,
        0xb800_03f8,
        0xc000_0000,
        0xdfff_fffc,
        0xe000_0000,
        0xffff_fffc,
    ];
    for address in addresses {
        for (command, code) in [
            (Command::Load, cause::ADDRESS_LOAD),
            (Command::Store, cause::ADDRESS_STORE),
            (Command::Jump, cause::ADDRESS_LOAD),
        ] {
            companion.command(command, &[address, 0x42])?;
            let answers = [0, 1, 2, 3].map(|index| companion.answer(index));
            ensure_eq!(answers, [0, code, address, 0], "{command:?} {address:08x}");
        }
    }
    // Its own environment page can be read, and not written.
    companion.command(Command::Load, &[0x1000])?;
    ensure_eq!(companion.answer(0), 1, "reading the environment's page");
    companion.command(Command::Store, &[0x1000, 0])?;
    ensure_eq!([companion.answer(0), companion.answer(1)], [0, cause::MODIFIED], "writing it");
    Ok(())
}

fn privileged() -> Outcome {
    let companion = Companion::spawn(0)?;
    let moves = (0..32).flat_map(|register| [0x4009_0000 | register << 11, 0x4089_0000 | register << 11]);
    // di, ei, wait, deret, rdpgpr, wrpgpr, mfmc0; mftr, mttr; branches on coprocessor 0.
    let others = [
        0x4200_0001,
        0x4200_0002,
        0x4200_0006,
        0x4200_0008,
        0x4200_0010,
        0x4200_0018,
        0x4200_001f,
        0x4200_0020,
        0x4160_6000,
        0x4160_6020,
        0x4149_4800,
        0x41c9_4800,
        0x4109_0000,
        0x4189_0000,
        0x4100_0001,
        0x4101_0001,
    ];
    for word in moves.chain(others) {
        companion.command(Command::Execute, &[word])?;
        ensure_eq!(companion.answer(0), cause::COPROCESSOR, "instruction {word:08x}");
    }
    // `cache` is privileged where there is such an instruction; an R3000 has none.
    let code = match call::machine(Fact::Board as u32)? {
        0 => cause::COPROCESSOR,
        _ => cause::RESERVED,
    };
    for word in [0xbc00_0000, 0xbc15_0000] {
        companion.command(Command::Execute, &[word])?;
        ensure_eq!(companion.answer(0), code, "instruction {word:08x}");
    }
    // Instructions that later processors have and an R3000 does not: whatever they are, they are
    // the program's own affair.
    for word in [0x7c02_003b, 0x7c00_0008, 0x7c00_0009, 0x7c01_0038, 0x7c00_0010, 0x0000_0034] {
        companion.command(Command::Execute, &[word])?;
    }
    Ok(())
}

fn strangers() -> Outcome {
    let companion = Companion::spawn(0)?;
    let other = Companion::spawn(1)?;
    let mine = memory::myself().0;
    let page = Page::any()?;
    let [low, high] = page.write.words();
    let position = call::slice_alloc(u32::MAX)?;
    let entry = memory::environment().slice_start_pc;
    for victim in [mine, other.name().0] {
        let attacks: [(Call, &[u32], Error); 9] = [
            (Call::EnvironmentDestroy, &[victim], Error::Denied),
            (Call::Bind, &[victim, 36, 0x1_0000], Error::Denied),
            (Call::Bind, &[victim, 34, 0x1_0000], Error::Denied),
            (Call::Guarantee, &[victim, 0x70, page.number, 0, low, high], Error::Denied),
            (Call::Guarantee, &[victim, 0x10, u32::MAX, 0, 0, 0], Error::Denied),
            (Call::SliceFree, &[position], Error::Denied),
            (Call::SliceFree, &[0], Error::Denied),
            (Call::SliceGive, &[position, companion.name().0], Error::Denied),
            (Call::Halt, &[0], Error::Denied),
        ];
        for (call, arguments, error) in attacks {
            let mut words = [0; 8];
            words[0] = call.number();
            words[1..=arguments.len()].copy_from_slice(arguments);
            companion.command(Command::Call, &words)?;
            ensure_eq!(companion.answer(0), error.code(), "{call:?} {arguments:x?}");
        }
    }
    // A kernel address cannot be bound, nor one that is not aligned.
    for pc in [0x8000_0000, 0x8004_0000, u32::MAX, 0x1_0002, 0x1_0001, 0xbfc0_0000] {
        for event in [5, 8, 32, 33, 34, 35, 36, 37, 38, 39] {
            let words = [Call::Bind.number(), companion.name().0, event, pc];
            companion.command(Command::Call, &words)?;
            ensure_eq!(companion.answer(0), Error::Invalid.code(), "binding {event} to {pc:08x}");
        }
    }
    for event in [0, 2, 3, EVENTS as u32, 1000, u32::MAX] {
        let words = [Call::Bind.number(), companion.name().0, event, 0x1_0000];
        companion.command(Command::Call, &words)?;
        ensure_eq!(companion.answer(0), Error::Invalid.code(), "binding {event}");
    }
    ensure_eq!(memory::environment().slice_start_pc, entry, "an entry of the victim's");
    ensure!(other.lives(), "the other companion lives");
    ensure_eq!(call::bind(Name::NOBODY.0, 34, 0), Err(Error::NoEnvironment), "nobody");
    call::slice_free(position)?;
    page.free()?;
    other.command(Command::Nothing, &[])
}
