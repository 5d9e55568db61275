//! The command line of the boot image builder: see the library for the format.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bootimage::{Program, add_to_kernel, build, parse};
use clap::Parser;

/// Builds the boot image that the kernel carries, puts it into the kernel's ELF file, or lists one.
#[derive(Parser)]
#[command(
    version,
    override_usage = "bootimage -o IMAGE NAME=PATH...\n       \
                      bootimage --into KERNEL -o KERNEL_WITH_IMAGE NAME=PATH...\n       \
                      bootimage --list IMAGE"
)]
struct Arguments {
    /// The image to write, or the kernel with it.
    #[arg(short, long, value_name = "FILE", conflicts_with = "list")]
    output: Option<PathBuf>,
    /// Write a copy of this kernel, with the image added.
    #[arg(long, value_name = "KERNEL", conflicts_with = "list")]
    into: Option<PathBuf>,
    /// The image to list.
    #[arg(long, value_name = "IMAGE", conflicts_with = "programs")]
    list: Option<PathBuf>,
    /// The programs' ELF files; the first one is the program that the kernel starts.
    #[arg(value_name = "NAME=PATH", value_parser = named_file)]
    programs: Vec<(String, PathBuf)>,
}

fn named_file(argument: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = argument.split_once('=').ok_or("expected NAME=PATH")?;
    Ok((name.into(), path.into()))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(path) = arguments.list {
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let image = parse(&bytes).with_context(|| path.display().to_string())?;
        print!("{image}");
        return Ok(());
    }
    let Some(output) = arguments.output else { bail!("either -o FILE or --list IMAGE is needed") };
    let mut files = Vec::new();
    for (name, path) in &arguments.programs {
        let file =
            std::fs::read(path).with_context(|| format!("program {name:?}: reading {}", path.display()))?;
        files.push((name, file));
    }
    let programs: Vec<_> = files.iter().map(|(name, file)| Program { name, file }).collect();
    let image = build(&programs)?;
    parse(&image).context("the image just built is unreadable")?;
    let file = match arguments.into {
        Some(path) => {
            let kernel = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            add_to_kernel(&kernel, &image).with_context(|| path.display().to_string())?
        }
        None => image,
    };
    std::fs::write(&output, file).with_context(|| format!("writing {}", output.display()))
}
