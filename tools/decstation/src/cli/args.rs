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
    #[arg(required = true)]
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
    /// Print the N functions that take most cycles, by kind of stall
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "30")]
    pub profile: Option<usize>,
    /// More ELF files whose symbols traces and profiles should know (user programs)
    #[arg(long, value_name = "ELF")]
    pub symbols: Vec<PathBuf>,
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
    #[arg(long, value_name = "N")]
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

fn cycles_range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or("expected FROM..TO")?;
    let number = |t: &str, empty| {
        if t.is_empty() { Ok(empty) } else { t.parse().map_err(|_| format!("`{t}` is not a cycle count")) }
    };
    Ok((number(from, 0)?, number(to, u64::MAX)?))
}
