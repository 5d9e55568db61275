//! Commands that show what Aegis keeps, and what the library makes of it.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use exos::abi::layout::{PAGE_SHIFT, SLICES};
use exos::abi::map::{self, TAG};
use exos::abi::{Error, Name};
use exos::process::{self, table};
use exos::{eprintln, machine, memory, println, vm};

use crate::Shell;

/// Says what Aegis refused, if it did; the command's status.
fn status(name: &str, result: Result<(), Error>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{name}: {error:?}");
            1
        }
    }
}

/// Who an environment is, in the shell's words.
fn who(name: Name) -> String {
    if name == table::scheduler() {
        return "init".to_string();
    }
    let found = process::processes().find(|process| process.environment == name);
    found.map_or_else(
        || "?".to_string(),
        |process| alloc::format!("{} (pid {})", process.program(), process.pid),
    )
}

pub fn ls(_: &mut Shell, _: &[String]) -> u32 {
    for program in machine::programs() {
        let kind = if program.is_process { "" } else { "  (bare: not for the shell)" };
        println!("{:8}  {}{kind}", program.bytes, program.name());
    }
    0
}

pub fn ps(_: &mut Shell, _: &[String]) -> u32 {
    let mut owned = BTreeMap::<u32, u32>::new();
    let counted = machine::each_page(|_, owner| *owned.entry(owner).or_default() += 1);
    println!("  PID  PPID ENVIRONMENT STATE    SHARE  TURNS PAGES PROGRAM");
    for process in process::processes() {
        println!(
            "{:5} {:5}    {:08x} {:8} {:5} {:6} {:5} {}",
            process.pid,
            process.parent,
            process.environment.0,
            process.state,
            process.share,
            process.turns,
            owned.get(&process.environment.0).copied().unwrap_or(0),
            process.program()
        );
    }
    status("ps", counted)
}

pub fn free(_: &mut Shell, _: &[String]) -> u32 {
    let shown = machine::pages().map(|pages| {
        let machine::Pages { all, free, kernel, image } = pages;
        let megabytes = |pages: u32| pages >> (20 - PAGE_SHIFT);
        println!("{free:6} pages ({} MB) are free", megabytes(free));
        println!("{:6} belong to environments", all - free - kernel);
        println!("{kernel:6} to Aegis, {image} of them the boot image");
        println!("{all:6} pages of 4096 bytes in all ({} MB)", megabytes(all));
    });
    status("free", shown)
}

pub fn slices(_: &mut Shell, _: &[String]) -> u32 {
    let shown = machine::slices().map(|owners| {
        for (position, owner) in owners.into_iter().enumerate().filter(|(_, owner)| *owner != Name::NOBODY) {
            println!("{position:4}: environment {:08x}, {}", owner.0, who(owner));
        }
        let free = owners.iter().filter(|owner| **owner == Name::NOBODY).count();
        println!(
            "{free} of {SLICES} positions are free; processes run in the slices that init yields to them"
        );
    });
    status("slices", shown)
}

pub fn stlb(_: &mut Shell, _: &[String]) -> u32 {
    let mut tags = BTreeMap::<u32, u32>::new();
    let counted = machine::each_binding(|_, binding| *tags.entry(binding.key & TAG).or_default() += 1);
    let used: u32 = tags.values().sum();
    println!("{used} of {} entries are in use", map::STLB_ENTRIES);
    for (tag, entries) in &tags {
        // Entries know eleven bits of a name.
        let process = process::processes().find(|process| process.environment.0 & TAG == *tag);
        let whose = process.map_or_else(|| "of others".to_string(), |process| who(process.environment));
        println!("{entries:6}  {whose}");
    }
    status("stlb", counted)
}

pub fn caps(_: &mut Shell, _: &[String]) -> u32 {
    println!("Capabilities to read and to write:");
    for (use_of, [read, write]) in process::capabilities() {
        let show = |[low, high]: [u32; 2]| alloc::format!("{high:08x}{low:08x}");
        println!("  {}  {}  {use_of}", show(read.words()), show(write.words()));
    }
    let guaranteed = memory::environment().guaranteed;
    let pinned = guaranteed.iter().filter(|entry| **entry != 0).count();
    println!(
        "{pinned} of {} guaranteed mappings, {} pages in the page table",
        guaranteed.len(),
        vm::map::resident()
    );
    0
}
