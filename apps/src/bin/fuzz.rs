//! The fuzzer: three environments make random calls and pass each other what they come by, a fourth
//! looks after them, and the kernel's invariants are checked all the while.
//!
//! Needs a test build of the kernel. The command line chooses: `seed=N` the random numbers, `quick` a
//! short run. Ends with a table of what each call answered and `N passed, N failed`.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use apps::testing::on_large_stack;
use exos::abi::calls::Fact;
use exos::call;

#[path = "../fuzz/arguments.rs"]
mod arguments;
#[path = "../fuzz/counts.rs"]
mod counts;
#[path = "../hostile/pool.rs"]
mod pool;
#[path = "../hostile/random.rs"]
mod random;
#[path = "../fuzz/shared.rs"]
mod shared;
#[path = "../fuzz/supervisor.rs"]
mod supervisor;
#[path = "../hostile/touch.rs"]
mod touch;
#[path = "../hostile/values.rs"]
mod values;
#[path = "../fuzz/worker.rs"]
mod worker;

use shared::fault;

exos::program!(main);

fn main() -> u32 {
    let first = call::machine(Fact::Parent as u32) == Ok(0);
    on_large_stack(if first { supervisor::run } else { worker::run })
}
