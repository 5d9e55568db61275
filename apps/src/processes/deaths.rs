//! Processes that are killed wherever they happen to be, in forks, pipes, exec, sleep, among others that do checked work. The
//! work comes out right, and nothing is left of the dead. `seed=N` on the command line chooses who dies when, `quick`
//! lets fewer die.
#![no_std]
#![no_main]

use apps::testing::process::{Board, run, spawn};
use apps::testing::{Failure, Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::calls::Fact;
use exos::io::{self, close, pipe};
use exos::process::{self, ProcessError, argument, exec, wait, wait_for};
use exos::signal::{self, Action, SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1};
use exos::vm::map::{self, Protection};
use exos::{call, println};

#[path = "../hostile/random.rs"]
mod random;
use random::Random;

exos::process!(main);

const TESTS: &[Test] = &[
    Test { name: "processes are killed by others, anywhere", run: by_signals },
    Test { name: "processes are destroyed by their parent, anywhere", run: by_force },
];

fn main() -> u32 {
    if let Some(seed) = argument(1) {
        // What a victim has become by exec.
        let mut random = Random::new(seed.len() as u32 * 77 + process::id());
        use_memory(&mut random);
        live(&mut random);
    }
    println!("seed {}", seed());
    run(&[TESTS])
}

fn seed() -> u32 {
    call::machine(Fact::Seed as u32).unwrap_or(0)
}

/// How many die in a test.
fn deaths() -> u32 {
    if call::machine(Fact::Quick as u32) == Ok(1) { 60 } else { 500 }
}

/// Those that die.
const VICTIMS: usize = 8;
/// Those that kill, and those that work.
const KILLERS: usize = 2;
const WORKERS: usize = 3;

/// Words of the board: the end, the victims' numbers, what the workers have done.
const STOP: usize = 0;
const NUMBERS: usize = 1;
const DONE: usize = NUMBERS + VICTIMS;

/// The life of a victim: one thing after the other, for ever.
fn live(random: &mut Random) -> ! {
    let _ = signal::set_action(SIGUSR1, Action::Call(|_| {}));
    loop {
        match random.below(8) {
            0 => have_a_child(random),
            1 => drop(process::fork().map(|child| {
                if child == 0 {
                    process::exit(0)
                }
            })),
            2 => talk(random),
            3 => use_memory(random),
            4 => drop(process::sleep(random.below(3000))),
            5 => become_another(random),
            6 => drop(wait()),
            _ => drop(exec("nobody", &["nobody"])),
        }
        // Who waits for a child while there is none goes on at once, and so do their like.
        process::give_way();
    }
}

/// A child that does a little of the same, and is perhaps waited for.
fn have_a_child(random: &mut Random) {
    let child = spawn(|| {
        use_memory(random);
        let _ = process::sleep(random.below(2000));
        random.below(100)
    });
    if let Ok(child) = child
        && random.one_in(2)
    {
        let _ = wait_for(child);
    }
}

/// Something through a pipe, to a child or to itself.
fn talk(random: &mut Random) {
    let Ok((from, to)) = pipe() else { return };
    let length = 1 + random.below(4000) as usize;
    let child = spawn(|| {
        let _ = close(from);
        let _ = io::write(to, &[1; 4000][..length]);
        0
    });
    let _ = close(to);
    let mut bytes = [0; 700];
    if child.is_ok() {
        while let Ok(1..) = io::read(from, &mut bytes) {}
    }
    let _ = close(from);
}

fn use_memory(random: &mut Random) {
    let pages = 1 + random.below(12);
    let Ok(memory) = map::map(0, pages * 4096, Protection::ReadWrite) else { return };
    for page in 0..pages {
        // SAFETY: mapped just now.
        unsafe { ((memory + page * 4096) as *mut u32).write_volatile(page) };
    }
    if random.one_in(2) {
        let _ = map::unmap(memory, pages * 4096);
    } else if let Ok(end) = map::sbrk(9000) {
        // SAFETY: the heap reaches further now.
        unsafe { ((end + 8000 & !3) as *mut u32).write_volatile(1) };
        let _ = map::sbrk(-9000);
        let _ = map::unmap(memory, pages * 4096);
    }
}

fn become_another(random: &mut Random) {
    // What it is, the length says.
    let seed = &"................................"[..1 + random.below(31) as usize];
    exec("deaths", &["deaths", seed]);
}

/// Kills victims until the end.
fn kill(random: &mut Random, board: Board) -> u32 {
    while board.get(STOP) == 0 {
        let victim = board.get(NUMBERS + random.below(VICTIMS as u32) as usize);
        let how = random.pick(&[SIGKILL, SIGKILL, SIGTERM, SIGHUP, SIGINT, SIGUSR1]);
        if victim != 0 {
            let _ = signal::kill(victim, how);
        }
        let _ = process::sleep(random.below(4000));
    }
    0
}

/// Sends numbers to a partner, which sends them back plus one, and keeps them in pages as well, until the end.
fn work(me: usize, board: Board) -> Option<()> {
    const PAGES: u32 = 10;
    let (there, to) = pipe().ok()?;
    let (from, back) = pipe().ok()?;
    let partner = spawn(|| {
        let _ = (close(to), close(from));
        let mut bytes = [0; 4];
        while io::read(there, &mut bytes) == Ok(4) {
            let _ = io::write(back, &(u32::from_le_bytes(bytes) + 1).to_le_bytes());
        }
        0
    })
    .ok()?;
    close(there).ok()?;
    close(back).ok()?;
    let memory = map::map(0, PAGES * 4096, Protection::ReadWrite).ok()?;
    let word = |round: u32| (memory + round % PAGES * 4096) as *mut u32;
    let mut round = 0;
    while board.get(STOP) == 0 {
        // SAFETY: mapped above.
        let kept = unsafe { word(round).read_volatile() };
        if kept != round.saturating_sub(PAGES - 1) * u32::from(round >= PAGES) {
            return None;
        }
        let mut bytes = [0; 4];
        if io::write(to, &round.to_le_bytes()) != Ok(4) || io::read(from, &mut bytes) != Ok(4) {
            return None;
        }
        // SAFETY: as above.
        unsafe { word(round).write_volatile(u32::from_le_bytes(bytes)) };
        round = u32::from_le_bytes(bytes);
        board.set(DONE + me, round);
        if round.is_multiple_of(16) {
            // The others are to die meanwhile.
            process::sleep(3000).ok()?;
        }
    }
    close(to).ok()?;
    (wait_for(partner).ok()? == 0).then_some(())
}

/// Starts everybody; lets so many die, by `strike` too, and others take their places; checks what the others have done.
fn cull(strike: fn(&mut Random, u32)) -> Outcome {
    let board = Board::new()?;
    let mut random = Random::new(seed());
    let mut helpers = [0; KILLERS + WORKERS];
    for (index, helper) in helpers.iter_mut().enumerate() {
        *helper = spawn(|| match index.checked_sub(KILLERS) {
            None => kill(&mut Random::new(seed() + 10 + index as u32), board),
            Some(worker) => u32::from(work(worker, board).is_none()),
        })?;
    }
    let mut dead = 0;
    for index in 0..VICTIMS {
        board.set(NUMBERS + index, victim(&mut random)?);
    }
    while dead < deaths() {
        strike(&mut random, board.get(NUMBERS + random_place(dead)));
        let (pid, status) = wait()?;
        let Some(index) = (0..VICTIMS).find(|index| board.get(NUMBERS + index) == pid) else {
            return Err(Failure::new(format_args!("{pid}, who is no victim, ended with {status}")));
        };
        dead += 1;
        board.set(NUMBERS + index, 0);
        let next = victim(&mut random)?;
        board.set(NUMBERS + index, next);
    }
    board.set(STOP, 1);
    for (index, helper) in helpers.into_iter().enumerate() {
        ensure_eq!(wait_for(helper)?, 0, "helper {index}");
    }
    for index in 0..VICTIMS {
        signal::kill(board.get(NUMBERS + index), SIGKILL).or_else(|error| match error {
            ProcessError::NoProcess => Ok(()),
            error => Err(error),
        })?;
        wait_for(board.get(NUMBERS + index))?;
    }
    for worker in 0..WORKERS {
        let done = board.get(DONE + worker);
        ensure!(done > 20, "worker {worker} did only {done}");
    }
    ensure_eq!(wait(), Err(ProcessError::NoProcess), "who is left");
    Ok(())
}

fn random_place(dead: u32) -> usize {
    (dead.wrapping_mul(2_654_435_761) >> 16) as usize % VICTIMS
}

/// A new victim. There may be no room for a moment: the dead go in their own time.
fn victim(random: &mut Random) -> Result<u32, Failure> {
    let seed = random.word();
    for _ in 0..1000 {
        match spawn(|| live(&mut Random::new(seed))) {
            Err(ProcessError::Exhausted) => process::sleep(2000)?,
            made => return Ok(made?),
        }
    }
    Err(Failure::new(format_args!("no room for another")))
}

fn by_signals() -> Outcome {
    cull(|_, _| {})
}

/// The parent may destroy the environments of its children, who are not even told.
fn by_force() -> Outcome {
    cull(|random, pid| {
        let _ = process::sleep(random.below(6000));
        if let Some(name) = process::environment_of(pid) {
            let _ = call::environment_destroy(name.0);
        }
    })
}
