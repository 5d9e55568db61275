//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// A DECstation of 1990 on your desk: an R2000/R3000 with caches, write buffer and clock, and the
/// 5000/200's board around it.
#[derive(Parser, Debug)]
#[command(
    name = "decstation",
    version,
    after_help = "\
EXAMPLES
  decstation aegis.elf                          boot on a 5000/200, console on this terminal
  decstation --machine 3100 --stats bench.elf   the same board with a 16.67 MHz R2000's timing
  decstation --low aegis.elf                    uncertain timing parameters at their fast end
  decstation --profile 20 bench.elf             the 20 functions that take most cycles, by stall
  decstation --trace t.txt --trace-range 1000..2000 bench.elf
  decstation --follow start+0x8..done --follow-pass 200 bench.elf   one way, cycle by cycle
  decstation --gdb 127.0.0.1:1234 aegis.elf     then: gdb-multiarch -ex 'target remote :1234'
  decstation --net 2 --pcap wire.pcap a.elf b.elf   two machines on one Ethernet

TIME is modelled: cycles of the CPU named by --machine, not the host's. The same input gives the
same cycle count and the same --stats line every time; only a terminal brings in host time.

THE GUEST ends a run by storing a word to 0xbfc80040: that is this command's exit status.
Other exits: 0 the program returned to the PROM or asked for a reset, 124 --max-cycles reached,
125 the model stopped it (TLB shutdown, --strict, exception without vectors), 2 usage errors."
)]
pub struct Args {
    /// The program: 32-bit little-endian MIPS ELF, linked to kseg0. With --net, one for each
    /// machine; the last serves the rest.
    #[arg(required_unless_present = "parameters_table")]
    pub elf: Vec<PathBuf>,
    /// 2100, 3100, 5000/125 or 5000/200 [default: 5000/200]
    #[arg(long, short)]
    pub machine: Option<String>,
    /// Read settings from a TOML file; options win over it
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Use another parameter file than the built-in machines.toml
    #[arg(long)]
    pub parameters: Option<PathBuf>,
    /// Uncertain timing parameters at their low (fast) end
    #[arg(long, conflicts_with = "high")]
    pub low: bool,
    /// Uncertain timing parameters at their high (slow) end
    #[arg(long)]
    pub high: bool,
    /// Megabytes of RAM [default: 16]
    #[arg(long)]
    pub ram: Option<u32>,
    /// Arguments that the PROM passes to the program after the boot device
    #[arg(long)]
    pub append: Option<String>,
    /// The console: terminal, none, or file:PATH for output to a file [default: terminal]
    #[arg(long)]
    pub serial: Option<String>,
    /// Type this file at the console, at modelled times, instead of listening to the terminal
    #[arg(long)]
    pub serial_input: Option<PathBuf>,
    /// Characters take no time on the serial lines (not what the hardware does)
    #[arg(long)]
    pub fast_serial: bool,
    /// Stop with a report on a load-delay use, a branch in a delay slot, a CP0 hazard or a broken
    /// HI/LO window
    #[arg(long)]
    pub strict: bool,
    /// Write every instruction with its cycles and stalls to a file (- is standard error)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Trace only the steps that begin within these cycles: FROM..TO
    #[arg(long, value_name = "FROM..TO", requires = "trace", value_parser = cycles_range)]
    pub trace_range: Option<(u64, u64)>,
    /// Trace at most this many steps, 0 for all of them [default: 1000000]
    #[arg(long, value_name = "N", requires = "trace")]
    pub trace_limit: Option<u64>,
    /// Print one way through the program, with the cycles of each instruction and what they were
    /// spent on, and stop: from the instruction at FROM until before the one at UNTIL, each a
    /// SYMBOL, SYMBOL+OFFSET or 0xADDRESS
    #[arg(long, value_name = "FROM..UNTIL", value_parser = places, conflicts_with = "gdb")]
    pub follow: Option<(String, String)>,
    /// Follow at the N-th time that the program comes to FROM
    #[arg(long, value_name = "N", requires = "follow", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub follow_pass: u64,
    /// Print the N functions that take most cycles, by kind of stall
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "30")]
    pub profile: Option<usize>,
    /// More ELF files whose symbols traces and profiles should know (user programs); with a number
    /// and a colon before it, those of one address space
    #[arg(long, value_name = "[ASID:]ELF", value_parser = symbol_file)]
    pub symbols: Vec<SymbolFile>,
    /// Print the timing parameters of all machines with their ranges, confidence and sources, and end
    #[arg(long)]
    pub parameters_table: bool,
    /// Wait for a debugger at this TCP address and let it run the machine
    #[arg(long, value_name = "ADDR")]
    pub gdb: Option<String>,
    /// Give up after this many cycles, with exit status 124
    #[arg(long, value_name = "N")]
    pub max_cycles: Option<u64>,
    /// Print every access outside RAM by name and address (without it, a count of those that
    /// nothing answered is printed at the end)
    #[arg(long)]
    pub trace_io: bool,
    /// Connect N machines to one Ethernet segment (1: a segment of its own) [default: no cable]
    #[arg(long, value_name = "N", value_parser = stations)]
    pub net: Option<usize>,
    /// Write what was on the segment to a capture file
    #[arg(long, value_name = "FILE", requires = "net")]
    pub pcap: Option<PathBuf>,
    /// Ethernet station address; further machines count on from it
    #[arg(long)]
    pub station: Option<String>,
    /// Seed of what is random in the model (collision backoff) [default: 1]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Write all counts, as a line of JSON, at each moment when the guest reads the cycle counter
    #[arg(long, value_name = "FILE")]
    pub marks: Option<PathBuf>,
    /// Print the counts at the end to standard error
    #[arg(long)]
    pub stats: bool,
    /// Write the counts at the end as one line of JSON (- is standard error)
    #[arg(long, value_name = "FILE")]
    pub stats_json: Option<PathBuf>,
}

/// A file of symbols, and the address space that they hold in.
#[derive(Clone, Debug)]
pub struct SymbolFile {
    /// The address-space identifier; `None`: all.
    pub space: Option<u32>,
    /// The ELF file.
    pub path: PathBuf,
}

fn symbol_file(text: &str) -> Result<SymbolFile, String> {
    if let Some((number, path)) = text.split_once(':')
        && let Ok(space) = number.parse()
    {
        return match space {
            0..=63 => Ok(SymbolFile { space: Some(space), path: path.into() }),
            _ => Err(format!("{space} is not an address space: they are 0 to 63")),
        };
    }
    Ok(SymbolFile { space: None, path: text.into() })
}

fn places(text: &str) -> Result<(String, String), String> {
    let (from, until) = text.split_once("..").ok_or("expected FROM..UNTIL")?;
    if from.is_empty() || until.is_empty() {
        return Err("expected FROM..UNTIL".to_owned());
    }
    Ok((from.to_owned(), until.to_owned()))
}

fn cycles_range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or("expected FROM..TO")?;
    let number = |t: &str, empty| {
        if t.is_empty() { Ok(empty) } else { t.parse().map_err(|_| format!("`{t}` is not a cycle count")) }
    };
    let range = (number(from, 0)?, number(to, u64::MAX)?);
    if range.0 < range.1 { Ok(range) } else { Err("it ends before it begins".to_owned()) }
}

/// The most machines on one segment.
const STATIONS: usize = 32;

fn stations(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=STATIONS) => Ok(n),
        _ => Err(format!("`{text}` is not a number of machines: they are 1 to {STATIONS}")),
    }
}

/// What the parser says, as one line: its first paragraphs without usage and hints at help.
#[must_use]
pub fn complaint(error: &clap::Error) -> String {
    let text = error.to_string();
    let told = text.lines().take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more"));
    let words: Vec<&str> = told.flat_map(str::split_whitespace).collect();
    format!("{} (see --help)", words.join(" ").trim_start_matches("error: "))
}
