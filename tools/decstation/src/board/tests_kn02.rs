//! The board as a whole: decoding, interrupts, bus errors, time.

use super::trace::Note;
use super::*;
use crate::net::segment::Segment;
use serial::{Buffer, Null, SerialBackend};

fn board() -> Kn02 {
    Kn02::new(BoardConfig::default())
}

fn read(board: &mut Kn02, paddr: u32, now: Cycles) -> u32 {
    board.read(paddr, Width::Word, now).unwrap()
}

fn write(board: &mut Kn02, paddr: u32, value: u32, now: Cycles) {
    board.write(paddr, value, Width::Word, now).unwrap();
}

#[test]
fn a_probe_of_an_empty_slot_is_a_bus_error_and_no_interrupt() {
    let mut board = board();
    assert_eq!(board.read(0x1e3c_03f0, Width::Byte, 5), Err(BusError));
    assert_eq!(board.interrupt_lines(), 0);
    assert_eq!(read(&mut board, 0x1fd8_0000, 6), 0xc000_0000 | 0x1e3c_03f0 >> 2);
    write(&mut board, 0x1fd8_0000, 0, 7);
    assert_eq!(read(&mut board, 0x1fd8_0000, 8), 0);
}

#[test]
fn a_write_to_nothing_interrupts() {
    let mut board = board();
    assert_eq!(board.write(0x1d00_0000, 1, Width::Word, 5), Err(BusError));
    assert_eq!(board.interrupt_lines(), line::MEMORY);
    let entries = board.take_trace();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].to_string().ends_with("memory (not fitted): no answer"));
    write(&mut board, 0x1fd8_0000, 0, 7);
    assert_eq!(board.interrupt_lines(), 0);
}

#[test]
fn the_clock_is_ip3() {
    let mut board = board();
    board.write(0x1fe8_0028, 0x2a, Width::Byte, 0).unwrap();
    board.write(0x1fe8_002c, 0x46, Width::Byte, 0).unwrap();
    assert_eq!(board.next_event(), Some(390_625));
    board.advance(390_625);
    assert_eq!(board.interrupt_lines(), line::CLOCK);
    board.read(0x1fe8_0030, Width::Byte, 390_626).unwrap();
    assert_eq!(board.interrupt_lines(), 0);
}

#[test]
fn the_serial_lines_reach_ip2_through_the_csr() {
    let mut board = board();
    board.write(0x1fe0_0000, 0x4020, Width::Half, 0).unwrap();
    board.write(0x1fe0_0010, 8, Width::Half, 0).unwrap();
    board.advance(100);
    assert_eq!(read(&mut board, 0x1ff0_0000, 100) & 0xff, 0x80);
    assert_eq!(board.interrupt_lines(), 0);
    write(&mut board, 0x1ff0_0000, 0x0080_0000, 101);
    assert_eq!(board.interrupt_lines(), line::CASCADE);
    assert_eq!(read(&mut board, 0x1ff0_0000, 102) & 0x00ff_00ff, 0x0080_0080);
}

#[test]
fn the_lance_reaches_ip2_through_the_csr() {
    let mut board = board();
    write(&mut board, 0x1ff0_0000, 0x0040_0000, 0);
    board.write(0x1f90_0004, 0, Width::Half, 0).unwrap();
    board.write(0x1f90_0000, 0x41, Width::Half, 0).unwrap();
    board.advance(10_000);
    assert_eq!(board.interrupt_lines(), line::CASCADE);
    assert_eq!(read(&mut board, 0x1ff0_0000, 10_000) & 0xff, 0x40);
}

#[test]
fn the_buffer_memory_takes_every_width() {
    let mut board = board();
    write(&mut board, 0x1f80_0100, 0x4433_2211, 0);
    board.write(0x1f80_0101, 0xaa, Width::Byte, 0).unwrap();
    board.write(0x1f80_0102, 0xbbcc, Width::Half, 0).unwrap();
    assert_eq!(read(&mut board, 0x1f80_0100, 0), 0xbbcc_aa11);
    assert_eq!(board.read(0x1f81_ffff, Width::Byte, 0), Ok(0));
}

#[test]
fn roms_ignore_writes_and_say_so() {
    let mut board = board();
    assert_eq!(board.write(0x1fc0_0000, 1, Width::Word, 0), Ok(()));
    assert_eq!(board.take_trace()[0].note, Note::RomWrite);
    assert_eq!(board.interrupt_lines(), 0);
}

#[test]
fn a_private_segment_carries_frames() {
    let mut board =
        Kn02::new(BoardConfig { ethernet: Attachment::Private(Segment::new(1)), ..BoardConfig::default() });
    let half = |board: &mut Kn02, at: u32, value: u32| {
        board.write(0x1f80_0000 + at, value, Width::Half, 0).unwrap();
    };
    // An initialization block of zeros at 0, its transmit ring of one at 0x40, a frame at 0x80.
    half(&mut board, 0x14, 0x40);
    half(&mut board, 0x40, 0x80);
    half(&mut board, 0x44, 0xf000 | 60u32.wrapping_neg() & 0xfff);
    half(&mut board, 0x42, 0x8300);
    board.write(0x1f90_0000, 0x3, Width::Half, 0).unwrap();
    let mut now = 0;
    while board.segment().unwrap().counts().frames == 0 {
        now = board.next_event().unwrap();
        board.advance(now);
    }
    board.advance(now + 5_000);
    assert_eq!(board.read(0x1f80_0042, Width::Half, now + 5_000), Ok(0x0300));
}

/// A console that nobody types at, so that the line's receiver gives the DZ nothing to do.
#[derive(Debug)]
struct Printer(Buffer);

impl SerialBackend for Printer {
    fn poll_input(&mut self, _now: Cycles) -> Option<u8> {
        None
    }

    fn output(&mut self, byte: u8) {
        self.0.output(byte);
    }

    fn has_input(&self) -> bool {
        false
    }
}

/// A board with a console whose output is collected.
fn board_with_console() -> (Kn02, Buffer) {
    let console = Buffer::new();
    let lines: [Box<dyn SerialBackend>; 4] =
        [Box::new(Null), Box::new(Null), Box::new(Null), Box::new(Printer(console.clone()))];
    let board = Kn02::new(BoardConfig { lines, ..BoardConfig::default() });
    (board, console)
}

/// Prints `text` through the PROM's printf.
fn prom_print(board: &mut Kn02, text: &[u8], now: Cycles) {
    let mut ram = vec![0; 1 << 20];
    let entry = board.boot(&mut ram);
    let printf = read(board, entry.callbacks - 0xa000_0000 + 0x30, now);
    let index = board.prom_hook(printf - 0xa000_0000).unwrap();
    ram[0x400..][..text.len()].copy_from_slice(text);
    let result = board.prom_call(index, [0x8000_0400, 0, 0, 0], 0x8000_0800, &mut ram, now);
    assert_eq!(result.action, PromAction::Return);
}

#[test]
fn the_prom_prints_on_the_console_line() {
    let (mut board, console) = board_with_console();
    prom_print(&mut board, b"hello", 0);
    assert_eq!(console.text(), "hello");
}

/// Cycles that a character takes at 9600 baud, and between two looks of the polling program.
const CHARACTER: Cycles = 26_042;
const POLL: Cycles = 20;

const CONTROL: u32 = 0x1fe0_0000;
const TRANSMIT_CONTROL: u32 = 0x1fe0_0010;
const TRANSMIT_DATA: u32 = 0x1fe0_0018;

fn start_transmitter(board: &mut Kn02, now: Cycles) {
    board.write(CONTROL, 0x20, Width::Half, now).unwrap();
    board.write(TRANSMIT_CONTROL, 8, Width::Half, now).unwrap();
}

/// Sends `text` as a kernel without interrupts does, looking at CSR until its line is ready, and
/// answers when the last character was taken. `rewrite` sets CSR and TCR again at every look;
/// `host` is what the model's user does meanwhile, at every look.
fn print_polled(
    board: &mut Kn02,
    text: &str,
    mut now: Cycles,
    rewrite: bool,
    mut host: impl FnMut(&mut Kn02),
) -> Cycles {
    for byte in text.bytes() {
        let start = now;
        while board.read(CONTROL, Width::Half, now).unwrap() & 0x8300 != 0x8300 {
            now += POLL;
            assert!(now < start + 3 * CHARACTER, "the line is never ready again");
            if rewrite {
                start_transmitter(board, now);
            }
            host(board);
        }
        board.write(TRANSMIT_DATA, byte.into(), Width::Half, now).unwrap();
    }
    now
}

#[test]
fn polled_output_goes_at_the_line_rate_whatever_the_host_does() {
    let text: String = ('!'..='~').cycle().take(100).collect();
    for rewrite in [false, true] {
        // The host pushes output out now and then: never, often, with every look.
        for every in [u32::MAX, 1_000, 1] {
            let (mut board, console) = board_with_console();
            start_transmitter(&mut board, 0);
            let mut looks = 0;
            let end = print_polled(&mut board, &text, 0, rewrite, |board| {
                looks += 1;
                if looks % every == 0 {
                    board.flush();
                }
            });
            // 98 are out; one is on its way and one waits for it.
            assert_eq!(console.text(), text[..98]);
            let expected = 98 * CHARACTER..98 * CHARACTER + 200;
            assert!(expected.contains(&end), "{end}, rewrite {rewrite}, {every}");
            board.finish();
            assert_eq!(console.text(), text);
        }
    }
}

#[test]
fn polled_output_goes_on_after_the_prom_has_printed() {
    let (mut board, console) = board_with_console();
    start_transmitter(&mut board, 0);
    let now = print_polled(&mut board, "kernel ", 0, false, |_| {});
    // Both of the line's registers are full.
    prom_print(&mut board, b"PROM \0", now);
    print_polled(&mut board, "kernel", now + 10, false, |_| {});
    board.finish();
    assert_eq!(console.text(), "kernel PROM kernel");
}

#[test]
fn a_missing_prom_function_is_reported() {
    let mut board = board();
    let vector = read(&mut board, 0x1fc0_1000 + 0x54, 0);
    let index = board.prom_hook(vector & 0x1fff_ffff).expect("a stub");
    let result = board.prom_call(index, [0; 4], 0, &mut [], 5);
    assert_eq!(result.value, u32::MAX);
    assert_eq!(board.take_trace()[0].note, Note::Prom("bootinit"));
}

/// Every hole of the address space raises the bus error of the hardware, is in ERRADDR, and is
/// named.
#[test]
fn holes_are_bus_errors_by_name() {
    for (paddr, name) in [
        (0x0100_0000, "memory (not fitted)"),
        (0x1dff_fffc, "memory (not fitted)"),
        (0x1e00_0000, "TURBOchannel slot 0 (empty)"),
        (0x1e7c_03f0, "TURBOchannel slot 1 (empty)"),
        (0x1e80_0000, "TURBOchannel slot 2 (empty)"),
        (0x1ec0_0000, "TURBOchannel reserved slot"),
        (0x1f3c_03f0, "TURBOchannel reserved slot"),
        (0x1f40_0000, "TURBOchannel slot 5 (SCSI, not fitted)"),
        (0x1f7c_03f0, "TURBOchannel slot 5 (SCSI, not fitted)"),
        (0x1fc8_0000, "system slot, reserved"),
        (0x2000_0000, "outside the address space"),
    ] {
        for width in [Width::Byte, Width::Half, Width::Word] {
            let mut board = board();
            assert_eq!(board.read(paddr, width, 0), Err(BusError), "{paddr:#010x}");
            let latched = 0xc000_0000 | paddr >> 2 & 0x07ff_ffff;
            assert_eq!(read(&mut board, 0x1fd8_0000, 0), latched);
            assert_eq!(board.interrupt_lines(), 0);
            write(&mut board, 0x1fd8_0000, 0, 0);
            assert_eq!(board.write(paddr, 1, width, 0), Err(BusError));
            assert_eq!(read(&mut board, 0x1fd8_0000, 0), latched | 0x2000_0000);
            assert_eq!(board.interrupt_lines(), line::MEMORY);
            let log = board.take_trace();
            assert_eq!(log.len(), 2);
            assert!(log.iter().all(|entry| entry.region.name() == name && entry.note == Note::Unanswered));
        }
    }
}
