//! Programs that call the PROM, on a whole machine: the functions that are code, the older entry
//! points, and the report of what is not provided.

use decstation::asm::{self, r};
use decstation::board::BoardConfig;
use decstation::board::serial::Buffer;
use decstation::board::trace::Note;
use decstation::cpu::Stop;
use decstation::loader;
use decstation::machine::Machine;
use decstation::params::{Bound, Params};

const ENTRY: u32 = 0x8003_0000;
/// s1: changed between setjmp and longjmp.
const S1: u32 = 17;
/// t9: the function to call.
const T9: u32 = 25;

/// Runs `code` to its end: the machine, what it printed, how it ended.
fn run(code: &[u32]) -> (Machine, String, Stop) {
    let console = Buffer::new();
    let mut board = BoardConfig::default();
    board.lines[3] = Box::new(console.clone());
    let params = Params::built_in("5000/200", Bound::Central).expect("built-in");
    let mut machine = Machine::new(params, 8 << 20, board);
    machine.boot(&loader::parse(&asm::executable(ENTRY, code)).expect("an executable")).expect("fits");
    let stop = machine.run(10_000_000);
    machine.cpu.board.finish();
    let text = console.text();
    (machine, text, stop)
}

/// Calls what the callback vector, which s0 points to, has at `offset`.
fn call(offset: i32) -> [u32; 4] {
    [asm::lw(T9, offset, r::S0), asm::NOP, asm::jalr(r::RA, T9), asm::NOP]
}

/// Ends the machine with the status in v0.
const EXIT: [u32; 3] = [asm::lui(r::T0, 0xbfc8), asm::sw(r::V0, 0x40, r::T0), asm::NOP];

/// The buffer brings the registers of the caller back, and longjmp's value out of setjmp.
#[test]
fn longjmp_returns_from_setjmp() {
    for (value, seen) in [(5, 5), (0, 1)] {
        let mut code = vec![asm::addu(r::S0, r::A3, r::ZERO), asm::addiu(S1, r::ZERO, 0x100)];
        code.push(asm::lui(r::A0, 0x8010));
        code.extend(call(0x4c));
        let jump = [
            asm::addiu(S1, r::ZERO, 0x7000),
            asm::addiu(r::SP, r::SP, -64),
            asm::lui(r::A0, 0x8010),
            asm::addiu(r::A1, r::ZERO, value),
        ];
        code.extend([asm::bne(r::V0, r::ZERO, 1 + jump.len() as i32 + 4), asm::NOP]);
        code.extend(jump);
        code.extend(call(0x50));
        code.push(asm::addu(r::V0, r::V0, S1));
        code.extend(EXIT);
        let (machine, _, stop) = run(&code);
        assert_eq!(stop, Stop::Exit(0x100 + seen));
        assert_eq!(machine.cpu.reg(29) % 64, 32, "the stack pointer of the entry");
    }
}

/// Programs for the older PROMs jump to 8 bytes a function from 0xbfc00000: putchar is the 13th.
#[test]
fn the_older_entry_points() {
    let mut code = Vec::new();
    for byte in *b"ok" {
        code.extend(asm::li(T9, 0xbfc0_0000 + 8 * 13));
        code.extend([asm::addiu(r::A0, r::ZERO, i32::from(byte)), asm::jalr(r::RA, T9), asm::NOP]);
    }
    // reinit: back to the monitor.
    code.extend(asm::li(T9, 0xbfc0_0000 + 8 * 3));
    code.extend([asm::jr(T9), asm::NOP]);
    let (mut machine, text, stop) = run(&code);
    assert_eq!(text, "ok");
    assert_eq!(stop, Stop::Halt("the program returned to the PROM"));
    assert!(machine.cpu.board.take_trace().is_empty());
}

/// Opening a boot device fails as it does without one, and the log names the function.
#[test]
fn what_is_not_provided_is_named() {
    let mut code = vec![asm::addu(r::S0, r::A3, r::ZERO)];
    code.extend(call(0x54));
    code.push(asm::sub(r::V0, r::ZERO, r::V0));
    code.extend(EXIT);
    let (mut machine, _, stop) = run(&code);
    assert_eq!(stop, Stop::Exit(1));
    let log = machine.cpu.board.take_trace();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].note, Note::Prom("bootinit"));
    assert!(log[0].to_string().contains("bootinit is not provided"));
}

/// An access that reaches no documented register is in the log although nobody traces.
#[test]
fn odd_accesses_are_named() {
    let mut code = vec![asm::lui(r::T1, 0xbfe0)];
    code.extend([asm::lhu(r::T2, 0x22, r::T1), asm::lhu(r::T2, 0x20, r::T1), asm::lhu(r::T2, 0, r::T1)]);
    code.push(asm::addu(r::V0, r::ZERO, r::ZERO));
    code.extend(EXIT);
    let (mut machine, _, stop) = run(&code);
    assert_eq!(stop, Stop::Exit(0));
    let notes: Vec<Note> = machine.cpu.board.take_trace().iter().map(|entry| entry.note).collect();
    assert_eq!(notes, [Note::NoRegister, Note::Image]);
}
