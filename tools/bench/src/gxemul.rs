//! GXemul's DECstation 5000/200 (`3max`): somebody else's R3000 to boot on.
//!
//! It has no caches, its clock follows the host, and it protects less than the processor does: what fails on it is in
//! a list (see [`crate::defects`]). Leaving it always gives status 0.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::machine::{Job, Machine, MachineError, Tool};

/// Starts what its arguments say with a standard input that is open and stays silent: at an end of its input GXemul
/// hangs. Its output is passed on line by line, or a run that is killed would leave nothing.
const WITH_OPEN_INPUT: &str = r#"fifo=$(mktemp -u) && mkfifo -m 600 "$fifo" && exec 3<>"$fifo" && rm "$fifo" && exec stdbuf -oL "$0" "$@" <&3"#;

/// GXemul's 3max.
#[derive(Debug, Clone)]
pub struct Gxemul {
    /// GXemul's command.
    pub program: PathBuf,
}

impl Machine for Gxemul {
    fn name(&self) -> &'static str {
        "gxemul"
    }

    fn command(&self, job: &Job) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", WITH_OPEN_INPUT]).arg(&self.program);
        command.args(["-q", "-E", "decstation", "-e", "3max"]);
        if let Some(append) = &job.append {
            command.args(["-o", append]);
        }
        command.arg(&job.kernel);
        command
    }

    fn tool(&self) -> Result<Tool, MachineError> {
        let program = self.program.to_string_lossy().into_owned();
        let output = Command::new(&self.program)
            .arg("-h")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| MachineError::Start { program, source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().nth(1).unwrap_or("unknown").to_owned();
        Ok(Tool { name: "gxemul".to_owned(), version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::shown;

    #[test]
    fn the_command() {
        let job = Job { kernel: "k.elf".into(), append: Some("seed=3".into()), ..Job::default() };
        let shown = shown(&Gxemul { program: "gxemul".into() }.command(&job));
        assert!(shown.starts_with("sh -c "), "{shown}");
        assert!(shown.ends_with(" gxemul -q -E decstation -e 3max -o seed=3 k.elf"), "{shown}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Gxemul { program: "/no/such/gxemul".into() }.tool().expect_err("missing").to_string();
        assert!(error.contains("/no/such/gxemul"), "{error}");
    }
}
