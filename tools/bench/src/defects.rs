//! Known defects of a machine: which guest tests fail on it, why, and how.
//!
//! The list is a TOML file. A test that is not in it must pass; one that is must fail in the way that the list says, so
//! that nothing else hides behind the defect, and one that passes all the same makes the list stale.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::guest_test::Totals;

/// The list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defects {
    /// The kernel's command line on this machine: tells the suite what to leave out.
    pub append: Option<String>,
    /// The tests.
    #[serde(default, rename = "test")]
    pub tests: Vec<Defect>,
}

/// A test that cannot pass.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The test, as its line names it.
    pub name: String,
    /// What the machine does wrong.
    pub defect: String,
    /// What the test says, behind the place in its source; where this ends with "...", how that begins.
    pub says: String,
}

impl Defect {
    fn fits(&self, said: &str) -> bool {
        match self.says.strip_suffix("...") {
            Some(beginning) => said.starts_with(beginning),
            None => said == self.says,
        }
    }
}

/// What a line says of a test: its name, and what was wrong if it failed.
fn verdict(line: &str) -> Option<(&str, Option<&str>)> {
    let (name, rest) = line.trim_end().strip_prefix("test ")?.split_once(" ... ")?;
    if rest == "ok" {
        return Some((name, None));
    }
    let said = rest.strip_prefix("FAILED: ")?;
    // FILE:LINE: what was wrong
    let said = said.splitn(3, ':').nth(2).unwrap_or(said);
    Some((name, Some(said.trim_start())))
}

impl Defects {
    /// Read a list.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Compare the lines of a suite with the list: totals in which known defects are counted apart, or all that differs.
    ///
    /// # Errors
    /// With a line for each test that fails unexpectedly, fails otherwise than known, passes, or did not run.
    pub fn judge<'a>(&self, lines: impl Iterator<Item = &'a str>) -> Result<Totals, String> {
        let mut seen = vec![false; self.tests.len()];
        let mut totals = Totals::default();
        let mut wrong = Vec::new();
        for (name, said) in lines.filter_map(verdict) {
            let place = self.tests.iter().position(|test| test.name == name);
            if let Some(place) = place {
                seen[place] = true;
            }
            match (place.map(|place| &self.tests[place]), said) {
                (None, None) => totals.passed += 1,
                (None, Some(said)) => wrong.push(format!("{name}: failed: {said}")),
                (Some(_), None) => {
                    wrong.push(format!("{name}: passes, so the list of known defects is stale"));
                }
                (Some(known), Some(said)) if known.fits(said) => totals.known += 1,
                (Some(_), Some(said)) => wrong.push(format!("{name}: fails otherwise than known: {said}")),
            }
        }
        let missing = self.tests.iter().zip(&seen).filter(|(_, seen)| !**seen);
        wrong.extend(missing.map(|(test, _)| format!("{}: in the list, but did not run", test.name)));
        if wrong.is_empty() { Ok(totals) } else { Err(wrong.join("\n    ")) }
    }
}

#[cfg(test)]
mod tests;
