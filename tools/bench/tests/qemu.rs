//! The runner against a real QEMU, with a guest of a few instructions that this test assembles itself. Without a QEMU the
//! tests say so and pass: `cargo test` must work for a newcomer who has none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::machine::{End, Job, Limits, Machine, Watch, run};
use bench::qemu::Malta;
use bench::trace::{self, Span, Stats, Until};

const START: u32 = 0x8010_0000;

/// An ELF file of MIPS instructions at [`START`].
fn elf(code: &[u32]) -> Vec<u8> {
    const HEADERS: u32 = 52 + 32;
    let mut bytes = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |bytes: &mut Vec<u8>, x: u16| bytes.extend(x.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, x: u32| bytes.extend(x.to_le_bytes());
    half(&mut bytes, 2); // an executable
    half(&mut bytes, 8); // for MIPS
    for x in [1, START, 52, 0, 0x5000_1000] {
        word(&mut bytes, x);
    }
    for x in [52, 32, 1, 40, 0, 0] {
        half(&mut bytes, x);
    }
    let size = u32::try_from(code.len() * 4).expect("small");
    for x in [1, HEADERS, START, START, size, size, 5, 4] {
        word(&mut bytes, x);
    }
    for x in code {
        word(&mut bytes, *x);
    }
    bytes
}

const LUI_T0_UART: u32 = 0x3c08_b800;
const SB_T1_UART: u32 = 0xa109_03f8;
const fn li_t1(x: u32) -> u32 {
    0x3409_0000 | x
}

/// Prints "hi", counts to three, and exits with `status` through semihosting.
fn guest(status: u32) -> Vec<u32> {
    vec![
        LUI_T0_UART,
        li_t1(b'h' as u32),
        SB_T1_UART,
        li_t1(b'i' as u32),
        SB_T1_UART,
        li_t1(b'\n' as u32),
        SB_T1_UART,
        0x340a_0003,          // ori t2, zero, 3
        0x254a_ffff,          // loop: addiu t2, t2, -1
        0x1540_fffe,          // bne t2, zero, loop
        0,                    // nop
        0x3419_0001,          // ori t9, zero, 1: exit
        0x3404_0000 | status, // ori a0, zero, status
        0x7000_007f,          // sdbbp 1
    ]
}

struct Run {
    machine: Malta,
    dir: tempfile::TempDir,
}

impl Run {
    /// `None`, and a message, without QEMU.
    fn new(code: &[u32]) -> Option<(Self, Job, PathBuf)> {
        let machine = match Malta::checked("qemu-system-mipsel") {
            Ok(machine) => machine,
            Err(error) => {
                eprintln!("skipped: {error}");
                return None;
            }
        };
        let dir = tempfile::tempdir().expect("a directory");
        let kernel = dir.path().join("guest.elf");
        std::fs::write(&kernel, elf(code)).expect("a file");
        let log = dir.path().join("log");
        Some((Self { machine, dir }, Job { kernel, ..Job::default() }, log))
    }

    fn go(&self, job: &Job, limits: Limits, log: &Path) -> bench::machine::Outcome {
        assert!(self.dir.path().exists());
        run(&self.machine, job, limits, log, |_| Watch::On).expect("starts")
    }
}

#[test]
fn a_guest_prints_and_exits() {
    for status in [0, 7] {
        let Some((qemu, job, log)) = Run::new(&guest(status)) else {
            return;
        };
        let outcome = qemu.go(&job, Limits::seconds(60), &log);
        assert_eq!(outcome.end, End::Exited(i32::try_from(status).expect("small")));
        assert_eq!(outcome.console().collect::<Vec<_>>(), ["hi"]);
    }
}

#[test]
fn a_guest_that_hangs_is_killed() {
    let mut code = guest(0);
    code.splice(11.., [0x1000_ffff, 0]); // b .; nop
    let Some((qemu, job, log)) = Run::new(&code) else {
        return;
    };
    let outcome = qemu.go(&job, Limits { time: Duration::from_secs(2), output: 1000 }, &log);
    assert_eq!(outcome.end, End::TimedOut);
    assert_eq!(outcome.console().collect::<Vec<_>>(), ["hi"]);
}

#[test]
fn instructions_are_counted() {
    let Some((qemu, job, log)) = Run::new(&guest(0)) else {
        return;
    };
    let count = |from: u32, until: u32| {
        let span = Span { from: vec![START + 4 * from], until: Until::At(START + 4 * until) };
        let (passes, outcome) =
            trace::passes(&qemu.machine, &job, span, Limits::seconds(60), u64::MAX, &log).expect("starts");
        assert_eq!(outcome.end, End::Exited(0));
        passes.stats(|_| true)
    };
    let once = |n| Some(Stats { passes: 1, min: n, max: n });
    // The stores to the serial port are rewound by QEMU, and count once all the same.
    assert_eq!(count(0, 8), once(8));
    // Three rounds of three instructions.
    assert_eq!(count(7, 11), once(1 + 9));
    // Round by round: the first two end at the loop's head.
    assert_eq!(count(9, 8), Some(Stats { passes: 2, min: 2, max: 2 }));
}

#[test]
fn two_runs_execute_the_same_number_of_instructions() {
    let Some((qemu, job, log)) = Run::new(&guest(0)) else {
        return;
    };
    let executed = || {
        let span = Span { from: vec![], until: Until::User };
        let limits = Limits::seconds(60);
        trace::passes(&qemu.machine, &job, span, limits, u64::MAX, &log).expect("starts").0.executed
    };
    let first = executed();
    assert!(first > 20);
    assert_eq!(executed(), first);
    assert_eq!(qemu.machine.name(), "malta");
}
