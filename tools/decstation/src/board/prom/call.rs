//! What each callback does.

use super::format::{self, Arguments};
use super::guest::Machine;
use super::image::{Call, Image, TC_INFO};
use super::{KSEG1, PAGE, Prom, PromAction, PromResult, ROM_BASE, SYSTEM_ID};
use crate::bus::Cycles;

/// How long the firmware waits before it looks for a character again.
const INPUT_POLL_US: u64 = 250;
/// The longest delay that msdelay is believed to want.
const LONGEST_DELAY_MS: u32 = 60_000;

/// The variable arguments of an o32 call: what is left of a0..a3, then the caller's stack.
struct Variadic<'a, 'b> {
    args: [u32; 4],
    sp: u32,
    index: u32,
    machine: &'a Machine<'b>,
    image: &'a Image,
}

impl Arguments for Variadic<'_, '_> {
    fn next(&mut self) -> u32 {
        let index = self.index;
        self.index += 1;
        match self.args.get(index as usize) {
            Some(&register) => register,
            None => self.machine.word(self.image, self.sp.wrapping_add(4 * index)),
        }
    }

    fn string(&self, pointer: u32) -> Vec<u8> {
        if pointer == 0 {
            return b"(null)".to_vec();
        }
        self.machine.string(self.image, pointer)
    }
}

impl Prom {
    /// Does what `call` asks for.
    pub(super) fn perform(
        &mut self,
        call: Call,
        args: [u32; 4],
        sp: u32,
        machine: &mut Machine<'_>,
    ) -> PromResult {
        let [a0, a1, a2, _] = args;
        match call {
            Call::MemCpy => {
                let bytes: Vec<u8> = (0..self.bounded(a2))
                    .map(|index| machine.byte(&self.image, a1.wrapping_add(index)))
                    .collect();
                stored(a0, machine.store(a0, &bytes))
            }
            Call::MemSet => {
                let bytes = vec![a1 as u8; self.bounded(a2) as usize];
                stored(a0, machine.store(a0, &bytes))
            }
            Call::StrCat | Call::StrNCat | Call::StrCpy | Call::StrNCpy => {
                self.copy_string(call, a0, a1, a2, machine)
            }
            Call::StrCmp | Call::StrNCmp => {
                let mut first = machine.string(&self.image, a0);
                let mut second = machine.string(&self.image, a1);
                if call == Call::StrNCmp {
                    first.truncate(a2 as usize);
                    second.truncate(a2 as usize);
                }
                PromResult::value(first.cmp(&second) as i32 as u32)
            }
            Call::StrLen => PromResult::value(machine.string(&self.image, a0).len() as u32),
            Call::StrToL => self.string_to_number(a0, a1, a2, machine),
            Call::GetChar => match machine.dz.console_input(machine.now) {
                Some(byte) => PromResult::value(u32::from(byte)),
                None => self.wait_for_input(0),
            },
            Call::Gets => self.read_line(a0, machine),
            Call::Puts => {
                let text = machine.string(&self.image, a0);
                timed(0, machine.print(&text))
            }
            Call::PutChar => timed(a0, machine.print(&[a0 as u8])),
            Call::Printf => {
                let text = self.formatted(a0, 1, args, sp, machine);
                timed(text.len() as u32, machine.print(&text))
            }
            Call::SPrintf => {
                let mut text = self.formatted(a1, 2, args, sp, machine);
                let length = text.len() as u32;
                text.push(0);
                stored(length, machine.store(a0, &text))
            }
            Call::SetEnv => {
                let name = machine.text(&self.image, a0);
                let value = machine.text(&self.image, a1);
                self.environment.set(&name, &value);
                PromResult::value(0)
            }
            Call::UnsetEnv => {
                let name = machine.text(&self.image, a0);
                self.environment.unset(&name);
                PromResult::value(0)
            }
            Call::GetEnv => {
                let name = machine.text(&self.image, a0);
                let place = self.environment.place(&name, &mut self.image);
                PromResult::value(place.map_or(0, |offset| KSEG1 + ROM_BASE + offset))
            }
            Call::SlotAddress => PromResult::value(slot_address(a0)),
            Call::Nothing => PromResult::value(0),
            Call::MsDelay => {
                let milliseconds = u64::from(a0.min(LONGEST_DELAY_MS));
                timed(0, milliseconds * self.clock_hz / 1_000)
            }
            Call::Leds => {
                machine.csr.set_leds(a0 as u8);
                PromResult::value(0)
            }
            Call::ClearCache => PromResult::act(PromAction::ClearCaches),
            Call::GetSysId => PromResult::value(SYSTEM_ID),
            Call::GetBitmap => self.bitmap(a0, machine),
            Call::GetTcInfo => PromResult::value(KSEG1 + ROM_BASE + TC_INFO),
            Call::Time => {
                let seconds = machine.rtc.unix_time(machine.now);
                let written = if a0 == 0 { None } else { machine.store(a0, &seconds.to_le_bytes()) };
                stored(seconds, written)
            }
            Call::EnableInterrupt(on) => PromResult::value(u32::from(machine.csr.set_enable(a0, on))),
            Call::TestInterrupt => PromResult::value(u32::from(machine.csr.requested(a0))),
            Call::Rex if a0 as u8 == b'b' => PromResult::act(PromAction::Reset),
            Call::Rex | Call::Halt => PromResult::act(PromAction::Halt),
            Call::Reset => PromResult::act(PromAction::Reset),
            Call::Exception => PromResult::act(PromAction::Exception),
            Call::Missing(name, value) => {
                PromResult { value, ..PromResult::act(PromAction::Unsupported(name)) }
            }
        }
    }

    /// A length that a program may ask for: no more than there is RAM.
    fn bounded(&self, length: u32) -> u32 {
        length.min(self.ram_bytes)
    }

    fn formatted(&self, pointer: u32, fixed: u32, args: [u32; 4], sp: u32, machine: &Machine<'_>) -> Vec<u8> {
        let text = machine.string(&self.image, pointer);
        format::format(&text, &mut Variadic { args, sp, index: fixed, machine, image: &self.image })
    }

    fn copy_string(
        &self,
        call: Call,
        to: u32,
        from: u32,
        limit: u32,
        machine: &mut Machine<'_>,
    ) -> PromResult {
        let mut text = machine.string(&self.image, from);
        let mut start = to;
        if matches!(call, Call::StrCat | Call::StrNCat) {
            start = to.wrapping_add(machine.string(&self.image, to).len() as u32);
        }
        match call {
            Call::StrNCat => {
                text.truncate(limit as usize);
                text.push(0);
            }
            Call::StrNCpy => text.resize(self.bounded(limit) as usize, 0),
            _ => text.push(0),
        }
        stored(to, machine.store(start, &text))
    }

    fn string_to_number(&self, text: u32, end: u32, base: u32, machine: &mut Machine<'_>) -> PromResult {
        let bytes = machine.string(&self.image, text);
        let (value, used) = parse_number(&bytes, base);
        let written =
            if end == 0 { None } else { machine.store(end, &text.wrapping_add(used as u32).to_le_bytes()) };
        stored(value as u32, written)
    }

    fn wait_for_input(&self, value: u32) -> PromResult {
        PromResult {
            value,
            cycles: (INPUT_POLL_US * self.clock_hz / 1_000_000).max(1),
            ..PromResult::act(PromAction::Retry)
        }
    }

    /// gets: characters with echo until a return; backspace and delete take one away.
    fn read_line(&mut self, to: u32, machine: &mut Machine<'_>) -> PromResult {
        let Some(byte) = machine.dz.console_input(machine.now) else {
            return self.wait_for_input(0);
        };
        match byte {
            b'\r' | b'\n' => {
                let mut line = std::mem::take(&mut self.line);
                line.push(0);
                let cycles = machine.print(b"\n");
                return PromResult { cycles, ..stored(to, machine.store(to, &line)) };
            }
            0x08 | 0x7f => {
                if self.line.pop().is_some() {
                    machine.print(b"\x08 \x08");
                }
            }
            _ => {
                self.line.push(byte);
                machine.print(&[byte]);
            }
        }
        self.wait_for_input(0)
    }

    /// getbitmap: the page size, then a bit for each page of RAM.
    fn bitmap(&self, to: u32, machine: &mut Machine<'_>) -> PromResult {
        let bytes = self.ram_bytes / PAGE as u32 / 8;
        let mut map = (PAGE as u32).to_le_bytes().to_vec();
        map.resize(4 + bytes as usize, 0xff);
        stored(bytes, machine.store(to, &map))
    }
}

/// The kseg1 address of TURBOchannel slot `slot`.
fn slot_address(slot: u32) -> u32 {
    KSEG1 + super::super::map::TURBOCHANNEL_BASE + (slot & 7) * super::super::map::SLOT_BYTES
}

fn timed(value: u32, cycles: Cycles) -> PromResult {
    PromResult { cycles, ..PromResult::value(value) }
}

fn stored(value: u32, written: Option<(u32, u32)>) -> PromResult {
    PromResult { written, ..PromResult::value(value) }
}

/// strtol: the value and the number of bytes it took.
fn parse_number(bytes: &[u8], base: u32) -> (i64, usize) {
    let blanks = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let mut at = blanks;
    let negative = bytes.get(at) == Some(&b'-');
    if matches!(bytes.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let hex = matches!(bytes.get(at..), Some([b'0', b'x' | b'X', ..]));
    let base = match base {
        0 if hex => 16,
        0 if bytes.get(at) == Some(&b'0') => 8,
        0 => 10,
        base => base.min(36),
    };
    if base == 16 && hex {
        at += 2;
    }
    let mut value = 0i64;
    let first = at;
    while let Some(digit) = bytes.get(at).and_then(|&b| char::from(b).to_digit(base)) {
        value = value.saturating_mul(i64::from(base)).saturating_add(i64::from(digit));
        at += 1;
    }
    if at == first {
        return (0, 0);
    }
    (if negative { -value } else { value }, at)
}
