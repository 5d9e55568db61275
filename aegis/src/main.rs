//! Aegis: an exokernel (Engler, Kaashoek and O'Toole, SOSP 1995).
//!
//! The kernel protects and multiplexes the machine, and decides nothing that an environment can
//! decide. A reader with the paper open finds its sections here:
//!
//! - [`call`]: the calls (Tables 2 and 3), behind the dispatch of section 5.2
//! - `arch`: exception dispatch (5.3), address translation (5.4), protected control transfer (5.5):
//!   the hot paths, in assembly beside their Rust
//! - [`environment`]: the contexts of section 5.1
//! - [`schedule`]: the processor as time slices (5.1.1)
//! - [`memory`]: physical pages and what is bound to them (5.1)
//! - [`revocation`]: resources wanted back, and taken by force (3.3, 3.4)
//! - [`translation`]: the TLB, the software TLB, misses (5.4)
//! - [`kernel`]: the state that they share; `aegis-core` has the logic that needs no machine
//!
//! The way from reset to the first user instruction: `arch` clears memory and calls [`boot`], which
//! asks the board what there is, frees memory, and builds the first environment from the boot image
//! ([`first`]).
//!
//! The kernel runs with interrupts off and on one stack; a call or trap starts on the empty stack
//! and leaves nothing there. It takes no exceptions of its own: one that happens all the same is
//! reported by [`trap`], and stops the machine.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod arch;
mod board;
mod boot;
mod call;
#[cfg(feature = "check")]
mod check;
mod console;
mod environment;
mod first;
mod history;
mod kernel;
mod memory;
mod revocation;
mod schedule;
mod translation;
mod trap;
