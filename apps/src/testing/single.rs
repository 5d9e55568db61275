//! Global state of a program that has one thread.

use core::cell::Cell;

/// A global cell. Its contents are copied in and out, so that an exception handler that uses it in
/// the middle of something finds a whole value.
pub struct Single<T>(Cell<T>);

// SAFETY: a program has one thread. An exception handler or upcall interrupts it at an instruction
// and runs to its end before it goes on.
unsafe impl<T> Sync for Single<T> {}

impl<T: Copy> Single<T> {
    /// A cell with this value.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// Its value.
    pub fn get(&self) -> T {
        // SAFETY: `as_ptr` is valid. Volatile, since a handler may change it behind the compiler.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    /// Changes its value.
    pub fn set(&self, value: T) {
        // SAFETY: as in `get`.
        unsafe { self.0.as_ptr().write_volatile(value) };
    }
}
