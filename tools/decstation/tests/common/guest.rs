//! Bare guest programs, compiled when a test needs them: C by Debian's cross compiler, Rust by the
//! project's guest compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use decstation::loader::{self, Program};

/// Compiles a bare program from `tests/guest`: its file and its contents. `None`, with a line that
/// says so, without the compiler.
pub fn compile_file(name: &str, defines: &[&str]) -> Option<(PathBuf, Program)> {
    static UNIQUE: AtomicU32 = AtomicU32::new(0);
    let guest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guest");
    let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
    let output = std::env::temp_dir().join(format!("decstation-{name}-{}-{unique}.elf", std::process::id()));
    let assembly = guest.join(format!("{name}.S"));
    let status = Command::new("mipsel-linux-gnu-gcc")
        .args("-O2 -Wall -march=mips1 -mabi=32 -mno-abicalls -fno-pic -G0 -msoft-float".split(' '))
        .args("-ffreestanding -nostdlib -static -Wl,--build-id=none -Wl,-e,_start".split(' '))
        .arg("-Wl,-Ttext-segment=0x80030000")
        .args(defines)
        .arg(guest.join("start.S"))
        .args(assembly.exists().then_some(&assembly))
        .arg(guest.join(format!("{name}.c")))
        .arg("-o")
        .arg(&output)
        .status();
    match status {
        Ok(s) => assert!(s.success(), "compiling {name}"),
        Err(_) => {
            println!("skipped: mipsel-linux-gnu-gcc is not installed (gcc-mipsel-linux-gnu)");
            return None;
        }
    }
    let bytes = std::fs::read(&output).expect("the compiler's output");
    Some((output, loader::parse(&bytes).expect("an executable")))
}

/// The same, the file removed.
pub fn compile(name: &str, defines: &[&str]) -> Option<Program> {
    let (path, program) = compile_file(name, defines)?;
    let _ = std::fs::remove_file(path);
    Some(program)
}

/// What `scripts/setup.sh` found, by name.
fn toolchain(root: &Path) -> Option<impl Fn(&str) -> String> {
    let text = std::fs::read_to_string(root.join("target/toolchain.env")).ok()?;
    Some(move |name: &str| {
        let prefix = format!("{name}='");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map_or_else(String::new, |value| value.trim_end_matches('\'').to_owned())
    })
}

/// Builds the crate `name` of `tests/guest` for MIPS-I, linked to kseg0. `None`, with a line that says
/// so, without the guest compiler.
pub fn build_rust(name: &str, features: &[&str]) -> Option<Program> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest").join(name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(found) = toolchain(&root) else {
        println!("skipped: no guest compiler (scripts/setup.sh looks for one)");
        return None;
    };
    let cargo = found("GUEST_CARGO");
    let mut words = cargo.split_whitespace();
    let mut command = Command::new(words.next()?);
    // What the outer cargo has set is for the host.
    for (key, _) in std::env::vars_os() {
        let key = key.to_string_lossy().into_owned();
        if key.starts_with("CARGO_") && key != "CARGO_HOME" || key.starts_with("RUST") && key != "RUSTUP_HOME"
        {
            command.env_remove(key);
        }
    }
    command.envs(found("GUEST_ENV").split_whitespace().filter_map(|pair| pair.split_once('=')));
    let link = "-Clink-arg=--image-base=0x80030000 -Clink-arg=-e_start -Clink-arg=-zmax-page-size=4096";
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let status = command
        .args(words)
        .args(["build", "--quiet", "--release", "-Zbuild-std=core", "-Zjson-target-spec"])
        .args(["-Zbuild-std-features=compiler-builtins-mem", "--features", &features.join(","), "--target"])
        .arg(root.join("mips-unknown-none.json"))
        .env("RUSTFLAGS", format!("{link} {}", found("GUEST_LINKER")))
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&crate_root)
        .status();
    match status {
        Ok(s) => assert!(s.success(), "building {name}"),
        Err(problem) => {
            println!("skipped: the guest compiler does not run: {cargo}: {problem}");
            return None;
        }
    }
    let bytes = std::fs::read(target.join("mips-unknown-none/release").join(name)).expect("a program");
    Some(loader::parse(&bytes).expect("an executable"))
}
