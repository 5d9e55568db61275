//! The table of what each call answered, and what must be in it.

use apps::ensure;
use apps::testing::{Failure, Outcome};
use exos::abi::{Call, Error};
use exos::{print, println};

use super::shared::{FOREIGN_ROW, ROWS, TRANSFER_ROW, place};

/// Outcomes that cannot occur in the fuzzer, on a test build.
fn impossible(call: Call, error: Option<Error>) -> bool {
    match error {
        // Nothing waits at the console; the first environment alone may halt; there is no floating-point
        // unit; a fault in the kernel and a planted error stop the machine.
        None => matches!(
            call,
            Call::ConsoleRead | Call::Halt | Call::FpuMod | Call::CheckFault | Call::CheckPlant
        ),
        Some(Error::Unsupported) => matches!(call, Call::CheckTimer | Call::CheckInvariants),
        Some(_) => false,
    }
}

/// Whether an outcome is documented, and whether it must occur.
fn documented(row: usize, error: Option<Error>) -> (bool, bool) {
    match (row, error) {
        (TRANSFER_ROW, Some(Error::NoEnvironment)) => (true, true),
        (TRANSFER_ROW | FOREIGN_ROW, Some(_)) => (false, false),
        (TRANSFER_ROW | FOREIGN_ROW, None) => (true, true),
        _ => {
            let call = Call::ALL[row];
            let documented = error.is_none_or(|error| call.row().errors.contains(&error));
            (documented, documented && !impossible(call, error))
        }
    }
}

/// The name of an error.
fn name(error: Error) -> &'static str {
    match error {
        Error::Invalid => "Invalid",
        Error::Denied => "Denied",
        Error::NoEnvironment => "NoEnvironment",
        Error::NoPage => "NoPage",
        Error::Busy => "Busy",
        Error::Exhausted => "Exhausted",
        Error::Unsupported => "Unsupported",
    }
}

/// Prints how often each call succeeded and answered each error, and tells whether one that must occur did
/// so less often than `least`.
pub fn report(least: u32, count: impl Fn(usize) -> u32) -> Outcome {
    let outcomes = || core::iter::once(None).chain(Error::ALL.map(Some));
    let mut missing = None;
    let mut total = 0;
    print!("{:<20} {:>7}", "call", "success");
    for error in Error::ALL {
        print!(" {:>13}", name(error));
    }
    println!();
    for row in 0..ROWS {
        let label = match row {
            TRANSFER_ROW => "(transfer)",
            FOREIGN_ROW => "(not Aegis's)",
            _ => Call::ALL[row].row().function,
        };
        print!("{label:<20}");
        for error in outcomes() {
            let found = count(place(row, error));
            total += found;
            let (documented, expected) = documented(row, error);
            let width = if error.is_none() { 7 } else { 13 };
            if documented || found > 0 {
                print!(" {found:>width$}");
            } else {
                print!(" {:>width$}", "");
            }
            if expected && found < least && missing.is_none() {
                missing = Some((label, error, found));
            }
        }
        println!();
    }
    println!("{total} outcomes");
    if let Some((call, error, found)) = missing {
        let outcome = error.map_or("success", name);
        return Err(Failure::new(format_args!("{call} answered {outcome} {found} times, not {least}")));
    }
    ensure!(total > 0, "no call was made");
    Ok(())
}
