//! What is printed at the end of a run.

use anyhow::{Result, bail};
use decstation::counters::{Counters, STALL_NAMES};
use decstation::follow::Follow;
use decstation::machine::Machine;
use decstation::params::Bound;
use decstation::profile::Profile;
use decstation::trace::Trace;
use serde_json::{Map, Value, json};

/// The counts as one JSON object. Exact integers; times in microseconds.
pub fn json(machine: &Machine, bound: Bound, status: i32, ended: &str) -> Value {
    let c = machine.counters();
    json!({
        "machine": machine.params.name,
        "bound": format!("{bound:?}").to_lowercase(),
        "clock_hz": machine.params.clock_hz,
        "cycles": c.cycles,
        "us": machine.microseconds(),
        "instructions": c.instructions,
        "nops": c.nops,
        "stalls": stalls(&c),
        "icache_misses": c.icache_misses,
        "dcache_misses": c.dcache_misses,
        "exceptions": c.exceptions,
        "utlb_misses": c.utlb_misses,
        "hilo_windows": c.hilo_windows,
        "state_hash": format!("{:016x}", machine.cpu.state_hash()),
        "exit_status": status,
        "ended": ended,
    })
}

fn stalls(c: &Counters) -> Map<String, Value> {
    STALL_NAMES.iter().zip(c.stalls).map(|(name, cycles)| ((*name).to_owned(), cycles.into())).collect()
}

/// One mark: the counters when the guest read the cycles.
pub fn mark(c: &Counters) -> Value {
    json!({
        "cycles": c.cycles,
        "instructions": c.instructions,
        "nops": c.nops,
        "stalls": stalls(c),
        "icache_misses": c.icache_misses,
        "dcache_misses": c.dcache_misses,
    })
}

/// The counts as a few lines.
#[allow(clippy::cast_precision_loss)]
pub fn text(machine: &Machine, seconds: f64) -> String {
    let c: Counters = machine.counters();
    let share = |cycles: u64| cycles as f64 * 100.0 / c.cycles.max(1) as f64;
    let mut text = format!(
        "{}: {} cycles = {:.1} us, {} instructions ({} nops), {:.3} cycles an instruction\n",
        machine.params.name,
        c.cycles,
        machine.microseconds(),
        c.instructions,
        c.nops,
        c.cycles as f64 / c.instructions.max(1) as f64,
    );
    text += &format!("  {:>14} {:>14} {:6.2} %\n", "issue", c.instructions, share(c.instructions));
    for (name, cycles) in STALL_NAMES.iter().zip(c.stalls) {
        text += &format!("  {name:>14} {cycles:>14} {:6.2} %\n", share(cycles));
    }
    text + &format!(
        "  I-misses {}, D-misses {}, exceptions {} (UTLB {}), HI/LO windows broken {}\n  \
         host: {seconds:.2} s, {:.1} million instructions a second\n",
        c.icache_misses,
        c.dcache_misses,
        c.exceptions,
        c.utlb_misses,
        c.hilo_windows,
        c.instructions as f64 / 1e6 / seconds.max(1e-9),
    )
}

/// Says where a trace was cut off.
///
/// # Errors
/// The path that was to be followed did not come.
pub fn watched(machine: &Machine) -> Result<()> {
    let observers = machine.cpu.hooks.iter().flat_map(|hooks| &hooks.observers);
    for observer in observers.map(|o| o.as_any()) {
        if let Some(limit) = observer.downcast_ref::<Trace>().and_then(Trace::cut_at) {
            eprintln!(
                "decstation: the trace ends after {limit} steps; --trace-limit N allows more (0: all), \
                 --trace-range chooses"
            );
        }
        if let Some(seen) = observer.downcast_ref::<Follow>().and_then(Follow::missed) {
            bail!("--follow: the run ended before the path did; it came to its begin {seen} times");
        }
    }
    Ok(())
}

/// The profile's table, if one was taken.
pub fn profile(machine: &Machine, most: usize) -> Option<String> {
    let hooks = machine.cpu.hooks.as_ref()?;
    hooks
        .observers
        .iter()
        .find_map(|o| o.as_any().downcast_ref::<Profile>())
        .map(|p| p.table(&machine.symbols, most))
}
