//! A console whose input is known in advance, so that runs repeat exactly.

use std::collections::VecDeque;
use std::io::{BufWriter, Write};

use crate::board::serial::SerialBackend;
use crate::bus::Cycles;

/// Output to the host; input from a script, as fast as the line takes it.
pub struct Scripted {
    input: VecDeque<u8>,
    output: BufWriter<Box<dyn Write + Send>>,
    prefix: String,
    line_start: bool,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

impl Scripted {
    /// A console that has `input` typed at it; each line of output gets `prefix`.
    #[must_use]
    pub fn new(input: Vec<u8>, output: Box<dyn Write + Send>, prefix: String) -> Self {
        Scripted { input: input.into(), output: BufWriter::new(output), prefix, line_start: true }
    }
}

impl SerialBackend for Scripted {
    fn poll_input(&mut self, _now: Cycles) -> Option<u8> {
        self.input.pop_front()
    }

    fn output(&mut self, byte: u8) {
        // Nobody is left to tell if the host's output is closed.
        if std::mem::take(&mut self.line_start) && !self.prefix.is_empty() {
            let _ = self.output.write_all(self.prefix.as_bytes());
        }
        let _ = self.output.write_all(&[byte]);
        if byte == b'\n' {
            self.line_start = true;
            let _ = self.output.flush();
        }
    }

    fn flush(&mut self) {
        let _ = self.output.flush();
    }

    fn has_input(&self) -> bool {
        !self.input.is_empty()
    }
}
