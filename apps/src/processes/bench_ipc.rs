//! Table 8: interprocess communication between two processes, and Table 12: calls that trust the server. The method is the
//! paper's: a counter is ping-ponged; pipe, pipe' and shm are one way, half of a round trip; lrpc and tlrpc are the
//! round trip of a call that increments the server's counter.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;
use core::mem::offset_of;

use exos::abi::Name;
use exos::abi::environment::EnvironmentPage;
use exos::abi::layout::{ANY, ENVIRONMENT_PAGE};
use exos::pipe::Ring;
use exos::rpc::{self, Kind, Server, TrustedServer};
use exos::vm::map::{self, Protection};
use exos::{io, memory, println, process, signal};

#[path = "../measure.rs"]
mod measure;

exos::process!(main);

fn main() -> u32 {
    measure::calibrate();
    match pipes().and_then(|()| shared_memory()).and_then(|()| calls()) {
        Some(()) => 0,
        None => {
            println!("bench: cannot set up");
            1
        }
    }
}

/// The ends of two pipes: descriptors, then the rings themselves.
static mut ENDS: (usize, usize) = (0, 0);
static mut RINGS: Option<(Ring, Ring)> = None;

/// Pipes as functions (`pipe`), and inlined (`pipe'`).
fn pipes() -> Option<()> {
    let (to_child, from_parent) = {
        let (read, write) = io::pipe().ok()?;
        (write, read)
    };
    let (from_child, to_parent) = io::pipe().ok()?;
    let parent = [io::ring_of(to_child)?, io::ring_of(from_child)?];
    if process::fork().ok()? == 0 {
        io::close(to_child).ok()?;
        io::close(from_child).ok()?;
        let mut word = [0; 4];
        // The first byte says which: a word of zeroes at the end of the first kind.
        while io::read(from_parent, &mut word) == Ok(4) && word != [0; 4] {
            let next = u32::from_le_bytes(word).wrapping_add(1);
            io::write(to_parent, &next.to_le_bytes()).ok()?;
        }
        let (read, write) = (io::ring_of(from_parent)?, io::ring_of(to_parent)?);
        while read.read(&mut word) == Ok(4) {
            let next = u32::from_le_bytes(word).wrapping_add(1);
            write.write(&next.to_le_bytes()).ok()?;
        }
        process::exit(0);
    }
    io::close(from_parent).ok()?;
    io::close(to_parent).ok()?;
    // SAFETY: single-threaded, and the loops alone read them.
    unsafe {
        ENDS = (to_child, from_child);
        RINGS = Some((parent[0], parent[1]));
    }
    let n = measure::iterations() / 8;
    measure::row_of(n, "8", "pipe", pipe_as_functions, 0, 2);
    io::write(to_child, &[0; 4]).ok()?;
    measure::row_of(n, "8", "pipe'", pipe_inlined, 0, 2);
    io::close(to_child).ok()?;
    io::close(from_child).ok()?;
    process::wait().ok().map(|_| ())
}

extern "C" fn pipe_as_functions(n: u32, _: u32) -> u32 {
    // SAFETY: written before.
    let (to, from) = unsafe { ENDS };
    let mut word = 1u32.to_le_bytes();
    for _ in 0..n {
        let _ = io::write(to, &word);
        let _ = io::read(from, &mut word);
    }
    u32::from_le_bytes(word)
}

extern "C" fn pipe_inlined(n: u32, _: u32) -> u32 {
    // SAFETY: written before.
    let Some((to, from)) = (unsafe { RINGS }) else { return 0 };
    let mut word = 1u32.to_le_bytes();
    for _ in 0..n {
        let _ = to.write(&word);
        let _ = from.read(&mut word);
    }
    u32::from_le_bytes(word)
}

static mut PEER: Name = Name::NOBODY;

/// A counter in shared memory, incremented in turns; who finds that it is not its turn yields to the other.
fn shared_memory() -> Option<()> {
    let share = map::new_shared(ANY).ok()?;
    let address = map::map_shared(0, share, Protection::ReadWrite).ok()?;
    let parent = memory::myself();
    let child = process::fork().ok()?;
    if child == 0 {
        take_turns(u32::MAX, address, 1, parent);
        process::exit(0);
    }
    // SAFETY: single-threaded.
    unsafe { PEER = process::environment_of(child)? };
    measure::row_of(measure::iterations() / 4, "8", "shm", shm, address, 2);
    signal::kill(child, signal::SIGKILL).ok()?;
    process::wait().ok()?;
    map::unmap(address, 4096).ok()?;
    map::free_shared(share).ok()
}

extern "C" fn shm(n: u32, address: u32) -> u32 {
    // SAFETY: written before.
    take_turns(n, address, 0, unsafe { PEER });
    0
}

#[inline(always)]
fn take_turns(n: u32, address: u32, parity: u32, peer: Name) {
    let counter = address as *mut u32;
    for _ in 0..n {
        // SAFETY: mapped there, shared.
        unsafe {
            while counter.read_volatile() & 1 != parity {
                if process::yield_to(peer).is_err() {
                    return;
                }
            }
            counter.write_volatile(counter.read_volatile().wrapping_add(1));
        }
        let _ = process::yield_to(peer);
    }
}

static mut COUNTER: u32 = 0;

extern "C" fn count(add: u32) -> u32 {
    // SAFETY: single-threaded.
    unsafe {
        COUNTER = COUNTER.wrapping_add(add);
        COUNTER
    }
}

/// How the server serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Serving {
    Untrusted,
    Trusted,
    Leaf,
}

fn server(serving: Serving) -> Option<(u32, Name)> {
    let (read, write) = io::pipe().ok()?;
    let child = process::fork().ok()?;
    if child == 0 {
        let offered = match serving {
            Serving::Untrusted => rpc::offer(count, Kind::Untrusted),
            Serving::Trusted => rpc::offer(count, Kind::Trusted),
            // SAFETY: it keeps all registers but those that hold the answer, and transfers back.
            Serving::Leaf => unsafe { rpc::offer_leaf(leaf) },
        };
        if offered.is_err() {
            process::exit(1);
        }
        let _ = io::write(write, b"!");
        if serving == Serving::Leaf { rpc::serve_leaf() } else { rpc::serve(|| {}) }
    }
    let mut byte = [0];
    io::read(read, &mut byte).ok()?;
    io::close(read).ok()?;
    io::close(write).ok()?;
    Some((child, process::environment_of(child)?))
}

fn end(child: u32) -> Option<()> {
    signal::kill(child, signal::SIGKILL).ok()?;
    process::wait_for(child).ok().map(|_| ())
}

fn calls() -> Option<()> {
    let (child, name) = server(Serving::Untrusted)?;
    // SAFETY: single-threaded.
    unsafe { SERVER = Some(Server::connect(name).ok()?) };
    measure::row("8", "lrpc", lrpc, 1, 1);
    measure::row("12", "lrpc", lrpc, 1, 1);
    end(child)?;
    let (child, name) = server(Serving::Leaf)?;
    // SAFETY: the leaf below keeps all registers; single-threaded.
    unsafe { TRUSTED = Some(TrustedServer::connect(name).ok()?) };
    measure::row("12", "tlrpc", tlrpc, 1, 1);
    end(child)?;
    let (child, name) = server(Serving::Trusted)?;
    // SAFETY: as above.
    unsafe { TRUSTED = Some(TrustedServer::connect(name).ok()?) };
    measure::row("exos", "tlrpc to a function in Rust", tlrpc, 1, 1);
    end(child)
}

static mut SERVER: Option<Server> = None;
static mut TRUSTED: Option<TrustedServer> = None;

extern "C" fn lrpc(n: u32, add: u32) -> u32 {
    // SAFETY: written before.
    let Some(server) = (unsafe { SERVER }) else { return 0 };
    (0..n).fold(0, |_, _| server.call(add).unwrap_or(0))
}

extern "C" fn tlrpc(n: u32, add: u32) -> u32 {
    // SAFETY: written before.
    let Some(server) = (unsafe { TRUSTED }) else { return 0 };
    let mut last = 0;
    for _ in 0..n {
        if let Ok(value) = server.call(add) {
            last = value;
        }
    }
    last
}

unsafe extern "C" {
    fn leaf();
}

global_asm!(
    ".pushsection .text.hot.leaf, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // Adds a0 to its counter, answers it in v1 and transfers back.
    ".align 4",
    "leaf:",
    "lui $8, %hi(LEAF_COUNTER)",
    "lw $3, %lo(LEAF_COUNTER)($8)",
    "lw $2, {CALLER}($zero)",
    "addu $3, $3, $4",
    "sw $3, %lo(LEAF_COUNTER)($8)",
    "move $4, $zero",
    "syscall",
    "break", // the caller is gone
    "nop",
    ".set pop",
    ".popsection",
    CALLER = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, caller),
);

#[unsafe(no_mangle)]
static mut LEAF_COUNTER: u32 = 0;
