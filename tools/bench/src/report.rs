//! The tables: for the terminal, as Markdown and CSV, and the section in README.md.
//!
//! A table has the shape of the paper's: machines and systems go down, rows of the paper go across, and beside the
//! published lines stand those of this kernel, each with its unit.

use std::fmt::Write as _;

use anyhow::Context;

use crate::published::{Published, Table};
use crate::results::{Results, Row};

/// One table, ready to be drawn.
struct Grid {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What stands where there is no number.
const NOTHING: &str = "";

fn table_rows<'a>(results: &'a Results, table: &'a str) -> impl Iterator<Item = &'a Row> + Clone {
    results.rows.iter().filter(move |r| r.table.as_deref() == Some(table))
}

/// Ids of the tables that have rows, in their order.
fn tables(results: &Results) -> Vec<&str> {
    let mut ids: Vec<&str> = results.rows.iter().filter_map(|r| r.table.as_deref()).collect();
    ids.dedup();
    ids
}

/// Push what is not there yet.
fn insert<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn us(x: f64) -> String {
    format!("{x:.2}")
}

/// The unit in which a table gives its times.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Microseconds,
    Seconds,
}

impl Unit {
    /// As the paper has it.
    fn of(table: &Table) -> Self {
        if table.rows.iter().all(|n| n.unit == "s") { Self::Seconds } else { Self::Microseconds }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Seconds => "s",
        }
    }

    fn show(self, us: f64) -> String {
        match self {
            Self::Microseconds => format!("{us:.2}"),
            Self::Seconds => format!("{:.2}", us / 1e6),
        }
    }

    /// The times at both ends of the uncertain parameters.
    fn band(self, row: &Row) -> Option<String> {
        Some(format!("{} to {}", self.show(row.us_low?), self.show(row.us_high?)))
    }
}

/// How a row stands to the paper's number; flagged where it is slower.
fn of_published(row: &Row) -> Option<String> {
    let flag = if row.is_slower() { "!" } else { "" };
    Some(format!("{:.2}{flag}", row.ratio?))
}

/// What was published of a table elsewhere, on a machine that it does not name or names without certainty.
const ELSEWHERE: [(&str, &str); 2] = [("12", "talk slide 14"), ("13", "talk slide 13")];

/// That, of a table of the paper's.
fn elsewhere<'a>(published: &'a Published, id: &str) -> Option<&'a Table> {
    let (_, elsewhere) = ELSEWHERE.iter().find(|(table, _)| *table == id)?;
    published.table(elsewhere)
}

fn of_lower_bound(row: &Row) -> Option<f64> {
    Some(row.us? / row.lower_bound_us?)
}

/// Misses of both caches, for each operation; flagged where they are no leftover of the clock's interrupts, since what
/// is measured is meant to be warm.
fn misses(row: &Row) -> Option<String> {
    const LEFTOVER: f64 = 0.1;
    let misses = row.i_misses? + row.d_misses?;
    let flag = if misses > LEFTOVER { "!" } else { "" };
    Some(format!("{misses:.2}{flag}"))
}

fn grid(results: &Results, published: &Published, id: &str) -> Grid {
    match published.table(id) {
        Some(table) => paper_grid(results, table, elsewhere(published, id)),
        None => extra_grid(results, id),
    }
}

fn paper_grid(results: &Results, table: &Table, elsewhere: Option<&Table>) -> Grid {
    let unit = Unit::of(table);
    let measured = table_rows(results, &table.id);
    let mut columns: Vec<&str> = Vec::new();
    let others = || elsewhere.iter().flat_map(|table| &table.rows);
    for number in table.rows.iter().chain(others()) {
        insert(&mut columns, &number.row);
    }
    for row in measured.clone() {
        insert(&mut columns, row.row.as_deref().unwrap_or_default());
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut line = |machine: &str, system: String, unit: &str, cell: &dyn Fn(&str) -> Option<String>| {
        let cells: Vec<Option<String>> = columns.iter().map(|c| cell(c)).collect();
        if cells.iter().any(Option::is_some) {
            let mut all = vec![machine.to_owned(), system, unit.to_owned()];
            all.extend(cells.into_iter().map(|c| c.unwrap_or_else(|| NOTHING.to_owned())));
            lines.push(all);
        }
    };
    // The paper's machines, each with what was published and what was measured; then the others.
    let mut machines: Vec<&str> = Vec::new();
    for machine in table.rows.iter().filter_map(|n| n.machine.as_deref()) {
        insert(&mut machines, machine);
    }
    for row in measured.clone() {
        insert(&mut machines, &row.machine);
    }
    for machine in machines {
        let mut systems: Vec<(&str, &str)> = Vec::new();
        let there = |n: &&crate::published::Number| n.machine.as_deref() == Some(machine);
        for number in table.rows.iter().filter(there) {
            insert(&mut systems, (&number.system, &number.unit));
        }
        for (system, printed) in systems {
            line(machine, format!("{system}, published"), unit_name(printed), &|column| {
                let number =
                    table.rows.iter().filter(there).find(|n| n.system == system && n.row == column)?;
                Some(number.value.to_string())
            });
        }
        let mut ours: Vec<&str> = Vec::new();
        for row in measured.clone().filter(|r| r.machine == machine) {
            insert(&mut ours, &row.system);
        }
        for system in ours {
            let find = |column: &str| {
                measured
                    .clone()
                    .find(|r| r.machine == machine && r.system == system && r.row.as_deref() == Some(column))
            };
            let name = || format!("{system}, here");
            let time = |before: &str, after: &str| format!("{before}{}{after}", unit.name());
            line(machine, name(), unit.name(), &|c| find(c)?.us.map(|us| unit.show(us)));
            line(machine, name(), &time("", ", low to high"), &|c| unit.band(find(c)?));
            line(machine, name(), "of published", &|c| of_published(find(c)?));
            // The talk's machine is at best as fast as this one.
            line(machine, name(), "of the talk's", &|c| {
                let here = find(c).filter(|r| r.machine == README_MACHINE)?;
                let talk = others().find(|n| n.row == c && n.system == system)?.us()?;
                Some(us(here.us? / talk))
            });
            line(machine, name(), &time("lower bound, ", ""), &|c| {
                find(c)?.lower_bound_us.map(|us| unit.show(us))
            });
            line(machine, name(), "of lower bound", &|c| of_lower_bound(find(c)?).map(us));
            line(machine, name(), "cycles", &|c| find(c)?.cycles.map(us));
            line(machine, name(), "instructions", &|c| find(c)?.instructions.map(us));
            line(machine, name(), "cache misses", &|c| misses(find(c)?));
        }
    }
    let mut talks: Vec<(&str, &str)> = Vec::new();
    for number in others() {
        insert(&mut talks, (number.machine.as_deref().unwrap_or_default(), &number.system));
    }
    for (machine, system) in talks {
        let id = elsewhere.map_or("", |table| &table.id);
        line(machine, format!("{system}, {id}"), unit.name(), &|column| {
            let number = others().find(|n| n.system == system && n.row == column)?;
            Some(number.value.to_string())
        });
    }
    let mut header: Vec<String> = ["machine", "system", "unit"].map(str::to_owned).into();
    header.extend(columns.iter().map(|&c| c.to_owned()));
    Grid { title: format!("Table {}: {}", table.id, table.title), header, rows: lines }
}

fn unit_name(unit: &str) -> &str {
    if unit == "us" { "µs" } else { unit }
}

/// A table that the paper does not have: one line for each row.
fn extra_grid(results: &Results, id: &str) -> Grid {
    let rows = table_rows(results, id);
    let cell = |x: Option<f64>| x.map_or_else(|| NOTHING.to_owned(), |x| x.to_string());
    let lines = rows
        .map(|r| {
            let name = r.row.clone().unwrap_or_default();
            vec![
                name,
                r.system.clone(),
                r.machine.clone(),
                cell(r.instructions),
                r.cycles.map(us).unwrap_or_default(),
                r.us.map(us).unwrap_or_default(),
                Unit::Microseconds.band(r).unwrap_or_default(),
                misses(r).unwrap_or_default(),
            ]
        })
        .collect();
    let header =
        ["row", "system", "machine", "instructions", "cycles", "µs", "µs, low to high", "cache misses"];
    let header = header.map(str::to_owned).into();
    Grid { title: format!("{id}: rows that the paper does not have"), header, rows: lines }
}

/// Columns that hold no text at all are left out.
fn narrow(grid: Grid) -> Grid {
    let keep: Vec<bool> =
        (0..grid.header.len()).map(|c| grid.rows.iter().any(|row| row[c] != NOTHING)).collect();
    let pick = |row: Vec<String>| row.into_iter().zip(&keep).filter(|(_, k)| **k).map(|(c, _)| c).collect();
    Grid { title: grid.title, header: pick(grid.header), rows: grid.rows.into_iter().map(pick).collect() }
}

/// Whether a column is numbers, and goes to the right.
fn numeric(grid: &Grid, column: usize) -> bool {
    grid.rows.iter().all(|row| {
        let cell = row[column].as_str();
        let bare = |text: &str| text.trim_end_matches(['!', 's', ' ']).trim_end_matches(" (talk)").to_owned();
        let number = |text: &str| bare(text).parse::<f64>().is_ok();
        cell == NOTHING || cell == "n/a" || cell.split(" to ").all(number)
    })
}

fn draw_text(grid: &Grid) -> String {
    let width = |c: usize| {
        grid.rows.iter().chain([&grid.header]).map(|row| row[c].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..grid.header.len()).map(width).collect();
    let right: Vec<bool> = (0..grid.header.len()).map(|c| numeric(grid, c)).collect();
    let mut text = format!("{}\n", grid.title);
    let mut last: Option<&str> = None;
    let rule: String = widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  ");
    for (index, row) in [&grid.header].into_iter().chain(&grid.rows).enumerate() {
        let mut line = String::from("  ");
        for (c, cell) in row.iter().enumerate() {
            // A machine's name stands once.
            let cell = if c == 0 && last == Some(cell) { "" } else { cell };
            let gap = if c == 0 { "" } else { "  " };
            let _ = if right[c] {
                write!(line, "{gap}{cell:>width$}", width = widths[c])
            } else {
                write!(line, "{gap}{cell:<width$}", width = widths[c])
            };
        }
        last = row.first().map(String::as_str);
        let _ = writeln!(text, "{}", line.trim_end());
        if index == 0 {
            let _ = writeln!(text, "  {rule}");
        }
    }
    text
}

fn draw_markdown(grid: &Grid) -> String {
    let cells = |row: &[String]| {
        let escaped: Vec<String> = row.iter().map(|c| c.replace('|', "\\|")).collect();
        format!("| {} |\n", escaped.join(" | "))
    };
    let mut text = cells(&grid.header);
    let rule = (0..grid.header.len()).map(|c| if numeric(grid, c) { "---:|" } else { "---|" });
    let _ = writeln!(text, "|{}", rule.collect::<String>());
    for row in &grid.rows {
        text.push_str(&cells(row));
    }
    text
}

/// The tables for the terminal: of `only` these tables (and the extra rows), or all.
#[must_use]
pub fn terminal(results: &Results, published: &Published, only: Option<&[&str]>) -> String {
    let wanted = |id: &&str| only.is_none_or(|t| t.contains(id));
    let drawn: Vec<String> = tables(results)
        .into_iter()
        .filter(wanted)
        .map(|id| draw_text(&narrow(grid(results, published, id))))
        .collect();
    format!("{}\n{LEGEND}\n", drawn.join("\n"))
}

/// What stands under the tables.
const LEGEND: &str = "\
\"published\" is the SOSP '95 paper (Aegis, ExOS, Ultrix 4.2), \"talk\" its slides; \"here\" is this kernel.
DECstations are modelled (tools/decstation): times at the central values of the timing parameters, \"low to
high\" at both ends of the uncertain ones. A lower bound is what no kernel that keeps the same promises can be
faster than (docs/hot-paths.md). Cache misses are for each operation. \"!\" flags a row that is slower than the
published one, and misses of a row that should have none.
On malta (QEMU) only instructions are counted, without one that takes an exception; the model counts that too.";

/// `tables.md`.
#[must_use]
pub fn markdown(results: &Results, published: &Published) -> String {
    let mut text =
        String::from("# Results\n\nWritten by `scripts/reproduce.sh` from `results.json`; do not edit.\n");
    let _ = writeln!(text, "{LEGEND}");
    for id in tables(results) {
        let grid = narrow(grid(results, published, id));
        let _ = write!(text, "\n## {}\n\n{}", grid.title, draw_markdown(&grid));
    }
    for id in crate::figure::ids(results) {
        let _ = write!(text, "\n## Figure: {id}\n\n![{id}]({})\n", crate::figure::file(&id));
    }
    let environment = &results.environment;
    let _ = write!(text, "\n## Environment\n\n- guest compiler: {}\n", environment.toolchain);
    for (name, version) in &environment.tools {
        let _ = writeln!(text, "- {name}: {version}");
    }
    if let Some(hash) = &environment.parameters {
        let _ = writeln!(text, "- tools/decstation/machines.toml: sha256 `{hash}`");
    }
    for (name, binary) in &environment.guest_binaries {
        let _ = writeln!(text, "- {name}: sha256 `{}`", binary.sha256);
    }
    text
}

/// `tables.csv`: one line for each number, measured ones and, of the same tables, published ones.
#[must_use]
pub fn csv(results: &Results, published: &Published) -> String {
    let field = |text: &str| match text.contains(['"', ',', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let number = |x: Option<f64>| x.map(|x| x.to_string()).unwrap_or_default();
    let mut text = String::from(
        "table,row,system,machine,origin,instructions,cycles,us,us_low,us_high,ratio,lower_bound_us,i_misses,d_misses,n\n",
    );
    for id in tables(results) {
        for n in published.table(id).map_or(&[][..], |t| &t.rows[..]) {
            let machine = n.machine.as_deref().unwrap_or_default();
            let names = [id, &n.row, &n.system, machine, "published"].map(field).join(",");
            let _ = writeln!(text, "{names},,,{},,,,,,,", number(n.us()));
        }
        for r in table_rows(results, id) {
            let row = r.row.as_deref().unwrap_or_default();
            let names = [id, row, &r.system, &r.machine, "here"].map(field).join(",");
            let times = [r.instructions, r.cycles, r.us, r.us_low, r.us_high, r.ratio];
            let values = times.into_iter().chain([r.lower_bound_us, r.i_misses, r.d_misses]).map(number);
            let values = values.collect::<Vec<_>>().join(",");
            let _ = writeln!(text, "{names},{values},{}", r.n.map(|n| n.to_string()).unwrap_or_default());
        }
    }
    text
}

/// Where the section begins in README.md.
const BEGIN: &str = "<!-- results:begin -->";
/// Where it ends.
const END: &str = "<!-- results:end -->";
/// The machine of the first-screen table.
const README_MACHINE: &str = "DEC5000/125";

/// The machine whose numbers stand there: [`README_MACHINE`], where the paper has it.
fn readme_machine(table: &str) -> &'static str {
    match table {
        "7" => "DEC5000/200",
        "13" => "DEC3100",
        _ => README_MACHINE,
    }
}

/// The first-screen table: one line for each row of the paper that was measured.
fn readme_grid(results: &Results, published: &Published) -> Grid {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut seen = Vec::new();
    for r in &results.rows {
        let (Some(id), Some(name)) = (r.table.as_deref(), r.row.as_deref()) else {
            continue;
        };
        let Some(table) = published.table(id) else {
            continue;
        };
        let key = (id, name, r.system.as_str());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let machine = readme_machine(id);
        let unit = Unit::of(table);
        // Seconds say so, in a column of microseconds.
        let mark = |text: String| if unit == Unit::Seconds { format!("{text} s") } else { text };
        let paper = |system: &str| {
            let number = published.number(id, name, system, machine);
            number.map_or_else(
                || NOTHING.to_owned(),
                |n| n.us().map_or_else(|| "n/a".to_owned(), |_| mark(n.value.to_string())),
            )
        };
        let ours = |machine: &str| {
            table_rows(results, id)
                .find(|x| x.row.as_deref() == Some(name) && x.system == r.system && x.machine == machine)
        };
        let time = |us: Option<f64>| us.map(|us| mark(unit.show(us))).unwrap_or_default();
        let title = table.title.split(" (").next().unwrap_or(&table.title);
        // Where several systems of ours are in one table, the row says which it is of.
        let several = table_rows(results, id).any(|x| x.system != r.system);
        let talk =
            elsewhere(published, id).filter(|_| published.number(id, name, &r.system, machine).is_none());
        let talk = talk.and_then(|t| t.rows.iter().find(|n| n.row == name && n.system == r.system));
        let printed = match talk {
            Some(number) => format!("{} (talk)", number.value),
            None => paper(&r.system),
        };
        rows.push(vec![
            format!("{id}, {title}"),
            if several { format!("{name}, {}", r.system) } else { name.to_owned() },
            paper("Ultrix"),
            printed,
            time(ours(machine).and_then(|x| x.us)),
            ours(machine).and_then(|x| unit.band(x)).map(mark).unwrap_or_default(),
            ours(machine).and_then(of_published).unwrap_or_default(),
            time(ours(machine).and_then(|x| x.lower_bound_us)),
            ours("malta").and_then(|x| x.instructions).map(|x| x.to_string()).unwrap_or_default(),
        ]);
    }
    let header = [
        "table".to_owned(),
        "row".to_owned(),
        "Ultrix, published, µs".to_owned(),
        "Aegis/ExOS, published, µs".to_owned(),
        "here, modelled, µs".to_owned(),
        "low to high".to_owned(),
        "of published".to_owned(),
        "lower bound, µs".to_owned(),
        "here, instructions (malta)".to_owned(),
    ];
    Grid { title: String::new(), header: header.into(), rows }
}

/// README's text with its marked section made anew.
///
/// # Errors
/// When the markers are not there, in this order, once each.
pub fn readme(text: &str, results: &Results, published: &Published) -> anyhow::Result<String> {
    let one = |marker: &str| text.matches(marker).count() == 1;
    anyhow::ensure!(one(BEGIN) && one(END), "expected {BEGIN} and {END}, once each");
    let (before, rest) = text.split_once(BEGIN).context("no begin")?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{END} stands before {BEGIN}"))?;
    let table = draw_markdown(&narrow(readme_grid(results, published)));
    let caption = format!(
        "On the {README_MACHINE}; table 7 on the DEC5000/200, table 13 on the DEC3100 (and of the authors' talk, where it says \"talk\"). \
         \"!\" is slower than published. From `bench-results/results.json`; what the paper claims in words, and whether it holds here: \
         [bench-results/claims.md](bench-results/claims.md)."
    );
    Ok(format!("{before}{BEGIN}\n{table}\n{caption}\n{END}{after}"))
}

#[cfg(test)]
mod tests;
