//! No memory, no places, no environments: in each step of fork, exec and pipe. What cannot be had is an error, or the end of
//! the one process that could not go on; nothing is left of it, and once there is memory everything works.
//! `quick` on the command line leaves some rounds out.
#![no_std]
#![no_main]

use apps::testing::process::{Board, Census, run, spawn, status_of};
use apps::testing::{Failure, Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::abi::layout::Resource;
use exos::io::{self, IoError, close, pipe};
use exos::layout::STACK_END;
use exos::memory::Page;
use exos::process::{self, ExecError, MADE, ProcessError, argument, exec, wait_for};
use exos::signal::{SIGKILL, kill};
use exos::vm::VmError;
use exos::vm::map::{self, Protection};
use exos::{call, println};

exos::process!(main);

const TESTS: &[Test] = &[
    Test { name: "fork with so few pages that each step of it fails", run: fork_limited },
    Test { name: "exec with so few pages that each step of it fails", run: exec_limited },
    Test { name: "a pipe with so few pages that each step of it fails", run: pipe_limited },
    Test { name: "memory that is touched, with too few pages", run: touch_limited },
    Test { name: "fork without an environment for the child", run: no_environment },
    Test { name: "more pipes than a process can have made", run: too_many_pipes },
    Test { name: "no page left in the machine", run: no_pages },
];

fn main() -> u32 {
    match argument(1) {
        Some("reader") => u32::from(io::read(0, &mut [0; 4]) != Ok(4)),
        Some(_) => 33,
        None => run(&[TESTS]),
    }
}

/// How often a step is tried with one page more before it must have succeeded.
const MOST: u32 = 60;
/// What a process that may have no more ends with.
const OUT_OF_MEMORY: u32 = 128 + SIGKILL;
/// What ends a program that cannot start.
const NOT_STARTED: u32 = 127;

/// Writes what a process is about to write without memory for it: its stack, from far below to its end.
fn touch_ahead() {
    let local = 0u32;
    let mut at = (&raw const local as u32 & !0xfff) - (16 << 10);
    while at < STACK_END {
        let byte = at as *mut u8;
        // SAFETY: the stack, which is there when it is touched; nothing is changed.
        unsafe { byte.write_volatile(byte.read_volatile()) };
        at += 4096;
    }
}

/// Does something in a child that may have `more` pages than it has; tells its status. Once it has done it the limit is gone,
/// and `after` shows that the child can go on.
fn with_pages(board: Board, more: u32, step: fn() -> u32, after: fn() -> u32) -> Result<u32, Failure> {
    board.set(0, 0);
    board.set(1, 0);
    let child = spawn(|| {
        touch_ahead();
        board.set(0, 1);
        while board.get(1) == 0 {
            process::give_way();
        }
        let outcome = step();
        board.set(0, 2);
        while board.get(1) == 1 {
            process::give_way();
        }
        if after() == 0 { outcome } else { 99 }
    })?;
    board.await_word(0, 1)?;
    let Some(name) = process::environment_of(child) else {
        return Err(Failure::new(format_args!("the child is gone")));
    };
    let limit = |pages| call::limit(name.0, Resource::Pages as u32, pages);
    let has = limit(u32::MAX)?;
    limit(has + more)?;
    board.set(1, 1);
    // It may have executed another program, or ended.
    while board.get(0) != 2 && process::environment_of(child).is_some() {
        process::sleep(1000)?;
    }
    let _ = limit(u32::MAX);
    board.set(1, 2);
    Ok(wait_for(child)?)
}

/// Tries a step with more and more pages until it succeeds: before that it must fail, in one of the ways that are allowed,
/// and leave nothing behind.
fn until(step: fn() -> u32, after: fn() -> u32, success: u32, failures: &[u32]) -> Outcome {
    let board = Board::new()?;
    // This process's own stack grows here.
    ensure_eq!(with_pages(board, u32::MAX / 2, step, after)?, success, "with all pages");
    let mut failed = 0;
    for more in 0..MOST {
        let before = Census::settled()?;
        let status = with_pages(board, more, step, after)?;
        before.same()?;
        if status == success {
            println!("failed {failed} times, then succeeded with {more} pages");
            ensure!(failed > 0, "it never failed");
            return Ok(());
        }
        ensure!(failures.contains(&status), "with {more} pages it ended with {status}");
        failed += 1;
    }
    Err(Failure::new(format_args!("it failed with {MOST} pages, too")))
}

/// A child, a pipe and a program: what must work once there is memory again.
fn all_well() -> u32 {
    let Ok((from, to)) = pipe() else { return 1 };
    let child = status_of(|| u32::from(io::write(to, b"well") != Ok(4)));
    let read = io::read(from, &mut [0; 8]);
    let closed = close(from).is_ok() && close(to).is_ok();
    let program = status_of(|| {
        exec("exhausted", &["exhausted", "part"]);
        1
    });
    u32::from(child != Ok(0) || read != Ok(4) || !closed || program != Ok(33))
}

fn fork_limited() -> Outcome {
    fn step() -> u32 {
        match spawn(|| 7) {
            Ok(child) => match wait_for(child) {
                Ok(7) => 10,
                // The child had no memory of its own.
                Ok(OUT_OF_MEMORY | NOT_STARTED) => 11,
                _ => 12,
            },
            Err(ProcessError::Exhausted) => 13,
            Err(_) => 14,
        }
    }
    until(step, all_well, 10, &[11, 13, OUT_OF_MEMORY])
}

fn exec_limited() -> Outcome {
    fn step() -> u32 {
        match exec("exhausted", &["exhausted", "part"]) {
            ExecError::NoMemory => 13,
            _ => 14,
        }
    }
    until(step, all_well, 33, &[13, NOT_STARTED, OUT_OF_MEMORY])?;
    // Whoever waits for a program that could not start does not wait for ever.
    fn step_with_reader() -> u32 {
        let Ok((from, to)) = pipe() else { return 13 };
        let Ok(reader) = spawn(|| {
            let _ = close(to);
            u32::from(io::read(from, &mut [0; 4]) != Ok(0))
        }) else {
            return 13;
        };
        let _ = close(from);
        let _ = process::sleep(5000);
        let _ = reader;
        exec("exhausted", &["exhausted", "part"]);
        13
    }
    until(step_with_reader, || 0, 33, &[13, NOT_STARTED, OUT_OF_MEMORY])
}

fn pipe_limited() -> Outcome {
    fn step() -> u32 {
        match pipe() {
            Ok((from, to)) => {
                let well = io::write(to, b"abcd") == Ok(4) && io::read(from, &mut [0; 9]) == Ok(4);
                if well && close(from).is_ok() && close(to).is_ok() { 10 } else { 12 }
            }
            Err(IoError::Memory(VmError::NoMemory)) => 13,
            Err(_) => 14,
        }
    }
    until(step, all_well, 10, &[13])
}

fn touch_limited() -> Outcome {
    fn step() -> u32 {
        let Ok(memory) = map::map(0, 8 * 4096, Protection::ReadWrite) else { return 13 };
        for page in 0..8 {
            // SAFETY: mapped just now.
            unsafe { ((memory + page * 4096) as *mut u32).write_volatile(page) };
        }
        10
    }
    until(step, all_well, 10, &[OUT_OF_MEMORY])
}

fn no_environment() -> Outcome {
    let board = Board::new()?;
    let child = spawn(|| {
        touch_ahead();
        board.set(0, 1);
        if board.await_word(1, 1).is_err() {
            return 1;
        }
        for _ in 0..20 {
            if process::fork() != Err(ProcessError::Exhausted) {
                return 2;
            }
        }
        board.set(0, 2);
        if board.await_word(1, 2).is_err() {
            return 3;
        }
        all_well()
    })?;
    board.await_word(0, 1)?;
    let Some(name) = process::environment_of(child) else {
        return Err(Failure::new(format_args!("the child is gone")));
    };
    call::limit(name.0, Resource::Environments as u32, 0)?;
    board.set(1, 1);
    board.await_word(0, 2)?;
    call::limit(name.0, Resource::Environments as u32, u32::MAX)?;
    board.set(1, 2);
    ensure_eq!(wait_for(child)?, 0, "the child");
    Ok(())
}

/// Each pipe is kept by a child that has it open.
fn too_many_pipes() -> Outcome {
    let mut keepers = [0; MADE];
    for keeper in &mut keepers {
        let (from, to) = pipe()?;
        *keeper = spawn(|| {
            let _ = close(to);
            u32::from(io::read(from, &mut [0]) != Ok(0) || process::sleep(60_000_000).is_ok())
        })?;
        close(from)?;
        close(to)?;
    }
    for _ in 0..20 {
        ensure_eq!(pipe(), Err(IoError::Memory(VmError::NoMemory)), "one more");
    }
    for keeper in keepers {
        kill(keeper, SIGKILL)?;
        ensure_eq!(wait_for(keeper)?, 128 + SIGKILL, "who kept one");
        // As soon as one is not used any more there is room.
        let (from, to) = pipe()?;
        close(from)?;
        close(to)?;
    }
    Ok(())
}

/// A child takes all pages but so many, and keeps them until it is killed.
fn hog(but: u32, board: Board) -> Result<u32, Failure> {
    board.set(0, 0);
    let hog = spawn(|| {
        touch_ahead();
        if board.await_word(0, 2).is_err() {
            return 1;
        }
        let mut last = [None; 64];
        let mut count = 0;
        while let Ok(page) = Page::any() {
            last[count % 64] = Some(page);
            count += 1;
        }
        for page in last.iter().flatten().take(but as usize) {
            let _ = page.free();
        }
        board.set(0, 1);
        process::sleep(60_000_000).map_or(1, |()| 2)
    })?;
    // After the fork its own is to be copied when it is written: while there is memory.
    touch_ahead();
    board.set(0, 2);
    board.await_word(0, 1)?;
    Ok(hog)
}

fn no_pages() -> Outcome {
    let board = Board::new()?;
    let mut worked = 0;
    ensure_eq!(all_well(), 0, "what works with memory");
    // This process's own stack grows in the first round.
    let quick = call::machine(Fact::Quick as u32) == Ok(1);
    let rounds: &[u32] = if quick { &[40, 0, 5, 14, 40] } else { &[40, 0, 1, 2, 5, 8, 11, 14, 17, 20, 40] };
    for (round, but) in rounds.iter().copied().enumerate() {
        board.set(1, 0);
        let before = Census::settled()?;
        let child = spawn(|| {
            touch_ahead();
            board.set(1, 1);
            if board.await_word(1, 2).is_err() {
                return 1;
            }
            let piped = pipe().is_ok();
            let forked = match spawn(|| 7) {
                Ok(child) => wait_for(child) == Ok(7),
                Err(_) => false,
            };
            let _ = exec("exhausted", &["exhausted", if piped && forked { "part" } else { "less" }]);
            34
        })?;
        board.await_word(1, 1)?;
        let hog = hog(but, board)?;
        board.set(1, 2);
        let status = wait_for(child)?;
        kill(hog, SIGKILL)?;
        ensure_eq!(wait_for(hog)?, 128 + SIGKILL, "who had the memory");
        ensure!(
            matches!(status, 33 | 34 | NOT_STARTED | OUT_OF_MEMORY),
            "with {but} pages the child ended with {status}"
        );
        worked += u32::from(status == 33);
        if round > 0 {
            before.same()?;
        }
        ensure_eq!(all_well(), 0, "what works with memory");
    }
    ensure!((2..rounds.len() as u32).contains(&worked), "it worked {worked} times");
    Ok(())
}
