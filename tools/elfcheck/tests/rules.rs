//! Each rule with a planted violation, and the nearest code that is fine.

mod common;

use common::*;
use elfcheck::{AllowList, Glob, Options, Report};

// a. MIPS-I only

#[test]
fn a_trap_instruction_is_refused() {
    expect(
        &[NOP, TEQ, NOP],
        &["0x00400004 <main+0x4>: not-mips1: teq (.word 0x008501f4) \
           – belongs to MIPS II, an R3000 does not have it"],
    );
}

#[test]
fn an_unknown_word_is_refused() {
    expect(
        &[0x7800_0000],
        &["0x00400000 <main+0x0>: not-mips1: .word 0x78000000 \
           – belongs to no known ISA, an R3000 does not have it"],
    );
}

#[test]
fn padding_passes() {
    expect(&[NOP; 8], &[]);
}

fn allowing(text: &str) -> Options {
    Options { allow: AllowList::parse(text).unwrap(), ..defaults() }
}

#[test]
fn an_allowed_instruction_passes_in_its_symbol_only() {
    let program = Program::without_symbols(&[ERET, NOP, ERET, NOP]).symbol("mips32_return", BASE, 8).symbol(
        "other",
        BASE + 8,
        8,
    );
    let report = program.check_with(&allowing("eret mips32_*  # its return from exceptions\n"));
    assert_eq!(report.allowed.into_iter().collect::<Vec<_>>(), [("eret", 1)]);
    assert_eq!(report.violations.len(), 1);
    assert_eq!(report.violations[0].place, "other+0x0");
}

#[test]
fn an_allowed_symbol_does_not_allow_other_instructions() {
    let program = Program::without_symbols(&[LL, NOP]).symbol("mips32_x", BASE, 8);
    assert_eq!(program.check_with(&allowing("eret mips32_*")).violations.len(), 1);
}

#[test]
fn a_sized_symbol_ends_where_it_ends() {
    let program = Program::without_symbols(&[NOP, ERET]).symbol("mips32_x", BASE, 4);
    let report = program.check_with(&allowing("eret mips32_*"));
    assert_eq!(report.violations[0].place, ".text+0x4");
}

#[test]
fn a_label_without_size_reaches_to_the_next() {
    let program =
        Program::without_symbols(&[NOP, ERET, ERET]).symbol("mips32_x", BASE, 0).symbol("next", BASE + 8, 0);
    let report = program.check_with(&allowing("eret mips32_*"));
    assert_eq!(report.allowed["eret"], 1);
    assert_eq!(report.violations[0].place, "next+0x0");
}

#[test]
fn a_section_can_be_allowed() {
    let program = Program::new(&[ERET]).section(".text.mips32.entry", BASE + 0x1000, &[ERET]);
    let report = program.check_with(&allowing("eret .text.mips32*"));
    assert_eq!(report.allowed["eret"], 1);
    assert_eq!(report.violations.len(), 1);
    assert_eq!(report.violations[0].place, "main+0x0");
}

#[test]
fn mangled_names_can_be_allowed_and_are_printed_readably() {
    let name = "_ZN5aegis4arch6mips325leave17h0123456789abcdefE";
    let program = Program::without_symbols(&[ERET, LL, NOP]).symbol(name, BASE, 12);
    let report = program.check_with(&allowing("eret aegis::arch::mips32::*"));
    assert_eq!(report.allowed["eret"], 1);
    assert_eq!(report.violations[0].place, "aegis::arch::mips32::leave+0x4");
}

#[test]
fn the_delivered_allow_file() {
    let program = Program::without_symbols(&[ERET, LW_T0, USE_T0, SDBBP])
        .symbol("mips32_trap", BASE, 12)
        .symbol("mips32_exit", BASE + 12, 4);
    let options = allowing(include_str!("../mips32.allow"));
    assert_eq!(lines(&program.check_with(&options)), Vec::<String>::new(), "all of this is allowed");
    let elsewhere = Program::without_symbols(&[ERET, LW_T0, USE_T0, SDBBP]).symbol("main", BASE, 12).symbol(
        "mips32_trap",
        BASE + 12,
        4,
    );
    assert_eq!(elsewhere.check_with(&options).violations.len(), 3);
}

// b. Load delays

#[test]
fn load_delays_can_be_allowed_in_their_symbol_only() {
    let program = Program::without_symbols(&[LW_T0, USE_T0, LW_T0, USE_T0])
        .symbol("mips32_trap", BASE, 8)
        .symbol("main", BASE + 8, 8);
    let report = program.check_with(&allowing("load-delay mips32_*  # interlocked"));
    assert_eq!(report.allowed.into_iter().collect::<Vec<_>>(), [("load-delay", 1)]);
    assert_eq!(report.violations.len(), 1);
    assert_eq!(report.violations[0].place, "main+0x0");
}

#[test]
fn an_allowed_load_delay_is_that_of_the_load() {
    // The reader's symbol does not matter: it is the load that does not wait.
    let program =
        Program::without_symbols(&[LW_T0, USE_T0]).symbol("main", BASE, 4).symbol("mips32_trap", BASE + 4, 4);
    let report = program.check_with(&allowing("load-delay mips32_*"));
    assert_eq!(report.violations.len(), 1);
}

#[test]
fn an_allowed_load_delay_allows_nothing_else() {
    let words = [BEQ_A1, J, NOP, JR_RA, LW_T0, ERET];
    let all = Program::new(&words).check_with(&defaults());
    let report = Program::new(&words).check_with(&allowing("load-delay main"));
    assert_eq!(all.violations.len(), 3);
    assert_eq!(report.violations, all.violations);
}

#[test]
fn straight_line() {
    expect(
        &[LW_T0, USE_T0],
        &["0x00400000 <main+0x0>: load-delay: lw $t0, 0($a0) – $t0 is read too early \
           by the next instruction, 0x00400004 `addu $v0, $t0, $t0`"],
    );
    expect(&[LW_T0, NOP, USE_T0], &[]);
    expect(&[LW_T0, USE_A1], &[]);
}

#[test]
fn overwriting_the_loaded_register_is_no_read() {
    expect(&[LW_T0, SET_T0, USE_T0], &[]);
}

#[test]
fn storing_the_loaded_register_is_a_read() {
    assert_eq!(check_words(&[LW_T0, SW_T0]).violations.len(), 1);
}

#[test]
fn loads_to_zero_are_ignored() {
    expect(&[LW_ZERO, 0x0000_1021, NOP], &[]);
    expect(&[JR_RA, LW_ZERO], &[]);
}

#[test]
fn a_branch_that_reads_the_loaded_register() {
    expect(
        &[LW_T0, BNE_T0 | 1, NOP, NOP],
        &["0x00400000 <main+0x0>: load-delay: lw $t0, 0($a0) – $t0 is read too early \
           by the next instruction, 0x00400004 `bne $t0, $zero, 0x0040000c`"],
    );
}

#[test]
fn a_delay_slot_behind_the_load_and_branch_is_late_enough() {
    expect(&[LW_T0, BEQ_A1 | 1, USE_T0, NOP], &[]);
}

#[test]
fn load_in_a_slot_read_at_the_target() {
    expect(
        &[BEQ_A1 | 2, LW_T0, NOP, USE_T0],
        &["0x00400004 <main+0x4>: load-delay: lw $t0, 0($a0) – $t0 is read too early \
           by the branch target's first instruction, 0x0040000c `addu $v0, $t0, $t0`"],
    );
}

#[test]
fn load_in_a_slot_read_at_the_fall_through() {
    expect(
        &[BEQ_A1 | 2, LW_T0, USE_T0, NOP],
        &["0x00400004 <main+0x4>: load-delay: lw $t0, 0($a0) – $t0 is read too early \
           by the fall-through instruction, 0x00400008 `addu $v0, $t0, $t0`"],
    );
}

#[test]
fn load_in_a_slot_read_on_both_ways() {
    let report = check_words(&[BEQ_A1 | 2, LW_T0, USE_T0, USE_T0]);
    assert_eq!(report.violations.len(), 2);
}

#[test]
fn load_in_the_slot_of_a_branch_backwards() {
    let report = check_words(&[USE_T0, BEQ_A1 | 0xfffe, LW_T0, NOP]);
    assert_eq!(report.violations.len(), 1);
    assert!(report.violations[0].explanation.contains("0x00400000 `addu"));
}

#[test]
fn load_in_the_slot_of_an_unconditional_branch() {
    // What stands behind the slot is not executed.
    expect(&[B | 2, LW_T0, USE_T0, NOP], &[]);
    assert_eq!(check_words(&[B | 2, LW_T0, NOP, USE_T0]).violations.len(), 1);
    // A branch never taken is the other way round.
    expect(&[NEVER | 2, LW_T0, NOP, USE_T0], &[]);
    assert_eq!(check_words(&[NEVER | 2, LW_T0, USE_T0, NOP]).violations.len(), 1);
}

#[test]
fn load_in_the_slot_of_j() {
    let to_last = J | (BASE + 12) >> 2;
    expect(&[to_last, LW_T0, USE_T0, NOP], &[]);
    assert_eq!(check_words(&[to_last, LW_T0, NOP, USE_T0]).violations.len(), 1);
}

#[test]
fn load_in_a_slot_with_a_target_outside() {
    expect(
        &[J | 0x0010_0000 >> 2, LW_T0],
        &["0x00400004 <main+0x4>: load-delay: lw $t0, 0($a0) \
           – the branch target 0x00100000 is outside the code"],
    );
}

#[test]
fn a_slot_that_is_a_target_is_also_straight_line() {
    // The second branch enters at the first one's slot, and falls out behind it.
    let words = [B | 4, LW_T0, USE_T0, B | 0xfffd, NOP, NOP];
    let report = check_words(&words);
    assert_eq!(report.violations.len(), 1);
    assert!(report.violations[0].explanation.contains("the next instruction, 0x00400008"));
}

#[test]
fn load_at_the_end_of_one_section_and_use_at_the_start_of_the_next() {
    let program = Program::new(&[NOP, LW_T0]).section(".text.more", BASE + 8, &[USE_T0]);
    assert_eq!(program.check_with(&defaults()).violations.len(), 1);
    let apart = Program::new(&[NOP, LW_T0]).section(".text.more", BASE + 16, &[USE_T0]);
    assert_eq!(apart.check_with(&defaults()).violations.len(), 0);
}

#[test]
fn partial_loads_merge() {
    expect(&[LWL_T0, LWR_T0, NOP, USE_T0], &[]);
    expect(&[LWR_T0, LWL_T0, NOP, USE_T0], &[]);
    // Also from a slot to the target.
    expect(&[B | 2, LWL_T0, NOP, LWR_T0, NOP], &[]);
    assert_eq!(check_words(&[LWL_T0, LWR_T0, USE_T0]).violations.len(), 1);
}

#[test]
fn partial_loads_do_not_merge_their_base_nor_a_whole_load() {
    assert_eq!(check_words(&[LWL_T0, LWR_T0_T0, NOP]).violations.len(), 1);
    assert_eq!(check_words(&[LW_T0, LWR_T0, NOP]).violations.len(), 1);
}

#[test]
fn moves_from_a_coprocessor_are_loads() {
    expect(
        &[MFC0_K0, JR_K0, RFE],
        &["0x00400000 <main+0x0>: load-delay: mfc0 $k0, $14 – $k0 is read too early \
           by the next instruction, 0x00400004 `jr $k0`"],
    );
    expect(&[MFC0_K0, NOP, JR_K0, RFE], &[]);
}

#[test]
fn floating_point_loads_are_late_too() {
    assert_eq!(check_words(&[LWC1, ADD_S]).violations.len(), 1);
    expect(&[LWC1, NOP, ADD_S], &[]);
}

#[test]
fn nothing_follows_eret() {
    let program = Program::without_symbols(&[LW_T0, ERET, USE_T0]).symbol("mips32_x", BASE, 12);
    assert_eq!(program.check_with(&allowing("eret mips32_*")).violations.len(), 0);
}

// c. Loads in the slots of calls and of jumps through a register

#[test]
fn load_in_the_slot_of_jr() {
    expect(
        &[JR_RA, LW_T0],
        &["0x00400004 <main+0x4>: load-in-slot: lw $t0, 0($a0) – $t0 arrives late, \
           and the instruction behind the slot of `jr $ra` is not known"],
    );
}

#[test]
fn load_in_the_slot_of_calls() {
    for call in [JALR_T9, JAL | BASE >> 2, BAL | 1] {
        let report = check_words(&[call, LW_T0, NOP, NOP]);
        assert_eq!(report.violations.len(), 1, "{call:#010x}");
        assert_eq!(report.violations[0].kind, elfcheck::ViolationKind::LoadInSlot);
    }
}

#[test]
fn mfc0_in_the_slot_of_jr() {
    assert_eq!(check_words(&[JR_RA, MFC0_K0]).violations.len(), 1);
}

#[test]
fn rfe_in_the_slot_of_jr_is_the_normal_return() {
    expect(&[JR_K0, RFE], &[]);
}

// d. Branches in slots

#[test]
fn branch_in_a_slot() {
    expect(
        &[B | 2, JR_RA, NOP, NOP],
        &["0x00400004 <main+0x4>: branch-in-slot: jr $ra \
           – in the delay slot of `beq $zero, $zero, 0x0040000c`"],
    );
    assert_eq!(check_words(&[JR_RA, BEQ_A1 | 1, NOP, NOP]).violations.len(), 1);
}

#[test]
fn eret_in_a_slot() {
    let program = Program::without_symbols(&[JR_RA, ERET]).symbol("mips32_x", BASE, 8);
    assert_eq!(program.check_with(&allowing("eret mips32_*")).violations.len(), 1);
}

// e. HI/LO windows

#[test]
fn windows_are_counted() {
    for words in [&[MFLO, MULT][..], &[MFLO, NOP, MULT], &[MFLO, NOP, MTHI]] {
        let report = check_words(words);
        assert_eq!((report.hi_lo_windows, report.violations.len()), (1, 0));
    }
    assert_eq!(check_words(&[MFLO, NOP, NOP, MULT]).hi_lo_windows, 0);
    assert_eq!(check_words(&[MULT, MFLO]).hi_lo_windows, 0);
}

#[test]
fn windows_reach_through_branches() {
    // From a slot to the target, to the word behind it, and to the fall-through.
    assert_eq!(check_words(&[B | 2, MFLO, NOP, MULT]).hi_lo_windows, 1);
    assert_eq!(check_words(&[B | 2, MFLO, NOP, NOP, MULT]).hi_lo_windows, 1);
    assert_eq!(check_words(&[BEQ_A1 | 3, MFLO, MULT, NOP, NOP]).hi_lo_windows, 1);
    assert_eq!(check_words(&[B | 3, MFLO, MULT, NOP, NOP]).hi_lo_windows, 0);
    // What runs behind a jump through a register is not known.
    assert_eq!(check_words(&[JR_RA, MFLO]).hi_lo_windows, 1);
}

#[test]
fn hand_assembly_has_no_window() {
    let by_symbol = Program::without_symbols(&[NOP, MFLO, NOP, MULT]).symbol("asm_f", BASE, 16);
    assert_eq!(
        lines(&by_symbol.check_with(&defaults())),
        ["0x00400004 <asm_f+0x4>: hi-lo-window: mflo $v0 \
          – 0x0040000c `mult $a0, $a1` writes HI/LO within two instructions"]
    );
    let by_section = Program::new(&[NOP]).section(".text.asm.entry", BASE + 0x1000, &[MFLO, MULT]);
    let report = by_section.check_with(&defaults());
    assert_eq!((report.hi_lo_windows, report.violations.len()), (1, 1));
}

// f. System calls

#[test]
fn system_calls_can_be_refused() {
    expect(&[SYSCALL], &[]);
    let options = Options { no_syscall: true, ..defaults() };
    assert_eq!(
        lines(&Program::new(&[NOP, SYSCALL]).check_with(&options)),
        ["0x00400004 <main+0x4>: syscall: syscall – this program must not hold a system call"]
    );
}

#[test]
fn the_summary_counts() {
    let report = check_words(&[MFLO, MULT, LW_T0, USE_T0]);
    assert_eq!(report.to_string(), "4 instructions, 1 HI/LO windows, allowed: none, 1 violations");
}

// g. HI and LO are not kept over a hidden call

fn hiding(words: &[u32]) -> Report {
    let hidden_calls = vec![Glob::new("yield_*")];
    let program = Program::without_symbols(words).symbol("main", BASE, 0).symbol("yield_to", BASE + 0x100, 0);
    program.section(".text.yield", BASE + 0x100, &[NOP]).check_with(&Options { hidden_calls, ..defaults() })
}

#[test]
fn a_product_read_behind_a_hidden_call_is_refused() {
    assert_eq!(
        lines(&hiding(&[MULT, JAL | (BASE + 0x100) >> 2, NOP, MFLO, NOP, NOP])),
        ["0x0040000c <main+0xc>: hi-lo-lost: mflo $v0 – 0x00400004 `jal 0x00400100` may have changed it"]
    );
}

#[test]
fn a_product_read_before_a_hidden_call_or_behind_another_one_passes() {
    let none = Vec::<String>::new();
    let call = JAL | (BASE + 0x100) >> 2;
    assert_eq!(lines(&hiding(&[MULT, NOP, MFLO, NOP, call, NOP, NOP, MULT, MFLO, NOP])), none);
    assert_eq!(lines(&hiding(&[MULT, JAL | BASE >> 2, NOP, MFLO, NOP])), none, "the compiler knows this one");
    assert_eq!(lines(&hiding(&[MFLO, NOP, NOP])), none, "what a function begins with, it may save");
}
