//! The modelled DECstations (tools/decstation): deterministic, with a clock in cycles.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use ::decstation::params::{Bound, ParamError, Params};

use crate::machine::{Job, Machine, MachineError, Tool};

/// Their names: as results carry them, and as the model's `--machine` takes them.
pub const MACHINES: [(&str, &str); 4] =
    [("DEC2100", "2100"), ("DEC3100", "3100"), ("DEC5000/125", "5000/125"), ("DEC5000/200", "5000/200")];

/// One modelled machine.
#[derive(Debug, Clone)]
pub struct Decstation {
    /// The model's command.
    pub program: PathBuf,
    /// The first of a pair of [`MACHINES`].
    pub name: &'static str,
    /// The second.
    pub option: &'static str,
    /// Which end of the uncertain timing parameters is taken.
    pub bound: Bound,
    /// Stop at what the hardware leaves undefined.
    pub strict: bool,
}

impl Decstation {
    /// The machine of this name, in either form, at the central parameters.
    #[must_use]
    pub fn named(program: impl Into<PathBuf>, name: &str) -> Option<Self> {
        let (name, option) = MACHINES.into_iter().find(|(a, b)| [a, b].contains(&&name))?;
        Some(Self { program: program.into(), name, option, bound: Bound::Central, strict: false })
    }

    /// Its timing parameters.
    ///
    /// # Errors
    /// When the parameters compiled in are damaged.
    pub fn parameters(&self) -> Result<Params, ParamError> {
        Params::built_in(self.option, self.bound)
    }
}

impl Machine for Decstation {
    fn name(&self) -> &str {
        self.name
    }

    fn command(&self, job: &Job) -> Command {
        let mut command = Command::new(&self.program);
        // The serial line takes no time: benchmarks print between measurements alone.
        command.args(["--machine", self.option, "--fast-serial"]);
        match self.bound {
            Bound::Low => _ = command.arg("--low"),
            Bound::Central => {}
            Bound::High => _ = command.arg("--high"),
        }
        if self.strict {
            command.arg("--strict");
        }
        if job.trace {
            command.args(["--trace", "-", "--trace-limit", "0"]);
        }
        if let Some(marks) = &job.marks {
            command.arg("--marks").arg(marks);
        }
        if let Some(append) = &job.append {
            command.args(["--append", append]);
        }
        command.arg(&job.kernel);
        command
    }

    fn clock_hz(&self) -> Option<u64> {
        self.parameters().ok().map(|p| p.clock_hz)
    }

    fn tool(&self) -> Result<Tool, MachineError> {
        let program = self.program.to_string_lossy().into_owned();
        let output = Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| MachineError::Start { program, source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.trim().trim_start_matches("decstation ").to_owned();
        Ok(Tool { name: "decstation".to_owned(), version })
    }
}

#[cfg(test)]
mod tests;
