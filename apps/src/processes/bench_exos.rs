//! What processes cost, beyond the paper's tables: fork, exec, exit and wait, switches through the scheduler, signals, faults,
//! pipes, the heap; and what the colours of pages cost or save, which is the paper's case for programs that choose
//! their pages (sections 3.1 and 6.2).
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use exos::abi::layout::PAGE_SIZE;
use exos::vm::{self, Colouring, Protection, map};
use exos::{io, println, process, signal};

#[path = "../measure.rs"]
mod measure;

exos::process!(main);

/// Children that are forked before they are waited for.
const CHILDREN: usize = 24;
/// Programs that are executed one after another.
const EXECS: u32 = 32;
/// Pages that are touched for the first time.
const FRESH: u32 = 128;
/// Bytes that go through a pipe.
const BYTES: u32 = 2048 * 1024;

fn main() -> u32 {
    if let Some(left) = process::argument(1).and_then(|text| text.parse().ok()) {
        return step(left);
    }
    measure::calibrate();
    match run() {
        Some(()) => 0,
        None => {
            println!("bench: cannot set up");
            1
        }
    }
}

fn run() -> Option<()> {
    let n = measure::iterations() / 20;
    forks()?;
    execs()?;
    switches(n)?;
    signal::set_action(signal::SIGUSR1, signal::Action::Call(|_| {})).ok()?;
    measure::row_of(n, "exos", "signal", signals, 0, 1);
    measure::row_of(FRESH, "exos", "zero-fill fault", zero_fill, 0, 1);
    copies()?;
    bandwidth()?;
    measure::row_of(n, "exos", "sbrk", heap, 0, 2);
    for (name, colouring) in [
        ("16 pages, colours as they come", Colouring::Any),
        ("16 pages, one colour", Colouring::Same),
        ("16 pages, each its own colour", Colouring::Virtual),
    ] {
        colours(n, name, colouring)?;
    }
    beside(n)
}

/// Prints a trial that was timed here.
fn trial(name: &str, trial: u32, n: u32, begin: u32, end: u32) {
    println!("BENCH exos \"{name}\" {trial} {n} {} at={begin}", end.wrapping_sub(begin));
}

/// Children that wait at a gate; then the gate is opened, and they end.
fn forks() -> Option<()> {
    for number in 0..=3 {
        let (gate, open) = io::pipe().ok()?;
        let begin = exos::call::clock();
        for _ in 0..CHILDREN {
            if process::fork().ok()? == 0 {
                let _ = io::close(open);
                let _ = io::read(gate, &mut [0]);
                process::exit(0);
            }
        }
        let middle = exos::call::clock();
        io::close(gate).ok()?;
        io::close(open).ok()?;
        for _ in 0..CHILDREN {
            process::wait().ok()?;
        }
        let end = exos::call::clock();
        if number > 0 {
            trial("fork", number, CHILDREN as u32, begin, middle);
            trial("exit and wait", number, CHILDREN as u32, middle, end);
        }
    }
    Some(())
}

/// A child executes this program again and again; the last one tells how long it took.
fn execs() -> Option<()> {
    for number in 1..=3 {
        if process::fork().ok()? == 0 {
            start_steps(number);
        }
        process::wait().ok()?;
    }
    Some(())
}

fn start_steps(number: u32) -> ! {
    let mut begin = [0; 10];
    process::set_environment("TRIAL", decimal(number, &mut begin));
    process::set_environment("BEGIN", decimal(exos::call::clock(), &mut begin));
    next_step(EXECS)
}

fn next_step(left: u32) -> ! {
    let mut digits = [0; 10];
    let error = process::exec("bench_exos", &["bench_exos", decimal(left, &mut digits)]);
    println!("bench: exec: {error:?}");
    process::exit(1)
}

fn step(left: u32) -> u32 {
    if left > 1 {
        next_step(left - 1);
    }
    let end = exos::call::clock();
    let number = |name| process::environment(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    trial("exec", number("TRIAL"), EXECS, number("BEGIN"), end);
    0
}

/// A number in decimal.
fn decimal(mut number: u32, into: &mut [u8; 10]) -> &str {
    let mut at = into.len();
    loop {
        at -= 1;
        into[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return core::str::from_utf8(&into[at..]).unwrap_or("0");
        }
    }
}

/// Two processes that give way to each other, through the scheduler.
fn switches(n: u32) -> Option<()> {
    let child = process::fork().ok()?;
    if child == 0 {
        loop {
            process::give_way();
        }
    }
    measure::row_of(n, "exos", "context switch", give_way, 0, 2);
    signal::kill(child, signal::SIGKILL).ok()?;
    process::wait().ok().map(|_| ())
}

/// The same beside more and more processes that wait: for a pipe, which costs nobody anything, and for a time, at which the
/// scheduler has to look.
fn beside(n: u32) -> Option<()> {
    let partner = process::fork().ok()?;
    if partner == 0 {
        loop {
            process::give_way();
        }
    }
    let curves: [(&str, fn(usize)); 2] = [
        ("context switch, others wait", |gate| _ = io::read(gate, &mut [0])),
        ("context switch, others sleep", |_| _ = process::sleep(1_000_000_000)),
    ];
    for (curve, wait) in curves {
        let (gate, open) = io::pipe().ok()?;
        let mut children = [0; 62];
        let mut alive = 2;
        for limit in [2, 8, 16, 32, 64] {
            while alive < limit {
                let child = process::fork().ok()?;
                if child == 0 {
                    let _ = io::close(open);
                    wait(gate);
                    process::exit(0);
                }
                children[alive - 2] = child;
                alive += 1;
            }
            measure::point(n, "processes", curve, alive as u32, give_way_by_switches, 0);
        }
        for child in children {
            signal::kill(child, signal::SIGKILL).ok()?;
            process::wait_for(child).ok()?;
        }
        io::close(gate).ok()?;
        io::close(open).ok()?;
    }
    signal::kill(partner, signal::SIGKILL).ok()?;
    process::wait_for(partner).ok().map(|_| ())
}

/// So many switches: two each time that this process gives way and gets the processor back.
extern "C" fn give_way_by_switches(n: u32, _: u32) -> u32 {
    give_way(n / 2, 0)
}

extern "C" fn give_way(n: u32, _: u32) -> u32 {
    for _ in 0..n {
        process::give_way();
    }
    0
}

extern "C" fn signals(n: u32, _: u32) -> u32 {
    let me = process::id();
    (0..n).map(|_| u32::from(signal::kill(me, signal::SIGUSR1).is_err())).sum()
}

fn touch_pages(address: u32, count: u32) {
    for index in 0..count {
        // SAFETY: mapped there.
        unsafe { ((address + index * PAGE_SIZE) as *mut u32).write_volatile(index) };
    }
}

extern "C" fn zero_fill(n: u32, _: u32) -> u32 {
    let Ok(address) = map::map(0, n * PAGE_SIZE, Protection::ReadWrite) else { return 1 };
    touch_pages(address, n);
    u32::from(map::unmap(address, n * PAGE_SIZE).is_err())
}

/// A child writes what its parent has written.
fn copies() -> Option<()> {
    const COPIED: u32 = 64;
    let address = map::map(0, COPIED * PAGE_SIZE, Protection::ReadWrite).ok()?;
    touch_pages(address, COPIED);
    for number in 1..=3 {
        if process::fork().ok()? == 0 {
            let begin = exos::call::clock();
            touch_pages(address, COPIED);
            trial("copy-on-write fault", number, COPIED, begin, exos::call::clock());
            process::exit(0);
        }
        process::wait().ok()?;
    }
    map::unmap(address, COPIED * PAGE_SIZE).ok()
}

/// A child writes, this process reads; the first pass warms up.
fn bandwidth() -> Option<()> {
    const PASSES: u32 = 4;
    let (read, write) = io::pipe().ok()?;
    if process::fork().ok()? == 0 {
        let _ = io::close(read);
        let block = [7; 1024];
        for _ in 0..PASSES * BYTES / 1024 {
            let _ = io::write(write, &block);
        }
        process::exit(0);
    }
    io::close(write).ok()?;
    let mut block = [0; 1024];
    for number in 0..PASSES {
        let begin = exos::call::clock();
        let mut count = 0;
        while count < BYTES {
            count += io::read(read, &mut block).ok().filter(|bytes| *bytes > 0)? as u32;
        }
        let end = exos::call::clock();
        if number > 0 {
            trial("pipe bandwidth (a KB)", number, BYTES / 1024, begin, end);
        }
    }
    io::close(read).ok()?;
    process::wait().ok().map(|_| ())
}

extern "C" fn heap(n: u32, _: u32) -> u32 {
    for _ in 0..n {
        let _ = map::sbrk(PAGE_SIZE as i32);
        let _ = map::sbrk(-(PAGE_SIZE as i32));
    }
    0
}

/// Sums sixteen pages, as much as the data cache holds, again and again.
fn colours(n: u32, name: &str, colouring: Colouring) -> Option<()> {
    vm::pages::set_colouring(colouring);
    let address = map::map(0, 16 * PAGE_SIZE, Protection::ReadWrite).ok()?;
    touch_pages(address, 16);
    vm::pages::set_colouring(Colouring::Virtual);
    measure::row_of((n / 100).max(8), "exos", name, sum, address, 1);
    map::unmap(address, 16 * PAGE_SIZE).ok()
}

extern "C" fn sum(n: u32, address: u32) -> u32 {
    let mut total = 0u32;
    for _ in 0..n {
        // A line of each page, then the next one of each: the pages meet where their colours do.
        for line in 0..64 {
            for page in 0..16 {
                // SAFETY: mapped there.
                total = total.wrapping_add(unsafe {
                    ((address + page * PAGE_SIZE + line * 16) as *const u32).read_volatile()
                });
            }
        }
    }
    total
}
