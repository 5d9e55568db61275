//! Translation: bindings of the first segment, by the primitive operations and by ranges, and the misses
//! that lead to them.

use core::mem::offset_of;

use apps::testing::assembler::{Code, NOP, SYSCALL, addiu, beq, jr, lw, ori, reg, sw};
use apps::testing::companion::Companion;
use apps::testing::failure::Outcome;
use apps::testing::lab::{self, Lab, peek, poke};
use apps::testing::registers::Registers;
use apps::testing::space::{APART, HERE, Pager, bind, call_there, entry, in_stlb, load_there};
use apps::testing::trap::{self, Repair};
use apps::testing::{Test, interrupt, probe};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::environment::{EnvironmentPage, SaveArea, cause};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SIZE, SECOND_SEGMENT_END};
use exos::abi::{Call, Capability, Error};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, exception};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "thousands of pages of the first segment", run: many },
    Test { name: "TLBwr refuses addresses, pages and capabilities", run: refusals },
    Test { name: "TLBwr keeps the bits that are a mapping's, and no more", run: bits },
    Test { name: "a primitive operation alters no register", run: silent },
    Test { name: "a refused primitive operation is an exception with the error", run: exceptions },
    Test { name: "the floating-point unit stays disabled", run: coprocessor },
    Test { name: "TLBvadelete takes back one page", run: delete },
    Test { name: "TLBvadelete takes back ranges", run: delete_ranges },
    Test { name: "TLBwr binds ranges", run: write_ranges },
    Test { name: "TLBwr of a range refuses all or nothing", run: refused_ranges },
    Test { name: "k1 is preserved over every refill", run: resume_register },
    Test { name: "a miss saves a0 to a2 and k1 in an area of its own", run: save_area },
    Test { name: "a miss while another is handled", run: nested },
];

fn many() -> Outcome {
    let pager = Pager::new()?;
    let all = || (0..APART).map(|index| HERE + index * PAGE_SIZE);
    for address in all() {
        ensure_eq!(peek(address), Pager::at(address), "the page at {address:08x}");
    }
    ensure_eq!(Pager::misses(), APART, "misses of pages that were never touched");
    // The hardware has room for few of them; the rest must come from the STLB.
    for step in [1, 7, 63, 129] {
        for index in 0..APART {
            let address = HERE + index * step % APART * PAGE_SIZE + index % 1024 * 4;
            ensure_eq!(peek(address), Pager::at(address), "the page at {address:08x}, step {step}");
        }
    }
    ensure_eq!(Pager::misses(), APART, "misses of pages that the STLB has");
    // Pages that take each other's places, all over the segment.
    for round in 0..3 {
        for index in 0..5000 {
            let address = SECOND_SEGMENT_END + (index * 0x1_9660 + round * 0x100_0000) % 0x7ff8_0000 / 4 * 4;
            ensure_eq!(peek(address), Pager::at(address), "the page at {address:08x}, round {round}");
        }
    }
    for address in [SECOND_SEGMENT_END, 0x7fff_fffc] {
        ensure_eq!(peek(address), Pager::at(address), "the page at {address:08x}");
    }
    let before = Pager::misses();
    call::tlb_delete_range(SECOND_SEGMENT_END, (0x8000_0000 - SECOND_SEGMENT_END) / PAGE_SIZE)?;
    for address in all() {
        ensure_eq!(peek(address), Pager::at(address), "the page at {address:08x}, taken back");
    }
    ensure_eq!(Pager::misses() - before, APART, "misses of pages that were all taken back");
    pager.end()
}

/// What must not be bound: the address, the entry, the capability, the error.
type Refusal = (u32, u32, Capability, Error);

fn refusals() -> Outcome {
    let companion = Companion::spawn(0)?;
    let pages = call::machine(Fact::Pages as u32)?;
    let (page, other) = (Page::any()?, Page::any()?);
    let theirs = call_there(&companion, Call::PageAlloc, &[u32::MAX, 5, 6, 7, 8])?.1;
    let mute = call::page_alloc(u32::MAX, 0, 0, 0, 0)?;
    let stale = Page::any()?;
    call::page_protect(stale.number, 91, 92, 93, 94)?;
    let (read, write) = (Mapping::empty(), Mapping::WRITABLE);
    let (mine, writable) = (entry(page.number, read), entry(page.number, write));
    bind(HERE, page.number, write, page.write)?;
    poke(HERE, 4711);
    let near = |capability: Capability, bit: u32| Capability(capability.0 ^ 1 << bit);
    let refused: [Refusal; 36] = [
        (0, mine, page.write, Error::Invalid),
        (PAGE_SIZE, mine, page.write, Error::Invalid),
        (lab::DATA, mine, page.write, Error::Invalid),
        (WINDOWS[0], mine, page.write, Error::Invalid),
        (SECOND_SEGMENT_END - 1, writable, page.write, Error::Invalid),
        (0x8000_0000, mine, page.write, Error::Invalid),
        (0x8000_0000 + HERE, writable, page.write, Error::Invalid),
        (0xa000_0000, mine, page.write, Error::Invalid),
        (0xc000_0000, mine, page.write, Error::Invalid),
        (0xffff_f000, writable, page.write, Error::Invalid),
        (u32::MAX, mine, page.write, Error::Invalid),
        (HERE, entry(pages, read), page.write, Error::NoPage),
        (HERE, entry(pages, write), Capability::NONE, Error::NoPage),
        (HERE, entry(pages + 1, read), Capability::PUBLIC, Error::NoPage),
        (HERE, entry(0x7_ffff, read), page.read, Error::NoPage),
        (HERE, entry(0xf_ffff, write), page.write, Error::NoPage),
        (HERE, writable, page.read, Error::Denied),
        (HERE, mine, Capability::NONE, Error::Denied),
        (HERE, writable, Capability::NONE, Error::Denied),
        (HERE, mine, Capability::PUBLIC, Error::Denied),
        (HERE, mine, near(page.read, 0), Error::Denied),
        (HERE, mine, near(page.read, 31), Error::Denied),
        (HERE, mine, near(page.read, 32), Error::Denied),
        (HERE, mine, near(page.write, 63), Error::Denied),
        (HERE, writable, near(page.write, 0), Error::Denied),
        (HERE, writable, near(page.write, 63), Error::Denied),
        (HERE, mine, Capability(page.read.0.rotate_left(32)), Error::Denied),
        // Halves that are right, of the wrong capability.
        (HERE, mine, Capability(page.read.0 >> 32 << 32 | page.write.0 & 0xffff_ffff), Error::Denied),
        (HERE, mine, other.write, Error::Denied),
        (HERE, entry(theirs, read), page.write, Error::Denied),
        (HERE, entry(theirs, write), Capability::from_words(5, 6), Error::Denied),
        (HERE, entry(mute, read), Capability::NONE, Error::Denied),
        (HERE, entry(mute, write), Capability::NONE, Error::Denied),
        (HERE, entry(stale.number, read), stale.read, Error::Denied),
        (HERE, entry(stale.number, write), stale.write, Error::Denied),
        (HERE, entry(stale.number, write), Capability::from_words(91, 92), Error::Denied),
    ];
    for (address, entry, capability, error) in refused {
        let [low, high] = capability.words();
        let answer = call::tlb_write(address, entry, low, high);
        ensure_eq!(answer, Err(error), "TLBwr of {entry:08x} at {address:08x} with {capability:x?}");
    }
    // Nobody has a capability of the kernel's pages, and the public one writes nothing.
    let mut refused = 0;
    for page in 0..pages {
        if bind(HERE, page, write, Capability::PUBLIC).is_ok()
            || bind(HERE, page, read, Capability::NONE).is_ok()
        {
            ensure!(false, "page {page} is bound with a capability that fits nothing");
        }
        refused += 1;
    }
    ensure_eq!(refused, pages, "pages tried");
    ensure_eq!(peek(HERE), 4711, "what was bound before");
    // Freed, it answers to nothing, nor when another has it.
    other.free()?;
    ensure_eq!(bind(HERE, other.number, write, other.write), Err(Error::Denied), "a freed page");
    let taken = call_there(&companion, Call::PageAlloc, &[other.number, 5, 6, 7, 8])?;
    ensure_eq!(taken, (0, other.number), "another takes it");
    ensure_eq!(bind(HERE, other.number, read, other.read), Err(Error::Denied), "a page lost");
    ensure_eq!(peek(HERE), 4711, "what was bound before");
    call::page_free(mute)?;
    stale.free()?;
    page.free().map_err(Into::into)
}

fn bits() -> Outcome {
    let companion = Companion::spawn(0)?;
    let page = Page::any()?;
    let [low, high] = page.write.words();
    let clean = page.number << 12 | 0x200;
    for (junk, kept) in [
        (0x000, 0x000),
        (0x100, 0x000),
        (0x1ff, 0x000),
        (0x3ff, 0x000),
        (0x400, 0x400),
        (0x5ff, 0x400),
        (0x900, 0x800),
        (0xfff, 0xc00),
    ] {
        call::tlb_write(HERE, page.number << 12 | junk, low, high)?;
        ensure_eq!(in_stlb(memory::myself(), HERE)?, Some(clean | kept), "bits {junk:03x}");
        ensure!(probe::load(HERE).is_ok(), "bits {junk:03x}: it can be read");
        let stored = probe::store(HERE, junk).err().map(|seen| seen.code());
        ensure_eq!(stored, (kept & 0x400 == 0).then_some(cause::MODIFIED), "bits {junk:03x}: a store");
        // Global it would be everybody's.
        ensure_eq!(load_there(&companion, HERE)?, None, "bits {junk:03x}: elsewhere");
    }
    page.free()?;
    Ok(())
}

/// A primitive operation with its arguments in the registers.
fn operation(seed: u32, call: Call, arguments: [u32; 4]) -> Registers {
    let mut registers = Registers::canaries(seed).with(reg::V0, call.number());
    registers.0[4..8].copy_from_slice(&arguments);
    registers
}

fn silent() -> Outcome {
    let mut lab = Lab::new()?;
    let (one, two) = (Page::any()?, Page::any()?);
    let write = |page: Page, address: u32, seed: u32| {
        let [low, high] = page.write.words();
        operation(seed, Call::TlbWrite, [address, entry(page.number, Mapping::WRITABLE), low, high])
    };
    let delete = |address: u32, seed: u32| operation(seed, Call::TlbDelete, [address, 1, 2, 3]);
    let elsewhere = HERE + 1024 * PAGE_SIZE; // in the same place of the STLB
    let myself = memory::myself().0;
    // What is done, and whether the page is touched before, so that the hardware has it.
    let steps = [
        ("a first binding", write(one, HERE, 1), false),
        ("the same again", write(one, HERE, 2), true),
        ("another page", write(two, HERE, 3), true),
        ("the page twice", write(one, HERE + PAGE_SIZE, 4), false),
        ("a place that is taken", write(one, elsewhere, 5), false),
        ("back", write(one, HERE, 6), false),
        ("taking back what the hardware has", delete(elsewhere, 7), false),
        ("taking back what both have", delete(HERE, 8), true),
        ("taking back nothing", delete(HERE, 9), false),
        ("no switch of address spaces", operation(10, Call::CidSwitch, [myself, 1, 2, 3]), false),
    ];
    lab.prepare(&[SYSCALL]);
    for (what, before, touch) in &steps {
        for empty in [false, true] {
            if *touch && !empty {
                ensure!(probe::load(before.0[4]).is_ok(), "{what}: it is bound");
            }
            if empty {
                // Nothing is in the hardware's TLB but what the laboratory needs.
                interrupt::plant(1, interrupt::EMPTY_TLB)?;
                while interrupt::landed()?.is_none() {}
            }
            let after = lab.run(before);
            if let Some(difference) = after.difference(before) {
                ensure!(false, "{what}, TLB empty {empty}: {difference}");
            }
        }
    }
    // k1 too.
    let mut body = Code::<8>::new();
    body.li(reg::K1, 0x1234_5678).push(SYSCALL).push(sw(reg::K1, lab::WORDS, reg::ZERO));
    lab.prepare(body.words());
    for (what, before, _) in &steps {
        let _ = lab.run(before);
        ensure_eq!(peek(lab::WORDS), 0x1234_5678, "{what}: k1");
    }
    one.free()?;
    two.free()?;
    Ok(())
}

const COLUMN: u32 = 4 * cause::SYSTEM_CALL;
const SAVED: [u32; 3] = [
    ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, saved_a0) as u32 + COLUMN,
    ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, saved_a1) as u32 + COLUMN,
    ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, saved_a2) as u32 + COLUMN,
];

fn exceptions() -> Outcome {
    const HANDLER: u32 = lab::CODE + 0x800;
    let mut lab = Lab::new()?;
    let page = Page::any()?;
    let mut handler = Code::<16>::new();
    for (index, argument) in (4..7).enumerate() {
        handler.push(sw(argument, lab::WORDS + 4 * index as u32, reg::ZERO));
    }
    handler.push(addiu(reg::K1, 4, 4));
    for (saved, argument) in SAVED.into_iter().zip(4..7) {
        handler.push(lw(argument, saved, reg::ZERO));
    }
    handler.push(jr(reg::K1)).push(NOP);
    let start = lab.prepare(&[SYSCALL]);
    lab::write_code(HANDLER, handler.words());
    let before = memory::environment().handler_pc[cause::SYSTEM_CALL as usize];
    let mine = entry(page.number, Mapping::empty());
    let pages = call::machine(Fact::Pages as u32)?;
    let stranger = memory::myself().0 ^ 1 << 22;
    for (seed, (call, arguments, error)) in [
        (Call::TlbWrite, [HERE, mine, 1, 2], Error::Denied),
        (Call::TlbWrite, [HERE, mine, 0, 0], Error::Denied),
        (Call::TlbWrite, [0x8000_0000, mine, 1, 2], Error::Invalid),
        (Call::TlbWrite, [lab::DATA, mine, 1, 2], Error::Invalid),
        (Call::TlbWrite, [HERE, pages << 12, 1, 2], Error::NoPage),
        (Call::TlbDelete, [0x8000_0000, 1, 2, 3], Error::Invalid),
        (Call::TlbDelete, [0, 1, 2, 3], Error::Invalid),
        (Call::TlbDelete, [SECOND_SEGMENT_END - 4, 1, 2, 3], Error::Invalid),
        (Call::CidSwitch, [0, 1, 2, 3], Error::NoEnvironment),
        (Call::CidSwitch, [stranger, 1, 2, 3], Error::NoEnvironment),
        (Call::FpuMod, [0, 1, 2, 3], Error::Unsupported),
        (Call::FpuMod, [1, 1, 2, 3], Error::Unsupported),
    ]
    .into_iter()
    .enumerate()
    {
        let registers = operation(seed as u32, call, arguments);
        exception::bind(cause::SYSTEM_CALL, HANDLER)?;
        let after = lab.run(&registers);
        exception::bind(cause::SYSTEM_CALL, before)?;
        if let Some(difference) = after.difference(&registers) {
            ensure!(false, "{call:?} {arguments:x?}: {difference}");
        }
        let [pc, bad, word] = [0, 4, 8].map(|offset| peek(lab::WORDS + offset));
        ensure_eq!((pc, bad), (start, 0), "{call:?} {arguments:x?}: pc, bad address");
        ensure_eq!(cause::code(word), cause::SYSTEM_CALL, "{call:?} {arguments:x?}: code of {word:08x}");
        ensure_eq!(cause::error(word), Some(error), "{call:?} {arguments:x?}: error of {word:08x}");
    }
    // In a branch's delay slot a primitive operation is no call of Aegis's, and carries no error.
    let body = [beq(0, 0, 1), SYSCALL, NOP];
    let start = lab.prepare(&body);
    trap::expect(Repair::Goto(Lab::behind(&body)));
    let _ = lab.run(&operation(99, Call::TlbDelete, [HERE, 0, 0, 0]).with(reg::SP, lab::STACK_TOP));
    let seen = trap::taken();
    ensure!(
        seen.is_some_and(|seen| seen.pc == start
            && seen.in_delay_slot()
            && cause::error(seen.cause).is_none()),
        "a primitive operation in a delay slot"
    );
    page.free()?;
    Ok(())
}

fn coprocessor() -> Outcome {
    for enable in [0, 1, 2, u32::MAX] {
        ensure_eq!(call::fpu_mod(enable), Err(Error::Unsupported), "FPUmod of {enable}");
        let mut lab = Lab::new()?;
        trap::expect(Repair::Patch);
        // mtc1 t0, $f0
        let _ = lab.try_out(&[0x4488_0000, NOP], &Registers::canaries(3).with(reg::SP, lab::STACK_TOP));
        let code = trap::taken().map(|seen| seen.code());
        ensure_eq!(code, Some(cause::COPROCESSOR), "after FPUmod of {enable}");
    }
    Ok(())
}

fn delete() -> Outcome {
    let page = Page::any()?;
    let addresses = [HERE, HERE + PAGE_SIZE, HERE + 2 * PAGE_SIZE, HERE + 1024 * PAGE_SIZE];
    for victim in 0..addresses.len() {
        for touched in [false, true] {
            for address in addresses {
                bind(address, page.number, Mapping::empty(), page.read)?;
                if touched {
                    ensure_eq!(probe::load(address).err().map(|seen| seen.code()), None, "{address:08x}");
                }
            }
            // Any address of the page names it.
            call::tlb_delete(addresses[victim] + 4 * victim as u32 + 1)?;
            let seen = probe::load(addresses[victim]).err();
            ensure!(
                seen.is_some_and(|seen| seen.bad_address == addresses[victim] && !seen.last_resort),
                "{:08x} is still bound",
                addresses[victim]
            );
            ensure_eq!(in_stlb(memory::myself(), addresses[victim])?, None, "in the STLB");
            for neighbour in [1, 2].into_iter().filter(|neighbour| *neighbour != victim) {
                ensure!(probe::load(addresses[neighbour]).is_ok(), "a neighbour of {victim} is gone");
            }
            call::tlb_delete(addresses[victim])?;
        }
    }
    for address in [0, PAGE_SIZE, SECOND_SEGMENT_END - 1, 0x8000_0000, u32::MAX] {
        ensure_eq!(call::tlb_delete(address), Err(Error::Invalid), "taking back {address:08x}");
    }
    page.free()?;
    Ok(())
}

fn delete_ranges() -> Outcome {
    let pager = Pager::new()?;
    const ALL: u32 = 200;
    let last = 0x8000_0000 - PAGE_SIZE;
    for (first, count) in [(50u32, 0), (50, 1), (0, 31), (9, 32), (50, 100), (0, ALL), (1, 5000)] {
        let missed = |index: u32| (first..first.saturating_add(count)).contains(&index);
        for index in 0..ALL {
            ensure_eq!(peek(HERE + index * PAGE_SIZE), Pager::at(HERE + index * PAGE_SIZE), "page {index}");
        }
        call::tlb_delete_range(HERE + first * PAGE_SIZE + 8, count)?;
        for index in 0..ALL {
            let before = Pager::misses();
            ensure_eq!(peek(HERE + index * PAGE_SIZE), Pager::at(HERE + index * PAGE_SIZE), "page {index}");
            let misses = Pager::misses() - before;
            ensure_eq!(misses == 1, missed(index), "page {index}, {count} pages from {first} taken back");
        }
    }
    let whole = (0x8000_0000 - SECOND_SEGMENT_END) / PAGE_SIZE;
    call::tlb_delete_range(last, 0)?;
    call::tlb_delete_range(last, 1)?;
    call::tlb_delete_range(SECOND_SEGMENT_END, whole)?;
    for (address, count) in [
        (last, 2),
        (last, u32::MAX),
        (SECOND_SEGMENT_END, whole + 1),
        (HERE, u32::MAX),
        (HERE, u32::MAX - (HERE / PAGE_SIZE) + 2),
        (HERE, 0x10_0000),
        (0, 1),
        (0, 0),
        (SECOND_SEGMENT_END - PAGE_SIZE, 2),
        (0x8000_0000, 0),
        (0xffff_f000, 1),
    ] {
        let answer = call::tlb_delete_range(address, count);
        ensure_eq!(answer, Err(Error::Invalid), "taking back {count} pages from {address:08x}");
    }
    pager.end()
}

/// A page of entries, mapped at a window.
const TABLE: u32 = WINDOWS[3];

fn write_range(
    (address, count): (u32, u32),
    (table, offset): (Page, u32),
    capability: Capability,
) -> Result<u32, Error> {
    let ([table_low, table_high], [low, high]) = (table.read.words(), capability.words());
    call::tlb_write_range(address, count, table.number, offset, table_low, table_high, low, high)
}

fn write_ranges() -> Outcome {
    let (table, one, two) = (Page::any()?, Page::any()?, Page::any()?);
    memory::pin(memory::myself(), TABLE, table.number, Mapping::WRITABLE, table.write)?;
    // One capability covers all entries of a range.
    let [low, high] = one.write.words();
    call::page_protect(two.number, low, high, low, high)?;
    for (page, word) in [(one, 1), (two, 2)] {
        bind(HERE, page.number, Mapping::WRITABLE, one.write)?;
        poke(HERE, word);
    }
    for (count, offset) in [(0, 0), (0, PAGE_SIZE), (1, 0), (1, PAGE_SIZE - 4), (100, 96), (1024, 0)] {
        for round in 0..2u32 {
            for index in 0..count {
                let page = if (index + round).is_multiple_of(2) { one } else { two };
                let writable = if index.is_multiple_of(3) { 0x400 } else { 0 };
                // Every fifth is taken back.
                let valid = if index.is_multiple_of(5) { 0 } else { 0x200 };
                poke(TABLE + offset + 4 * index, page.number << 12 | writable | valid | 0x1ff);
            }
            write_range((HERE, count), (table, offset), one.write)?;
            for index in 0..count {
                let address = HERE + index * PAGE_SIZE;
                let word = if (index + round).is_multiple_of(2) { 1 } else { 2 };
                // Only one of two that take the same place stays in the STLB, the guaranteed ones among them.
                let here = in_stlb(memory::myself(), address)?;
                let read = probe::load(address);
                if index.is_multiple_of(5) {
                    ensure!(here.is_none() && read.is_err(), "page {index} of {count} was taken back");
                } else if here.is_some() {
                    ensure_eq!(read.ok(), Some(word), "page {index} of {count}");
                    let stored = probe::store(address, word).is_ok();
                    ensure_eq!(stored, index.is_multiple_of(3), "page {index} of {count} is writable");
                } else {
                    ensure!(index >= APART, "page {index} of {count} is not bound");
                }
            }
        }
    }
    // As far as the segment goes.
    poke(TABLE, one.number << 12 | 0x200);
    write_range((0x8000_0000 - PAGE_SIZE, 1), (table, 0), one.read)?;
    ensure_eq!(probe::load(0x8000_0000 - PAGE_SIZE).ok(), Some(1), "the last page");
    for page in [table, one, two] {
        page.free()?;
    }
    Ok(())
}

fn refused_ranges() -> Outcome {
    let companion = Companion::spawn(0)?;
    let (table, page) = (Page::any()?, Page::any()?);
    memory::pin(memory::myself(), TABLE, table.number, Mapping::WRITABLE, table.write)?;
    bind(HERE, page.number, Mapping::WRITABLE, page.write)?;
    poke(HERE, 77);
    let good = page.number << 12 | 0x200;
    let theirs = call_there(&companion, Call::PageAlloc, &[u32::MAX, 5, 6, 7, 8])?.1;
    let free = Page::any()?;
    free.free()?;
    let pages = call::machine(Fact::Pages as u32)?;
    // One hostile entry among good ones, at either end and in the middle: nothing changes.
    let hostile = [
        (theirs << 12 | 0x200, Error::Denied),
        (theirs << 12 | 0x600, Error::Denied),
        (0x200, Error::Denied),
        (0x600, Error::Denied),
        (call::machine(Fact::StlbPage as u32)? << 12 | 0x600, Error::Denied),
        (call::machine(Fact::MapPage as u32)? << 12 | 0x200, Error::Denied),
        (free.number << 12 | 0x200, Error::Denied),
        (pages << 12 | 0x200, Error::NoPage),
        (0xffff_ffff, Error::NoPage),
    ];
    for (bad, error) in hostile {
        for place in [0, 7, 15] {
            for index in 0..16 {
                poke(TABLE + 4 * index, if index == place { bad } else { good });
            }
            let answer = write_range((HERE + PAGE_SIZE, 16), (table, 0), page.write);
            ensure_eq!(answer, Err(error), "entry {bad:08x} at place {place}");
            for index in 0..16 {
                let address = HERE + PAGE_SIZE * (1 + index);
                ensure!(probe::load(address).is_err(), "page {index} is bound, with {bad:08x} at {place}");
            }
            // Nor is what was bound before.
            let answer = write_range((HERE, 16), (table, 0), page.write);
            ensure_eq!(answer, Err(error), "entry {bad:08x} at place {place}");
            ensure_eq!(probe::load(HERE).ok(), Some(77), "what was bound before {bad:08x}");
        }
    }
    for index in 0..1024 {
        poke(TABLE + 4 * index, good);
    }
    let last = 0x8000_0000 - PAGE_SIZE;
    for (address, count, offset) in [
        (HERE, 1, 1),
        (HERE, 1, 2),
        (HERE, 0, 3),
        (HERE, 1, PAGE_SIZE - 2),
        (HERE, 1, PAGE_SIZE),
        (HERE, 2, PAGE_SIZE - 4),
        (HERE, 1025, 0),
        (HERE, 1024, 4),
        (HERE, 1, u32::MAX - 3),
        (HERE, 0, u32::MAX - 3),
        (HERE, 0x4000_0000, 0),
        (HERE, 0x4000_0001, 0),
        (HERE, u32::MAX, 4),
        (last, 2, 0),
        (0, 1, 0),
        (lab::DATA, 1, 0),
        (SECOND_SEGMENT_END - PAGE_SIZE, 2, 0),
        (0x8000_0000, 1, 0),
        (0xffff_f000, 1, 0),
        (0xffff_f000, 2, 0),
    ] {
        let answer = write_range((address, count), (table, offset), page.write);
        ensure_eq!(answer, Err(Error::Invalid), "{count} pages at {address:08x} from {offset:x}");
    }
    // The table must be one that may be read.
    let none = Capability::NONE;
    for (number, capability, error) in [
        (table.number, page.write, Error::Denied),
        (table.number, none, Error::Denied),
        (theirs, table.read, Error::Denied),
        (theirs, none, Error::Denied),
        (0, none, Error::Denied),
        (0, Capability::PUBLIC, Error::Denied),
        (free.number, free.read, Error::NoPage),
        (pages, table.read, Error::NoPage),
        (u32::MAX, table.read, Error::NoPage),
        (0x10_0000 + table.number, table.read, Error::NoPage),
    ] {
        let foreign = Page { number, read: capability, write: capability };
        let answer = write_range((HERE, 1), (foreign, 0), page.write);
        ensure_eq!(answer, Err(error), "a table in page {number} with {capability:x?}");
    }
    // The image is full of words that are no good.
    let image = call::machine(Fact::ImagePage as u32)?;
    let public = Page { number: image, read: Capability::PUBLIC, write: none };
    let answer = write_range((HERE + PAGE_SIZE, 1024), (public, 0), Capability::PUBLIC);
    call::check_invariants()?;
    ensure!(answer.is_err() || probe::store(HERE + PAGE_SIZE, 1).is_err(), "entries from the image");
    ensure_eq!(probe::load(HERE).ok(), Some(77), "what was bound before");
    table.free()?;
    page.free()?;
    Ok(())
}

fn resume_register() -> Outcome {
    let mut lab = Lab::new()?;
    let page = Page::any()?;
    for address in [HERE, HERE + PAGE_SIZE, HERE + 3 * PAGE_SIZE] {
        bind(address, page.number, Mapping::WRITABLE, page.write)?;
    }
    memory::pin(memory::myself(), WINDOWS[3], page.number, Mapping::WRITABLE, page.write)?;
    // From the STLB in either half of a pair, a guaranteed mapping, and the environment's own page.
    for (index, address) in
        [HERE, HERE + PAGE_SIZE, HERE + 3 * PAGE_SIZE, WINDOWS[3], ENVIRONMENT_PAGE].into_iter().enumerate()
    {
        let mut body = Code::<256>::new();
        body.li(reg::T0, address).li(reg::K1, 0x5a5a_1000 + index as u32).li(reg::T2, HERE + 16 * PAGE_SIZE);
        for _ in 0..100 {
            body.push(lw(reg::T1, 0, reg::T2)).push(addiu(reg::T2, reg::T2, 0x1000));
        }
        body.push(lw(reg::T1, 0, reg::T0)).push(sw(reg::K1, lab::WORDS, reg::ZERO));
        lab.prepare(body.words());
        // A hundred other pages leave the hardware nothing of the one that is missed then.
        for index in 0..100 {
            bind(HERE + (16 + index) * PAGE_SIZE, page.number, Mapping::empty(), page.read)?;
        }
        for round in 0..20 {
            poke(lab::WORDS, 0);
            let _ = lab.run(&Registers::canaries(round));
            ensure_eq!(peek(lab::WORDS), 0x5a5a_1000 + index as u32, "k1 after {address:08x} was missed");
        }
    }
    page.free()?;
    Ok(())
}

const MISS_SAVE: u32 = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, miss_save) as u32;

fn save_area() -> Outcome {
    const HANDLER: u32 = lab::CODE + 0x800;
    let mut lab = Lab::new()?;
    let page = Page::any()?;
    let [low, high] = page.write.words();
    let at = |index: u32| lab::WORDS + 4 * index;
    // Notes a0 to a2, k1 as it finds it saved, and what a system call does not touch; then binds the page.
    let mut handler = Code::<64>::new();
    for (index, argument) in (4..7).enumerate() {
        handler.push(sw(argument, at(index as u32), reg::ZERO));
    }
    for (index, field) in [
        offset_of!(SaveArea, a0),
        offset_of!(SaveArea, a1),
        offset_of!(SaveArea, a2),
        offset_of!(SaveArea, k1),
    ]
    .into_iter()
    .enumerate()
    {
        handler.push(lw(reg::K1, MISS_SAVE + field as u32, reg::ZERO)).push(NOP);
        handler.push(sw(reg::K1, at(3 + index as u32), reg::ZERO));
    }
    // a3 and v0 are the program's.
    handler.push(sw(7, at(7), reg::ZERO)).push(sw(reg::V0, at(8), reg::ZERO));
    handler.push(addiu(4, 5, 0)).li(5, entry(page.number, Mapping::WRITABLE)).li(6, low).li(7, high);
    handler.push(ori(reg::V0, reg::ZERO, Call::TlbWrite.number())).push(SYSCALL);
    handler.push(lw(7, at(7), reg::ZERO)).push(lw(reg::V0, at(8), reg::ZERO));
    for (field, argument) in
        [offset_of!(SaveArea, a0), offset_of!(SaveArea, a1), offset_of!(SaveArea, a2)].into_iter().zip(4..7)
    {
        handler.push(lw(argument, MISS_SAVE + field as u32, reg::ZERO));
    }
    handler.push(lw(reg::K1, at(0), reg::ZERO)).push(NOP).push(jr(reg::K1)).push(NOP);
    let mut body = Code::<8>::new();
    body.li(reg::K1, 0x600d_600d).push(sw(reg::T0, 8, reg::T1)).push(lw(reg::T2, 8, reg::T1)).push(NOP);
    let start = lab.prepare(body.words()) + 8;
    lab::write_code(HANDLER, handler.words());
    let bound = memory::environment().miss_pc;
    for (round, offset) in [0, PAGE_SIZE, 5 * PAGE_SIZE].into_iter().enumerate() {
        let before = Registers::canaries(round as u32).with(reg::T1, HERE + offset);
        exception::bind(exos::abi::environment::Event::TlbMiss as u32, HANDLER)?;
        let after = lab.run(&before);
        exception::bind(exos::abi::environment::Event::TlbMiss as u32, bound)?;
        if let Some(difference) = after.difference(&before.with(reg::T2, before.0[reg::T0 as usize])) {
            ensure!(false, "round {round}: {difference}");
        }
        let noted = [0, 1, 2, 3, 4, 5, 6].map(|index| peek(at(index)));
        let [a0, a1, a2] = [4, 5, 6].map(|register: usize| before.0[register]);
        ensure_eq!(noted[0], start, "the pc");
        ensure_eq!(noted[1], HERE + offset + 8, "the bad address");
        ensure_eq!(cause::code(noted[2]), cause::TLB_STORE, "the cause");
        ensure_eq!(noted[3..], [a0, a1, a2, 0x600d_600d], "the save area");
    }
    page.free()?;
    Ok(())
}

/// Where the pager of [`nested`] has its table.
const TABLE_AT: u32 = HERE + 512 * PAGE_SIZE;

/// A pager whose own table lies in the first segment, and is missed while it handles a miss.
fn page_in(frame: &exception::Frame) -> bool {
    let missed = matches!(frame.code(), cause::TLB_LOAD | cause::TLB_STORE);
    if !missed || frame.bad_address < SECOND_SEGMENT_END {
        return false;
    }
    // The table names the page of everything; where itself is, stands behind that.
    let table_missed = frame.bad_address / PAGE_SIZE == TABLE_AT / PAGE_SIZE;
    let (at, place) = if table_missed { (TABLE, 4) } else { (TABLE_AT, 0) };
    let [entry, low, high, count] = [place, 8, 12, 16 + place].map(|offset| peek(at + offset));
    poke(at + 16 + place, count + 1);
    call::tlb_write(frame.bad_address, entry, low, high).is_ok()
}

fn nested() -> Outcome {
    let (table, page) = (Page::any()?, Page::any()?);
    let [low, high] = table.write.words();
    call::page_protect(page.number, low, high, low, high)?;
    memory::pin(memory::myself(), WINDOWS[2], page.number, Mapping::WRITABLE, table.write)?;
    memory::pin(memory::myself(), TABLE, table.number, Mapping::WRITABLE, table.write)?;
    let entries = [entry(page.number, Mapping::empty()), entry(table.number, Mapping::WRITABLE)];
    for (index, word) in entries.into_iter().chain([low, high, 0, 0]).enumerate() {
        poke(TABLE + 4 * index as u32, word);
    }
    trap::page_with(Some(page_in));
    for round in 1..=50 {
        poke(WINDOWS[2], round);
        call::tlb_delete(TABLE_AT)?;
        // Outside the other's place in the STLB.
        ensure_eq!(peek(HERE + round * PAGE_SIZE), round, "the page of round {round}");
        let counts = [16, 20].map(|offset| peek(TABLE + offset));
        ensure_eq!(counts, [round; 2], "misses, and misses in them");
    }
    trap::page_with(None);
    memory::unpin(memory::myself(), WINDOWS[2])?;
    memory::unpin(memory::myself(), TABLE)?;
    table.free()?;
    page.free()?;
    Ok(())
}
