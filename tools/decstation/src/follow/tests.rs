//! The path of a system call from a user program through a handler and back, on a 5000/200.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;
use crate::asm;
use crate::cp0::{reg, status};
use crate::cpu::{Cpu, Stop};
use crate::params::{Bound, Params};
use crate::test_board::EmptyBoard;
use crate::tlb::{Entry, LO_V};

const USER: u32 = 0x0001_0000;
const CODE: u32 = 0x0002_0000;
const SPACE: u32 = 5;

/// Memory to write to that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn put(cpu: &mut Cpu<EmptyBoard>, paddr: u32, code: &[u32]) {
    for (i, word) in code.iter().enumerate() {
        cpu.ram[paddr as usize + 4 * i..][..4].copy_from_slice(&word.to_le_bytes());
    }
}

fn symbols() -> Symbols {
    let mut symbols = Symbols::default();
    symbols.extend_in(Some(SPACE), [(USER, 0, "main".to_owned()), (USER + 8, 0, "back".to_owned())]);
    symbols.extend_in(Some(6), [(USER, 0, "another".to_owned())]);
    symbols
}

/// Follows `from` until `until` at its `pass`-th time: what is written, how it stopped, what missed.
fn follow(from: &str, until: &str, pass: u64) -> (String, Stop, Option<u64>) {
    let params = Params::built_in("5000/200", Bound::Central).expect("built-in");
    let mut cpu = Cpu::new(&params, 1 << 20, EmptyBoard::default());
    put(&mut cpu, CODE, &[asm::SYSCALL, asm::NOP, asm::addiu(8, 8, 1), asm::beq(0, 0, -4), asm::NOP]);
    put(&mut cpu, 0x80, &[asm::mfc0(26, reg::EPC), asm::NOP, asm::addiu(26, 26, 8), asm::jr(26), asm::RFE]);
    cpu.tlb_write(0, Entry { hi: USER | SPACE << 6, lo: CODE | LO_V });
    cpu.cp0.entry_hi = SPACE << 6;
    cpu.cp0.status = status::KUC;
    let mut cpu = cpu.restarted(USER);
    let (output, symbols) = (Shared::default(), symbols());
    let place = |text| Place::parse(text, &symbols).expect("a place");
    let places = (place(from), place(until));
    let follow = Follow::new(Box::new(output.clone()), symbols.clone(), params.clock_hz, places, pass);
    cpu.hooks_mut().observers.push(Box::new(follow));
    let stop = cpu.run(5_000);
    let follow = cpu.hooks_mut().observers[0].as_any().downcast_ref::<Follow>();
    let missed = follow.expect("the only observer").missed();
    let bytes = output.0.lock().expect("no panic").clone();
    (String::from_utf8(bytes).expect("text"), stop, missed)
}

/// ```text
/// syscall I XXXX                1 + 4 = 5
/// kernel  I I I I I             5
/// back    (the line is in the cache)
/// ```
#[test]
fn a_warm_call_and_its_parts() {
    let (text, stop, missed) = follow("main", "back", 10);
    assert_eq!((stop, missed), (Stop::Observed, None));
    let has = |line: &str| {
        let squeezed: Vec<String> =
            text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(squeezed.iter().any(|l| l == line), "{line}\n{text}");
    };
    has("== user, address space 5: main");
    has("0 00010000 main syscall 5 issue 1, exception 4 => Sys");
    has("== kernel: general vector");
    has("5 80000080 general vector mfc0 $k0,EPC 1 issue 1");
    has("9 80000090 general vector+0x10 rfe 1 issue 1");
    has("0 user: main 1 5 0.200 issue 1, exception 4");
    has("5 kernel: general vector 5 5 0.200 issue 5");
    has("total 6 10 0.400 issue 6, exception 4");
    assert!(!text.contains("addiu $t0"), "the last place is not part of it: {text}");
}

#[test]
fn the_first_pass_is_cold() {
    let (text, ..) = follow("main", "back", 1);
    assert!(text.contains("I-miss 15"), "{text}");
    assert!(text.contains("micro-TLB 1"), "{text}");
}

#[test]
fn one_place_twice_is_a_round() {
    let (text, stop, _) = follow("back", "back", 3);
    assert_eq!(stop, Stop::Observed);
    assert_eq!((text.matches("== user").count(), text.matches("== kernel").count()), (1, 1), "{text}");
    assert!(text.contains("total"), "{text}");
}

#[test]
fn a_path_that_never_comes_is_said_to_be_missing() {
    let (text, stop, missed) = follow("main", "0x00030000", 1);
    assert_eq!((stop, missed), (Stop::Limit, Some(1)));
    assert!(!text.contains("total"), "{text}");
    let (text, stop, missed) = follow("main", "back", 1_000_000);
    assert_eq!((text.as_str(), stop), ("", Stop::Limit));
    assert!(missed.is_some_and(|seen| seen > 10));
}

#[test]
fn places_are_symbols_with_offsets_or_addresses() {
    let symbols = symbols();
    let parse = |text| Place::parse(text, &symbols);
    assert_eq!(parse("main+0x8"), parse("back"));
    assert_eq!(parse("main+8"), parse("back"));
    assert_eq!(parse("0x80000080"), Ok(Place { space: None, address: 0x8000_0080 }));
    assert_eq!(parse("another"), Ok(Place { space: Some(6), address: USER }));
    for bad in ["nobody", "main+x", "0xg", ""] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
