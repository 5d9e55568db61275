//! Names the linker script.

fn main() {
    println!("cargo::rerun-if-changed=../linker/program.ld");
    println!("cargo::rustc-link-arg-bins=-T{}/../linker/program.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
}
