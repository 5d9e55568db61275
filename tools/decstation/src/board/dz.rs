//! The DZ: four asynchronous serial lines behind one set of registers (DC7085, after the DZ11).
//!
//! | offset | read | write |
//! |---|---|---|
//! | 0x00 | CSR | CSR |
//! | 0x08 | RBUF: the oldest character of the silo | LPR: parameters of one line |
//! | 0x10 | TCR: transmit enables 3:0, modem outputs 11:8 | TCR |
//! | 0x18 | MSR: modem inputs | TDR: character 7:0, breaks 11:8 |
//!
//! The transmit scanner looks for a line that is enabled in TCR and has room for a character; it
//! names the line in CSR and raises TRDY, which a write of TDR, or clearing the line's enable,
//! drops. A line has a holding and a shift register. Received characters of all lines meet in a
//! silo of 64. Lines: 0 keyboard, 1 mouse, 2 modem, 3 printer, which is the usual console.
//!
//! A break holds its line: what is sent on it does not arrive, and in maintenance mode the receiver
//! sees a zero with a framing error. Nobody at the far end sees it. Modem inputs: a line that is
//! connected shows CD, DSR and CTS (MSR 10:8 for line 2, 2:0 for line 3), never RI (the places of
//! the bits as Linux names them); the modem outputs lead nowhere. Master clear leaves them as they are
//! and ends breaks.
//!
//! Sources: DZ11 User's Guide (EK-DZ110-UG), KN02 System Module Functional Specification. Where
//! the two may differ (silo alarm, the order of the scan) the DZ11 is followed. The far end always
//! agrees on rate, length and parity: no parity errors, and no framing errors but from breaks.

mod line;

use std::collections::VecDeque;

use line::Line;

use super::config::LineTiming;
use super::serial::SerialBackend;
use super::{lane_read, lane_write};
use crate::bus::{BusError, Cycles, Device, Width};
use crate::net::time::Clock;

/// CSR: a line is ready to transmit.
pub const TRDY: u16 = 0x8000;
/// CSR: transmit interrupt enable.
pub const TIE: u16 = 0x4000;
/// CSR: sixteen characters have come in since RBUF was read.
pub const SILO_ALARM: u16 = 0x2000;
/// CSR: the receive interrupt follows the silo alarm.
pub const SILO_ALARM_ENABLE: u16 = 0x1000;
/// CSR: the silo holds a character.
pub const RDONE: u16 = 0x0080;
/// CSR: receive interrupt enable.
pub const RIE: u16 = 0x0040;
/// CSR: master scan enable.
pub const MSE: u16 = 0x0020;
/// CSR: master clear.
pub const CLR: u16 = 0x0010;
/// CSR: transmitted characters come back.
pub const MAINT: u16 = 0x0008;
/// RBUF: the character is valid.
pub const DVAL: u16 = 0x8000;
/// RBUF: characters were lost before this one.
pub const OVERRUN: u16 = 0x4000;
/// RBUF: no stop bit where one was due: a break.
pub const FRAMING: u16 = 0x2000;
/// TCR: modem outputs.
const MODEM_OUTPUTS: u16 = 0x0f00;
/// MSR: CD, DSR and CTS of line 2, and of line 3.
const CONNECTED: [(usize, u16); 2] = [(2, 0x0700), (3, 0x0007)];
/// LPR: receiver enable.
pub const RX_ENABLE: u16 = 0x1000;

/// The line that the PROM uses as its console.
pub const CONSOLE: usize = 3;
const LINES: usize = 4;
const SILO: usize = 64;
const ALARM: u32 = 16;
/// Bits of CSR that keep what is written.
const CSR_WRITABLE: u16 = TIE | SILO_ALARM_ENABLE | RIE | MSE | MAINT;
/// Time the scanner takes to find a line, and master clear to finish.
const SCAN_NS: u64 = 1_400;

/// The serial lines.
#[derive(Debug)]
pub struct Dz {
    scan: Cycles,
    csr: u16,
    /// The line that TRDY is up for.
    ready: Option<usize>,
    /// When the scanner will have found a line.
    found_at: Option<Cycles>,
    last_line: usize,
    tcr: u16,
    /// Lines that are held in a break.
    breaks: u8,
    silo: VecDeque<u16>,
    since_read: u32,
    overrun: bool,
    lines: [Line; LINES],
    backends: [Box<dyn SerialBackend>; LINES],
    muted: bool,
}

impl Dz {
    /// Idle lines at 9600 baud, eight bits, no parity, and the console's receiver on, as the PROM
    /// leaves them: kernels poll the console before they have set its parameters.
    #[must_use]
    pub fn new(clock: Clock, timing: LineTiming, backends: [Box<dyn SerialBackend>; LINES]) -> Dz {
        let mut dz = Dz {
            scan: clock.cycles(SCAN_NS),
            csr: MSE,
            ready: None,
            found_at: None,
            last_line: LINES - 1,
            tcr: 0,
            breaks: 0,
            silo: VecDeque::with_capacity(SILO),
            since_read: 0,
            overrun: false,
            lines: std::array::from_fn(|_| Line::new(clock, timing)),
            backends,
            muted: false,
        };
        // Nobody types before the first program has started the scanner: what came in earlier
        // would only be lost.
        dz.lines[CONSOLE].enable_receiver();
        dz
    }

    /// Follows the board's controls: rate code 15 means 38400; transmitters cut off.
    pub fn set_board_controls(&mut self, fast: bool, muted: bool) {
        for line in &mut self.lines {
            line.set_fast(fast);
        }
        self.muted = muted;
    }

    /// The PROM's way to the console: `byte` goes out after everything that the line has under way.
    /// The answer is the time it takes, in cycles.
    pub fn console_output(&mut self, byte: u8, now: Cycles) -> Cycles {
        self.drain(CONSOLE);
        // The line has room now.
        self.rescan(now);
        self.backends[CONSOLE].output(byte);
        self.lines[CONSOLE].character()
    }

    /// The PROM's way to read the console without waiting.
    pub fn console_input(&mut self, now: Cycles) -> Option<u8> {
        let of_console = |&entry: &u16| entry >> 8 & 3 == CONSOLE as u16;
        if let Some(index) = self.silo.iter().position(of_console) {
            return self.silo.remove(index).map(|entry| entry as u8);
        }
        self.backends[CONSOLE].poll_input(now)
    }

    /// Pushes out what the backends hold back. This is the host's affair, at times of its own
    /// choice: the lines keep what they have under way.
    pub fn flush(&mut self) {
        for backend in &mut self.backends {
            backend.flush();
        }
    }

    /// The end of a run: what is under way goes out, and out of the backends too.
    pub fn finish(&mut self) {
        self.drain_all();
        self.flush();
    }

    /// Sends at once what a line has under way. It has room then, and no event that would say so:
    /// the scanner has to be told ([`rescan`](Dz::rescan)).
    fn drain(&mut self, index: usize) {
        while let Some(byte) = self.lines[index].drain() {
            self.emit(index, byte);
        }
    }

    fn drain_all(&mut self) {
        for index in 0..LINES {
            self.drain(index);
        }
    }

    fn emit(&mut self, index: usize, byte: u8) {
        if self.breaks >> index & 1 == 1 {
            // The line is held: nobody sees the character.
        } else if self.csr & MAINT != 0 {
            self.receive(index, u16::from(byte));
        } else if !self.muted {
            self.backends[index].output(byte);
        }
    }

    /// Takes a character, or one with an error, into the silo.
    fn receive(&mut self, index: usize, character: u16) {
        if self.csr & MSE == 0 {
            return;
        }
        if self.silo.len() == SILO {
            self.overrun = true;
            return;
        }
        let lost = if std::mem::take(&mut self.overrun) { OVERRUN } else { 0 };
        self.silo.push_back(DVAL | lost | (index as u16) << 8 | character);
        self.since_read += 1;
    }

    fn read_csr(&self) -> u16 {
        let mut csr = self.csr;
        if let Some(line) = self.ready {
            csr |= TRDY | (line as u16) << 8;
        }
        if !self.silo.is_empty() {
            csr |= RDONE;
        }
        if self.csr & SILO_ALARM_ENABLE != 0 && self.since_read >= ALARM {
            csr |= SILO_ALARM;
        }
        csr
    }

    fn write_csr(&mut self, value: u16, now: Cycles) {
        if value & CLR != 0 {
            self.clear();
            return;
        }
        self.csr = value & CSR_WRITABLE;
        if self.csr & MSE == 0 {
            self.silo.clear();
            self.since_read = 0;
            self.ready = None;
            self.found_at = None;
        }
        self.rescan(now);
        self.set_receivers(now);
    }

    /// Master clear. It takes less time than an access, so CLR never reads as set.
    fn clear(&mut self) {
        self.drain_all();
        self.csr = 0;
        self.tcr &= MODEM_OUTPUTS;
        self.breaks = 0;
        self.ready = None;
        self.found_at = None;
        self.silo.clear();
        self.since_read = 0;
        self.overrun = false;
        for line in &mut self.lines {
            line.stop_receiver();
        }
    }

    fn write_tcr(&mut self, value: u16, now: Cycles) {
        self.tcr = value;
        if let Some(line) = self.ready
            && self.tcr >> line & 1 == 0
        {
            self.ready = None;
        }
        self.rescan(now);
    }

    fn write_lpr(&mut self, value: u16, now: Cycles) {
        self.lines[usize::from(value & 3)].set_parameters(value);
        self.set_receivers(now);
    }

    fn write_tdr(&mut self, byte: u8, now: Cycles) {
        // Without TRDY there is no line to send to.
        let Some(index) = self.ready.take() else {
            return;
        };
        self.last_line = index;
        if let Some(done) = self.lines[index].load(byte, now) {
            self.emit(index, done);
        }
        self.rescan(now);
    }

    /// Holds the lines in `breaks`, and lets go of the others.
    fn write_breaks(&mut self, breaks: u8) {
        let begun = breaks & !self.breaks & 0x0f;
        self.breaks = breaks & 0x0f;
        for index in 0..LINES {
            if self.csr & MAINT != 0 && begun >> index & 1 == 1 {
                self.receive(index, FRAMING);
            }
        }
    }

    /// MSR: what the far ends say.
    fn modem_inputs(&self) -> u16 {
        CONNECTED
            .iter()
            .filter(|(line, _)| self.backends[*line].connected())
            .fold(0, |msr, (_, bits)| msr | bits)
    }

    /// Lets the scanner start to look for a line, if there is one to find.
    fn rescan(&mut self, now: Cycles) {
        let candidate = self.csr & MSE != 0 && self.ready.is_none() && self.next_line().is_some();
        self.found_at = match self.found_at {
            Some(found) if candidate => Some(found),
            _ if candidate => Some(now + self.scan),
            _ => None,
        };
    }

    /// The next line after the last one served that wants a character.
    fn next_line(&self) -> Option<usize> {
        (1..=LINES)
            .map(|step| (self.last_line + step) % LINES)
            .find(|&line| self.tcr >> line & 1 == 1 && self.lines[line].has_room())
    }

    fn set_receivers(&mut self, now: Cycles) {
        for (line, backend) in self.lines.iter_mut().zip(&self.backends) {
            let on = self.csr & MSE != 0 && backend.has_input();
            line.set_receiver(on, now);
        }
    }

    /// Does what is due at exactly `at`.
    fn step(&mut self, at: Cycles) {
        for index in 0..LINES {
            if let Some(byte) = self.lines[index].shifted_out(at) {
                self.emit(index, byte);
            }
            if self.lines[index].receiver_due(at) {
                if let Some(byte) = self.backends[index].poll_input(at) {
                    let byte = byte & self.lines[index].data_mask();
                    self.receive(index, u16::from(byte));
                }
                if !self.backends[index].has_input() {
                    self.lines[index].set_receiver(false, at);
                }
            }
        }
        if self.found_at.is_some_and(|found| found <= at) {
            self.found_at = None;
            self.ready = self.next_line();
        }
        self.rescan(at);
    }
}

impl Device for Dz {
    fn name(&self) -> &'static str {
        "DZ serial lines"
    }

    fn read(&mut self, offset: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        self.advance(now);
        let register = match offset >> 3 & 3 {
            0 => self.read_csr(),
            1 => {
                self.since_read = 0;
                self.silo.pop_front().unwrap_or_default()
            }
            2 => self.tcr,
            _ => self.modem_inputs(),
        };
        Ok(lane_read(u32::from(register), offset, width))
    }

    fn write(&mut self, offset: u32, value: u32, width: Width, now: Cycles) -> Result<(), BusError> {
        self.advance(now);
        if offset & 2 != 0 {
            // The registers are 16 bits wide; the other half of the word is nowhere.
            return Ok(());
        }
        let merged = |old: u16| lane_write(u32::from(old), offset, value, width) as u16;
        match offset >> 3 & 3 {
            0 => self.write_csr(merged(self.csr), now),
            1 => self.write_lpr(merged(0), now),
            2 => self.write_tcr(merged(self.tcr), now),
            _ => {
                // The low byte is the character, the high byte the breaks.
                match (offset & 1, width) {
                    (0, Width::Byte) => {}
                    (0, _) => self.write_breaks((value >> 8) as u8),
                    _ => self.write_breaks(value as u8),
                }
                if offset & 1 == 0 {
                    self.write_tdr(value as u8, now);
                }
            }
        }
        Ok(())
    }

    fn advance(&mut self, now: Cycles) {
        while let Some(at) = self.next_event() {
            if at > now {
                break;
            }
            self.step(at);
        }
    }

    fn interrupt(&self) -> bool {
        let csr = self.read_csr();
        let receive = if csr & SILO_ALARM_ENABLE != 0 { SILO_ALARM } else { RDONE };
        csr & TRDY != 0 && csr & TIE != 0 || csr & receive != 0 && csr & RIE != 0
    }

    fn next_event(&self) -> Option<Cycles> {
        self.lines.iter().filter_map(Line::next_event).chain(self.found_at).min()
    }
}

#[cfg(test)]
#[path = "tests_dz.rs"]
mod tests;
