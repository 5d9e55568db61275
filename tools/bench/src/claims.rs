//! `bench-results/claims.md`: what the paper claims in words, its number, ours, and whether it holds.
//!
//! `claims.toml` beside this crate's manifest has, for each claim, its text, the number that it gives, which rows it speaks
//! of, how a value is computed of them, and when it holds. Values are computed for each machine, of what was measured
//! here; and of what the paper's tables say, to show how the authors came to their words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::decstation::MACHINES;
use crate::diff;
use crate::published::Published;
use crate::results::{Results, Row};
use crate::sizes;
use crate::stride::{self, Stride};
use formula::Formula;

mod formula;

/// How far a value may be from a number that the paper calls approximate.
const ABOUT: f64 = 1.5;

/// What claims are held against.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What was measured.
    pub results: &'a Results,
    /// What the paper says.
    pub published: &'a Published,
    /// The project's root, for claims about its length.
    pub root: &'a Path,
}

/// One claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    section: String,
    text: String,
    says: String,
    #[serde(default)]
    of: BTreeMap<String, Source>,
    #[serde(default)]
    measures: Vec<(String, Formula)>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    between: Option<(f64, f64)>,
    #[serde(default)]
    about: bool,
    digits: Option<i32>,
    machines: Option<Vec<String>>,
    elsewhere: Option<String>,
}

/// Where a number comes from; which fields are there decides. See `claims.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    table: Option<String>,
    row: Option<String>,
    system: Option<String>,
    field: Option<String>,
    published: Option<String>,
    machine: Option<String>,
    figure: Option<String>,
    lines: Option<String>,
}

/// Whose numbers a formula is computed of.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Ours,
    Papers,
}

/// A value that is not there.
#[derive(Debug, Clone, PartialEq)]
enum Missing {
    /// Nothing was published of this machine: the claim does not speak of it.
    Published,
    /// Not measured yet, or not written yet: what.
    Ours(String),
}

impl Source {
    fn value(&self, on: &Evidence, machine: &str, whose: Whose) -> anyhow::Result<Result<f64, Missing>> {
        if let Some(path) = &self.lines {
            let lines = match whose {
                Whose::Ours => sizes::rust_lines(on.root, path)?,
                Whose::Papers => None,
            };
            #[allow(clippy::cast_precision_loss)]
            return Ok(lines.map(|lines| lines as f64).ok_or_else(|| Missing::Ours(path.clone())));
        }
        if let Some(figure) = &self.figure {
            let ends = match whose {
                Whose::Ours => Stride::of(on.results, machine).map(|figure| figure.ends()),
                Whose::Papers => Some(stride::published_ends(on.published)),
            };
            let missing = || Missing::Ours(format!("figure {figure}"));
            return Ok(ends.as_deref().and_then(stride::dispersion).ok_or_else(missing));
        }
        let (table, row) = (self.table.as_deref().unwrap_or(""), self.row.as_deref().unwrap_or(""));
        let on_machine = self.machine.as_deref().unwrap_or(machine);
        if let Some(system) = &self.published {
            let number = on.published.number_of(table, row, system, on_machine);
            return Ok(number.and_then(|n| n.us().or(n.number())).ok_or(Missing::Published));
        }
        let field = self.field.as_deref().unwrap_or("us");
        if whose == Whose::Papers {
            let systems = self.system.as_deref().map_or(&["Aegis", "ExOS"][..], |_| &[]);
            let systems = self.system.as_deref().into_iter().chain(systems.iter().copied());
            let mut numbers = systems.filter_map(|s| on.published.number(table, row, s, on_machine));
            let us = numbers.next().filter(|_| field == "us").and_then(|n| n.us());
            return Ok(us.ok_or(Missing::Published));
        }
        let wanted = |r: &&Row| {
            (r.table.as_deref(), r.row.as_deref(), r.machine.as_str()) == (Some(table), Some(row), on_machine)
                && self.system.as_ref().is_none_or(|system| *system == r.system)
        };
        let found = on.results.rows.iter().find(wanted);
        let value = found.and_then(|r| match field {
            "instructions" => r.instructions,
            "i_misses" => r.i_misses,
            _ => r.us,
        });
        let system = self.system.as_ref().map_or_else(String::new, |system| format!(", {system}"));
        Ok(value.ok_or_else(|| Missing::Ours(format!("{}, {row}{system}", table_name(table)))))
    }

    /// The number in words, for those who want to compute it again.
    fn shown(&self) -> String {
        if let Some(path) = &self.lines {
            return format!("lines of {path}");
        }
        if let Some(figure) = &self.figure {
            return format!("figure {figure}, largest deviation");
        }
        let mut text = format!("`{}`", self.row.as_deref().unwrap_or(""));
        if let Some(field) = &self.field {
            _ = write!(text, " {}", field.replace('_', " "));
        }
        if let Some(system) = self.published.as_ref().or(self.system.as_ref()) {
            _ = write!(text, " of {system}");
        }
        text
    }
}

fn table_name(table: &str) -> String {
    if table.parse::<u32>().is_ok() { format!("table {table}") } else { table.to_owned() }
}

/// How a value stands to what is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Holds,
    /// The value is less than the claim allows.
    Less,
    /// The value is more.
    More,
}

impl Claim {
    /// The least and the most that a value may be.
    fn range(&self) -> (f64, f64) {
        let (low, high) = self
            .between
            .unwrap_or((self.at_least.unwrap_or(f64::NEG_INFINITY), self.at_most.unwrap_or(f64::INFINITY)));
        if self.about { (low / ABOUT, high * ABOUT) } else { (low, high) }
    }

    fn judge(&self, value: f64) -> Verdict {
        let digits = self.digits.unwrap_or(2);
        let rounded = |x: f64| significant(x, digits);
        let (low, high) = self.range();
        // The bounds too: "a third less" of ten is 6.7, not 6.666.
        match rounded(value) {
            v if v < rounded(low) => Verdict::Less,
            v if v > rounded(high) => Verdict::More,
            _ => Verdict::Holds,
        }
    }

    fn rule(&self) -> String {
        let (low, high) = self.range();
        let shown = |x: f64| significant(x, self.digits.unwrap_or(2).max(2)).to_string();
        match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("{} to {}", shown(low), shown(high)),
            (true, false) => format!("at least {}", shown(low)),
            (false, true) => format!("at most {}", shown(high)),
            (false, false) => String::new(),
        }
    }

    fn asked_on(&self, machine: &str) -> bool {
        self.machines.as_ref().is_none_or(|machines| machines.iter().any(|m| m == machine))
    }

    /// What a measure comes to.
    fn value(
        &self,
        formula: &Formula,
        on: &Evidence,
        machine: &str,
        whose: Whose,
    ) -> anyhow::Result<Result<f64, Missing>> {
        let mut values = BTreeMap::new();
        let mut ours = None;
        for name in formula.names() {
            let source = self.of.get(name).with_context(|| format!("{:?} speaks of {name}", self.text))?;
            match source.value(on, machine, whose)? {
                Ok(value) => _ = values.insert(name.to_owned(), value),
                // A machine that the claim does not speak of is not waited for.
                Err(Missing::Published) => return Ok(Err(Missing::Published)),
                Err(missing) => ours = ours.or(Some(missing)),
            }
        }
        Ok(match ours {
            Some(missing) => Err(missing),
            None => Ok(formula.value(&values)),
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        let rules = [self.at_least.is_some() || self.at_most.is_some(), self.between.is_some()];
        let rules = rules.into_iter().filter(|there| *there).count();
        let wanted = usize::from(self.elsewhere.is_none());
        ensure!(rules == wanted && self.measures.is_empty() == (wanted == 0), "{:?}: no one rule", self.text);
        let used: BTreeSet<&str> = self.measures.iter().flat_map(|(_, formula)| formula.names()).collect();
        let named: BTreeSet<&str> = self.of.keys().map(String::as_str).collect();
        ensure!(used == named, "{:?} names {named:?} and uses {used:?}", self.text);
        Ok(())
    }
}

/// A number rounded to so many digits.
fn significant(x: f64, digits: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    #[allow(clippy::cast_possible_truncation)]
    let place = digits - 1 - x.abs().log10().floor() as i32;
    // Through text: the nearest number to what a reader sees.
    let scale = 10_f64.powi(place.abs());
    if place >= 0 { (x * scale).round() / scale } else { (x / scale).round() * scale }
}

fn shown(x: f64) -> String {
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 9.995 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

/// All claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    claim: Vec<Claim>,
}

/// What was found of one measure of a claim.
struct Finding {
    /// For each machine: our value, and the paper's.
    cells: Vec<(Option<f64>, Option<f64>)>,
    verdicts: Vec<(&'static str, Verdict)>,
    missing: Option<String>,
}

impl Claims {
    /// Those compiled into this program.
    ///
    /// # Errors
    /// When the file does not parse, or a claim is not whole.
    pub fn load() -> anyhow::Result<Self> {
        Self::parse(include_str!("../claims.toml"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let it: Self = toml::from_str(text)?;
        it.claim.iter().try_for_each(Claim::check)?;
        Ok(it)
    }

    /// `claims.md`.
    ///
    /// # Errors
    /// When a file whose lines are counted cannot be read.
    pub fn markdown(&self, on: &Evidence) -> anyhow::Result<String> {
        let mut text = String::from(HEAD);
        let machines: Vec<&str> = MACHINES.iter().map(|(name, _)| *name).collect();
        let mut lines = String::new();
        let mut counts = BTreeMap::new();
        for claim in &self.claim {
            if let Some(why) = &claim.elsewhere {
                let blanks = "|  ".repeat(machines.len());
                let head =
                    [&claim.section, &claim.text, &claim.says].map(|s| s.replace('|', "\\|")).join(" | ");
                _ = writeln!(lines, "| {head} |  |  {blanks}| not asked: {why} |");
                *counts.entry("not asked").or_insert(0) += 1;
                continue;
            }
            let mut outcomes = Vec::new();
            for (index, (name, formula)) in claim.measures.iter().enumerate() {
                let finding = find(claim, formula, on, &machines)?;
                let computed =
                    formula.shown(|name| claim.of.get(name).map_or_else(String::new, Source::shown));
                let cells: Vec<String> = finding.cells.iter().map(cell).collect();
                let head = match index {
                    0 => [&claim.section, &claim.text, &claim.says].map(|s| s.replace('|', "\\|")),
                    _ => ["", "", ""].map(str::to_owned),
                };
                let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
                let (class, words) = outcome(&finding);
                outcomes.push(class);
                let rule = claim.rule();
                _ = writeln!(
                    lines,
                    "| {} | {name}{computed} | {rule} | {} | {words} |",
                    head.join(" | "),
                    cells.join(" | ")
                );
            }
            let worst = ["not measured yet", "does not hold", "holds in part"];
            let class = worst.into_iter().find(|class| outcomes.contains(class)).unwrap_or("holds");
            *counts.entry(class).or_insert(0) += 1;
        }
        let summary: Vec<String> =
            ["holds", "holds in part", "does not hold", "not measured yet", "not asked"]
                .iter()
                .filter_map(|class| Some(format!("{} {class}", counts.get(class)?)))
                .collect();
        _ = writeln!(text, "Of {} claims: {}.\n", self.claim.len(), summary.join(", "));
        _ = writeln!(
            text,
            "| section | claim | the paper says | computed as | holds if | {} | |",
            machines.join(" | ")
        );
        _ = writeln!(text, "|---|---|---|---|---|{}---|", "---:|".repeat(machines.len()));
        text.push_str(&lines);
        text.push_str(&rows_and_numbers(on));
        Ok(text)
    }
}

const HEAD: &str = "\
# What the paper claims, and what is measured here

Written by `scripts/reproduce.sh` from `results.json` and `tools/bench/claims.toml`; do not edit.
A cell is the value here, on the model of that machine, and in parentheses the same computed of the numbers in the
paper's tables, where there are. Values are compared rounded to two digits, as the paper gives its ratios; where it says
\"about\" or \"almost\", a third less or half as much again will do. \"Of\" a system is published, everything else is measured here.

";

fn cell(values: &(Option<f64>, Option<f64>)) -> String {
    match *values {
        (Some(ours), Some(papers)) => format!("{} ({})", shown(ours), shown(papers)),
        (Some(ours), None) => shown(ours),
        (None, Some(papers)) => format!("({})", shown(papers)),
        (None, None) => String::new(),
    }
}

fn find(
    claim: &Claim,
    formula: &Formula,
    on: &Evidence,
    machines: &[&'static str],
) -> anyhow::Result<Finding> {
    let mut finding = Finding { cells: Vec::new(), verdicts: Vec::new(), missing: None };
    for machine in machines {
        if !claim.asked_on(machine) {
            finding.cells.push((None, None));
            continue;
        }
        let papers = claim.value(formula, on, machine, Whose::Papers)?.ok();
        let ours = match claim.value(formula, on, machine, Whose::Ours)? {
            Ok(value) => {
                finding.verdicts.push((machine, claim.judge(value)));
                Some(value)
            }
            Err(Missing::Ours(what)) => {
                finding.missing.get_or_insert(what);
                None
            }
            Err(Missing::Published) => None,
        };
        finding.cells.push((ours, papers));
    }
    Ok(finding)
}

/// Its class, for counting, and in words.
fn outcome(finding: &Finding) -> (&'static str, String) {
    let of = |wanted: Verdict| -> Vec<&str> {
        finding.verdicts.iter().filter(|(_, v)| *v == wanted).map(|(machine, _)| *machine).collect()
    };
    let (less, more, holds) = (of(Verdict::Less), of(Verdict::More), of(Verdict::Holds));
    if let Some(what) = &finding.missing {
        return ("not measured yet", format!("not measured yet: {what}"));
    }
    if finding.verdicts.is_empty() {
        return ("not measured yet", "nothing to compare with".to_owned());
    }
    if holds.len() == finding.verdicts.len() {
        return ("holds", "holds".to_owned());
    }
    if holds.is_empty() && (less.is_empty() || more.is_empty()) {
        let how = if less.is_empty() { "more" } else { "less" };
        return ("does not hold", format!("**does not hold**: {how}"));
    }
    let mut words = Vec::new();
    for (how, machines) in [("less", less), ("more", more)] {
        if !machines.is_empty() {
            words.push(format!("{how} on {}", machines.join(", ")));
        }
    }
    ("holds in part", format!("**not everywhere**: {}", words.join("; ")))
}

/// How the rows stand to the paper's numbers; those that are slower, with where their cycles go.
fn rows_and_numbers(on: &Evidence) -> String {
    let compared: Vec<&Row> = on
        .results
        .rows
        .iter()
        .filter(|r| r.table.is_some() && r.paper_us.is_some() && r.us.is_some())
        .collect();
    let slower: Vec<&&Row> = compared.iter().filter(|r| r.is_slower()).collect();
    let mut text = format!(
        "\n## Rows and the paper's numbers\n\nOf {} rows that the paper has a number for, {} are slower here",
        compared.len(),
        slower.len()
    );
    if slower.is_empty() {
        text.push_str(".\n");
        return text;
    }
    text.push_str(
        " (by more than the last digit of the ratio shows).\n\n\
         | table | row | system | machine | µs | the paper's | ratio | lower bound | cycles, by what they are spent on |\n\
         |---|---|---|---|---:|---:|---:|---:|---|\n",
    );
    for row in slower {
        let number = |x: Option<f64>| x.map(shown).unwrap_or_default();
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.table.as_deref().unwrap_or_default(),
            row.row.as_deref().unwrap_or_default(),
            row.system,
            row.machine,
            number(row.us),
            number(row.paper_us),
            number(row.ratio),
            number(row.lower_bound_us),
            diff::spent(row)
        );
    }
    text
}

#[cfg(test)]
mod tests;
