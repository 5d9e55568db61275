//! Calls alter no register that they do not document, and leak nothing of the kernel's.

use apps::testing::Test;
use apps::testing::assembler::{NOP, SYSCALL, reg};
use apps::testing::failure::{Failure, Outcome};
use apps::testing::lab::{Lab, STACK_TOP};
use apps::testing::registers::Registers;
use apps::{ensure, ensure_eq};
use exos::abi::calls::{Fact, Path};
use exos::abi::layout::ANY;
use exos::abi::{Call, Error};
use exos::{call, memory};

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "refused calls leave registers as documented", run: refused },
    Test { name: "calls that succeed leave registers as documented", run: succeeding },
    Test { name: "the null call alters nothing", run: null },
];

/// Registers that a callee need not keep, but for v0 and v1, and HI and LO: zero or as they were behind
/// a call with a stack.
const CALLER_SAVED: [usize; 17] =
    [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, Registers::HI, Registers::LO];

/// Makes a call with canaries in all registers but its arguments; checks all but v0 and v1, which
/// it answers.
fn check(lab: &mut Lab, call: Call, arguments: &[u32], seed: u32) -> Result<(u32, u32), Failure> {
    let mut before = Registers::canaries(seed).with(reg::V0, call.number());
    let path = call.row().path;
    if path == Path::Primitive {
        // Refused, it is an exception, and its handler needs a stack.
        before = before.with(reg::SP, STACK_TOP);
    }
    for (argument, register) in arguments.iter().zip([4, 5, 6, 7, 8, 9, 10, 11]) {
        before = before.with(register, *argument);
    }
    let after = lab.try_out(&[SYSCALL, NOP], &before);
    let [v0, v1] = [reg::V0, reg::V1].map(|number| after.0[number as usize]);
    let mut expected = before.with(reg::V0, v0).with(reg::V1, v1);
    if path == Path::Stack {
        for register in CALLER_SAVED {
            if after.0[register] == 0 {
                expected.0[register] = 0;
            }
        }
    }
    if let Some(difference) = after.difference(&expected) {
        ensure!(false, "{call:?}: {difference}");
    }
    let documented = match Error::from_code(v0) {
        None => v0 == 0 || v0 == call.number(),
        Some(error) => call.row().errors.contains(&error),
    };
    ensure!(documented, "{call:?}: v0 is {v0:08x}");
    ensure!(v0 == 0 || path != Path::Stack || v1 == 0, "{call:?}: v1 is {v1:08x} with an error");
    Ok((v0, v1))
}

/// Every call that comes back, with canaries for arguments: most refuse them.
fn refused() -> Outcome {
    let mut lab = Lab::new()?;
    for (seed, call) in Call::ALL.iter().enumerate() {
        for round in 0..4 {
            let arguments: &[u32] = match call {
                // The next would end the machine.
                Call::Halt => continue,
                // These would be obeyed: a clock out of order, an allocation.
                Call::CheckTimer
                | Call::CheckFault
                | Call::CheckPlant
                | Call::SliceAlloc
                | Call::PageAlloc => &[0x7fff_ff00],
                _ => &[],
            };
            let arguments = if *call == Call::CheckTimer { &[0, 0] } else { arguments };
            let seed = seed as u32 * 4 + round;
            let (v0, v1) = check(&mut lab, *call, arguments, seed)?;
            if *call == Call::EnvironmentCreate {
                call::environment_destroy(v1)?;
            }
            let must_refuse = !call.row().errors.is_empty() && !call.row().arguments.is_empty();
            let obeys = matches!(call, Call::CheckTimer | Call::TlbDelete | Call::TlbDeleteRange);
            ensure!(!must_refuse || obeys || v0 != 0, "{call:?} accepts canaries");
        }
    }
    Ok(())
}

/// Calls with arguments that they accept.
fn succeeding() -> Outcome {
    let mut lab = Lab::new()?;
    let myself = memory::myself().0;
    let mut seed = 100;
    let mut make = |call, arguments: &[u32]| {
        seed += 1;
        let (v0, v1) = check(&mut lab, call, arguments, seed)?;
        ensure!(Error::from_code(v0).is_none(), "{call:?}: {v0:08x}");
        Ok(v1)
    };
    for fact in Fact::ALL {
        make(Call::Machine, &[fact as u32])?;
    }
    let page = make(Call::PageAlloc, &[ANY, 11, 12, 13, 14])?;
    ensure_eq!(make(Call::PageOwner, &[page])?, myself, "owner");
    make(Call::CacheFlush, &[page, 11, 12])?;
    make(Call::Guarantee, &[myself, 0x70, page, 0, 11, 12])?;
    make(Call::PageProtect, &[page, 21, 22, 23, 24])?;
    make(Call::Guarantee, &[myself, 0x70, ANY, 0, 0, 0])?;
    make(Call::TlbWrite, &[0x0123_4000, page << 12 | 0x400, 23, 24])?;
    make(Call::TlbDelete, &[0x0123_4000])?;
    make(Call::TlbWriteRange, &[0x0123_4000, 1, page, 0, 21, 22, 23, 24])?;
    make(Call::TlbDeleteRange, &[0x0123_4000, 100])?;
    make(Call::CidSwitch, &[myself])?;
    make(Call::PageFree, &[page])?;
    make(Call::Microseconds, &[])?;
    make(Call::Random, &[])?;
    make(Call::ConsoleWrite, &[0, 0, 0, 0])?;
    let child = make(Call::EnvironmentCreate, &[])?;
    make(Call::Bind, &[child, 34, 0x1_0000])?;
    let slice = make(Call::SliceAlloc, &[ANY])?;
    ensure_eq!(make(Call::SliceOwner, &[slice])?, myself, "the owner of a slice");
    make(Call::SliceGive, &[slice, child])?;
    ensure_eq!(make(Call::SliceOwner, &[slice])?, child, "the owner of a slice that was given");
    make(Call::Limit, &[child, 0, 5])?;
    make(Call::EnvironmentDestroy, &[child])?;
    let slice = make(Call::SliceAlloc, &[slice])?;
    make(Call::SliceFree, &[slice])?;
    make(Call::LastResortDone, &[])?;
    make(Call::NullStack, &[])?;
    make(Call::CheckInvariants, &[])?;
    make(Call::CheckTimer, &[0, 0])?;
    make(Call::Clock, &[])?;
    Ok(())
}

fn null() -> Outcome {
    let mut lab = Lab::new()?;
    for seed in 0..10 {
        let before = Registers::canaries(seed).with(reg::V0, Call::Null.number());
        let after = lab.try_out(&[SYSCALL, SYSCALL, SYSCALL], &before);
        if let Some(difference) = after.difference(&before) {
            ensure!(false, "{difference}");
        }
        let mut clocks = [0; 2];
        for clock in &mut clocks {
            let before = before.with(reg::V0, Call::Clock.number());
            let after = lab.try_out(&[SYSCALL], &before);
            *clock = after.0[reg::V1 as usize];
            if let Some(difference) = after.difference(&before.with(reg::V1, *clock)) {
                ensure!(false, "clock: {difference}");
            }
        }
        ensure!(clocks[1].wrapping_sub(clocks[0]) < 1 << 24, "the clock goes wrong: {clocks:?}");
    }
    Ok(())
}
