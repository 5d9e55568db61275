//! Names the linker script.

fn main() {
    println!("cargo::rerun-if-changed=../linker/kernel.ld");
    println!("cargo::rustc-link-arg-bins=-T{}/../linker/kernel.ld", env!("CARGO_MANIFEST_DIR"));
}
