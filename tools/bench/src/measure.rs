//! From ticks to the cost of each operation: the paper's method (section 4) and its checks.
//!
//! On a machine whose ticks only stand for instructions:
//!
//! 1. *Calibration.* The guest times loops of known length; two lengths differ by `di` instructions and `dt` ticks, and
//!    the constant cost around the loop drops out. The counter rounds each reading down, so that `dt` is right to less than
//!    one tick either way: each pair allows an interval of instructions per tick. The ratio is the simplest fraction that
//!    all pairs allow. If they allow none, or too many, the clock is refused.
//!
//! On a machine that keeps marks ([`crate::marks`]) a tick is a cycle, and instructions, misses and stalls are known too.
//! Then, on both:
//!
//! 2. *Overhead.* The empty loop is timed by the guest and subtracted; when its measurements differ it is refused.
//! 3. *Trials.* Three, and the median is the row ("median of three trials"). Trials that differ much are refused.

use std::collections::BTreeMap;

use crate::marks::{CYCLES, Cost, INSTRUCTIONS, Marks};
use crate::protocol::{Clock, Overhead, Point, Report, Trial};

/// How many trials a row has.
pub const TRIALS: u64 = 3;
/// The relative width up to which a calibration counts as exact.
const EXACT: f64 = 1e-3;
/// How much of the median the trials may differ by.
const TRIAL_SPREAD: f64 = 0.10;
/// How much of itself the overhead may differ by (and two ticks).
const OVERHEAD_SPREAD: f64 = 0.01;

/// A positive fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub over: u64,
    /// Below the line; not 0.
    pub under: u64,
}

impl Ratio {
    /// As a floating-point number.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn value(self) -> f64 {
        self.over as f64 / self.under as f64
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.under {
            1 => write!(f, "{}", self.over),
            under => write!(f, "{}/{under}", self.over),
        }
    }
}

/// Why the numbers of a run are not used.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MeasureError {
    /// Fewer than three loop lengths.
    #[error("the clock was not calibrated: {0} CLOCK line(s) of different lengths, at least 3 are needed")]
    NoCalibration(usize),
    /// No ratio fits.
    #[error(
        "the clock is not steady: loops of {short} and {long} instructions allow {low:.6} to {high:.6} instructions for each tick, the others do not"
    )]
    Unsteady {
        /// Instructions of the shorter loop.
        short: u64,
        /// Instructions of the longer loop.
        long: u64,
        /// Lowest ratio that this pair allows.
        low: f64,
        /// Highest.
        high: f64,
    },
    /// Too many ratios fit.
    #[error(
        "the clock's calibration is too coarse: {low:.6} to {high:.6} instructions for each tick; longer loops are needed"
    )]
    Coarse {
        /// Lowest ratio allowed.
        low: f64,
        /// Highest.
        high: f64,
    },
    /// Not the three trials.
    #[error("table {table}, {row}: trials {found:?}, expected 1 to {TRIALS}, each once")]
    Trials {
        /// Table.
        table: String,
        /// Row.
        row: String,
        /// The trials that there are.
        found: Vec<u64>,
    },
    /// Trials with different iteration counts.
    #[error("table {table}, {row}: the trials differ in n or per")]
    Mixed {
        /// Table.
        table: String,
        /// Row.
        row: String,
    },
    /// Trials too far apart.
    #[error("table {table}, {row}: the trials differ too much: {values:?}")]
    TrialSpread {
        /// Table.
        table: String,
        /// Row.
        row: String,
        /// Cycles (instructions, where cycles are not known) for each operation, lowest first.
        values: Vec<f64>,
    },
    /// Overheads too far apart.
    #[error("table {table}, {row}: the overhead is not steady: {values:?} for each iteration")]
    OverheadSpread {
        /// Table.
        table: String,
        /// Row.
        row: String,
        /// Cycles or instructions for each iteration, lowest first.
        values: Vec<f64>,
    },
    /// The operation takes no longer than the empty loop.
    #[error("table {table}, {row}: takes {total:.3}, but its empty loop {overhead:.3}")]
    Negative {
        /// Table.
        table: String,
        /// Row.
        row: String,
        /// Cycles or instructions for each iteration.
        total: f64,
        /// Of these, overhead.
        overhead: f64,
    },
    /// A measurement whose marks are not there.
    #[error("table {table}, {row}: no marks of a measurement that began at {at:?} and took {ticks} cycles")]
    Unmarked {
        /// Table.
        table: String,
        /// Row.
        row: String,
        /// The counter where it began.
        at: Option<u64>,
        /// What it took.
        ticks: u64,
    },
    /// A point that was printed before.
    #[error("figure {figure}, {series}: two points at {x}")]
    Twice {
        /// Figure.
        figure: String,
        /// Curve.
        series: String,
        /// Where.
        x: u64,
    },
    /// An overhead that belongs to no row.
    #[error("table {table}, {row}: an overhead, but no trial")]
    Orphan {
        /// Table.
        table: String,
        /// Row.
        row: String,
    },
}

/// One row, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Table, as in results.json.
    pub table: String,
    /// Row, as in results.json.
    pub row: String,
    /// The system, if the guest named one.
    pub system: Option<String>,
    /// What each operation costs, rounded to thousandths.
    pub cost: Cost,
    /// Iterations of each trial.
    pub n: u64,
    /// Where on the horizontal axis, if it is a point of a figure.
    pub x: Option<u64>,
    /// What the guest counted there itself, if it is a point that is no time; `cost` is empty then.
    pub y: Option<u64>,
}

impl Measured {
    /// The table as [`crate::suite`] names it: a point's is `figure 3`.
    #[must_use]
    pub fn table(&self) -> String {
        if self.x.is_some() { format!("figure {}", self.table) } else { self.table.clone() }
    }
}

/// All rows of one run, in the order in which the guest printed them. With `marks` a tick is a cycle.
///
/// # Errors
/// When the numbers are not to be trusted; see [`MeasureError`].
pub fn measure(reports: &[Report], marks: Option<&Marks>) -> Result<Vec<Measured>, MeasureError> {
    let mut clocks = Vec::new();
    let mut overheads: BTreeMap<(&str, &str), Vec<&Overhead>> = BTreeMap::new();
    let mut rows: Vec<Vec<&Trial>> = Vec::new();
    let mut points: Vec<&Point> = Vec::new();
    for report in reports {
        match report {
            Report::Clock(clock) => clocks.push(*clock),
            Report::Overhead(o) => overheads.entry((&o.table, &o.row)).or_default().push(o),
            Report::Point(p) => {
                if points
                    .iter()
                    .any(|q| (&q.figure, &q.series, q.x, &q.system) == (&p.figure, &p.series, p.x, &p.system))
                {
                    let (figure, series) = (p.figure.clone(), p.series.clone());
                    return Err(MeasureError::Twice { figure, series, x: p.x });
                }
                points.push(p);
            }
            Report::Trial(t) => {
                let same = |r: &&mut Vec<&Trial>| {
                    (&r[0].table, &r[0].row, &r[0].system, r[0].x) == (&t.table, &t.row, &t.system, t.x)
                };
                match rows.iter_mut().find(same) {
                    Some(row) => row.push(t),
                    None => rows.push(vec![t]),
                }
            }
        }
    }
    for (table, row) in overheads.keys() {
        if !rows.iter().any(|r| r[0].table == *table && r[0].row == *row) {
            return Err(MeasureError::Orphan { table: (*table).to_owned(), row: (*row).to_owned() });
        }
    }
    let meter = match marks {
        Some(marks) => Meter::Marks(marks),
        // What counts by itself needs no clock.
        None if rows.is_empty() => return Ok(points.into_iter().map(counted).collect()),
        None => Meter::Ticks(calibrate(&clocks)?),
    };
    let timed = rows.iter().map(|trials| {
        let lines = overheads.get(&(&*trials[0].table, &*trials[0].row));
        let overhead = meter.overhead(lines.map_or(&[], Vec::as_slice))?;
        meter.row(&overhead, trials)
    });
    timed.chain(points.into_iter().map(|point| Ok(counted(point)))).collect()
}

/// A point that the guest counted itself.
fn counted(point: &Point) -> Measured {
    Measured {
        table: point.figure.clone(),
        row: point.series.clone(),
        system: point.system.clone(),
        cost: Cost::new(),
        n: 1,
        x: Some(point.x),
        y: Some(point.y),
    }
}

/// How costs come from what the guest printed.
enum Meter<'a> {
    /// Ticks stand for instructions, in this ratio.
    Ticks(Ratio),
    /// Ticks are cycles, and these are the marks.
    Marks(&'a Marks),
}

#[allow(clippy::cast_precision_loss)]
impl Meter<'_> {
    /// The count that trials are compared by.
    fn leading(&self) -> &'static str {
        match self {
            Self::Ticks(_) => INSTRUCTIONS,
            Self::Marks(_) => CYCLES,
        }
    }

    /// What a tick is, in the leading count.
    fn tick(&self) -> f64 {
        match self {
            Self::Ticks(ratio) => ratio.value(),
            Self::Marks(_) => 1.0,
        }
    }

    /// Costs of each of `n` iterations.
    fn cost(
        &self,
        (table, row): (&str, &str),
        n: u64,
        ticks: u64,
        stretches: &[(u64, u64)],
    ) -> Result<Cost, MeasureError> {
        match self {
            Self::Ticks(ratio) => {
                Ok(Cost::from([(INSTRUCTIONS.to_owned(), ratio.value() * ticks as f64 / n as f64)]))
            }
            Self::Marks(marks) => {
                let unmarked = |at, ticks| MeasureError::Unmarked {
                    table: table.to_owned(),
                    row: row.to_owned(),
                    at,
                    ticks,
                };
                if stretches.is_empty() {
                    return Err(unmarked(None, ticks));
                }
                let mut each = Cost::new();
                for &(at, ticks) in stretches {
                    for (name, count) in marks.between(at, ticks).ok_or(unmarked(Some(at), ticks))? {
                        *each.entry(name).or_default() += count / n as f64;
                    }
                }
                Ok(each)
            }
        }
    }

    /// The middle one by the leading count; the leading counts, lowest first.
    fn median(&self, mut costs: Vec<Cost>) -> Option<(Cost, Vec<f64>)> {
        let value = |cost: &Cost| cost[self.leading()];
        costs.sort_by(|a, b| value(a).total_cmp(&value(b)));
        let values: Vec<f64> = costs.iter().map(value).collect();
        (!costs.is_empty()).then(|| (costs.swap_remove(costs.len() / 2), values))
    }

    fn overhead(&self, lines: &[&Overhead]) -> Result<Cost, MeasureError> {
        let costs: Vec<Cost> = lines
            .iter()
            .map(|o| {
                let stretch = o.at.map(|at| (at, o.ticks));
                self.cost((&o.table, &o.row), o.n, o.ticks, stretch.as_slice())
            })
            .collect::<Result<_, _>>()?;
        let Some((median, values)) = self.median(costs) else {
            return Ok(Cost::new());
        };
        let (low, high) = (values[0], values[values.len() - 1]);
        // Two ticks of rounding are no disagreement.
        let rounding = lines.iter().map(|o| 2.0 * self.tick() / o.n as f64).fold(0.0, f64::max);
        if high - low > rounding + OVERHEAD_SPREAD * high {
            let (table, row) = (lines[0].table.clone(), lines[0].row.clone());
            return Err(MeasureError::OverheadSpread { table, row, values });
        }
        Ok(median)
    }

    fn row(&self, overhead: &Cost, trials: &[&Trial]) -> Result<Measured, MeasureError> {
        let first = trials[0];
        let (table, row) = (first.table.clone(), first.row.clone());
        let mut found: Vec<u64> = trials.iter().map(|t| t.trial).collect();
        found.sort_unstable();
        if found != (1..=TRIALS).collect::<Vec<_>>() {
            return Err(MeasureError::Trials { table, row, found });
        }
        if trials.iter().any(|t| (t.n, t.per) != (first.n, first.per)) {
            return Err(MeasureError::Mixed { table, row });
        }
        let operation = |t: &&Trial| {
            let total = self.cost((&t.table, &t.row), t.n, t.ticks, &t.stretches)?;
            let known = t.less as f64 / t.n as f64;
            let less = |name: &str| {
                let known = if [CYCLES, INSTRUCTIONS].contains(&name) { known } else { 0.0 };
                known + overhead.get(name).copied().unwrap_or_default()
            };
            let each = |(name, count): (String, f64)| {
                let count = thousandths((count - less(&name)) / t.per as f64);
                (name, count)
            };
            Ok(total.into_iter().map(each).collect())
        };
        let costs: Vec<Cost> = trials.iter().map(operation).collect::<Result<_, _>>()?;
        let Some((cost, values)) = self.median(costs) else {
            return Err(MeasureError::Trials { table, row, found });
        };
        let median = cost[self.leading()];
        if values[0] <= 0.0 {
            let overhead = overhead.get(self.leading()).copied().unwrap_or_default();
            return Err(MeasureError::Negative {
                table,
                row,
                total: values[0] * first.per as f64 + overhead,
                overhead,
            });
        }
        // Two ticks of rounding are no disagreement, however short the operation.
        let rounding = 2.0 * self.tick() / (first.n * first.per) as f64;
        if values[values.len() - 1] - values[0] > TRIAL_SPREAD * median + rounding {
            return Err(MeasureError::TrialSpread { table, row, values });
        }
        Ok(Measured { table, row, system: first.system.clone(), cost, n: first.n, x: first.x, y: None })
    }
}

/// A number as results carry it: rounded to thousandths.
#[must_use]
pub fn thousandths(x: f64) -> f64 {
    // Adding 0.0 turns -0.0 into 0.0.
    (x * 1000.0).round() / 1000.0 + 0.0
}

/// Instructions for each tick.
///
/// # Errors
/// When the lines do not agree or do not tell.
#[allow(clippy::cast_precision_loss)]
pub fn calibrate(clocks: &[Clock]) -> Result<Ratio, MeasureError> {
    let mut clocks = clocks.to_vec();
    clocks.sort_unstable_by_key(|c| (c.instructions, c.ticks));
    let mut lengths: Vec<u64> = clocks.iter().map(|c| c.instructions).collect();
    lengths.dedup();
    if lengths.len() < 3 {
        return Err(MeasureError::NoCalibration(lengths.len()));
    }
    // The interval of ratios that all pairs so far allow, both ends included: (instructions, ticks) of each end.
    let mut low = (0u64, 1u64);
    let mut high = (1u64, 0u64);
    let value = |(i, t): (u64, u64)| i as f64 / t as f64;
    for (k, short) in clocks.iter().enumerate() {
        for long in &clocks[k + 1..] {
            let di = long.instructions - short.instructions;
            // |dt - true difference| < 1, so that the ratio lies between di / (dt + 1) and di / (dt - 1).
            let pair_low = (di, (long.ticks + 1).saturating_sub(short.ticks));
            let pair_high = (di, long.ticks.saturating_sub(short.ticks + 1));
            let unsteady = |low, high| MeasureError::Unsteady {
                short: short.instructions,
                long: long.instructions,
                low: value(low),
                high: value(high),
            };
            if di == 0 {
                // The same length twice: the ticks may differ by one.
                if long.ticks.abs_diff(short.ticks) > 1 {
                    return Err(unsteady((0, 1), (0, 1)));
                }
                continue;
            }
            if pair_low.1 == 0 {
                return Err(unsteady((1, 0), (1, 0)));
            }
            if less(low, pair_low) {
                low = pair_low;
            }
            if less(pair_high, high) {
                high = pair_high;
            }
            if less(high, low) {
                return Err(unsteady(pair_low, pair_high));
            }
        }
    }
    let (l, h) = (value(low), value(high));
    if !h.is_finite() || (h - l) > EXACT * l {
        return Err(MeasureError::Coarse { low: l, high: h });
    }
    Ok(simplest(low, high))
}

/// a/b < c/d, where a denominator may be 0 (infinity).
fn less(a: (u64, u64), b: (u64, u64)) -> bool {
    u128::from(a.0) * u128::from(b.1) < u128::from(b.0) * u128::from(a.1)
}

/// The fraction with the smallest denominator between two positive ones, both included (by continued fractions).
fn simplest(low: (u64, u64), high: (u64, u64)) -> Ratio {
    let whole = low.0.div_ceil(low.1);
    if high.1 == 0 || !less(high, (whole, 1)) {
        return Ratio { over: whole, under: 1 };
    }
    // No whole number between them, so that both have the same whole part: split it off, and turn the rest over.
    let part = low.0 / low.1;
    let rest = simplest((high.1, high.0 - part * high.1), (low.1, low.0 - part * low.1));
    Ratio { over: part * rest.over + rest.under, under: rest.over }
}

#[cfg(test)]
mod tests;
