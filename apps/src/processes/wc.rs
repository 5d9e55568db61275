//! wc: counts the lines, words and bytes of its standard input.
#![no_std]
#![no_main]

use exos::{eprintln, io, println};

exos::process!(main);

fn main() -> u32 {
    let (mut lines, mut words, mut bytes, mut in_word) = (0u32, 0u32, 0u32, false);
    let mut buffer = [0; 512];
    loop {
        match io::read(0, &mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                bytes += count as u32;
                for byte in &buffer[..count] {
                    lines += u32::from(*byte == b'\n');
                    words += u32::from(!in_word && !byte.is_ascii_whitespace());
                    in_word = !byte.is_ascii_whitespace();
                }
            }
            Err(io::IoError::Interrupted) => {}
            Err(error) => {
                eprintln!("wc: {error}");
                return 1;
            }
        }
    }
    println!("{lines} {words} {bytes}");
    0
}
