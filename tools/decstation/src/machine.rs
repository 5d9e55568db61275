//! A whole machine: processor, memory and the KN02 board, with a program loaded by its PROM.

use crate::board::{AccessClass as BoardClass, BoardConfig, Kn02, PromResult};
use crate::bus::{AccessClass, Board, BusError, Cycles, Width};
use crate::counters::Counters;
use crate::cpu::{Cpu, Stop};
use crate::loader::{LoadError, Program};
use crate::params::Params;
use crate::symbols::Symbols;

impl Board for Kn02 {
    fn read(&mut self, paddr: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        Kn02::read(self, paddr, width, now)
    }

    fn write(&mut self, paddr: u32, value: u32, width: Width, now: Cycles) {
        // A write that nothing answers is in ERRADDR, and raises IP5.
        let _ = Kn02::write(self, paddr, value, width, now);
    }

    fn class(&self, paddr: u32) -> AccessClass {
        match Kn02::classify(paddr) {
            BoardClass::LanceBuffer => AccessClass::LanceBuffer,
            _ => AccessClass::Register,
        }
    }

    fn advance(&mut self, now: Cycles) {
        Kn02::advance(self, now);
    }

    fn interrupt_lines(&self) -> u8 {
        Kn02::interrupt_lines(self)
    }

    fn next_event(&self) -> Option<Cycles> {
        Kn02::next_event(self)
    }

    fn prom_entry(&self, paddr: u32) -> Option<u32> {
        self.prom_hook(paddr)
    }

    fn prom_call(&mut self, index: u32, regs: &[u32; 32], ram: &mut [u8], now: Cycles) -> PromResult {
        let args = [regs[4], regs[5], regs[6], regs[7]];
        Kn02::prom_call(self, index, args, regs[29], ram, now)
    }
}

/// A machine.
pub struct Machine {
    /// Processor, memory and board.
    pub cpu: Cpu<Kn02>,
    /// What it is timed by.
    pub params: Params,
    /// Names of the program loaded, and of others that reports should know.
    pub symbols: Symbols,
}

impl Machine {
    /// A machine just switched on. The board's clock, memory size and controller latency are set
    /// from `params` and `ram_bytes` (a multiple of 4096).
    #[must_use]
    pub fn new(params: Params, ram_bytes: u32, mut board: BoardConfig) -> Self {
        board.clock_hz = params.clock_hz;
        board.ram_bytes = ram_bytes;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        {
            board.lance_latency_ns = (params.lance_latency_us * 1000.0) as u64;
        }
        Machine {
            cpu: Cpu::new(&params, ram_bytes as usize, Kn02::new(board)),
            params,
            symbols: Symbols::default(),
        }
    }

    /// Loads `program` and sets the processor to its entry, with the registers that the PROM leaves:
    /// argument count and vector, callback vector, a stack.
    ///
    /// # Errors
    /// The program does not fit into memory.
    pub fn boot(&mut self, program: &Program) -> Result<(), LoadError> {
        program.place(&mut self.cpu.ram)?;
        self.symbols.extend(program.symbols.iter().cloned());
        let regs = self.cpu.board.boot(&mut self.cpu.ram);
        for (n, value) in [
            (4, regs.argc),
            (5, regs.argv),
            (6, regs.magic),
            (7, regs.callbacks),
            (29, regs.stack),
            (31, regs.return_address),
        ] {
            self.cpu.set_reg(n, value);
        }
        self.cpu.jump(program.entry);
        Ok(())
    }

    /// Runs until the CPU clock is at `until` cycles, or something stops it.
    pub fn run(&mut self, until: Cycles) -> Stop {
        self.cpu.run(until)
    }

    /// The counts since reset.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.cpu.counters()
    }

    /// Modelled time since reset, microseconds.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn microseconds(&self) -> f64 {
        self.cpu.now() as f64 * 1e6 / self.params.clock_hz as f64
    }
}
