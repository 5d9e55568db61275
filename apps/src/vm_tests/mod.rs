//! Tests of ExOS's virtual memory that several programs share: they differ in their page table alone.
//!
//! - [`checks`]: lines and totals, and tests that must give back all that they took
//! - [`model`]: random operations against a model
//! - [`bad_ranges`]: what has to be refused, and with which error

pub mod bad_ranges;
pub mod checks;
pub mod model;
pub mod random;

use exos::abi::layout::PAGE_SIZE;
pub use exos::vm::Protection;

/// A word of a page, to be read and written where a fault may happen.
#[must_use]
pub fn word(page: u32, index: u32) -> *mut u32 {
    (page + index % (PAGE_SIZE / 4) * 4) as *mut u32
}
