//! cat: copies its standard input to its standard output.
#![no_std]
#![no_main]

use exos::io::IoError;
use exos::{eprintln, io, process};

exos::process!(main);

fn main() -> u32 {
    if process::argument(1).is_some() {
        eprintln!("usage: cat    (there are no files: it copies its standard input)");
        return 2;
    }
    let mut buffer = [0; 512];
    loop {
        match io::read(0, &mut buffer) {
            Ok(0) => return 0,
            Ok(count) => {
                if io::write(1, &buffer[..count]).is_err() {
                    return 1;
                }
            }
            Err(IoError::Interrupted) => {}
            Err(error) => {
                eprintln!("cat: {error}");
                return 1;
            }
        }
    }
}
