//! As many processes as there is room for: in a pipeline, as a tree, side by side. Each count comes out right, all are waited
//! for, and nothing is left of them. `quick` on the command line sends less through the pipelines.
#![no_std]
#![no_main]

use apps::testing::process::{Board, run, spawn};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::call;
use exos::io::{self, close, pipe};
use exos::process::table::PROCESSES;
use exos::process::{self, ProcessError, wait, wait_for};
use exos::signal::{SIGTERM, kill};

exos::process!(main);

const TESTS: &[Test] = &[
    Test { name: "100 processes in a pipeline, each the child of the last", run: nested_pipeline },
    Test { name: "30 processes in a pipeline, all children of one", run: flat_pipeline },
    Test { name: "a tree of 121 processes", run: tree },
    Test { name: "a fork for each place of the table, and no more", run: all_places },
    Test { name: "100 children that are killed at once", run: killed },
    Test { name: "a context switch costs no more beside 100 processes that wait", run: beside },
    Test { name: "the same pipeline once more", run: nested_pipeline },
];

fn main() -> u32 {
    run(&[TESTS])
}

/// Numbers that are sent through a pipeline.
fn numbers() -> u32 {
    if call::machine(Fact::Quick as u32) == Ok(1) { 8 } else { 500 }
}

/// Reads a number; none at the end.
fn receive(from: usize) -> Option<u32> {
    let mut bytes = [0; 4];
    let mut have = 0;
    while have < 4 {
        match io::read(from, &mut bytes[have..]) {
            Ok(count @ 1..) => have += count,
            _ => return None,
        }
    }
    Some(u32::from_le_bytes(bytes))
}

/// Passes numbers on, each plus one; tells whether all went well.
fn pump(from: usize, to: usize) -> bool {
    while let Some(number) = receive(from) {
        if io::write(to, &(number + 1).to_le_bytes()) != Ok(4) {
            return false;
        }
    }
    close(from).is_ok() && close(to).is_ok()
}

/// Sends numbers into a pipeline and checks what comes out: each with so many added.
fn check(to: usize, from: usize, added: u32) -> Outcome {
    let sender = spawn(|| {
        let _ = close(from);
        u32::from(!(0..numbers()).all(|number| io::write(to, &(7 * number).to_le_bytes()) == Ok(4)))
    })?;
    close(to)?;
    for number in 0..numbers() {
        ensure_eq!(receive(from), Some(7 * number + added), "what came of {number}");
    }
    ensure_eq!(receive(from), None, "what came after them");
    ensure_eq!(wait_for(sender)?, 0, "the sender");
    close(from)?;
    Ok(())
}

/// One of a pipeline: makes the next one, passes numbers on, and tells how many it and those behind it were.
fn stage(left: u32, from: usize, out: usize) -> u32 {
    const WRONG: u32 = 1000;
    if left == 1 {
        return if pump(from, out) { 1 } else { WRONG };
    }
    let Ok((next_from, to)) = pipe() else { return WRONG + 1 };
    let Ok(next) = spawn(|| {
        let _ = (close(from), close(to));
        stage(left - 1, next_from, out)
    }) else {
        return WRONG + 2;
    };
    let _ = (close(next_from), close(out));
    if !pump(from, to) {
        return WRONG + 3;
    }
    wait_for(next).map_or(WRONG + 4, |behind| behind + 1)
}

fn nested_pipeline() -> Outcome {
    const STAGES: u32 = 100;
    let (first_from, to) = pipe()?;
    let (from, out) = pipe()?;
    let first = spawn(|| {
        let _ = (close(to), close(from));
        stage(STAGES, first_from, out)
    })?;
    close(first_from)?;
    close(out)?;
    check(to, from, STAGES)?;
    ensure_eq!(wait_for(first)?, STAGES, "how many they were");
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "who is left");
    Ok(())
}

fn flat_pipeline() -> Outcome {
    const STAGES: usize = 30;
    let mut stages = [0; STAGES];
    let (mut from, to) = pipe()?;
    for stage in &mut stages {
        let (next_from, next_to) = pipe()?;
        *stage = spawn(|| {
            let _ = (close(to), close(next_from));
            u32::from(!pump(from, next_to))
        })?;
        close(from)?;
        close(next_to)?;
        from = next_from;
    }
    check(to, from, STAGES as u32)?;
    for stage in stages {
        ensure_eq!(wait_for(stage)?, 0, "a stage");
    }
    Ok(())
}

/// Children of a process that is no leaf, and how far the root is from the leaves.
const BRANCHES: usize = 3;
const HEIGHT: u32 = 4;
const TREE: u32 = 121;

/// One of the tree: tells how many it and those below it were. `gate` is closed when all are there.
fn node(height: u32, gate: usize, board: Board) -> u32 {
    const WRONG: u32 = 1000;
    board.add(0, 1);
    board.add(1, process::id());
    if height == 0 {
        return if io::read(gate, &mut [0]) == Ok(0) { 1 } else { WRONG };
    }
    let mut children = [0; BRANCHES];
    for child in &mut children {
        let Ok(pid) = spawn(|| node(height - 1, gate, board)) else { return WRONG + 1 };
        board.add(2, pid);
        *child = pid;
    }
    let mut sum = 1;
    for _ in children {
        match wait() {
            Ok((pid, below)) if children.contains(&pid) => sum += below,
            _ => return WRONG + 2,
        }
    }
    sum
}

fn tree() -> Outcome {
    let board = Board::new()?;
    let (gate, open) = pipe()?;
    let root = spawn(|| {
        let _ = close(open);
        node(HEIGHT, gate, board)
    })?;
    board.add(2, root);
    close(gate)?;
    // All of them at once.
    board.await_word(0, TREE)?;
    close(open)?;
    ensure_eq!(wait_for(root)?, TREE, "how many they were");
    ensure_eq!(
        board.get(1),
        board.get(2),
        "the sum of their own numbers, and of those that their parents know"
    );
    Ok(())
}

fn all_places() -> Outcome {
    for _ in 0..2 {
        let (gate, open) = pipe()?;
        let mut children = [0; PROCESSES];
        let mut count = 0;
        let refused = loop {
            match spawn(|| {
                let _ = close(open);
                u32::from(io::read(gate, &mut [0]) != Ok(0))
            }) {
                Ok(child) => children[count] = child,
                Err(error) => break error,
            }
            count += 1;
        };
        ensure_eq!(refused, ProcessError::Exhausted, "why there are no more");
        // But for the scheduler, who runs the tests, and this one.
        ensure_eq!(count, PROCESSES - 3, "how many there were");
        close(gate)?;
        close(open)?;
        for child in &children[..count] {
            ensure_eq!(wait_for(*child)?, 0, "a child");
        }
    }
    Ok(())
}

/// Ticks that so many turns of this process and of a partner take, the fewest of some tries.
fn turns(count: u32) -> u32 {
    let tries = (0..5).map(|_| {
        let begin = call::clock();
        (0..count).for_each(|_| process::give_way());
        call::clock().wrapping_sub(begin)
    });
    tries.min().unwrap_or(0)
}

fn beside() -> Outcome {
    let partner = spawn(|| {
        loop {
            process::give_way();
        }
    })?;
    let before = turns(100);
    let (gate, open) = pipe()?;
    let mut children = [0; 100];
    for child in &mut children {
        *child = spawn(|| {
            let _ = close(open);
            u32::from(io::read(gate, &mut [0]) != Ok(0))
        })?;
    }
    process::sleep(20_000)?;
    let among = turns(100);
    close(gate)?;
    close(open)?;
    for child in children {
        ensure_eq!(wait_for(child)?, 0, "a child");
    }
    kill(partner, SIGTERM)?;
    wait_for(partner)?;
    ensure!(among < before + before / 4, "{before} ticks alone, {among} among many");
    Ok(())
}

fn killed() -> Outcome {
    let mut children = [0; 100];
    for child in &mut children {
        *child = spawn(|| process::sleep(60_000_000).map_or(1, |()| 2))?;
    }
    for child in children {
        kill(child, SIGTERM)?;
    }
    for _ in children {
        let (child, status) = wait()?;
        ensure!(children.contains(&child), "{child} is no child");
        ensure_eq!(status, 128 + SIGTERM, "how it ended");
    }
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "who is left");
    Ok(())
}
