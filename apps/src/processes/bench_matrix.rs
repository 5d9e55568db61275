//! Table 9: the naive multiplication of two 150 x 150 matrices of integers, in ordinary memory, pages as they come.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use exos::println;
use exos::vm::{Protection, map};

#[path = "../measure.rs"]
mod measure;

exos::process!(main);

const N: usize = 150;

type Matrix = [[i32; N]; N];

fn main() -> u32 {
    measure::calibrate();
    let bytes = size_of::<Matrix>() as u32 * 3;
    let Ok(address) = map::map(0, bytes, Protection::ReadWrite) else {
        println!("bench: no memory");
        return 1;
    };
    // SAFETY: mapped there, all zeroes; the three are this function's alone.
    let [a, b, _] = unsafe { &mut *(address as *mut [Matrix; 3]) };
    for row in 0..N {
        for column in 0..N {
            a[row][column] = (row + column) as i32;
            b[row][column] = row as i32 - column as i32;
        }
    }
    measure::row_of(1, "9", "matrix", multiply, address, 1);
    0
}

extern "C" fn multiply(n: u32, address: u32) -> u32 {
    // SAFETY: the three matrices of `main`.
    let [a, b, c] = unsafe { &mut *(address as *mut [Matrix; 3]) };
    for _ in 0..n {
        for row in 0..N {
            for column in 0..N {
                let mut sum = 0i32;
                for inner in 0..N {
                    sum = sum.wrapping_add(a[row][inner].wrapping_mul(b[inner][column]));
                }
                c[row][column] = sum;
            }
        }
    }
    c[N - 1][N - 1] as u32
}
