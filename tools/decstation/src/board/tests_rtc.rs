//! The clock against its data sheet. One second is 25,000,000 cycles.

use super::*;

const SECOND: Cycles = 25_000_000;

fn rtc(date: Date) -> Rtc {
    Rtc::new(Clock::new(SECOND), &date)
}

fn get(rtc: &mut Rtc, register: u32, now: Cycles) -> u32 {
    rtc.read(4 * register, Width::Byte, now).unwrap()
}

fn set(rtc: &mut Rtc, register: u32, value: u32, now: Cycles) {
    rtc.write(4 * register, value, Width::Byte, now).unwrap();
}

#[test]
fn a_64_hertz_tick_is_the_papers_quantum() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 0x0a, 0x2a, 0);
    set(&mut rtc, 0x0b, 0x46, 0);
    // 15.625 ms at 25 MHz.
    assert_eq!(rtc.next_event(), Some(390_625));
    rtc.advance(390_624);
    assert!(!rtc.interrupt());
    rtc.advance(390_625);
    assert!(rtc.interrupt());
    assert_eq!(rtc.next_event(), None);
    assert_eq!(get(&mut rtc, 0x0c, 390_700), 0xc0);
    assert!(!rtc.interrupt());
    assert_eq!(rtc.next_event(), Some(2 * 390_625));
}

#[test]
fn every_rate_has_its_period() {
    for (rate, hz) in [(1, 256), (2, 128), (3, 8192), (6, 1024), (8, 256), (9, 128), (10, 64), (15, 2)] {
        let mut rtc = rtc(Date::default());
        set(&mut rtc, 0x0a, 0x20 | rate, 0);
        set(&mut rtc, 0x0b, 0x46, 0);
        assert_eq!(rtc.next_event(), Some(SECOND.div_ceil(hz)), "rate {rate}");
    }
}

#[test]
fn the_flag_rises_without_the_interrupt() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 0x0a, 0x26, 0);
    assert_eq!(rtc.next_event(), None);
    rtc.advance(SECOND / 1024 + 1);
    assert!(!rtc.interrupt());
    assert_eq!(get(&mut rtc, 0x0c, SECOND / 1024 + 2), 0x40);
    assert_eq!(get(&mut rtc, 0x0c, SECOND / 1024 + 3), 0x00);
    rtc.advance(SECOND / 512 + 1);
    // Enabling it with the flag up interrupts at once.
    set(&mut rtc, 0x0b, 0x46, SECOND / 512 + 2);
    assert!(rtc.interrupt());
}

#[test]
fn no_tick_is_lost_over_a_minute() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 0x0a, 0x2a, 0);
    set(&mut rtc, 0x0b, 0x46, 0);
    let mut ticks = 0;
    let mut now = 0;
    while let Some(next) = rtc.next_event() {
        if next > 60 * SECOND {
            break;
        }
        assert!(next > now);
        now = next;
        rtc.advance(now);
        assert_eq!(get(&mut rtc, 0x0c, now) & 0xc0, 0xc0);
        ticks += 1;
    }
    assert_eq!(ticks, 64 * 60);
}

#[test]
fn seconds_carry_into_the_year() {
    let mut rtc = rtc(Date { year: 2000, month: 12, day: 31, hour: 23, minute: 59, second: 59 });
    assert_eq!(get(&mut rtc, 9, SECOND - 1), 72);
    let shown: Vec<u32> =
        [0, 2, 4, 6, 7, 8, 9].into_iter().map(|register| get(&mut rtc, register, SECOND)).collect();
    // Sunday 31 December 2000 is followed by a Monday.
    assert_eq!(shown, [0, 0, 0, 2, 1, 1, 73]);
}

#[test]
fn february_has_29_days_in_the_chips_leap_year() {
    for (year, day, month) in [(2000, 29, 2), (2001, 1, 3)] {
        let mut rtc = rtc(Date { year, month: 2, day: 28, hour: 23, minute: 59, second: 59 });
        assert_eq!(get(&mut rtc, 7, SECOND), day);
        assert_eq!(get(&mut rtc, 8, SECOND), month);
    }
}

#[test]
fn the_year_is_what_systems_compute_from_two_registers() {
    for year in [2000u16, 2001, 2024, 2030] {
        let mut rtc = rtc(Date { year, ..Date::default() });
        let computed = get(&mut rtc, 9, 0) + get(&mut rtc, 0x3f, 0) + 2000 - 72;
        assert_eq!(computed, u32::from(year));
    }
}

#[test]
fn weekdays() {
    let on = |year, month, day| Date { year, month, day, ..Date::default() }.weekday();
    assert_eq!(on(2000, 1, 1), 7);
    assert_eq!(on(1995, 12, 3), 1);
    assert_eq!(on(2000, 2, 29), 3);
}

#[test]
fn bcd_and_twelve_hours() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 0x0b, 0x80, 0);
    for (register, value) in [(0, 0x59), (2, 0x59), (4, 0x91), (6, 7), (7, 0x30), (8, 0x09)] {
        set(&mut rtc, register, value, 0);
    }
    set(&mut rtc, 0x0b, 0x00, 0);
    // 11:59:59 PM and a second is 12:00:00 AM of 1 October.
    let shown: Vec<u32> =
        [0, 2, 4, 6, 7, 8].into_iter().map(|register| get(&mut rtc, register, SECOND)).collect();
    assert_eq!(shown, [0, 0, 0x12, 1, 0x01, 0x10]);
}

#[test]
fn update_in_progress_warns_before_the_second() {
    let mut rtc = rtc(Date::default());
    let micros = |us: Cycles| us * 25;
    assert_eq!(get(&mut rtc, 0x0a, SECOND - micros(2300)), 0x20);
    assert_eq!(get(&mut rtc, 0x0a, SECOND - micros(2150)), 0xa0);
    assert_eq!(get(&mut rtc, 0x0a, SECOND - micros(10)), 0xa0);
    assert_eq!(get(&mut rtc, 0x0a, SECOND), 0x20);
    assert_eq!(get(&mut rtc, 0x0c, SECOND), 0x10);
}

#[test]
fn set_stops_the_update_but_not_the_divider() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 0x0a, 0x2a, 0);
    set(&mut rtc, 0x0b, 0x96, 0);
    assert_eq!(get(&mut rtc, 0x0b, 0), 0x86);
    set(&mut rtc, 0, 30, 0);
    assert_eq!(get(&mut rtc, 0, 3 * SECOND), 30);
    assert_eq!(get(&mut rtc, 0x0c, 3 * SECOND), 0x40);
    set(&mut rtc, 0x0b, 0x06, 3 * SECOND);
    assert_eq!(get(&mut rtc, 0, 4 * SECOND), 31);
}

#[test]
fn releasing_the_divider_gives_half_a_second() {
    let mut rtc = rtc(Date::default());
    let now = 10 * SECOND + 12_345;
    set(&mut rtc, 0x0a, 0x70, now);
    let stopped = get(&mut rtc, 0, now);
    assert_eq!(get(&mut rtc, 0, now + 5 * SECOND), stopped);
    let released = now + 5 * SECOND;
    set(&mut rtc, 0x0a, 0x20, released);
    assert_eq!(get(&mut rtc, 0, released + SECOND / 2 - 1000), stopped);
    assert_eq!(get(&mut rtc, 0, released + SECOND / 2 + 1), stopped + 1);
    assert_eq!(get(&mut rtc, 0, released + 3 * SECOND / 2 + 1), stopped + 2);
}

#[test]
fn the_alarm_matches_fields_or_anything() {
    let mut rtc = rtc(Date::default());
    set(&mut rtc, 1, 2, 0);
    set(&mut rtc, 3, 0xff, 0);
    set(&mut rtc, 5, 0xc0, 0);
    set(&mut rtc, 0x0b, 0x26, 0);
    let mut now = 0;
    while !rtc.interrupt() {
        now = rtc.next_event().unwrap();
        rtc.advance(now);
    }
    assert_eq!(now, 2 * SECOND);
    assert_eq!(get(&mut rtc, 0x0c, now), 0xb0);
}

#[test]
fn daylight_saving_in_april_and_october() {
    for (month, day, expected) in [(4, 7, 3), (10, 31, 1), (6, 2, 2)] {
        let date = Date {
            year: 2002,
            month,
            day: if month == 10 { 27 } else { day },
            hour: 1,
            minute: 59,
            second: 59,
        };
        let mut rtc = rtc(date);
        set(&mut rtc, 0x0b, 0x07, 0);
        assert_eq!(get(&mut rtc, 4, SECOND), expected, "month {month}");
    }
}

#[test]
fn memory_keeps_and_read_only_registers_do_not_change() {
    let mut rtc = rtc(Date::default());
    for register in 0x0e..0x40 {
        set(&mut rtc, register, register ^ 0x5a, 0);
    }
    for register in 0x0e..0x40 {
        assert_eq!(get(&mut rtc, register, 0), register ^ 0x5a);
    }
    set(&mut rtc, 0x0d, 0, 0);
    assert_eq!(get(&mut rtc, 0x0d, 0), 0x80);
    set(&mut rtc, 0x0c, 0xff, 0);
    assert_eq!(get(&mut rtc, 0x0c, 0), 0);
}
