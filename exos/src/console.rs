//! Printing.

use core::fmt::{self, Write};

use crate::process::table::head;
use crate::{call, io, process, slice};

/// Writes bytes to the console.
pub fn write(bytes: &[u8]) {
    for chunk in bytes.chunks(12) {
        let mut padded = [0; 12];
        padded[..chunk.len()].copy_from_slice(chunk);
        let word =
            |at: usize| u32::from_le_bytes([padded[at], padded[at + 1], padded[at + 2], padded[at + 3]]);
        // At most twelve bytes are never refused.
        let _ = call::console_write(word(0), word(4), word(8), chunk.len() as u32);
    }
}

/// In [`Table::key`](crate::process::table::Table::key), beside the key.
const TAKEN: u32 = 0x100;

/// Takes a key that has been pressed.
pub(crate) fn take_key() -> Option<u8> {
    slice::critical(|| match head!(key) {
        0 => call::console_read().ok(),
        key => {
            head!(key = 0);
            Some(key)
        }
    })
    .map(|key| key as u8)
}

/// The same for whoever comes first: leaves it in the table of processes. Tells whether there is one.
pub(crate) fn take_key_along() -> bool {
    if head!(key) == 0
        && let Ok(key) = call::console_read()
    {
        head!(key = TAKEN | key);
    }
    head!(key) != 0
}

/// The console as a writer.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(text.as_bytes());
        Ok(())
    }
}

/// An open file of a process as a writer; in a bare program any of them is the console.
pub struct Descriptor(pub usize);

impl Write for Descriptor {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if process::is_process() {
            io::write(self.0, text.as_bytes()).map(|_| ()).map_err(|_| fmt::Error)
        } else {
            Console.write_str(text)
        }
    }
}

/// Prints to the standard output.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        let _ = write!($crate::console::Descriptor(1), $($argument)*);
    }};
}

/// Prints a line to the standard output.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => { $crate::print!("{}\n", format_args!($($argument)*)) };
}

/// Prints a line to the standard error output.
#[macro_export]
macro_rules! eprintln {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        let _ = writeln!($crate::console::Descriptor(2), $($argument)*);
    }};
}
