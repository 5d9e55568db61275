//! `bench run`: run images, measure, and write `results.json`, `tables.md` and `tables.csv`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::machine::{End, Job, Limits, Machine, Outcome, Watch, run};
use crate::measure::{self, Measured};
use crate::protocol;
use crate::published::Published;
use crate::results::{Binary, Environment, Results, Row, write_file};
use crate::suite::{self, Image};
use crate::{project, report};

/// How many of a failed guest's last lines are shown.
pub const TAIL: usize = 20;
/// What the guest finds on its command line in a quick run: it then takes fewer iterations.
const QUICK: &str = "quick";

/// What to run and where things go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The project's root.
    pub root: PathBuf,
    /// Where the kernel images are.
    pub kernels: PathBuf,
    /// Where results go.
    pub out: PathBuf,
    /// Only this table.
    pub table: Option<String>,
    /// Fewer iterations.
    pub quick: bool,
    /// The compiler that made the images.
    pub toolchain: String,
    /// Wall-clock limit for each image, instead of the suite's.
    pub seconds: Option<u64>,
}

/// Run the plan; the tables for the terminal are returned.
///
/// # Errors
/// When an image cannot be run, hangs, dies, or prints numbers that are not to be trusted. Nothing is written then.
pub fn run_plan(plan: &Plan, machine: &dyn Machine, published: &Published) -> anyhow::Result<String> {
    let images = suite::select(plan.table.as_deref());
    if images.is_empty() {
        let table = plan.table.as_deref().unwrap_or_default();
        bail!("no image measures table {table}; there are {}", suite::tables());
    }
    run_images(plan, machine, published, &images)
}

fn run_images(
    plan: &Plan,
    machine: &dyn Machine,
    published: &Published,
    images: &[&Image],
) -> anyhow::Result<String> {
    let tool = machine.tool()?;
    // Everything that can be missing is looked for before anything runs.
    let missing: Vec<&str> =
        images.iter().map(|i| i.file).filter(|file| !plan.kernels.join(file).is_file()).collect();
    if !missing.is_empty() {
        bail!("not in {}: {} (scripts/build.sh makes them)", plan.kernels.display(), missing.join(", "));
    }
    let results_path = plan.out.join("results.json");
    let mut results = Results::read(&results_path)?;
    let mut binaries = match plan.table {
        Some(_) => std::mem::take(&mut results.environment.guest_binaries),
        None => std::collections::BTreeMap::new(),
    };
    let start = Instant::now();
    let mut rows = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let label = format!("[{}/{}] table {}: {}", index + 1, images.len(), image.table, image.file);
        let binary = Binary {
            sha256: project::sha256(&plan.kernels.join(image.file))?,
            tool: tool.name.clone(),
            tool_version: tool.version.clone(),
            toolchain: plan.toolchain.clone(),
        };
        binaries.insert(image.file.to_owned(), binary);
        rows.extend(run_image(plan, machine, image, &label)?);
    }
    let tables: Vec<&str> = images.iter().map(|i| i.table).collect();
    let replaced = plan.table.as_ref().map(|_| &tables[..]);
    results.replace(replaced, machine.name(), rows, published);
    results.environment = Environment {
        guest_binaries: binaries,
        parameters: parameters(&plan.root)?,
        ..Environment::default()
    };
    results.environment.summarize();
    write(&plan.out, &results, published)?;
    eprintln!("{} in {:.1} s", results_path.display(), start.elapsed().as_secs_f64());
    Ok(report::terminal(&results, published, replaced))
}

/// Write the three files of a set of results.
///
/// # Errors
/// When one cannot be written.
pub fn write(out: &Path, results: &Results, published: &Published) -> anyhow::Result<()> {
    write_file(&out.join("results.json"), &results.to_json()?)?;
    write_file(&out.join("tables.md"), &report::markdown(results, published))?;
    write_file(&out.join("tables.csv"), &report::csv(results, published))
}

/// SHA-256 of the machine model's parameters.
fn parameters(root: &Path) -> anyhow::Result<Option<String>> {
    let path = root.join("tools/decstation/machines.toml");
    path.is_file().then(|| project::sha256(&path)).transpose()
}

fn run_image(plan: &Plan, machine: &dyn Machine, image: &Image, label: &str) -> anyhow::Result<Vec<Row>> {
    let kernel = plan.kernels.join(image.file);
    let name = image.file.trim_end_matches(".elf");
    let log = plan.root.join("logs").join(format!("{name}.log"));
    let job = Job { kernel, append: plan.quick.then(|| QUICK.to_owned()), trace: false };
    let limits = Limits::seconds(plan.seconds.unwrap_or(image.seconds));
    let mut progress = Progress::new(label);
    let outcome = run(machine, &job, limits, &log, |_| {
        progress.tick();
        Watch::On
    })?;
    progress.done(&outcome);
    let failed = |reason: String| failure(image.file, &reason, &outcome);
    if outcome.end != End::Exited(0) {
        bail!(failed(outcome.end.to_string()));
    }
    let measured = protocol::parse(outcome.console())
        .map_err(anyhow::Error::from)
        .and_then(|reports| Ok(measure::measure(&reports)?))
        .map_err(|error| anyhow::anyhow!(failed(error.to_string())))?;
    let missing: Vec<&str> = image
        .rows
        .iter()
        .copied()
        .filter(|row| !measured.iter().any(|m| m.table == image.table && m.row == *row))
        .collect();
    if !missing.is_empty() {
        bail!(failed(format!("ended, but did not print: {}", missing.join(", "))));
    }
    Ok(measured.into_iter().map(|m| row(image, machine, m)).collect())
}

/// A measurement as a row of results.json. Malta has no microseconds; a modelled machine's go in where it is added.
fn row(image: &Image, machine: &dyn Machine, measured: Measured) -> Row {
    Row {
        table: Some(measured.table),
        row: Some(measured.row),
        system: measured.system.unwrap_or_else(|| image.system.to_owned()),
        machine: machine.name().to_owned(),
        instructions: Some(measured.instructions),
        n: Some(measured.n),
        ..Row::default()
    }
}

/// The message of a failed guest: who, how, its last lines, where the rest is.
#[must_use]
pub fn failure(name: &str, reason: &str, outcome: &Outcome) -> String {
    format!(
        "{name}: {reason}\n  its last output:\n{}  the whole log: {}",
        outcome.tail(TAIL),
        outcome.log.display()
    )
}

/// Progress on standard error: one line that counts on a terminal, a line now and then elsewhere.
struct Progress<'a> {
    label: &'a str,
    start: Instant,
    next: Duration,
    terminal: bool,
}

impl<'a> Progress<'a> {
    fn new(label: &'a str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        eprint!("{label} ...{}", if terminal { "" } else { "\n" });
        Self { label, start: Instant::now(), next: Duration::from_secs(1), terminal }
    }

    fn tick(&mut self) {
        let elapsed = self.start.elapsed();
        if elapsed < self.next {
            return;
        }
        if self.terminal {
            eprint!("\r{} ... {} s", self.label, elapsed.as_secs());
            self.next = elapsed + Duration::from_secs(1);
        } else {
            eprintln!("{} ... {} s", self.label, elapsed.as_secs());
            self.next = elapsed + Duration::from_secs(10);
        }
    }

    fn done(&self, outcome: &Outcome) {
        let how = match outcome.end {
            End::Exited(0) => "done".to_owned(),
            end => end.to_string(),
        };
        let again = if self.terminal { "\r" } else { "" };
        eprintln!("{again}{}: {how}, {:.1} s", self.label, outcome.elapsed.as_secs_f64());
    }
}

/// What can be run, one line for each image.
#[must_use]
pub fn list(kernels: &Path) -> String {
    suite::SUITE
        .iter()
        .map(|i| {
            let state = if kernels.join(i.file).is_file() { "built" } else { "not built" };
            format!("table {:<3} {:<18} {:<10} {}\n", i.table, i.file, state, i.rows.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests;
