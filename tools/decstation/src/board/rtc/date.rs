//! The calendar half of the clock: counting a second in whichever form the registers are in.

/// Register B: binary and not BCD.
const BINARY: u8 = 0x04;
/// Register B: 24 hours and not 12.
const HOURS_24: u8 = 0x02;
/// Register B: daylight saving changes in April and October.
const DAYLIGHT: u8 = 0x01;
/// Afternoon, in 12-hour form.
const PM: u8 = 0x80;
/// Alarm bytes from here on match anything.
const ANY: u8 = 0xc0;

const B: usize = 0x0b;

/// A date and time, Gregorian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Date {
    /// Full year.
    pub year: u16,
    /// 1..=12.
    pub month: u8,
    /// 1..=31.
    pub day: u8,
    /// 0..=23.
    pub hour: u8,
    /// 0..=59.
    pub minute: u8,
    /// 0..=59.
    pub second: u8,
}

impl Default for Date {
    /// 1 January 2000: fixed, so that runs repeat, and no earlier, because one system reads the
    /// year correction as an unsigned number of years after 2000.
    fn default() -> Date {
        Date { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

impl Date {
    /// The year register and the year correction: the PROM keeps the chip in 1972 (a leap year) or
    /// 1973, and year = register + correction + 1928.
    #[must_use]
    pub fn split_year(&self) -> (u8, u8) {
        let register = if self.year.is_multiple_of(4) { 72 } else { 73 };
        let correction = self.year.wrapping_sub(1928).wrapping_sub(u16::from(register));
        (register, correction as u8)
    }

    /// Seconds since 1 January 1970, 32 bits of them.
    #[must_use]
    pub fn unix_time(&self) -> u32 {
        let year = i64::from(self.year) - i64::from(self.month < 3);
        // The year begins in March, so that its last day is the leap day.
        let month = (i64::from(self.month) + 9) % 12;
        let day = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = 365 * year + leap_days + day - 719_468;
        let hours = days * 24 + i64::from(self.hour);
        let seconds = (hours * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
        seconds as u32
    }

    /// Day of the week, 1 = Sunday (Zeller's congruence).
    #[must_use]
    pub fn weekday(&self) -> u8 {
        let (year, month) = if self.month < 3 {
            (u32::from(self.year) - 1, u32::from(self.month) + 12)
        } else {
            (u32::from(self.year), u32::from(self.month))
        };
        let days = u32::from(self.day) + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400;
        // Zeller counts from Saturday = 0.
        let weekday = (days + 6) % 7 + 1;
        weekday as u8
    }
}

/// The registers, seen as a calendar.
pub struct Calendar<'a> {
    registers: &'a mut [u8; 64],
}

impl<'a> Calendar<'a> {
    /// The calendar in `registers`.
    pub fn new(registers: &'a mut [u8; 64]) -> Calendar<'a> {
        Calendar { registers }
    }

    fn mode(&self, bit: u8) -> bool {
        self.registers[B] & bit != 0
    }

    fn decode(&self, value: u8) -> u8 {
        if self.mode(BINARY) { value } else { (value >> 4) * 10 + (value & 0x0f) }
    }

    fn encode(&self, value: u8) -> u8 {
        if self.mode(BINARY) { value } else { 16 * (value / 10) + value % 10 }
    }

    fn get(&self, register: usize) -> u8 {
        self.decode(self.registers[register])
    }

    fn set(&mut self, register: usize, value: u8) {
        self.registers[register] = self.encode(value);
    }

    /// The hour, 0..=23, whatever form it is in.
    fn hour(&self) -> u8 {
        let raw = self.registers[4];
        if self.mode(HOURS_24) {
            return self.decode(raw);
        }
        let hour = self.decode(raw & !PM) % 12;
        if raw & PM != 0 { hour + 12 } else { hour }
    }

    fn set_hour(&mut self, hour: u8) {
        self.registers[4] = if self.mode(HOURS_24) {
            self.encode(hour)
        } else {
            let twelve = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
            self.encode(twelve) | if hour >= 12 { PM } else { 0 }
        };
    }

    /// The date that the registers show with `correction` years taken off.
    pub fn date(&self, correction: u8) -> Date {
        Date {
            year: 1928 + u16::from(self.get(9)) + u16::from(correction),
            month: self.get(8),
            day: self.get(7),
            hour: self.hour(),
            minute: self.get(2),
            second: self.get(0),
        }
    }

    fn month_days(&self) -> u8 {
        match self.get(8) {
            4 | 6 | 9 | 11 => 30,
            2 if self.get(9).is_multiple_of(4) => 29,
            2 => 28,
            _ => 31,
        }
    }

    /// Counts one second.
    pub fn tick(&mut self) {
        if !self.carry(0, 60) || !self.carry(2, 60) {
            return;
        }
        let hour = self.hour() + 1;
        if self.daylight_change(hour) {
            return;
        }
        if hour < 24 {
            self.set_hour(hour);
            return;
        }
        self.set_hour(0);
        let weekday = self.get(6) % 7 + 1;
        self.set(6, weekday);
        let day = self.get(7);
        if day < self.month_days() {
            self.set(7, day + 1);
            return;
        }
        self.set(7, 1);
        let month = self.get(8);
        if month < 12 {
            self.set(8, month + 1);
            return;
        }
        self.set(8, 1);
        let year = (self.get(9) + 1) % 100;
        self.set(9, year);
    }

    /// Adds one to a register that counts to `limit`; whether it wrapped.
    fn carry(&mut self, register: usize, limit: u8) -> bool {
        let next = self.get(register).wrapping_add(1);
        let wrapped = next >= limit;
        self.set(register, if wrapped { 0 } else { next });
        wrapped
    }

    /// With DSE set, 2:00 becomes 3:00 on the first Sunday of April, and on the last Sunday of
    /// October it becomes 1:00 (the chip does not remember that it has done so, and neither does
    /// the model: software must clear DSE within the hour, as the data sheet warns).
    fn daylight_change(&mut self, hour: u8) -> bool {
        if !self.mode(DAYLIGHT) || hour != 2 || self.get(6) != 1 {
            return false;
        }
        match (self.get(8), self.get(7)) {
            (4, 1..=7) => self.set_hour(3),
            (10, 25..=31) => self.set_hour(1),
            _ => return false,
        }
        true
    }

    /// Whether the alarm registers match the time.
    pub fn alarm_matches(&self) -> bool {
        [(0, 1), (2, 3), (4, 5)].into_iter().all(|(time, alarm)| {
            self.registers[alarm] >= ANY || self.registers[alarm] == self.registers[time]
        })
    }
}
