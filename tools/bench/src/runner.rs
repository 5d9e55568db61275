//! `bench run`: run images, measure, and write `results.json`, and what is made of it: `tables.md`, `tables.csv`, `claims.md`, figures.
//!
//! Each image runs on malta, for instructions, and on every modelled DECstation, for cycles: at the central values of the
//! uncertain parameters, and at their low and high ends for the band. Runs are independent, so as many go on at once
//! as there are processors, those first that took longest the last time.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::bounds::Bounds;
use crate::claims::{Claims, Evidence};
use crate::decstation::{Decstation, MACHINES};
use crate::machine::{End, Job, Limits, Machine, Outcome, Watch, run};
use crate::marks::{CYCLES, D_MISSES, I_MISSES, INSTRUCTIONS, Marks, NOPS, STALL};
use crate::measure::{self, Measured, thousandths};
use crate::progress::{Progress, Times};
use crate::protocol;
use crate::published::Published;
use crate::qemu::Malta;
use crate::results::{Binary, Environment, Results, Row, write_file};
use crate::suite::{self, Image};
use crate::{figure, project, report};
use decstation::params::Bound;

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
    /// The images that there are.
    pub suite: &'static [Image],
    /// Only this table, or this figure (`figure 3`).
    pub table: Option<String>,
    /// Fewer iterations.
    pub quick: bool,
    /// The compiler that made the images.
    pub toolchain: String,
    /// Wall-clock limit for each image, instead of the suite's.
    pub seconds: Option<u64>,
}

/// A machine, and what its runs are for.
pub struct Target {
    /// The machine.
    pub machine: Box<dyn Machine>,
    /// What stands before the names of its images.
    pub prefix: &'static str,
    /// Which end of the uncertain parameters it stands for; malta and its like are central.
    pub bound: Bound,
}

impl Target {
    /// Malta.
    #[must_use]
    pub fn malta(malta: Malta) -> Self {
        Self { machine: Box::new(malta), prefix: "", bound: Bound::Central }
    }

    /// Every DECstation at every end of the uncertain parameters, by the model at `program`.
    #[must_use]
    pub fn decstations(program: &Path) -> Vec<Self> {
        let machine = |(name, option): (&'static str, &'static str), bound| Decstation {
            program: program.to_owned(),
            name,
            option,
            bound,
            strict: false,
        };
        let bounds = [Bound::Central, Bound::Low, Bound::High];
        let pairs = MACHINES.into_iter().flat_map(|m| bounds.map(|bound| (m, bound)));
        pairs
            .map(|(m, bound)| Self { machine: Box::new(machine(m, bound)), prefix: "decstation-", bound })
            .collect()
    }

    fn file(&self, image: &Image) -> String {
        format!("{}{}", self.prefix, image.file)
    }

    /// For messages and logs: the machine, and the end of the parameters if it is not the central one.
    fn name(&self) -> String {
        let name = self.machine.name();
        match self.bound {
            Bound::Low => format!("{name} low"),
            Bound::Central => name.to_owned(),
            Bound::High => format!("{name} high"),
        }
    }
}

/// Run the plan; the tables for the terminal are returned.
///
/// # Errors
/// When an image cannot be run, hangs, dies, or prints numbers that are not to be trusted. Nothing is written then.
pub fn run_plan(plan: &Plan, targets: &[Target], published: &Published) -> anyhow::Result<String> {
    let images = suite::select(plan.suite, plan.table.as_deref());
    if images.is_empty() {
        let table = plan.table.as_deref().unwrap_or_default();
        bail!("no image measures table {table}; there are {}", suite::tables(plan.suite).join(", "));
    }
    let runs: Vec<Run> =
        images.iter().flat_map(|image| targets.iter().map(move |target| Run { image, target })).collect();
    let binaries = binaries(plan, &runs)?;
    let start = Instant::now();
    let measured = run_all(plan, &runs)?;

    let results_path = plan.out.join("results.json");
    let mut results = Results::read(&results_path)?;
    // Rows that no image prints any more go; of a table of which other images print the rest, that stays.
    let whole = suite::whole(plan.suite, &images);
    let replaced = plan.table.as_ref().map(|_| &whole[..]);
    let mut guest_binaries = match replaced {
        Some(_) => std::mem::take(&mut results.environment.guest_binaries),
        None => std::collections::BTreeMap::new(),
    };
    guest_binaries.extend(binaries);
    results.replace(replaced, rows(&runs, measured, published)?, published);
    results.environment =
        Environment { guest_binaries, parameters: parameters(&plan.root)?, ..Environment::default() };
    results.environment.summarize();
    write(&plan.root, &plan.out, &results, published)?;
    eprintln!("{} in {:.1} s", results_path.display(), start.elapsed().as_secs_f64());
    let only = plan.table.as_deref().map(|table| [table]);
    Ok(report::terminal(&results, published, only.as_ref().map(|table| &table[..])))
}

/// One image on one machine.
struct Run<'a> {
    image: &'a Image,
    target: &'a Target,
}

impl Run<'_> {
    fn label(&self) -> String {
        format!("{} on {}", self.image.name(), self.target.name())
    }
}

/// What is to be run, described; everything that can be missing is looked for before anything runs.
fn binaries(plan: &Plan, runs: &[Run]) -> anyhow::Result<Vec<(String, Binary)>> {
    let mut missing: Vec<String> =
        runs.iter().map(|r| r.target.file(r.image)).filter(|f| !plan.kernels.join(f).is_file()).collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        bail!("not in {}: {} (scripts/build.sh makes them)", plan.kernels.display(), missing.join(", "));
    }
    let central = runs.iter().filter(|r| r.target.bound == Bound::Central);
    central
        .map(|run| {
            let file = run.target.file(run.image);
            let tool = run.target.machine.tool()?;
            let binary = Binary {
                sha256: project::sha256(&plan.kernels.join(&file))?,
                tool: tool.name,
                tool_version: tool.version,
                toolchain: plan.toolchain.clone(),
            };
            Ok((file, binary))
        })
        .collect()
}

/// Do all runs, as many at once as there are processors; their measurements, in order.
fn run_all(plan: &Plan, runs: &[Run]) -> anyhow::Result<Vec<Vec<Measured>>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(runs.len());
    let labels: Vec<String> = runs.iter().map(Run::label).collect();
    let times =
        plan.root.join("target").join(if plan.quick { "bench-quick-times.json" } else { "bench-times.json" });
    let progress = Progress::new(&labels, workers, Times::read(&times));
    let order = progress.order(&labels);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let result = run_image(plan, &runs[index], &progress, &stop);
                    if result.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if let Ok(mut done) = done.lock() {
                        done.push((index, result));
                    }
                }
            });
        }
    });
    // Only for the next estimate: whether it can be kept is no matter.
    let _ = progress.into_times().write(&times);
    let mut done = done.into_inner().context("a run ended in a panic")?;
    done.sort_by_key(|(index, _)| *index);
    // The first failure in order; those that were stopped because of another one are none.
    done.into_iter().filter_map(|(_, result)| result.transpose()).collect()
}

/// The files that are made of a set of results: as data, as tables, as claims, as figures; each with its name. `root` is the project's, where
/// the lines are that claims speak of.
///
/// # Errors
/// When one cannot be made.
pub fn files(root: &Path, results: &Results, published: &Published) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = vec![
        ("results.json".to_owned(), results.to_json()?),
        ("tables.md".to_owned(), report::markdown(results, published)),
        ("tables.csv".to_owned(), report::csv(results, published)),
        ("claims.md".to_owned(), Claims::load()?.markdown(&Evidence { results, published, root })?),
    ];
    for id in figure::ids(results) {
        files.push((figure::file(&id), figure::svg(results, published, &id)?));
    }
    Ok(files)
}

/// Write them.
///
/// # Errors
/// When one cannot be made or written.
pub fn write(root: &Path, out: &Path, results: &Results, published: &Published) -> anyhow::Result<()> {
    // All are made before one is written.
    files(root, results, published)?.iter().try_for_each(|(name, text)| write_file(&out.join(name), text))
}

/// The names of those that are not what would be written.
///
/// # Errors
/// When one cannot be made.
pub fn stale(
    root: &Path,
    out: &Path,
    results: &Results,
    published: &Published,
) -> anyhow::Result<Vec<String>> {
    let mut files = files(root, results, published)?;
    files.retain(|(name, text)| std::fs::read_to_string(out.join(name)).ok().as_ref() != Some(text));
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// SHA-256 of the machine model's parameters.
fn parameters(root: &Path) -> anyhow::Result<Option<String>> {
    let path = root.join("tools/decstation/machines.toml");
    path.is_file().then(|| project::sha256(&path)).transpose()
}

/// Run one image; `None` if it was stopped because another one has failed.
fn run_image(
    plan: &Plan,
    it: &Run,
    progress: &Progress,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Vec<Measured>>> {
    let file = it.target.file(it.image);
    let label = it.label();
    let stem = format!("{}-{}", it.image.name(), it.target.name()).replace(['/', ' '], "-");
    let log = plan.root.join("logs").join(format!("{stem}.log"));
    let clock = it.target.machine.clock_hz();
    let job = Job {
        kernel: plan.kernels.join(&file),
        append: append(plan.quick, it.image.iterations),
        trace: false,
        marks: clock.map(|_| log.with_extension("marks")),
        ..Job::default()
    };
    let limits = Limits::seconds(plan.seconds.unwrap_or(it.image.seconds));
    let outcome = run(&*it.target.machine, &job, limits, &log, |_| {
        progress.tick(&label);
        if stop.load(Ordering::Relaxed) { Watch::Stop } else { Watch::On }
    })?;
    progress.done(&label, &outcome);
    if outcome.end == End::Stopped {
        return Ok(None);
    }
    let failed = |reason: String| failure(&format!("{file} on {}", it.target.name()), &reason, &outcome);
    if outcome.end != End::Exited(0) {
        bail!(failed(outcome.end.to_string()));
    }
    let marks = job.marks.as_deref().map(Marks::read).transpose()?;
    let measured = protocol::parse(outcome.console())
        .map_err(anyhow::Error::from)
        .and_then(|reports| Ok(measure::measure(&reports, marks.as_ref())?))
        .map_err(|error| anyhow::anyhow!(failed(error.to_string())))?;
    let missing = missing(it.image, &measured);
    if !missing.is_empty() {
        bail!(failed(format!("ended, but did not print: {}", missing.join(", "))));
    }
    Ok(Some(measured))
}

/// What the guest finds on its command line.
fn append(quick: bool, iterations: Option<u32>) -> Option<String> {
    let words: Vec<String> =
        quick.then(|| QUICK.to_owned()).into_iter().chain(iterations.map(|n| format!("seed={n}"))).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// What an image should have printed, and did not.
fn missing(image: &Image, measured: &[Measured]) -> Vec<String> {
    let there = |table: &str, system: &str, row: &str| {
        measured.iter().any(|m| {
            (m.table().as_str(), m.row.as_str()) == (table, row)
                && m.system.as_deref().unwrap_or_else(|| image.system(table)) == system
        })
    };
    let wanted = image.parts.iter().flat_map(|part| part.rows.iter().map(move |row| (part, *row)));
    wanted
        .filter(|(part, row)| !there(part.table, part.system, row))
        .map(|(part, row)| {
            let table = if part.table.starts_with("figure") { "" } else { "table " };
            format!("{table}{}, {row}", part.table)
        })
        .collect()
}

/// The rows of results.json: those at the central parameters, with the band that the others make.
fn rows(runs: &[Run], measured: Vec<Vec<Measured>>, published: &Published) -> anyhow::Result<Vec<Row>> {
    let bounds = Bounds::load()?;
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for (run, measured) in runs.iter().zip(measured) {
        for m in measured {
            let row = row(run, m, published, &bounds);
            match run.target.bound {
                Bound::Central => rows.push(row),
                bound => ends.push((bound, row)),
            }
        }
    }
    for (bound, end) in ends {
        let row = rows.iter_mut().find(|r| r.key() == end.key());
        let row =
            row.with_context(|| format!("{:?} is there at one end of the parameters only", end.key()))?;
        match bound {
            Bound::Low => row.us_low = end.us,
            _ => row.us_high = end.us,
        }
    }
    Ok(rows)
}

fn row(run: &Run, m: Measured, published: &Published, bounds: &Bounds) -> Row {
    let machine = run.target.machine.name();
    let system = m.system.clone().unwrap_or_else(|| run.image.system(&m.table()).to_owned());
    let count = |name: &str| m.cost.get(name).copied();
    #[allow(clippy::cast_precision_loss)]
    let us = |cycles: f64| run.target.machine.clock_hz().map(|hz| thousandths(cycles * 1e6 / hz as f64));
    let us = count(CYCLES).and_then(us);
    let paper = |system: &str| published.number(&m.table, &m.row, system, machine)?.us();
    let paper_us = us.and(paper(&system));
    let parameters = us.and_then(|_| Decstation::named("", machine)?.parameters().ok());
    let lower_bound = parameters.and_then(|p| Some(bounds.of(&m.table, &m.row, &system)?.us(&p)));
    let stalls =
        m.cost.iter().filter_map(|(name, cycles)| Some((name.strip_prefix(STALL)?.to_owned(), *cycles)));
    if let Some(x) = m.x {
        // What the guest counted itself; else a time, or on malta instructions.
        #[allow(clippy::cast_precision_loss)]
        let y = m.y.map(|y| y as f64).or(us).or(count(INSTRUCTIONS));
        let other = [("figure", m.table.into()), ("series", m.row.into()), ("x", x.into()), ("y", y.into())];
        let other = other.map(|(key, value): (&str, serde_json::Value)| (key.to_owned(), value)).into();
        return Row { machine: machine.to_owned(), system, us, n: Some(m.n), other, ..Row::default() };
    }
    Row {
        machine: machine.to_owned(),
        instructions: count(INSTRUCTIONS),
        cycles: count(CYCLES),
        us,
        paper_us,
        paper_ultrix_us: us.and(paper("Ultrix")),
        ratio: us.zip(paper_us).map(|(us, paper)| thousandths(us / paper)),
        n: Some(m.n),
        nops: count(NOPS),
        i_misses: count(I_MISSES),
        d_misses: count(D_MISSES),
        stalls: stalls.filter(|(_, cycles)| *cycles != 0.0).collect(),
        lower_bound_us: lower_bound.map(thousandths),
        table: Some(m.table),
        row: Some(m.row),
        system,
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

/// What can be run, one line for each table or figure of each image.
#[must_use]
pub fn list(suite: &[Image], kernels: &Path) -> String {
    let parts = suite.iter().flat_map(|image| image.parts.iter().map(move |part| (image, part)));
    parts
        .map(|(image, part)| {
            let built = |prefix: &str| kernels.join(format!("{prefix}{}", image.file)).is_file();
            let state = if built("") && built("decstation-") { "built" } else { "not built" };
            let table = if part.table.starts_with("figure") { "" } else { "table " };
            let what = format!("{table}{}", part.table);
            format!(
                "{what:<19} {:<22} {state:<9}  {:<13}  {}\n",
                image.file,
                part.system,
                part.rows.join(", ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
