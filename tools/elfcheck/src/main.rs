//! The command line of the ELF check: see the library for what is checked.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use elfcheck::{AllowList, Code, Glob, Options, Report, check};

/// Checks linked guest programs: MIPS-I only, load delays, delay slots, HI/LO windows.
///
/// Exits with 0 when every rule holds, 1 when one is broken, 2 when a file cannot be read.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Accept instructions beyond MIPS-I, or with `load-delay` for a mnemonic too early reads of late
    /// results: a file of `mnemonic glob` lines, or one `mnemonic@glob`.
    #[arg(long, value_name = "FILE|RULE")]
    allow: Vec<String>,
    /// Sections of hand assembly, which may have no HI/LO window.
    #[arg(long, value_name = "GLOB", default_value = ".text.asm*")]
    asm_section: Vec<Glob>,
    /// Symbols of hand assembly, which may have no HI/LO window.
    #[arg(long, value_name = "GLOB", default_value = "asm_*")]
    asm_symbol: Vec<Glob>,
    /// Functions that inline assembly calls, where the compiler cannot be told that HI and LO are lost: nothing may be kept
    /// there over a call of them.
    #[arg(long, value_name = "GLOB")]
    hidden_call: Vec<Glob>,
    /// Refuse `syscall`: for the kernel, so that a system call can only come from user mode.
    #[arg(long)]
    no_syscall: bool,
    /// Print violations only, no summary lines.
    #[arg(short, long)]
    quiet: bool,
    /// The programs.
    #[arg(required = true, value_name = "ELF")]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = match options(&arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("elfcheck: {error:#}");
            return ExitCode::from(2);
        }
    };
    let mut status = 0;
    for file in &arguments.files {
        match check_file(file, &options) {
            Ok(report) => {
                print(file, &report, arguments.quiet);
                if !report.violations.is_empty() {
                    status = status.max(1);
                }
            }
            Err(error) => {
                eprintln!("elfcheck: {error:#}");
                status = 2;
            }
        }
    }
    ExitCode::from(status)
}

fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let mut allow = AllowList::default();
    for source in &arguments.allow {
        allow.extend(if source.contains('@') {
            AllowList::parse_inline(source).with_context(|| format!("--allow {source}"))?
        } else {
            let text = std::fs::read_to_string(source).with_context(|| format!("reading {source}"))?;
            AllowList::parse(&text).with_context(|| source.clone())?
        });
    }
    let hand_assembly = [&arguments.asm_section[..], &arguments.asm_symbol[..]].concat();
    let (hidden_calls, no_syscall) = (arguments.hidden_call.clone(), arguments.no_syscall);
    Ok(Options { allow, hand_assembly, hidden_calls, no_syscall })
}

fn check_file(file: &Path, options: &Options) -> anyhow::Result<Report> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let code = Code::read(&bytes).with_context(|| file.display().to_string())?;
    Ok(check(&code, options))
}

fn print(file: &Path, report: &Report, quiet: bool) {
    for violation in &report.violations {
        println!("{}: {violation}", file.display());
    }
    if !quiet {
        println!("{}: {report}", file.display());
    }
}
