//! The boot image: the programs that the kernel carries, each as its ELF file, and the first one
//! also as plain pages, so that the kernel needs no ELF parser. [`aegis_abi::image`] is the format.
//!
//! - [`executable`] accepts or refuses an ELF file, trims it, and cuts it into pages;
//! - [`builder`] puts programs into an image;
//! - [`image`] reads one back, trusting nothing in it;
//! - [`kernel`] puts an image into the kernel's ELF file;
//! - [`words`] has the format's structs as bytes.
#![forbid(unsafe_code)]

pub mod builder;
pub mod executable;
pub mod image;
pub mod kernel;
pub mod words;

pub use builder::{BuildError, Program, build};
pub use executable::{ElfError, Executable};
pub use image::{Image, ParseError, parse};
pub use kernel::{KernelError, add_to_kernel};
