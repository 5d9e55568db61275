//! The boot PROM: entry state, environment and callbacks of DEC's REX console.
//!
//! The ROM holds no firmware. Each callback is a word that the model recognises, followed by
//! `jr ra`: when the processor fetches that word, [`Prom::call`] does in the host what the firmware
//! would do, and the guest goes on behind it. The word itself is an instruction of coprocessor 3,
//! which no DECstation has.
//!
//! ```text
//! 0x0000  entry points of the older PROMs, 8 bytes each: j stub; nop
//!         (0x000 is also the reset vector, 0x100 and 0x180 the bootstrap exception vectors)
//! 0x1000  the callback vector that REX passes in a3
//! 0x1100  TURBOchannel information
//! 0x2000  stubs, 16 bytes each: callback word; jr ra; nop; nop
//! 0x2800  setjmp; 0x2880 longjmp: MIPS code
//! 0x4000  environment strings that getenv has been asked for
//! 0x6000  the bitmap of memory, for programs that know the older PROMs only
//! ```
//!
//! Sources: TURBOchannel Firmware Specification (EK-TCAAD-FS); for the older entry points, what
//! 4.4BSD's pmax port calls. Not provided, and reported when called: signals, reading and writing
//! boot devices, console commands, the remote debugging protocol.

mod call;
mod environment;
mod format;
mod guest;
mod image;

pub use guest::Machine;

use environment::Environment;
use image::Call;

use super::config::BoardConfig;
use super::map::ROM_BASE;
use crate::bus::{BusError, Cycles, Device, Width};

/// What a2 holds at entry: REX callbacks are there.
pub const MAGIC: u32 = 0x3046_4354;
/// What getsysid answers: an R3000 (0x82), a KN02 (2), firmware revision 3.
pub const SYSTEM_ID: u32 = 0x8202_0300;
/// Bytes of a page in bitmaps.
const PAGE: usize = 4096;
/// Uncached, unmapped view of physical memory.
const KSEG1: u32 = 0xa000_0000;
/// Cached, unmapped view of physical memory.
const KSEG0: u32 = 0x8000_0000;
/// Where the arguments lie in RAM: in the firmware's area, clear of exception vectors below and of
/// kernels, which are linked from 0x30000 on, above.
const ARGUMENTS: u32 = 0x0001_0000;
/// Top of the stack that a program is entered with.
const STACK: u32 = 0x0002_0000;

/// The registers that a loaded program is entered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootRegisters {
    /// `a0`: number of arguments.
    pub argc: u32,
    /// `a1`: the arguments, an array of pointers.
    pub argv: u32,
    /// `a2`: [`MAGIC`].
    pub magic: u32,
    /// `a3`: the callback vector.
    pub callbacks: u32,
    /// `sp`: a stack in the firmware's area.
    pub stack: u32,
    /// `ra`: where the PROM goes on if the program returns.
    pub return_address: u32,
}

/// What the processor does after a callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PromAction {
    /// Put the value into `v0` and go on with the next instruction.
    Return,
    /// Fetch the same instruction again: the call waits for input.
    Retry,
    /// Invalidate both caches, then return.
    ClearCaches,
    /// The program has given the machine back: halt.
    Halt,
    /// The program wants a reset.
    Reset,
    /// An exception with the bootstrap vectors: the PROM would report it.
    Exception,
    /// The PROM function named by index is not provided; return what it returns on failure.
    Unsupported(&'static str),
}

/// The outcome of a callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PromResult {
    /// For `v0`.
    pub value: u32,
    /// What happens next.
    pub action: PromAction,
    /// Time that the firmware would take, in cycles: characters on the console line, delays.
    pub cycles: Cycles,
    /// RAM that the call has changed behind the caches: physical address and length in bytes.
    pub written: Option<(u32, u32)>,
}

impl PromResult {
    const fn value(value: u32) -> PromResult {
        PromResult { value, action: PromAction::Return, cycles: 0, written: None }
    }

    const fn act(action: PromAction) -> PromResult {
        PromResult { action, ..PromResult::value(0) }
    }
}

/// The PROM.
#[derive(Debug)]
pub struct Prom {
    image: image::Image,
    environment: Environment,
    arguments: Vec<String>,
    ram_bytes: u32,
    clock_hz: u64,
    /// The line that gets is collecting.
    line: Vec<u8>,
}

impl Prom {
    /// The PROM of a machine.
    #[must_use]
    pub fn new(config: &BoardConfig) -> Prom {
        let bitmap = vec![0xff; (config.ram_bytes as usize / PAGE / 8).min(image::BITMAP_BYTES)];
        let mut image = image::Image::new();
        image.put_bytes(image::BITMAP, &bitmap);
        let mut environment = Environment::new(&config.environment);
        environment.set_default("bitmaplen", &format!("{:#x}", bitmap.len() / 4));
        Prom {
            image,
            environment,
            arguments: config.boot_args.clone(),
            ram_bytes: config.ram_bytes,
            clock_hz: config.clock_hz,
            line: Vec::new(),
        }
    }

    /// The callback that the word at ROM offset `offset` stands for.
    #[must_use]
    pub fn hook(&self, offset: u32) -> Option<u32> {
        image::hook(offset)
    }

    /// Writes the arguments into RAM.
    pub fn boot(&mut self, ram: &mut [u8]) -> BootRegisters {
        let count = self.arguments.len() as u32;
        let mut pointers = Vec::new();
        let mut strings = Vec::new();
        for argument in &self.arguments {
            let place = ARGUMENTS + 4 * (count + 1) + strings.len() as u32;
            pointers.extend_from_slice(&(KSEG0 + place).to_le_bytes());
            strings.extend_from_slice(argument.as_bytes());
            strings.push(0);
        }
        pointers.extend_from_slice(&[0; 4]);
        pointers.append(&mut strings);
        if let Some(room) = ram.get_mut(ARGUMENTS as usize..ARGUMENTS as usize + pointers.len()) {
            room.copy_from_slice(&pointers);
        }
        BootRegisters {
            argc: count,
            argv: KSEG0 + ARGUMENTS,
            magic: MAGIC,
            callbacks: KSEG1 + ROM_BASE + image::VECTOR,
            stack: KSEG0 + STACK - 32,
            return_address: KSEG1 + ROM_BASE + image::RESTART,
        }
    }

    /// Performs callback `index`; see [`Kn02::prom_call`](super::Kn02::prom_call).
    pub fn call(&mut self, index: u32, args: [u32; 4], sp: u32, machine: &mut Machine<'_>) -> PromResult {
        match Call::from_index(index) {
            Some(call) => self.perform(call, args, sp, machine),
            None => PromResult::act(PromAction::Unsupported("an unknown PROM entry")),
        }
    }
}

/// The physical address of the word that stands for callback `index`.
#[must_use]
pub const fn stub_address(index: u32) -> u32 {
    ROM_BASE + image::stub(index)
}

impl Device for Prom {
    fn name(&self) -> &'static str {
        "system ROM"
    }

    fn read(&mut self, offset: u32, width: Width, _now: Cycles) -> Result<u32, BusError> {
        Ok(self.image.read(offset, width))
    }

    fn write(&mut self, _: u32, _: u32, _: Width, _: Cycles) -> Result<(), BusError> {
        Ok(())
    }

    fn advance(&mut self, _now: Cycles) {}

    fn interrupt(&self) -> bool {
        false
    }

    fn next_event(&self) -> Option<Cycles> {
        None
    }
}

#[cfg(test)]
#[path = "tests_prom.rs"]
mod tests;
