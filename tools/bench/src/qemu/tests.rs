use super::*;
use crate::machine::shown;

#[test]
fn the_command() {
    let job = Job { kernel: "k.elf".into(), append: Some("quick".into()), ..Job::default() };
    expect_test::expect!["qemu-system-mipsel -M malta -cpu 34Kf -m 64 -display none -vga none -nic none -monitor none -parallel none -serial stdio -no-reboot -semihosting-config enable=on,target=native -icount shift=0,sleep=off -seed 1 -rtc base=2026-01-01,clock=vm -append quick -kernel k.elf"]
        .assert_eq(&shown(&Malta::new("qemu-system-mipsel").command(&job)));
}

#[test]
fn the_trace_option_goes_with_the_version() {
    let job = Job { kernel: "k.elf".into(), append: None, trace: true, ..Job::default() };
    let mut malta = Malta::new("qemu");
    assert!(shown(&malta.command(&job)).contains(" -singlestep -d exec,nochain "));
    malta.one_insn_per_tb = true;
    assert!(shown(&malta.command(&job)).contains(" -accel tcg,one-insn-per-tb=on -d exec,nochain "));
}

#[test]
fn versions() {
    assert_eq!(version_number("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), Some((7, 2)));
    assert_eq!(version_number("10.0.2"), Some((10, 0)));
    assert_eq!(version_number("unknown"), None);
}

fn fake(text: &str) -> Result<Tool, MachineError> {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("qemu-fake");
    std::fs::write(&program, format!("#!/bin/sh\necho '{text}'\n")).expect("a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    // Another test's fork may hold the file open for writing for a moment ("text file busy").
    (0..100)
        .find_map(|_| match Malta::new(&program).tool() {
            Err(MachineError::Start { source, .. })
                if source.kind() == std::io::ErrorKind::ExecutableFileBusy =>
            {
                std::thread::sleep(std::time::Duration::from_millis(10));
                None
            }
            done => Some(done),
        })
        .expect("the fake starts")
}

#[test]
fn an_old_version_is_named() {
    let tool = fake("QEMU emulator version 8.2.1").expect("new enough");
    assert_eq!(tool.version, "8.2.1");
    assert_eq!(tool.name, "qemu-fake");
    let error = fake("QEMU emulator version 5.2.0 (Debian)").expect_err("too old").to_string();
    assert!(error.contains("5.2.0") && error.contains("7.2"), "{error}");
    assert!(fake("something else").is_err());
}

#[test]
fn a_missing_program_is_named() {
    let error = Malta::new("/no/such/qemu").tool().expect_err("missing").to_string();
    assert!(error.contains("/no/such/qemu") && error.contains("setup.sh"), "{error}");
}
