//! Sets of registers: the general ones, the floating-point ones, and the floating-point condition.

use std::fmt;
use std::ops::{BitAnd, BitOr};

const GENERAL_NAMES: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "s0",
    "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "fp", "ra",
];

const FLOAT_BASE: u32 = 32;
const CONDITION: u32 = 64;

/// A set of registers. `$zero` is never a member: it holds no value that could come late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterSet(u128);

impl RegisterSet {
    /// The set with no register.
    pub const EMPTY: Self = Self(0);
    /// The condition bit that `c.cond` sets and `bc1f`/`bc1t` read.
    pub const FLOAT_CONDITION: Self = Self(1 << CONDITION);

    /// The set of one general register, `number` 0..=31; empty for `$zero`.
    pub fn general(number: u32) -> Self {
        if number == 0 { Self::EMPTY } else { Self(1 << number) }
    }

    /// The set of one floating-point register, `number` 0..=31.
    pub fn float(number: u32) -> Self {
        Self(1 << (FLOAT_BASE + number))
    }

    /// The set of one floating-point value: a register, or the even/odd pair of a double.
    pub fn float_value(number: u32, double: bool) -> Self {
        if double { Self::float(number & !1) | Self::float(number | 1) } else { Self::float(number) }
    }

    /// Whether no register is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for RegisterSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for RegisterSet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for RegisterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = (0..=CONDITION).filter(|bit| self.0 >> bit & 1 == 1);
        for (position, bit) in members.enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            match bit {
                CONDITION => f.write_str("the FP condition")?,
                FLOAT_BASE.. => write!(f, "$f{}", bit - FLOAT_BASE)?,
                _ => write!(f, "{}", general_name(bit))?,
            }
        }
        Ok(())
    }
}

/// The o32 name of a general register with its dollar sign, for instance `$t0`.
pub fn general_name(number: u32) -> GeneralName {
    GeneralName(number)
}

/// Prints a general register's name; see [`general_name`].
#[derive(Clone, Copy, Debug)]
pub struct GeneralName(u32);

impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", GENERAL_NAMES[(self.0 & 31) as usize])
    }
}
