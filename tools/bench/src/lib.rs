//! The benchmark runner and the report: runs guest kernels in a machine under a time limit, reads what they print, turns
//! it into rows, and sets those rows beside the numbers that the paper published (SOSP '95, sections 4 to 7).
//!
//! Data flows one way:
//!
//! ```text
//!  machine (qemu, decstation)  ->  run  ->  protocol  ->  measure  ->  results  ->  report (tables.md, tables.csv, terminal, README)
//!  suite: which kernel image makes which table                            ^         claims (claims.md), figure (SVG)
//!                                                   published: the paper's numbers
//! ```
//!
//! - [`machine`]: what a machine is (a command line) and how one is run: time limit, process group, log file.
//! - [`qemu`]: QEMU's malta board, the deterministic way.
//! - [`decstation`]: the modelled DECstations.
//! - [`gxemul`]: GXemul's DECstation; [`defects`]: what is known to fail there.
//! - [`protocol`]: the lines that a benchmark program prints.
//! - [`measure`]: calibration of the tick counter, overheads, the median of three trials (the paper's method, section 4).
//! - [`marks`]: what the model counted between two readings of the clock.
//! - [`bounds`]: what no kernel can be faster than.
//! - [`suite`]: the images and the rows that each must print.
//! - [`results`]: `results.json`, merged and written so that two runs are byte-identical.
//! - [`published`]: the paper's numbers, with the source and the confidence of each.
//! - [`report`]: the tables.
//! - [`figure`]: the figures; [`stride`]: what Figure 3 comes to.
//! - [`claims`]: what the paper claims in words, and whether it holds.
//! - [`diff`]: what moved against earlier results, by kinds of cycles.
//! - [`guest_test`]: guest test suites through the same runner.
//! - [`dialogue`]: what is typed at a guest, and when.
//! - [`trace`]: instructions executed from one address to another, counted from QEMU's execution trace.
//! - [`symbolize`]: a console log's addresses, as functions and lines.
//! - [`sizes`]: lines per area, bytes of the kernel.
//! - [`project`]: where things are in the project.

#![forbid(unsafe_code)]

pub mod bounds;
pub mod claims;
pub mod decstation;
pub mod defects;
pub mod dialogue;
pub mod diff;
pub mod figure;
pub mod guest_test;
pub mod gxemul;
pub mod machine;
pub mod marks;
pub mod measure;
pub mod progress;
pub mod project;
pub mod protocol;
pub mod published;
pub mod qemu;
pub mod report;
pub mod results;
pub mod runner;
pub mod sizes;
pub mod stride;
pub mod suite;
pub mod symbolize;
pub mod trace;
