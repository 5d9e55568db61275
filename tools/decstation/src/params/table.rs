//! The parameters as a table: every value with its range, its confidence and where it is from.

use super::{Entry, MACHINES, ParamError, read};

/// The columns' titles.
const TITLES: [&str; 7] = ["machine", "parameter", "value", "low", "high", "confidence", "source"];

/// A value as the file writes it, without quotes.
fn text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn row(machine: &str, key: &str, entry: &Entry) -> [String; 7] {
    let end = |value: &Option<toml::Value>| value.as_ref().map_or_else(|| "-".to_owned(), text);
    let stated = |value: &Option<String>| value.clone().unwrap_or_else(|| "not stated".to_owned());
    let mut value = text(&entry.value);
    for (name, more) in
        [("extra", entry.extra), ("same_page", entry.same_page), ("page_bytes", entry.page_bytes)]
    {
        if let Some(number) = more {
            value += &format!(", {name} {number}");
        }
    }
    let reason = entry.reason.as_ref().map_or_else(String::new, |why| format!(" (no range: {why})"));
    [
        machine.to_owned(),
        key.to_owned(),
        value,
        end(&entry.low),
        end(&entry.high),
        stated(&entry.confidence),
        stated(&entry.source) + &reason,
    ]
}

/// The table of the parameter file `text`: what all machines share, then machine by machine.
///
/// # Errors
/// Text that is not a parameter file.
pub fn table(text: &str) -> Result<String, ParamError> {
    let file = read(text)?;
    let mut rows = vec![TITLES.map(str::to_owned)];
    let sections = [("common", "all")].into_iter().chain(MACHINES.map(|(_, section, name)| (section, name)));
    for (section, name) in sections {
        for (key, entry) in file.get(section).into_iter().flatten() {
            rows.push(row(name, key, entry));
        }
    }
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    Ok(rows.iter().map(|row| line(row, &widths)).collect())
}

fn line(row: &[String; 7], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
    cells.join("  ").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::BUILT_IN;
    use super::*;

    fn entries() -> Vec<(String, String, Entry)> {
        read(BUILT_IN)
            .unwrap()
            .into_iter()
            .flat_map(|(s, section)| section.into_iter().map(move |(key, e)| (s.clone(), key, e)))
            .collect()
    }

    #[test]
    fn every_parameter_says_where_it_is_from_and_how_sure_it_is() {
        for (section, key, entry) in entries() {
            let source = entry.source.unwrap_or_default();
            assert!(!source.trim().is_empty(), "{section}: {key} has no source");
            let confidence = entry.confidence.unwrap_or_default();
            assert!(["high", "medium", "low"].contains(&confidence.as_str()), "{section}: {key}");
        }
    }

    #[test]
    fn every_guess_has_a_range_that_holds_it_or_a_reason() {
        let number = |v: &toml::Value| v.as_float().or_else(|| v.as_integer().map(|i| i as f64));
        for (section, key, entry) in entries() {
            let ends = (entry.low.as_ref().and_then(number), entry.high.as_ref().and_then(number));
            match (number(&entry.value), ends) {
                (Some(value), (Some(low), Some(high))) => {
                    assert!(low <= value && value <= high, "{section}: {key}");
                }
                (_, (None, None)) if entry.confidence.as_deref() != Some("low") => {}
                _ => assert!(entry.reason.is_some(), "{section}: {key} needs low and high, or a reason"),
            }
        }
    }

    #[test]
    fn the_table_has_a_row_for_each() {
        let table = table(BUILT_IN).unwrap();
        assert_eq!(table.lines().count(), 1 + entries().len());
        let row = table.lines().find(|l| l.starts_with("DEC5000/125") && l.contains(" miss ")).unwrap();
        let words: Vec<_> = row.split_whitespace().take(6).collect();
        assert_eq!(words, ["DEC5000/125", "miss", "18", "15", "20", "low"]);
        assert!(table.contains("5, same_page 1, page_bytes 4096"), "{table}");
    }
}
