//! exec: what the new program is told, what it keeps, and what happens if there is none.

use apps::testing::process::{Board, spawn, status_of};
use apps::testing::{Outcome, Test};
use apps::{ensure, ensure_eq};
use exos::process::arguments::TEXT_BYTES;
use exos::process::{self, ExecError, argument, arguments, environment, exec, set_environment, wait_for};
use exos::signal::{self, Action, SIGALRM, SIGUSR1, SIGUSR2};
use exos::{io, println, vm};

pub const TESTS: &[Test] = &[
    Test { name: "a program finds its arguments", run: told },
    Test { name: "a program finds the environment variables", run: variables },
    Test { name: "a program's memory is new, its number is not", run: fresh },
    Test { name: "a program has the descriptors of the last one", run: descriptors },
    Test { name: "a program has the children of the last one", run: children },
    Test { name: "a program has no handlers, but ignores what was ignored", run: actions },
    Test { name: "an alarm goes on over exec", run: alarm },
    Test { name: "a program that is not there is an error", run: missing },
    Test { name: "a program that is damaged is an error", run: damaged },
    Test { name: "arguments that are too long are an error", run: too_long },
    Test { name: "20 programs, one after the other in one process", run: chain },
];

/// Becomes this program in another part. Comes back only if that is not possible.
fn become_part(part: &str, more: &[&str]) -> u32 {
    let mut words = [""; 8];
    words[0] = "posix";
    words[1] = part;
    words[2..2 + more.len()].copy_from_slice(more);
    println!("exec: {:?}", exec("posix", &words[..2 + more.len()]));
    99
}

static mut DATA: u32 = 5;
static mut BSS: u32 = 0;

/// The parts that this program plays.
pub fn part(part: &str) -> u32 {
    match part {
        "arguments" => {
            let same = arguments().iter().eq(["posix", "arguments", "", "two words", "=", "\u{e4}"]);
            u32::from(!same || argument(6).is_some())
        }
        "variables" => {
            let there = environment("ADDED") == Some("before") && environment("USER") == Some("student");
            u32::from(!there)
        }
        "fresh" => {
            // SAFETY: single-threaded.
            let (data, bss) =
                unsafe { ((&raw const DATA).read_volatile(), (&raw const BSS).read_volatile()) };
            let same = number(2) == process::id() && number(3) == process::parent_id();
            let empty = vm::map::sbrk(0).is_ok_and(|end| end == process::data_end());
            u32::from(data != 5) + 2 * u32::from(bss != 0) + 4 * u32::from(!same) + 8 * u32::from(!empty)
        }
        "writes" => match io::write(number(2) as usize, b"from the program") {
            Ok(16) => 0,
            _ => 1,
        },
        "waits" => match wait_for(number(2)) {
            Ok(status) => status,
            Err(_) => 1,
        },
        "signals" => {
            let me = process::id();
            let ignored = signal::kill(me, SIGUSR2).is_ok();
            // Ends it.
            let _ = signal::kill(me, SIGUSR1);
            u32::from(ignored)
        }
        "sleeps" => {
            let _ = process::sleep(5_000_000);
            1
        }
        "long" => argument(2).map_or(0, |text| text.len() as u32),
        "chain" => match number(2) {
            0 => 33,
            left => {
                let mut digits = [0; 10];
                become_part("chain", &[decimal(left - 1, &mut digits)])
            }
        },
        _ => 98,
    }
}

fn number(index: usize) -> u32 {
    argument(index).and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return core::str::from_utf8(&digits[at..]).unwrap_or("");
        }
    }
}

fn told() -> Outcome {
    let status = status_of(|| become_part("arguments", &["", "two words", "=", "\u{e4}"]))?;
    ensure_eq!(status, 0, "what it found");
    Ok(())
}

fn variables() -> Outcome {
    ensure!(set_environment("ADDED", "before"), "no room");
    ensure_eq!(status_of(|| become_part("variables", &[]))?, 0, "what it found");
    Ok(())
}

fn fresh() -> Outcome {
    let status = status_of(|| {
        // SAFETY: single-threaded.
        unsafe {
            (&raw mut DATA).write_volatile(6);
            (&raw mut BSS).write_volatile(7);
        }
        let _ = vm::map::sbrk(50_000);
        let (mut own, mut parent) = ([0; 10], [0; 10]);
        become_part("fresh", &[decimal(process::id(), &mut own), decimal(process::parent_id(), &mut parent)])
    })?;
    ensure_eq!(status, 0, "data, bss, numbers, heap that are not as they should be");
    Ok(())
}

fn descriptors() -> Outcome {
    let (read, write) = io::pipe()?;
    let child = spawn(|| {
        let moved = io::duplicate_to(write, 9).is_ok() && io::close(read).is_ok() && io::close(write).is_ok();
        if moved { become_part("writes", &["9"]) } else { 97 }
    })?;
    io::close(write)?;
    let mut bytes = [0; 64];
    let count = io::read(read, &mut bytes)?;
    ensure_eq!(&bytes[..count], b"from the program", "what came");
    ensure_eq!(io::read(read, &mut bytes)?, 0, "what came when it had ended");
    ensure_eq!(wait_for(child)?, 0, "its status");
    Ok(())
}

fn children() -> Outcome {
    let status = status_of(|| {
        let Ok(child) = spawn(|| {
            let slept = process::sleep(30_000);
            if slept.is_ok() { 77 } else { 1 }
        }) else {
            return 97;
        };
        become_part("waits", &[decimal(child, &mut [0; 10])])
    })?;
    ensure_eq!(status, 77, "the status of the child");
    Ok(())
}

fn actions() -> Outcome {
    let status = status_of(|| {
        let _ = signal::set_action(SIGUSR1, Action::Call(|_| process::exit(96)));
        let _ = signal::set_action(SIGUSR2, Action::Ignore);
        become_part("signals", &[])
    })?;
    ensure_eq!(status, 128 + SIGUSR1, "how it ended");
    Ok(())
}

fn alarm() -> Outcome {
    let status = status_of(|| {
        signal::alarm(50_000);
        become_part("sleeps", &[])
    })?;
    ensure_eq!(status, 128 + SIGALRM, "how it ended");
    Ok(())
}

/// Tries a program that cannot be executed, as a process that has something to lose.
fn refused(name: &str, arguments: &[&str]) -> Result<ExecError, apps::testing::Failure> {
    let (board, (read, write)) = (Board::new()?, io::pipe()?);
    let _ = signal::set_action(SIGUSR1, Action::Ignore);
    // The first touches what the others find.
    let _ = exec(name, arguments);
    let held = vm::pages::held();
    let mut error = exec(name, arguments);
    for _ in 0..50 {
        error = exec(name, arguments);
    }
    ensure_eq!(vm::pages::held(), held, "pages that it holds");
    board.set(0, 1);
    signal::kill(process::id(), SIGUSR1)?;
    io::write(write, b"x")?;
    ensure_eq!(io::read(read, &mut [0; 4])?, 1, "what the pipe gives");
    ensure_eq!(status_of(|| become_part("long", &["abc"]))?, 3, "a program that is there");
    io::close(read)?;
    io::close(write)?;
    Ok(error)
}

fn missing() -> Outcome {
    for name in ["nothing", "", "posi", "posixx", "a name of more than sixteen bytes"] {
        ensure_eq!(refused(name, &[name])?, ExecError::NotFound, "the error");
    }
    Ok(())
}

fn damaged() -> Outcome {
    // Without an entry, and a program for a bare environment.
    for name in ["damaged", "init"] {
        let error = refused(name, &[name])?;
        ensure!(matches!(error, ExecError::Malformed(_)), "the error of {name} is {error:?}");
    }
    Ok(())
}

fn too_long() -> Outcome {
    static LONG: [u8; TEXT_BYTES] = [b'a'; TEXT_BYTES];
    let long = core::str::from_utf8(&LONG).unwrap_or("");
    ensure_eq!(refused("posix", &[long])?, ExecError::TooLong, "one argument");
    ensure_eq!(refused("posix", &[&long[..16]; 200])?, ExecError::TooLong, "200 arguments");
    // What fits to the byte: the names of the program and its part, the variables, and an end for each.
    let variables = process::arguments::variables().map(|text| text.len() + 1).sum::<usize>();
    let room = TEXT_BYTES - "posix\0long\0\0".len() - variables;
    ensure_eq!(status_of(|| become_part("long", &[&long[..room]]))?, room as u32, "what just fits");
    let error = exec("posix", &["posix", "long", &long[..room + 1]]);
    ensure_eq!(error, ExecError::TooLong, "a byte more");
    Ok(())
}

fn chain() -> Outcome {
    ensure_eq!(status_of(|| become_part("chain", &["20"]))?, 33, "the last one's status");
    Ok(())
}
