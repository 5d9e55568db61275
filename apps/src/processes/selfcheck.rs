//! First steps of a process.
#![no_std]
#![no_main]

use exos::{io, print, println, process, vm};

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
    print!("");
    0
}
