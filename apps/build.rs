//! Names the linker scripts: program.ld for bare programs, process.ld for those that run as processes of ExOS.

use std::path::Path;

fn main() {
    let root = env!("CARGO_MANIFEST_DIR");
    for (folder, script) in [("src/bin", "program.ld"), ("src/processes", "process.ld")] {
        println!("cargo::rerun-if-changed={folder}");
        println!("cargo::rerun-if-changed=../linker/{script}");
        let entries = std::fs::read_dir(Path::new(root).join(folder)).expect("the folder of programs");
        for entry in entries {
            let path = entry.expect("an entry of the folder").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
                println!("cargo::rustc-link-arg-bin={name}=-T{root}/../linker/{script}");
            }
        }
    }
    println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
}
