//! Whole machines: loading, the counter device, repeatability, the exception suite.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::guest::{compile, compile_file};
use decstation::asm::{self, r};
use decstation::board::BoardConfig;
use decstation::board::serial::Buffer;
use decstation::cluster::Cluster;
use decstation::counter_device::SIGNATURE;
use decstation::cpu::Stop;
use decstation::loader::{self, Program};
use decstation::machine::Machine;
use decstation::net::segment::Segment;
use decstation::params::{Bound, Params};

const ENTRY: u32 = 0x8003_0000;

fn machine(name: &str, code: &[u32]) -> Machine {
    let params = Params::built_in(name, Bound::Central).expect("built-in");
    let mut machine = Machine::new(params, 8 << 20, BoardConfig::default());
    let program = Program {
        entry: ENTRY,
        segments: vec![(ENTRY & 0x1fff_ffff, code.iter().flat_map(|w| w.to_le_bytes()).collect())],
        ..Program::default()
    };
    machine.boot(&program).expect("fits");
    machine
}

/// The counters count, and a word stored to the exit register ends the run.
#[test]
fn the_counter_device() {
    let mut code = vec![asm::lui(r::A0, 0xbfc8)];
    code.push(asm::lw(8, 0x40, r::A0)); // signature
    code.push(asm::lw(9, 0x04, r::A0)); // cycles
    code.push(asm::lw(10, 0x0c, r::A0)); // instructions
    code.push(asm::lw(11, 0x04, r::A0)); // cycles again
    code.push(asm::lw(12, 0x44, r::A0)); // clock
    code.push(asm::lw(13, 0x00, r::A0)); // microseconds
    code.push(asm::addiu(14, 0, 42));
    code.push(asm::sw(14, 0x40, r::A0));
    code.push(asm::NOP);
    let mut m = machine("5000/200", &code);
    assert_eq!(m.run(10_000), Stop::Exit(42));
    assert_eq!(m.cpu.reg(8), SIGNATURE);
    // FFF.. lui lw(25) lw: 15 + 1 + 26 + 26 = 68 at the end of the first read of the cycles.
    assert_eq!(m.cpu.reg(9), 68);
    assert_eq!(m.cpu.reg(10), 4);
    // Two reads of 26 cycles and a new line of code later.
    assert_eq!(m.cpu.reg(11), 68 + 2 * 26 + 15);
    assert_eq!(m.cpu.reg(12), 25_000_000);
    assert_eq!(m.cpu.reg(13), (68 + 2 * 26 + 15 + 2 * 26) / 25);
}

/// What the PROM leaves: arguments, the signature in a2, a stack.
#[test]
fn entry_state() {
    let m = machine("5000/200", &[asm::NOP]);
    assert_eq!(m.cpu.reg(4), 2);
    assert_eq!(m.cpu.reg(6), 0x3046_4354);
    let argv1 = m.cpu.peek(m.cpu.reg(5) + 4).expect("in RAM");
    assert!((0x8000_0000..0xc000_0000).contains(&argv1));
    assert!((0x8000_0000..0xc000_0000).contains(&m.cpu.reg(29)));
}

#[test]
fn bad_files_are_explained() {
    for (bytes, word) in [
        (&b"#!/bin/sh"[..], "not an ELF file"),
        (&std::fs::read("/proc/self/exe").unwrap_or_default()[..], "little-endian MIPS"),
    ] {
        let e = loader::parse(bytes).expect_err("no program").to_string();
        assert!(e.contains(word), "{e}");
    }
    let program = Program { entry: ENTRY, segments: vec![(0x0900_0000, vec![0; 16])], ..Program::default() };
    let params = Params::built_in("5000/200", Bound::Central).expect("built-in");
    let e = Machine::new(params, 8 << 20, BoardConfig::default()).boot(&program).expect_err("does not fit");
    assert!(e.to_string().contains("beyond the end of RAM"), "{e}");
}

/// A program that uses everything that has state: loads, stores, multiplies, exceptions, random
/// TLB writes, device accesses.
fn busy() -> Vec<u32> {
    vec![
        asm::mtc0(0, 12),
        asm::lui(r::A0, 0x8010),
        asm::lui(r::A1, 0xbfe8),
        // loop:
        asm::addiu(r::A0, r::A0, 76),
        asm::lw(8, 0, r::A0),
        asm::mfc0(9, 1),
        asm::addu(8, 8, 9),
        asm::sw(8, 64, r::A0),
        asm::mult(8, 9),
        asm::mtc0(8, 10),
        asm::lw(10, 0, r::A1),
        asm::TLBWR,
        asm::mflo(8),
        asm::sb(8, 3, r::A0),
        asm::lui(11, 0x800f),
        asm::ori(11, 11, 0xffff),
        asm::beq(0, 0, -14),
        asm::and(r::A0, r::A0, 11),
    ]
}

/// The same input gives the same cycles and the same state, ten times over.
#[test]
fn runs_repeat_exactly() {
    let run = || {
        let mut m = machine("5000/125", &busy());
        assert_eq!(m.run(300_000), Stop::Limit);
        (m.cpu.now(), m.counters(), m.cpu.state_hash())
    };
    let first = run();
    for _ in 1..10 {
        assert_eq!(run(), first);
    }
    // Pinned: debug and release builds, and every host, give this.
    assert_eq!((first.0, first.2), PINNED);
}

const PINNED: (u64, u64) = (300_025, 6_033_440_219_224_010_728);

/// Stopping and going on, at any cycle, changes nothing.
#[test]
fn slices_do_not_matter() {
    let mut whole = machine("3100", &busy());
    whole.run(100_000);
    let mut sliced = machine("3100", &busy());
    while sliced.cpu.now() < whole.cpu.now() {
        let until = (sliced.cpu.now() + 997).min(100_000);
        sliced.run(until);
    }
    assert_eq!(whole.cpu.state_hash(), sliced.cpu.state_hash());
}

/// Machines of a cluster run as they would alone while they send nothing, in either order.
#[test]
fn a_cluster_is_deterministic() {
    let run = |names: [&str; 2]| {
        let machines = names.map(|n| machine(n, &busy())).into();
        let mut cluster = Cluster::new(machines, Segment::new(1));
        assert_eq!(cluster.run(2_000_000), None);
        cluster.machines.iter().map(|m| m.cpu.state_hash()).collect::<Vec<_>>()
    };
    let forward = run(["5000/125", "3100"]);
    let backward = run(["3100", "5000/125"]);
    assert_eq!(forward, [backward[1], backward[0]]);
}

/// The exception and TLB tests on the model: all of them.
#[test]
fn the_exception_suite_passes() {
    let Some(program) = compile("exceptions", &[]) else {
        return;
    };
    let (text, stop) = suite(&program, "5000/200");
    assert!(text.contains(" passed, 0 failed"), "{text}");
    assert!(text.contains("ok unaligned-fetch-epc"), "{text}");
    assert_eq!(stop, Stop::Exit(0));
}

/// Runs a suite that prints through the PROM; its text and its end.
fn suite(program: &Program, machine: &str) -> (String, Stop) {
    let console = Buffer::new();
    let mut board = BoardConfig::default();
    board.lines[3] = Box::new(console.clone());
    let params = Params::built_in(machine, Bound::Central).expect("built-in");
    let mut m = Machine::new(params, 8 << 20, board);
    m.boot(program).expect("fits");
    let stop = m.run(1_000_000_000);
    m.cpu.board.flush();
    (console.text(), stop)
}

/// What GXemul 0.7's R3000 gets wrong. Everything else in the suite it gets right.
const GXEMUL_DEFECTS: [&str; 10] = [
    "user-fetch-kseg0",        // user mode executes kseg0 pages that the kernel has touched
    "reserved-sync",           // executes MIPS II's sync
    "reserved-teq",            // executes MIPS II's trap
    "reserved-eret",           // does not raise reserved instruction
    "overflow-addi",           // addi never overflows
    "load-delay-old-value",    // no load delay
    "random-stays-above-7",    // Random is not the R3000's
    "user-load-kseg0-touched", // user mode reads kseg0 pages that the kernel has touched
    "user-mfc0",               // not privileged
    "user-mtc0",               // not privileged
];

/// The same file on a machine that nobody here wrote.
#[test]
fn the_exception_suite_on_gxemul() {
    let Some((path, _)) = compile_file("exceptions", &[]) else {
        return;
    };
    // GXemul wants an input that stays open, and does not end by itself.
    let child = Command::new("gxemul")
        .args(["-q", "-E", "decstation", "-e", "3max"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: gxemul is not installed (Debian: gxemul)");
        return;
    };
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().expect("piped"));
    std::thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    let mut text = String::new();
    while !text.contains(" passed, ")
        && let Ok(line) = lines.recv_timeout(Duration::from_secs(20))
    {
        text += &line;
        text += "\n";
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_file(&path);
    assert!(text.contains(" passed, "), "no result: {text}");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("FAIL ") {
            let name = rest.split(':').next().unwrap_or(rest);
            assert!(GXEMUL_DEFECTS.contains(&name), "not a known defect: {line}");
        }
    }
}
