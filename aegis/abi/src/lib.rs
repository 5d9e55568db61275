//! The contract between Aegis and its environments.
//!
//! Kernel, library operating system and host tools share this crate and nothing else: the table of
//! calls ([`calls`]), the errors ([`error`]), the names of environments ([`name`]), the page that an
//! environment shares with the kernel ([`environment`]), the layout of an address space
//! ([`layout`]), the kernel's public books ([`map`]), capabilities ([`capability`]) and the boot image ([`image`]).
//!
//! Everything here is data and arithmetic: no `unsafe`, no machine.
#![no_std]
#![forbid(unsafe_code)]

pub mod calls;
pub mod capability;
pub mod environment;
pub mod error;
pub mod image;
pub mod layout;
pub mod map;
pub mod name;
pub mod reference;

pub use calls::Call;
pub use capability::Capability;
pub use error::Error;
pub use name::Name;
