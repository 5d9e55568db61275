//! The numbers that the paper and its companions published, each with its source and how sure it is.
//!
//! They live in `published.json` beside this crate's manifest, under the row names of results.json, and are compiled in.
//! Nothing else in the project states a published number.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Everything published.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Version of the file's layout: 1.
    pub schema: u32,
    /// What the `source` of a number stands for.
    pub sources: BTreeMap<String, String>,
    /// Tables `1` to `13`, `figure 2` and `figure 3`, then what the text, the talk and the companion papers say.
    pub tables: Vec<Table>,
}

/// One table or figure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `4`, `figure 2`, `text §5.3`, ...
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Its numbers.
    pub rows: Vec<Number>,
}

/// One published number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The row's name, as in results.json.
    pub row: String,
    /// `Ultrix`, `Aegis`, `ExOS`, ...
    pub system: String,
    /// The machine; `DEC5000/125` where the paper prints `DEC5000`.
    pub machine: Option<String>,
    /// The number.
    pub value: Value,
    /// Its unit: `us`, `s`, `instructions`, ...
    pub unit: String,
    /// Figures: the curve.
    pub series: Option<String>,
    /// Figures: the horizontal axis.
    pub x: Option<f64>,
    /// A key of [`Published::sources`].
    pub source: String,
    /// How sure the number is.
    pub confidence: String,
    /// What one should know of it.
    pub note: Option<String>,
}

/// A value, printed as the paper prints it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Printed without a decimal point.
    Whole(i64),
    /// Printed with one.
    Decimal(f64),
    /// Words (tables 1 to 3).
    Text(String),
    /// Printed as "n/a".
    NotAvailable(()),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Whole(n) => write!(f, "{n}"),
            Value::Decimal(x) => write!(f, "{x:?}"),
            Value::Text(text) => write!(f, "{text}"),
            Value::NotAvailable(()) => write!(f, "n/a"),
        }
    }
}

impl Number {
    /// The number, in its unit.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Whole(n) => Some(n as f64),
            Value::Decimal(x) => Some(x),
            Value::Text(_) | Value::NotAvailable(()) => None,
        }
    }

    /// The number as microseconds, if it is a time.
    #[must_use]
    pub fn us(&self) -> Option<f64> {
        let value = self.number()?;
        match self.unit.as_str() {
            "us" => Some(value),
            "ms" => Some(value * 1e3),
            "s" => Some((value * 1e6).round()),
            _ => None,
        }
    }
}

impl Published {
    /// The numbers compiled into this program.
    ///
    /// # Errors
    /// When the file does not parse, or names a source that it does not explain.
    pub fn load() -> anyhow::Result<Self> {
        Self::parse(include_str!("../published.json"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let it: Self = serde_json::from_str(text)?;
        anyhow::ensure!(it.schema == 1, "published.json has schema {}, expected 1", it.schema);
        for table in &it.tables {
            for number in &table.rows {
                let known = it.sources.contains_key(&number.source);
                anyhow::ensure!(known, "{}, {}: unknown source {}", table.id, number.row, number.source);
            }
        }
        Ok(it)
    }

    /// A table by its id.
    #[must_use]
    pub fn table(&self, id: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.id == id)
    }

    /// One number of a table, or of the text, where it may be of no machine.
    #[must_use]
    pub fn number_of(&self, table: &str, row: &str, system: &str, machine: &str) -> Option<&Number> {
        let of_none = |n: &&Number| n.row == row && n.system == system && n.machine.is_none();
        let anywhere = || self.table(table)?.rows.iter().find(of_none);
        self.number(table, row, system, machine).or_else(anywhere)
    }

    /// One number of a table.
    #[must_use]
    pub fn number(&self, table: &str, row: &str, system: &str, machine: &str) -> Option<&Number> {
        self.table(table)?
            .rows
            .iter()
            .find(|n| n.row == row && n.system == system && n.machine.as_deref() == Some(machine))
    }
}

#[cfg(test)]
mod tests;
