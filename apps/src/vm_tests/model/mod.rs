//! Random operations on the virtual memory, each compared with what a model says that it has to do.
//!
//! - [`state`]: the model: what is mapped where, with which protection, and what its first word is
//! - [`mapping`]: map, unmap, protect, the heap
//! - [`access`]: loads and stores, with faults that a handler or a signal mends
//! - [`sharing`]: pages mapped at several addresses, by their capabilities
//! - [`forks`]: children that verify and overwrite all of it
//! - [`swapping`]: pages that are given up and come back
//! - [`verify`]: everything that the library tells about each page

pub mod access;
pub mod forks;
pub mod mapping;
pub mod sharing;
pub mod state;
pub mod swapping;
pub mod verify;

use exos::abi::calls::Fact;
use exos::process::argument;
use exos::vm::pages::{Colouring, set_colouring};
use exos::vm::swap::{STORE_PAGES, Store};
use exos::{call, println};

use super::bad_ranges;
use super::checks::Checks;
use super::random::Random;
use state::Model;

/// Rounds, each in a process of its own, and operations of a round.
const ROUNDS: u32 = 5;
const STEPS: u32 = 5000;
/// Operations of one that runs beside others.
const BESIDE: u32 = 400;
/// The last rounds give pages up and have a backing store.
const SWAPPING: u32 = 2;

/// What went wrong, for the line that says so.
pub type Outcome = Result<(), &'static str>;

/// Fails with a text unless a condition holds.
#[macro_export]
macro_rules! model_says {
    ($condition:expr, $text:literal) => {
        if !$condition {
            return Err($text);
        }
    };
}

/// All rounds, or a single one with a number of its own beside other programs if the arguments say so. The answer is an exit status.
#[must_use]
pub fn run(table: &str) -> u32 {
    if let Some(number) = argument(1).and_then(|number| number.parse().ok()) {
        return u32::from(!round(number, BESIDE, None));
    }
    let mut checks = Checks::default();
    let seed = call::machine(Fact::Seed as u32).unwrap_or(0);
    let quick = call::machine(Fact::Quick as u32) == Ok(1);
    let steps = if quick { STEPS / 10 } else { STEPS };
    println!("{table} page table, seed {seed}, {ROUNDS} rounds of {steps} operations");
    let Ok(store) = Store::allocate(STORE_PAGES) else {
        println!("no memory for a backing store");
        return 1;
    };
    for round in 0..ROUNDS {
        let mut name = [0; 64];
        let name = title(&mut name, table, round);
        let store = (round >= ROUNDS - SWAPPING).then_some(store);
        checks.in_child(name, || u32::from(!self::round(seed.wrapping_mul(ROUNDS) + round, steps, store)));
    }
    store.free();
    checks.end()
}

/// The line's name, without an allocator.
fn title<'a>(into: &'a mut [u8; 64], table: &str, round: u32) -> &'a str {
    let parts = [table.as_bytes(), b": random operations, round ", &[b'0' + (round % 10) as u8]];
    let mut at = 0;
    for byte in parts.into_iter().flatten() {
        into[at] = *byte;
        at += 1;
    }
    core::str::from_utf8(&into[..at]).unwrap_or("random operations")
}

/// The model is large: it is in the program's data, where a fork copies it, too.
static mut MODEL: Model = Model::EMPTY;

/// One round; tells whether the library did as the model says.
fn round(seed: u32, steps: u32, store: Option<Store>) -> bool {
    // SAFETY: the process's only reference to it; handlers touch other words.
    let model = unsafe { &mut *&raw mut MODEL };
    let mut random = Random::new(seed);
    let done = model
        .begin(store)
        .and_then(|()| (0..steps).try_for_each(|step| reported(model, &mut random, step)))
        .and_then(|()| model.finish());
    if let Err(text) = done {
        println!("seed {seed}: {text}");
    }
    done.is_ok()
}

fn reported(model: &mut Model, random: &mut Random, step: u32) -> Outcome {
    let before = *random;
    operation(model, random).inspect_err(|_| println!("at step {step}, with {before:?}:"))
}

/// One operation, drawn by how often it is wanted.
pub(crate) fn operation(model: &mut Model, random: &mut Random) -> Outcome {
    match random.below(1000) {
        0..120 => model.map(random),
        120..160 => model.map_anywhere(random),
        160..260 => model.unmap(random),
        260..400 => model.protect(random),
        400..540 => model.load(random),
        540..760 => model.store(random),
        760..800 => model.sbrk(random),
        800..850 => model.map_shared(random),
        850..900 => model.query(random),
        900..930 => model.set_cached(random),
        930..950 => model.choose_handler(random),
        950..960 if model.swaps => model.give_up(random),
        950..980 => {
            model_says!(bad_ranges::refused(random.word()), "a bad range was not refused as it has to be");
            Ok(())
        }
        980..985 => {
            set_colouring([Colouring::Virtual, Colouring::Any, Colouring::Same][random.below(3) as usize]);
            Ok(())
        }
        985..988 => model.replace_share(random),
        988..990 => model.many(random),
        990..992 => model.fork_and_wait(random),
        992..995 => model.fork_beside(random),
        _ => model.verify(),
    }
}
