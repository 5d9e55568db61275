//! The command line of the benchmark runner; see the library for what each part does.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};

use bench::decstation::Decstation;
use bench::defects::Defects;
use bench::guest_test::{GuestTest, Totals, run_test};
use bench::gxemul::Gxemul;
use bench::machine::{End, Job, Limits, Machine, kill_running};
use bench::published::Published;
use bench::qemu::Malta;
use bench::results::{Results, write_file};
use bench::runner::Target;
use bench::symbolize::Programs;
use bench::trace::{self, Pass, Span, Symbols, Until};
use bench::{dialogue, project, report, runner, sizes};

/// Run guest kernels, measure them, and compare with what the paper published.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the benchmark images and write results.json, tables.md, tables.csv, claims.md and figures.
    Run(RunArgs),
    /// Run one guest test suite under a time limit.
    Test(TestArgs),
    /// Print the tables of an existing results.json, and write anew what is made of it: tables, claims, figures.
    Report(ReportArgs),
    /// Say which rows moved against earlier results, and by which kind of cycles.
    Diff(DiffArgs),
    /// Regenerate the results section of README.md.
    ReadmeTable(ReadmeArgs),
    /// Copy a console's log, with functions and lines behind the addresses of its backtraces.
    Symbolize(SymbolizeArgs),
    /// Count lines of each area, and bytes of kernels.
    Sizes(SizesArgs),
    /// Count the instructions executed from one address to another.
    Path(PathArgs),
}

#[derive(Args)]
struct Qemu {
    /// qemu-system-mipsel [default: $QEMU, what setup.sh found, or the one on PATH]
    #[arg(long, global = true)]
    qemu: Option<PathBuf>,
}

impl Qemu {
    fn malta(&self) -> anyhow::Result<Malta> {
        let set = |text: String| Some(text).filter(|t| !t.is_empty()).map(PathBuf::from);
        let program = self
            .qemu
            .clone()
            .or_else(|| set(std::env::var("QEMU").unwrap_or_default()))
            .or_else(|| set(project::toolchain(&project::root()).remove("QEMU")?))
            .unwrap_or_else(|| "qemu-system-mipsel".into());
        Ok(Malta::checked(program)?)
    }
}

#[derive(Args)]
struct RunArgs {
    /// Only this table; its rows replace those in an existing results.json, and so do those of other tables
    /// that the same images print.
    #[arg(long)]
    table: Option<String>,
    /// Only this figure.
    #[arg(long, conflicts_with = "table")]
    figure: Option<String>,
    /// Fewer iterations; results go to target/quick-results unless --out is given.
    #[arg(long)]
    quick: bool,
    /// Then say which rows moved against the results of a git revision or of a file, and by which kind of cycles.
    #[arg(long, value_name = "REV|FILE", num_args = 0..=1, default_missing_value = "HEAD")]
    diff: Option<String>,
    /// Print what can be run, and run nothing.
    #[arg(long)]
    list: bool,
    /// Where the kernel images are.
    #[arg(long, value_name = "DIR")]
    kernel_dir: Option<PathBuf>,
    /// Where results go [default: bench-results, or target/quick-results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Version of the guest compiler [default: what setup.sh found]
    #[arg(long)]
    toolchain: Option<String>,
    /// Wall-clock limit for each image, seconds.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    qemu: Qemu,
}

#[derive(Args)]
struct TestArgs {
    /// The kernel's ELF file.
    #[arg(long)]
    kernel: PathBuf,
    /// Name for messages; the log is logs/NAME.log.
    #[arg(long)]
    name: String,
    /// Wall-clock limit, seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// The exit status that is success.
    #[arg(long, value_name = "N", default_value_t = 0)]
    allow_status: i32,
    /// The kernel command line.
    #[arg(long)]
    append: Option<String>,
    /// Text that the console must show; several in this order.
    #[arg(long, value_name = "TEXT")]
    expect: Vec<String>,
    /// A dialogue with the guest: a file of `< TEXT to wait for` and `> KEYS to type`.
    #[arg(long, value_name = "FILE")]
    dialogue: Option<PathBuf>,
    /// Do not ask for the line "N passed, N failed" (a guest that ends in a planted fault).
    #[arg(long)]
    no_totals: bool,
    /// Do not show the guest's console while it runs.
    #[arg(long)]
    quiet: bool,
    /// What is known to fail on this machine, and why: those tests must fail so, the others pass.
    #[arg(long, value_name = "FILE")]
    known_defects: Option<PathBuf>,
    #[command(flatten)]
    on: On,
}

#[derive(Args)]
struct On {
    /// malta, gxemul, or a DECstation that the model knows: 2100, 3100, 5000/125, 5000/200
    #[arg(long, value_name = "NAME", default_value = "malta")]
    machine: String,
    /// On the model: stop at what the hardware leaves undefined.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    qemu: Qemu,
}

impl On {
    fn machine(&self) -> anyhow::Result<Box<dyn Machine>> {
        Ok(match self.machine.as_str() {
            "malta" => Box::new(self.qemu.malta()?),
            "gxemul" => {
                let found = project::toolchain(&project::root()).remove("GXEMUL");
                let program = found.filter(|path| !path.is_empty()).map_or("gxemul".into(), PathBuf::from);
                let machine = Gxemul { program };
                machine.tool()?;
                Box::new(machine)
            }
            name => {
                let machine = Decstation::named(decstation(), name);
                let machine = machine.with_context(|| format!("there is no machine {name}; see --help"))?;
                Box::new(Decstation { strict: self.strict, ..machine })
            }
        })
    }
}

#[derive(Args)]
struct ReportArgs {
    /// Change nothing and print nothing; fail if a file is not what would be written.
    #[arg(long)]
    check: bool,
    /// Where results.json is.
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

#[derive(Args)]
struct DiffArgs {
    /// A results file, or a git revision
    #[arg(value_name = "REV|FILE", default_value = "HEAD")]
    earlier: String,
    /// Where the results are that it is compared with.
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

#[derive(Args)]
struct ReadmeArgs {
    /// Change nothing; fail if the section is stale.
    #[arg(long)]
    check: bool,
    /// Where results.json is.
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// The file with the section.
    #[arg(long)]
    readme: Option<PathBuf>,
}

#[derive(Args)]
struct SymbolizeArgs {
    /// The console's log [default: standard input]
    #[arg(value_name = "LOG")]
    log: Option<PathBuf>,
    /// The ELF file of a program whose name does not stand before its addresses, or is not in --dir.
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Where the programs are, each under its name [default: where build.sh puts them]
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Args)]
struct SizesArgs {
    /// Kernel ELF files to measure.
    #[arg(value_name = "ELF")]
    kernels: Vec<PathBuf>,
    /// Fail if the kernel has more lines than it may.
    #[arg(long)]
    check: bool,
}

#[derive(Args)]
struct PathArgs {
    /// The kernel's ELF file.
    #[arg(long)]
    kernel: PathBuf,
    /// More ELF files whose symbols may be named (programs).
    #[arg(long, value_name = "ELF")]
    symbols: Vec<PathBuf>,
    /// Where a pass begins: a symbol, or an address such as 0x80000180. Several are counted apart.
    #[arg(long, required = true)]
    from: Vec<String>,
    /// Where a pass ends, exclusive: "user" (the first instruction below 0x80000000), a symbol, or an address.
    #[arg(long, default_value = "user")]
    until: String,
    /// Only passes that follow this instruction.
    #[arg(long, value_name = "SYMBOL")]
    origin: Option<String>,
    /// Only passes whose next instruction is this one.
    #[arg(long, value_name = "SYMBOL")]
    end: Option<String>,
    /// Fail if a pass takes more instructions.
    #[arg(long, value_name = "N")]
    at_most: Option<u64>,
    /// So many passes may be longer: cold ones, in which the TLB is refilled on the way.
    #[arg(long, value_name = "N", default_value_t = 0)]
    cold: u64,
    /// Stop the guest after about so many passes.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    passes: u64,
    /// Wall-clock limit, seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// The kernel command line.
    #[arg(long)]
    append: Option<String>,
    #[command(flatten)]
    on: On,
}

fn main() -> ExitCode {
    // An interrupted run leaves no emulator behind: it is in a process group of its own, and does not see the signal.
    let handler = ctrlc::set_handler(|| {
        kill_running();
        std::process::exit(130);
    });
    let done = handler.context("cannot set a signal handler").and_then(|()| match Cli::parse().command {
        Command::Run(args) => run(args),
        Command::Test(args) => test(args),
        Command::Report(args) => report(args),
        Command::Diff(args) => diff(args),
        Command::ReadmeTable(args) => readme_table(args),
        Command::Symbolize(args) => symbolize(args),
        Command::Sizes(args) => count_sizes(&args),
        Command::Path(args) => path(&args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The model's command: it lies beside this one.
fn decstation() -> PathBuf {
    let mine = std::env::current_exe().unwrap_or_default();
    mine.with_file_name("decstation")
}

fn run(args: RunArgs) -> anyhow::Result<()> {
    let root = project::root();
    let kernels = args.kernel_dir.unwrap_or_else(|| root.join("target/kernels"));
    if args.list {
        print!("{}", runner::list(bench::suite::SUITE, &kernels));
        return Ok(());
    }
    // Read before the run replaces them.
    let earlier = args.diff.as_ref().map(|which| bench::diff::earlier(&root, which)).transpose()?;
    let default = if args.quick { "target/quick-results" } else { "bench-results" };
    let found = project::toolchain(&root).remove("GUEST_VERSION");
    let plan = runner::Plan {
        kernels,
        out: args.out.unwrap_or_else(|| root.join(default)),
        suite: bench::suite::SUITE,
        table: args.table.or(args.figure.map(|figure| format!("figure {figure}"))),
        quick: args.quick,
        toolchain: args.toolchain.or(found).unwrap_or_else(|| "unknown".to_owned()),
        seconds: args.timeout,
        root,
    };
    let mut targets = vec![Target::malta(args.qemu.malta()?)];
    targets.extend(Target::decstations(&decstation()));
    let tables = runner::run_plan(&plan, &targets, &Published::load()?)?;
    print!("{tables}");
    if let (Some(which), Some(earlier)) = (&args.diff, &earlier) {
        let now = Results::read(&plan.out.join("results.json"))?;
        print!("\nAgainst {which}:\n{}", bench::diff::report(earlier, &now));
    }
    Ok(())
}

fn test(args: TestArgs) -> anyhow::Result<()> {
    let defects = args.known_defects.as_deref().map(Defects::read).transpose()?;
    let test = GuestTest {
        log: project::root().join("logs").join(format!("{}.log", args.name)),
        kernel: args.kernel,
        name: args.name,
        seconds: args.timeout,
        status: args.allow_status,
        append: args.append,
        expect: args.expect,
        dialogue: args.dialogue.as_deref().map(dialogue::read).transpose()?.unwrap_or_default(),
        totals: !args.no_totals,
        defects,
    };
    let show = |line: &str| {
        if !args.quiet {
            println!("{line}");
        }
    };
    let (totals, outcome) = run_test(&test, &*args.on.machine()?, show)?;
    let seconds = outcome.elapsed.as_secs_f64();
    if test.totals {
        let known = match totals.known {
            0 => String::new(),
            known => format!(", {known} known defects of {}", args.on.machine),
        };
        let Totals { passed, failed, .. } = totals;
        println!("{}: {passed} passed, {failed} failed{known} ({seconds:.1} s)", test.name);
    } else {
        println!("{}: {}, as expected ({seconds:.1} s)", test.name, outcome.end);
    }
    Ok(())
}

fn read_results(dir: Option<PathBuf>) -> anyhow::Result<(PathBuf, Results)> {
    let dir = dir.unwrap_or_else(|| project::root().join("bench-results"));
    let path = dir.join("results.json");
    if !path.is_file() {
        bail!("{} does not exist (scripts/reproduce.sh makes it)", path.display());
    }
    let results = Results::read(&path)?;
    Ok((dir, results))
}

fn report(args: ReportArgs) -> anyhow::Result<()> {
    let (dir, results) = read_results(args.results)?;
    let (root, published) = (project::root(), Published::load()?);
    if args.check {
        let stale = runner::stale(&root, &dir, &results, &published)?;
        if !stale.is_empty() {
            bail!(
                "not what {} makes: {}: run `bench report`",
                dir.join("results.json").display(),
                stale.join(", ")
            );
        }
        return Ok(());
    }
    runner::write(&root, &dir, &results, &published)?;
    print!("{}", report::terminal(&results, &published, None));
    Ok(())
}

fn diff(args: DiffArgs) -> anyhow::Result<()> {
    let before = bench::diff::earlier(&project::root(), &args.earlier)?;
    let (_, after) = read_results(args.results)?;
    print!("{}", bench::diff::report(&before, &after));
    Ok(())
}

fn readme_table(args: ReadmeArgs) -> anyhow::Result<()> {
    let path = args.readme.unwrap_or_else(|| project::root().join("README.md"));
    let shown = path.display();
    let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let (_, results) = read_results(args.results)?;
    let new = report::readme(&old, &results, &Published::load()?).with_context(|| shown.to_string())?;
    if args.check && new != old {
        bail!("the results in {shown} are stale: run `bench readme-table`");
    }
    write_file(&path, &new)
}

fn symbolize(args: SymbolizeArgs) -> anyhow::Result<()> {
    let root = project::root();
    let kind = project::toolchain(&root).remove("GUEST_KIND").unwrap_or_else(|| "rustup".to_owned());
    let built = root.join(format!("target/guest-{kind}/mips-unknown-none/release"));
    let mut programs = Programs::new(args.dir.unwrap_or(built), args.elf.as_deref())?;
    let out = std::io::stdout().lock();
    match args.log {
        Some(path) => {
            let log =
                std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
            programs.copy(std::io::BufReader::new(log), out)
        }
        None => programs.copy(std::io::stdin().lock(), out),
    }
}

fn count_sizes(args: &SizesArgs) -> anyhow::Result<()> {
    let areas = sizes::count_project(&project::root())?;
    let mut kernels = Vec::new();
    for path in &args.kernels {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = sizes::elf_bytes(&bytes).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        kernels.push((name, bytes));
    }
    print!("{}", sizes::render(&areas, &kernels));
    let lines = sizes::kernel_lines(&areas);
    if args.check && lines > sizes::KERNEL_LIMIT {
        bail!("the kernel has {lines} lines, {} are allowed", sizes::KERNEL_LIMIT);
    }
    Ok(())
}

fn path(args: &PathArgs) -> anyhow::Result<()> {
    let mut symbols = Symbols::default();
    for elf in [&args.kernel].into_iter().chain(&args.symbols) {
        symbols.add(elf)?;
    }
    let resolve = |name: &Option<String>| name.as_deref().map(|n| symbols.resolve(n)).transpose();
    let (origin, end) = (resolve(&args.origin)?, resolve(&args.end)?);
    let span = Span {
        from: args.from.iter().map(|name| symbols.resolve(name)).collect::<anyhow::Result<_>>()?,
        until: match args.until.as_str() {
            "user" => Until::User,
            name => Until::At(symbols.resolve(name)?),
        },
    };
    let job = Job { kernel: args.kernel.clone(), append: args.append.clone(), trace: true, ..Job::default() };
    let stem = args.kernel.file_stem().unwrap_or_default().to_string_lossy();
    let log = project::root().join("logs").join(format!("path-{stem}.log"));
    let limits = Limits::seconds(args.timeout);
    let machine = args.on.machine()?;
    let (passes, outcome) = trace::passes(&*machine, &job, span.clone(), limits, args.passes, &log)?;
    let wanted = |pass: &Pass| origin.is_none_or(|a| a == pass.origin) && end.is_none_or(|a| a == pass.end);
    print!("{}", trace::render(&passes, &symbols, wanted));
    if !matches!(outcome.end, End::Exited(0) | End::Stopped) {
        let name = args.kernel.display().to_string();
        bail!(runner::failure(&name, &outcome.end.to_string(), &outcome));
    }
    for (name, from) in args.from.iter().zip(&span.from) {
        let stats = passes.stats(|p| p.from == *from && wanted(p));
        let Some(stats) = stats else { bail!("no pass from {name} to {} was seen", args.until) };
        let longer = |limit| passes.stats(|p| p.from == *from && wanted(p) && p.instructions > limit);
        if let Some(limit) = args.at_most
            && longer(limit).is_some_and(|longer| longer.passes > args.cold)
        {
            bail!("from {name} to {}: {} instructions, at most {limit} are allowed", args.until, stats.max);
        }
    }
    Ok(())
}
