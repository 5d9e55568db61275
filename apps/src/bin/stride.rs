//! Figure 3: three processes increment counters in shared memory; the stride scheduler gives them 3, 2 and 1 shares of the
//! quanta. It is woken at the beginning of each quantum, picks a process and yields to it directly.
#![no_std]
#![no_main]

use exos::abi::calls::Fact;
use exos::abi::layout::Mapping;
use exos::memory::{self, Page};
use exos::process::ExecError;
use exos::schedule::{Family, Policy, Stride};
use exos::{call, println};

exos::program!(main);

/// Quanta that are shown.
const QUANTA: usize = 100;
/// The shares, and how their curves are called.
const SHARES: [(u32, &str); 3] = [(3, "share 3"), (2, "share 2"), (1, "share 1")];
/// Where the counters are mapped here.
const COUNTERS: u32 = 0x7_7000;

fn main() -> u32 {
    match run() {
        Ok(status) => status,
        Err(error) => {
            println!("bench: cannot set up: {error:?}");
            1
        }
    }
}

/// A number as eight digits, for an argument.
struct Digits([u8; 8]);

impl Digits {
    fn new(number: u32) -> Self {
        let mut digits = [0; 8];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (4 * place) & 15) as usize];
        }
        Self(digits)
    }

    fn text(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("0")
    }
}

fn counter(index: usize) -> u32 {
    // SAFETY: the page is pinned there; the processes write it.
    unsafe { (COUNTERS as *const u32).add(index).read_volatile() }
}

fn run() -> Result<u32, ExecError> {
    let mut family = Family::new()?;
    let page = Page::any()?;
    memory::pin(memory::myself(), COUNTERS, page.number, Mapping::WRITABLE, page.write)?;
    let [low, high] = page.write.words();
    let words = [page.number, low, high].map(Digits::new);
    let mut clients = [0; SHARES.len()];
    for (index, client) in clients.iter_mut().enumerate() {
        let index = Digits::new(index as u32);
        let arguments = ["counter", words[0].text(), words[1].text(), words[2].text(), index.text()];
        *client = family.start("counter", &arguments, &[])?;
    }
    let mut policy = Stride::new();
    for (client, (share, _)) in clients.iter().zip(SHARES) {
        policy.set_share(*client, share);
    }
    // Until all of them count.
    while (0..SHARES.len()).any(|index| counter(index) == 0) {
        for client in clients {
            family.turn(client);
        }
    }
    let before = [0, 1, 2].map(counter);
    let ready = clients.into_iter().collect();
    let mut shown = [(0, 0); QUANTA];
    for place in &mut shown {
        let Some(client) = policy.pick(&ready) else { return Ok(1) };
        family.turn(client);
        policy.charge(client);
        let index = clients.iter().position(|found| *found == client).unwrap_or(0);
        *place = (index, counter(index).wrapping_sub(before[index]));
    }
    let quantum = call::machine(Fact::QuantumTicks as u32)?;
    println!("{QUANTA} quanta of {quantum} ticks, shares 3:2:1");
    for (quantum, (index, count)) in shown.into_iter().enumerate() {
        println!("POINT 3 \"{}\" {quantum} {count}", SHARES[index].1);
    }
    Ok(0)
}
