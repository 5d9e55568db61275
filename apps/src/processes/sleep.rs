//! sleep SECONDS: waits; fractions of a second too.
#![no_std]
#![no_main]

use exos::{eprintln, process};

exos::process!(main);

/// Microseconds of a decimal number of seconds.
fn microseconds(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = (0..6)
        .fold(0, |sum, at| sum * 10 + fraction.as_bytes().get(at).map_or(0, |digit| u32::from(digit - b'0')));
    whole.checked_mul(1_000_000)?.checked_add(fraction)
}

fn main() -> u32 {
    // The clock's microseconds wrap around after 71 minutes: half of that can be told from the past.
    const LONGEST: u32 = 2_000_000_000;
    match process::argument(1).and_then(microseconds).filter(|time| *time <= LONGEST) {
        Some(time) => u32::from(process::sleep(time).is_err()),
        None => {
            eprintln!("usage: sleep SECONDS    (such as 3 or 0.5; at most 2000)");
            2
        }
    }
}
