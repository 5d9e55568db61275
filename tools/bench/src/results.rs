//! `results.json`: one row for each measured number, and what it was measured with.
//!
//! The same measurements always make the same bytes: no dates, no times, keys sorted, rows in the paper's order.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decstation::MACHINES;
use crate::published::Published;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// What the rows were measured with.
    pub environment: Environment,
    /// The rows, in the paper's order.
    pub rows: Vec<Row>,
}

/// What a set of rows was measured with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Kernel images: file name to what was run.
    pub guest_binaries: BTreeMap<String, Binary>,
    /// SHA-256 of the machine model's parameters, if there are any.
    pub parameters: Option<String>,
    /// Of all images, the guest compiler, or `mixed`.
    pub toolchain: String,
    /// Of all images, the tools and versions that ran them, or `mixed`.
    pub tools: BTreeMap<String, String>,
}

/// One image that was run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Binary {
    /// SHA-256 of the ELF file.
    pub sha256: String,
    /// The tool that ran it.
    pub tool: String,
    /// Its version.
    pub tool_version: String,
    /// The compiler that made it.
    pub toolchain: String,
}

impl Environment {
    /// Derive `toolchain` and `tools` from the images.
    pub fn summarize(&mut self) {
        let mut toolchains = self.guest_binaries.values().map(|b| &b.toolchain);
        self.toolchain = match toolchains.next() {
            None => String::new(),
            Some(first) if toolchains.all(|t| t == first) => first.clone(),
            Some(_) => MIXED.to_owned(),
        };
        self.tools.clear();
        for binary in self.guest_binaries.values() {
            let version =
                self.tools.entry(binary.tool.clone()).or_insert_with(|| binary.tool_version.clone());
            if *version != binary.tool_version {
                MIXED.clone_into(version);
            }
        }
    }
}

/// Stands for several versions.
const MIXED: &str = "mixed: see guest_binaries";

/// One row: of a table, or of a figure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The paper's table, or `aegis`, `exos`, `net` for rows that the paper does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The row, see `tools/bench/published.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// The system measured.
    pub system: String,
    /// The machine measured on.
    pub machine: String,
    /// Instructions for each operation.
    pub instructions: Option<f64>,
    /// Cycles of the modelled processor for each operation.
    pub cycles: Option<f64>,
    /// Microseconds for each operation.
    pub us: Option<f64>,
    /// The same at the low end of the uncertain parameters.
    pub us_low: Option<f64>,
    /// The same at their high end.
    pub us_high: Option<f64>,
    /// What the paper says for this row, system and machine, µs.
    pub paper_us: Option<f64>,
    /// What the paper says of Ultrix on this machine, µs.
    pub paper_ultrix_us: Option<f64>,
    /// `us / paper_us`.
    pub ratio: Option<f64>,
    /// Iterations of each trial.
    pub n: Option<u64>,
    /// Of the instructions, those that do nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nops: Option<f64>,
    /// Instruction-cache misses for each operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub i_misses: Option<f64>,
    /// Data-cache misses for each operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d_misses: Option<f64>,
    /// Cycles that were not the issue of an instruction, by what they were spent on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stalls: BTreeMap<String, f64>,
    /// What no kernel that keeps the same promises can be faster than (docs/hot-paths.md), µs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_bound_us: Option<f64>,
    /// Figures have `figure`, `series`, `x` and `y` instead of `table` and `row`; other tools may add more.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What tells two rows apart.
pub type Key = (String, String, String, String);

impl Row {
    /// What tells this row from others.
    #[must_use]
    pub fn key(&self) -> Key {
        let other =
            |name| self.other.get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let table =
            self.table.clone().or_else(|| other("figure").map(|f| format!("figure {f}"))).unwrap_or_default();
        let row = self.row.clone().unwrap_or_else(|| {
            format!("{} {}", other("series").unwrap_or_default(), other("x").unwrap_or_default())
        });
        (table, row, self.system.clone(), self.machine.clone())
    }
}

impl Row {
    /// A text field of a figure's row: `figure`, `series`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.other.get(key)?.as_str().map(str::to_owned)
    }

    /// Whether it is slower than the paper's, by more than the ratio's second digit after the point hides.
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.ratio.is_some_and(|ratio| (ratio * 100.0).round() > 100.0)
    }

    /// A numeric one: `x`, `y`.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.other.get(key)?.as_f64()
    }
}

/// Order of tables: by number, figures after them, then the extra ones by name.
#[must_use]
pub fn table_order(table: &str) -> (u32, u32, String) {
    let number = |text: &str| text.parse::<u32>().ok();
    match (number(table), table.strip_prefix("figure ").and_then(number)) {
        (Some(n), _) => (0, n, String::new()),
        (None, Some(n)) => (1, n, String::new()),
        (None, None) => (2, 0, table.to_owned()),
    }
}

impl Results {
    /// Read a file; an empty set when there is none.
    ///
    /// # Errors
    /// When the file is there and is not what [`Results::to_json`] writes.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a results file", path.display()))
    }

    /// Read a file's text.
    ///
    /// # Errors
    /// When it is not what [`Results::to_json`] writes.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct File {
            schema: u32,
            environment: Environment,
            rows: Vec<Row>,
        }
        let file: File = serde_json::from_str(text)?;
        anyhow::ensure!(file.schema == 1, "schema {}, expected 1", file.schema);
        Ok(Self { environment: file.environment, rows: file.rows })
    }

    /// Replace the rows of `tables` (of all tables if `None`) by `rows`, and put all in order.
    pub fn replace(&mut self, tables: Option<&[&str]>, rows: Vec<Row>, published: &Published) {
        let new: Vec<Key> = rows.iter().map(Row::key).collect();
        self.rows.retain(|old| {
            let key = old.key();
            let replaced = tables.is_none_or(|t| t.contains(&key.0.as_str()));
            !replaced && !new.contains(&key)
        });
        self.rows.extend(rows);
        let place = |key: &Key| {
            let numbers = published.table(&key.0).map_or(&[][..], |t| &t.rows[..]);
            numbers.iter().position(|n| n.row == key.1).unwrap_or(usize::MAX)
        };
        let machine = |key: &Key| MACHINES.iter().position(|(name, _)| *name == key.3).unwrap_or(usize::MAX);
        self.rows.sort_by_cached_key(|row| {
            let key = row.key();
            // Points of a curve in their order, not in that of their digits.
            let series = row.text("series").unwrap_or_default();
            let x = row.number("x").unwrap_or_default().to_bits();
            let name = if series.is_empty() { key.1.clone() } else { series };
            (table_order(&key.0), place(&key), name, x, key.2.clone(), machine(&key), key)
        });
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for what this crate makes; serde's own otherwise.
    pub fn to_json(&self) -> anyhow::Result<String> {
        use std::fmt::Write;
        // Maps are sorted here and not left to serde_json, whose order another crate's features may change.
        let sorted =
            |value: Value| -> anyhow::Result<BTreeMap<String, Value>> { Ok(serde_json::from_value(value)?) };
        let environment = serde_json::to_string_pretty(&self.environment)?.replace('\n', "\n  ");
        let mut text = String::new();
        write!(text, "{{\n  \"environment\": {environment},\n  \"rows\": [")?;
        for (index, row) in self.rows.iter().enumerate() {
            let row = serde_json::to_string(&sorted(serde_json::to_value(row)?)?)?;
            write!(text, "{}\n    {row}", if index == 0 { "" } else { "," })?;
        }
        text.push_str("\n  ],\n  \"schema\": 1\n}\n");
        Ok(text)
    }
}

/// Write a file only if its text changes, through a temporary file, so that nobody sees half of it.
///
/// # Errors
/// When it cannot be written.
pub fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(context)?;
    }
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text).with_context(context)?;
    std::fs::rename(&part, path).with_context(context)
}

#[cfg(test)]
mod tests;
