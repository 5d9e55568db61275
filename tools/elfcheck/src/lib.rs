//! Static check of linked guest programs (32-bit little-endian MIPS).
//!
//! An R3000 has no interlocks for loads: the instruction executed after a load reads the *old*
//! value of the loaded register. No emulator at hand models that, and the compiler's MIPS-I back
//! end is experimental, so every linked program is checked here instead of being trusted.
//!
//! The way through the code:
//!
//! 1. [`code`] reads an ELF file into executable sections and symbols;
//! 2. [`decode`] names each word, with the [`table`] of MIPS-I and of later instructions;
//! 3. [`mod@check`] walks the instructions and reports what breaks a rule;
//! 4. [`allow`] holds what the MIPS32 layer may do, by symbol: a few later instructions, and too
//!    early reads of late results, because that processor waits;
//! 5. [`report`] is what comes out.
#![forbid(unsafe_code)]

pub mod allow;
pub mod check;
pub mod code;
pub mod decode;
mod disassemble;
pub mod registers;
pub mod report;
pub mod table;

pub use allow::{AllowList, Glob};
pub use check::{Options, check};
pub use code::{Code, CodeError};
pub use decode::{Instruction, Kind};
pub use report::{Report, Violation, ViolationKind};
