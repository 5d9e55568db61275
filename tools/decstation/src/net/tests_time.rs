//! Cycle and nanosecond conversions, with the paper's three clocks.

use super::*;

#[test]
fn whole_periods_convert_exactly() {
    let dec5000 = Clock::new(25_000_000);
    assert_eq!(dec5000.nanos(1), 40);
    assert_eq!(dec5000.cycles(40), 1);
    assert_eq!(dec5000.cycles(41), 2);
    let dec2100 = Clock::new(12_500_000);
    assert_eq!(dec2100.nanos(100), 8_000);
}

#[test]
fn a_cycle_survives_the_round_trip() {
    for hz in [12_500_000, 16_670_000, 25_000_000] {
        let clock = Clock::new(hz);
        for cycle in (0..5_000_000_000u64).step_by(12_345_677) {
            assert_eq!(clock.cycles(clock.nanos(cycle)), cycle, "{hz}");
        }
    }
}

#[test]
fn long_runs_do_not_overflow() {
    let clock = Clock::new(25_000_000);
    let year = 365 * 24 * 3600 * 25_000_000u64;
    assert_eq!(clock.nanos(year), 365 * 24 * 3600 * 1_000_000_000);
}
