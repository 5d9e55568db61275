//! Where things are in the project, and what its set-up found.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// The project's root: the nearest directory upwards that holds both `Cargo.toml` and `tools/bench`, else the one that this
/// program was built in.
#[must_use]
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let is_root = |dir: &&Path| dir.join("Cargo.toml").is_file() && dir.join("tools/bench").is_dir();
    match here.ancestors().find(is_root) {
        Some(dir) => dir.to_owned(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
    }
}

/// What `scripts/setup.sh` found: the assignments of `target/toolchain.env`. Empty if it has not been run.
#[must_use]
pub fn toolchain(root: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root.join("target/toolchain.env")).unwrap_or_default();
    assignments(&text)
}

/// Shell assignments `NAME=word`, `NAME='words'` or `NAME="words"`, one in each line.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let strip = |value: &str| {
        ['\'', '"'].iter().find_map(|&q| value.strip_prefix(q)?.strip_suffix(q)).unwrap_or(value).to_owned()
    };
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), strip(value)))
        .collect()
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let context = || format!("cannot read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(context)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).with_context(context)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_assignments() {
        let got = assignments("# comment\nA=1\nB='two words'\nC=\"x=y\"\n\n");
        let expected = [("A", "1"), ("B", "two words"), ("C", "x=y")];
        assert_eq!(got, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn a_known_hash() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").expect("writes");
        let hash = sha256(&path).expect("hashes");
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_root_is_found() {
        assert!(root().join("tools/bench/Cargo.toml").is_file());
    }
}
