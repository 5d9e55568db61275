//! How processes end, and how their parents learn of it.

use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::process::{self, ProcessError, wait, wait_for};
use exos::signal::{self, Action, SIGCHLD, SIGUSR1};

pub const TESTS: &[Test] = &[
    Test { name: "a parent learns the status", run: statuses },
    Test { name: "who has no child does not wait", run: no_child },
    Test { name: "children are waited for in the order of their ends, or by number", run: order },
    Test { name: "who ended first is waited for first, whatever its place", run: oldest_first },
    Test { name: "who has ended keeps its number until it is waited for", run: zombie },
    Test { name: "children that ended before anybody asked", run: many_zombies },
    Test { name: "an orphan is taken in", run: orphan },
    Test { name: "an orphan that has ended is taken in", run: dead_orphan },
    Test { name: "orphans end after orphans, as the children of nobody", run: generations },
    Test { name: "a signal interrupts a wait", run: interrupted },
    Test { name: "a child's end is a signal", run: child_signal },
];

fn statuses() -> Outcome {
    for status in [0, 1, 42, 127, 128, 255, 0x8000_0000, u32::MAX] {
        ensure_eq!(status_of(|| status)?, status, "the status");
    }
    Ok(())
}

fn no_child() -> Outcome {
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "waiting without children");
    let child = spawn(|| {
        // Its parent, itself and its sibling are not its children.
        let others = [process::parent_id(), process::id(), process::id() + 1, 0, u32::MAX];
        u32::from(others.iter().any(|other| wait_for(*other) != Err(ProcessError::NoProcess)))
    })?;
    ensure_eq!(wait_for(child + 1), Err(ProcessError::NoProcess), "waiting for a number that nobody has");
    ensure_eq!(wait_for(child)?, 0, "whom the child could wait for");
    ensure_eq!(wait_for(child), Err(ProcessError::NoProcess), "waiting for it once more");
    // A grandchild is not a child.
    let board = Board::new()?;
    let middle = spawn(|| {
        let Ok(last) = spawn(|| u32::from(board.await_word(1, 1).is_err())) else { return 1 };
        board.set(0, last);
        wait_for(last).unwrap_or(2)
    })?;
    while board.get(0) == 0 {
        process::give_way();
    }
    ensure_eq!(wait_for(board.get(0)), Err(ProcessError::NoProcess), "waiting for a grandchild");
    board.set(1, 1);
    ensure_eq!(wait_for(middle)?, 0, "the grandchild's status");
    Ok(())
}

fn order() -> Outcome {
    let board = Board::new()?;
    let mut children = [0; 4];
    for (index, child) in children.iter_mut().enumerate() {
        *child = spawn(|| {
            let waited = board.await_word(index, 1);
            if waited.is_ok() { 10 + index as u32 } else { 1 }
        })?;
    }
    for index in [2, 0, 3] {
        board.set(index, 1);
        ensure_eq!(wait()?, (children[index], 10 + index as u32), "who ended next");
    }
    let early = spawn(|| 5)?;
    process::sleep(20_000)?;
    board.set(1, 1);
    ensure_eq!(wait_for(children[1])?, 11, "the one that was asked for, not the one that ended first");
    ensure_eq!(wait()?, (early, 5), "the one that is left");
    Ok(())
}

fn oldest_first() -> Outcome {
    let board = Board::new()?;
    let mut children = [0; 5];
    for (index, child) in children.iter_mut().enumerate() {
        *child = spawn(|| u32::from(board.await_word(index, 1).is_err()))?;
    }
    let order = [3, 0, 4, 1, 2];
    for index in order {
        board.set(index, 1);
        while process::environment_of(children[index]).is_some() {
            process::give_way();
        }
    }
    for index in order {
        ensure_eq!(wait()?, (children[index], 0), "who ended next");
    }
    Ok(())
}

fn zombie() -> Outcome {
    let child = spawn(|| 9)?;
    process::sleep(20_000)?;
    ensure!(process::environment_of(child).is_none(), "it has an environment");
    ensure_eq!(signal::kill(child, SIGUSR1), Err(ProcessError::NoProcess), "a signal for it");
    // Its number is not given to another meanwhile.
    for _ in 0..20 {
        let other = spawn(|| 0)?;
        ensure!(other != child, "another has its number");
        wait_for(other)?;
    }
    ensure_eq!(wait_for(child)?, 9, "its status");
    Ok(())
}

fn many_zombies() -> Outcome {
    const CHILDREN: usize = 60;
    let mut children = [0; CHILDREN];
    for (index, child) in children.iter_mut().enumerate() {
        *child = spawn(|| 100 + index as u32)?;
    }
    process::sleep(50_000)?;
    let mut seen = [false; CHILDREN];
    for _ in 0..CHILDREN {
        let (child, status) = wait()?;
        let Some(index) = children.iter().position(|known| *known == child) else {
            ensure!(false, "{child} is no child");
            continue;
        };
        ensure!(!seen[index] && status == 100 + index as u32, "child {index} ended with {status}");
        seen[index] = true;
    }
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "waiting once more");
    Ok(())
}

fn orphan() -> Outcome {
    let board = Board::new()?;
    let child = spawn(|| {
        let orphan = spawn(|| {
            let _ = board.await_word(0, 1);
            board.set(1, process::parent_id() + 1);
            0
        });
        u32::from(orphan.is_err())
    })?;
    ensure_eq!(wait_for(child)?, 0, "the one in the middle");
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "an orphan is not its grandparent's");
    board.set(0, 1);
    // The scheduler has number 0.
    board.await_word(1, 1)
}

fn dead_orphan() -> Outcome {
    let child = spawn(|| {
        for _ in 0..5 {
            let _ = spawn(|| 3);
        }
        let slept = process::sleep(30_000);
        u32::from(slept.is_err())
    })?;
    ensure_eq!(wait_for(child)?, 0, "the one that did not wait");
    Ok(())
}

/// Each has a child and ends, so that all but the first are orphans; none is left, though nobody waits for them.
fn generations() -> Outcome {
    let board = Board::new()?;
    let first = spawn(|| {
        for generation in 1..=6 {
            match process::fork() {
                Ok(0) => board.set(0, generation),
                Ok(_) => process::exit(0),
                Err(_) => board.set(1, 1),
            }
        }
        // The last one outlives them all.
        let slept = process::sleep(20_000);
        board.set(1, if slept.is_ok() && process::parent_id() == 0 { 2 } else { 3 });
        0
    })?;
    ensure_eq!(wait_for(first)?, 0, "the first one");
    board.await_word(1, 2)?;
    ensure_eq!(board.get(0), 6, "generations");
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "whom their ancestor could wait for");
    let ours = |process: &process::Process| process.parent == process::id();
    ensure_eq!(process::processes().filter(ours).count(), 0, "children");
    Ok(())
}

fn interrupted() -> Outcome {
    let _ = signal::set_action(SIGUSR1, Action::Call(|_| {}));
    let (board, me) = (Board::new()?, process::id());
    let child = spawn(|| {
        let slept = process::sleep(30_000);
        let sent = signal::kill(me, SIGUSR1);
        let waited = board.await_word(0, 1);
        u32::from(slept.is_err() || sent.is_err() || waited.is_err())
    })?;
    ensure_eq!(wait_for(child), Err(ProcessError::Interrupted), "the wait");
    board.set(0, 1);
    ensure_eq!(wait_for(child)?, 0, "the next wait");
    Ok(())
}

fn child_signal() -> Outcome {
    static mut ENDED: u32 = 0;
    let note: fn(u32) = |_| {
        // SAFETY: single-threaded.
        unsafe { ENDED += 1 }
    };
    let _ = signal::set_action(SIGCHLD, Action::Call(note));
    let child = spawn(|| 4)?;
    let status = loop {
        match wait_for(child) {
            Err(ProcessError::Interrupted) => {}
            status => break status?,
        }
    };
    // If it had ended before the wait, the signal is attended to now.
    process::give_way();
    // SAFETY: as above; handlers write it.
    let ended = unsafe { (&raw const ENDED).read_volatile() };
    ensure_eq!((status, ended), (4, 1), "the status, and how often the handler was called");
    Ok(())
}
