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
    /// Text that is not TOML, an unknown key, a value of the wrong type.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Reads a station address: six hexadecimal bytes with colons.
#[must_use]
pub fn parse_station(text: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
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
        assert!(e.to_string().contains("ram"));
    }

    #[test]
    fn station_addresses() {
        assert_eq!(parse_station("08:00:2b:01:02:fe"), Some([8, 0, 0x2b, 1, 2, 0xfe]));
        assert_eq!(parse_station("08:00:2b:01:02"), None);
        assert_eq!(parse_station("08:00:2b:01:02:03:04"), None);
    }
}
