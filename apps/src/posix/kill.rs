//! SIGKILL ends a process, whatever it does: also where no other signal is noticed.

use apps::testing::process::{Board, spawn};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::environment::Event;
use exos::process::{self, wait_for};
use exos::rpc::{self, Kind, Server, TrustedServer};
use exos::signal::{self, Action, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1, kill};
use exos::vm::map::{self, Protection};
use exos::{call, io, memory, vm};

pub const TESTS: &[Test] = &[
    Test { name: "SIGKILL ends a handler that never returns", run: handler },
    Test { name: "SIGKILL ends a handler of faults that never returns", run: fault_handlers },
    Test {
        name: "SIGKILL ends who waits in the middle of a call, and a server that does not answer",
        run: calls,
    },
    Test { name: "SIGKILL ends a server of calls without a stack, whoever sends it", run: leaf },
    Test { name: "SIGKILL ends who talks through pipes all the time", run: talker },
    Test { name: "a signal ends who yields and is yielded to all the time", run: yielder },
    Test { name: "SIGKILL ends who does not listen where its slices start", run: deaf },
    Test { name: "who does not give its slice back is ended by Aegis", run: clinging },
    Test { name: "who is killed in a handler lends on what it has lent", run: lends },
    Test { name: "who is killed in a handler leaves its pipes and children to others", run: leaves },
];

/// Where the victim says that it is there.
static mut BOARD: Option<Board> = None;

fn board() -> Board {
    // SAFETY: single-threaded; `new_board` comes first.
    unsafe { BOARD }.expect("a board")
}

fn new_board() -> Outcome {
    // SAFETY: as above.
    unsafe { BOARD = Some(Board::new()?) };
    Ok(())
}

fn spin() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// A handler that never returns.
fn stay(_: u32) {
    board().set(0, 1);
    spin();
}

/// Kills a child that has said that it is where it is to be killed.
fn end(child: u32) -> Outcome {
    board().await_word(0, 1)?;
    process::sleep(40_000)?;
    kill(child, SIGKILL)?;
    ensure_eq!(wait_for(child)?, 128 + SIGKILL, "how it ended");
    Ok(())
}

fn handler() -> Outcome {
    new_board()?;
    let _ = signal::set_action(SIGUSR1, Action::Call(stay));
    // In the middle of a computation, and from a call.
    let child = spawn(|| spin())?;
    process::sleep(20_000)?;
    kill(child, SIGUSR1)?;
    board().await_word(0, 1)?;
    // Nothing else comes through.
    kill(child, SIGTERM)?;
    process::sleep(20_000)?;
    ensure_eq!(kill(child, 0), Ok(()), "that it is still there");
    end(child)?;
    board().set(0, 0);
    end(spawn(|| u32::from(kill(process::id(), SIGUSR1).is_ok()))?)
}

fn fault_handlers() -> Outcome {
    new_board()?;
    let _ = signal::set_action(SIGSEGV, Action::Call(stay));
    // SAFETY: not at all: that is the point.
    end(spawn(|| unsafe { (0x6000_0000 as *const u32).read_volatile() })?)?;
    board().set(0, 0);
    let child = spawn(|| {
        let Ok(page) = map::map(0, 4096, Protection::Read) else { return 1 };
        vm::set_handler(Some(|_, _, _| stay(0)));
        // SAFETY: mapped just now; the handler does not come back.
        unsafe { (page as *mut u32).write_volatile(1) };
        2
    })?;
    end(child)
}

extern "C" fn never(_: u32) -> u32 {
    spin()
}

/// A server of this kind, which has said so; it does not answer.
fn silent(kind: Kind) -> Result<u32, apps::testing::Failure> {
    let server = spawn(|| {
        let _ = rpc::offer(never, kind);
        rpc::serve(|| board().set(1, 1))
    })?;
    board().await_word(1, 1)?;
    board().set(1, 0);
    Ok(server)
}

fn calls() -> Outcome {
    new_board()?;
    for kind in [Kind::Untrusted, Kind::Trusted] {
        let server = silent(kind)?;
        let Some(name) = process::environment_of(server) else { return Ok(ensure!(false, "no server")) };
        let client = spawn(|| {
            board().set(0, 1);
            match kind {
                Kind::Untrusted => u32::from(Server::connect(name).map(|server| server.call(1)).is_ok()),
                // SAFETY: it never comes back.
                Kind::Trusted => unsafe { TrustedServer::connect(name) }
                    .map_or(2, |server| u32::from(server.call(1).is_ok())),
            }
        })?;
        end(client)?;
        end(server)?;
        board().set(0, 0);
    }
    Ok(())
}

fn leaf() -> Outcome {
    unsafe extern "C" fn nobody() {}
    new_board()?;
    let server = spawn(|| {
        // SAFETY: nobody calls it.
        let _ = unsafe { rpc::offer_leaf(nobody) };
        board().set(0, 1);
        rpc::serve_leaf()
    })?;
    board().await_word(0, 1)?;
    let killer = spawn(|| u32::from(kill(server, SIGKILL).is_err()))?;
    ensure_eq!(wait_for(server)?, 128 + SIGKILL, "how it ended");
    ensure_eq!(wait_for(killer)?, 0, "who killed it");
    Ok(())
}

/// Answers through a pipe, at once, what comes through another: its slices end in who asks, who computes meanwhile.
fn talker() -> Outcome {
    new_board()?;
    let (there, to) = io::pipe()?;
    let (from, back) = io::pipe()?;
    let victim = spawn(|| {
        let _ = (io::close(to), io::close(from));
        let mut byte = [0];
        while io::read(there, &mut byte) == Ok(1) && io::write(back, &byte) == Ok(1) {}
        1
    })?;
    let asker = spawn(|| {
        let _ = (io::close(there), io::close(back));
        let mut byte = [0];
        while io::write(to, &byte) == Ok(1) && io::read(from, &mut byte) == Ok(1) {
            board().set(0, 1);
            core::hint::black_box((0..2000).map(core::hint::black_box).sum::<u32>());
        }
        7
    })?;
    for end in [there, to, from, back] {
        io::close(end)?;
    }
    end(victim)?;
    // It is told by SIGPIPE, or by the end of the pipe.
    let status = wait_for(asker)?;
    ensure!(status == 7 || status == 128 + signal::SIGPIPE, "who asked ended with {status}");
    Ok(())
}

fn yielder() -> Outcome {
    new_board()?;
    let me = memory::myself();
    let victim = spawn(|| {
        board().set(0, 1);
        while process::yield_to(me).is_ok() {}
        1
    })?;
    board().await_word(0, 1)?;
    kill(victim, SIGTERM)?;
    ensure_eq!(wait_for(victim)?, 128 + SIGTERM, "how it ended");
    Ok(())
}

/// Where slices start, or end, of those who do not listen.
extern "C" fn anywhere() -> ! {
    spin()
}

fn deaf() -> Outcome {
    new_board()?;
    let victim = spawn(|| {
        let bound = call::bind(memory::myself().0, Event::SliceStart as u32, anywhere as *const () as u32);
        board().set(0, 1);
        if bound.is_ok() { spin() } else { 1 }
    })?;
    // Its sibling may not destroy it, its parent may.
    board().await_word(0, 1)?;
    let killer = spawn(|| u32::from(kill(victim, SIGKILL).is_err()))?;
    ensure_eq!(wait_for(victim)?, 128 + SIGKILL, "how it ended");
    ensure_eq!(wait_for(killer)?, 0, "who killed it");
    Ok(())
}

fn clinging() -> Outcome {
    new_board()?;
    let victim = spawn(|| {
        let bound = call::bind(memory::myself().0, Event::SliceEnd as u32, anywhere as *const () as u32);
        if bound.is_ok() { spin() } else { 1 }
    })?;
    ensure_eq!(wait_for(victim)?, 128 + SIGKILL, "how it ended");
    Ok(())
}

static mut LENT: [u32; 4096] = [0; 4096];

/// A child, in a handler, of who is killed there: it goes on with what it has borrowed.
fn lends() -> Outcome {
    fn fork_and_stay(_: u32) {
        let child = spawn(|| {
            let waited = board().await_word(1, 1);
            // SAFETY: single-threaded, and only read since the fork.
            let sum: u32 = (0..4096).map(|at| unsafe { (&raw const LENT[at]).read_volatile() }).sum();
            board().set(2, if waited.is_ok() { sum } else { 1 });
            0
        });
        board().set(0, if child.is_ok() { 1 } else { 2 });
        spin();
    }
    new_board()?;
    let _ = signal::set_action(SIGUSR1, Action::Call(fork_and_stay));
    let victim = spawn(|| {
        for at in 0..4096 {
            // SAFETY: as above.
            unsafe { (&raw mut LENT[at]).write_volatile(3) };
        }
        spin()
    })?;
    process::sleep(20_000)?;
    kill(victim, SIGUSR1)?;
    end(victim)?;
    board().set(1, 1);
    board().await_word(2, 3 * 4096)
}

fn leaves() -> Outcome {
    new_board()?;
    let _ = signal::set_action(SIGUSR1, Action::Call(stay));
    let (from, to) = io::pipe()?;
    let victim = spawn(|| {
        let orphan = spawn(|| {
            let _ = io::close(to);
            while process::parent_id() != 0 {
                let _ = process::sleep(1000);
            }
            board().set(1, 1);
            0
        });
        if orphan.is_ok() { spin() } else { 1 }
    })?;
    process::sleep(20_000)?;
    io::close(to)?;
    kill(victim, SIGUSR1)?;
    // Nobody else writes: its end is the end of what can be read.
    let reader = spawn(|| u32::from(io::read(from, &mut [0; 4]) != Ok(0)))?;
    end(victim)?;
    ensure_eq!(wait_for(reader)?, 0, "who read from it");
    board().await_word(1, 1)
}
