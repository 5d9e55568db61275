//! The second environment of the guest tests: does what the test commands, attacks included.
//!
//! See `apps::testing::companion` for the commands and the page on which they come.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::mem::offset_of;

use apps::testing::assembler::{Code, NOP, SYSCALL, addiu, beq, jr, lw, ori, reg, sw};
use apps::testing::companion::{Command, get, set, word};
use apps::testing::interrupt;
use apps::testing::lab::{self, Lab};
use apps::testing::registers::{Registers, load_all, store_all};
use apps::testing::trap::{self, Repair, Seen};
use apps::testing::{Outcome, probe};
use exos::abi::Name;
use exos::abi::calls::Fact;
use exos::abi::environment::{EnvironmentPage, Event, cause};
use exos::abi::layout::{ENVIRONMENT_PAGE, Mapping};
use exos::abi::{Capability, Error};
use exos::start::START_PAGE;
use exos::{call, exception, memory, slice, transfer};

exos::program!(main);

// Instead of a slice's start: count, and go on as at one.
core::arch::global_asm!(
    ".pushsection .text.companion, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl companion_revocation",
    "companion_revocation:",
    "b 1f",
    "addiu $9, $zero, {REVOCATIONS}",
    ".globl companion_repossession",
    "companion_repossession:",
    "addiu $9, $zero, {REPOSSESSIONS}",
    "1: lw $8, 0($9)",
    "nop",
    "addiu $8, $8, 1",
    "j exos_slice_start",
    "sw $8, 0($9)",
    "companion_counted:",
    // A slice that ends while it counts: counting uses none of the registers that are saved by now.
    ".globl companion_slice_end",
    "companion_slice_end:",
    "lui $5, %hi(companion_revocation)",
    "addiu $5, $5, %lo(companion_revocation)",
    "subu $5, $4, $5",
    "sltiu $5, $5, companion_counted - companion_revocation",
    "bnez $5, 2f",
    "nop",
    "lw $5, {SLICE_END}($zero)",
    "nop",
    "jr $5",
    "nop",
    "2: jr $4",
    "nop",
    ".set pop",
    ".popsection",
    REVOCATIONS = const START_PAGE as usize + 4 * word::REVOCATIONS,
    REPOSSESSIONS = const START_PAGE as usize + 4 * word::REPOSSESSIONS,
    SLICE_END = const START_PAGE as usize + 4 * word::SLICE_END,
);

unsafe extern "C" {
    fn companion_revocation();
    fn companion_repossession();
    fn companion_slice_end();
}

/// Code of this program's own writing, behind that of the laboratory's experiments.
const OWN_CODE: u32 = lab::CODE + 0x800;
/// The asynchronous entry.
const ASYNCHRONOUS_ENTRY: u32 = lab::CODE + 0xc00;
/// An address of the second segment where nothing is mapped.
const UNMAPPED: u32 = 0x7000;
/// An address of the first segment, where nothing can be mapped.
const FIRST_SEGMENT: u32 = 0x0010_0000;

fn main() -> u32 {
    apps::testing::on_large_stack(serve)
}

extern "C" fn serve() -> u32 {
    let (Ok(parent), Ok(mut lab), Ok(())) = (call::machine(Fact::Parent as u32), Lab::new(), trap::install())
    else {
        return 1;
    };
    loop {
        let command = Command::from_word(get(word::COMMAND)).filter(|_| get(word::DONE) == 0);
        let next = match command {
            None => Name::NOBODY,
            Some(Command::Exit) => return 0,
            Some(command) => {
                // A command that fails has no answers, which its test finds.
                let _ = carry_out(command, &mut lab);
                trap::forget();
                set(word::DONE, 1);
                Name(parent)
            }
        };
        if slice::yield_to(next).is_err() {
            return 1;
        }
    }
}

fn argument(index: usize) -> u32 {
    get(word::ARGUMENTS + index)
}

fn answer(words: &[u32]) {
    for (index, word) in words.iter().enumerate() {
        set(word::ANSWERS + index, *word);
    }
}

/// Answers 1 and a value, or 0 and an exception: its code, its bad address, whether it came to the
/// last resort.
fn answer_access(result: Result<u32, Seen>) {
    match result {
        Ok(value) => answer(&[1, value, 0, 0]),
        Err(seen) => answer(&[0, seen.code(), seen.bad_address, u32::from(seen.last_resort)]),
    }
}

fn carry_out(command: Command, lab: &mut Lab) -> Outcome {
    let myself = memory::myself();
    match command {
        Command::Nothing | Command::Exit => {}
        Command::Load => answer_access(probe::load(argument(0))),
        Command::Store => answer_access(probe::store(argument(0), argument(1)).map(|()| 0)),
        Command::Jump => answer_access(probe::jump(argument(0)).map(|()| 0)),
        Command::Execute => {
            trap::expect(Repair::Patch);
            let before = Registers::canaries(1).with(reg::SP, lab::STACK_TOP);
            let _ = lab.try_out(&[argument(0), NOP], &before);
            answer(&[trap::taken().map_or(u32::MAX, |seen| seen.code())]);
        }
        Command::Call => {
            let arguments = core::array::from_fn(|index| if index < 7 { argument(1 + index) } else { 0 });
            let result = call::raw(argument(0), arguments);
            answer(&[result as u32, (result >> 32) as u32]);
        }
        Command::Serve => serve_transfers()?,
        Command::Pin => {
            let bits = if argument(2) == 0 { Mapping::empty() } else { Mapping::WRITABLE };
            let capability = Capability::from_words(argument(3), argument(4));
            let result = memory::pin(myself, argument(0), argument(1), bits, capability);
            answer(&[result.map_or_else(Error::code, |()| 0)]);
        }
        Command::NoHandler => {
            exception::bind(cause::RESERVED, 0)?;
            exception::bind(Event::LastResort as u32, 0)?;
            let _ = lab.try_out(&[0xfc00_003f, NOP], &Registers::canaries(1));
        }
        Command::MissInMiss => {
            lab::write_code(OWN_CODE, &[lw(reg::T0, UNMAPPED, reg::ZERO), NOP]);
            exception::bind(Event::TlbMiss as u32, OWN_CODE)?;
            let seen = probe::load(FIRST_SEGMENT).err();
            trap::install()?;
            if let Some(seen) = seen {
                let saved = &memory::environment().miss_save;
                answer(&[
                    u32::from(seen.last_resort),
                    seen.pc,
                    seen.bad_address,
                    saved.a0,
                    seen.registers.0[5],
                ]);
            }
        }
        Command::LastResortFault => {
            // 0: it faults itself. 1: it goes on without saying that it is done.
            let handler = match argument(0) {
                0 => [lw(reg::T0, UNMAPPED, reg::ZERO), NOP, NOP],
                _ => [addiu(4, 4, 4), jr(4), NOP],
            };
            lab::write_code(OWN_CODE, &handler);
            exception::bind(Event::LastResort as u32, OWN_CODE)?;
            let body = [lw(reg::T0, UNMAPPED, reg::ZERO), NOP];
            let _ = lab.try_out(&body, &Registers::canaries(1));
            answer(&[1]);
            let _ = lab.try_out(&body, &Registers::canaries(1));
        }
        Command::LastResortTwice => {
            let faults = [probe::load(UNMAPPED), probe::load(UNMAPPED)];
            answer(&faults.map(|result| u32::from(result.is_err_and(|seen| seen.last_resort))));
        }
        Command::Yield => keep_yielding(Name::NOBODY, || Ok(()))?,
        Command::PlantAndYield => keep_yielding(Name(argument(3)), || {
            // If in every turn and soon, the one interrupted would never come further.
            if argument(2) != 0 || get(word::PROGRESS).is_multiple_of(2) {
                interrupt::plant(argument(0), interrupt::END_SLICE)?;
            }
            interrupt::shift(argument(1));
            Ok(())
        })?,
        Command::YieldTo => {
            while get(word::STOP) == 0 {
                set(word::PROGRESS, get(word::PROGRESS) + 1);
                slice::yield_to(Name(argument(0)))?;
            }
        }
        Command::Listen => {
            let end = memory::environment().slice_end_pc;
            if end != companion_slice_end as *const () as u32 {
                set(word::SLICE_END, end);
                exception::bind(Event::SliceEnd as u32, companion_slice_end as *const () as u32)?;
            }
            for (bit, event, pc) in [
                (1, Event::Revocation, companion_revocation as *const () as u32),
                (2, Event::Repossession, companion_repossession as *const () as u32),
            ] {
                exception::bind(event as u32, if argument(0) & bit == 0 { 0 } else { pc })?;
            }
        }
        Command::OverrunBy => {
            let end = memory::environment().slice_end_pc;
            exception::bind(Event::SliceEnd as u32, 0)?;
            // The kernel counts behind the compiler's back.
            while lab::peek(ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, excess) as u32) < argument(0) {}
            exception::bind(Event::SliceEnd as u32, end)?;
        }
        Command::Compute => compute(lab),
        Command::Overrun | Command::NoEnd => {
            // beq zero, zero, itself
            lab::write_code(OWN_CODE, &[beq(0, 0, -1), NOP]);
            let pc = if command == Command::Overrun { OWN_CODE } else { 0 };
            exception::bind(Event::SliceEnd as u32, pc)?;
            loop {
                set(word::PROGRESS, get(word::PROGRESS) + 1);
            }
        }
    }
    Ok(())
}

fn keep_yielding(to: Name, mut before: impl FnMut() -> Result<(), Error>) -> Outcome {
    while get(word::STOP) == 0 {
        before()?;
        set(word::PROGRESS, get(word::PROGRESS) + 1);
        slice::yield_to(to)?;
    }
    Ok(())
}

/// Runs experiments that alter no register but t0, and counts those after which one differs.
fn compute(lab: &mut Lab) {
    let body = [addiu(reg::T0, reg::T0, -1), beq(reg::T0, 0, 2), NOP, beq(0, 0, -4), NOP];
    lab.prepare(&body);
    let mut wrong = 0;
    while get(word::STOP) == 0 {
        let before = Registers::canaries(get(word::PROGRESS)).with(reg::T0, 300);
        let after = lab.run(&before);
        wrong += u32::from(after.difference(&before.with(reg::T0, 0)).is_some());
        set(word::PROGRESS, get(word::PROGRESS) + 1);
        answer(&[wrong]);
    }
}

/// Binds entries that store every register, note the caller, and reply with other registers.
fn serve_transfers() -> Outcome {
    const CALLER: u32 = ENVIRONMENT_PAGE + offset_of!(EnvironmentPage, caller) as u32;
    for (entry, bit) in [(OWN_CODE, 0), (ASYNCHRONOUS_ENTRY, Name::ASYNCHRONOUS)] {
        let mut code = Code::<200>::new();
        store_all(&mut code, START_PAGE + 4 * word::RECEIVED as u32);
        code.push(lw(reg::T0, CALLER, reg::ZERO)).push(NOP);
        code.push(sw(reg::T0, START_PAGE + 4 * word::CALLER as u32, reg::ZERO));
        load_all(&mut code, START_PAGE + 4 * word::REPLY as u32);
        code.push(lw(reg::V0, CALLER, reg::ZERO)).push(NOP);
        code.push(ori(reg::V0, reg::V0, bit)).push(SYSCALL).push(beq(0, 0, -1)).push(NOP);
        lab::write_code(entry, code.words());
    }
    transfer::bind_synchronous(OWN_CODE)?;
    transfer::bind_asynchronous(ASYNCHRONOUS_ENTRY)?;
    answer(&[1]);
    Ok(())
}
