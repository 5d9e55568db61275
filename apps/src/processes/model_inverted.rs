//! Random operations on virtual memory against a model, with the inverted page table.
#![no_std]
#![no_main]

exos::process!(main, page_table: exos::page_table::Inverted<'static>);

fn main() -> u32 {
    apps::vm_tests::model::run("inverted")
}
