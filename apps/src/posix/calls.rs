//! Calls into other processes, lrpc and tlrpc: what they answer, and what happens when the server does not.

use apps::testing::process::{Board, spawn};
use apps::testing::{Failure, Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::abi::{Error, Name};
use exos::process::{self, ProcessError, exec, wait_for};
use exos::rpc::{self, Kind, RpcError, Server, Service, TrustedServer};
use exos::signal::{self, Action, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1};

pub const TESTS: &[Test] = &[
    Test { name: "a server answers its parent, again and again", run: answers },
    Test { name: "a server answers its child", run: answers_child },
    Test { name: "a trusted server answers", run: trusted },
    Test { name: "several clients, one server", run: clients },
    Test { name: "who is not the server cannot answer in its place", run: strangers },
    Test { name: "who answers what nobody has asked disturbs nobody", run: unasked },
    Test { name: "a server has signals between calls", run: signals },
    Test { name: "a server that is gone is an error", run: gone },
    Test { name: "who has never been a server is an error", run: no_server },
    Test { name: "a server that dies in a call is an error", run: dies },
    Test { name: "a server that dies in its child's call is an error", run: dies_lending },
    Test { name: "a server that executes another program serves no more", run: executes },
    Test { name: "an entry that is nowhere ends the server, or is refused", run: bad_entry },
];

static mut CALLS: u32 = 0;

extern "C" fn add_one(argument: u32) -> u32 {
    // SAFETY: a server is single-threaded.
    unsafe { CALLS += 1 };
    argument.wrapping_add(1)
}

/// Takes long enough for slices to end in it.
extern "C" fn slow(argument: u32) -> u32 {
    let mut sum = argument;
    for step in 0..20_000u32 {
        sum = core::hint::black_box(sum ^ step);
    }
    core::hint::black_box(sum);
    argument.wrapping_add(1)
}

extern "C" fn exits(argument: u32) -> u32 {
    if argument == 0 { process::exit(9) } else { argument + 1 }
}

extern "C" fn faults(argument: u32) -> u32 {
    if argument == 0 {
        // SAFETY: not at all: that is the point.
        unsafe { (0x5000_0000 as *const u32).read_volatile() }
    } else {
        argument + 1
    }
}

/// Serves, for good.
fn serve(service: Service, kind: Kind, board: Board) -> u32 {
    if rpc::offer(service, kind).is_err() {
        return 1;
    }
    rpc::serve(|| board.set(0, 1))
}

/// Starts a server; tells its number and its environment.
fn start(service: Service, kind: Kind) -> Result<(u32, Name), Failure> {
    let board = Board::new()?;
    let server = spawn(|| serve(service, kind, board))?;
    board.await_word(0, 1)?;
    Ok((server, name_of(server)?))
}

fn name_of(pid: u32) -> Result<Name, Failure> {
    process::environment_of(pid).ok_or_else(|| Failure::new(format_args!("{pid} is gone")))
}

fn stop(server: u32) -> Outcome {
    signal::kill(server, SIGKILL)?;
    ensure_eq!(wait_for(server)?, 128 + SIGKILL, "how the server ended");
    Ok(())
}

fn answers() -> Outcome {
    for service in [add_one as Service, slow] {
        let (pid, name) = start(service, Kind::Untrusted)?;
        let server = Server::connect(name)?;
        let mut patience = 1000;
        for argument in [0, 1, 0x8000_0000, u32::MAX].into_iter().cycle().take(300) {
            let answer = loop {
                match server.call(argument) {
                    Err(RpcError::Busy) if patience > 0 => patience -= 1,
                    answer => break answer,
                }
            };
            ensure_eq!(answer, Ok(argument.wrapping_add(1)), "the answer");
        }
        stop(pid)?;
    }
    Ok(())
}

fn answers_child() -> Outcome {
    let board = Board::new()?;
    let server = spawn(|| {
        let me = exos::memory::myself();
        let client = spawn(|| {
            let ready = board.await_word(0, 1);
            let Ok(server) = Server::connect(me) else { return 1 };
            let well = (0..100).all(|argument| server.call(argument) == Ok(argument + 1));
            board.set(1, if well && ready.is_ok() { 1 } else { 2 });
            0
        });
        if client.is_err() { 1 } else { serve(add_one, Kind::Untrusted, board) }
    })?;
    board.await_word(1, 1)?;
    stop(server)
}

fn trusted() -> Outcome {
    let (pid, name) = start(add_one, Kind::Trusted)?;
    // SAFETY: the library keeps the registers.
    let server = unsafe { TrustedServer::connect(name)? };
    for argument in 0..300 {
        ensure_eq!(server.call(argument), Ok(argument + 1), "the answer");
    }
    stop(pid)?;
    ensure_eq!(server.call(1), Err(RpcError::Gone), "when it is gone");
    Ok(())
}

fn clients() -> Outcome {
    let (pid, name) = start(slow, Kind::Untrusted)?;
    let mut clients = [0; 4];
    for client in &mut clients {
        *client = spawn(|| {
            let Ok(server) = Server::connect(name) else { return 1 };
            let mut answered = 0;
            while answered < 40 {
                match server.call(answered) {
                    Ok(answer) if answer == answered + 1 => answered += 1,
                    // In the middle of somebody else's.
                    Err(RpcError::Busy) => process::give_way(),
                    _ => return 2,
                }
            }
            0
        })?;
    }
    for client in clients {
        ensure_eq!(wait_for(client)?, 0, "a client");
    }
    stop(pid)
}

/// What the server's handler has seen, and its service is told.
static mut BOARD: Option<Board> = None;

/// Answers when it is allowed to.
extern "C" fn gated(argument: u32) -> u32 {
    // SAFETY: written before there is a server.
    while unsafe { BOARD }.is_some_and(|board| board.get(1) == 0) {}
    argument + 1
}

/// "Calls" a client: transfers to it like a server that answers, with the status of success. It is told that there is no
/// answer when the client has ended.
fn answer_unasked(client: Name) -> Result<u32, ProcessError> {
    spawn(|| match Server::connect(client).map(|client| client.call(0)) {
        Ok(Err(RpcError::Gone)) => 0,
        _ => 1,
    })
}

fn strangers() -> Outcome {
    let board = Board::new()?;
    // SAFETY: single-threaded, and the server's copy is its own.
    unsafe { BOARD = Some(board) };
    let (pid, name) = start(gated, Kind::Untrusted)?;
    let client = spawn(|| {
        let Ok(server) = Server::connect(name) else { return 1 };
        board.set(2, 1);
        u32::from(server.call(41) != Ok(42))
    })?;
    board.await_word(2, 1)?;
    process::sleep(20_000)?;
    let mut strangers = [0; 3];
    for stranger in &mut strangers {
        *stranger = answer_unasked(name_of(client)?)?;
        process::sleep(20_000)?;
    }
    board.set(1, 1);
    ensure_eq!(wait_for(client)?, 0, "whether the client had the server's answer");
    for stranger in strangers {
        ensure_eq!(wait_for(stranger)?, 0, "who is not the server");
    }
    stop(pid)
}

fn unasked() -> Outcome {
    let board = Board::new()?;
    let (pid, name) = start(add_one, Kind::Untrusted)?;
    let client = spawn(|| {
        let Ok(server) = Server::connect(name) else { return 1 };
        let well = (0..10).all(|argument| server.call(argument) == Ok(argument + 1));
        board.set(2, 1);
        let expected = slow(7);
        let mut same = true;
        while board.get(1) == 0 {
            same &= slow(7) == expected;
            // In the middle of a wait, too.
            same &= process::sleep(1000).is_ok();
        }
        u32::from(!well || !same)
    })?;
    board.await_word(2, 1)?;
    let mut strangers = [0; 4];
    for stranger in &mut strangers {
        *stranger = answer_unasked(name_of(client)?)?;
        process::sleep(20_000)?;
    }
    board.set(1, 1);
    ensure_eq!(wait_for(client)?, 0, "the client");
    for stranger in strangers {
        ensure_eq!(wait_for(stranger)?, 0, "who answered what nobody had asked");
    }
    stop(pid)
}

fn signals() -> Outcome {
    let board = Board::new()?;
    // SAFETY: single-threaded, and the server's copy is its own.
    unsafe { BOARD = Some(board) };
    let count: fn(u32) = |_| {
        // SAFETY: as above.
        if let Some(board) = unsafe { BOARD } {
            board.add(1, 1);
        }
    };
    let _ = signal::set_action(SIGUSR1, Action::Call(count));
    let (pid, name) = start(slow, Kind::Untrusted)?;
    let server = Server::connect(name)?;
    for round in 1..=20 {
        signal::kill(pid, SIGUSR1)?;
        let mut answer = server.call(round);
        while answer == Err(RpcError::Busy) {
            process::give_way();
            answer = server.call(round);
        }
        ensure_eq!(answer, Ok(round + 1), "the answer");
        board.await_word(1, round)?;
    }
    signal::kill(pid, SIGTERM)?;
    ensure_eq!(wait_for(pid)?, 128 + SIGTERM, "how it ended");
    Ok(())
}

fn gone() -> Outcome {
    let (pid, name) = start(add_one, Kind::Untrusted)?;
    let server = Server::connect(name)?;
    ensure_eq!(server.call(1), Ok(2), "the answer");
    stop(pid)?;
    for _ in 0..3 {
        ensure_eq!(server.call(1), Err(RpcError::Gone), "when it is gone");
    }
    // Another in its place is not it.
    let (other, _) = start(add_one, Kind::Untrusted)?;
    ensure_eq!(server.call(1), Err(RpcError::Gone), "when there is another");
    stop(other)
}

fn no_server() -> Outcome {
    let child = spawn(|| process::sleep(10_000_000).map_or(1, |()| 2))?;
    process::sleep(10_000)?;
    ensure_eq!(Server::connect(name_of(child)?)?.call(1), Err(RpcError::Gone), "one that sleeps");
    stop(child)?;
    for name in [Name(0x8000_ff00), Name(u32::MAX - 0xff)] {
        ensure_eq!(Server::connect(name)?.call(1), Err(RpcError::Gone), "a name that nobody has");
    }
    Ok(())
}

fn dies() -> Outcome {
    for (service, status) in [(exits as Service, 9), (faults, 128 + SIGSEGV)] {
        let (pid, name) = start(service, Kind::Untrusted)?;
        let server = Server::connect(name)?;
        ensure_eq!(server.call(1), Ok(2), "an answer");
        ensure_eq!(server.call(0), Err(RpcError::Gone), "the last one");
        ensure_eq!(server.call(1), Err(RpcError::Gone), "after it");
        ensure_eq!(wait_for(pid)?, status, "how the server ended");
    }
    Ok(())
}

/// The server lives on without life, since its child borrows its pages: it must answer, or refuse, all the same.
fn dies_lending() -> Outcome {
    for (service, status) in [(exits as Service, 9), (faults, 128 + SIGSEGV)] {
        let board = Board::new()?;
        let pid = spawn(|| {
            let me = exos::memory::myself();
            let client = spawn(|| {
                let ready = board.await_word(0, 1).is_ok();
                let Ok(server) = Server::connect(me) else { return 1 };
                let first = server.call(1);
                let last = [server.call(0), server.call(1), server.call(0)];
                let well = ready && first == Ok(2) && last == [Err(RpcError::Gone); 3];
                board.set(1, if well { 1 } else { 2 });
                0
            });
            if client.is_err() { 1 } else { serve(service, Kind::Untrusted, board) }
        })?;
        ensure_eq!(wait_for(pid)?, status, "how the server ended");
        board.await_word(1, 1)?;
    }
    Ok(())
}

fn executes() -> Outcome {
    let board = Board::new()?;
    let pid = spawn(|| {
        if rpc::offer(add_one, Kind::Untrusted).is_err() {
            return 1;
        }
        board.set(0, 1);
        while board.get(1) == 0 {
            process::give_way();
        }
        exec("posix2", &["posix2", "sleeps"]);
        2
    })?;
    board.await_word(0, 1)?;
    let server = Server::connect(name_of(pid)?)?;
    board.set(1, 1);
    process::sleep(50_000)?;
    ensure_eq!(server.call(1), Err(RpcError::Gone), "a call");
    stop(pid)
}

fn bad_entry() -> Outcome {
    // Not in user code, or not aligned: refused.
    for pc in [0x8004_0000u32, 2] {
        // SAFETY: the entry is refused.
        let refused = unsafe { rpc::offer_leaf(core::mem::transmute::<u32, unsafe extern "C" fn()>(pc)) };
        ensure!(matches!(refused, Err(Error::Invalid)), "{pc:x} is {refused:?}");
    }
    // Where nothing is: the server ends, and the caller goes on.
    let board = Board::new()?;
    let pid = spawn(|| {
        // SAFETY: none of it is ever executed.
        let entry = unsafe { core::mem::transmute::<u32, unsafe extern "C" fn()>(0x5000_0000) };
        // SAFETY: as above.
        if unsafe { rpc::offer_leaf(entry) }.is_err() {
            return 1;
        }
        rpc::serve(|| board.set(0, 1))
    })?;
    board.await_word(0, 1)?;
    let server = Server::connect(name_of(pid)?)?;
    ensure_eq!(server.call(1), Err(RpcError::Gone), "a call");
    ensure_eq!(wait_for(pid)?, 128 + SIGSEGV, "how the server ended");
    Ok(())
}
