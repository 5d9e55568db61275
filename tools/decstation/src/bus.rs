//! The contract between the processor half of the model and its memory-mapped devices.
//!
//! A device sees offsets from its own base, right-aligned values and the time in cycles of the
//! modelled CPU. It never sees the host's clock: everything that happens, happens at a cycle, so a
//! run repeats exactly.

use crate::board::PromResult;

/// Cycles of the modelled CPU since reset.
pub type Cycles = u64;

/// The size of one access on the bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Width {
    /// The number of bytes that an access of this width moves.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Width::Byte => 1,
            Width::Half => 2,
            Width::Word => 4,
        }
    }
}

/// No device answered: the processor sees a bus error (IBE or DBE).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusError;

/// One memory-mapped device. `offset` is relative to the device's base; values are right-aligned.
pub trait Device {
    /// The name that reports use.
    fn name(&self) -> &'static str;

    /// Reads a register or memory of the device at `offset`.
    ///
    /// # Errors
    /// [`BusError`] where the device does not answer.
    fn read(&mut self, offset: u32, width: Width, now: Cycles) -> Result<u32, BusError>;

    /// Writes a register or memory of the device at `offset`.
    ///
    /// # Errors
    /// [`BusError`] where the device does not answer.
    fn write(&mut self, offset: u32, value: u32, width: Width, now: Cycles) -> Result<(), BusError>;

    /// Brings the device's state up to `now`.
    fn advance(&mut self, now: Cycles);

    /// Level of the device's interrupt line (after `advance`).
    fn interrupt(&self) -> bool;

    /// The earliest cycle at which `advance` would change anything visible, if any.
    fn next_event(&self) -> Option<Cycles>;
}

/// What the timing charges for an access outside RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessClass {
    /// A device register.
    Register,
    /// The network controller's buffer memory.
    LanceBuffer,
}

/// Everything outside RAM, as the processor sees it: the board with its devices.
pub trait Board {
    /// Reads physical address `paddr`, which is not in RAM.
    ///
    /// # Errors
    /// [`BusError`] where nothing answers.
    fn read(&mut self, paddr: u32, width: Width, now: Cycles) -> Result<u32, BusError>;

    /// Writes physical address `paddr`, which is not in RAM. A write that nothing answers is the
    /// board's to report (ERRADDR and its interrupt): the processor has gone on.
    fn write(&mut self, paddr: u32, value: u32, width: Width, now: Cycles);

    /// The cost of an access to `paddr`.
    fn class(&self, paddr: u32) -> AccessClass;

    /// Brings all devices up to `now`.
    fn advance(&mut self, now: Cycles);

    /// Cause IP7..IP2 as bits 5..0 (after `advance`).
    fn interrupt_lines(&self) -> u8;

    /// The earliest cycle at which `advance` would change anything, if any.
    fn next_event(&self) -> Option<Cycles>;

    /// If a PROM service is entered at `paddr`, its index for [`Board::prom_call`].
    fn prom_entry(&self, paddr: u32) -> Option<u32>;

    /// Executes a PROM service: `regs` are the processor's general registers.
    fn prom_call(&mut self, index: u32, regs: &[u32; 32], ram: &mut [u8], now: Cycles) -> PromResult;
}
