//! What of ExOS needs no machine: functions from values to values, tested on the host.
//!
//! - [`page_table`]: three page tables behind one trait (paper, sections 6.2 and 7.2)
//! - [`schedule`]: who runs next (section 7.3)
//! - [`ring`]: the index arithmetic of pipes (section 6.1)
//! - [`elf`]: checks of executable files
//! - [`edit`] and [`command`]: the shell's line editing and language
#![no_std]
#![deny(unsafe_code)] // one loop of the linear page table allows it

extern crate alloc;

pub mod command;
pub mod edit;
pub mod elf;
pub mod page_table;
pub mod ring;
pub mod schedule;
