//! Faults: each ends its program, with a signal in the status, while everything else goes on.

use apps::ensure_eq;
use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Failure, Outcome, Test};
use exos::abi::layout::{ANY, PAGE_SIZE};
use exos::abi::{Capability, Error};
use exos::call;
use exos::process::{self, wait_for};
use exos::signal::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGSYS, SIGTRAP, kill};
use exos::vm::map::{self, Protection};
use exos::vm::{self, VmError, protect};

pub const TESTS: &[Test] = &[
    Test { name: "a bad address is SIGSEGV", run: addresses },
    Test { name: "an address that is not aligned is SIGBUS", run: unaligned },
    Test { name: "what is protected is SIGSEGV", run: protected },
    Test { name: "a protection that is refused changes nothing", run: refused },
    Test { name: "a fault handler is asked about protected pages alone", run: watched },
    Test { name: "a stack without end is SIGSEGV", run: stack },
    Test { name: "an instruction that cannot be done is a signal", run: instructions },
    Test { name: "arithmetic that Rust refuses is SIGABRT", run: arithmetic },
    Test { name: "while programs end so, others go on", run: others },
];

/// Addresses without anything: behind nothing, a hole, behind the heap, the top of the user's, the kernel's.
const NOWHERE: [u32; 6] = [0, 0x0007_7000, 0x5000_0000, 0x0f00_0000, 0x8000_0000, 0xffff_fffc];

fn addresses() -> Outcome {
    for address in NOWHERE {
        // SAFETY: not at all, here and below: that is the point.
        let reads = status_of(|| unsafe { (address as *const u32).read_volatile() & 0 })?;
        ensure_eq!(reads, 128 + SIGSEGV, "reading {address:x}");
        let writes = status_of(|| {
            // SAFETY: as above.
            unsafe { (address as *mut u32).write_volatile(0) };
            0
        })?;
        ensure_eq!(writes, 128 + SIGSEGV, "writing {address:x}");
        let jumps = status_of(|| {
            // SAFETY: as above. (A null function is not for Rust to call.)
            let function: extern "C" fn() = unsafe { core::mem::transmute(address.max(4)) };
            function();
            0
        })?;
        ensure_eq!(jumps, 128 + SIGSEGV, "jumping to {address:x}");
    }
    Ok(())
}

/// A page that may be read, and not written, by its capabilities: a signal for what was never allowed, not a bus error for
/// what cannot be had.
fn refused() -> Outcome {
    let share = map::new_shared(ANY)?;
    let read_only = map::Share { write: Capability::NONE, ..share };
    let address = map::map_shared(0, read_only, Protection::Read)?;
    let denied = Err(VmError::Refused(Error::Denied));
    ensure_eq!(protect(address, 4096, Protection::ReadWrite), denied, "the right to write");
    let writes = status_of(|| {
        // SAFETY: mapped; that it faults is the point.
        unsafe { (address as *mut u32).write_volatile(1) };
        0
    })?;
    ensure_eq!(writes, 128 + SIGSEGV, "writing it");
    protect(address, 4096, Protection::None)?;
    ensure_eq!(protect(address, 4096, Protection::ReadWrite), denied, "the right to write, again");
    // SAFETY: as above.
    let reads = status_of(|| unsafe { (address as *const u32).read_volatile() & 0 })?;
    ensure_eq!(reads, 128 + SIGSEGV, "reading it without the right");
    Ok(())
}

fn watched() -> Outcome {
    let address = map::map(0, 300 * PAGE_SIZE, Protection::ReadWrite)?;
    let store = |page: u32| {
        // SAFETY: mapped; what faults is what the handler is asked about.
        unsafe { ((address + page * PAGE_SIZE) as *mut u32).write_volatile(page) };
    };
    let asked = status_of(|| {
        vm::set_handler(Some(|_, _, _| process::exit(1)));
        // A long range, then a short one behind it: what lies behind that is not protected.
        let ranges = [(0, 200), (200, 10)];
        if ranges.iter().any(|(first, count)| {
            protect(address + first * PAGE_SIZE, count * PAGE_SIZE, Protection::Read).is_err()
        }) {
            return 2;
        }
        (210..300).for_each(store);
        vm::set_handler(Some(|_, _, _| process::exit(7)));
        store(205);
        0
    })?;
    ensure_eq!(asked, 7, "stores to pages that are not protected, then to one that is");
    Ok(())
}

fn unaligned() -> Outcome {
    let board = [0u32; 4];
    for offset in 1..4 {
        let address = board.as_ptr() as u32 + offset;
        let words = [0x8c82_0000, 0x03e0_0008, 0]; // lw v0, 0(a0); jr ra; nop
        ensure_eq!(status_of(|| execute(&words, address))?, 128 + SIGBUS, "a word at {offset}");
    }
    Ok(())
}

fn protected() -> Outcome {
    let memory = map::map(0, 8192, Protection::ReadWrite)?;
    let word = memory as *mut u32;
    // SAFETY: mapped just now.
    unsafe { word.write_volatile(1) };
    exos::vm::protect(memory, 4096, Protection::Read)?;
    let store = || {
        // SAFETY: mapped, and not to be written.
        unsafe { word.write_volatile(2) };
        0
    };
    // SAFETY: mapped, to be read.
    ensure_eq!(status_of(|| unsafe { word.read_volatile() })?, 1, "reading what may be read");
    ensure_eq!(status_of(store)?, 128 + SIGSEGV, "writing what may only be read");
    exos::vm::protect(memory, 4096, Protection::None)?;
    // SAFETY: mapped, and not to be read.
    ensure_eq!(status_of(|| unsafe { word.read_volatile() })?, 128 + SIGSEGV, "reading what may not");
    map::unmap(memory, 8192)?;
    ensure_eq!(status_of(store)?, 128 + SIGSEGV, "writing what was unmapped");
    // The code is everybody's.
    let code = addresses as *const () as u32;
    let status = status_of(|| {
        // SAFETY: not at all.
        unsafe { (code as *mut u32).write_volatile(0) };
        0
    })?;
    ensure_eq!(status, 128 + SIGSEGV, "writing code");
    Ok(())
}

fn stack() -> Outcome {
    #[inline(never)]
    fn descend(depth: u32) -> u32 {
        let place = core::hint::black_box([depth; 256]);
        if depth == u32::MAX { 0 } else { descend(depth + 1).wrapping_add(place[depth as usize % 256]) }
    }
    ensure_eq!(status_of(|| descend(0))?, 128 + SIGSEGV, "how it ended");
    Ok(())
}

/// Executes instructions, with an argument. Only in a child.
fn execute(words: &[u32], argument: u32) -> u32 {
    let Ok(share) = map::new_shared(ANY) else { return 1 };
    let Ok(address) = map::map_shared(0, share, Protection::ReadWrite) else { return 2 };
    for (index, word) in words.iter().enumerate() {
        // SAFETY: mapped just now.
        unsafe { (address as *mut u32).add(index).write_volatile(*word) };
    }
    let [low, high] = share.read.words();
    if call::cache_flush(share.page, low, high).is_err() {
        return 3;
    }
    // SAFETY: as good as the instructions are.
    let function: extern "C" fn(u32) -> u32 = unsafe { core::mem::transmute(address) };
    function(argument)
}

/// Instructions, and the signal that they are.
const INSTRUCTIONS: &[(u32, u32)] = &[
    (0x0000_003f, SIGILL),  // reserved
    (0xec00_0000, SIGILL),  // reserved
    (0x4400_0000, SIGILL),  // the floating-point coprocessor, which is not there
    (0x4080_6000, SIGILL),  // mtc0, which is the kernel's
    (0x0000_000d, SIGTRAP), // break
    (0x0084_1020, SIGFPE),  // add v0, a0, a0: overflows
];

fn instructions() -> Outcome {
    const RETURN: [u32; 2] = [0x03e0_0008, 0];
    for (instruction, signal) in INSTRUCTIONS.iter().copied() {
        let words = [instruction, RETURN[0], RETURN[1]];
        let status = status_of(|| execute(&words, 0x7fff_ffff))?;
        ensure_eq!(status, 128 + signal, "{instruction:x}");
    }
    // A call that there is not: li v0, 0x2ff8; syscall.
    let words = [0x2402_2ff8, 0x0000_000c, RETURN[0], RETURN[1]];
    ensure_eq!(status_of(|| execute(&words, 0))?, 128 + SIGSYS, "a call that there is not");
    // And that good ones are not: addiu v0, a0, 1.
    let words = [0x2482_0001, RETURN[0], RETURN[1]];
    ensure_eq!(status_of(|| execute(&words, 41))?, 42, "what good ones answer");
    Ok(())
}

fn arithmetic() -> Outcome {
    let (one, zero) = (core::hint::black_box(1u32), core::hint::black_box(0u32));
    ensure_eq!(status_of(|| one / zero)?, 128 + SIGABRT, "dividing by zero");
    let least = core::hint::black_box(i32::MIN);
    ensure_eq!(status_of(|| (least / -(one as i32)) as u32)?, 128 + SIGABRT, "dividing too far");
    ensure_eq!(status_of(|| [1, 2, 3][(one + 2) as usize])?, 128 + SIGABRT, "behind the end of an array");
    Ok(())
}

fn others() -> Outcome {
    let board = Board::new()?;
    let mut workers = [0; 3];
    for (index, worker) in workers.iter_mut().enumerate() {
        *worker = spawn(|| {
            let memory = map::map(0, 16 * 4096, Protection::ReadWrite).unwrap_or(0);
            for round in 0u32.. {
                for page in 0..16 {
                    let word = (memory + page * 4096) as *mut u32;
                    // SAFETY: mapped just now.
                    unsafe {
                        if round > 0 && word.read_volatile() != round + page {
                            return 1;
                        }
                        word.write_volatile(round + 1 + page);
                    }
                }
                board.add(index, 1);
            }
            2
        })?;
    }
    for _ in 0..10 {
        let before: [u32; 3] = core::array::from_fn(|index| board.get(index));
        // SAFETY: not at all.
        let status = status_of(|| unsafe { (0x5000_0000 as *const u32).read_volatile() })?;
        ensure_eq!(status, 128 + SIGSEGV, "how it ended");
        let mut patience = 10_000;
        while (0..3).any(|index| board.get(index) == before[index]) {
            process::give_way();
            patience -= 1;
            if patience == 0 {
                return Err(Failure::new(format_args!("somebody does not go on")));
            }
        }
    }
    for worker in workers {
        kill(worker, SIGKILL)?;
        ensure_eq!(wait_for(worker)?, 128 + SIGKILL, "how a worker ended");
    }
    Ok(())
}
