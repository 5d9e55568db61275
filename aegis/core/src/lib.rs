//! The logic of Aegis without the machine: who owns what, and who may use it.
//!
//! Everything here is a function from values to values, so it is tested on the host: capabilities
//! and their generator ([`capability`]), physical pages ([`pages`]), bindings ([`stlb`]), environments and their names
//! ([`environments`]), the vector of time slices ([`slices`]), and what is taken of whom by force ([`revocation`]).
#![no_std]
#![forbid(unsafe_code)]

pub mod capability;
pub mod environments;
pub mod pages;
pub mod revocation;
pub mod slices;
pub mod stlb;
