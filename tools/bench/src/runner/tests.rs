use super::*;
use crate::machine::{MachineError, Tool};
use crate::suite::Part;
use expect_test::expect;
use std::fmt::Write as _;
use std::process::Command;

/// A machine whose kernels are shell scripts.
struct Shell;

impl Machine for Shell {
    fn name(&self) -> &'static str {
        "malta"
    }

    fn command(&self, job: &Job) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(&job.kernel).args(&job.append);
        command
    }

    fn tool(&self) -> Result<Tool, MachineError> {
        Ok(Tool { name: "sh".into(), version: "1.0".into() })
    }
}

const CLOCK: &str = "echo CLOCK 166 1000; echo CLOCK 1666 10000; echo CLOCK 166666 1000000\n";

/// A script that prints three trials of each row, at so many ticks for each of 600 iterations.
fn script(table: &str, rows: &[(&str, u64)]) -> String {
    let mut text = CLOCK.to_owned();
    for (row, ticks) in rows {
        for trial in 1..=3 {
            let _ = writeln!(text, "echo 'BENCH {table} \"{row}\" {trial} 600 {}'", ticks * 600);
        }
    }
    text
}

fn table4() -> String {
    script("4", &[("procedure call", 1), ("syscall no stack", 5), ("syscall stack", 9)])
}

fn table5() -> String {
    script("5", &[("unalign", 3), ("overflow", 3), ("coproc", 3), ("prot", 3)])
}

fn aegis() -> String {
    script("aegis", &AEGIS.iter().map(|row| (*row, 7)).collect::<Vec<_>>())
}

const AEGIS: &[&str] = &["STLB hit", "TLBwr"];

const fn image(file: &'static str, parts: &'static [Part]) -> Image {
    Image { file, parts, iterations: None, seconds: 120 }
}

const fn part(table: &'static str, system: &'static str, rows: &'static [&'static str]) -> Part {
    Part { table, system, rows }
}

/// Images of one table each.
const SUITE: &[Image] = &[
    image(
        "bench-table4.elf",
        &[part("4", "Aegis", &["procedure call", "syscall no stack", "syscall stack"])],
    ),
    image("bench-table5.elf", &[part("5", "Aegis", &["unalign", "overflow", "coproc", "prot"])]),
    image("bench-table6.elf", &[part("6", "Aegis", &["transfer"])]),
    image("bench-aegis.elf", &[part("aegis", "Aegis", AEGIS)]),
];

/// Images that share tables, and one that prints a figure.
const SHARED: &[Image] = &[
    image("bench-ipc.elf", &[part("8", "ExOS", &["pipe'", "lrpc"]), part("12", "ExOS", &["lrpc", "tlrpc"])]),
    Image { iterations: Some(1), ..image("bench-matrix.elf", &[part("9", "ExOS", &["matrix"])]) },
    image("bench-linear.elf", &[part("10", "ExOS", &["dirty"]), part("13", "ExOS linear", &["dirty"])]),
    image("bench-inverted.elf", &[part("13", "ExOS inverted", &["dirty"])]),
    image("bench-stride.elf", &[part("figure 3", "ExOS", &["share 1", "share 2", "share 3"])]),
];

/// A hundred quanta in the paper's order, the first one so long.
fn stride(first: u32) -> String {
    let mut done = [0; 4];
    let mut text = String::new();
    for quantum in 0_usize..100 {
        let share = [3, 2, 3, 3, 1, 2][quantum % 6];
        done[share] += if quantum == 0 { first } else { 48_050 };
        let _ = writeln!(text, "echo 'POINT 3 \"share {share}\" {quantum} {}'", done[share]);
    }
    text
}

struct Project {
    dir: tempfile::TempDir,
    suite: &'static [Image],
}

impl Project {
    fn new() -> Self {
        let it = Self { dir: tempfile::tempdir().expect("a directory"), suite: SUITE };
        it.kernel("bench-table4.elf", &table4());
        it.kernel("bench-table5.elf", &table5());
        it.kernel("bench-table6.elf", &script("6", &[("transfer", 4)]));
        it.kernel("bench-aegis.elf", &aegis());
        it
    }

    /// With images that share tables.
    fn shared() -> Self {
        let it = Self { dir: tempfile::tempdir().expect("a directory"), suite: SHARED };
        let ipc = script("8", &[("pipe\u{27}\\\u{27}\u{27}", 40), ("lrpc", 20)])
            + &script("12", &[("lrpc", 20), ("tlrpc", 9)]);
        it.kernel("bench-ipc.elf", &ipc);
        let matrix = format!("test \"$1\" = seed=1 || exit 8\n{}", script("9", &[("matrix", 4000)]));
        it.kernel("bench-matrix.elf", &matrix);
        let linear = script("13", &[("dirty", 30)]).replace("600 18000", "600 18000 system=\"ExOS linear\"");
        it.kernel("bench-linear.elf", &(script("10", &[("dirty", 30)]) + &linear));
        it.kernel("bench-inverted.elf", &script("13", &[("dirty", 8)]));
        it.kernel("bench-stride.elf", &stride(36_600));
        it
    }

    fn results(&self) -> Results {
        Results::read(&self.dir.path().join("out/results.json")).expect("reads")
    }

    fn kernel(&self, name: &str, script: &str) {
        let dir = self.dir.path().join("kernels");
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join(name), script).expect("a file");
    }

    fn run(&self, table: Option<&str>) -> anyhow::Result<String> {
        self.run_with(table, |_| ())
    }

    fn run_with(&self, table: Option<&str>, change: impl FnOnce(&mut Plan)) -> anyhow::Result<String> {
        let mut plan = Plan {
            root: self.dir.path().into(),
            kernels: self.dir.path().join("kernels"),
            out: self.dir.path().join("out"),
            suite: self.suite,
            table: table.map(str::to_owned),
            quick: false,
            toolchain: "rustc 1".into(),
            seconds: None,
        };
        change(&mut plan);
        let target = Target { machine: Box::new(Shell), prefix: "", bound: Bound::Central };
        run_plan(&plan, &[target], &Published::load().expect("loads"))
    }

    fn files(&self) -> [String; 3] {
        ["results.json", "tables.md", "tables.csv"]
            .map(|f| std::fs::read_to_string(self.dir.path().join("out").join(f)).unwrap_or_default())
    }

    fn refused(&self) -> String {
        let error = self.run(None).expect_err("must fail").to_string();
        assert_eq!(self.files(), [""; 3].map(str::to_owned), "nothing is written when a run fails");
        error
    }
}

#[test]
fn all_tables() {
    let project = Project::new();
    expect![[r#"
        Table 4: null procedure call and system call
          machine      system             unit          procedure call  syscall no stack  syscall stack
          -----------  -----------------  ------------  --------------  ----------------  -------------
          DEC2100      Ultrix, published  µs                      0.57              32.2           32.2
                       Aegis, published   µs                      0.56               3.2            4.7
          DEC3100      Ultrix, published  µs                      0.42              33.7           33.7
                       Aegis, published   µs                      0.42               2.9            3.5
          DEC5000/125  Ultrix, published  µs                      0.28              21.3           21.3
                       Aegis, published   µs                      0.28               1.6            2.3
          malta        Aegis, here        instructions            6.00             30.00          54.00

        Table 5: exception dispatch
          machine      system             unit          unalign  overflow  coproc   prot
          -----------  -----------------  ------------  -------  --------  ------  -----
          DEC2100      Ultrix, published  µs                n/a     208.0     n/a  238.0
                       Aegis, published   µs                2.8       2.8     2.8    3.0
          DEC3100      Ultrix, published  µs                n/a     151.0     n/a  177.0
                       Aegis, published   µs                2.1       2.1     2.1    2.3
          DEC5000/125  Ultrix, published  µs                n/a     130.0     n/a  154.0
                       Aegis, published   µs                1.5       1.5     1.5    1.5
          malta        Aegis, here        instructions    18.00     18.00   18.00  18.00

        Table 6: unidirectional protected control transfer
          machine          system            unit          transfer
          ---------------  ----------------  ------------  --------
          DEC2100          Aegis, published  µs                 2.9
          DEC3100          Aegis, published  µs                 2.2
          DEC5000/125      Aegis, published  µs                 1.4
          Intel 486 DX-50  L3, published     µs                 9.3
          malta            Aegis, here       instructions     24.00

        aegis: rows that the paper does not have
          row       system  machine  instructions
          --------  ------  -------  ------------
          STLB hit  Aegis   malta              42
          TLBwr     Aegis   malta              42

        "published" is the SOSP '95 paper (Aegis, ExOS, Ultrix 4.2), "talk" its slides; "here" is this kernel.
        DECstations are modelled (tools/decstation): times at the central values of the timing parameters, "low to
        high" at both ends of the uncertain ones. A lower bound is what no kernel that keeps the same promises can be
        faster than (docs/hot-paths.md). Cache misses are for each operation. "!" flags a row that is slower than the
        published one, and misses of a row that should have none.
        On malta (QEMU) only instructions are counted, without one that takes an exception; the model counts that too.
    "#]]
    .assert_eq(&project.run(None).expect("runs"));
}

#[test]
fn a_second_run_writes_the_same_bytes() {
    let project = Project::new();
    project.run(None).expect("runs");
    let first = project.files();
    assert!(first.iter().all(|f| !f.is_empty()));
    project.run(None).expect("runs");
    assert_eq!(project.files(), first);
    for table in ["6", "4", "aegis", "5"] {
        project.run(Some(table)).expect("runs");
        assert_eq!(project.files(), first, "table {table} alone");
    }
}

#[test]
fn one_table_replaces_its_rows_only() {
    let project = Project::new();
    project.run(None).expect("runs");
    let before = Results::read(&project.dir.path().join("out/results.json")).expect("reads");
    project.kernel("bench-table6.elf", &script("6", &[("transfer", 5)]));
    let shown = project.run(Some("6")).expect("runs");
    assert!(shown.contains("Table 6") && !shown.contains("Table 4"));
    let after = Results::read(&project.dir.path().join("out/results.json")).expect("reads");
    let (changed, same): (Vec<_>, Vec<_>) = after.rows.iter().partition(|r| !before.rows.contains(r));
    assert_eq!((changed.len(), same.len()), (1, after.rows.len() - 1));
    assert_eq!(changed[0].instructions, Some(30.0));
    let hash = |r: &Results, f: &str| r.environment.guest_binaries[f].sha256.clone();
    assert_ne!(hash(&before, "bench-table6.elf"), hash(&after, "bench-table6.elf"));
    assert_eq!(hash(&before, "bench-table4.elf"), hash(&after, "bench-table4.elf"));
}

/// The rows of a table, each with its system.
fn table_rows(results: &Results, table: &str) -> Vec<(String, String, Option<f64>)> {
    let rows = results.rows.iter().filter(|r| r.table.as_deref() == Some(table));
    rows.map(|r| (r.row.clone().unwrap_or_default(), r.system.clone(), r.instructions)).collect()
}

fn row_of(name: &str, system: &str, instructions: f64) -> (String, String, Option<f64>) {
    (name.to_owned(), system.to_owned(), Some(instructions))
}

#[test]
fn an_image_of_several_tables() {
    let project = Project::shared();
    project.run(None).expect("runs");
    let results = project.results();
    assert_eq!(table_rows(&results, "8"), [row_of("pipe'", "ExOS", 240.0), row_of("lrpc", "ExOS", 120.0)]);
    assert_eq!(table_rows(&results, "12"), [row_of("lrpc", "ExOS", 120.0), row_of("tlrpc", "ExOS", 54.0)]);
    assert_eq!(table_rows(&results, "10"), [row_of("dirty", "ExOS", 180.0)]);
    let dirty = [row_of("dirty", "ExOS inverted", 48.0), row_of("dirty", "ExOS linear", 180.0)];
    assert_eq!(table_rows(&results, "13"), dirty);
    // One table is shown; the other that the image prints is made anew too.
    project.kernel(
        "bench-ipc.elf",
        &(script("8", &[("pipe\u{27}\\\u{27}\u{27}", 40), ("lrpc", 21)])
            + &script("12", &[("lrpc", 21), ("tlrpc", 9)])),
    );
    let shown = project.run(Some("12")).expect("runs");
    assert!(shown.contains("Table 12") && !shown.contains("Table 8"), "{shown}");
    assert_eq!(table_rows(&project.results(), "8")[1], row_of("lrpc", "ExOS", 126.0));
}

#[test]
fn a_table_of_several_images_keeps_what_was_not_run() {
    let project = Project::shared();
    project.run(None).expect("runs");
    let before = project.files();
    // Table 10 runs one of the two images of Table 13.
    project.run(Some("10")).expect("runs");
    assert_eq!(project.files(), before);
    project.kernel("bench-inverted.elf", &script("13", &[("dirty", 7)]));
    project.run(Some("13")).expect("runs");
    assert_eq!(table_rows(&project.results(), "13")[0], row_of("dirty", "ExOS inverted", 42.0));
}

#[test]
fn the_system_of_a_row_is_asked_for() {
    let project = Project::shared();
    // Table 13 of the linear page table under the name of another.
    let wrong = script("13", &[("dirty", 30)]).replace("600 18000", "600 18000 system=ExOS");
    project.kernel("bench-linear.elf", &(script("10", &[("dirty", 30)]) + &wrong));
    assert!(project.refused().contains("did not print: table 13, dirty"));
}

#[test]
fn a_figure_of_counts() {
    let project = Project::shared();
    project.run(Some("figure 3")).expect("runs");
    let results = project.results();
    assert_eq!(results.rows.len(), 100);
    let third = &results.rows.iter().filter(|r| r.text("series").as_deref() == Some("share 3")).nth(2);
    let third = third.expect("is there");
    let fields = (third.number("x"), third.number("y"), third.us, third.system.as_str());
    assert_eq!(fields, (Some(3.0), Some(132_700.0), None, "ExOS"));
    let short =
        stride(36_600).lines().filter(|line| !line.contains("share 2")).collect::<Vec<_>>().join("\n");
    project.kernel("bench-stride.elf", &short);
    let error = project.run(Some("figure 3")).expect_err("refused").to_string();
    assert!(error.contains("did not print: figure 3, share 2"), "{error}");
}

#[test]
fn what_is_made_of_results_is_stale_when_they_change() {
    let project = Project::new();
    project.run(None).expect("runs");
    let (root, out) = (project.dir.path(), project.dir.path().join("out"));
    let published = Published::load().expect("loads");
    let mut results = project.results();
    let stale = |results: &Results| stale(root, &out, results, &published).expect("is made");
    assert!(stale(&results).is_empty());
    std::fs::write(out.join("claims.md"), "Everything holds.").expect("writes");
    assert_eq!(stale(&results), ["claims.md"]);
    results.rows[0].instructions = Some(1.0);
    assert_eq!(stale(&results), ["results.json", "tables.md", "tables.csv", "claims.md"]);
}

#[test]
fn the_command_line_of_the_guest() {
    let words = |quick, iterations| append(quick, iterations).unwrap_or_default();
    assert_eq!(words(false, None), "");
    assert_eq!(words(true, None), "quick");
    assert_eq!(words(false, Some(1)), "seed=1");
    assert_eq!(words(true, Some(1)), "quick seed=1");
}

#[test]
fn quick_goes_to_the_guest() {
    let project = Project::new();
    project.kernel(
        "bench-table6.elf",
        &format!("test \"$1\" = quick || exit 9\n{}", script("6", &[("transfer", 4)])),
    );
    project.run_with(Some("6"), |plan| plan.quick = true).expect("runs");
    assert!(project.run(Some("6")).expect_err("fails").to_string().contains("status 9"));
}

#[test]
fn a_guest_that_hangs_is_named_with_its_output_and_log() {
    let project = Project::new();
    project.kernel("bench-table5.elf", "echo booting; echo unalign; sleep 1000");
    let error = project.run_with(None, |plan| plan.seconds = Some(1)).expect_err("hangs").to_string();
    let error = error.replace(&*project.dir.path().to_string_lossy(), "ROOT");
    expect![[r#"
        bench-table5.elf on malta: hung: killed at its time limit
          its last output:
            booting
            unalign
          the whole log: ROOT/logs/bench-table5-malta.log"#]]
    .assert_eq(&error);
    assert_eq!(project.files(), [""; 3].map(str::to_owned));
}

#[test]
fn refusals() {
    for (script, reason) in [
        ("echo trap; exit 2".to_owned(), "exited with status 2"),
        ("kill -KILL $$".to_owned(), "died of signal 9"),
        (script("5", &[("unalign", 3), ("overflow", 3)]), "did not print: table 5, coproc, table 5, prot"),
        (table5().replace("CLOCK 1666 ", "CLOCK 9999 "), "the clock is not steady"),
        (table5().replace("echo CLOCK", "echo"), "the clock was not calibrated"),
        (format!("{}echo BENCH 5 oops\n", table5()), "expected BENCH"),
        (format!("{}echo BENCH 5 prot 4 600 1800\n", table5()), "trials [1, 2, 3, 4]"),
    ] {
        let project = Project::new();
        project.kernel("bench-table5.elf", &script);
        let error = project.refused();
        assert!(error.starts_with("bench-table5.elf on malta: ") && error.contains(reason), "{error}");
    }
}

#[test]
fn missing_kernels_are_named_before_anything_runs() {
    let project = Project::new();
    for file in ["bench-table5.elf", "bench-table6.elf"] {
        std::fs::remove_file(project.dir.path().join("kernels").join(file)).expect("removes");
    }
    assert!(project.refused().contains("bench-table5.elf, bench-table6.elf"));
    assert!(!project.dir.path().join("logs").exists());
}

#[test]
fn an_unknown_table_is_named() {
    let error = Project::new().run(Some("99")).expect_err("refused").to_string();
    assert_eq!(error, "no image measures table 99; there are 4, 5, 6, aegis");
}

#[test]
fn the_list() {
    let project = Project::new();
    for file in ["decstation-bench-table4.elf", "decstation-bench-table5.elf"] {
        project.kernel(file, "");
    }
    std::fs::remove_file(project.dir.path().join("kernels/bench-table5.elf")).expect("removes");
    expect![[r#"
        table 4             bench-table4.elf       built      Aegis          procedure call, syscall no stack, syscall stack
        table 5             bench-table5.elf       not built  Aegis          unalign, overflow, coproc, prot
        table 6             bench-table6.elf       not built  Aegis          transfer
        table aegis         bench-aegis.elf        not built  Aegis          STLB hit, TLBwr
    "#]]
    .assert_eq(&list(SUITE, &project.dir.path().join("kernels")));
}
