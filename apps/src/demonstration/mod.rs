//! What the demonstrations share: text in steps, claims that are checked against what was observed, and upcalls
//! that keep a log.
//!
//! A demonstration says nothing of the kernel that it has not seen. Each of its claims is a condition on what was
//! measured in this run; one that does not hold is printed as such, and the program ends with status 1.

pub mod log;
pub mod part;
pub mod upcalls;

use core::fmt::{self, Write};

use exos::abi::calls::Fact;
use exos::abi::layout::QUANTUM_US;
use exos::{call, print, println};

use crate::testing::Outcome;

/// Tells a demonstration, and keeps the first claim that did not hold.
pub struct Narrator {
    name: &'static str,
    step: u32,
    title: &'static str,
    /// Claims so far.
    claims: u32,
    wrong: Option<(u32, &'static str)>,
}

impl Narrator {
    /// Begins a step.
    pub fn step(&mut self, title: &'static str) {
        self.step += 1;
        self.title = title;
        println!("\n{}. {title}\n", self.step);
    }

    /// Says something: a paragraph, broken into lines.
    pub fn say(&self, text: fmt::Arguments<'_>) {
        let mut paragraph = Paragraph { column: 0, word: [0; WIDTH], length: 0 };
        let _ = paragraph.write_fmt(text);
        paragraph.end_word();
        println!("\n");
    }

    /// Makes a claim, and says whether it holds.
    pub fn claim(&mut self, holds: bool, claim: fmt::Arguments<'_>) {
        self.claims += 1;
        println!("   [{}] {claim}", if holds { "seen" } else { "NOT SEEN" });
        if !holds && self.wrong.is_none() {
            self.wrong = Some((self.step, self.title));
        }
    }

    /// Ends the demonstration with its line; the answer is an exit status.
    fn end(self, outcome: Outcome) -> u32 {
        println!();
        if let Err(failure) = outcome {
            println!("{}: step {} ({}) could not go on: {failure}", self.name, self.step, self.title);
            return 1;
        }
        match self.wrong {
            None => {
                println!("{} claims, each of them seen in this run", self.claims);
                println!("{}: as described", self.name);
                0
            }
            Some((step, title)) => {
                println!("{}: step {step} ({title}) was not as described", self.name);
                1
            }
        }
    }
}

/// Tells the demonstration of this name; the answer is an exit status.
#[must_use]
pub fn tell(name: &'static str, about: &str, story: fn(&mut Narrator) -> Outcome) -> u32 {
    println!("{name}: {about}");
    println!(
        "[seen] marks what this run has observed; all else explains it. On QEMU's malta a microsecond is"
    );
    println!("a thousand instructions; the model of a DECstation keeps that machine's time.");
    if quantum() == QUANTUM_US {
        // A DECstation without the model's counter: who runs when could not be told.
        println!("{name}: needs a clock that is finer than a slice, which this machine has not");
        return 1;
    }
    let mut narrator = Narrator { name, step: 0, title: "", claims: 0, wrong: None };
    let outcome = story(&mut narrator);
    narrator.end(outcome)
}

/// Columns of a paragraph's lines.
const WIDTH: usize = 100;
/// How far they are indented.
const INDENT: usize = 3;

/// Writes words to the console, in lines.
struct Paragraph {
    column: usize,
    word: [u8; WIDTH],
    length: usize,
}

impl Paragraph {
    fn end_word(&mut self) {
        let word = core::str::from_utf8(&self.word[..self.length]).unwrap_or("?");
        if self.column == 0 {
            print!("{:INDENT$}{word}", "");
            self.column = INDENT + self.length;
        } else if self.column + 1 + self.length > WIDTH {
            print!("\n{:INDENT$}{word}", "");
            self.column = INDENT + self.length;
        } else {
            print!(" {word}");
            self.column += 1 + self.length;
        }
        self.length = 0;
    }
}

impl Write for Paragraph {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b' ' {
                self.end_word();
            } else {
                *self.word.get_mut(self.length).ok_or(fmt::Error)? = byte;
                self.length += 1;
            }
        }
        Ok(())
    }
}

/// How long a slice is, in ticks of the machine's counter.
#[must_use]
pub fn quantum() -> u32 {
    call::machine(Fact::QuantumTicks as u32).unwrap_or(1).max(1)
}

/// A time, to be printed in microseconds.
#[derive(Clone, Copy)]
pub struct Us(u64);

impl Us {
    /// Of ticks of the machine's counter; a slice takes `quantum` of them.
    #[must_use]
    pub fn new(ticks: u32, quantum: u32) -> Self {
        Self(u64::from(ticks) * u64::from(QUANTUM_US) * 100 / u64::from(quantum))
    }

    /// Whole microseconds.
    #[must_use]
    pub const fn whole(self) -> u32 {
        (self.0 / 100) as u32
    }
}

impl fmt::Display for Us {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The width is that of the whole number.
        let width = f.width().unwrap_or(0).saturating_sub(3);
        write!(f, "{:width$}.{:02}", self.0 / 100, self.0 % 100)
    }
}
