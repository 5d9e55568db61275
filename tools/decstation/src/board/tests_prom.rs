//! The PROM's tables and callbacks.

use super::*;
use crate::board::csr::Csr;
use crate::board::dz::Dz;
use crate::board::rtc::{Date, Rtc};
use crate::board::serial::{Buffer, Null, SerialBackend};
use crate::board::{BoardConfig, LineTiming};
use crate::net::time::Clock;

struct Bench {
    prom: Prom,
    ram: Vec<u8>,
    dz: Dz,
    rtc: Rtc,
    csr: Csr,
    console: Buffer,
    now: Cycles,
}

const RAM: u32 = 8 << 20;

fn bench() -> Bench {
    let console = Buffer::new();
    let clock = Clock::new(25_000_000);
    let lines: [Box<dyn SerialBackend>; 4] =
        [Box::new(Null), Box::new(Null), Box::new(Null), Box::new(console.clone())];
    let config = BoardConfig {
        ram_bytes: RAM,
        boot_args: vec!["boot".into(), "6/tftp/vmunix".into(), "-a".into()],
        environment: vec![("testaction".into(), "t".into())],
        ..BoardConfig::default()
    };
    Bench {
        prom: Prom::new(&config),
        ram: vec![0; RAM as usize],
        dz: Dz::new(clock, LineTiming::LineRate, lines),
        rtc: Rtc::new(clock, &Date::default()),
        csr: Csr::new(RAM),
        console,
        now: 0,
    }
}

impl Bench {
    /// Calls what the vector has at `offset`.
    fn call(&mut self, offset: u32, args: [u32; 4]) -> PromResult {
        let vector = self.prom.read(image::VECTOR + offset, Width::Word, 0);
        let stub = vector.unwrap() - KSEG1 - ROM_BASE;
        let index = self.prom.hook(stub).unwrap();
        self.prom.call(
            index,
            args,
            KSEG0 + 0x9000,
            &mut Machine {
                ram: &mut self.ram,
                dz: &mut self.dz,
                rtc: &mut self.rtc,
                csr: &mut self.csr,
                now: self.now,
            },
        )
    }

    fn put(&mut self, at: u32, text: &str) -> u32 {
        self.ram[at as usize..][..text.len()].copy_from_slice(text.as_bytes());
        self.ram[at as usize + text.len()] = 0;
        KSEG0 + at
    }

    fn word(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.ram[at as usize..][..4].try_into().unwrap())
    }

    fn text(&mut self, pointer: u32) -> String {
        let machine =
            Machine { ram: &mut self.ram, dz: &mut self.dz, rtc: &mut self.rtc, csr: &mut self.csr, now: 0 };
        machine.text(&self.prom.image, pointer)
    }
}

#[test]
fn a_program_finds_its_arguments() {
    let mut bench = bench();
    let entry = bench.prom.boot(&mut bench.ram);
    assert_eq!((entry.argc, entry.magic), (3, 0x3046_4354));
    let argv = entry.argv - KSEG0;
    let second = bench.word(argv + 4);
    assert_eq!(bench.text(second), "6/tftp/vmunix");
    assert_eq!(bench.word(argv + 12), 0);
    assert!(entry.argv - KSEG0 < 0x3_0000 && entry.stack - KSEG0 < 0x3_0000);
}

#[test]
fn stubs_are_recognised_and_return() {
    let mut bench = bench();
    let printf = bench.prom.read(image::VECTOR + 0x30, Width::Word, 0).unwrap();
    let offset = printf - KSEG1 - ROM_BASE;
    assert!(bench.prom.hook(offset).is_some());
    assert_eq!(bench.prom.hook(offset + 4), None);
    assert_eq!(bench.prom.read(offset + 4, Width::Word, 0), Ok(0x03e0_0008));
    assert_eq!(bench.prom.hook(0), None);
}

#[test]
fn the_reset_vector_jumps_to_a_reset() {
    let mut bench = bench();
    let jump = bench.prom.read(0, Width::Word, 0).unwrap();
    assert_eq!(jump >> 26, 2);
    let target = (jump & 0x03ff_ffff) << 2;
    let index = bench.prom.hook(target - (ROM_BASE & 0x0fff_ffff)).unwrap();
    assert_eq!(image::Call::from_index(index), Some(image::Call::Reset));
}

#[test]
fn printf_reads_registers_and_stack() {
    let mut bench = bench();
    let format = bench.put(0x100, "%s: %d %5u|%-4x|%04X %c%% %o\n");
    let name = bench.put(0x200, "le0");
    for (value, index) in [0xbeefu32, 0x2a, 0x41, 8].into_iter().zip(4..) {
        bench.ram[0x9000 + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    }
    let result = bench.call(0x30, [format, name, -5i32 as u32, 77]);
    assert_eq!(bench.console.text(), "le0: -5    77|beef|002A A% 10\r\n");
    assert_eq!(result.action, PromAction::Return);
    // 31 characters at 9600 baud.
    assert_eq!(result.cycles, 31 * 26_042);
}

#[test]
fn the_bitmap_covers_the_ram() {
    let mut bench = bench();
    let result = bench.call(0x84, [KSEG0 + 0x2_8000, 0, 0, 0]);
    assert_eq!(result.value, RAM / 4096 / 8);
    assert_eq!(result.written, Some((0x2_8000, 4 + result.value)));
    assert_eq!(bench.word(0x2_8000), 4096);
    let map = &bench.ram[0x2_8004..][..result.value as usize + 1];
    assert!(map[..map.len() - 1].iter().all(|&byte| byte == 0xff));
    assert_eq!(map[map.len() - 1], 0);
}

#[test]
fn the_system_says_what_it_is() {
    let mut bench = bench();
    assert_eq!(bench.call(0x80, [0; 4]).value >> 16 & 0xff, 2);
    assert_eq!(bench.call(0x6c, [0; 4]).value, 0xbe00_0000);
    assert_eq!(bench.call(0x6c, [6, 0, 0, 0]).value, 0xbf80_0000);
    let info = bench.call(0xa4, [0; 4]).value - KSEG1 - ROM_BASE;
    assert_eq!(bench.prom.read(info + 4, Width::Word, 0), Ok(40));
    assert_eq!(bench.prom.read(info + 8, Width::Word, 0), Ok(4));
}

#[test]
fn the_environment_can_be_read_and_changed() {
    let mut bench = bench();
    let console = bench.put(0x100, "osconsole");
    let value = bench.call(0x64, [console, 0, 0, 0]).value;
    assert_eq!(bench.text(value), "3");
    let action = bench.put(0x120, "testaction");
    let value = bench.call(0x64, [action, 0, 0, 0]).value;
    assert_eq!(bench.text(value), "t");
    let new = bench.put(0x140, "1,3");
    bench.call(0x60, [console, new, 0, 0]);
    let value = bench.call(0x64, [console, 0, 0, 0]).value;
    assert_eq!(bench.text(value), "1,3");
    bench.call(0x68, [console, 0, 0, 0]);
    assert_eq!(bench.call(0x64, [console, 0, 0, 0]).value, 0);
}

#[test]
fn getchar_waits_and_gets_edits() {
    let mut bench = bench();
    let waiting = bench.call(0x24, [0; 4]);
    assert_eq!(waiting.action, PromAction::Retry);
    assert_eq!(waiting.cycles, 6_250);
    bench.console.type_at(0, b"xlab\x7f!\r");
    assert_eq!(bench.call(0x24, [0; 4]).value, u32::from(b'x'));
    let mut result = bench.call(0x28, [KSEG0 + 0x500, 0, 0, 0]);
    while result.action == PromAction::Retry {
        result = bench.call(0x28, [KSEG0 + 0x500, 0, 0, 0]);
    }
    assert_eq!(bench.text(KSEG0 + 0x500), "la!");
}

#[test]
fn string_functions() {
    let mut bench = bench();
    let one = bench.put(0x100, "abc");
    let two = bench.put(0x200, "abd");
    assert_eq!(bench.call(0x0c, [one, two, 0, 0]).value as i32, -1);
    assert_eq!(bench.call(0x20, [one, two, 2, 0]).value, 0);
    assert_eq!(bench.call(0x14, [one, 0, 0, 0]).value, 3);
    bench.call(0x08, [one, two, 0, 0]);
    assert_eq!(bench.text(one), "abcabd");
    bench.call(0x10, [KSEG0 + 0x300, two, 0, 0]);
    assert_eq!(bench.text(KSEG0 + 0x300), "abd");
    bench.call(0x04, [KSEG0 + 0x300, 0x7a, 2, 0]);
    assert_eq!(bench.text(KSEG0 + 0x300), "zzd");
    let number = bench.put(0x400, " -0x1fg");
    let result = bench.call(0x3c, [number, KSEG0 + 0x420, 0, 0]);
    assert_eq!(result.value as i32, -0x1f);
    assert_eq!(bench.word(0x420), number + 6);
}

#[test]
fn what_ends_a_run() {
    let mut bench = bench();
    assert_eq!(bench.call(0xac, [u32::from(b'h'), 0, 0, 0]).action, PromAction::Halt);
    assert_eq!(bench.call(0xac, [u32::from(b'b'), 0, 0, 0]).action, PromAction::Reset);
    assert_eq!(bench.call(0x7c, [0; 4]).action, PromAction::ClearCaches);
    assert_eq!(bench.call(0x9c, [0; 4]).action, PromAction::Halt);
    assert_eq!(bench.call(0x54, [0; 4]).action, PromAction::Unsupported("bootinit"));
    assert_eq!(bench.call(0x74, [3, 0, 0, 0]).cycles, 75_000);
}

#[test]
fn bad_pointers_do_no_harm() {
    let mut bench = bench();
    assert_eq!(bench.call(0x84, [0x1000, 0, 0, 0]).written, None);
    assert_eq!(bench.call(0x14, [0, 0, 0, 0]).value, 0);
    assert_eq!(bench.call(0x04, [KSEG0 + RAM - 2, 0, 64, 0]).written, None);
    assert_eq!(bench.call(0x04, [KSEG0, 0, u32::MAX, 0]).action, PromAction::Return);
}

#[test]
fn the_time_is_the_clocks() {
    let mut bench = bench();
    bench.now = 90 * 25_000_000;
    // 1 January 2000 was day 10957.
    let seconds = 10_957 * 86_400 + 90;
    assert_eq!(bench.call(0x48, [KSEG0 + 0x500, 0, 0, 0]).value, seconds);
    assert_eq!(bench.word(0x500), seconds);
    assert_eq!(bench.call(0x48, [0; 4]).written, None);
}

#[test]
fn slots_can_be_switched() {
    let mut bench = bench();
    assert_eq!(bench.call(0x8c, [6, 0, 0, 0]).value, 0);
    assert!(bench.csr.cascade(0x40));
    assert_eq!(bench.call(0x88, [6, 0, 0, 0]).value, 1);
    assert!(!bench.csr.cascade(0x40));
    bench.csr.set_pending(0x80);
    assert_eq!(bench.call(0x90, [7, 0, 0, 0]).value, 1);
    assert_eq!(bench.call(0x90, [6, 0, 0, 0]).value, 0);
}

/// Programs that know the older PROMs ask the environment for what REX has callbacks for.
#[test]
fn the_older_way_to_the_bitmap() {
    let mut bench = bench();
    let variable = |bench: &mut Bench, name: &str| {
        let name = bench.put(0x600, name);
        let value = bench.call(0x64, [name, 0, 0, 0]).value;
        u32::from_str_radix(bench.text(value).trim_start_matches("0x"), 16).unwrap()
    };
    let bitmap = variable(&mut bench, "bitmap") - KSEG1 - ROM_BASE;
    let words = variable(&mut bench, "bitmaplen");
    assert_eq!(words * 32 * 4096, RAM);
    for index in 0..words {
        assert_eq!(bench.prom.read(bitmap + 4 * index, Width::Word, 0), Ok(u32::MAX));
    }
    assert_eq!(bench.prom.read(bitmap + 4 * words, Width::Word, 0), Ok(0));
    assert_eq!(variable(&mut bench, "systype"), SYSTEM_ID);
}
