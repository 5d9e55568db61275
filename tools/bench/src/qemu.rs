//! QEMU's malta board with a 34Kf processor, run so that two runs execute the same instructions at the same times.
//!
//! `-icount` ties the virtual clock to the instructions executed, so that the tick counter (CP0 Count) measures
//! instructions and nothing else; the clock of the board and its random seed are fixed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::machine::{Job, Machine, MachineError, Tool};

/// `-icount shift=`: each instruction takes 2^SHIFT nanoseconds of virtual time.
pub const ICOUNT_SHIFT: u32 = 0;
/// Main memory, MiB.
pub const MEMORY_MIB: u32 = 64;
/// The processor: a MIPS32 release 2 with a software-filled TLB.
pub const CPU: &str = "34Kf";
/// The oldest QEMU that will do: major, minor.
pub const OLDEST: (u32, u32) = (7, 2);

/// QEMU's malta.
#[derive(Debug, Clone)]
pub struct Malta {
    program: PathBuf,
    /// From 8.1 on, the option for a trace by single instructions has another name.
    one_insn_per_tb: bool,
}

impl Malta {
    /// The malta of the QEMU at `program`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), one_insn_per_tb: false }
    }

    /// As [`Malta::new`], and look at QEMU's version.
    ///
    /// # Errors
    /// When QEMU cannot be started or is too old.
    pub fn checked(program: impl Into<PathBuf>) -> Result<Self, MachineError> {
        let mut malta = Self::new(program);
        let tool = malta.tool()?;
        malta.one_insn_per_tb = version_number(&tool.version).is_some_and(|v| v >= (8, 1));
        Ok(malta)
    }
}

/// `7.2` of `7.2.22 (Debian 1:7.2+dfsg-7)`.
fn version_number(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

impl Machine for Malta {
    fn name(&self) -> &'static str {
        "malta"
    }

    fn command(&self, job: &Job) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-M", "malta", "-cpu", CPU, "-m", &MEMORY_MIB.to_string()])
            .args(["-display", "none", "-vga", "none", "-nic", "none"])
            .args(["-monitor", "none", "-parallel", "none", "-serial", "stdio", "-no-reboot"])
            .args(["-semihosting-config", "enable=on,target=native"])
            .args(["-icount", &format!("shift={ICOUNT_SHIFT},sleep=off")])
            .args(["-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]);
        if job.trace {
            let single: &[&str] = match self.one_insn_per_tb {
                true => &["-accel", "tcg,one-insn-per-tb=on"],
                false => &["-singlestep"],
            };
            // No -D: the trace goes to standard error, and is read as it comes, so that no file grows.
            command.args(single).args(["-d", "exec,nochain"]);
        }
        if let Some(append) = &job.append {
            command.args(["-append", append]);
        }
        command.arg("-kernel").arg(&job.kernel);
        command
    }

    fn tool(&self) -> Result<Tool, MachineError> {
        let program = self.program.to_string_lossy().into_owned();
        let output = Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| MachineError::Start { program: program.clone(), source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let first = text.lines().next().unwrap_or("").trim();
        let version = first.rsplit_once("version ").map_or(first, |(_, v)| v).to_owned();
        if version_number(&version).is_none_or(|v| v < OLDEST) {
            let needed = format!("{}.{}", OLDEST.0, OLDEST.1);
            return Err(MachineError::Version { program, found: version, needed });
        }
        let name = self.program.file_name().map_or(program, |n| n.to_string_lossy().into_owned());
        Ok(Tool { name, version })
    }
}

#[cfg(test)]
mod tests;
