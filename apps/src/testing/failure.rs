//! What a test found wrong.

use core::fmt::{self, Write};
use core::panic::Location;

use exos::abi::Error;
use exos::spawn::SpawnError;

/// What a test answers.
pub type Outcome = Result<(), Failure>;

/// What was wrong, in words, and where in the test.
pub struct Failure {
    text: [u8; Self::BYTES],
    length: usize,
}

impl Failure {
    const BYTES: usize = 300;

    /// A failure of the caller.
    #[track_caller]
    #[must_use]
    pub fn new(what: fmt::Arguments<'_>) -> Self {
        let place = Location::caller();
        let file = place.file().rsplit('/').next().unwrap_or("");
        let mut failure = Self { text: [0; Self::BYTES], length: 0 };
        // Too long a text is cut.
        let _ = write!(failure, "{file}:{}: {what}", place.line());
        failure
    }
}

impl Write for Failure {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.text.get_mut(self.length).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.text[..self.length]).unwrap_or("(not text)"))
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::new(format_args!("Aegis refused: {error:?}"))
    }
}

impl From<SpawnError> for Failure {
    #[track_caller]
    fn from(error: SpawnError) -> Self {
        Self::new(format_args!("no program: {error:?}"))
    }
}

/// What the calls of ExOS answer, in words.
macro_rules! from_error {
    ($($error:ty, $whose:literal;)*) => {
        $(impl From<$error> for Failure {
            #[track_caller]
            fn from(error: $error) -> Self {
                Self::new(format_args!(concat!($whose, ": {:?}"), error))
            }
        })*
    };
}

from_error! {
    exos::process::ProcessError, "processes";
    exos::process::ExecError, "exec";
    exos::io::IoError, "files";
    exos::vm::VmError, "memory";
    exos::rpc::RpcError, "calls";
}

/// Ends a test with a [`Failure`] unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::testing::Failure::new(format_args!($($text)+)));
        }
    };
}

/// Ends a test with a [`Failure`] unless both are equal.
#[macro_export]
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($text:tt)+) => {
        match (&$left, &$right) {
            (left, right) => if *left != *right {
                return Err($crate::testing::Failure::new(
                    format_args!("{}: {left:x?} is not {right:x?}", format_args!($($text)+))));
            }
        }
    };
}
