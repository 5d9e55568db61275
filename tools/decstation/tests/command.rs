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
    let parameters = temporary("bad-parameters.toml", b"[dec5000-200]\nclock_hz = { value = 1, lo = 2 }\n");
    let elf = temporary("ok.elf", &asm::executable(ENTRY, &exit(0)));
    let far = temporary("far.elf", &asm::executable(0x8100_0000, &exit(0)));
    let path = |p: &PathBuf| p.display().to_string();
    let (text_path, config_path, parameters_path, elf_path, far_path) =
        (path(&text), path(&config), path(&parameters), path(&elf), path(&far));
    for (args, word) in [
        (vec!["/nonexistent.elf"], "/nonexistent.elf"),
        (vec!["/"], "Is a directory"),
        (vec![], "<ELF>"),
        (vec![text_path.as_str()], "not an ELF file"),
        (vec![&far_path], "beyond the end of RAM"),
        (vec!["--machine", "5000/240", &elf_path], "5000/240"),
        (vec!["--config", &config_path, &elf_path], "ramm"),
        (vec!["--config", "/nonexistent", &elf_path], "/nonexistent"),
        (vec!["--parameters", &parameters_path, &elf_path], "line 2: unknown field `lo`"),
        (vec!["--parameters", "/dev/null", &elf_path], "[dec5000-200]"),
        (vec!["--ram", "4000", &elf_path], "480"),
        (vec!["--ram", "0", &elf_path], "480"),
        (vec!["--ram", "x", &elf_path], "--ram"),
        (vec!["--station", "08:00", &elf_path], "08:00"),
        (vec!["--serial", "tty", &elf_path], "tty"),
        (vec!["--serial", "file:/nonexistent/x", &elf_path], "/nonexistent/x"),
        (vec!["--serial-input", "/nonexistent", &elf_path], "/nonexistent"),
        (vec![&elf_path, &elf_path], "--net"),
        (vec!["--net", "0", &elf_path], "1 to 32"),
        (vec!["--net", "100000", &elf_path], "1 to 32"),
        (vec!["--pcap", "x", &elf_path], "--net"),
        (vec!["--low", "--high", &elf_path], "--high"),
        (vec!["--bogus", &elf_path], "--bogus"),
        (vec!["--trace", "/nonexistent/x", &elf_path], "/nonexistent/x"),
        (vec!["--trace-range", "1..2", &elf_path], "--trace"),
        (vec!["--trace", "-", "--trace-range", "5..2", &elf_path], "ends before"),
        (vec!["--trace", "-", "--trace-range", "5", &elf_path], "FROM..TO"),
        (vec!["--trace-limit", "5", &elf_path], "--trace"),
        (vec!["--follow", "a", &elf_path], "FROM..UNTIL"),
        (vec!["--follow", "a..b", &elf_path], "no symbol `a`"),
        (vec!["--follow", "0x80030000..0xg", &elf_path], "`0xg` is not a number"),
        (vec!["--follow", "0x80030000..0x0", "--follow-pass", "0", &elf_path], "--follow-pass"),
        (vec!["--follow", "0x80030000..0x0", &elf_path], "came to its begin 1 times"),
        (vec!["--symbols", "64:x", &elf_path], "64"),
        (vec!["--symbols", "/dev/null", &elf_path], "not an ELF file"),
        (vec!["--gdb", "nowhere", &elf_path], "nowhere"),
        (vec!["--max-cycles", "many", &elf_path], "many"),
    ] {
        let o = decstation().args(&args).output().expect("the command");
        assert_eq!(o.status.code(), Some(2), "{args:?}");
        assert!(errors(&o).contains(word), "{args:?}: {}", errors(&o));
        assert_eq!(errors(&o).lines().count(), 1, "{args:?}: {}", errors(&o));
    }
    for file in [text, config, parameters, elf, far] {
        let _ = fs::remove_file(file);
    }
}

/// A path, cycle by cycle, by addresses: this program has no symbols.
#[test]
fn a_path_is_followed() {
    let code = [vec![asm::NOP; 4], exit(0)].concat();
    let o = run("follow", &code, &["--follow", "0x80030004..0x8003000c", "--serial", "none"]);
    assert_eq!(o.status.code(), Some(0), "{}", errors(&o));
    let text = String::from_utf8_lossy(&o.stdout).into_owned();
    assert!(text.contains("== kernel: 80030004"), "{text}");
    let total = text.lines().last().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(total, "total 2 2 0.080 issue 2", "{text}");
}

#[test]
fn traces_end_at_their_limit() {
    let code = [asm::beq(0, 0, -1), asm::NOP];
    let o = run("limit", &code, &["--trace", "-", "--trace-limit", "7", "--max-cycles", "1000"]);
    let text = errors(&o);
    assert_eq!(text.lines().filter(|l| l.contains(" k00 ")).count(), 7, "{text}");
    assert!(text.contains("the trace ends after 7 steps; --trace-limit"), "{text}");
    let o = run("nolimit", &code, &["--trace", "-", "--trace-limit", "0", "--max-cycles", "3000"]);
    assert!(errors(&o).lines().count() > 2900);
    assert!(!errors(&o).contains("--trace-limit"));
}

#[test]
fn the_parameters_are_printed_as_a_table() {
    let o = decstation().arg("--parameters-table").output().expect("the command");
    assert_eq!(o.status.code(), Some(0));
    let text = String::from_utf8_lossy(&o.stdout).into_owned();
    for words in ["machine parameter value low high confidence source", "DEC5000/125 miss 18 15 20 low"] {
        let squeezed = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.lines().any(|l| squeezed(l).starts_with(words)), "{words}: {text}");
    }
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
