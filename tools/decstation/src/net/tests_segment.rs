//! Timelines of the segment, in nanoseconds.

use super::*;

#[derive(Default)]
struct Probe {
    outbox: Vec<Transmission>,
    events: Vec<WireEvent>,
}

impl Station for Probe {
    fn take_transmissions(&mut self, into: &mut Vec<Transmission>) {
        into.append(&mut self.outbox);
    }

    fn deliver(&mut self, event: WireEvent) {
        self.events.push(event);
    }
}

fn send(probe: &mut Probe, ready: Nanos, bytes: usize, token: u64) {
    probe.outbox.push(Transmission {
        ready,
        frame: vec![token as u8; bytes].into(),
        attempts: ATTEMPTS,
        token,
    });
}

fn exchange(segment: &mut Segment, probes: &mut [Probe], until: Nanos) {
    let mut stations: Vec<&mut dyn Station> = probes.iter_mut().map(|p| p as _).collect();
    segment.exchange(&mut stations, until);
}

fn sent(event: &WireEvent) -> (Nanos, u64, u32, bool, bool) {
    match event {
        WireEvent::Sent { at, token, collisions, deferred, delivered } => {
            (*at, *token, *collisions, *deferred, *delivered)
        }
        WireEvent::Heard { .. } => panic!("not a transmission's end: {event:?}"),
    }
}

#[test]
fn a_minimum_frame_takes_57_6_microseconds() {
    // 1000 ns ready; preamble 6400; 64 bytes 51200.
    let mut probes = [Probe::default(), Probe::default()];
    let mut segment = Segment::new(1);
    send(&mut probes[0], 1_000, 64, 7);
    exchange(&mut segment, &mut probes, 5_000);
    assert_eq!(sent(&probes[0].events[0]), (1_000 + 57_600, 7, 0, false, true));
    assert_eq!(probes[1].events[0].at(), 1_000 + 57_600 + PROPAGATION);
}

#[test]
fn nothing_is_decided_before_all_could_have_begun() {
    let mut probes = [Probe::default(), Probe::default()];
    let mut segment = Segment::new(1);
    send(&mut probes[0], 5_000, 64, 1);
    exchange(&mut segment, &mut probes, 5_000);
    assert!(probes[0].events.is_empty());
    exchange(&mut segment, &mut probes, 5_000 + PROPAGATION);
    assert_eq!(probes[0].events.len(), 1);
}

#[test]
fn a_second_station_defers_and_leaves_the_gap() {
    let mut probes = [Probe::default(), Probe::default()];
    let mut segment = Segment::new(1);
    send(&mut probes[0], 0, 64, 1);
    exchange(&mut segment, &mut probes, 5_000);
    send(&mut probes[1], 20_000, 100, 2);
    exchange(&mut segment, &mut probes, 80_000);
    // 57600 + 9600 gap + 6400 + 80000.
    let end = 57_600 + GAP + PREAMBLE + 80_000;
    assert_eq!(sent(&probes[1].events[1]), (end, 2, 0, true, true));
}

#[test]
fn a_stations_own_next_frame_keeps_the_gap_without_deferring() {
    let mut probes = [Probe::default()];
    let mut segment = Segment::new(1);
    send(&mut probes[0], 0, 64, 1);
    send(&mut probes[0], 0, 64, 2);
    exchange(&mut segment, &mut probes, 0);
    assert_eq!(sent(&probes[0].events[0]).0, 57_600);
    assert_eq!(sent(&probes[0].events[1]), (57_600 + GAP + 57_600, 2, 0, false, true));
}

#[test]
fn two_that_waited_for_the_same_frame_collide_and_back_off() {
    let mut probes = [Probe::default(), Probe::default(), Probe::default()];
    let mut segment = Segment::new(42);
    send(&mut probes[0], 0, 64, 1);
    exchange(&mut segment, &mut probes, 5_000);
    send(&mut probes[1], 10_000, 64, 2);
    send(&mut probes[2], 11_000, 64, 3);
    exchange(&mut segment, &mut probes, 10_000_000);
    let second = sent(probes[1].events.iter().find(|e| matches!(e, WireEvent::Sent { .. })).unwrap());
    let third = sent(probes[2].events.iter().find(|e| matches!(e, WireEvent::Sent { .. })).unwrap());
    assert!(second.4 && third.4);
    assert!(second.2 >= 1 && third.2 >= 1);
    assert!(segment.counts().collisions >= 1);
    assert_eq!(segment.counts().frames, 3);
    assert_ne!(second.0, third.0);
}

#[test]
fn a_collision_ends_a_jam_after_the_last_to_begin() {
    let mut probes = [Probe::default(), Probe::default()];
    let mut segment = Segment::new(3);
    for (index, probe) in probes.iter_mut().enumerate() {
        probe.outbox.push(Transmission {
            ready: 1_000 + 300 * index as Nanos,
            frame: vec![0; 64].into(),
            attempts: 1,
            token: 0,
        });
    }
    exchange(&mut segment, &mut probes, 100_000);
    let end = 1_300 + PROPAGATION + COLLISION;
    for probe in &probes {
        assert_eq!(sent(&probe.events[0]), (end, 0, 1, false, false));
    }
    assert_eq!(segment.counts().abandoned, 2);
}

#[test]
fn a_start_after_the_carrier_arrived_does_not_collide() {
    let mut probes = [Probe::default(), Probe::default()];
    let mut segment = Segment::new(3);
    send(&mut probes[0], 1_000, 64, 1);
    send(&mut probes[1], 1_000 + PROPAGATION + 1, 64, 2);
    exchange(&mut segment, &mut probes, 1_000_000);
    assert_eq!(segment.counts().collisions, 0);
    assert_eq!(sent(&probes[1].events[1]).0, 1_000 + 57_600 + GAP + 57_600);
}

#[test]
fn the_same_seed_repeats_and_steps_do_not_matter() {
    let run = |step: Nanos| {
        let mut probes = [Probe::default(), Probe::default(), Probe::default()];
        let mut segment = Segment::new(99);
        for (index, probe) in probes.iter_mut().enumerate() {
            for frame in 0..20 {
                send(probe, 100 * index as Nanos, 64 + 10 * index, frame);
            }
        }
        let mut now = 0;
        while now < 20_000_000 {
            now += step;
            exchange(&mut segment, &mut probes, now);
        }
        probes.map(|probe| probe.events)
    };
    assert_eq!(run(LOCKSTEP), run(LOCKSTEP));
    assert_eq!(run(LOCKSTEP), run(1_000_000));
}
