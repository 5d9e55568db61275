//! Tables 10 and 13 with the inverted page table.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

#[path = "../measure.rs"]
mod measure;
#[path = "../measure_vm.rs"]
mod measure_vm;

exos::process!(main, page_table: exos::page_table::Inverted<'static>);

fn main() -> u32 {
    measure_vm::run("ExOS inverted", false)
}
