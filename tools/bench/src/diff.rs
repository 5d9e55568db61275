//! `bench diff`: which rows moved against earlier results, and by which kind of cycles.
//!
//! A row's cycles fall into kinds that add up: the issue of instructions that do something, of those that do
//! nothing (delay slots that could not be filled), and each kind of stall. On malta there are instructions alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::results::{Key, Results, Row};

/// What a difference must be worth to be shown: it is below what the clock's interrupts come to.
const LEAST: f64 = 0.05;

/// Earlier results: of a file, or of a revision that git knows.
///
/// # Errors
/// When `which` is neither, or holds no results.
pub fn earlier(root: &Path, which: &str) -> anyhow::Result<Results> {
    let path = Path::new(which);
    if path.is_file() {
        return Results::read(path);
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["show", &format!("{which}:bench-results/results.json")])
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("{which} is neither a file nor a revision with results: {}", reason.trim());
    }
    Results::parse(&String::from_utf8(output.stdout)?).with_context(|| format!("bench-results of {which}"))
}

/// What a row's cycles (its instructions, on malta) were spent on.
fn kinds(row: &Row) -> BTreeMap<&str, f64> {
    let mut kinds: BTreeMap<&str, f64> =
        row.stalls.iter().map(|(kind, cycles)| (kind.as_str(), *cycles)).collect();
    let nops = row.nops.unwrap_or_default();
    if let Some(instructions) = row.instructions {
        kinds.insert("issue", instructions - nops);
    }
    if row.nops.is_some() {
        kinds.insert("nops", nops);
    }
    kinds
}

/// What a row's cycles were spent on, in words: the largest kind first.
#[must_use]
pub fn spent(row: &Row) -> String {
    let mut kinds: Vec<(&str, f64)> = kinds(row).into_iter().filter(|(_, cycles)| *cycles >= LEAST).collect();
    kinds.sort_by(|a, b| b.1.total_cmp(&a.1));
    kinds.iter().map(|(kind, cycles)| format!("{kind} {cycles:.1}")).collect::<Vec<_>>().join(", ")
}

/// The leading number of a row and its unit.
fn leading(row: &Row) -> Option<(f64, &'static str)> {
    let counted = || row.number("y").map(|y| (y, "on the vertical axis"));
    let instructions = row.instructions.map(|i| (i, "instructions"));
    row.cycles.map(|c| (c, "cycles")).or(instructions).or_else(counted)
}

/// The rows that moved, each with the kinds that did; rows that came and went.
#[must_use]
pub fn report(before: &Results, after: &Results) -> String {
    let old: BTreeMap<Key, &Row> = before.rows.iter().map(|r| (r.key(), r)).collect();
    let mut text = String::new();
    let mut moved = 0;
    let mut same = 0;
    for row in &after.rows {
        let key = row.key();
        let name = format!("table {}, {}, {}", key.0, key.1, key.3);
        match old.get(&key) {
            None => _ = writeln!(text, "new      {name}: {}", shown(row)),
            Some(was) => match movement(was, row) {
                None => same += 1,
                Some(line) => {
                    moved += 1;
                    _ = writeln!(text, "{name}: {line}");
                }
            },
        }
    }
    let now: Vec<Key> = after.rows.iter().map(Row::key).collect();
    for (key, row) in old.iter().filter(|(key, _)| !now.contains(key)) {
        _ = writeln!(text, "gone     table {}, {}, {}: was {}", key.0, key.1, key.3, shown(row));
    }
    _ = writeln!(text, "{moved} rows moved, {same} did not (by less than {LEAST})");
    text
}

fn shown(row: &Row) -> String {
    leading(row).map_or_else(String::new, |(value, unit)| format!("{value:.2} {unit}"))
}

fn movement(was: &Row, is: &Row) -> Option<String> {
    let ((old, old_unit), (new, unit)) = (leading(was)?, leading(is)?);
    if old_unit == unit && (new - old).abs() < LEAST {
        return None;
    }
    let word = if new > old { "slower" } else { "faster" };
    let mut line = format!("{word}, {old:.2} to {new:.2} {unit} ({:+.1} %)", (new / old - 1.0) * 100.0);
    let (before, after) = (kinds(was), kinds(is));
    let mut names: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let change = |name: &str| {
        after.get(name).copied().unwrap_or_default() - before.get(name).copied().unwrap_or_default()
    };
    names.retain(|name| change(name).abs() >= LEAST / 2.0);
    names.sort_by(|a, b| change(b).abs().total_cmp(&change(a).abs()));
    let parts: Vec<String> = names.iter().map(|name| format!("{name} {:+.2}", change(name))).collect();
    if !parts.is_empty() {
        _ = write!(line, ": {}", parts.join(", "));
    }
    Some(line)
}

#[cfg(test)]
mod tests;
