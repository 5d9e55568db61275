//! Environment variables.

use apps::testing::process::status_of;
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::process::arguments::{TEXT_BYTES, variables};
use exos::process::{environment, set_environment};

pub const TESTS: &[Test] = &[
    Test { name: "variables are set, changed and found by their whole name", run: set },
    Test { name: "a child's variables are its own", run: own },
    Test { name: "a variable that does not fit changes nothing", run: full },
];

fn set() -> Outcome {
    ensure_eq!(environment("USER"), Some("student"), "a variable from the start");
    ensure_eq!(environment("US"), None, "the beginning of a name");
    ensure!(set_environment("A", "1") && set_environment("AB", "2"), "no room");
    ensure_eq!((environment("A"), environment("AB")), (Some("1"), Some("2")), "two names that begin alike");
    ensure!(set_environment("A", "a longer value") && set_environment("EMPTY", ""), "no room");
    ensure_eq!((environment("A"), environment("EMPTY")), (Some("a longer value"), Some("")), "changed");
    ensure_eq!((environment("AB"), environment("USER")), (Some("2"), Some("student")), "the others");
    ensure_eq!(variables().filter(|text| text.starts_with("A=")).count(), 1, "how often it is there");
    Ok(())
}

fn own() -> Outcome {
    ensure!(set_environment("MINE", "parent"), "no room");
    let status = status_of(|| {
        let had = environment("MINE") == Some("parent");
        u32::from(!had || !set_environment("MINE", "child") || environment("MINE") != Some("child"))
    })?;
    ensure_eq!((status, environment("MINE")), (0, Some("parent")), "the child's and the parent's");
    Ok(())
}

fn full() -> Outcome {
    static LONG: [u8; TEXT_BYTES] = [b'x'; TEXT_BYTES];
    let long = core::str::from_utf8(&LONG).unwrap_or("");
    ensure!(set_environment("KEPT", "yes"), "no room");
    ensure!(!set_environment("KEPT", long), "there was room for it");
    ensure!(!set_environment("NEW", long), "there was room for it");
    ensure_eq!((environment("KEPT"), environment("NEW")), (Some("yes"), None), "what is there");
    let half = &long[..TEXT_BYTES / 2];
    // Instead of its old value it fits, however often.
    for _ in 0..5 {
        ensure!(set_environment("HALF", half), "no room for half");
    }
    ensure_eq!(environment("HALF"), Some(half), "what was set last");
    Ok(())
}
