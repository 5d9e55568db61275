//! Programs that cannot be spawned leave nothing behind.

use apps::testing::Test;
use apps::testing::companion::{Command, Companion, word};
use apps::testing::failure::{Failure, Outcome};
use apps::{ensure, ensure_eq};
use exos::abi::Error;
use exos::abi::calls::Fact;
use exos::call;
use exos::spawn::{SpawnError, spawn};

use crate::pages;

/// The tests.
pub const TESTS: &[Test] = &[
    Test { name: "a program that is not there is not spawned", run: missing },
    Test { name: "a program for which memory is short is not spawned", run: short_of_memory },
    Test { name: "a program is spawned, ends, and is gone", run: life },
];

fn missing() -> Outcome {
    for name in ["", "no such program", "companio", "companion2"] {
        let error = spawn(name, &[1, 2, 3]).err();
        ensure_eq!(error, Some(SpawnError::NotFound), "spawning {name:?}");
    }
    Ok(())
}

/// With every number of free pages that are too few, a spawn fails and gives back what it took.
fn short_of_memory() -> Outcome {
    pages::take_all();
    let failures = count_failures();
    pages::give_back()?;
    let failures = failures?;
    ensure!((10..100).contains(&failures), "it fails with fewer than {failures} free pages");
    Ok(())
}

/// Frees page after page until a spawn succeeds.
fn count_failures() -> Result<u32, Failure> {
    let last = call::machine(Fact::Pages as u32)? - 1;
    for free in 0..100 {
        ensure_eq!(call::machine(Fact::FreePages as u32)?, free, "free pages after a spawn that failed");
        match spawn("companion", &[]) {
            Err(error) => ensure_eq!(error, SpawnError::Refused(Error::Exhausted), "with {free} pages"),
            Ok(child) => {
                child.destroy();
                return Ok(free);
            }
        }
        call::page_free(last - free)?;
    }
    Ok(100)
}

fn life() -> Outcome {
    for _ in 0..10 {
        let companion = Companion::spawn(0)?;
        ensure!(companion.lives(), "a new program lives");
        companion.command(Command::Nothing, &[])?;
        ensure_eq!(companion.get(word::DONE), 1, "it answers");
        companion.command_and_die(Command::Exit, &[])?;
    }
    Ok(())
}
