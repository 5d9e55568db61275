//! The DZ against its user's guide. One second is 25,000,000 cycles; a character at 9600 baud
//! (ten bits) takes 26,042, the scanner 35.

use super::*;
use crate::board::serial::{Buffer, Null};

const CHARACTER: Cycles = 26_042;
const SCAN: Cycles = 35;

fn dz(timing: LineTiming) -> (Dz, Buffer) {
    let buffer = Buffer::new();
    let lines: [Box<dyn SerialBackend>; 4] =
        [Box::new(Null), Box::new(Null), Box::new(Null), Box::new(buffer.clone())];
    let mut dz = Dz::new(Clock::new(25_000_000), timing, lines);
    put(&mut dz, 0, CLR, 0);
    put(&mut dz, 0, MSE, 0);
    (dz, buffer)
}

fn get(dz: &mut Dz, offset: u32, now: Cycles) -> u16 {
    dz.read(offset, Width::Half, now).unwrap() as u16
}

fn put(dz: &mut Dz, offset: u32, value: u16, now: Cycles) {
    dz.write(offset, u32::from(value), Width::Half, now).unwrap();
}

#[test]
fn transmit_ready_names_an_enabled_line() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    assert_eq!(get(&mut dz, 0, 0), MSE);
    put(&mut dz, 0x10, 1 << 3, 100);
    assert_eq!(get(&mut dz, 0, 100 + SCAN - 1), MSE);
    assert_eq!(get(&mut dz, 0, 100 + SCAN), MSE | TRDY | 3 << 8);
    put(&mut dz, 0x10, 0, 200);
    assert_eq!(get(&mut dz, 0, 201), MSE);
}

#[test]
fn a_character_is_out_after_its_bits() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    put(&mut dz, 0x10, 1 << 3, 0);
    dz.advance(SCAN);
    put(&mut dz, 0x18, u16::from(b'A'), 100);
    // TRDY dropped; the holding register is free, so it comes back after the scan.
    assert_eq!(get(&mut dz, 0, 101) & TRDY, 0);
    assert_ne!(get(&mut dz, 0, 100 + SCAN) & TRDY, 0);
    put(&mut dz, 0x18, u16::from(b'B'), 200);
    // Now both registers are full until the shift register empties.
    assert_eq!(get(&mut dz, 0, 100 + CHARACTER - 1) & TRDY, 0);
    assert_eq!(buffer.text(), "");
    dz.advance(100 + CHARACTER);
    assert_eq!(buffer.text(), "A");
    assert_ne!(get(&mut dz, 0, 100 + CHARACTER + SCAN) & TRDY, 0);
    dz.advance(100 + 2 * CHARACTER);
    assert_eq!(buffer.text(), "AB");
}

#[test]
fn the_transmit_interrupt_is_ready_and_enabled() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    put(&mut dz, 0x10, 1 << 3, 0);
    dz.advance(SCAN);
    assert!(!dz.interrupt());
    put(&mut dz, 0, MSE | TIE, 50);
    assert!(dz.interrupt());
    put(&mut dz, 0x18, 0x41, 60);
    assert!(!dz.interrupt());
    dz.advance(60 + SCAN);
    assert!(dz.interrupt());
    put(&mut dz, 0x10, 0, 100);
    assert!(!dz.interrupt());
}

#[test]
fn the_scanner_goes_round() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    put(&mut dz, 0x10, 0b1011, 0);
    let mut order = Vec::new();
    let mut now = 0;
    for _ in 0..4 {
        now += SCAN;
        let csr = get(&mut dz, 0, now);
        assert_ne!(csr & TRDY, 0);
        order.push(csr >> 8 & 3);
        put(&mut dz, 0x18, 0x20, now);
    }
    assert_eq!(order, [0, 1, 3, 0]);
}

#[test]
fn a_write_without_ready_goes_nowhere() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    put(&mut dz, 0x18, 0x41, 0);
    dz.advance(10 * CHARACTER);
    assert_eq!(buffer.text(), "");
}

#[test]
fn received_characters_come_at_the_line_rate() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, b"hi");
    put(&mut dz, 8, 0x0e18 | RX_ENABLE | 3, 0);
    put(&mut dz, 0, MSE | RIE, 0);
    assert_eq!(dz.next_event(), Some(CHARACTER));
    dz.advance(CHARACTER);
    assert!(dz.interrupt());
    assert_eq!(get(&mut dz, 0, CHARACTER) & RDONE, RDONE);
    assert_eq!(get(&mut dz, 8, CHARACTER), DVAL | 3 << 8 | 0x68);
    assert!(!dz.interrupt());
    assert_eq!(get(&mut dz, 8, CHARACTER), 0);
    assert_eq!(get(&mut dz, 8, 2 * CHARACTER), DVAL | 3 << 8 | 0x69);
}

#[test]
fn a_disabled_receiver_hears_nothing() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, b"x");
    put(&mut dz, 8, 0x0e18 | 3, 0);
    assert_eq!(dz.next_event(), None);
    assert_eq!(get(&mut dz, 8, 100 * CHARACTER), 0);
}

#[test]
fn the_silo_holds_64_and_marks_what_it_lost() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, &[b'a'; 70]);
    put(&mut dz, 8, 0x0e18 | RX_ENABLE | 3, 0);
    let full = 66 * CHARACTER;
    for _ in 0..64 {
        assert_eq!(get(&mut dz, 8, full), DVAL | 3 << 8 | 0x61);
    }
    assert_eq!(get(&mut dz, 8, full), 0);
    assert_eq!(get(&mut dz, 8, full + CHARACTER), DVAL | OVERRUN | 3 << 8 | 0x61);
    assert_eq!(get(&mut dz, 8, full + 2 * CHARACTER), DVAL | 3 << 8 | 0x61);
}

#[test]
fn the_silo_alarm_replaces_the_receive_interrupt() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, &[b'a'; 20]);
    put(&mut dz, 8, 0x0e18 | RX_ENABLE | 3, 0);
    put(&mut dz, 0, MSE | RIE | SILO_ALARM_ENABLE, 0);
    dz.advance(15 * CHARACTER);
    assert!(!dz.interrupt());
    dz.advance(16 * CHARACTER);
    assert!(dz.interrupt());
    get(&mut dz, 8, 16 * CHARACTER);
    assert!(!dz.interrupt());
}

#[test]
fn seven_bits_and_slower_rates() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    // 300 baud, 7 bits, parity, two stop bits: 11 bits.
    put(&mut dz, 8, 0x0500 | 0x70 | 3, 0);
    put(&mut dz, 0x10, 1 << 3, 0);
    dz.advance(SCAN);
    put(&mut dz, 0x18, 0xc1, 100);
    let bits: Cycles = 11 * 25_000_000;
    dz.advance(100 + bits.div_ceil(300) - 1);
    assert_eq!(buffer.text(), "");
    dz.advance(100 + bits.div_ceil(300));
    assert_eq!(buffer.text(), "A");
}

#[test]
fn maintenance_loops_back() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    put(&mut dz, 0, MSE | MAINT, 0);
    put(&mut dz, 0x10, 1 << 1, 0);
    dz.advance(SCAN);
    put(&mut dz, 0x18, 0x5a, 100);
    assert_eq!(get(&mut dz, 8, 100 + CHARACTER), DVAL | 1 << 8 | 0x5a);
    assert_eq!(buffer.text(), "");
}

#[test]
fn master_clear_forgets_everything() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, b"q");
    put(&mut dz, 8, 0x0e18 | RX_ENABLE | 3, 0);
    put(&mut dz, 0x10, 8, 0);
    dz.advance(CHARACTER);
    put(&mut dz, 0, CLR, CHARACTER);
    assert_eq!(get(&mut dz, 0, CHARACTER), 0);
    assert_eq!(get(&mut dz, 8, CHARACTER), 0);
    assert_eq!(get(&mut dz, 0x10, CHARACTER), 0);
    assert_eq!(dz.next_event(), None);
}

#[test]
fn stopping_the_scan_drops_ready_and_the_silo() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    buffer.type_at(0, b"q");
    put(&mut dz, 8, 0x0e18 | RX_ENABLE | 3, 0);
    put(&mut dz, 0x10, 8, 0);
    dz.advance(CHARACTER);
    put(&mut dz, 0, 0, CHARACTER);
    assert_eq!(get(&mut dz, 0, 2 * CHARACTER), 0);
}

#[test]
fn byte_writes_reach_their_half() {
    let (mut dz, buffer) = dz(LineTiming::Immediate);
    dz.write(0x10, 8, Width::Byte, 0).unwrap();
    dz.write(0x11, 4, Width::Byte, 0).unwrap();
    assert_eq!(get(&mut dz, 0x10, 0), 0x0408);
    dz.advance(SCAN);
    dz.write(0x18, 0x42, Width::Byte, SCAN).unwrap();
    assert_eq!(buffer.text(), "B");
}

#[test]
fn without_line_timing_output_is_immediate() {
    let (mut dz, buffer) = dz(LineTiming::Immediate);
    put(&mut dz, 0x10, 1 << 3, 0);
    for (index, byte) in b"boot".iter().enumerate() {
        let now = (index as Cycles + 1) * SCAN;
        assert_ne!(get(&mut dz, 0, now) & TRDY, 0);
        put(&mut dz, 0x18, u16::from(*byte), now);
    }
    assert_eq!(buffer.text(), "boot");
}

#[test]
fn cut_off_transmitters_send_nothing() {
    let (mut dz, buffer) = dz(LineTiming::Immediate);
    dz.set_board_controls(false, true);
    put(&mut dz, 0x10, 1 << 3, 0);
    dz.advance(SCAN);
    put(&mut dz, 0x18, 0x41, SCAN);
    assert_eq!(buffer.text(), "");
}

#[test]
fn the_prom_leaves_the_console_listening() {
    let buffer = Buffer::new();
    buffer.type_at(0, b"y");
    let lines: [Box<dyn SerialBackend>; 4] =
        [Box::new(Null), Box::new(Null), Box::new(Null), Box::new(buffer.clone())];
    let mut dz = Dz::new(Clock::new(25_000_000), LineTiming::LineRate, lines);
    // What a kernel does to its first console: scanning off, transmitter on, scanning on.
    put(&mut dz, 0, 0, 0);
    put(&mut dz, 0x10, 8, 10);
    put(&mut dz, 0, MSE, 20);
    assert_eq!(get(&mut dz, 8, 20 + CHARACTER), DVAL | 3 << 8 | 0x79);
}

#[test]
fn the_prom_console_keeps_the_order() {
    let (mut dz, buffer) = dz(LineTiming::LineRate);
    put(&mut dz, 0x10, 1 << 3, 0);
    dz.advance(SCAN);
    put(&mut dz, 0x18, u16::from(b'1'), SCAN);
    dz.advance(2 * SCAN);
    put(&mut dz, 0x18, u16::from(b'2'), 2 * SCAN);
    assert_eq!(dz.console_output(b'3', 2 * SCAN), CHARACTER);
    assert_eq!(buffer.text(), "123");
    buffer.type_at(0, b"k");
    assert_eq!(dz.console_input(100), Some(b'k'));
    assert_eq!(dz.console_input(100), None);
}

#[test]
fn master_clear_leaves_the_modem_outputs() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    put(&mut dz, 0x10, 0x0c08, 0);
    put(&mut dz, 0, CLR, 0);
    assert_eq!(get(&mut dz, 0x10, 0), 0x0c00);
}

#[test]
fn a_connected_line_shows_its_signals() {
    let (mut connected, _) = dz(LineTiming::LineRate);
    assert_eq!(get(&mut connected, 0x18, 0), 0x0007);
    let lines = std::array::from_fn(|_| Box::new(crate::board::serial::Null) as Box<dyn SerialBackend>);
    let mut alone = Dz::new(Clock::new(25_000_000), LineTiming::LineRate, lines);
    assert_eq!(get(&mut alone, 0x18, 0), 0);
}

#[test]
fn a_break_holds_its_line() {
    let (mut dz, console) = dz(LineTiming::Immediate);
    put(&mut dz, 0, MSE, 0);
    put(&mut dz, 0x10, 8, 0);
    let send = |dz: &mut Dz, value: u16, now: Cycles| {
        dz.advance(now);
        put(dz, 0x18, value, now);
    };
    send(&mut dz, u16::from(b'a'), 1_000);
    send(&mut dz, 0x0800 | u16::from(b'b'), 2_000);
    // A byte to the low half leaves the break on; one to the high half ends it.
    dz.advance(3_000);
    dz.write(0x18, u32::from(b'c'), Width::Byte, 3_000).unwrap();
    dz.write(0x19, 0, Width::Byte, 3_000).unwrap();
    send(&mut dz, u16::from(b'd'), 4_000);
    dz.advance(5_000);
    assert_eq!(console.text(), "ad");
}

#[test]
fn a_break_is_a_framing_error_in_maintenance() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    put(&mut dz, 0, MSE | MAINT, 0);
    dz.write(0x19, 0x04, Width::Byte, 0).unwrap();
    dz.write(0x19, 0x04, Width::Byte, 0).unwrap();
    assert_eq!(get(&mut dz, 0x08, 0), DVAL | FRAMING | 0x0200);
    assert_eq!(get(&mut dz, 0x08, 0), 0);
}

#[test]
fn the_upper_half_of_a_word_is_nowhere() {
    let (mut dz, _) = dz(LineTiming::LineRate);
    put(&mut dz, 0, MSE, 0);
    put(&mut dz, 0x10, 8, 0);
    for offset in [0x02, 0x0a, 0x12, 0x1a] {
        dz.write(offset, 0xffff, Width::Half, 0).unwrap();
        assert_eq!(dz.read(offset, Width::Half, 0), Ok(0));
    }
    assert_eq!(get(&mut dz, 0, 0), MSE);
    assert_eq!(get(&mut dz, 0x10, 0), 8);
}
