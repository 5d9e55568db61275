//! The board: console, clock, memory size, exit. Exactly one of them is built.

#[cfg(feature = "malta")]
mod malta;

#[cfg(feature = "malta")]
pub use malta::*;
