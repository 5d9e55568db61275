//! First steps of a process.
#![no_std]
#![no_main]

use exos::vm::Protection;
use exos::{io, println, process, signal, vm};

exos::process!(main);

static mut COUNTER: u32 = 7;

fn main() -> u32 {
    println!("process {} of {}: argument {:?}", process::id(), process::parent_id(), process::argument(0));
    let heap = vm::map::sbrk(100_000).unwrap_or(0);
    println!("heap at {heap:08x}");
    unsafe {
        (heap as *mut u32).add(3000).write_volatile(11);
        COUNTER += 1;
    }
    println!("resident {}", vm::map::resident());
    let (read, write) = io::pipe().expect("a pipe");
    match process::fork() {
        Ok(0) => {
            unsafe { COUNTER += 100 };
            println!("child {} sees {}", process::id(), unsafe {
                (heap as *mut u32).add(3000).read_volatile()
            });
            io::close(read).expect("close");
            io::write(write, b"hello through a pipe").expect("write");
            return 42;
        }
        Ok(child) => {
            io::close(write).expect("close");
            let mut bytes = [0; 64];
            loop {
                let count = io::read(read, &mut bytes).expect("read");
                if count == 0 {
                    break;
                }
                println!("read {:?}", core::str::from_utf8(&bytes[..count]));
            }
            println!("child {child} ended: {:?}", process::wait());
            println!("counter {}", unsafe { COUNTER });
        }
        Err(error) => println!("fork: {error:?}"),
    }
    faults();
    alarm_and_sleep();
    0
}

/// What the fault handler was called for.
static mut LOADS: u32 = 0;
static mut STORES: u32 = 0;

fn faulted() -> (u32, u32) {
    // SAFETY: single-threaded.
    unsafe { (LOADS, STORES) }
}

fn count_and_unprotect(_: &mut exos::exception::Frame, address: u32, store: bool) {
    // SAFETY: single-threaded.
    unsafe {
        if store {
            STORES += 1;
        } else {
            LOADS += 1;
        }
    }
    let _ = vm::protect(address & !4095, 4096, Protection::ReadWrite);
}

/// A page that may be read is read without the handler, though its binding was taken back; what is mapped where a protected
/// page was is not protected.
fn faults() {
    let address = vm::map::map(0, 8192, Protection::ReadWrite).expect("room");
    let word = address as *mut u32;
    // SAFETY: mapped there, both times; single-threaded.
    unsafe {
        word.write_volatile(5);
        word.add(1024).write_volatile(6);
        vm::set_handler(Some(count_and_unprotect));
        vm::protect(address, 8192, Protection::Read).expect("mapped");
        let read = word.read_volatile();
        word.write_volatile(read + 1);
        let (then, (loads, stores)) = (word.read_volatile(), faulted());
        println!("read {read}, then {then}: {loads} loads and {stores} stores faulted");
        vm::protect(address, 4096, Protection::Read).expect("mapped");
        vm::map::unmap(address, 8192).expect("mapped");
        vm::map::map(address, 8192, Protection::ReadWrite).expect("free");
        word.write_volatile(1);
        let fresh = word.add(1024).read_volatile();
        let (loads, stores) = faulted();
        println!("mapped anew, fresh {fresh}: {loads} loads and {stores} stores faulted");
        vm::set_handler(None);
        // An access that nothing allows is the handler's, loads too.
        vm::set_handler(Some(count_and_unprotect));
        vm::protect(address, 8192, Protection::None).expect("mapped");
        let kept = word.read_volatile();
        let (loads, stores) = faulted();
        println!("without access {kept}: {loads} loads and {stores} stores faulted");
        vm::set_handler(None);
    }
}

/// An alarm that is further away leaves a sleep alone.
fn alarm_and_sleep() {
    static mut RANG: u32 = 0;
    let ring: fn(u32) = |_| {
        // SAFETY: single-threaded.
        unsafe { RANG += 1 }
    };
    signal::set_action(signal::SIGALRM, signal::Action::Call(ring)).expect("a signal");
    signal::alarm(300_000);
    let slept = process::sleep(50_000);
    // SAFETY: single-threaded.
    let early = unsafe { RANG };
    let interrupted = process::sleep(10_000_000);
    // SAFETY: as above.
    let rang = unsafe { RANG };
    println!("slept {slept:?} with {early} alarms, then {interrupted:?} with {rang}");
}
