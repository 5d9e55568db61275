//! head [N]: copies the first N lines, ten if it is not told, of its standard input.
#![no_std]
#![no_main]

use exos::{eprintln, io, process};

exos::process!(main);

fn main() -> u32 {
    let wanted = process::argument(1).map_or(Ok(10u32), |text| text.trim_start_matches(['-', 'n']).parse());
    let Ok(mut left) = wanted else {
        eprintln!("usage: head [N]    (the first N lines of its standard input)");
        return 2;
    };
    let mut buffer = [0; 512];
    while left > 0 {
        let count = match io::read(0, &mut buffer) {
            Ok(0) => return 0,
            Ok(count) => count,
            Err(io::IoError::Interrupted) => continue,
            Err(_) => return 1,
        };
        let mut end = 0;
        while left > 0
            && let Some(line) = buffer[end..count].iter().position(|byte| *byte == b'\n')
        {
            end += line + 1;
            left -= 1;
        }
        if io::write(1, &buffer[..if left == 0 { end } else { count }]).is_err() {
            return 1;
        }
    }
    0
}
