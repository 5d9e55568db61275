//! Machines that exchange frames through their LANCEs: bare programs at both ends of the wire.
//!
//! [`program`] makes the programs. What is checked: contents both ways, the times of frames on the
//! wire against numbers computed by hand, collisions, repeatability to the cycle, and the capture
//! file, with the `pcap-file` crate and with `tshark` where it is installed.

mod program;

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use decstation::asm;
use decstation::board::{Attachment, BoardConfig};
use decstation::cluster::Cluster;
use decstation::cpu::Stop;
use decstation::loader;
use decstation::machine::Machine;
use decstation::net::pcap::Capture;
use decstation::net::segment::{Segment, SegmentCounts};
use decstation::params::{Bound, Params};
use pcap_file::pcap::PcapReader;

use program::{BROADCAST, ENTRY, Frame, Guest, station};

/// A file in memory that outlives the capture that writes it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while writing").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that a run leaves behind.
#[derive(PartialEq, Debug)]
struct Outcome {
    cycles: Vec<u64>,
    states: Vec<u64>,
    counts: SegmentCounts,
    capture: Vec<u8>,
}

/// A frame of a capture: when its preamble began, in nanoseconds, and what it was.
type Seen = (u64, Vec<u8>);

/// Runs `guests`, machine 0 first, on a segment with `seed` until machine 0 ends with status 0.
fn run(names: &[&str], guests: &[Guest], seed: u64) -> Outcome {
    let machines = guests.iter().zip(names).enumerate().map(|(index, (guest, name))| {
        let params = Params::built_in(name, Bound::Central).expect("built-in");
        let board = BoardConfig {
            ethernet: Attachment::Shared,
            station: station(index as u8),
            ..BoardConfig::default()
        };
        let mut machine = Machine::new(params, 4 << 20, board);
        let program = loader::parse(&asm::executable(ENTRY, guest.code())).expect("an executable");
        machine.boot(&program).expect("fits");
        machine
    });
    let file = Shared::default();
    let mut segment = Segment::new(seed);
    segment.set_capture(Capture::new(Box::new(file.clone())).expect("memory"));
    let mut cluster = Cluster::new(machines.collect(), segment);
    let stop = cluster.run(50_000_000);
    assert_eq!(stop, Some((0, Stop::Exit(0))), "{:?}", cluster.segment.counts());
    for machine in &mut cluster.machines {
        let log = machine.cpu.board.take_trace();
        assert!(log.is_empty(), "accesses that reached nothing: {log:?}");
    }
    let capture = file.0.lock().expect("no panic while writing").clone();
    Outcome {
        cycles: cluster.machines.iter().map(|m| m.cpu.now()).collect(),
        states: cluster.machines.iter().map(|m| m.cpu.state_hash()).collect(),
        counts: cluster.segment.counts(),
        capture,
    }
}

/// The capture's frames, read back with the crate that knows the format.
fn frames(capture: &[u8]) -> Vec<Seen> {
    let mut reader = PcapReader::new(capture).expect("a capture");
    let mut seen = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.expect("a whole packet");
        assert_eq!(packet.orig_len as usize, packet.data.len());
        let at = packet.timestamp.as_nanos() as u64;
        assert_eq!(packet.timestamp, Duration::from_nanos(at));
        seen.push((at, packet.data.into_owned()));
    }
    seen
}

/// Looks at the capture with tshark: it must read `expected` frames and find nothing wrong.
fn check_with_tshark(capture: &[u8], expected: usize) {
    let path = std::env::temp_dir().join(format!("decstation-{}-{expected}.pcap", std::process::id()));
    std::fs::write(&path, capture).expect("a temporary file");
    let tshark =
        |arguments: &[&str]| Command::new("tshark").arg("-n").arg("-r").arg(&path).args(arguments).output();
    let Ok(all) = tshark(&["-T", "fields", "-e", "frame.number"]) else {
        println!("skipped: tshark is not installed (Debian: tshark)");
        let _ = std::fs::remove_file(&path);
        return;
    };
    let bad = tshark(&["-Y", "_ws.malformed || _ws.expert.severity >= \"Warning\""]);
    let _ = std::fs::remove_file(&path);
    assert!(all.status.success(), "{}", String::from_utf8_lossy(&all.stderr));
    assert_eq!(String::from_utf8_lossy(&all.stdout).lines().count(), expected);
    let bad = bad.expect("it ran a moment ago");
    assert!(bad.status.success(), "{}", String::from_utf8_lossy(&bad.stderr));
    assert_eq!(String::from_utf8_lossy(&bad.stdout), "");
}

/// A frame from one machine to another; its length tells its contents.
fn frame(target: u8, from: u8, length: u16) -> Frame {
    Frame { to: station(target), from: station(from), length, seed: length.wrapping_mul(0x0101) }
}

/// Three frames to the other machine in one go, and three back.
fn exchange() -> Vec<Guest> {
    let lengths = [60, 1514, 200];
    let to = |target: u8, from: u8| lengths.map(|length| frame(target, from, length));
    let mut first = Guest::new(station(0));
    first.send(&to(1, 0)).expect_frames(&to(0, 1)).exit();
    let mut second = Guest::new(station(1));
    second.expect_frames(&to(1, 0)).send(&to(0, 1)).exit();
    vec![first, second]
}

/// The contents arrive both ways (the programs check every byte), and so they are on the wire.
#[test]
fn frames_cross_both_ways() {
    let outcome = run(&["5000/200", "5000/200"], &exchange(), 1);
    assert_eq!(outcome.counts.frames, 6);
    assert_eq!(outcome.counts.bytes, 2 * (64 + 1518 + 204));
    assert_eq!((outcome.counts.collisions, outcome.counts.abandoned), (0, 0));
    let seen = frames(&outcome.capture);
    for ((_, data), length) in seen.iter().zip([60, 1514, 200, 60, 1514, 200]) {
        assert_eq!(data.len(), length);
    }
    for (index, (_, data)) in seen.iter().enumerate() {
        let (target, from) = if index < 3 { (1, 0) } else { (0, 1) };
        assert_eq!(*data, frame(target, from, data.len() as u16).bytes());
    }
    check_with_tshark(&outcome.capture, 6);
}

/// Frames that wait in the ring follow one another at what IEEE 802.3 gives: 6.4 us of preamble,
/// 0.8 us a byte with the check sequence, 9.6 us of gap.
#[test]
fn back_to_back_frames_keep_the_gap() {
    let outcome = run(&["5000/200", "5000/200"], &exchange(), 1);
    let seen = frames(&outcome.capture);
    for three in seen.chunks(3) {
        // 6.4 + 64 * 0.8 + 9.6 and 6.4 + 1518 * 0.8 + 9.6 microseconds.
        assert_eq!(three[1].0 - three[0].0, 67_200);
        assert_eq!(three[2].0 - three[1].0, 1_230_400);
    }
    // The answer comes after the last frame of three: 6.4 + 204 * 0.8 microseconds on the wire, the
    // gap, the controllers' latencies of 30 us, receiving and sending, and the programs' own time.
    let answer = seen[3].0 - seen[2].0;
    assert!((169_600 + 60_000..169_600 + 3_000_000).contains(&answer), "{answer} ns");
}

/// Two clocks of different rates share the wire's time.
#[test]
fn machines_of_different_speed_understand_each_other() {
    for names in [["5000/125", "3100"], ["2100", "5000/200"]] {
        let outcome = run(&names, &exchange(), 1);
        assert_eq!(outcome.counts.frames, 6);
        let seen = frames(&outcome.capture);
        assert_eq!(seen[1].0 - seen[0].0, 67_200, "{names:?}");
        assert_eq!(seen[5].0 - seen[4].0, 1_230_400, "{names:?}");
    }
}

/// The same run twice: the same cycles, states, counts and capture. (The seed moves nothing where
/// nothing collides.)
#[test]
fn runs_repeat_to_the_cycle() {
    let first = run(&["5000/125", "3100"], &exchange(), 1);
    assert_eq!(run(&["5000/125", "3100"], &exchange(), 1), first);
    assert_eq!(run(&["5000/125", "3100"], &exchange(), 2), first);
}

/// One machine calls the others, and those answer in the same cycle: they collide.
fn chorus(others: u8) -> Vec<Guest> {
    let call = Frame { to: BROADCAST, from: station(0), length: 60, seed: 7 };
    let answer = |from| Frame { to: station(0), from: station(from), length: 100, seed: 3 };
    let mut caller = Guest::new(station(0));
    // They come in an order that backoff decides: all bytes but the sender's are the same.
    caller.send(&[call]);
    for _ in 0..others {
        caller.expect_from_anyone(answer(1));
    }
    caller.exit();
    let mut guests = vec![caller];
    for index in 1..=others {
        let mut guest = Guest::new(station(index));
        guest.expect_frames(&[call]).send(&[answer(index)]).exit();
        guests.push(guest);
    }
    guests
}

#[test]
fn three_machines_collide_and_get_through() {
    let names = ["5000/200"; 3];
    let outcome = run(&names, &chorus(2), 1);
    assert_eq!((outcome.counts.frames, outcome.counts.abandoned), (3, 0));
    assert!(outcome.counts.collisions >= 1);
    let seen = frames(&outcome.capture);
    assert_eq!(seen.len(), 3);
    // Collisions leave nothing in the capture; each answer is there once.
    let mut senders: Vec<u8> = seen[1..].iter().map(|(_, data)| data[11]).collect();
    senders.sort_unstable();
    assert_eq!(senders, [station(1)[5], station(2)[5]]);
    // No two frames are nearer than a frame's own time and the gap: 6.4 + 104 * 0.8 + 9.6 us.
    assert!(seen[2].0 - seen[1].0 >= 99_200);
    check_with_tshark(&outcome.capture, 3);
}

/// Collisions repeat too, and another seed decides them differently.
#[test]
fn collisions_repeat_with_their_seed() {
    let names = ["5000/200"; 4];
    let runs: Vec<Outcome> = (1..=4).map(|seed| run(&names, &chorus(3), seed)).collect();
    for (seed, outcome) in (1..=4).zip(&runs) {
        assert_eq!(run(&names, &chorus(3), seed), *outcome);
        assert!(outcome.counts.collisions >= 1);
    }
    assert!(runs.iter().any(|outcome| outcome.capture != runs[0].capture));
}
