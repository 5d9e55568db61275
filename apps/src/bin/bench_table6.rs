//! Table 6: protected control transfer, call plus reply halved; a counter is incremented and a
//! branch taken in each round trip, no register is saved.
//!
//! The register file is the message: s1 holds the server's name, s2 the client's, s0 the client's
//! count, s3 the server's counter. Asynchronous transfers are measured the same way beside.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

use core::arch::global_asm;

use exos::abi::Name;
use exos::spawn::spawn;
use exos::{memory, println, transfer};

#[path = "../measure.rs"]
mod measure;

exos::program!(main);

fn main() -> u32 {
    let server = match spawn("transfer_server", &[memory::myself().0, 0]) {
        Ok(server) => server,
        Err(error) => {
            println!("bench: no server: {error:?}");
            return 1;
        }
    };
    let ready = transfer::bind_synchronous(client_again as *const () as u32)
        .and_then(|()| transfer::bind_asynchronous(client_answered as *const () as u32))
        .and_then(|()| {
            // It may take more than what is left of one slice to begin.
            while server.word(1)? == 0 {
                server.run()?;
            }
            Ok(())
        });
    if let Err(error) = ready {
        println!("bench: cannot set up: {error:?}");
        return 1;
    }
    // SAFETY: single-threaded, and the loop alone reads it.
    unsafe { CLIENT = memory::myself().0 };
    measure::calibrate();
    measure::row("6", "transfer", client, server.name.0, 2);
    // SAFETY: as above.
    unsafe { CLIENT = memory::myself().asynchronous().0 };
    // An asynchronous transfer lends the rest of one slice: what begins before the answer is lent again.
    let n = (measure::iterations() / 8).max(8);
    measure::row_of(
        n,
        "aegis",
        "asynchronous transfer",
        client_asynchronous,
        server.name.asynchronous().0,
        2,
    );
    0
}

/// The name that the server replies to.
#[unsafe(no_mangle)]
static mut CLIENT: u32 = 0;

unsafe extern "C" {
    fn client(n: u32, server: u32) -> u32;
    fn client_asynchronous(n: u32, server: u32) -> u32;
    fn client_again();
    fn client_answered();
}

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".align 4",
    "client:",
    "addiu $sp, $sp, -24",
    "sw $16, 0($sp)",
    "sw $17, 4($sp)",
    "sw $18, 8($sp)",
    "sw $19, 12($sp)",
    "sw $31, 16($sp)",
    "lui $18, %hi(CLIENT)",
    "lw $18, %lo(CLIENT)($18)",
    "addiu $16, $4, 1",
    "move $17, $5",
    "client_again:", // where the server's reply enters
    "addiu $16, $16, -1", // the counter
    "bnez $16, client_call", // the branch
    "move $2, $17",
    "client_done:",
    "lw $16, 0($sp)",
    "lw $17, 4($sp)",
    "lw $18, 8($sp)",
    "lw $19, 12($sp)",
    "lw $31, 16($sp)",
    "nop",
    "jr $31",
    "addiu $sp, $sp, 24",
    "client_call:",
    "syscall", // to the server
    "break",   // refused
    "nop",
    // The same with asynchronous transfers, before each of which it says where its state goes.
    "client_asynchronous:",
    "addiu $sp, $sp, -24",
    "sw $16, 0($sp)",
    "sw $17, 4($sp)",
    "sw $18, 8($sp)",
    "sw $19, 12($sp)",
    "sw $31, 16($sp)",
    "lui $18, %hi(CLIENT)",
    "lw $18, %lo(CLIENT)($18)",
    "addiu $16, $4, 1",
    "move $17, $5",
    "client_answered:",
    "addiu $16, $16, -1",
    "beqz $16, client_done",
    "move $2, $17",
    "xori $8, $17, {ASYNCHRONOUS}",
    "lui $9, %hi(exos_next)",
    "sw $8, %lo(exos_next)($9)",
    "b client_call",
    "nop",
    ".set pop",
    ".popsection",
    ASYNCHRONOUS = const Name::ASYNCHRONOUS,
);
