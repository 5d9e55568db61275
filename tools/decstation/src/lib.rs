//! A deterministic model of the R2000/R3000 DECstations of the paper's Table 1, timed in cycles.
//!
//! ```text
//!   main.rs, cli/      the command `decstation`
//!   cluster            several machines in lockstep on one Ethernet segment (net)
//!   machine            one machine: loader, processor, RAM, board
//!   cpu                the interpreter: instructions, exceptions, translation, time
//!     cp0, tlb         the system coprocessor's registers, the translation buffer
//!     cache, wbuf      instruction and data cache, write buffer
//!     isa, disasm, asm decoding, disassembly, encoding of MIPS-I
//!   board              the KN02: serial lines, clock, Ethernet controller, PROM
//!   bus                the contract between processor and devices
//!   counters           what is counted; counter_device shows it to the guest
//!   params             the timing parameters (machines.toml)
//!   trace, follow, profile, gdb, symbols   watching a run
//! ```
//!
//! **Time.** One clock, the CPU's. An instruction issues in one cycle; what it waits for is added
//! under one of eight names ([`counters::Stall`]): multiplier, instruction and data cache, write
//! buffer, partial stores, devices and uncached memory, exception entry, micro-TLB. Devices act at
//! cycles of the same clock, so a run is a function of its input: the same program and the same
//! input give the same cycles and the same [`state hash`](cpu::Cpu::state_hash), on every host.
//!
//! **What is exact**: the instruction set, exceptions and their registers, the TLB, stale cache
//! contents, isolation and swapping, load and branch delays. **What is modelled** with parameters
//! that carry a confidence: every duration but the issue of an instruction. **What is missing**: a
//! floating-point unit, user-mode byte order (Status RE), parity errors, SCSI.
//!
//! **Where the hardware leaves a choice**, the model's is written where it is made: division by
//! zero ([`cpu`], `exec`), a load in a load's delay slot to the same register (the first value is
//! visible for one instruction), HI/LO windows (kept and counted), `lwc1` and its like without a
//! coprocessor (dropped).

#![forbid(unsafe_code)]

pub mod asm;
pub mod board;
pub mod bus;
pub mod cache;
pub mod cluster;
pub mod config;
pub mod console;
pub mod counter_device;
pub mod counters;
pub mod cp0;
pub mod cpu;
pub mod disasm;
pub mod follow;
pub mod gdb;
pub mod isa;
pub mod loader;
pub mod machine;
pub mod net;
pub mod params;
pub mod profile;
pub mod symbols;
pub mod test_board;
pub mod tlb;
pub mod trace;
pub mod wbuf;
