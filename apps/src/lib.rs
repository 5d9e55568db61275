//! What several programs of this folder share.
#![no_std]
#![feature(asm_experimental_arch)]

pub mod demonstration;
pub mod testing;
pub mod vm_tests;
