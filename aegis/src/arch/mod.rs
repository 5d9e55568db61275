//! The processor: vectors, hot paths, registers. Exactly one of the ports is built.

#[cfg(feature = "malta")]
mod mips32;

#[cfg(feature = "malta")]
pub use mips32::*;
