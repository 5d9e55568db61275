//! The command as its users see it: exit status, errors, reports, debugger.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use decstation::asm::{self, r};

const ENTRY: u32 = 0x8003_0000;

fn temporary(name: &str, contents: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("decstation-cmd-{}-{name}", std::process::id()));
    fs::write(&path, contents).expect("a temporary file");
    path
}

fn decstation() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_decstation"));
    c.stdin(Stdio::null());
    c
}

/// Runs `code` with `args`; output and exit status.
fn run(name: &str, code: &[u32], args: &[&str]) -> Output {
    let elf = temporary(&format!("{name}.elf"), &asm::executable(ENTRY, code));
    let output = decstation().args(args).arg(&elf).output().expect("the command");
    let _ = fs::remove_file(elf);
    output
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Ends with `status`.
fn exit(status: i32) -> Vec<u32> {
    vec![
        asm::lui(r::A0, 0xbfc8),
        asm::addiu(r::A1, 0, status),
        asm::sw(r::A1, 0x40, r::A0),
        asm::beq(0, 0, -1),
        asm::NOP,
    ]
}

#[test]
fn the_guests_status_is_the_commands() {
    for status in [0, 1, 42] {
        let o = run(&format!("status{status}"), &exit(status), &[]);
        assert_eq!(o.status.code(), Some(status), "{}", errors(&o));
    }
}

#[test]
fn running_out_of_cycles_is_124() {
    let o = run("loop", &[asm::beq(0, 0, -1), asm::NOP], &["--max-cycles", "10000"]);
    assert_eq!(o.status.code(), Some(124));
    assert!(errors(&o).contains("8003000"), "{}", errors(&o));
}

#[test]
fn strict_mode_reports_and_is_125() {
    let code = [asm::lw(8, 0, r::SP), asm::addu(9, 8, 0)];
    let o = run("strict", &code, &["--strict", "--max-cycles", "10000"]);
    assert_eq!(o.status.code(), Some(125));
    assert!(errors(&o).contains("addu $t1,$t0,$zero"), "{}", errors(&o));
}

#[test]
fn an_exception_without_vectors_is_reported() {
    let o = run("bev", &[asm::BREAK], &["--max-cycles", "100000"]);
    assert_eq!(o.status.code(), Some(125));
    assert!(errors(&o).contains("EPC 80030000"), "{}", errors(&o));
}

#[test]
fn errors_say_what_is_wrong() {
    let text = temporary("text.elf", b"hello");
    let config = temporary("bad.toml", b"ramm = 3\n");
    let elf = temporary("ok.elf", &asm::executable(ENTRY, &exit(0)));
    let (text_path, config, elf_path) =
        (text.display().to_string(), config.display().to_string(), elf.display().to_string());
    for (args, word) in [
        (vec!["/nonexistent.elf"], "/nonexistent.elf"),
        (vec![text_path.as_str()], "not an ELF file"),
        (vec!["--machine", "5000/240", &elf_path], "5000/240"),
        (vec!["--config", &config, &elf_path], "ramm"),
        (vec!["--ram", "4000", &elf_path], "480"),
        (vec!["--station", "08:00", &elf_path], "08:00"),
        (vec!["--serial", "tty", &elf_path], "tty"),
        (vec![&elf_path, &elf_path], "--net"),
        (vec!["--low", "--high", &elf_path], "--high"),
    ] {
        let o = decstation().args(&args).output().expect("the command");
        assert_eq!(o.status.code(), Some(2), "{args:?}");
        assert!(errors(&o).contains(word), "{args:?}: {}", errors(&o));
    }
    let _ = fs::remove_file(text);
    let _ = fs::remove_file(elf);
}

#[test]
fn help_teaches() {
    let o = decstation().arg("--help").output().expect("the command");
    let text = String::from_utf8_lossy(&o.stdout);
    for word in ["EXAMPLES", "--machine", "--strict", "0xbfc80040", "124", "gdb-multiarch"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn stats_are_json_and_follow_the_parameters() {
    let mut cycles = Vec::new();
    for bound in ["--low", "--high"] {
        let o = run(&format!("json{bound}"), &exit(0), &["-m", "5000/125", bound, "--stats-json", "-"]);
        let line = errors(&o);
        let v: serde_json::Value = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!(v["machine"], "DEC5000/125");
        assert_eq!(v["bound"], bound.trim_start_matches('-'));
        assert_eq!(v["ended"], "exit");
        let sum: u64 = v["stalls"].as_object().expect("kinds").values().map(|s| s.as_u64().unwrap()).sum();
        assert_eq!(v["cycles"], v["instructions"].as_u64().unwrap() + sum);
        cycles.push(v["cycles"].as_u64().unwrap());
    }
    assert!(cycles[0] < cycles[1], "{cycles:?}");
}

#[test]
fn configuration_files_are_read_and_options_win() {
    let config = temporary("good.toml", b"machine = \"3100\"\nram_mb = 4\n[parameters]\nmiss = 100\n");
    let path = config.display().to_string();
    let o = run("config", &exit(0), &["--config", &path, "--stats"]);
    assert!(errors(&o).contains("DEC3100"), "{}", errors(&o));
    assert!(errors(&o).contains(" 300 "), "three I-misses of 100: {}", errors(&o));
    let o = run("config2", &exit(0), &["--config", &path, "-m", "2100", "--stats"]);
    assert!(errors(&o).contains("DEC2100"), "{}", errors(&o));
    let _ = fs::remove_file(config);
}

#[test]
fn traces_and_profiles() {
    let o = run("trace", &exit(3), &["--trace", "-", "--profile", "5"]);
    let text = errors(&o);
    assert!(text.contains("lui $a0,0xbfc8"), "{text}");
    assert!(text.contains("+15 I-miss"), "{text}");
    assert!(text.contains("$a1=00000003"), "{text}");
    assert!(text.contains("function") && text.contains("total"), "{text}");
}

#[test]
fn unanswered_accesses_are_named() {
    let code = [vec![asm::lui(8, 0xbe40), asm::sw(0, 0x10, 8)], exit(0)].concat();
    let o = run("io", &code, &["--trace-io"]);
    assert!(
        errors(&o).contains("0x1e400010") && errors(&o).contains("TURBOchannel slot 1"),
        "{}",
        errors(&o)
    );
    let o = run("io2", &code, &[]);
    assert!(errors(&o).contains("1 accesses"), "{}", errors(&o));
}

/// A remote serial protocol packet.
fn packet(body: &str) -> String {
    let sum: u8 = body.bytes().fold(0, u8::wrapping_add);
    format!("${body}#{sum:02x}")
}

/// Sends `body` and returns the answer's body.
fn ask(stream: &mut TcpStream, body: &str) -> String {
    stream.write_all(packet(body).as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
        if answer.len() > 3 && answer[answer.len() - 3] == b'#' {
            break;
        }
    }
    stream.write_all(b"+").expect("sent");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let start = text.find('$').expect("a packet") + 1;
    expand(&text[start..text.len() - 3])
}

/// Undoes the protocol's run-length encoding: `0*x` repeats the 0 as often as `x` is above 28.
fn expand(body: &str) -> String {
    let mut out = String::new();
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match (c, out.chars().last()) {
            ('*', Some(last)) => {
                let times = chars.next().map_or(0, |n| n as usize - 29);
                out.extend(std::iter::repeat_n(last, times));
            }
            _ => out.push(c),
        }
    }
    out
}

#[test]
fn a_debugger_can_attach() {
    let elf = temporary("gdb.elf", &asm::executable(ENTRY, &exit(7)));
    let mut child = decstation()
        .args(["--gdb", "127.0.0.1:0"])
        .arg(&elf)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut line).expect("the address");
    let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    assert!(ask(&mut stream, "?").starts_with(['S', 'T']));
    // The first instruction, lui $a0, 0xbfc8, little-endian.
    assert_eq!(ask(&mut stream, "m80030000,4"), "c8bf043c");
    assert_eq!(ask(&mut stream, "Z0,80030008,4"), "OK");
    assert!(ask(&mut stream, "c").starts_with(['S', 'T']));
    let registers = ask(&mut stream, "g");
    assert_eq!(&registers[8 * 5..8 * 6], "07000000", "$a1");
    assert_eq!(&registers[8 * 37..8 * 38], "08000380", "pc");
    assert!(ask(&mut stream, "s").starts_with(['S', 'T']));
    assert_eq!(ask(&mut stream, "c"), "W07");
    drop(stream);
    assert_eq!(child.wait().expect("ended").code(), Some(7));
    let _ = fs::remove_file(elf);
}
