//! A demonstration of visible revocation and the abort protocol (paper, sections 3.3 and 3.4): an environment is asked
//! for resources, chooses what to give back, does not, and is helped. `scripts/run.sh revocation`.
#![no_std]
#![no_main]

use apps::testing::on_large_stack;
use exos::abi::calls::Fact;
use exos::call;

#[path = "../revocation/show.rs"]
mod show;
#[path = "../revocation/victim.rs"]
mod victim;
#[path = "../revocation/words.rs"]
mod words;

exos::program!(main);

fn main() -> u32 {
    // One program plays both parts.
    let first = call::machine(Fact::Parent as u32) == Ok(0);
    if first { on_large_stack(show::run) } else { victim::run() }
}
