use super::*;

/// A machine that is a shell script: what it does is the job's command line.
struct Shell;

impl Machine for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn command(&self, job: &Job) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(job.append.as_deref().unwrap_or(""));
        command
    }

    fn tool(&self) -> Result<Tool, MachineError> {
        Ok(Tool { name: "sh".into(), version: "1".into() })
    }
}

fn run_with(script: &str, limits: Limits) -> (Outcome, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let kernel = dir.path().join("kernel");
    std::fs::write(&kernel, "").expect("a file");
    let job = Job { kernel, append: Some(script.to_owned()), ..Job::default() };
    let log = dir.path().join("logs/run.log");
    let outcome = run(&Shell, &job, limits, &log, |_| Watch::On).expect("starts");
    (outcome, std::fs::read_to_string(&log).expect("a log"))
}

#[test]
fn a_guest_that_ends() {
    let (outcome, log) = run_with("echo one; echo oops >&2; printf two; exit 3", Limits::seconds(20));
    assert_eq!(outcome.end, End::Exited(3));
    assert_eq!(outcome.console().collect::<Vec<_>>(), ["one", "two"]);
    assert!(
        log.contains("$ /bin/sh -c") && log.contains("\noops\n") && log.ends_with("[exited with status 3]\n")
    );
}

#[test]
fn a_guest_that_hangs_is_killed_with_its_children() {
    let limits = Limits { time: Duration::from_millis(300), output: 1000 };
    let start = Instant::now();
    let (outcome, log) = run_with("echo $$; sleep 1000 & sleep 1000", limits);
    assert_eq!(outcome.end, End::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(log.contains("[hung"));
    let shell = outcome.console().next().expect("its process id").to_owned();
    // Nobody is left in its process group (a killed child may stay a moment as a zombie of init's).
    let left = |_| {
        let ps = Command::new("ps").args(["-eo", "pgid=,stat="]).output().expect("ps");
        let text = String::from_utf8_lossy(&ps.stdout).into_owned();
        text.lines().any(|l| {
            let mut words = l.split_whitespace();
            words.next() == Some(shell.as_str()) && !words.next().unwrap_or("").starts_with('Z')
        })
    };
    let gone = (0..50).any(|n| {
        thread::sleep(Duration::from_millis(20));
        !left(n)
    });
    assert!(gone, "processes of group {shell} are left");
}

#[test]
fn a_guest_that_closes_its_output_and_stays_is_a_hang() {
    let limits = Limits { time: Duration::from_millis(300), output: 1000 };
    let (outcome, _) = run_with("exec >&- 2>&-; sleep 1000", limits);
    assert_eq!(outcome.end, End::TimedOut);
}

#[test]
fn a_process_left_behind_does_not_hold_the_run() {
    let (outcome, _) = run_with("sleep 1000 & echo done", Limits::seconds(30));
    assert_eq!(outcome.end, End::Exited(0));
    assert!(outcome.elapsed < Duration::from_secs(20));
}

#[test]
fn a_guest_that_prints_without_end_is_killed() {
    let limits = Limits { time: Duration::from_secs(30), output: 100_000 };
    for script in ["while :; do echo again; done", "exec cat /dev/zero"] {
        let (outcome, _) = run_with(script, limits);
        assert_eq!(outcome.end, End::Flooded, "{script}");
    }
}

#[test]
fn a_signal_is_told() {
    let (outcome, _) = run_with("kill -SEGV $$", Limits::seconds(20));
    assert_eq!(outcome.end, End::Signalled(11));
}

#[test]
fn standard_input_is_closed() {
    let (outcome, _) = run_with("cat; echo end", Limits::seconds(20));
    assert_eq!(outcome.console().collect::<Vec<_>>(), ["end"]);
}

#[test]
fn the_tail_is_the_last_lines() {
    let (outcome, _) = run_with("seq 1 30", Limits::seconds(20));
    assert_eq!(outcome.tail(2), "    29\n    30\n");
    let (outcome, _) = run_with("", Limits::seconds(20));
    assert!(outcome.tail(2).contains("nothing was printed"));
}

#[test]
fn a_missing_kernel_is_named() {
    let job = Job { kernel: "/no/such/kernel.elf".into(), ..Job::default() };
    let error = run(&Shell, &job, Limits::seconds(1), Path::new("/tmp/unused"), |_| Watch::On);
    assert!(error.expect_err("refused").to_string().contains("/no/such/kernel.elf"));
}

#[test]
fn an_observer_may_stop_the_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let kernel = dir.path().join("kernel");
    std::fs::write(&kernel, "").expect("a file");
    let job = Job { kernel, append: Some("echo enough; sleep 1000".into()), ..Job::default() };
    let log = dir.path().join("log");
    let stop = |line: Option<&Line>| match line {
        Some(line) if line.text == "enough" => Watch::Stop,
        _ => Watch::On,
    };
    let outcome = run(&Shell, &job, Limits::seconds(30), &log, stop).expect("starts");
    assert_eq!(outcome.end, End::Stopped);
}

#[test]
fn commands_are_shown_as_typed() {
    let mut command = Command::new("qemu");
    command.args(["-append", "two words", "-m", "64", "it's"]);
    assert_eq!(shown(&command), r"qemu -append 'two words' -m 64 'it'\''s'");
}
