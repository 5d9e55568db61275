//! Pipes: how they end, what comes through, and who may use which end.

use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::io::{self, IoError, close, duplicate_to, pipe, read, write};
use exos::pipe::CAPACITY;
use exos::process::{self, wait_for};
use exos::signal::{self, Action, SIGKILL, SIGPIPE, SIGSEGV};

pub const TESTS: &[Test] = &[
    Test { name: "a pipe ends when its last writer closes it", run: end },
    Test { name: "a pipe ends when its last writer dies, however", run: deaths },
    Test { name: "a read takes what there is", run: partial },
    Test { name: "what is read from a pipe has been written to it, whatever the sizes", run: large },
    Test { name: "nobody reads: a write fails, and is a signal", run: broken },
    Test { name: "the last reader goes while a writer waits", run: broken_while_waiting },
    Test { name: "the last reader dies while a writer waits", run: reader_dies },
    Test { name: "records of several writers come whole", run: writers },
    Test { name: "several readers share what is written", run: readers },
    Test { name: "a pipe outlives who made it", run: outlives },
    Test { name: "bad descriptors are errors", run: bad_descriptors },
    Test { name: "an end is not for the other direction", run: wrong_end },
    Test { name: "a bad address ends the program, not the pipe", run: bad_addresses },
    Test { name: "descriptors can be used up, and closed", run: used_up },
    Test { name: "500 pipes, one after the other", run: many },
    Test { name: "a descriptor can stand for what another does", run: duplicated },
];

fn end() -> Outcome {
    let board = Board::new()?;
    let (from, to) = pipe()?;
    let mut writers = [0; 2];
    for (index, writer) in writers.iter_mut().enumerate() {
        *writer = spawn(|| {
            let wrote = write(to, b"ab") == Ok(2);
            u32::from(board.await_word(index, 1).is_err() || !wrote)
        })?;
    }
    close(to)?;
    let mut bytes = [0; 3];
    let mut count = 0;
    while count < 4 {
        count += read(from, &mut bytes)?;
    }
    ensure_eq!(count, 4, "bytes that came");
    let watcher = spawn(|| match read(from, &mut [0; 1]) {
        Ok(0) => {
            board.set(2, 1);
            0
        }
        _ => 1,
    })?;
    board.set(0, 1);
    ensure_eq!(wait_for(writers[0])?, 0, "the first writer");
    process::sleep(30_000)?;
    ensure_eq!(board.get(2), 0, "that it ended with the first of two");
    board.set(1, 1);
    ensure_eq!(wait_for(writers[1])?, 0, "the second writer");
    ensure_eq!(wait_for(watcher)?, 0, "what a reader that waited saw");
    for _ in 0..3 {
        ensure_eq!(read(from, &mut bytes)?, 0, "bytes after the end");
    }
    Ok(())
}

fn deaths() -> Outcome {
    for death in 0..4 {
        let (from, to) = pipe()?;
        let writer = spawn(|| {
            let _ = write(to, b"last words");
            match death {
                0 => 7,
                1 => process::exit(7),
                // SAFETY: not at all: that is the point.
                2 => unsafe { (8 as *const u32).read_volatile() },
                _ => process::sleep(10_000_000).map_or(1, |()| 2),
            }
        })?;
        close(to)?;
        let mut bytes = [0; 32];
        ensure_eq!(read(from, &mut bytes)?, 10, "bytes of the dead");
        if death == 3 {
            signal::kill(writer, SIGKILL)?;
        }
        ensure_eq!(read(from, &mut bytes)?, 0, "bytes after them");
        let expected = [7, 7, 128 + SIGSEGV, 128 + SIGKILL][death];
        ensure_eq!(wait_for(writer)?, expected, "how it ended");
        close(from)?;
    }
    Ok(())
}

fn partial() -> Outcome {
    let (from, to) = pipe()?;
    ensure_eq!(write(to, b"")?, 0, "nothing, written");
    ensure_eq!(read(from, &mut [])?, 0, "nothing, read");
    ensure_eq!(write(to, b"0123456789")?, 10, "written");
    let mut bytes = [0; 100];
    ensure_eq!(read(from, &mut [])?, 0, "nothing, read when there is something");
    ensure_eq!(read(from, &mut bytes[..4])?, 4, "read");
    ensure_eq!(read(from, &mut bytes[4..])?, 6, "read, and no more there");
    ensure_eq!(&bytes[..10], b"0123456789", "what came");
    // Full to the byte, and once around.
    static FULL: [u8; CAPACITY as usize] = [b'f'; CAPACITY as usize];
    ensure_eq!(write(to, &FULL)?, FULL.len(), "written, as much as fits");
    let mut count = 0;
    while count < FULL.len() {
        let some = read(from, &mut bytes)?;
        ensure!(some > 0 && bytes[..some].iter().all(|byte| *byte == b'f'), "{some} bytes that are not f");
        count += some;
    }
    ensure_eq!(count, FULL.len(), "read");
    Ok(())
}

/// The byte at a place of a stream that never repeats with the ring.
const fn byte(at: usize) -> u8 {
    (at % 251) as u8 ^ (at / 251) as u8
}

const LARGE: usize = 60_000;

fn large() -> Outcome {
    let (from, to) = pipe()?;
    let writer = spawn(|| {
        let (mut at, mut size) = (0, 1);
        let mut bytes = [0; 5000];
        while at < LARGE {
            let count = size.min(LARGE - at);
            for (index, place) in bytes[..count].iter_mut().enumerate() {
                *place = byte(at + index);
            }
            if write(to, &bytes[..count]) != Ok(count) {
                return 1;
            }
            at += count;
            size = size * 7 % 4999 + 1;
        }
        0
    })?;
    close(to)?;
    let (mut at, mut size) = (0, 1);
    let mut bytes = [0; 3000];
    loop {
        let count = read(from, &mut bytes[..size])?;
        if count == 0 {
            break;
        }
        let wrong = bytes[..count].iter().zip(at..).position(|(found, at)| *found != byte(at));
        ensure!(wrong.is_none(), "byte {at} and {wrong:?} is wrong");
        at += count;
        size = size * 5 % 2999 + 1;
    }
    ensure_eq!(at, LARGE, "bytes that came");
    ensure_eq!(wait_for(writer)?, 0, "the writer");
    Ok(())
}

static mut SIGNALS: u32 = 0;

fn broken() -> Outcome {
    let (from, to) = pipe()?;
    write(to, b"unread")?;
    close(from)?;
    ensure_eq!(status_of(|| write(to, b"x").map_or(1, |_| 2))?, 128 + SIGPIPE, "by default");
    let count: fn(u32) = |_| {
        // SAFETY: single-threaded.
        unsafe { SIGNALS += 1 }
    };
    let _ = signal::set_action(SIGPIPE, Action::Call(count));
    ensure_eq!(write(to, b"x"), Err(IoError::BrokenPipe), "a write, with a handler");
    // SAFETY: as above; handlers write it.
    ensure_eq!(unsafe { (&raw const SIGNALS).read_volatile() }, 1, "calls of the handler");
    let _ = signal::set_action(SIGPIPE, Action::Ignore);
    for _ in 0..3 {
        ensure_eq!(write(to, b"x"), Err(IoError::BrokenPipe), "a write, ignored");
    }
    ensure_eq!(write(to, &[1; 3000]), Err(IoError::BrokenPipe), "a long write");
    close(to)?;
    Ok(())
}

fn broken_while_waiting() -> Outcome {
    let (from, to) = pipe()?;
    let writer = spawn(|| {
        let _ = signal::set_action(SIGPIPE, Action::Ignore);
        let _ = close(from);
        u32::from(write(to, &[0; 3 * CAPACITY as usize]) != Err(IoError::BrokenPipe))
    })?;
    close(to)?;
    process::sleep(20_000)?;
    // What is read makes room for more, and it waits again.
    ensure_eq!(read(from, &mut [0; 100])?, 100, "read");
    process::sleep(20_000)?;
    close(from)?;
    ensure_eq!(wait_for(writer)?, 0, "the writer");
    Ok(())
}

fn reader_dies() -> Outcome {
    let (from, to) = pipe()?;
    let reader = spawn(|| {
        let _ = close(to);
        process::sleep(10_000_000).map_or(1, |()| 2)
    })?;
    close(from)?;
    let writer = spawn(|| write(to, &[0; 3 * CAPACITY as usize]).map_or(1, |_| 2))?;
    process::sleep(20_000)?;
    signal::kill(reader, SIGKILL)?;
    ensure_eq!(wait_for(writer)?, 128 + SIGPIPE, "the writer");
    ensure_eq!(wait_for(reader)?, 128 + SIGKILL, "the reader");
    Ok(())
}

const RECORD: usize = 60;
const RECORDS: usize = 400;
const SEVERAL: usize = 4;

/// A record: who, which, and the same byte over and over.
fn record(writer: usize, number: usize) -> [u8; RECORD] {
    let mut record = [(writer * 50 + number % 50) as u8; RECORD];
    record[0] = writer as u8;
    record[1] = number as u8;
    record[2] = (number >> 8) as u8;
    record
}

fn writers() -> Outcome {
    let (from, to) = pipe()?;
    let mut children = [0; SEVERAL];
    for (index, child) in children.iter_mut().enumerate() {
        *child = spawn(|| {
            let all = (0..RECORDS).all(|number| write(to, &record(index, number)) == Ok(RECORD));
            u32::from(!all)
        })?;
    }
    close(to)?;
    let mut next = [0; SEVERAL];
    let mut bytes = [0; RECORD];
    let mut have = 0;
    loop {
        let count = read(from, &mut bytes[have..])?;
        if count == 0 {
            break;
        }
        have += count;
        if have == RECORD {
            let writer = usize::from(bytes[0]) % SEVERAL;
            let expected = record(writer, next[writer]);
            ensure!(bytes == expected, "record {} of {writer} is {:?}", next[writer], &bytes[..8]);
            next[writer] += 1;
            have = 0;
        }
    }
    ensure_eq!((next, have), ([RECORDS; SEVERAL], 0), "records of each, and bytes left");
    for child in children {
        ensure_eq!(wait_for(child)?, 0, "a writer");
    }
    Ok(())
}

fn readers() -> Outcome {
    let board = Board::new()?;
    let (from, to) = pipe()?;
    let mut children = [0; SEVERAL];
    for (index, child) in children.iter_mut().enumerate() {
        *child = spawn(|| {
            let _ = close(to);
            let mut bytes = [0; 37];
            while let Ok(count @ 1..) = read(from, &mut bytes) {
                board.add(index, count as u32);
                board.add(SEVERAL, bytes[..count].iter().map(|byte| u32::from(*byte)).sum());
            }
            0
        })?;
    }
    close(from)?;
    let mut sum = 0;
    for at in 0..300usize {
        let bytes: [u8; 100] = core::array::from_fn(|index| byte(at * 100 + index));
        sum += bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        ensure_eq!(write(to, &bytes)?, 100, "written");
    }
    close(to)?;
    for child in children {
        ensure_eq!(wait_for(child)?, 0, "a reader");
    }
    let came = (0..SEVERAL).map(|index| board.get(index)).sum::<u32>();
    ensure_eq!((came, board.get(SEVERAL)), (30_000, sum), "bytes that they read, and their sum");
    Ok(())
}

fn outlives() -> Outcome {
    let board = Board::new()?;
    let maker = spawn(|| {
        let Ok((from, to)) = pipe() else { return 1 };
        let writer = spawn(|| {
            let _ = close(from);
            let gone = board.await_word(0, 1);
            u32::from(gone.is_err() || write(to, b"still there") != Ok(11))
        });
        let reader = spawn(|| {
            let _ = close(to);
            let mut bytes = [0; 64];
            let count = read(from, &mut bytes).unwrap_or(0);
            let end = read(from, &mut [0; 4]);
            board.set(1, if &bytes[..count] == b"still there" && end == Ok(0) { 1 } else { 2 });
            0
        });
        u32::from(writer.is_err() || reader.is_err())
    })?;
    ensure_eq!(wait_for(maker)?, 0, "who made it");
    board.set(0, 1);
    board.await_word(1, 1)
}

fn bad_descriptors() -> Outcome {
    let (from, to) = pipe()?;
    close(from)?;
    close(to)?;
    for bad in [from, to, 15, 16, 17, 1 << 20, usize::MAX] {
        ensure_eq!(read(bad, &mut [0; 4]), Err(IoError::BadDescriptor), "a read");
        ensure_eq!(write(bad, b"x"), Err(IoError::BadDescriptor), "a write");
        ensure_eq!(close(bad), Err(IoError::BadDescriptor), "a close");
        ensure_eq!(duplicate_to(bad, 5), Err(IoError::BadDescriptor), "standing for it");
        ensure!(!io::is_console(bad) && io::ring_of(bad).is_none(), "{bad} is something");
    }
    for bad in [16, usize::MAX] {
        ensure_eq!(duplicate_to(1, bad), Err(IoError::BadDescriptor), "a place that there is not");
    }
    ensure!(io::is_console(0) && io::is_console(1) && io::is_console(2), "the console is gone");
    Ok(())
}

fn wrong_end() -> Outcome {
    let (from, to) = pipe()?;
    ensure_eq!(read(to, &mut [0; 4]), Err(IoError::BadDescriptor), "reading where one writes");
    ensure_eq!(write(from, b"x"), Err(IoError::BadDescriptor), "writing where one reads");
    ensure_eq!(write(to, b"x")?, 1, "writing");
    Ok(())
}

/// Bytes at an address where nothing is.
fn nowhere(address: u32) -> &'static mut [u8] {
    // SAFETY: not at all. What is done with them must end the process and nothing else.
    unsafe { core::slice::from_raw_parts_mut(address as *mut u8, 64) }
}

fn bad_addresses() -> Outcome {
    let (from, to) = pipe()?;
    // Nothing, pinned code that may not be written, the kernel.
    for address in [0x5000_0000, 0x1_0000, 0x8004_0000] {
        ensure_eq!(write(to, &[3; 64])?, 64, "written");
        let reads = status_of(|| read(from, nowhere(address)).map_or(1, |_| 2))?;
        ensure_eq!(reads, 128 + SIGSEGV, "reading into it");
        if address != 0x1_0000 {
            let writes = status_of(|| write(to, nowhere(address)).map_or(1, |_| 2))?;
            ensure_eq!(writes, 128 + SIGSEGV, "writing from it");
        }
        let mut bytes = [0; 100];
        let count = read(from, &mut bytes)?;
        ensure!(count == 64 && bytes[..64] == [3; 64], "{count} bytes came through");
    }
    Ok(())
}

fn used_up() -> Outcome {
    for _ in 0..3 {
        let mut ends = [(0, 0); 6];
        for place in &mut ends {
            *place = pipe()?;
        }
        // One descriptor is left.
        ensure_eq!(pipe(), Err(IoError::TooMany), "a pipe with one descriptor left");
        duplicate_to(1, 15)?;
        ensure_eq!(pipe(), Err(IoError::TooMany), "a pipe without");
        for (index, (from, to)) in ends.into_iter().enumerate() {
            let text = [index as u8; 3];
            ensure_eq!(write(to, &text)?, 3, "written");
            let mut bytes = [9; 4];
            ensure_eq!((read(from, &mut bytes)?, &bytes[..3]), (3, &text[..]), "read");
            close(from)?;
            close(to)?;
        }
        close(15)?;
    }
    Ok(())
}

fn many() -> Outcome {
    for index in 0..500u32 {
        let (from, to) = pipe()?;
        write(to, &index.to_le_bytes())?;
        let mut bytes = [0; 4];
        ensure_eq!((read(from, &mut bytes)?, u32::from_le_bytes(bytes)), (4, index), "what came");
        close(from)?;
        close(to)?;
    }
    Ok(())
}

fn duplicated() -> Outcome {
    let (from, to) = pipe()?;
    duplicate_to(to, 7)?;
    duplicate_to(to, to)?;
    close(to)?;
    ensure_eq!(write(7, b"seven")?, 5, "written");
    let mut bytes = [0; 16];
    ensure_eq!(read(from, &mut bytes)?, 5, "read");
    // The standard input is a pipe, and the console again.
    duplicate_to(0, 8)?;
    duplicate_to(from, 0)?;
    close(from)?;
    ensure!(!io::is_console(0) && io::is_console(8), "the console is where it was");
    // Its last writer goes with what 7 stands for now.
    duplicate_to(1, 7)?;
    ensure_eq!(read(0, &mut bytes)?, 0, "the end");
    duplicate_to(8, 0)?;
    ensure!(io::is_console(0) && io::is_console(7), "the console is not back");
    Ok(())
}
