//! The board: console, clock, memory size, exit. Exactly one of them is built.

#[cfg(feature = "decstation")]
mod decstation;
#[cfg(feature = "malta")]
mod malta;

#[cfg(feature = "decstation")]
pub use decstation::*;
#[cfg(feature = "malta")]
pub use malta::*;
