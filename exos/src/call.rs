//! A stub for each call of Aegis.
//!
//! Calls without a stack are inlined: they alter no register but their result. The others are small
//! functions in assembly, since the compiler cannot be told inline that HI and LO are lost. The
//! kernel reads its fifth to eighth argument from t0..t3, C passes them on the stack.

use core::arch::{asm, global_asm};

use aegis_abi::{Call, Error};

fn result(answer: u64) -> Result<u32, Error> {
    match Error::from_code(answer as u32) {
        None => Ok((answer >> 32) as u32),
        Some(error) => Err(error),
    }
}

/// Makes a call without a stack.
#[inline(always)]
fn direct(call: Call) -> u32 {
    let value;
    // SAFETY: calls of this kind read no register but v0 and alter none but v0 and v1.
    unsafe {
        asm!("syscall", inlateout("$2") call.number() => _, lateout("$3") value, options(nostack));
    }
    value
}

macro_rules! stub {
    ($(#[$doc:meta])* $variant:ident $function:ident NoStack ()) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $function() -> u32 {
            direct(Call::$variant)
        }
    };
    ($(#[$doc:meta])* $variant:ident $function:ident Stack ($a:ident, $b:ident, $c:ident, $d:ident, $($more:ident),+)) => {
        stub!(@ $(#[$doc])* $variant $function ($a $b $c $d $($more)+)
            "lw $8, 16($sp)\nlw $9, 20($sp)\nlw $10, 24($sp)\nlw $11, 28($sp)\n");
    };
    ($(#[$doc:meta])* $variant:ident $function:ident Stack ($($argument:ident),*)) => {
        stub!(@ $(#[$doc])* $variant $function ($($argument)*) "");
    };
    ($(#[$doc:meta])* $variant:ident $function:ident Primitive ($($argument:ident),*)) => {
        // Refused, it is an exception, which the library turns into an answer (exception.rs).
        stub!(@ $(#[$doc])* $variant $function ($($argument)*) "");
    };
    (@ $(#[$doc:meta])* $variant:ident $function:ident ($($argument:ident)*) $load:literal) => {
        global_asm!(
            concat!(
                ".pushsection .text.hot.", stringify!($function), ", \"ax\", @progbits\n.set push\n.set noreorder\n.globl exos_", stringify!($function),
                "\nexos_", stringify!($function), ":\n", $load, "li $2, {number}\nsyscall\njr $31\nnop\n.set pop\n.popsection"
            ),
            number = const Call::$variant as u32,
        );
        $(#[$doc])*
        ///
        /// # Errors
        /// Those that the table of calls lists.
        pub fn $function($($argument: u32),*) -> Result<u32, Error> {
            unsafe extern "C" {
                #[link_name = concat!("exos_", stringify!($function))]
                fn stub($($argument: u32),*) -> u64;
            }
            // SAFETY: Aegis checks every argument, and keeps what C says that a callee keeps.
            result(unsafe { stub($($argument),*) })
        }
    };
}

macro_rules! stubs {
    ($( $(#[$doc:meta])* $slot:literal $variant:ident $function:ident $path:ident ($($argument:ident),*) -> $result:ident [$($error:ident),*] $paper:literal; )*) => {
        $( stub!($(#[$doc])* $variant $function $path ($($argument),*)); )*
    };
}

aegis_abi::for_each_call!(stubs);

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".globl exos_raw_call",
    "exos_raw_call:",
    "move $2, $4",
    "move $3, $5",
    "lw $4, 0($3)",
    "lw $5, 4($3)",
    "lw $6, 8($3)",
    "lw $7, 12($3)",
    "lw $8, 16($3)",
    "lw $9, 20($3)",
    "lw $10, 24($3)",
    "lw $11, 28($3)",
    "syscall",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
);

/// [`tlb_write`], for who looks at nothing but the sign of the answer: the word that Aegis leaves in `v0`.
#[inline(always)]
pub(crate) fn tlb_write_code(address: u32, entry: u32, low: u32, high: u32) -> u32 {
    unsafe extern "C" {
        fn exos_tlb_write(address: u32, entry: u32, low: u32, high: u32) -> u64;
    }
    // SAFETY: as the stubs above.
    unsafe { exos_tlb_write(address, entry, low, high) as u32 }
}

/// Makes a call with any number and arguments: for programs that try what Aegis does then. The
/// answer is `v0` in the low word, `v1` in the high one.
#[must_use]
pub fn raw(number: u32, arguments: [u32; 8]) -> u64 {
    unsafe extern "C" {
        fn exos_raw_call(number: u32, arguments: *const u32) -> u64;
    }
    // SAFETY: whatever the call is, it keeps what C says that a callee keeps, or does not return.
    unsafe { exos_raw_call(number, arguments.as_ptr()) }
}
