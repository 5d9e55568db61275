//! Signals: what a process can do about them, and what they find it doing.

use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Failure, Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::Error;
use exos::io::{self, IoError};
use exos::pipe::CAPACITY;
use exos::process::{self, ProcessError, wait_for};
use exos::signal::{
    self, Action, SIGALRM, SIGCHLD, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1, SIGUSR2, kill, set_action,
};

pub const TESTS: &[Test] = &[
    Test { name: "by default a signal ends a process, but for a child's end", run: defaults },
    Test { name: "what is ignored does nothing", run: ignored },
    Test { name: "a handler is called with the number", run: handlers },
    Test { name: "SIGKILL, and what is no signal, has no handler", run: no_action },
    Test { name: "a signal to oneself comes before kill is done", run: to_oneself },
    Test { name: "a signal to nobody, and what is no signal, is an error", run: to_nobody },
    Test { name: "a handler interrupts what a process waits for", run: interrupts },
    Test { name: "a signal ends a process that waits", run: ends_waiting },
    Test { name: "a process that ignores a signal goes on waiting", run: waits_on },
    Test { name: "handlers interrupt a computation, and it does not notice", run: computing },
    Test { name: "a handler forks", run: forks },
    Test { name: "a handler forks, and both go on with what it interrupted", run: forks_and_returns },
    Test { name: "a handler ends the process", run: exits },
    Test { name: "a signal in a handler of another", run: nested },
    Test { name: "a signal from somebody else in a handler that waits", run: nested_waiting },
    Test { name: "a handler of a fault", run: fault_handler },
    Test { name: "an alarm, one that is put off, and none", run: alarms },
];

/// What the handlers have noted: how often they were called, and the last three numbers.
static mut NOTED: (u32, [u32; 3]) = (0, [0; 3]);

fn noted() -> (u32, [u32; 3]) {
    // SAFETY: single-threaded; handlers write it.
    unsafe { (&raw const NOTED).read_volatile() }
}

fn note(signal: u32) {
    let (count, [a, b, _]) = noted();
    // SAFETY: as above.
    unsafe { (&raw mut NOTED).write_volatile((count + 1, [signal, a, b])) };
}

/// All signals that something can be done about.
fn catchable() -> impl Iterator<Item = u32> {
    (1..32).filter(|signal| *signal != SIGKILL)
}

/// A child that sleeps until a signal comes; tells whether its sleep was interrupted, and how often its handler was called.
fn sleeper(action: Option<Action>, which: u32) -> Result<u32, Failure> {
    let board = Board::new()?;
    let child = spawn(|| {
        if let Some(action) = action {
            let _ = set_action(which, action);
        }
        board.set(0, 1);
        let slept = process::sleep(20_000);
        20 + 2 * noted().0 + u32::from(slept.is_err())
    })?;
    board.await_word(0, 1)?;
    kill(child, which)?;
    Ok(wait_for(child)?)
}

fn defaults() -> Outcome {
    for signal in (1..32).filter(|signal| *signal != SIGCHLD) {
        ensure_eq!(sleeper(None, signal)?, 128 + signal, "how it ended");
    }
    ensure_eq!(sleeper(None, SIGCHLD)?, 20, "what SIGCHLD did");
    Ok(())
}

fn ignored() -> Outcome {
    for signal in catchable().step_by(5) {
        ensure_eq!(sleeper(Some(Action::Ignore), signal)?, 20, "what it did");
    }
    let status = status_of(|| {
        for signal in catchable() {
            let _ = set_action(signal, Action::Ignore);
            let _ = kill(process::id(), signal);
        }
        7
    })?;
    ensure_eq!(status, 7, "how it ended with all of them ignored");
    Ok(())
}

fn handlers() -> Outcome {
    ensure_eq!(sleeper(Some(Action::Call(note)), SIGTERM)?, 23, "calls of the handler, and the sleep");
    for (index, signal) in catchable().enumerate() {
        set_action(signal, Action::Call(note)).map_err(|_| Failure::new(format_args!("no {signal}")))?;
        kill(process::id(), signal)?;
        let (count, [last, ..]) = noted();
        ensure_eq!((count as usize, last), (index + 1, signal), "calls, and the number");
    }
    Ok(())
}

fn no_action() -> Outcome {
    for signal in [0, SIGKILL, 32, 33, u32::MAX] {
        for action in [Action::Default, Action::Ignore, Action::Call(note)] {
            ensure!(set_action(signal, action).is_err_and(|found| found == signal), "{signal} has an action");
        }
    }
    ensure!(matches!(set_action(SIGUSR1, Action::Ignore), Ok(Action::Default)), "the first action");
    ensure!(matches!(set_action(SIGUSR1, Action::Call(note)), Ok(Action::Ignore)), "the second");
    ensure!(matches!(set_action(SIGUSR1, Action::Default), Ok(Action::Call(_))), "the third");
    let child = spawn(|| {
        for signal in catchable() {
            let _ = set_action(signal, Action::Ignore);
        }
        loop {
            core::hint::spin_loop();
        }
    })?;
    process::sleep(20_000)?;
    kill(child, SIGTERM)?;
    kill(child, SIGKILL)?;
    ensure_eq!(wait_for(child)?, 128 + SIGKILL, "how one ended that ignores all others");
    Ok(())
}

fn to_oneself() -> Outcome {
    let _ = set_action(SIGUSR1, Action::Call(note));
    for count in 1..=3 {
        kill(process::id(), SIGUSR1)?;
        ensure_eq!(noted().0, count, "calls of the handler");
    }
    let status = status_of(|| {
        let _ = kill(process::id(), SIGUSR2);
        1
    })?;
    ensure_eq!(status, 128 + SIGUSR2, "how one ended that sent it to itself");
    Ok(())
}

fn to_nobody() -> Outcome {
    let dead = spawn(|| 0)?;
    wait_for(dead)?;
    for pid in [dead, process::id() + 1, process::id() + 128, 127, 1 << 20, u32::MAX] {
        ensure_eq!(kill(pid, SIGKILL), Err(ProcessError::NoProcess), "a signal to nobody");
        ensure_eq!(kill(pid, 0), Err(ProcessError::NoProcess), "asking about nobody");
    }
    ensure_eq!(kill(process::id(), 0), Ok(()), "asking about oneself");
    for signal in [32, 33, 255, u32::MAX] {
        let refused = Err(ProcessError::Refused(Error::Invalid));
        ensure_eq!(kill(process::id(), signal), refused, "what is no signal");
    }
    Ok(())
}

const PLACES: [&str; 4] = ["read", "write", "wait", "sleep"];

/// Waits in one of four places; tells whether it was interrupted.
fn waits(place: usize, (from, to): (usize, usize)) -> Option<bool> {
    match place {
        0 => match io::read(from, &mut [0; 4]) {
            Ok(4) => Some(false),
            Err(IoError::Interrupted) => Some(true),
            _ => None,
        },
        1 => {
            let bytes = [0; 2 * CAPACITY as usize];
            // What it has written before the signal is not lost.
            let count = io::write(to, &bytes).ok()?;
            Some(count < bytes.len())
        }
        2 => match process::wait() {
            Ok(_) => Some(false),
            Err(ProcessError::Interrupted) => Some(true),
            _ => None,
        },
        _ => Some(process::sleep(150_000).is_err()),
    }
}

/// Starts a child that waits in a place; tells its number once it does.
fn start_waiting(
    place: usize,
    ends: (usize, usize),
    board: Board,
    action: Option<Action>,
) -> Result<u32, Failure> {
    board.set(0, 0);
    let child = spawn(|| {
        if let Some(action) = action {
            let _ = set_action(SIGUSR1, action);
        }
        if place == 2 && spawn(|| process::sleep(100_000).map_or(1, |()| 0)).is_err() {
            return 1;
        }
        board.set(0, 1);
        match waits(place, ends) {
            Some(interrupted) => 20 + 2 * noted().0 + u32::from(interrupted),
            None => 2,
        }
    })?;
    board.await_word(0, 1)?;
    process::sleep(10_000)?;
    Ok(child)
}

fn interrupts() -> Outcome {
    let (board, ends) = (Board::new()?, io::pipe()?);
    for (place, name) in PLACES.iter().enumerate() {
        let child = start_waiting(place, ends, board, Some(Action::Call(note)))?;
        kill(child, SIGUSR1)?;
        ensure_eq!(wait_for(child)?, 23, "calls of the handler, and what {name} said");
    }
    Ok(())
}

fn ends_waiting() -> Outcome {
    let (board, ends) = (Board::new()?, io::pipe()?);
    for (place, name) in PLACES.iter().enumerate() {
        for signal in [SIGUSR1, SIGKILL] {
            let child = start_waiting(place, ends, board, None)?;
            kill(child, signal)?;
            ensure_eq!(wait_for(child)?, 128 + signal, "how it ended in {name}");
        }
    }
    Ok(())
}

fn waits_on() -> Outcome {
    let board = Board::new()?;
    for (place, name) in PLACES.iter().enumerate() {
        let (from, to) = io::pipe()?;
        let child = start_waiting(place, (from, to), board, Some(Action::Ignore))?;
        for _ in 0..3 {
            kill(child, SIGUSR1)?;
            process::sleep(5000)?;
        }
        // It gets what it waits for.
        match place {
            0 => drop(io::write(to, b"here")),
            1 => drop(io::read(from, &mut [0; CAPACITY as usize])),
            _ => {}
        }
        ensure_eq!(wait_for(child)?, 20, "that it was interrupted in {name}");
        io::close(from)?;
        io::close(to)?;
    }
    Ok(())
}

/// A sum whose every step needs the last: what is lost of a register shows.
#[inline(never)]
fn compute(steps: u32) -> [u32; 4] {
    let mut words = [1u32, 2, 3, 4];
    for step in 0..steps {
        let [a, b, c, d] = words;
        words = [b ^ step, c.wrapping_add(a), d.wrapping_mul(5) ^ b, a.rotate_left(7).wrapping_add(c)];
    }
    words
}

/// Steps that take several time slices.
const STEPS: u32 = 100_000;

/// Runs something while a child sends a signal every so many microseconds.
fn disturbed<R>(signal: u32, every: u32, f: impl FnOnce() -> R) -> Result<R, Failure> {
    let me = process::id();
    let child = spawn(|| {
        while kill(me, signal).is_ok() {
            let _ = process::sleep(every);
        }
        0
    })?;
    let result = f();
    kill(child, SIGKILL)?;
    loop {
        match wait_for(child) {
            Err(ProcessError::Interrupted) => {}
            status => return status.map(|_| result).map_err(Failure::from),
        }
    }
}

fn computing() -> Outcome {
    let expected = compute(STEPS);
    let _ = set_action(SIGUSR1, Action::Call(note));
    for _ in 0..3 {
        let found = disturbed(SIGUSR1, 3000, || compute(STEPS))?;
        ensure_eq!(found, expected, "the result");
    }
    ensure!(noted().0 >= 3, "the handler was called {} times", noted().0);
    Ok(())
}

static mut CHILDREN: (u32, u32) = (0, 0);

fn forks() -> Outcome {
    fn fork(_: u32) {
        let status = status_of(|| 5);
        // SAFETY: single-threaded.
        unsafe {
            CHILDREN.0 += 1;
            CHILDREN.1 += u32::from(status == Ok(5));
        }
    }
    let _ = set_action(SIGUSR1, Action::Call(fork));
    // From a wait, and in the middle of anything.
    kill(process::id(), SIGUSR1)?;
    let expected = compute(STEPS);
    // Not so often that there is nothing but forks.
    let found = disturbed(SIGUSR1, 30_000, || compute(STEPS))?;
    ensure_eq!(found, expected, "the result");
    // SAFETY: as above; handlers write it.
    let (all, well) = unsafe { (&raw const CHILDREN).read_volatile() };
    ensure!(all >= 2 && well == all, "{well} of {all} children ended well");
    Ok(())
}

/// In whom the handler has forked: what fork has told it.
static mut FORKED: Option<u32> = None;

fn forked() -> Option<u32> {
    // SAFETY: single-threaded; handlers write it.
    unsafe { (&raw const FORKED).read_volatile() }
}

fn forks_and_returns() -> Outcome {
    fn fork(_: u32) {
        if forked().is_none()
            && let Ok(child) = process::fork()
        {
            // SAFETY: as above.
            unsafe { (&raw mut FORKED).write_volatile(Some(child)) };
        }
    }
    let _ = set_action(SIGUSR1, Action::Call(fork));
    let expected = compute(STEPS);
    let (me, mut found) = (process::id(), [0; 4]);
    disturbed(SIGUSR1, 3000, || {
        loop {
            found = compute(STEPS);
            if process::id() != me {
                process::exit(if found == expected { 6 } else { 7 });
            }
            if forked().is_some() {
                break;
            }
        }
    })?;
    ensure_eq!(found, expected, "the result");
    let Some(child) = forked() else { return Err(Failure::new(format_args!("nobody forked"))) };
    ensure_eq!(wait_for(child)?, 6, "whether the child's is the same");
    Ok(())
}

fn exits() -> Outcome {
    let status = status_of(|| {
        let _ = set_action(SIGUSR1, Action::Call(|_| process::exit(44)));
        let _ = disturbed(SIGUSR1, 3000, || {
            loop {
                core::hint::spin_loop();
            }
        });
        1
    })?;
    ensure_eq!(status, 44, "how it ended");
    Ok(())
}

fn nested() -> Outcome {
    fn outer(signal: u32) {
        note(signal);
        let _ = kill(process::id(), SIGUSR2);
        note(100);
    }
    let _ = set_action(SIGUSR1, Action::Call(outer));
    let _ = set_action(SIGUSR2, Action::Call(note));
    kill(process::id(), SIGUSR1)?;
    ensure_eq!(noted(), (3, [100, SIGUSR2, SIGUSR1]), "who was called when, backwards");
    Ok(())
}

fn nested_waiting() -> Outcome {
    fn outer(signal: u32) {
        note(signal);
        note(if process::sleep(100_000) == Err(ProcessError::Interrupted) { 100 } else { 101 });
    }
    let _ = set_action(SIGUSR1, Action::Call(outer));
    let _ = set_action(SIGUSR2, Action::Call(note));
    let me = process::id();
    let child = spawn(|| {
        let slept = process::sleep(20_000);
        let sent = kill(me, SIGUSR2);
        u32::from(slept.is_err() || sent.is_err())
    })?;
    kill(me, SIGUSR1)?;
    ensure_eq!(noted(), (3, [100, SIGUSR2, SIGUSR1]), "who was called when, backwards");
    ensure_eq!(wait_for(child)?, 0, "who sent the other");
    Ok(())
}

fn fault_handler() -> Outcome {
    let status = status_of(|| {
        let _ = set_action(SIGSEGV, Action::Call(|signal| process::exit(50 + signal)));
        // SAFETY: not at all: that is the point.
        unsafe { (0x6000_0000 as *mut u32).write_volatile(1) };
        1
    })?;
    ensure_eq!(status, 50 + SIGSEGV, "how it ended");
    // Ignored, it ends the program all the same: the instruction cannot be done.
    let status = status_of(|| {
        let _ = set_action(SIGSEGV, Action::Ignore);
        // SAFETY: as above.
        unsafe { (0x6000_0000 as *const u32).read_volatile() }
    })?;
    ensure_eq!(status, 128 + SIGSEGV, "how it ended, ignored");
    Ok(())
}

fn alarms() -> Outcome {
    let _ = set_action(SIGALRM, Action::Call(note));
    signal::alarm(20_000);
    ensure!(process::sleep(200_000).is_err() && noted().0 == 1, "no alarm");
    // Put off: the second counts.
    signal::alarm(20_000);
    signal::alarm(60_000);
    ensure!(process::sleep(40_000).is_ok() && noted().0 == 1, "the first of two came");
    ensure!(process::sleep(200_000).is_err() && noted().0 == 2, "the second of two did not come");
    signal::alarm(10_000);
    signal::alarm(0);
    ensure!(process::sleep(40_000).is_ok() && noted().0 == 2, "one that was taken back came");
    // In the middle of a computation.
    let expected = compute(STEPS);
    signal::alarm(5000);
    let mut rounds = 0;
    while noted().0 == 2 && rounds < 100 {
        ensure_eq!(compute(STEPS), expected, "the result");
        rounds += 1;
    }
    ensure_eq!(noted().0, 3, "alarms");
    Ok(())
}
