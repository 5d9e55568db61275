//! What a serial line is connected to.
//!
//! The line asks its backend for a character whenever the receiver could take one, at modelled
//! times; a backend that depends on the host (a terminal) is therefore the only thing that can make
//! two runs differ, and scripted input never does.

use std::collections::VecDeque;
use std::io::{BufWriter, Read, Write};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex};

use crate::bus::Cycles;

/// The far end of a serial line.
pub trait SerialBackend: Send + std::fmt::Debug {
    /// The next character that has arrived by cycle `now`, if any.
    fn poll_input(&mut self, now: Cycles) -> Option<u8>;

    /// Takes a character that the machine has sent.
    fn output(&mut self, byte: u8);

    /// Pushes out what is held back.
    fn flush(&mut self) {}

    /// Whether anybody is at the far end, as the modem signals show.
    fn connected(&self) -> bool {
        true
    }

    /// Whether input can ever arrive; a line without any is never polled.
    fn has_input(&self) -> bool {
        true
    }
}

/// Nothing is connected.
#[derive(Debug, Default)]
pub struct Null;

impl SerialBackend for Null {
    fn poll_input(&mut self, _now: Cycles) -> Option<u8> {
        None
    }

    fn output(&mut self, _byte: u8) {}

    fn connected(&self) -> bool {
        false
    }

    fn has_input(&self) -> bool {
        false
    }
}

#[derive(Debug, Default)]
struct BufferState {
    input: VecDeque<(Cycles, u8)>,
    output: Vec<u8>,
}

/// Memory: input given in advance, output collected. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Buffer(Arc<Mutex<BufferState>>);

impl Buffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Buffer {
        Buffer::default()
    }

    /// Lets `bytes` arrive from cycle `from` on, as fast as the line takes them.
    pub fn type_at(&self, from: Cycles, bytes: &[u8]) {
        self.with(|state| state.input.extend(bytes.iter().map(|&byte| (from, byte))));
    }

    /// What has been sent so far, as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.with(|state| String::from_utf8_lossy(&state.output).into_owned())
    }

    fn with<T>(&self, act: impl FnOnce(&mut BufferState) -> T) -> T {
        // A panic elsewhere leaves the buffer's contents whole.
        let mut state = self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        act(&mut state)
    }
}

impl SerialBackend for Buffer {
    fn poll_input(&mut self, now: Cycles) -> Option<u8> {
        self.with(|state| match state.input.front() {
            Some(&(from, byte)) if from <= now => {
                state.input.pop_front();
                Some(byte)
            }
            _ => None,
        })
    }

    fn output(&mut self, byte: u8) {
        self.with(|state| state.output.push(byte));
    }
}

/// A host stream in each direction: the terminal, pipes or files. Input is read by a thread, so
/// that the machine never waits for it.
pub struct Stream {
    input: Option<Receiver<u8>>,
    output: BufWriter<Box<dyn Write + Send>>,
}

impl Stream {
    /// Standard input and output.
    #[must_use]
    pub fn terminal() -> Stream {
        Stream::new(Some(Box::new(std::io::stdin())), Box::new(std::io::stdout()))
    }

    /// Input from `input`, if there is any, and output to `output`.
    #[must_use]
    pub fn new(input: Option<Box<dyn Read + Send>>, output: Box<dyn Write + Send>) -> Stream {
        Stream { input: input.map(reader_thread), output: BufWriter::new(output) }
    }
}

/// Starts the thread that reads `input` and hands its bytes over.
fn reader_thread(mut input: Box<dyn Read + Send>) -> Receiver<u8> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = input.read(&mut buffer) {
            if buffer[..count].iter().any(|&byte| sender.send(byte).is_err()) {
                break;
            }
        }
    });
    receiver
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl SerialBackend for Stream {
    fn poll_input(&mut self, _now: Cycles) -> Option<u8> {
        match self.input.as_ref()?.try_recv() {
            Ok(byte) => Some(byte),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.input = None;
                None
            }
        }
    }

    fn output(&mut self, byte: u8) {
        // A closed terminal must not end the machine; there is nobody left to tell.
        let _ = self.output.write_all(&[byte]);
        if byte == b'\n' {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let _ = self.output.flush();
    }

    fn has_input(&self) -> bool {
        self.input.is_some()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
#[path = "tests_serial.rs"]
mod tests;
