//! The instruction trace: one line for each step.
//!
//! ```text
//!      cycle mode and ASID, address, function    instruction       effect           stalls
//!       1042 k00 8003005c start+0x5c             lw $t0,0($a0)     $t0<-00000001    +15 D-miss
//! ```
//!
//! `<-` is a load whose result the next instruction does not see yet. A step that ends in an
//! exception ends with its name. A second of modelled time makes gigabytes of it, so it ends after a
//! number of steps.

use std::io::Write;
use std::ops::Range;

use crate::bus::Cycles;
use crate::counters::STALL_NAMES;
use crate::cpu::{Executed, Observer};
use crate::disasm::{self, REGS};
use crate::symbols::Symbols;

/// How many steps are written unless another number is asked for: some 150 MB.
pub const DEFAULT_LIMIT: u64 = 1_000_000;

/// Writes the trace.
pub struct Trace {
    output: Box<dyn Write>,
    symbols: Symbols,
    when: Range<Cycles>,
    limit: Option<u64>,
    written: u64,
    regs: [u32; 32],
}

impl Trace {
    /// A trace of the steps that begin within `when`, to `output`.
    #[must_use]
    pub fn new(output: Box<dyn Write>, symbols: Symbols, when: Range<Cycles>) -> Self {
        Trace { output, symbols, when, limit: None, written: 0, regs: [0; 32] }
    }

    /// Ends after `limit` steps.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The limit, if it was reached.
    #[must_use]
    pub fn cut_at(&self) -> Option<u64> {
        self.limit.filter(|&limit| self.written > limit)
    }

    fn write(&mut self, step: &Executed<'_>) {
        if self.cut_at().is_some() {
            return;
        }
        self.written += 1;
        let line = match self.cut_at() {
            Some(limit) => format!("... the trace ends here, after {limit} steps: see --trace-limit"),
            None => self.line(step),
        };
        // A reader that has gone away is no reason to stop the machine.
        let _ = writeln!(self.output, "{}", line.trim_end());
    }

    fn effects(&self, step: &Executed<'_>) -> String {
        let mut text = String::new();
        for (n, (new, old)) in step.regs.iter().zip(&self.regs).enumerate() {
            if new != old {
                text += &format!("${}={new:08x} ", REGS[n]);
            }
        }
        let (reg, value) = step.loading;
        if reg != 0 {
            text += &format!("${}<-{value:08x}", REGS[reg]);
        }
        text.trim_end().to_owned()
    }

    fn stalls(step: &Executed<'_>) -> String {
        let mut text = String::new();
        for (name, cycles) in STALL_NAMES.iter().zip(step.took.stalls) {
            if cycles != 0 {
                text += &format!("  +{cycles} {name}");
            }
        }
        text
    }

    fn line(&self, step: &Executed<'_>) -> String {
        let instruction = match step.word {
            Some(word) => disasm::disassemble(step.pc, word),
            None => "(no instruction)".to_owned(),
        };
        let mode = if step.user { 'u' } else { 'k' };
        let mut line = format!(
            "{:>12} {mode}{:02} {:08x} {:<28} {instruction:<28} {:<16}{}",
            step.started,
            step.asid,
            step.pc,
            self.symbols.describe_in(step.user.then_some(step.asid), step.pc),
            self.effects(step),
            Self::stalls(step),
        );
        if let Some(e) = step.exception {
            line += &format!("  => {e:?}");
        }
        line
    }
}

impl Observer for Trace {
    fn executed(&mut self, step: &Executed<'_>) {
        if self.when.contains(&step.started) {
            self.write(step);
        }
        self.regs = *step.regs;
    }

    fn finish(&mut self) {
        let _ = self.output.flush();
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
