//! What a program shares with its handlers.

use core::cell::UnsafeCell;

/// A value that a handler may change at any instruction: a fault is no call, so the compiler has to be told.
pub struct Cell<T: Copy>(UnsafeCell<T>);

// SAFETY: a process is single-threaded; a handler runs to its end before the program goes on.
unsafe impl<T: Copy> Sync for Cell<T> {}

impl<T: Copy> Cell<T> {
    /// One with a value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// What it is now.
    pub fn get(&self) -> T {
        // SAFETY: nobody keeps a reference to it.
        unsafe { self.0.get().read_volatile() }
    }

    /// Changes it.
    pub fn set(&self, value: T) {
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(value) }
    }
}
