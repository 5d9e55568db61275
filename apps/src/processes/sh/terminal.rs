//! The console while a job has it: the shell reads the keys, shows and edits the line, and passes it on to the job's standard
//! input, so that Control-C, Control-Z and Control-D mean what they do elsewhere.

use alloc::vec::Vec;
use core::mem;

use exos::edit::{Editor, Event};
use exos::io::IoError;
use exos::{console, io, process, signal};

use crate::Shell;
use crate::job::{self, Job};

/// Bytes of input that wait to be read, before keys are turned away.
const AHEAD: usize = 8192;

/// What was typed for a job and has not been passed on.
#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    /// Nothing comes behind it.
    ended: bool,
}

impl Ahead {
    /// Passes on a line if the job waits for one: what it does not take is the shell's again when it has ended.
    fn pass_on(&mut self, job: &mut Job) {
        let Some(descriptor) = job.input else { return };
        if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n')
            && io::is_awaited(descriptor)
        {
            match io::try_write(descriptor, &self.bytes[..=end]) {
                Ok(done) => drop(self.bytes.drain(..done)),
                Err(IoError::BrokenPipe) => job.close_input(),
                Err(_) => {}
            }
        }
        if self.ended && self.bytes.is_empty() {
            job.close_input();
        }
    }
}

impl Shell {
    /// Gives the console to a job until it ends, or is sent to the background.
    pub fn foreground(&mut self, job: &mut Job) {
        let mut editor = Editor::new("");
        let mut ahead = Ahead::default();
        let mut out = Vec::new();
        loop {
            job::reap_all(core::slice::from_mut(job));
            job::reap_all(&mut self.jobs);
            if job.status().is_some() {
                self.keys.extend(ahead.bytes.iter().chain(editor.line()));
                return;
            }
            let key = io::wait_for_key(|| {
                if !ahead.bytes.is_empty() {
                    ahead.pass_on(job);
                }
                process::has_ended_child()
            });
            let Ok(Some(key)) = key else { continue };
            match editor.key(key, &mut out) {
                Event::Line(line) if ahead.bytes.len() + line.len() < AHEAD => {
                    ahead.bytes.extend_from_slice(line.as_bytes());
                    ahead.bytes.push(b'\n');
                }
                Event::Line(_) => out.push(7),
                Event::End => ahead.ended = true,
                Event::Interrupt => _ = job.kill(signal::SIGINT),
                Event::Suspend => {
                    console::write(&out);
                    return;
                }
                Event::Nothing | Event::Complete => {}
            }
            console::write(&mem::take(&mut out));
            ahead.pass_on(job);
        }
    }
}
