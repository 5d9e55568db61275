//! The paper's Table 9 in Rust: the naive 150 x 150 integer matrix multiply of ../matrix.c, loop for
//! loop, as a bare program that the model runs without a kernel.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;

const N: usize = 150;
const ROWS: usize = if cfg!(feature = "few-rows") { 30 } else { N };

type Matrix = [[i32; N]; N];

/// The three matrices: memory, as in C, and not the compiler's to foresee.
struct Matrices {
    a: Matrix,
    b: Matrix,
    c: Matrix,
}

static mut MATRICES: Matrices = Matrices { a: [[0; N]; N], b: [[0; N]; N], c: [[0; N]; N] };

fn fill(m: &mut Matrices) {
    for i in 0..N {
        for j in 0..N {
            m.a[i][j] = i as i32 + j as i32;
            m.b[i][j] = i as i32 - j as i32;
        }
    }
}

#[inline(never)]
fn multiply(m: &mut Matrices) {
    for i in 0..ROWS {
        for j in 0..N {
            let mut sum = 0;
            for k in 0..N {
                sum += m.a[i][k] * m.b[k][j];
            }
            m.c[i][j] = sum;
        }
    }
}

/// 0 if the result is right: the sum over k of (3 + k)(k - 5) for i = 3, j = 5.
#[unsafe(no_mangle)]
extern "C" fn main() -> u32 {
    // SAFETY: called once, by `_start`; nothing else refers to the matrices.
    let m = unsafe { &mut *(&raw mut MATRICES) };
    fill(m);
    multiply(m);
    u32::from(m.c[3][5] != 1_089_175)
}

// As ../start.S: ordinary vectors, a stack, main, and main's result as the exit status.
global_asm!(
    ".section .text.start, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl _start",
    "_start:",
    "mtc0 $zero, $12",
    "lui $sp, 0x8040",
    "jal main",
    "nop",
    "lui $8, 0xbfc8",
    "sw $2, 0x40($8)",
    "1: b 1b",
    "nop",
    ".set pop",
);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
