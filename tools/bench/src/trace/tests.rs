use super::*;

/// Captured from QEMU 7.2: a store to the serial port is rewound and done again.
const CAPTURED: &str = "\
Trace 0: 0x7ff264004940 [00000000/bfc00638/10012090/ff020201] 
Trace 0: 0x7ff264004a80 [00000000/80100000/10000090/ff020201] 
Trace 0: 0x7ff264004bc0 [00000000/80100004/10000090/ff020201] 
Trace 0: 0x7ff264004d00 [00000000/80100008/10000090/ff020201] 
cpu_io_recompile: rewound execution of TB to 80100008
Trace 0: 0x7ff264004e80 [00000000/80100008/10000090/ff038201] 
Trace 0: 0x7ff264005000 [00000000/8010000c/10000090/ff020201] 
Trace 0: 0x7ff264005140 [00000000/80100010/10000090/ff020201] print_char
cpu_io_recompile: rewound execution of TB to 80100010
Trace 0: 0x7ff2640052c0 [00000000/80100010/10000090/ff038201] 
Trace 0: 0x7ff264005440 [00000000/80100014/10000090/ff020201] 
";

fn count(lines: impl IntoIterator<Item = impl AsRef<str>>, from: &[u32], until: Until) -> Passes {
    let mut counter = Counter::new(Span { from: from.to_vec(), until });
    for line in lines {
        counter.feed(line.as_ref());
    }
    counter.finish()
}

/// Lines for instructions at these addresses.
fn at(addresses: &[u32]) -> Vec<String> {
    addresses.iter().map(|a| format!("Trace 0: 0x7f00 [00000000/{a:08x}/10000090/ff020201] ")).collect()
}

fn only(passes: &Passes) -> Pass {
    assert_eq!(passes.total(), 1, "{passes:?}");
    *passes.counts.keys().next().expect("one")
}

#[test]
fn lines() {
    assert_eq!(
        entry("Trace 0: 0x7f [00000000/80000180/10000090/ff020201] f"),
        Some(Entry::Executed(0x8000_0180))
    );
    assert_eq!(
        entry("Trace 0: 0x7f [00000000/ffffffff80000180/10000090]"),
        Some(Entry::Executed(0x8000_0180))
    );
    let stopped = "Stopped execution of TB chain before 0x7f22 [00400010] main";
    assert_eq!(entry(stopped), Some(Entry::TakenBack(0x0040_0010)));
    let rewound = "cpu_io_recompile: rewound execution of TB to 80100008";
    assert_eq!(entry(rewound), Some(Entry::TakenBack(0x8010_0008)));
    for other in ["", "Trace", "Trace 0: 0x7f", "Trace 0: 0x [zz/yy]", "qemu: fatal"] {
        assert_eq!(entry(other), None, "{other}");
    }
}

/// Captured from the model: a system call, and a fetch that finds nothing in the TLB.
const MODELLED: &str = "\
      920633 u00 00010838 00010838                     syscall                                        +4 exception  => Sys
      920638 k00 80000080 80000080                     lui $k0,0x8005               $k0=80050000      +18 I-miss
      920658 k00 80000084 80000084                     nop
      920659 u02 00010834 00010834                     (no instruction)                               +4 exception  => Tlbl
      920664 k02 80000000 80000000                     nop
  123 k02 800";

#[test]
fn the_models_trace() {
    let found: Vec<u32> = MODELLED
        .lines()
        .filter_map(entry)
        .map(|entry| match entry {
            Entry::Executed(pc) => pc,
            Entry::TakenBack(pc) => panic!("{pc:x} is taken back"),
        })
        .collect();
    assert_eq!(found, [0x0001_0838, 0x8000_0080, 0x8000_0084, 0x8000_0000]);
}

#[test]
fn what_is_rewound_counts_once() {
    let passes = count(CAPTURED.lines(), &[0x8010_0000], Until::At(0x8010_0014));
    let pass = only(&passes);
    assert_eq!(pass.instructions, 5);
    assert_eq!((pass.origin, pass.end), (0xbfc0_0638, 0x8010_0014));
    assert_eq!((passes.executed, passes.unfinished), (7, 0));
}

#[test]
fn what_is_stopped_counts_not() {
    let mut lines = at(&[0x8000_0180, 0x8000_0184, 0x0040_0000]);
    lines.push("Stopped execution of TB chain before 0x7f [00400000] ".into());
    lines.extend(at(&[0x8000_0180, 0x8000_0184, 0x8000_0188, 0x0040_0000]));
    let passes = count(lines, &[0x8000_0180], Until::User);
    assert_eq!(only(&passes).instructions, 3);
    assert_eq!(passes.unfinished, 1);
}

#[test]
fn a_branch_is_taken_back_with_its_delay_slot() {
    let mut lines = at(&[0x8000_0180, 0x8000_0184, 0x8000_0188]);
    lines.push("cpu_io_recompile: rewound execution of TB to 80000184".into());
    lines.extend(at(&[0x8000_0184, 0x8000_0188, 0x0040_0000]));
    assert_eq!(only(&count(lines, &[0x8000_0180], Until::User)).instructions, 3);
}

#[test]
fn passes_are_told_apart_by_where_they_come_from_and_go_to() {
    let vector = 0x8000_0180;
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.extend(at(&[0x0040_0000, vector, vector + 4, 0x0040_1000]));
    }
    lines.extend(at(&[0x0040_0008, vector, vector + 4, vector + 8, 0x0040_1000, 0x0040_1004]));
    let passes = count(lines, &[vector], Until::User);
    assert_eq!(passes.total(), 4);
    assert_eq!(passes.stats(|_| true), Some(Stats { passes: 4, min: 2, max: 3 }));
    assert_eq!(passes.stats(|p| p.origin == 0x0040_0000), Some(Stats { passes: 3, min: 2, max: 2 }));
    assert_eq!(passes.stats(|p| p.end == 4), None);
    expect_test::expect![[r"
        0x80000180: 4 passes, min 2, max 3 instructions
                 3 x    2 instructions, after 0x00400000, to 0x00401000
                 1 x    3 instructions, after 0x00400008, to 0x00401000
        18 instructions executed, 0 passes not ended
    "]]
    .assert_eq(&render(&passes, &Symbols::default(), |_| true));
}

#[test]
fn a_round_trip_in_a_loop() {
    // A stub at 0x400000 whose caller goes on at 0x400100.
    let trip = [0x0040_0000, 0x0040_0004, 0x8000_0180, 0x8000_0184, 0x0040_0008, 0x0040_0100];
    let lines: Vec<String> = (0..5).flat_map(|_| at(&trip)).collect();
    let passes = count(lines, &[0x0040_0000], Until::At(0x0040_0100));
    assert_eq!(passes.stats(|_| true), Some(Stats { passes: 5, min: 5, max: 5 }));
}

#[test]
fn a_pass_that_does_not_end() {
    let passes = count(at(&[0x8000_0180, 0x8000_0184]), &[0x8000_0180], Until::User);
    assert_eq!((passes.total(), passes.unfinished), (0, 1));
}

#[test]
fn symbols() {
    let mut symbols = Symbols::default();
    assert_eq!(symbols.resolve("0x80000180").expect("an address"), 0x8000_0180);
    assert!(symbols.resolve("exception").is_err());
    symbols.by_name.insert("exception".into(), 0x8000_0180);
    symbols.by_address.insert(0x8000_0180, "exception".into());
    assert_eq!(symbols.resolve("exception").expect("a symbol"), 0x8000_0180);
    assert_eq!(symbols.show(0x8000_0188), "0x80000188 <exception+0x8>");
    assert_eq!(symbols.show(0x0040_0000), "0x00400000");
}
