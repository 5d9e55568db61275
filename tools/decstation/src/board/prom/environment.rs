//! The PROM's environment variables.

use super::image::{Image, STRING_BYTES, STRINGS};

/// What a machine with a terminal on line 3 has.
const DEFAULTS: &[(&str, &str)] = &[
    // Where the older PROMs' programs find the bitmap of memory, and its length in words.
    ("bitmap", "0xbfc06000"),
    ("boot", ""),
    ("console", "*"),
    ("haltaction", "h"),
    ("more", "24"),
    // The option slot of the console: 3 is the serial line.
    ("osconsole", "3"),
    ("scsiid0", "7"),
    ("systype", "0x82020300"),
    ("testaction", "q"),
];

/// The variables, and where their values lie in the ROM's string area once they are asked for.
#[derive(Debug)]
pub struct Environment {
    variables: Vec<(String, String)>,
    used: usize,
}

impl Environment {
    /// The defaults with `changes` applied.
    pub fn new(changes: &[(String, String)]) -> Environment {
        let mut environment = Environment { variables: Vec::new(), used: 0 };
        for (name, value) in DEFAULTS {
            environment.set(name, value);
        }
        for (name, value) in changes {
            environment.set(name, value);
        }
        environment
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.variables.push((name.into(), value.into()));
    }

    /// Sets a variable that is not there.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if self.variables.iter().all(|(other, _)| other != name) {
            self.set(name, value);
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(other, _)| other != name);
    }

    /// Puts the value of `name` into the ROM's string area and answers its offset in the ROM.
    pub fn place(&mut self, name: &str, image: &mut Image) -> Option<u32> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        let bytes = value.len() + 1;
        if bytes > STRING_BYTES {
            return None;
        }
        // Old answers are overwritten when the area is full, as firmware with a fixed buffer does.
        if self.used + bytes > STRING_BYTES {
            self.used = 0;
        }
        let offset = self.used;
        image.put_string(offset, value);
        self.used += bytes;
        Some(STRINGS + offset as u32)
    }
}
