//! The configuration file: a machine described once, instead of by options.
//!
//! ```toml
//! machine = "5000/125"         # 2100, 3100, 5000/125, 5000/200
//! bound = "central"            # low, central, high
//! ram_mb = 16
//! serial = "terminal"          # terminal, none, file:PATH
//! serial_input = "script.txt"  # typed at the console, at the line's rate
//! ethernet = "none"            # none, segment
//! station = "08:00:2b:00:00:01"
//! append = "console=ttyS3"
//! seed = 1
//! max_cycles = 1000000000
//!
//! [parameters]                 # single values of machines.toml, replaced
//! miss = 16
//! ```
//!
//! Options on the command line win over the file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::params::Bound;

/// What the file may say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which machine.
    pub machine: Option<String>,
    /// `low`, `central` or `high`.
    pub bound: Option<BoundName>,
    /// Megabytes of RAM.
    pub ram_mb: Option<u32>,
    /// What the console is connected to.
    pub serial: Option<String>,
    /// A file that is typed at the console.
    pub serial_input: Option<String>,
    /// `none` or `segment`.
    pub ethernet: Option<String>,
    /// Station address.
    pub station: Option<String>,
    /// Arguments for the program.
    pub append: Option<String>,
    /// Seed of whatever is random in the model.
    pub seed: Option<u64>,
    /// When to give up.
    pub max_cycles: Option<u64>,
    /// Replaced timing parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, f64>,
}

/// [`Bound`] as the file spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoundName {
    /// The fast end.
    Low,
    /// The likely values.
    Central,
    /// The slow end.
    High,
}

impl From<BoundName> for Bound {
    fn from(name: BoundName) -> Bound {
        match name {
            BoundName::Low => Bound::Low,
            BoundName::Central => Bound::Central,
            BoundName::High => Bound::High,
        }
    }
}

impl Config {
    /// Reads a configuration file's text.
    ///
    /// # Errors
    /// A line of text: text that is not TOML, an unknown key, a value of the wrong type.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| one_line(text, &error))
    }
}

/// An error in the TOML of `text` as one line that begins with its place.
#[must_use]
pub fn one_line(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("line {}: {message}", before.matches('\n').count() + 1)
}

/// Reads a station address: six hexadecimal bytes with colons.
#[must_use]
pub fn parse_station(text: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        let part = parts.next()?;
        // A sign is a number to Rust, and not to us.
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
        *byte = if digits { u8::from_str_radix(part, 16).ok()? } else { return None };
    }
    parts.next().is_none().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_documentation_shows() {
        let c =
            Config::parse("machine = \"5000/125\"\nbound = \"high\"\nram_mb = 8\n[parameters]\nmiss = 16\n")
                .unwrap();
        assert_eq!(c.machine.as_deref(), Some("5000/125"));
        assert_eq!(c.parameters["miss"], 16.0);
    }

    #[test]
    fn unknown_keys_are_errors() {
        let e = Config::parse("ram = 8").unwrap_err();
        assert!(e.contains("ram"));
    }

    #[test]
    fn errors_are_one_line_that_names_the_place() {
        for (text, word) in [
            ("seed = 1\nram = 8", "line 2: unknown field `ram`"),
            ("ram_mb = \"x\"", "line 1: invalid type: string \"x\", expected u32"),
            ("ram_mb = -1", "expected u32"),
            ("ram_mb = 99999999999", "expected u32"),
            ("bound = \"mid\"", "unknown variant `mid`"),
            ("[parameters]\nmiss = \"a\"", "line 2: invalid type"),
            ("a = [", "line 1: "),
            ("machine = 3", "expected a string"),
        ] {
            let e = Config::parse(text).unwrap_err();
            assert!(e.contains(word) && e.lines().count() == 1, "{text}: {e}");
        }
    }

    #[test]
    fn station_addresses() {
        assert_eq!(parse_station("08:00:2b:01:02:fe"), Some([8, 0, 0x2b, 1, 2, 0xfe]));
        assert_eq!(parse_station("08:00:2b:01:02"), None);
        assert_eq!(parse_station("+8:00:2b:00:00:01"), None);
        assert_eq!(parse_station("008:0:2b:0:0:1"), None);
        assert_eq!(parse_station("08:00:2b:01:02:03:04"), None);
    }
}
