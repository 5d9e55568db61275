//! A line for each test, the totals, and tests in a process of their own that must leave nothing behind.

use exos::abi::calls::Fact;
use exos::{call, println, process};

/// How many tests passed and failed.
#[derive(Debug, Default)]
pub struct Checks {
    passed: u32,
    failed: u32,
}

/// Free pages and living environments.
fn census() -> (u32, u32) {
    let fact = |fact| call::machine(fact as u32).unwrap_or(0);
    (fact(Fact::FreePages), fact(Fact::Environments))
}

impl Checks {
    /// Notes whether something holds.
    pub fn check(&mut self, what: &str, holds: bool) {
        println!("test {what} ... {}", if holds { "ok" } else { "FAILED" });
        *(if holds { &mut self.passed } else { &mut self.failed }) += 1;
    }

    /// Runs a test in a child, whose status is zero if it passes. Afterwards as many pages and environments are there as
    /// before, and in a test build the kernel has checked itself.
    pub fn in_child(&mut self, what: &str, test: impl FnOnce() -> u32) {
        self.in_child_with(what, 0, test, |_| {});
    }

    /// The same with a status that is wanted, and something for the parent to do when the child has been made, which it
    /// is given the number of.
    pub fn in_child_with(
        &mut self,
        what: &str,
        wanted: u32,
        test: impl FnOnce() -> u32,
        meanwhile: impl FnOnce(u32),
    ) {
        // A first child, that ends at once: what this process copies for a fork it has copied then.
        child(|| 0, |_| {});
        let before = census();
        let status = child(test, meanwhile);
        let mut after = census();
        // One that lends pages to its children ends after them.
        for _ in 0..1000 {
            if after == before {
                break;
            }
            process::give_way();
            after = census();
        }
        if status != Some(wanted) {
            println!("{what}: status {status:?}, not {wanted}");
        }
        if after != before {
            println!("{what}: free pages and environments were {before:?}, are {after:?}");
        }
        // A violation stops the machine; what is no test build has no such call.
        let _ = call::check_invariants();
        self.check(what, status == Some(wanted) && after == before);
    }

    /// Prints the totals; tells the exit status.
    #[must_use]
    pub fn end(&self) -> u32 {
        println!("{} passed, {} failed", self.passed, self.failed);
        u32::from(self.failed > 0)
    }
}

/// Runs something in a child, and something else meanwhile; tells the child's status.
fn child(test: impl FnOnce() -> u32, meanwhile: impl FnOnce(u32)) -> Option<u32> {
    match process::fork() {
        Ok(0) => process::exit(test()),
        Ok(child) => {
            meanwhile(child);
            process::wait_for(child).ok()
        }
        Err(error) => {
            println!("fork: {error:?}");
            None
        }
    }
}
