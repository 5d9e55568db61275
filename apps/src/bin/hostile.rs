//! A hostile program: it tries to break Aegis, or whoever else is there. `bystander` starts it, says
//! how, and tells whether anything was harmed.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use exos::println;

#[path = "../hostile/attacks.rs"]
mod attacks;
#[path = "../hostile/calls.rs"]
mod calls;
#[path = "../hostile/instructions.rs"]
mod instructions;
#[path = "../hostile/pool.rs"]
mod pool;
#[allow(dead_code, reason = "each of the two programs uses a part of it")]
#[path = "../hostile/protocol.rs"]
mod protocol;
#[path = "../hostile/random.rs"]
mod random;
#[path = "../hostile/touch.rs"]
mod touch;
#[path = "../hostile/values.rs"]
mod values;

use protocol::fault;

exos::program!(main);

fn main() -> u32 {
    let (seed, wanted) = (protocol::get(protocol::SEED), protocol::get(protocol::WANTED));
    match protocol::get(protocol::ROLE) {
        protocol::role::CALLS => calls::run(seed, wanted),
        protocol::role::INSTRUCTIONS => instructions::run(seed, wanted),
        protocol::role::OVERRUN => attacks::overrun(wanted),
        protocol::role::SLIVER => attacks::sliver(wanted),
        protocol::role::LEND => attacks::lend(wanted),
        protocol::role::ALIAS => attacks::alias(),
        other => println!("hostile: role {other} is none of mine"),
    }
    // The supervisor ends it; until then it gives its slices away.
    loop {
        let _ = exos::slice::yield_to(exos::abi::Name::NOBODY);
    }
}
