//! ExOS: a library operating system for Aegis (paper, section 6).
//!
//! An ordinary, untrusted library in the address space of the program that links it. It turns what
//! the kernel exports into what programs expect:
//!
//! - [`program!`](crate::program): from the start of a time slice to `main`, and its end
//! - [`call`]: a stub for each call of Aegis, made from the table in `aegis-abi`
//! - [`exception`]: handlers for exceptions, in Rust, resumed without the kernel
//! - [`slice`](mod@slice): saving and restoring the processor's state at the ends of time slices
//! - [`transfer`]: protected control transfer
//! - [`memory`]: pages, their capabilities, and mappings
//! - [`spawn`]: a new environment from a program of the boot image
//! - [`console`]: `print!` and `println!`
#![no_std]
#![feature(asm_experimental_arch)]

pub mod call;
pub mod console;
pub mod exception;
pub mod memory;
pub mod slice;
pub mod spawn;
pub mod start;
pub mod transfer;

pub use aegis_abi as abi;
