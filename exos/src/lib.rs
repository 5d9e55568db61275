//! ExOS: a library operating system for Aegis (paper, section 6).
//!
//! An ordinary, untrusted library in the address space of the program that links it. It turns what
//! the kernel exports into what programs expect. Nearest to Aegis, for every program:
//!
//! - [`program!`](crate::program): a bare environment, from the start of a time slice to `main`, and its end
//! - [`call`]: a stub for each call of Aegis, made from the table in `aegis-abi`
//! - [`exception`]: handlers for exceptions, in Rust, resumed without the kernel
//! - [`slice`](mod@slice): saving and restoring the processor's state at the ends of time slices
//! - [`transfer`]: protected control transfer
//! - [`memory`]: pages, their capabilities, and guaranteed mappings
//! - [`machine`]: what Aegis lets everybody see: owners of pages and slices, the software TLB, the boot image
//! - [`spawn`]: a new environment from a program of the boot image
//! - [`console`]: `print!` and `println!`
//!
//! And on top of these, for programs that want an operating system as one knows it:
//!
//! - [`process!`](crate::process!) and [`process`]: fork, exec, wait, arguments, environment variables
//! - [`vm`]: virtual memory, with a page table of one's choice ([`page_table`])
//! - `Vec`, `String` and `Box` of the crate `alloc`: memory comes from [`vm`] as it is needed
//! - [`io`] and [`pipe`]: open files and pipes
//! - [`signal`]: signals
//! - [`rpc`]: calls into another address space
//! - [`schedule`]: who gets the time slices
//! - [`layout`]: where all of it lies
//!
//! What needs no machine is in `exos-core` and tested on the host.
#![no_std]
#![feature(asm_experimental_arch)]

pub mod call;
pub mod console;
pub mod exception;
mod heap;
pub mod io;
pub mod layout;
pub mod machine;
pub mod memory;
pub mod pipe;
pub mod process;
pub mod rpc;
pub mod schedule;
pub mod signal;
pub mod slice;
pub mod spawn;
pub mod start;
pub mod transfer;
pub mod vm;

pub use aegis_abi as abi;
pub use exos_core::{command, edit, page_table};
