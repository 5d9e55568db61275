//! The profile: where the cycles go, by function and by kind.

use std::collections::HashMap;
use std::fmt::Write;

use crate::counters::{Counters, STALL_NAMES, STALLS};
use crate::cpu::{Executed, Observer};
use crate::symbols::Symbols;

/// Cycles of one function or one address.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    instructions: u64,
    nops: u64,
    stalls: [u64; STALLS],
}

impl Row {
    fn add(&mut self, c: &Counters) {
        self.instructions += c.instructions;
        self.nops += c.nops;
        for (sum, s) in self.stalls.iter_mut().zip(c.stalls) {
            *sum += s;
        }
    }

    fn merge(&mut self, other: &Row) {
        self.instructions += other.instructions;
        self.nops += other.nops;
        for (sum, s) in self.stalls.iter_mut().zip(other.stalls) {
            *sum += s;
        }
    }

    fn cycles(&self) -> u64 {
        self.instructions + self.stalls.iter().sum::<u64>()
    }
}

/// Collects cycles by address.
#[derive(Default)]
pub struct Profile {
    rows: HashMap<(bool, u32), Row>,
}

impl Observer for Profile {
    fn executed(&mut self, step: &Executed<'_>) {
        self.rows.entry((step.user, step.pc)).or_default().add(&step.took);
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Profile {
    /// The table: functions with the most cycles first, `most` of them.
    #[must_use]
    pub fn table(&self, symbols: &Symbols, most: usize) -> String {
        let mut functions: HashMap<String, Row> = HashMap::new();
        let mut total = Row::default();
        for (&(user, pc), row) in &self.rows {
            let name =
                symbols.find(pc).map_or_else(|| format!("{:08x}", pc & 0xffff_f000), |(n, _)| n.to_owned());
            let name = if user { format!("{name} (user)") } else { name };
            functions.entry(name).or_default().merge(row);
            total.merge(row);
        }
        let mut sorted: Vec<_> = functions.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cycles().cmp(&a.1.cycles()).then_with(|| a.0.cmp(&b.0)));
        let mut text = format!("{:>12} {:>6} {:>12} {:>10}", "cycles", "%", "instructions", "nops");
        for name in STALL_NAMES {
            let _ = write!(text, " {name:>13}");
        }
        text += "  function\n";
        let all = total.cycles().max(1);
        for (name, row) in sorted.iter().take(most) {
            text += &line(row, name, all);
        }
        text += &line(&total, "total", all);
        text
    }
}

#[allow(clippy::cast_precision_loss)]
fn line(row: &Row, name: &str, all: u64) -> String {
    let mut text = format!(
        "{:>12} {:>6.2} {:>12} {:>10}",
        row.cycles(),
        row.cycles() as f64 * 100.0 / all as f64,
        row.instructions,
        row.nops
    );
    for s in row.stalls {
        let _ = write!(text, " {s:>13}");
    }
    text + "  " + name + "\n"
}
