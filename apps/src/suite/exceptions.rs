//! Every exception reaches the handler bound for it, with the right cause, pc and bad address and
//! all registers as they were; and the program goes on once the handler has repaired what was wrong:
//! in straight code and in the delay slots of branches.

use apps::testing::assembler::{
    BREAK, NOP, SYSCALL, access, add, addi, addiu, beq, bne, jalr, jr, op, reg, sub,
};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{self, Lab, peek, poke};
use apps::testing::registers::Registers;
use apps::testing::trap::{self, Repair};
use apps::testing::{Test, is_left_out, leave_out, probe};
use apps::{ensure, ensure_eq};
use core::fmt::Write;
use exos::abi::calls::Fact;
use exos::abi::environment::cause;
use exos::abi::layout::USER_END;
use exos::abi::{Call, Name, calls};
use exos::{call, memory};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "exceptions in straight code", run: || every_case(Shape::Straight) },
    Test { name: "exceptions in the slot of a branch taken", run: || every_case(Shape::Taken) },
    Test { name: "exceptions in the slot of a branch not taken", run: || every_case(Shape::NotTaken) },
    Test { name: "exceptions in the slot of a jump and link", run: || every_case(Shape::Jump) },
    Test { name: "exceptions in fetching", run: fetches },
    Test { name: "breakpoints for debuggers are reserved instructions", run: debug_breakpoints },
    Test { name: "jumps to odd addresses", run: odd_addresses },
    Test { name: "foreign system calls", run: foreign_calls },
    Test { name: "calls in a delay slot are the caller's exceptions", run: calls_in_delay_slots },
    Test { name: "an exception in an exception handler", run: exception_in_handler },
];

/// Where an instruction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// By itself.
    Straight,
    /// In the delay slot of a branch that is taken.
    Taken,
    /// In the delay slot of a branch that is not.
    NotTaken,
    /// In the delay slot of a jump and link.
    Jump,
}

impl Shape {
    /// Code with `word` in this place, and the registers that it must begin and end with. t4 counts
    /// one when the instruction behind the delay slot is executed. The branches compare s0 with s1,
    /// which hold the same: emulators take a branch that compares a register with itself for none.
    fn arrange(self, word: u32, start: u32, before: &Registers) -> ([u32; 4], Registers, Registers) {
        let counter = before.0[reg::T4 as usize];
        let before = &before.with(16, before.0[17]);
        let (branch, before, after) = match self {
            Self::Straight => return ([word, NOP, NOP, NOP], *before, *before),
            Self::Taken => (beq(16, 17, 2), *before, *before),
            Self::NotTaken => (bne(16, 17, 2), *before, before.with(reg::T4, counter.wrapping_add(1))),
            Self::Jump => {
                let before = before.with(reg::T4, start + 12);
                (jalr(reg::RA, reg::T4), before, before.with(reg::RA, start + 8))
            }
        };
        ([branch, word, addiu(reg::T4, reg::T4, 1), NOP], before, after)
    }
}

/// A word that loads and stores may use: what every repaired access is led to.
const GOOD: u32 = lab::WORDS;
/// What stands there: the same for loads of a byte, a half and a word.
const GOOD_WORD: u32 = 0x42;

/// An instruction that takes an exception.
struct Case {
    name: &'static str,
    word: u32,
    /// What t0, t2, t3 hold.
    inputs: [u32; 3],
    code: u32,
    /// The bad address to be handed over, or zero.
    bad: u32,
    repair: Repair,
    /// What t1 holds once it is repaired; `None` if it is not altered.
    result: Option<u32>,
    /// The coprocessor that the cause names.
    unit: u32,
}

const PLAIN: Case = Case {
    name: "",
    word: 0,
    inputs: [1, 2, 3],
    code: 0,
    bad: 0,
    repair: Repair::Patch,
    result: None,
    unit: 0,
};

/// A load of t1 from t0.
const fn load(name: &'static str, opcode: u32, bad: u32, code: u32) -> Case {
    Case {
        name,
        word: access(opcode, reg::T1, 0, reg::T0),
        inputs: [bad, 2, 3],
        code,
        bad,
        repair: Repair::Register(reg::T0, GOOD),
        result: Some(GOOD_WORD),
        ..PLAIN
    }
}

/// A store of t1 to t0.
const fn store(name: &'static str, opcode: u32, bad: u32, code: u32) -> Case {
    Case { result: None, ..load(name, opcode, bad, code) }
}

/// An instruction that cannot be repaired but only left out.
const fn left_out(name: &'static str, word: u32, code: u32, unit: u32) -> Case {
    Case { name, word, code, unit, ..PLAIN }
}

const LOAD: u32 = cause::ADDRESS_LOAD;
const STORE: u32 = cause::ADDRESS_STORE;
const UNUSABLE: u32 = cause::COPROCESSOR;
const TOP: u32 = 0x7fff_ffff;

const CASES: &[Case] = &[
    load("lw unaligned", op::LW, GOOD + 2, LOAD),
    load("lw odd", op::LW, GOOD + 1, LOAD),
    load("lh odd", op::LH, GOOD + 3, LOAD),
    load("lhu odd", op::LHU, GOOD + 1, LOAD),
    store("sw unaligned", op::SW, GOOD + 2, STORE),
    store("sh odd", op::SH, GOOD + 1, STORE),
    load("lw kseg0", op::LW, 0x8000_0000, LOAD),
    load("lb kseg0", op::LB, 0x8000_0180, LOAD),
    load("lw kseg1", op::LW, 0xa000_0000, LOAD),
    load("lhu kseg1", op::LHU, 0xbfc0_0000, LOAD),
    load("lw kseg2", op::LW, 0xc000_0000, LOAD),
    load("lbu kseg2", op::LBU, 0xffff_ffff, LOAD),
    load("lwr kseg0", op::LWR, 0x8000_0000, LOAD),
    store("sw kseg0", op::SW, 0x8000_0000, STORE),
    store("sb kseg0", op::SB, 0x8004_0001, STORE),
    store("sw kseg1", op::SW, 0xa000_0000, STORE),
    store("sh kseg1", op::SH, 0xbf00_0500, STORE),
    store("sw kseg2", op::SW, 0xffff_fffc, STORE),
    store("swl kseg2", op::SWL, 0xc000_0003, STORE),
    load("lw of the first segment", op::LW, 0x0010_0000, cause::TLB_LOAD),
    load("lb of the first segment", op::LB, 0x7fff_ffff, cause::TLB_LOAD),
    store("sw of the first segment", op::SW, 0x0008_0000, cause::TLB_STORE),
    load("lw of page zero", op::LW, 0, cause::TLB_LOAD),
    store("sw of page zero", op::SW, 0x10, cause::TLB_STORE),
    load("lw of a page not pinned", op::LW, 0x7000, cause::TLB_LOAD),
    store("sw to the environment's page", op::SW, 0x1000, cause::MODIFIED),
    store("sb to the program's text", op::SB, 0x1_0003, cause::MODIFIED),
    Case {
        name: "add overflows",
        word: add(reg::T1, reg::T2, reg::T3),
        inputs: [1, TOP, 1],
        code: cause::OVERFLOW,
        repair: Repair::Register(reg::T3, 0),
        result: Some(TOP),
        ..PLAIN
    },
    Case {
        name: "addi overflows",
        word: addi(reg::T1, reg::T2, 1),
        inputs: [1, TOP, 1],
        code: cause::OVERFLOW,
        repair: Repair::Register(reg::T2, 5),
        result: Some(6),
        ..PLAIN
    },
    Case {
        name: "sub overflows",
        word: sub(reg::T1, reg::T2, reg::T3),
        inputs: [1, 0x8000_0000, 1],
        code: cause::OVERFLOW,
        repair: Repair::Register(reg::T3, 0),
        result: Some(0x8000_0000),
        ..PLAIN
    },
    left_out("add.s", 0x4600_0000, UNUSABLE, 1),
    left_out("mfc1", 0x4409_0000, UNUSABLE, 1),
    left_out("lwc1", access(op::LWC1, 0, 0, 0), UNUSABLE, 1),
    left_out("swc1", access(op::SWC1, 0, 0, 0), UNUSABLE, 1),
    left_out("break", BREAK, cause::BREAKPOINT, 0),
    left_out("break with a code", 0x000f_ffcd, cause::BREAKPOINT, 0),
    left_out("reserved opcode", 0xfc00_003f, cause::RESERVED, 0),
    left_out("reserved function", 0x0000_0037, cause::RESERVED, 0),
    Case { name: "system call 4001", word: SYSCALL, inputs: [4001, 2, 3], code: cause::SYSTEM_CALL, ..PLAIN },
    // Reads before writes: see `every_case`.
    left_out("mfc0 Status", 0x4009_6000, UNUSABLE, 0),
    left_out("mfc0 EPC", 0x4009_7000, UNUSABLE, 0),
    left_out("mtc0 Status", 0x4089_6000, UNUSABLE, 0),
    left_out("mtc0 EntryHi", 0x4089_5000, UNUSABLE, 0),
    left_out("tlbr", 0x4200_0001, UNUSABLE, 0),
    left_out("tlbwi", 0x4200_0002, UNUSABLE, 0),
    left_out("tlbwr", 0x4200_0006, UNUSABLE, 0),
    left_out("tlbp", 0x4200_0008, UNUSABLE, 0),
    left_out("rfe", 0x4200_0010, UNUSABLE, 0),
    left_out("eret", 0x4200_0018, UNUSABLE, 0),
];

/// Runs one case; the laboratory's code is its shape's.
fn case(lab: &mut Lab, case: &Case, shape: Shape, seed: u32) -> Outcome {
    let left_out = case.code == cause::RESERVED && is_left_out(leave_out::RESERVED)
        || case.bad >= USER_END && is_left_out(leave_out::KERNEL);
    ensure!(!left_out, "{}: left out", case.name);
    poke(GOOD, GOOD_WORD);
    let [t0, t2, t3] = case.inputs;
    let canaries = Registers::canaries(seed)
        .with(reg::SP, lab::STACK_TOP)
        // A number that is no call's, for the case that makes one.
        .with(reg::V0, 4001)
        .with(reg::T0, t0)
        .with(reg::T2, t2)
        .with(reg::T3, t3);
    let start = lab::body_start();
    let (body, before, mut expected) = shape.arrange(case.word, start, &canaries);
    lab.prepare(&body);
    trap::expect(case.repair);
    let after = lab.run(&before);
    let name = case.name;
    let Some(seen) = trap::taken() else {
        ensure!(false, "{name}: no exception");
        return Ok(());
    };
    ensure_eq!(seen.code(), case.code, "{name}: exception code");
    ensure_eq!(seen.bad_address, case.bad, "{name}: bad address");
    ensure_eq!(seen.pc, start, "{name}: pc");
    ensure_eq!(seen.in_delay_slot(), shape != Shape::Straight, "{name}: in a delay slot");
    if case.code == UNUSABLE {
        ensure_eq!(seen.cause >> 28 & 3, case.unit, "{name}: coprocessor");
    }
    // A jump has written its link when its slot is executed; nothing else has happened.
    let at_fault = before.with(reg::RA, expected.0[reg::RA as usize]);
    if let Some(difference) = seen.registers.difference(&at_fault) {
        ensure!(false, "{name}: in the handler {difference}");
    }
    if let Repair::Register(number, value) = case.repair {
        expected = expected.with(number, value);
    }
    if let Some(result) = case.result {
        expected = expected.with(reg::T1, result);
    }
    if let Some(difference) = after.difference(&expected) {
        ensure!(false, "{name}: afterwards {difference}");
    }
    let stored = matches!(case.code, STORE | cause::TLB_STORE | cause::MODIFIED);
    ensure!((peek(GOOD) != GOOD_WORD) == stored, "{name}: the repaired access");
    Ok(())
}

/// Tries every case; a failure names all that failed.
fn every_case(shape: Shape) -> Outcome {
    let mut lab = Lab::new()?;
    let mut failed: Option<Failure> = None;
    for (seed, one) in CASES.iter().enumerate() {
        let Err(failure) = case(&mut lab, one, shape, seed as u32) else { continue };
        trap::forget();
        match &mut failed {
            None => failed = Some(failure),
            // What does not fit is cut.
            Some(first) => _ = write!(first, "; {}", one.name),
        }
        if one.code == UNUSABLE && one.unit == 0 {
            // Where user mode moves one register of coprocessor 0, it would move the others too.
            break;
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Later processors' breakpoint for debuggers, with codes that emulators heed. It is tried in straight
/// code alone: QEMU's debug mode does not tell that it came from a delay slot.
fn debug_breakpoints() -> Outcome {
    let mut lab = Lab::new()?;
    let cases = [
        left_out("sdbbp", 0x7000_003f, cause::RESERVED, 0),
        left_out("sdbbp 1", 0x7000_007f, cause::RESERVED, 0),
        left_out("sdbbp 2", 0x7000_00bf, cause::RESERVED, 0),
    ];
    for (seed, one) in cases.iter().cycle().take(30).enumerate() {
        case(&mut lab, one, Shape::Straight, seed as u32)?;
    }
    Ok(())
}

fn fetches() -> Outcome {
    let mut lab = Lab::new()?;
    let body = [jr(reg::T0), addiu(reg::T4, reg::T4, 1)];
    let start = lab.prepare(&body);
    let cases = [
        (0x0010_0000, cause::TLB_LOAD, false),
        (0x7fff_fffc, cause::TLB_LOAD, false),
        (0x7000, cause::TLB_LOAD, true),
        (0, cause::TLB_LOAD, true),
        (0x8000_0000, cause::ADDRESS_LOAD, false),
        (0x8000_0180, cause::ADDRESS_LOAD, false),
        (0x8004_0000, cause::ADDRESS_LOAD, false),
        (0xa000_0000, cause::ADDRESS_LOAD, false),
        (0xbfc0_0000, cause::ADDRESS_LOAD, false),
        (0xc000_0000, cause::ADDRESS_LOAD, false),
        (0xffff_fffc, cause::ADDRESS_LOAD, false),
        (start + 2, cause::ADDRESS_LOAD, false),
    ];
    for (target, code, last_resort) in cases {
        let left_out = target >= USER_END && is_left_out(leave_out::KERNEL)
            || target & 3 != 0 && is_left_out(leave_out::UNALIGNED);
        ensure!(!left_out, "{target:08x} and on: left out");
        let before = Registers::canaries(target).with(reg::SP, lab::STACK_TOP).with(reg::T0, target);
        trap::expect(Repair::Goto(Lab::behind(&body)));
        let after = lab.run(&before);
        let Some(seen) = trap::taken() else {
            ensure!(false, "{target:08x} can be executed");
            continue;
        };
        ensure_eq!(seen.code(), code, "{target:08x}: exception code");
        ensure_eq!(seen.pc, target, "{target:08x}: pc");
        ensure_eq!(seen.bad_address, target, "{target:08x}: bad address");
        ensure_eq!(seen.last_resort, last_resort, "{target:08x}: last resort");
        ensure!(!seen.in_delay_slot(), "{target:08x}: in no delay slot");
        let expected = before.with(reg::T4, before.0[reg::T4 as usize].wrapping_add(1));
        if let Some(difference) = after.difference(&expected) {
            ensure!(false, "{target:08x}: {difference}");
        }
    }
    Ok(())
}

/// An odd address is an error on an R3000, and another instruction set on processors that have it: an
/// exception from there is handled like any other.
fn odd_addresses() -> Outcome {
    const COMPACT_BREAK: u32 = 0xe805_e805;
    let mut lab = Lab::new()?;
    let body = [jr(reg::T0), NOP];
    lab.prepare(&body);
    let place = lab::CODE + 0x800;
    lab::write_code(place, &[COMPACT_BREAK, COMPACT_BREAK]);
    ensure!(!is_left_out(leave_out::UNALIGNED), "left out");
    for target in [place + 1, place + 3] {
        let before = Registers::canaries(target).with(reg::SP, lab::STACK_TOP).with(reg::T0, target);
        trap::expect(Repair::Goto(Lab::behind(&body)));
        let after = lab.run(&before);
        let Some(seen) = trap::taken() else {
            ensure!(false, "{target:08x}: no exception");
            continue;
        };
        let (code, bad) = (seen.code(), seen.bad_address);
        let expected = if code == cause::BREAKPOINT { 0 } else { target };
        ensure!(matches!(code, cause::BREAKPOINT | cause::ADDRESS_LOAD), "{target:08x}: exception {code}");
        ensure_eq!([seen.pc, bad], [target, expected], "{target:08x}: pc and bad address");
        if let Some(difference) = after.difference(&before) {
            ensure!(false, "{target:08x}: {difference}");
        }
    }
    Ok(())
}

/// Numbers that are no calls of Aegis's.
fn foreign_numbers() -> impl Iterator<Item = u32> {
    let gaps = (0..calls::SLOTS as u32)
        .map(|slot| calls::BASE + 8 * slot)
        .filter(|number| Call::from_number(*number).is_none());
    [
        0,
        1,
        8,
        20,
        0x1f8,
        1000,
        4001,
        6999,
        0x1ff8,
        0x2001,
        0x2004,
        0x2007,
        0x2200,
        0x3000,
        0x1_2000,
        0x7fff_ffff,
    ]
    .into_iter()
    .chain(gaps)
}

fn foreign_calls() -> Outcome {
    let mut lab = Lab::new()?;
    for (seed, number) in foreign_numbers().enumerate() {
        for shape in [Shape::Straight, Shape::Taken, Shape::NotTaken, Shape::Jump] {
            let before = Registers::canaries(seed as u32).with(reg::SP, lab::STACK_TOP).with(reg::V0, number);
            system_call(&mut lab, shape, &before)?;
        }
    }
    Ok(())
}

/// Makes a system call that must come back as an exception, all registers as they were.
fn system_call(lab: &mut Lab, shape: Shape, before: &Registers) -> Outcome {
    let number = before.0[reg::V0 as usize];
    let start = lab::body_start();
    let (body, before, expected) = shape.arrange(SYSCALL, start, before);
    lab.prepare(&body);
    trap::expect(if shape == Shape::Straight { Repair::Skip } else { Repair::Patch });
    let after = lab.run(&before);
    let Some(seen) = trap::taken() else {
        ensure!(false, "{number:x} {shape:?}: no exception");
        return Ok(());
    };
    ensure_eq!(seen.code(), cause::SYSTEM_CALL, "{number:x} {shape:?}: exception code");
    ensure_eq!(seen.pc, start, "{number:x} {shape:?}: pc");
    ensure_eq!(seen.bad_address, 0, "{number:x} {shape:?}: bad address");
    ensure_eq!(seen.in_delay_slot(), shape != Shape::Straight, "{number:x} {shape:?}: in a delay slot");
    let at_fault = before.with(reg::RA, expected.0[reg::RA as usize]);
    if let Some(difference) = seen.registers.difference(&at_fault) {
        ensure!(false, "{number:x} {shape:?}: in the handler {difference}");
    }
    if let Some(difference) = after.difference(&expected) {
        ensure!(false, "{number:x} {shape:?}: {difference}");
    }
    Ok(())
}

fn calls_in_delay_slots() -> Outcome {
    let mut lab = Lab::new()?;
    let free = call::machine(Fact::FreePages as u32)?;
    let dead = Name(call::environment_create()?);
    call::environment_destroy(dead.0)?;
    let numbers = [
        Call::Null as u32,
        Call::Clock as u32,
        Call::NullStack as u32,
        Call::PageAlloc as u32,
        Call::EnvironmentCreate as u32,
        Call::Halt as u32,
        Call::Yield as u32,
        dead.0,
        dead.asynchronous().0,
        memory::myself().0,
        u32::MAX,
    ];
    for number in numbers {
        for shape in [Shape::Taken, Shape::NotTaken, Shape::Jump] {
            let before = Registers::canaries(number)
                .with(reg::SP, lab::STACK_TOP)
                .with(reg::V0, number)
                // Arguments with which the call would succeed.
                .with(4, u32::MAX);
            system_call(&mut lab, shape, &before)?;
        }
    }
    ensure_eq!(call::machine(Fact::FreePages as u32)?, free, "free pages");
    Ok(())
}

/// An overflow whose handler itself takes an address error and a miss.
fn exception_in_handler() -> Outcome {
    let mut lab = Lab::new()?;
    poke(GOOD, GOOD_WORD);
    let body = [add(reg::T1, reg::T2, reg::T3), NOP];
    let before = Registers::canaries(9).with(reg::SP, lab::STACK_TOP).with(reg::T2, TOP).with(reg::T3, 1);
    let start = lab.prepare(&body);
    exos::exception::handle(|frame| {
        if frame.code() == cause::OVERFLOW {
            // These come to this handler too, on top of itself.
            let unaligned = probe::load(GOOD + 2).err().map(|seen| seen.code());
            let missing = probe::store(0x0010_0000, 1).err().map(|seen| seen.code());
            let again = unaligned == Some(cause::ADDRESS_LOAD) && missing == Some(cause::TLB_STORE);
            frame.registers[reg::T3 as usize] = u32::from(!again);
            poke(GOOD + 4, frame.pc);
        } else {
            trap::handle(frame);
        }
    })?;
    let after = lab.run(&before);
    trap::install()?;
    ensure_eq!(peek(GOOD + 4), start, "the pc of the outer exception");
    if let Some(difference) = after.difference(&before.with(reg::T3, 0).with(reg::T1, TOP)) {
        ensure!(false, "{difference}");
    }
    Ok(())
}
