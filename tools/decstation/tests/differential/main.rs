//! Random MIPS-I user programs give the same registers and memory as on QEMU's user-mode emulator.
//!
//! Every program runs in user mode, through the TLB and the caches, under full timing. Normal runs
//! take 2,000 programs of seed 1; `DECSTATION_DIFF_PROGRAMS` and `DECSTATION_DIFF_SEED` change that
//! (100,000 take a few minutes). Not generated, because the machines differ or the architecture
//! leaves them open: overflow, division by zero, INT_MIN / -1, uses of a load's result in its delay
//! slot; those have directed tests in `delays.rs`. A failing program is shrunk and printed.

mod program;

use std::process::{Command, Stdio};

use decstation::cpu::{Cpu, Stop};
use decstation::disasm;
use decstation::params::{Bound, Params};
use decstation::test_board::EmptyBoard;
use decstation::tlb::{Entry, LO_D, LO_V};
use decstation::{asm, cp0};

use program::{Batch, Program, REG_WORDS, Random, STATE_WORDS, TEXT};

const EMULATOR: &str = "qemu-mipsel";
const BATCH: usize = 250;

/// The states after running `batch` on the model.
fn on_the_model(batch: &Batch, programs: usize) -> Result<Vec<u32>, String> {
    let params = Params::built_in("5000/200", Bound::Central).map_err(|e| e.to_string())?;
    let mut cpu = Cpu::new(&params, 2 << 20, EmptyBoard::default());
    // Pages of the image, out of order in physical memory.
    let pages = batch.image.len().div_ceil(4096);
    assert!(pages <= 64, "{pages} pages for 64 TLB entries");
    for page in 0..pages {
        let frame = 0x10_0000 + 0x1000 * (page as u32 * 13 % 67);
        cpu.tlb_write(page, Entry { hi: TEXT + 0x1000 * page as u32, lo: frame | LO_D | LO_V });
        let bytes = &batch.image[4096 * page..batch.image.len().min(4096 * (page + 1))];
        cpu.ram[frame as usize..][..bytes.len()].copy_from_slice(bytes);
    }
    // Any exception ends the run with Cause as its status; a system call is what is expected.
    let handler = [asm::mfc0(26, cp0::reg::CAUSE), asm::lui(27, 0xbfc8), asm::sw(26, 0x40, 27), asm::NOP];
    for vector in [0, 0x80] {
        for (i, w) in handler.iter().enumerate() {
            cpu.ram[vector + 4 * i..][..4].copy_from_slice(&w.to_le_bytes());
        }
    }
    cpu.cp0.write(cp0::reg::STATUS, cp0::status::KUC);
    cpu.cp0.write(cp0::reg::ENTRY_HI, 0);
    let mut cpu = cpu.restarted(batch.entry);
    match cpu.run(100_000_000) {
        Stop::Exit(cause) if cause >> 2 & 31 == cp0::Exception::Sys as u32 => {}
        other => {
            return Err(format!("{other:?} at {:08x}, EPC {:08x}", cpu.pc(), cpu.cp0.epc));
        }
    }
    let at = TEXT + batch.states as u32;
    Ok((0..programs * STATE_WORDS).map(|i| cpu.peek(at + 4 * i as u32).unwrap_or(0)).collect())
}

/// The states after running `batch` on the emulator.
fn on_the_emulator(batch: &Batch) -> Result<Vec<u32>, String> {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!(
        "decstation-diff-{}-{:?}.elf",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, &batch.image).map_err(|e| e.to_string())?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    let output = Command::new(EMULATOR).arg(&path).stdin(Stdio::null()).output().map_err(|e| e.to_string());
    let _ = std::fs::remove_file(&path);
    let output = output?;
    if !output.status.success() {
        return Err(format!("{EMULATOR}: {}", output.status));
    }
    Ok(output.stdout.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// Index of the first program of which the two machines disagree.
fn disagreement(programs: &[Program]) -> Option<(usize, String)> {
    let batch = Batch::new(programs);
    let model = on_the_model(&batch, programs.len());
    let emulator = on_the_emulator(&batch);
    let (model, emulator) = match (model, emulator) {
        (Ok(m), Ok(e)) => (m, e),
        (m, e) => return Some((0, format!("model {:?}, emulator {:?}", m.err(), e.err()))),
    };
    assert_eq!(model.len(), emulator.len());
    let word = model.iter().zip(&emulator).position(|(m, e)| m != e)?;
    let what = match word % STATE_WORDS {
        26 => "HI".to_owned(),
        27 => "LO".to_owned(),
        n if n < REG_WORDS => format!("${}", disasm::REGS[n]),
        n => format!("window+{:#x}", 4 * (n - REG_WORDS)),
    };
    let (m, e) = (model[word], emulator[word]);
    Some((word / STATE_WORDS, format!("{what} is {m:08x}, the emulator has {e:08x}")))
}

/// Drops pieces as long as the machines still disagree, until none can go.
fn shrink(mut program: Program) -> Program {
    loop {
        let before = program.pieces.len();
        for at in (0..before).rev() {
            let mut smaller = program.clone();
            smaller.pieces.remove(at);
            if disagreement(std::slice::from_ref(&smaller)).is_some() {
                program = smaller;
            }
        }
        if program.pieces.len() == before {
            return program;
        }
    }
}

fn listing(program: &Program) -> String {
    let mut text = String::new();
    for (i, w) in program.assemble(TEXT).into_iter().enumerate() {
        let pc = TEXT + 4 * i as u32;
        text += &format!("  {pc:08x} {w:08x} {}\n", disasm::disassemble(pc, w));
    }
    for (n, v) in program.state.iter().enumerate() {
        if n < REG_WORDS {
            text += &format!("  ${n}={v:08x}{}", if n % 8 == 7 { "\n" } else { "" });
        }
    }
    text + &format!("  window {:08x?}\n", &program.state[REG_WORDS..])
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[test]
fn random_programs_agree_with_qemu() {
    if Command::new(EMULATOR).arg("--version").output().is_err() {
        println!("skipped: {EMULATOR} is not installed (Debian: apt-get install qemu-user)");
        return;
    }
    let seed = number("DECSTATION_DIFF_SEED", 1);
    let total = number("DECSTATION_DIFF_PROGRAMS", 2000) as usize;
    let mut random = Random(seed);
    let mut instructions = 0;
    let mut done = 0;
    while done < total {
        let count = BATCH.min(total - done);
        let programs: Vec<_> = (0..count).map(|_| Program::random(&mut random)).collect();
        let lengths = programs.iter().map(|p| p.assemble(TEXT).len());
        instructions += lengths.clone().sum::<usize>();
        assert!(lengths.min() >= Some(50), "a program of fewer than 50 instructions");
        if let Some((index, _)) = disagreement(&programs) {
            let shrunk = shrink(programs[index].clone());
            let what = disagreement(std::slice::from_ref(&shrunk)).map(|d| d.1);
            panic!(
                "program {} of seed {seed}: {}\n{}",
                done + index,
                what.unwrap_or_else(|| "only within its batch".to_owned()),
                listing(&shrunk)
            );
        }
        done += count;
    }
    println!("{done} programs of seed {seed}, {instructions} instructions: no difference");
}
