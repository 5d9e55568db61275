//! The server of Table 6: increments s3 and transfers back to the environment named in s2.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;

use exos::abi::Name;
use exos::start::START_PAGE;
use exos::{println, slice, transfer};

exos::program!(main);

fn main() -> u32 {
    let shared = START_PAGE as *mut u32;
    // SAFETY: the page that the spawner shares is mapped there; its first word is the spawner's name.
    let parent = Name(unsafe { shared.read_volatile() });
    let bound = transfer::bind_synchronous(serve as *const () as u32)
        .and_then(|()| transfer::bind_asynchronous(serve_asynchronous as *const () as u32));
    if let Err(error) = bound {
        println!("server: cannot bind: {error:?}");
        return 1;
    }
    // SAFETY: as above; the second word says that the server is ready.
    unsafe { shared.add(1).write_volatile(1) };
    // Transfers enter at `serve`; the main program has nothing to do.
    while slice::yield_to(parent).is_ok() {}
    0
}

unsafe extern "C" {
    fn serve();
    fn serve_asynchronous();
}

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".align 4",
    "serve_asynchronous:",
    "nop",
    "serve:",
    "addiu $19, $19, 1",
    "move $2, $18",
    "serve_call:",
    "syscall",
    "break", // refused
    "nop",
    ".set pop",
    ".popsection",
);
