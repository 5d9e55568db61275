//! A demonstration of time slices (paper, section 5.1.1): who owns them, who runs in them, how one is lent, and what
//! becomes of an environment that does not give way. `scripts/run.sh slices`.
#![no_std]
#![no_main]

use apps::testing::on_large_stack;
use exos::abi::calls::Fact;
use exos::call;

#[path = "../slices/cast.rs"]
mod cast;
#[path = "../slices/child.rs"]
mod child;
#[path = "../slices/show.rs"]
mod show;

exos::program!(main);

fn main() -> u32 {
    // One program plays all parts: the first environment tells the story, its children are told what to do.
    let first = call::machine(Fact::Parent as u32) == Ok(0);
    if first { on_large_stack(show::run) } else { child::run() }
}
