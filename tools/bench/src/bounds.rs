//! Lower bounds: what no kernel that keeps the same promises can be faster than, on a given machine.
//!
//! `bounds.toml` beside this crate's manifest counts, for a row, the instructions, exceptions and stores that cannot be
//! avoided; docs/hot-paths.md argues for each. Cycles follow from the machine's parameters: every instruction takes one,
//! every exception its entry; and no fewer than all of it take the stores' way through the write buffer, which in a long loop
//! has to be emptied as fast as it is filled, and the multiplier, which makes one product at a time.

use serde::Deserialize;

use decstation::params::Params;

/// What a row cannot do without, for each operation.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The table.
    pub table: String,
    /// The rows that it holds for.
    pub rows: Vec<String>,
    /// The systems that it holds for, where a table has several that differ in it.
    #[serde(default)]
    pub systems: Vec<String>,
    /// Instructions.
    pub instructions: f64,
    /// Exceptions taken.
    pub exceptions: f64,
    /// Words stored.
    pub stores: f64,
    /// Products.
    #[serde(default)]
    pub multiplications: f64,
    /// What it rests on, in a sentence.
    pub why: String,
}

impl Bound {
    /// Microseconds on a machine.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn us(&self, machine: &Params) -> f64 {
        let processor = self.instructions + self.exceptions * f64::from(machine.exception_entry);
        let memory = self.stores * f64::from(machine.write_retire.min(machine.same_page_retire));
        let multiplier = self.multiplications * f64::from(machine.mult_cycles);
        processor.max(memory).max(multiplier) * 1e6 / machine.clock_hz as f64
    }
}

/// All of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    bound: Vec<Bound>,
}

impl Bounds {
    /// Those compiled into this program.
    ///
    /// # Errors
    /// When the file does not parse.
    pub fn load() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("../bounds.toml"))
    }

    /// The bound of a row.
    #[must_use]
    pub fn of(&self, table: &str, row: &str, system: &str) -> Option<&Bound> {
        self.bound.iter().find(|b| {
            b.table == table
                && b.rows.iter().any(|r| r == row)
                && (b.systems.is_empty() || b.systems.iter().any(|s| s == system))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decstation::MACHINES;
    use crate::published::Published;
    use crate::suite::{Part, SUITE};

    fn machine(name: &str) -> Params {
        Params::built_in(name, decstation::params::Bound::Central).expect("is there")
    }

    #[test]
    fn every_row_of_the_paper_has_one() {
        let bounds = Bounds::load().expect("parses");
        let numbered = |part: &&Part| part.table.parse::<u32>().is_ok();
        for part in SUITE.iter().flat_map(|image| image.parts).filter(numbered) {
            for row in part.rows {
                let there = bounds.of(part.table, row, part.system).is_some();
                assert!(there, "table {}, {row}, {}", part.table, part.system);
            }
        }
    }

    #[test]
    fn no_row_is_bound_twice_and_the_same_operation_alike() {
        let bounds = Bounds::load().expect("parses");
        for (index, a) in bounds.bound.iter().enumerate() {
            for b in bounds.bound[..index].iter().filter(|b| b.table == a.table) {
                let both = |x: &[String], y: &[String]| {
                    x.is_empty() || y.is_empty() || x.iter().any(|s| y.contains(s))
                };
                let same = a.rows.iter().any(|row| b.rows.contains(row)) && both(&a.systems, &b.systems);
                assert!(!same, "table {}: {:?} and {:?}", a.table, a.rows, b.rows);
            }
        }
        let cost = |table, row, system| {
            let bound = bounds.of(table, row, system).expect("is there");
            (bound.instructions.to_bits(), bound.exceptions.to_bits(), bound.stores.to_bits())
        };
        assert_eq!(cost("8", "lrpc", "ExOS"), cost("12", "lrpc", "ExOS"));
        for row in ["dirty", "prot1", "prot100", "unprot100", "trap", "appel1", "appel2"] {
            assert_eq!(cost("10", row, "ExOS"), cost("13", row, "ExOS linear"), "{row}");
        }
    }

    #[test]
    fn no_published_row_is_faster_than_its_bound() {
        // What was measured in 1995 was possible: else a bound is wrong, or a parameter of the model's.
        let (bounds, published) = (Bounds::load().expect("parses"), Published::load().expect("loads"));
        let mut compared = 0;
        for table in &published.tables {
            for n in &table.rows {
                let bound = bounds.of(&table.id, &n.row, &n.system);
                let model = MACHINES.iter().find(|(name, _)| n.machine.as_deref() == Some(name));
                let (Some(bound), Some((_, option)), Some(us)) = (bound, model, n.us()) else { continue };
                assert!(
                    bound.us(&machine(option)) <= us * 1.01,
                    "table {}, {}, {:?}",
                    table.id,
                    n.row,
                    n.machine
                );
                compared += 1;
            }
        }
        assert!(compared > 80, "{compared}");
    }

    #[test]
    fn cycles_become_microseconds() {
        let bounds = Bounds::load().expect("parses");
        let call = bounds.of("4", "procedure call", "Aegis").expect("is there");
        let us: Vec<f64> = MACHINES.iter().map(|(_, name)| call.us(&machine(name))).collect();
        assert_eq!(
            us.iter().map(|us| format!("{us:.2}")).collect::<Vec<_>>(),
            ["0.56", "0.42", "0.28", "0.28"]
        );
    }

    #[test]
    fn many_stores_are_bound_by_memory() {
        let bound = Bound {
            table: String::new(),
            rows: Vec::new(),
            systems: Vec::new(),
            multiplications: 0.0,
            instructions: 10.0,
            exceptions: 1.0,
            stores: 3.0,
            why: String::new(),
        };
        // 14 cycles of the processor's, 18 of the memory's, at 12.5 MHz.
        assert!((bound.us(&machine("2100")) - 18.0 / 12.5).abs() < 1e-9);
        // 15 of the memory's at 25 MHz; with page mode 3, so the processor's 14 count.
        assert!((bound.us(&machine("5000/125")) - 15.0 / 25.0).abs() < 1e-9);
        assert!((bound.us(&machine("5000/200")) - 14.0 / 25.0).abs() < 1e-9);
        // Two products take 24 cycles on each of them.
        let bound = Bound { multiplications: 2.0, ..bound };
        assert!((bound.us(&machine("5000/200")) - 24.0 / 25.0).abs() < 1e-9);
    }
}
