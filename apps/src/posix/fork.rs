//! fork: what it answers, what the child has of its own, and what the two share.

use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::layout::ANY;
use exos::signal::{self, Action, SIGALRM, SIGUSR1};
use exos::vm::Protection;
use exos::vm::map::{free_shared, map, new_shared, physical, unmap};
use exos::{call, io, memory, process, slice, vm};

pub const TESTS: &[Test] = &[
    Test { name: "fork tells the child zero and the parent its number", run: answers },
    Test { name: "a child's memory is its own", run: own_memory },
    Test { name: "memory that comes into being while a child lives stays", run: coming },
    Test { name: "a child has its parent's descriptors, and closes its own", run: descriptors },
    Test { name: "a child has its parent's actions", run: actions },
    Test { name: "a signal that waits for the parent is not the child's", run: pending },
    Test { name: "an alarm is not the child's", run: alarm },
    Test { name: "300 children have 300 numbers", run: numbers },
    Test { name: "60 forks, each in the child of the last", run: nested },
];

fn answers() -> Outcome {
    let (board, me) = (Board::new()?, process::id());
    let child = spawn(|| {
        board.set(0, process::id());
        board.set(1, process::parent_id());
        0
    })?;
    process::wait_for(child)?;
    ensure!(child != 0 && child != me, "the child's number is {child}, the parent's {me}");
    ensure_eq!(board.get(0), child, "the number that the child has");
    ensure_eq!(board.get(1), me, "the child's parent");
    Ok(())
}

static mut STATIC: u32 = 1;

fn word(address: u32) -> *mut u32 {
    address as *mut u32
}

/// Pages of [`coming`].
const COMING: u32 = 16;

fn coming() -> Outcome {
    let board = Board::new()?;
    let start = map(0, COMING * 4096, Protection::ReadWrite)?;
    let page = |index| word(start + index * 4096);
    // Only pages that have been this process's before are cleared when they come. The next of each colour are to be such.
    let mut known = 0;
    for index in 0..COMING {
        // SAFETY: mapped just now.
        unsafe { page(index).write_volatile(!0) };
        let next = physical(start + index * 4096).map_or(ANY, |number| number + memory::COLOURS);
        if let Ok(share) = new_shared(next) {
            free_shared(share)?;
            known += 1;
        }
    }
    ensure!(known > COMING / 2, "{known} pages have been this process's");
    unmap(start, COMING * 4096)?;
    map(start, COMING * 4096, Protection::ReadWrite)?;
    // What has been protected has an entry, although it is not there.
    vm::protect(start, COMING * 4096, Protection::None)?;
    vm::protect(start, COMING * 4096, Protection::ReadWrite)?;
    let child = spawn(|| u32::from(board.await_word(0, 1).is_err()))?;
    for index in 0..COMING {
        // SAFETY: as above.
        ensure_eq!(unsafe { page(index).read_volatile() }, 0, "page {index}");
    }
    board.set(0, 1);
    ensure_eq!(process::wait_for(child)?, 0, "the child");
    ensure_eq!(status_of(|| 0)?, 0, "another, before which everything that was lent is freed");
    for index in 0..COMING {
        let owner = physical(start + index * 4096).map(call::page_owner);
        ensure_eq!(owner, Some(Ok(memory::myself().0)), "whose page {index} is");
    }
    Ok(())
}

/// The three kinds of memory, as one number.
fn sum(heap: u32, stack: *const u32) -> u32 {
    // SAFETY: this test's own memory; single-threaded.
    unsafe {
        (&raw const STATIC).read_volatile() + 10 * word(heap).read_volatile() + 100 * stack.read_volatile()
    }
}

fn set(heap: u32, stack: *mut u32, value: u32) {
    // SAFETY: as above.
    unsafe {
        (&raw mut STATIC).write_volatile(value);
        word(heap).write_volatile(value);
        stack.write_volatile(value);
    }
}

fn own_memory() -> Outcome {
    let board = Board::new()?;
    let heap = vm::map::sbrk(8192)?;
    let mut local = 0u32;
    let stack = &raw mut local;
    set(heap, stack, 1);
    let child = spawn(|| {
        // The parent writes first, then the child.
        if board.await_word(0, 1).is_err() || sum(heap, stack) != 111 {
            return 1;
        }
        set(heap, stack, 3);
        board.set(0, 2);
        if sum(heap, stack) == 333 { 0 } else { 2 }
    })?;
    set(heap, stack, 2);
    board.set(0, 1);
    let status = process::wait_for(child)?;
    ensure_eq!(status, 0, "what the child saw");
    ensure_eq!(sum(heap, stack), 222, "what the parent sees of it");
    Ok(())
}

fn descriptors() -> Outcome {
    let (read, write) = io::pipe()?;
    let status = status_of(|| {
        let wrote = io::write(write, b"child").is_ok();
        let closed = io::close(read).is_ok() && io::close(write).is_ok();
        u32::from(!wrote || !closed)
    })?;
    ensure_eq!(status, 0, "the child's writing");
    // The parent's are open still.
    io::write(write, b"parent")?;
    let mut bytes = [0; 32];
    let count = io::read(read, &mut bytes)?;
    ensure_eq!(&bytes[..count], b"childparent", "what both wrote");
    Ok(())
}

/// Signals that were handled.
static mut HANDLED: u32 = 0;

fn handled() -> u32 {
    // SAFETY: single-threaded; handlers write it.
    unsafe { (&raw const HANDLED).read_volatile() }
}

fn count() -> Action {
    Action::Call(|_| {
        // SAFETY: as in `handled`.
        unsafe { HANDLED += 1 }
    })
}

fn actions() -> Outcome {
    let _ = signal::set_action(SIGUSR1, count());
    let status = status_of(|| {
        let _ = signal::kill(process::id(), SIGUSR1);
        handled()
    })?;
    ensure_eq!((status, handled()), (1, 0), "calls of the handler, in the child and in the parent");
    Ok(())
}

/// A signal comes while the parent gives its slice away and does not attend; then it forks. If its slice has ended at the
/// wrong moment it has attended already: then once more.
fn pending() -> Outcome {
    let board = Board::new()?;
    let _ = signal::set_action(SIGUSR1, count());
    let me = process::id();
    for round in 1..20 {
        let sender = spawn(|| {
            // Not before the fork that has made it is done: that attends.
            let ready = board.await_word(1, round).is_ok();
            let sent = ready && signal::kill(me, SIGUSR1).is_ok();
            board.set(0, round);
            u32::from(!sent)
        })?;
        let before = handled();
        board.set(1, round);
        while board.get(0) != round {
            if let Some(name) = process::environment_of(sender) {
                let _ = slice::yield_to(name);
            }
        }
        let child = process::fork()?;
        if child == 0 {
            process::give_way();
            process::exit(handled() - before);
        }
        process::give_way();
        let mine = handled() - before;
        let theirs = loop {
            // The sender's end is a signal, too, and the handler's interrupts.
            match process::wait_for(child) {
                Ok(status) => break status,
                Err(process::ProcessError::Interrupted) => {}
                Err(error) => return Err(error.into()),
            }
        };
        process::wait_for(sender)?;
        ensure_eq!(mine, 1, "signals that the parent had");
        if theirs == 0 {
            return Ok(());
        }
    }
    ensure!(false, "the child had it every time");
    Ok(())
}

fn alarm() -> Outcome {
    let _ = signal::set_action(SIGALRM, count());
    signal::alarm(30_000);
    let child = spawn(|| {
        let slept = process::sleep(100_000);
        handled() + 10 * u32::from(slept.is_err())
    })?;
    let slept = process::sleep(200_000);
    ensure!(slept.is_err() && handled() == 1, "the parent slept {slept:?}, with {} alarms", handled());
    ensure_eq!(process::wait_for(child)?, 0, "what the child had of it");
    Ok(())
}

fn numbers() -> Outcome {
    let mut seen = [0u32; 300];
    for index in 0..seen.len() {
        let child = spawn(|| 7)?;
        ensure!(!seen[..index].contains(&child), "{child} is the number of two");
        seen[index] = child;
        ensure_eq!(process::wait()?, (child, 7), "the child and its status");
    }
    Ok(())
}

/// Each writes its own page of the data, so that pages of all of them are in use.
fn nested() -> Outcome {
    const DEPTH: u32 = 60;
    static mut OWN: [u32; 61 * 1024] = [0; 61 * 1024];
    fn descend(depth: u32) -> u32 {
        let own = (&raw mut OWN).cast::<u32>();
        // SAFETY: inside the array; single-threaded.
        let below = unsafe {
            own.add(depth as usize * 1024).write_volatile(depth);
            (0..=depth).map(|above| own.add(above as usize * 1024).read_volatile()).sum::<u32>()
        };
        if below != depth * (depth + 1) / 2 {
            return 1000 + depth;
        }
        if depth == DEPTH {
            return depth;
        }
        status_of(|| descend(depth + 1)).unwrap_or(2000 + depth)
    }
    ensure_eq!(descend(0), DEPTH, "what the last one passes up");
    Ok(())
}
