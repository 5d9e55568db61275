//! The timing parameters of the machines, read from `machines.toml`.
//!
//! Every parameter is data with a confidence; those of low confidence carry a low and a high value,
//! and [`Bound`] selects which one a run uses. All times are in cycles of the modelled CPU.
//! Nothing here is fitted to the paper's results.

pub mod table;

use std::collections::BTreeMap;

use serde::Deserialize;

/// The parameter file that is built into the program.
pub const BUILT_IN: &str = include_str!("../machines.toml");

/// Which end of a low-confidence parameter's range a run uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Bound {
    /// The fast end: few cycles, long lines, a deep write buffer.
    Low,
    /// The value believed most likely.
    #[default]
    Central,
    /// The slow end.
    High,
}

/// The processor generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CpuKind {
    /// R2000: partial stores invalidate the cached word.
    R2000,
    /// R3000: partial stores merge, at one cycle more.
    R3000,
}

impl CpuKind {
    /// The processor revision identifier register, PRId (implementation in bits 15:8).
    #[must_use]
    pub const fn prid(self) -> u32 {
        match self {
            CpuKind::R2000 => 0x0110,
            CpuKind::R3000 => 0x0230,
        }
    }
}

/// What a byte or halfword store does to the data cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartialStore {
    /// The cached word becomes invalid, whatever its tag.
    Invalidate,
    /// A hit merges the bytes; every partial store costs `extra` cycles for the read before the
    /// write.
    Merge {
        /// Cycles.
        extra: u32,
    },
}

/// Everything that the model needs to know about one machine. Times in CPU cycles.
#[derive(Clone, PartialEq, Debug)]
pub struct Params {
    /// The machine's name as tables print it, for instance `DEC5000/125`.
    pub name: String,
    /// CPU clock, hertz.
    pub clock_hz: u64,
    /// Processor generation.
    pub cpu: CpuKind,
    /// Size of each of the two caches, bytes (a power of two).
    pub cache_bytes: u32,
    /// Bytes that an instruction-cache miss fetches (a power of two, at least 4).
    pub icache_fetch: u32,
    /// Bytes that a data-cache miss fetches (a power of two, at least 4).
    pub dcache_fetch: u32,
    /// Stall of a cache miss, and of an uncached read of memory.
    pub miss: u32,
    /// Entries of the write buffer.
    pub write_depth: u32,
    /// Time for one buffered write to reach memory.
    pub write_retire: u32,
    /// The same, when the write before it went to the same DRAM page.
    pub same_page_retire: u32,
    /// Size of a DRAM page, bytes (a power of two).
    pub page_bytes: u32,
    /// Behaviour of byte and halfword stores.
    pub partial_store: PartialStore,
    /// Stall of a read of a device register.
    pub device_read: u32,
    /// Time for one buffered write to reach a device register.
    pub device_write: u32,
    /// Stall of a read of the network controller's buffer memory, up to one word.
    pub lance_word: u32,
    /// Network controller latency, microseconds, per direction.
    pub lance_latency_us: f64,
    /// Cycles between an instruction that takes an exception and the first of the handler.
    pub exception_entry: u32,
    /// Stall when an instruction's page is not in the two-entry micro-TLB.
    pub micro_tlb_miss: u32,
    /// From the issue of `mult` until `mfhi`/`mflo` can issue.
    pub mult_cycles: u32,
    /// From the issue of `div` until `mfhi`/`mflo` can issue.
    pub div_cycles: u32,
}

/// An error in a parameter file.
#[derive(Debug, thiserror::Error)]
pub enum ParamError {
    /// The file is not TOML, or not of the expected shape.
    #[error("machine parameters, {0}")]
    Parse(String),
    /// No machine of that name.
    #[error("unknown machine `{0}` (known: 2100, 3100, 5000/125, 5000/200)")]
    Unknown(String),
    /// A parameter is missing or makes no sense.
    #[error("machine parameters, {machine}: `{key}` {problem}")]
    Bad {
        /// The machine's section.
        machine: String,
        /// The parameter.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: toml::Value,
    low: Option<toml::Value>,
    high: Option<toml::Value>,
    confidence: Option<String>,
    source: Option<String>,
    /// Why a value of low confidence has no low and high.
    reason: Option<String>,
    extra: Option<u32>,
    same_page: Option<u32>,
    page_bytes: Option<u32>,
}

/// Parameters of which more is faster: the fast end of their range is the high value.
const MORE_IS_FASTER: [&str; 3] = ["icache_line", "read_miss_fetches", "write_depth"];

impl Entry {
    fn pick(&self, key: &str, bound: Bound) -> &toml::Value {
        let bound = match bound {
            Bound::Low if MORE_IS_FASTER.contains(&key) => Bound::High,
            Bound::High if MORE_IS_FASTER.contains(&key) => Bound::Low,
            other => other,
        };
        match bound {
            Bound::Central => &self.value,
            Bound::Low => self.low.as_ref().unwrap_or(&self.value),
            Bound::High => self.high.as_ref().unwrap_or(&self.value),
        }
    }
}

type Section = BTreeMap<String, Entry>;

/// The four machines: name on the command line, section of the file, name in the paper's tables.
pub const MACHINES: [(&str, &str, &str); 4] = [
    ("2100", "dec2100", "DEC2100"),
    ("3100", "dec3100", "DEC3100"),
    ("5000/125", "dec5000-125", "DEC5000/125"),
    ("5000/200", "dec5000-200", "DEC5000/200"),
];

/// A reader of one machine's parameters: its own section first, then the common one.
struct Reader<'a> {
    machine: &'a str,
    own: &'a Section,
    common: &'a Section,
    overrides: &'a BTreeMap<String, f64>,
    bound: Bound,
}

impl Reader<'_> {
    fn bad(&self, key: &str, problem: impl Into<String>) -> ParamError {
        ParamError::Bad { machine: self.machine.to_owned(), key: key.to_owned(), problem: problem.into() }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.own.get(key).or_else(|| self.common.get(key))
    }

    fn text(&self, key: &str) -> Result<&str, ParamError> {
        self.entry(key)
            .and_then(|e| e.pick(key, self.bound).as_str())
            .ok_or_else(|| self.bad(key, "is missing or not a string"))
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ParamError> {
        if let Some(&v) = self.overrides.get(key) {
            return Ok(Some(v));
        }
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let value = entry.pick(key, self.bound);
        #[allow(clippy::cast_precision_loss)]
        let number = value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
        number.map(Some).ok_or_else(|| self.bad(key, "is not a number"))
    }

    fn optional(&self, key: &str) -> Result<Option<u32>, ParamError> {
        let Some(v) = self.number(key)? else {
            return Ok(None);
        };
        if v < 0.0 || v.fract() != 0.0 || v > f64::from(u32::MAX) {
            return Err(self.bad(key, "is not a non-negative integer"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Some(v as u32))
    }

    fn integer(&self, key: &str) -> Result<u32, ParamError> {
        self.optional(key)?.ok_or_else(|| self.bad(key, "is missing"))
    }

    fn power_of_two(&self, key: &str, value: u32, least: u32, most: u32) -> Result<u32, ParamError> {
        if value.is_power_of_two() && (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(self.bad(key, format!("must be a power of two, {least} to {most}")))
        }
    }
}

/// What a file may say of the machines: sections by name, entries by key.
type File = BTreeMap<String, Section>;

/// Reads a parameter file; every section and key must be one of the built-in file's.
fn read(text: &str) -> Result<File, ParamError> {
    let file: File =
        toml::from_str(text).map_err(|error| ParamError::Parse(crate::config::one_line(text, &error)))?;
    let known: File =
        toml::from_str(BUILT_IN).map_err(|error| ParamError::Parse(error.message().to_owned()))?;
    for (section, entries) in &file {
        let bad = |key: &str, problem: &str| ParamError::Bad {
            machine: section.clone(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        };
        if !known.contains_key(section) {
            return Err(bad(section, "is not a section"));
        }
        if let Some(key) = entries.keys().find(|&key| known.values().all(|s| !s.contains_key(key))) {
            return Err(bad(key, "is not a parameter"));
        }
    }
    Ok(file)
}

/// Numbers of the file that say what the model is built to, and that it cannot change.
const FIXED: [&str; 7] = [
    "load_delay",
    "branch_delay",
    "tlb_entries",
    "tlb_wired",
    "quantum_us",
    "ethernet_bits_s",
    "ethernet_min_us",
];

impl Params {
    /// The parameters of machine `name` from the built-in file.
    ///
    /// # Errors
    /// An unknown name.
    pub fn built_in(name: &str, bound: Bound) -> Result<Self, ParamError> {
        Self::from_toml(BUILT_IN, name, bound, &BTreeMap::new())
    }

    /// The parameters of machine `name` from a parameter file's text; `overrides` replaces single
    /// values by key.
    ///
    /// # Errors
    /// Text that is not a parameter file, an unknown machine, a missing or senseless parameter.
    pub fn from_toml(
        text: &str,
        name: &str,
        bound: Bound,
        overrides: &BTreeMap<String, f64>,
    ) -> Result<Self, ParamError> {
        let file = read(text)?;
        let wanted = name.trim().to_ascii_lowercase().trim_start_matches("dec").to_owned();
        let (_, section, printed) = MACHINES
            .iter()
            .find(|(short, section, _)| *short == wanted || section.trim_start_matches("dec") == wanted)
            .ok_or_else(|| ParamError::Unknown(name.to_owned()))?;
        let empty = Section::new();
        let own = file.get(*section).ok_or_else(|| ParamError::Bad {
            machine: (*section).to_owned(),
            key: format!("[{section}]"),
            problem: "is missing from the file".to_owned(),
        })?;
        let reader =
            Reader { machine: section, own, common: file.get("common").unwrap_or(&empty), overrides, bound };
        for key in overrides.keys() {
            match reader.entry(key) {
                None => return Err(reader.bad(key, "is not a parameter of this machine")),
                Some(entry) if entry.value.is_str() || FIXED.contains(&key.as_str()) => {
                    return Err(reader.bad(key, "cannot be replaced by a number"));
                }
                Some(_) => {}
            }
        }
        reader.params(printed)
    }
}

impl Reader<'_> {
    fn params(&self, printed: &str) -> Result<Params, ParamError> {
        let cpu = match self.text("cpu")? {
            "R2000" => CpuKind::R2000,
            "R3000" => CpuKind::R3000,
            other => return Err(self.bad("cpu", format!("names `{other}`, not R2000 or R3000"))),
        };
        let partial_store = match self.text("partial_store")? {
            "invalidate" => PartialStore::Invalidate,
            "merge" => {
                PartialStore::Merge { extra: self.entry("partial_store").and_then(|e| e.extra).unwrap_or(0) }
            }
            other => return Err(self.bad("partial_store", format!("names `{other}`"))),
        };
        let retire = self.entry("write_retire");
        let write_retire = self.integer("write_retire")?;
        let same_page_retire = match self.optional("same_page_retire")? {
            Some(v) => v,
            None => retire.and_then(|e| e.same_page).unwrap_or(write_retire),
        };
        let icache_fetch = self.integer("icache_line")?;
        let dcache_fetch = match self.optional("read_miss_fetches")? {
            Some(v) => v,
            None => self.integer("dcache_line")?,
        };
        let device_read = self.integer("device_read")?;
        let write_depth = self.integer("write_depth")?;
        if write_depth == 0 || write_depth > crate::wbuf::MAX_DEPTH {
            return Err(self.bad("write_depth", "must be between 1 and 16"));
        }
        let clock_hz = u64::from(self.integer("clock_hz")?);
        if !(1_000_000..=1_000_000_000).contains(&clock_hz) {
            return Err(self.bad("clock_hz", "must be 1 MHz to 1 GHz"));
        }
        let lance_latency_us = self.number("lance_latency_us")?.unwrap_or(0.0);
        if !(0.0..=1e6).contains(&lance_latency_us) {
            return Err(self.bad("lance_latency_us", "must be 0 to 1000000"));
        }
        let page_bytes = retire.and_then(|e| e.page_bytes).unwrap_or(4096);
        let cache_bytes = self.integer("cache_bytes")?;
        Ok(Params {
            name: printed.to_owned(),
            clock_hz,
            cpu,
            cache_bytes: self.power_of_two("cache_bytes", cache_bytes, 4096, 256 << 10)?,
            icache_fetch: self.power_of_two("icache_line", icache_fetch, 4, 4096)?,
            dcache_fetch: self.power_of_two("read_miss_fetches", dcache_fetch, 4, 4096)?,
            miss: self.integer("miss")?,
            write_depth,
            write_retire,
            same_page_retire,
            page_bytes: self.power_of_two("write_retire", page_bytes, 4, 1 << 24)?,
            partial_store,
            device_read,
            device_write: self.integer("device_write")?,
            lance_word: self.optional("lance_word")?.unwrap_or(device_read),
            lance_latency_us,
            exception_entry: self.integer("exception_entry")?,
            micro_tlb_miss: self.integer("micro_tlb_miss")?,
            mult_cycles: self.integer("mult_cycles")?,
            div_cycles: self.integer("div_cycles")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_reads_at_every_bound() {
        for (name, _, printed) in MACHINES {
            for bound in [Bound::Low, Bound::Central, Bound::High] {
                let p = Params::built_in(name, bound).unwrap();
                assert_eq!(p.name, printed);
            }
        }
    }

    #[test]
    fn bounds_select_the_ends() {
        let at = |b| Params::built_in("5000/125", b).unwrap().miss;
        assert_eq!((at(Bound::Low), at(Bound::Central), at(Bound::High)), (15, 18, 20));
    }

    #[test]
    fn the_low_end_is_the_fast_end() {
        let at = |b| Params::built_in("5000/125", b).unwrap();
        let (low, high) = (at(Bound::Low), at(Bound::High));
        assert_eq!((low.icache_fetch, high.icache_fetch), (16, 4));
        assert_eq!((low.write_depth, high.write_depth), (6, 4));
        assert!(low.exception_entry <= high.exception_entry);
    }

    #[test]
    fn page_mode_is_read_from_either_form() {
        let p = Params::built_in("5000/200", Bound::Central).unwrap();
        assert_eq!((p.write_retire, p.same_page_retire), (5, 1));
        let p = Params::built_in("2100", Bound::Central).unwrap();
        assert_eq!((p.write_retire, p.same_page_retire), (6, 6));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let e = Params::built_in("5000/240", Bound::Central).unwrap_err();
        assert!(e.to_string().contains("5000/240"));
        let o = BTreeMap::from([("mis".to_owned(), 3.0)]);
        let e = Params::from_toml(BUILT_IN, "2100", Bound::Central, &o).unwrap_err();
        assert!(e.to_string().contains("`mis`"), "{e}");
    }

    #[test]
    fn numbers_out_of_range_are_errors() {
        for (key, value) in [
            ("miss", -1.0),
            ("miss", 1.5),
            ("miss", f64::NAN),
            ("miss", 1e10),
            ("cache_bytes", 3.0),
            ("cache_bytes", 2_147_483_648.0),
            ("icache_line", 2_147_483_648.0),
            ("icache_line", 2.0),
            ("read_miss_fetches", 8192.0),
            ("write_depth", 0.0),
            ("write_depth", 17.0),
            ("clock_hz", 0.0),
            ("clock_hz", 4_294_967_295.0),
            ("lance_latency_us", -5.0),
            ("lance_latency_us", f64::NAN),
            ("lance_latency_us", f64::INFINITY),
            ("cpu", 1.0),
            ("partial_store", 1.0),
            ("tlb_entries", 32.0),
        ] {
            let o = BTreeMap::from([(key.to_owned(), value)]);
            let e = Params::from_toml(BUILT_IN, "5000/200", Bound::Central, &o).expect_err(key).to_string();
            assert!(e.contains(&format!("`{key}`")), "{key} = {value}: {e}");
        }
    }

    #[test]
    fn files_that_are_not_quite_parameter_files() {
        let with = |line: &str| BUILT_IN.replace("[common]", &format!("[common]\n{line}"));
        for (text, word) in [
            (String::new(), "`[dec5000-200]` is missing"),
            (with("x = 1"), "line "),
            (with("mis = { value = 1 }"), "`mis` is not a parameter"),
            (with("lance_word = { value = 1, lo = 1 }"), "unknown field `lo`"),
            (BUILT_IN.replace("[dec2100]", "[dec2000]"), "`dec2000` is not a section"),
            (BUILT_IN.replace("page_bytes = 4096", "page_bytes = 0"), "power of two"),
        ] {
            let none = BTreeMap::new();
            let e = Params::from_toml(&text, "5000/200", Bound::Central, &none).expect_err(word).to_string();
            assert!(e.contains(word) && e.lines().count() == 1, "{word}: {e}");
        }
    }
}
