//! crash [HOW]: ends as programs should not, to show what the system makes of it: a report, and everything else goes on.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::asm;
use core::hint::black_box;

use exos::{eprintln, process};

exos::process!(main);

const HOW: &[(&str, fn())] = &[
    ("null", null),
    ("write", write),
    ("kernel", kernel),
    ("unaligned", unaligned),
    ("illegal", illegal),
    ("overflow", overflow),
    ("syscall", syscall),
    ("stack", || _ = stack(0)),
    ("panic", || panic!("as it was told")),
];

fn main() -> u32 {
    let how = process::argument(1).unwrap_or("null");
    if let Some((_, crash)) = HOW.iter().find(|(name, _)| *name == how) {
        crash();
    }
    eprintln!(
        "usage: crash [HOW]    (null, write, kernel, unaligned, illegal, overflow, syscall, stack or panic)"
    );
    2
}

fn read(address: u32) {
    // SAFETY: none is claimed: the fault is what it is for.
    unsafe { asm!("lw $0, 0($8)", in("$8") black_box(address)) }
}

fn null() {
    read(0);
}

fn write() {
    // SAFETY: as above; the program's code is read-only.
    unsafe { asm!("sw $0, 0($8)", in("$8") black_box(0x1_0000)) }
}

fn kernel() {
    read(0x8000_0000);
}

fn unaligned() {
    read(0x10_0002);
}

fn illegal() {
    // Not among the code, which is checked to be an R3000's: an instruction that no MIPS has.
    static WORD: u32 = 0x7fff_ffff;
    // SAFETY: as above.
    unsafe { asm!("jr $8", "nop", in("$8") black_box(&raw const WORD)) }
}

fn overflow() {
    // SAFETY: as above: a trapping addition.
    unsafe { asm!("add $8, $8, $8", inout("$8") black_box(i32::MAX) => _) }
}

fn syscall() {
    // SAFETY: as above: no call of Aegis's.
    unsafe { asm!("syscall", in("$2") 4001, out("$3") _) }
}

#[allow(unconditional_recursion, reason = "until the stack is full")]
fn stack(depth: u32) -> u32 {
    let frame = black_box([depth; 1000]);
    stack(depth + 1) + frame[0]
}
