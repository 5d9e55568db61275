//! The lines that a benchmark program prints, and that the runner reads.
//!
//! ```text
//! CLOCK <ticks> <instructions>
//! OVERHEAD <table> <row> <n> <ticks> [at=<counter>]
//! BENCH <table> <row> <trial> <n> <ticks> [per=<operations in each iteration>] [system=<name>] [at=<counter>]
//!       [less=<instructions>] [x=<number>]
//! POINT <figure> <series> <x> <y> [system=<name>]
//! ```
//!
//! Words are separated by spaces; a row's name that contains spaces stands in double quotes. Numbers are decimal. `ticks` is
//! the difference of the machine's tick counter over all `n` iterations. `per` (1 if left out) divides further: a transfer
//! and its reply are one iteration with `per=2`. `at` is the counter when the measurement began: on a machine that keeps
//! marks (crate::marks) it finds what else was counted meanwhile. Where each iteration is measured alone, since something is
//! done in between that does not count, `at=<counter>+<ticks>,<counter>+<ticks>...` are all of them. `less` instructions, of one cycle each, were executed
//! besides what is measured. With `x` it is a point of a figure: the table is its name and the row the curve. A `POINT` is one too, whose
//! `y` is no time but what the program counted itself: Figure 3's iterations. Every other line is the program's own affair, but a line that begins
//! with one of these words and does not parse is an error: a benchmark that misprints is not skipped in silence.

/// One line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A loop of known length took so many ticks.
    Clock(Clock),
    /// An empty loop of the row's shape took so many ticks.
    Overhead(Overhead),
    /// One trial of one row.
    Trial(Trial),
    /// A point of a figure that is not a time.
    Point(Point),
}

/// See [`Report::Clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Ticks of the counter.
    pub ticks: u64,
    /// Instructions that the loop executes.
    pub instructions: u64,
}

/// See [`Report::Overhead`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overhead {
    /// Table, as in results.json.
    pub table: String,
    /// Row, as in results.json.
    pub row: String,
    /// Iterations.
    pub n: u64,
    /// Ticks for all of them.
    pub ticks: u64,
    /// The tick counter when it began.
    pub at: Option<u64>,
}

/// See [`Report::Trial`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Table, as in results.json.
    pub table: String,
    /// Row, as in results.json.
    pub row: String,
    /// Which trial, from 1.
    pub trial: u64,
    /// Iterations.
    pub n: u64,
    /// Ticks for all of them.
    pub ticks: u64,
    /// Operations in each iteration.
    pub per: u64,
    /// The system measured, if not the one that the suite knows.
    pub system: Option<String>,
    /// What was measured: the tick counter when it began, and the ticks from there on; empty if that is not known.
    pub stretches: Vec<(u64, u64)>,
    /// Instructions, of one cycle each, that were executed besides.
    pub less: u64,
    /// Where on the horizontal axis, if it is a point of a figure.
    pub x: Option<u64>,
}

/// See [`Report::Point`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The figure, as in results.json: `3`.
    pub figure: String,
    /// The curve.
    pub series: String,
    /// Where on the horizontal axis.
    pub x: u64,
    /// Where on the vertical one.
    pub y: u64,
    /// The system measured, if not the one that the suite knows.
    pub system: Option<String>,
}

/// A line that begins like a report and is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("console line {number}: {reason}: {line:?}")]
pub struct ProtocolError {
    /// Line of the console, from 1.
    pub number: usize,
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Read all reports of a console's lines.
///
/// # Errors
/// At the first line that begins like a report and is none.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Vec<Report>, ProtocolError> {
    let mut reports = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some(report)) => reports.push(report),
            Err(reason) => {
                return Err(ProtocolError { number: index + 1, line: line.to_owned(), reason });
            }
        }
    }
    Ok(reports)
}

/// Read one line: `None` if it is no report.
///
/// # Errors
/// What is wrong with a line that begins like a report.
pub fn parse_line(line: &str) -> Result<Option<Report>, String> {
    let line = line.trim();
    let keyword = line.split(' ').next().unwrap_or("");
    if !matches!(keyword, "CLOCK" | "OVERHEAD" | "BENCH" | "POINT") {
        return Ok(None);
    }
    let words = split(line)?;
    let (words, extras) = match keyword {
        "BENCH" if words.len() > 6 => words.split_at(6),
        "OVERHEAD" | "POINT" if words.len() > 5 => words.split_at(5),
        _ => (&words[..], &[][..]),
    };
    let report = match (keyword, words) {
        ("CLOCK", [_, ticks, instructions]) => {
            Report::Clock(Clock { ticks: number(ticks)?, instructions: positive(instructions)? })
        }
        ("OVERHEAD", [_, table, row, n, ticks]) => {
            let mut it = Overhead {
                table: table.clone(),
                row: row.clone(),
                n: positive(n)?,
                ticks: number(ticks)?,
                at: None,
            };
            for extra in extras {
                match extra.split_once('=') {
                    Some(("at", value)) => it.at = Some(number(value)?),
                    _ => return Err(format!("{extra:?} is not at=")),
                }
            }
            Report::Overhead(it)
        }
        ("BENCH", [_, table, row, trial, n, ticks]) => {
            let mut it = Trial {
                table: table.clone(),
                row: row.clone(),
                trial: positive(trial)?,
                n: positive(n)?,
                ticks: number(ticks)?,
                per: 1,
                system: None,
                stretches: Vec::new(),
                less: 0,
                x: None,
            };
            for extra in extras {
                match extra.split_once('=') {
                    Some(("per", value)) => it.per = positive(value)?,
                    Some(("system", value)) if !value.is_empty() => {
                        it.system = Some(value.to_owned());
                    }
                    Some(("at", value)) => it.stretches = stretches(value, it.ticks)?,
                    Some(("less", value)) => it.less = number(value)?,
                    Some(("x", value)) => it.x = Some(number(value)?),
                    _ => return Err(format!("{extra:?} is none of per=, system=, at=, less=, x=")),
                }
            }
            Report::Trial(it)
        }
        ("POINT", [_, figure, series, x, y]) => {
            let (x, y) = (number(x)?, number(y)?);
            let mut it = Point { figure: figure.clone(), series: series.clone(), x, y, system: None };
            for extra in extras {
                match extra.split_once('=') {
                    Some(("system", value)) if !value.is_empty() => it.system = Some(value.to_owned()),
                    _ => return Err(format!("{extra:?} is not system=")),
                }
            }
            Report::Point(it)
        }
        ("CLOCK", _) => return Err("expected CLOCK <ticks> <instructions>".to_owned()),
        ("OVERHEAD", _) => {
            return Err("expected OVERHEAD <table> <row> <n> <ticks> [at=<counter>]".to_owned());
        }
        ("POINT", _) => return Err("expected POINT <figure> <series> <x> <y> [system=<name>]".to_owned()),
        _ => return Err("expected BENCH <table> <row> <trial> <n> <ticks> [key=value]".to_owned()),
    };
    Ok(Some(report))
}

/// Words of a line; a quote may begin anywhere in a word (`system="ExOS linear"`) and hides spaces.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if begun {
        words.push(word);
    }
    if words.iter().any(String::is_empty) {
        return Err("an empty name".to_owned());
    }
    Ok(words)
}

/// What `at=` says of a measurement of so many ticks.
fn stretches(value: &str, ticks: u64) -> Result<Vec<(u64, u64)>, String> {
    if !value.contains('+') {
        return Ok(vec![(number(value)?, ticks)]);
    }
    let stretch = |text: &str| {
        let (at, ticks) = text.split_once('+').ok_or(format!("{text:?} is not <counter>+<ticks>"))?;
        Ok((number(at)?, number(ticks)?))
    };
    let all = value.split(',').map(stretch).collect::<Result<Vec<_>, String>>()?;
    let sum: u64 = all.iter().map(|(_, ticks)| ticks).sum();
    if sum == ticks { Ok(all) } else { Err(format!("the stretches are {sum} ticks long, not {ticks}")) }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word:?} is not a number"))
}

fn positive(word: &str) -> Result<u64, String> {
    match number(word)? {
        0 => Err("a count is zero".to_owned()),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests;
