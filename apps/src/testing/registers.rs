//! All registers of a program at once.

use core::fmt;

use super::assembler::{Code, NOP, lw, mfhi, mflo, mthi, mtlo, reg, sw};

/// The general registers by number, then HI and LO. k0 and k1 mean nothing, and count for nothing
/// when two are compared.
#[derive(Clone, Copy)]
pub struct Registers(pub [u32; Self::COUNT]);

impl Registers {
    /// How many words these are.
    pub const COUNT: usize = 34;
    /// Where HI is.
    pub const HI: usize = 32;
    /// Where LO is.
    pub const LO: usize = 33;

    /// All zero.
    pub const ZERO: Self = Self([0; Self::COUNT]);

    /// Canaries: different in every register and for every seed.
    #[must_use]
    pub fn canaries(seed: u32) -> Self {
        let mut words = [0; Self::COUNT];
        for (index, word) in words.iter_mut().enumerate() {
            let mixed = (seed << 8 | index as u32).wrapping_mul(0x9e37_79b1);
            // Never zero, and not like an address of this program.
            *word = (mixed ^ mixed >> 15) | 0x1000_0000;
        }
        let mut registers = Self(words);
        registers.normalise();
        registers
    }

    fn normalise(&mut self) {
        for index in [reg::ZERO, reg::K0, reg::K1] {
            self.0[index as usize] = 0;
        }
    }

    /// The same with `number` holding `value`.
    #[must_use]
    pub const fn with(mut self, number: u32, value: u32) -> Self {
        self.0[number as usize] = value;
        self
    }

    /// The first register in which the two differ: its number, what it is here and there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let (mut left, mut right) = (*self, *other);
        left.normalise();
        right.normalise();
        let register = (0..Self::COUNT).find(|index| left.0[*index] != right.0[*index])?;
        Some(Difference { register, left: left.0[register], right: right.0[register] })
    }

    /// Reads them from an address.
    #[must_use]
    pub fn read(address: u32) -> Self {
        let mut words = [0; Self::COUNT];
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: callers name memory that is mapped and holds a set of registers.
            *word = unsafe { (address as *const u32).add(index).read_volatile() };
        }
        Self(words)
    }

    /// Writes them to an address.
    pub fn write(&self, address: u32) {
        for (index, word) in self.0.iter().enumerate() {
            // SAFETY: callers name memory that is theirs and has room for a set of registers.
            unsafe { (address as *mut u32).add(index).write_volatile(*word) };
        }
    }
}

/// Where two sets of registers differ.
#[derive(Clone, Copy)]
pub struct Difference {
    register: usize,
    left: u32,
    right: u32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.register {
            Registers::HI => f.write_str("HI")?,
            Registers::LO => f.write_str("LO")?,
            number => write!(f, "${number}")?,
        }
        write!(f, " is {:08x}, not {:08x}", self.left, self.right)
    }
}

/// General registers that a program can fill.
fn numbers() -> impl Iterator<Item = u32> {
    (1..32).filter(|number| !matches!(*number, reg::K0 | reg::K1))
}

/// Adds code that loads every register from `address`, which is below 32 KB.
pub fn load_all<const N: usize>(code: &mut Code<N>, address: u32) {
    for (index, set) in [(Registers::HI, mthi(reg::T0)), (Registers::LO, mtlo(reg::T0))] {
        code.push(lw(reg::T0, address + 4 * index as u32, reg::ZERO)).push(NOP).push(set);
    }
    for number in numbers() {
        code.push(lw(number, address + 4 * number, reg::ZERO));
    }
    code.push(NOP);
}

/// Adds code that stores every register to `address`, which is below 32 KB. It alters t0.
pub fn store_all<const N: usize>(code: &mut Code<N>, address: u32) {
    for number in numbers() {
        code.push(sw(number, address + 4 * number, reg::ZERO));
    }
    for (index, get) in [(Registers::HI, mfhi(reg::T0)), (Registers::LO, mflo(reg::T0))] {
        code.push(get).push(NOP).push(sw(reg::T0, address + 4 * index as u32, reg::ZERO));
    }
}
