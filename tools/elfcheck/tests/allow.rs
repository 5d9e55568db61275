//! The allow list's own format, and its patterns.

use elfcheck::allow::AllowError;
use elfcheck::{AllowList, Glob, ViolationKind};

#[test]
fn patterns() {
    let fits = |pattern: &str, text: &str| Glob::new(pattern).matches(text);
    assert!(fits("mips32_*", "mips32_"));
    assert!(fits("mips32_*", "mips32_eret"));
    assert!(!fits("mips32_*", "x_mips32_eret"));
    assert!(fits("*mips32*", "_ZN6mips323fooE"));
    assert!(fits("a*b*c", "a-b-b-c"));
    assert!(!fits("a*b*c", "a-c-b"));
    assert!(fits("a?c", "abc"));
    assert!(!fits("a?c", "ac"));
    assert!(fits("*", ""));
    assert!(!fits("", "a"));
    assert!(fits("exact", "exact"));
}

#[test]
fn comments_and_blank_lines_are_ignored() {
    let list = AllowList::parse("# why\n\n  eret   mips32_*   # its return\n").unwrap();
    assert_eq!(list, AllowList::parse_inline("eret@mips32_*").unwrap());
}

#[test]
fn lines_that_are_no_rules_are_refused() {
    assert_eq!(AllowList::parse("\neret"), Err(AllowError::Form(2)));
    assert_eq!(AllowList::parse("eret a b"), Err(AllowError::Form(1)));
    assert_eq!(AllowList::parse_inline("eret"), Err(AllowError::Form(1)));
    assert_eq!(AllowList::parse_inline("eret@"), Err(AllowError::Form(1)));
}

#[test]
fn a_mnemonic_that_cannot_occur_is_refused() {
    let error = AllowList::parse("erett mips32_*").unwrap_err();
    assert_eq!(error.to_string(), "line 1: `erett` is no instruction beyond MIPS-I that this tool knows");
    // A MIPS-I instruction needs no permission.
    assert!(AllowList::parse("lw mips32_*").is_err());
}

#[test]
fn a_rule_names_a_mnemonic_or_the_load_delay() {
    let list = AllowList::parse("load-delay mips32_*  # interlocked\n").unwrap();
    assert_eq!(list, AllowList::parse_inline("load-delay@mips32_*").unwrap());
    for kind in ViolationKind::ALL {
        let rule = format!("\n{kind} mips32_*");
        match kind {
            ViolationKind::LoadDelay => assert!(AllowList::parse(&rule).is_ok()),
            _ => assert_eq!(AllowList::parse(&rule), Err(AllowError::Kind(2, kind))),
        }
    }
    assert_eq!(
        AllowError::Kind(3, ViolationKind::BranchInSlot).to_string(),
        "line 3: `branch-in-slot` cannot be allowed, only `load-delay` and mnemonics can"
    );
}

#[test]
fn no_mnemonic_is_the_name_of_a_kind_that_can_be_allowed() {
    let tables = [elfcheck::table::MIPS1, elfcheck::table::LATER];
    assert!(tables.into_iter().flatten().all(|r| r.name != "load-delay"));
}
