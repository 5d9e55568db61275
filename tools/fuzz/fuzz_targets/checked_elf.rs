//! ELF files that are to be checked for what an R3000 does not do: refused, or every instruction is looked at.
#![no_main]

use elfcheck::{Code, Options, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(code) = Code::read(data) else { return };
    let instructions: usize = code.sections().iter().map(|section| section.instructions.len()).sum();
    let report = check(&code, &Options::default());
    assert_eq!(report.instructions, instructions);
    assert!(report.violations.iter().all(|violation| code.at(violation.address).is_some()));
    for violation in &report.violations {
        let _ = violation.to_string();
    }
});
