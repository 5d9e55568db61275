//! Printing.

use core::fmt::{self, Write};

use crate::call;

/// The console as a writer.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for chunk in text.as_bytes().chunks(12) {
            let mut bytes = [0; 12];
            bytes[..chunk.len()].copy_from_slice(chunk);
            let word =
                |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            call::console_write(word(0), word(4), word(8), chunk.len() as u32).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

/// Prints to the console.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        let _ = write!($crate::console::Console, $($argument)*);
    }};
}

/// Prints a line to the console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => { $crate::print!("{}\n", format_args!($($argument)*)) };
}
