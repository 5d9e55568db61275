//! What the kernel itself prints.

use core::fmt::{self, Write};

use crate::board;

/// The console as a writer.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                board::put(b'\r');
            }
            board::put(byte);
        }
        Ok(())
    }
}

/// Prints a line of the kernel's.
#[macro_export]
macro_rules! report {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        let _ = writeln!($crate::console::Console, $($argument)*);
    }};
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    report!("aegis: panic: {info}");
    crate::history::print();
    board::exit(102)
}
