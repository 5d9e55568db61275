//! One way through the program, instruction by instruction, with what each costs and why.
//!
//! ```text
//! == user, address space 1: unalign
//!   cycle  address   where              instruction        cycles  why
//!       0  00010018  unalign+0x8        lw $t2,1($t1)           5  issue 1, exception 4 => AdEL
//! == kernel: general vector
//!       5  80000080  general vector     lui $k0,0x8005          1  issue 1
//! ```
//!
//! It begins with the instruction at one address, at the n-th time that this is executed, and ends
//! before the instruction at another: places of the program, so that it shows the same path when
//! the program around it changes. The counts are those of an unwatched run.

use std::io::Write;

use crate::bus::Cycles;
use crate::counters::{Counters, STALL_NAMES};
use crate::cpu::{Executed, Observer};
use crate::disasm;
use crate::symbols::{Space, Symbols};

/// A place in a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The address space, if it matters.
    pub space: Space,
    /// The instruction's address.
    pub address: u32,
}

impl Place {
    /// Reads `SYMBOL`, `SYMBOL+OFFSET` or `0xADDRESS`; offsets decimal or with `0x`.
    ///
    /// # Errors
    /// A message: an unknown symbol, a bad number.
    pub fn parse(text: &str, symbols: &Symbols) -> Result<Self, String> {
        let number = |t: &str| match t.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).map_err(|_| format!("`{t}` is not a number")),
            None => t.parse().map_err(|_| format!("`{t}` is not a number")),
        };
        if text.starts_with("0x") {
            return Ok(Place { space: None, address: number(text)? });
        }
        let (name, offset) = text.split_once('+').map_or((text, Ok(0)), |(name, t)| (name, number(t)));
        let (space, start) = symbols.locate(name).ok_or_else(|| {
            format!("no symbol `{name}`; --symbols ELF adds those of a program within the image")
        })?;
        Ok(Place { space, address: start.wrapping_add(offset?) })
    }

    fn is(self, step: &Executed<'_>) -> bool {
        step.pc == self.address && self.space.is_none_or(|space| step.user && step.asid == space)
    }
}

/// A stretch of the path in one mode and address space.
struct Part {
    /// The user address space, `None` in the kernel.
    user: Space,
    name: String,
    begins: Cycles,
    took: Counters,
}

/// Writes the path.
pub struct Follow {
    output: Box<dyn Write>,
    symbols: Symbols,
    clock_hz: u64,
    from: Place,
    until: Place,
    /// Which time of being at `from` it is to be, the first being 1.
    pass: u64,
    seen: u64,
    began: Option<Cycles>,
    parts: Vec<Part>,
    done: bool,
}

fn sum(a: &mut Counters, b: &Counters) {
    a.cycles += b.cycles;
    a.instructions += b.instructions;
    for (sum, more) in a.stalls.iter_mut().zip(b.stalls) {
        *sum += more;
    }
}

/// `issue 1, I-miss 18`: all that is not zero.
fn why(took: &Counters) -> String {
    let kinds = std::iter::once(("issue", took.instructions)).chain(STALL_NAMES.into_iter().zip(took.stalls));
    let named: Vec<String> = kinds.filter(|k| k.1 != 0).map(|(name, n)| format!("{name} {n}")).collect();
    named.join(", ")
}

impl Follow {
    /// Follows from `from`, at the `pass`-th time (from 1 on), until before `until`.
    #[must_use]
    pub fn new(
        output: Box<dyn Write>,
        symbols: Symbols,
        clock_hz: u64,
        (from, until): (Place, Place),
        pass: u64,
    ) -> Self {
        Follow {
            output,
            symbols,
            clock_hz,
            from,
            until,
            pass,
            seen: 0,
            began: None,
            parts: Vec::new(),
            done: false,
        }
    }

    /// How often the run came to `from`, if the path asked for never ended.
    #[must_use]
    pub fn missed(&self) -> Option<u64> {
        (!self.done).then_some(self.seen)
    }

    /// A name for the address: the exception vectors are copies that no symbol table knows.
    fn describe(&self, space: Space, pc: u32) -> String {
        let offset = pc & 0x7f;
        let vector = match pc & !0x7f {
            0x8000_0000 => "UTLB vector",
            0x8000_0080 => "general vector",
            _ => return self.symbols.describe_in(space, pc),
        };
        if offset == 0 { vector.to_owned() } else { format!("{vector}+{offset:#x}") }
    }

    fn put(&mut self, line: &str) {
        // A reader that has gone away is no reason to stop the machine.
        let _ = writeln!(self.output, "{}", line.trim_end());
    }

    fn begin_part(&mut self, user: Space, pc: u32, begins: Cycles) {
        let place = self.describe(user, pc);
        let name = place.split('+').next().unwrap_or(&place).to_owned();
        self.put(&match user {
            Some(space) => format!("== user, address space {space}: {name}"),
            None => format!("== kernel: {name}"),
        });
        if self.parts.is_empty() {
            self.put(&format!(
                "{:>7}  {:<8}  {:<36} {:<28} {:>6}  why",
                "cycle", "address", "where", "instruction", "cycles"
            ));
        }
        self.parts.push(Part { user, name, begins, took: Counters::default() });
    }

    fn step(&mut self, step: &Executed<'_>, at: Cycles) {
        let user = step.user.then_some(step.asid);
        if self.parts.last().is_none_or(|part| part.user != user) {
            self.begin_part(user, step.pc, at);
        }
        let instruction = match step.word {
            Some(word) => disasm::disassemble(step.pc, word),
            None => "(no instruction)".to_owned(),
        };
        let mut line = format!(
            "{at:>7}  {:08x}  {:<36} {instruction:<28} {:>6}  {}",
            step.pc,
            self.describe(user, step.pc),
            step.took.cycles,
            why(&step.took)
        );
        if let Some(exception) = step.exception {
            line += &format!(" => {exception:?}");
        }
        self.put(&line);
        if let Some(part) = self.parts.last_mut() {
            sum(&mut part.took, &step.took);
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn microseconds(&self, cycles: Cycles) -> f64 {
        cycles as f64 * 1e6 / self.clock_hz as f64
    }

    fn totals(&mut self) {
        let mut total = Counters::default();
        let mut lines = vec![format!(
            "{:>7}  {:<36} {:>12} {:>7} {:>8}  of these",
            "begins", "part", "instructions", "cycles", "us"
        )];
        let mut line = |begins: String, name: &str, took: &Counters| {
            lines.push(format!(
                "{begins:>7}  {name:<36} {:>12} {:>7} {:>8.3}  {}",
                took.instructions,
                took.cycles,
                self.microseconds(took.cycles),
                why(took)
            ));
        };
        for part in &self.parts {
            let mode = if part.user.is_some() { "user" } else { "kernel" };
            line(part.begins.to_string(), &format!("{mode}: {}", part.name), &part.took);
            sum(&mut total, &part.took);
        }
        line(String::new(), "total", &total);
        self.put("");
        for line in lines {
            self.put(&line);
        }
    }
}

impl Observer for Follow {
    fn executed(&mut self, step: &Executed<'_>) {
        if self.done {
            return;
        }
        match self.began {
            Some(_) if self.until.is(step) => {
                self.totals();
                self.done = true;
            }
            Some(began) => self.step(step, step.started - began),
            None if self.from.is(step) => {
                self.seen += 1;
                if self.seen == self.pass {
                    self.began = Some(step.started);
                    self.step(step, 0);
                }
            }
            None => {}
        }
    }

    fn done(&self) -> bool {
        self.done
    }

    fn finish(&mut self) {
        let _ = self.output.flush();
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests;
