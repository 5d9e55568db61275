//! Programs with different page tables side by side (paper, section 7.2: a page table is an application's own choice): all at once they
//! work on their memory at random, each against its model, and none notices the others. `quick` on the command line leaves
//! rounds out.
#![no_std]
#![no_main]

use apps::testing::process::{Census, run, spawn};
use apps::testing::{Outcome, Test};
use apps::{ensure_eq, vm_tests};
use exos::abi::calls::Fact;
use exos::call;
use exos::process::{self, exec, wait_for};
use vm_tests::random::Random;

exos::process!(main);

const TESTS: &[Test] = &[Test { name: "three page tables side by side", run: three }];

const PROGRAMS: [&str; 3] = ["model_linear", "model_inverted", "model_clustered"];

fn main() -> u32 {
    run(&[TESTS])
}

/// Six processes, two with each table.
fn three() -> Outcome {
    let mut random = Random::new(1);
    // What this process touches only when it waits it touches now.
    let _ = process::sleep(2000);
    let rounds = if call::machine(Fact::Quick as u32) == Ok(1) { 2 } else { 4 };
    for round in 0..rounds {
        let before = Census::settled()?;
        let mut children = [0; 2 * PROGRAMS.len()];
        for (index, child) in children.iter_mut().enumerate() {
            let mut text = [0; 8];
            let seed = number(&mut text, random.below(10_000_000));
            *child = spawn(|| {
                let program = PROGRAMS[index % PROGRAMS.len()];
                exec(program, &[program, seed]);
                99
            })?;
        }
        process::give_way();
        for (index, child) in children.into_iter().enumerate() {
            ensure_eq!(wait_for(child)?, 0, "process {index}, {}", PROGRAMS[index % PROGRAMS.len()]);
        }
        // This process's own stack grows in the first round.
        if round > 0 {
            before.same()?;
        }
    }
    Ok(())
}

/// A number below 100,000,000 as text.
fn number(text: &mut [u8; 8], mut value: u32) -> &str {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    core::str::from_utf8(text).unwrap_or("0")
}
