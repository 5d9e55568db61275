//! The reference of calls, docs/calls.md, written from the table.

use core::fmt::{self, Write};

use crate::calls::{Call, Path};
use crate::error::Error;

const REGISTERS: [&str; 8] = ["a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3"];

/// Writes docs/calls.md.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut impl Write) -> fmt::Result {
    writeln!(
        out,
        "# Calls of Aegis\n\n\
         Written from the table in `aegis/abi/src/calls.rs`; a test fails when it is stale, and\n\
         `UPDATE_EXPECT=1 cargo test -p aegis-abi` rewrites it.\n\n\
         The number goes into `v0`, the arguments into the registers named. Afterwards `v0` is an error\n\
         (negative) or not, and `v1` the result. A call *without a stack* alters no other register; a call\n\
         *with a stack* leaves the other caller-saved registers, HI and LO zero or as they were. A\n\
         *primitive* alters no register at all; refused, it is an exception of the caller (system call) with the\n\
         error in bits 19..16 of the `Cause` word. A number that is not in the\n\
         table is an exception of the caller (system call), so a library operating system can emulate others.\n\
         A protected control transfer is no call: `v0` holds the callee's name, whose sign bit is set, and\n\
         no register is altered, unless it is refused: then the caller goes on with an error in `v0`\n\
         (NoEnvironment, or Busy when the caller has overrun its slice).\n\n\
         | number | call | path | arguments | result | errors | in the paper |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for call in Call::ALL {
        let row = call.row();
        write!(out, "| {:#x} | `{}` | ", call.number(), row.function)?;
        out.write_str(match row.path {
            Path::NoStack => "no stack",
            Path::Stack => "stack",
            Path::Primitive => "primitive",
        })?;
        out.write_str(" |")?;
        for (argument, register) in row.arguments.iter().zip(REGISTERS) {
            write!(out, " {register} `{argument}`")?;
        }
        write!(out, " | {} |", row.result)?;
        for error in row.errors {
            write!(out, " {error:?}")?;
        }
        writeln!(out, " | {} |", row.paper)?;
    }
    writeln!(out, "\n## What they do\n")?;
    for call in Call::ALL {
        let row = call.row();
        writeln!(out, "- `{}`:{}", row.function, row.summary)?;
    }
    writeln!(out, "\n## Errors\n\n| code | error | meaning |\n|---|---|---|")?;
    for error in Error::ALL {
        writeln!(out, "| {} | {error:?} | {} |", error as i32, error.message())?;
    }
    Ok(())
}
