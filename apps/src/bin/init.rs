//! The first environment of a system with processes: owns the time slice, makes the table of processes, starts the second program
//! of the boot image as the first process, and hands out slices until it ends. Its status is the machine's.
#![no_std]
#![no_main]

use exos::println;
use exos::schedule::{Family, Stride};

exos::program!(main);

fn main() -> u32 {
    let started = (|| {
        let mut family = Family::new().map_err(exos::process::ExecError::from)?;
        let mut name = [0; 16];
        let name = exos::spawn::name_of(1, &mut name).ok_or(exos::process::ExecError::NotFound)?;
        let first = family.start(name, &[name], &["PATH=image", "USER=student"])?;
        Ok::<_, exos::process::ExecError>((family, first))
    })();
    match started {
        Ok((mut family, first)) => family.run(first, &mut Stride::new()),
        Err(error) => {
            println!("init: cannot start the first process: {error:?}");
            1
        }
    }
}
