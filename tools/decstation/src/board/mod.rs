//! The KN02 board of the DECstation 5000/200: every physical address that is not RAM.
//!
//! [`Kn02`] routes accesses to the devices, brings their interrupt lines to the processor, and
//! stands in for the boot PROM. Devices keep no time of their own: each access carries the cycle it
//! happens at, and [`Kn02::next_event`] says when the board next has something to do.
//!
//! | module | part | source |
//! |---|---|---|
//! | [`map`] | address map | KN02 System Module Functional Specification |
//! | [`csr`] | control and status register, interrupt cascade | the same |
//! | [`erraddr`], [`chksyn`] | bus timeouts; ECC state | the same |
//! | [`dz`], [`serial`] | four serial lines and what is connected to them | DZ11 user's guide, DC7085 |
//! | [`rtc`] | clock, periodic interrupt, battery-backed memory | DS1287 and MC146818 data sheets |
//! | [`lance`] | Ethernet controller with its buffer memory | Am7990 data sheet |
//! | [`turbochannel`] | option ROM and station address of the LANCE's slot | TURBOchannel Hardware Specification |
//! | [`prom`] | entry state and callbacks | TURBOchannel Firmware Specification |
//! | [`trace`], [`audit`] | the log of accesses, and which of them are odd | |
//!
//! A read that nothing answers is a bus error and latches ERRADDR; a write that nothing answers
//! latches it and raises the memory interrupt (IP5), because the write left the processor long ago.

pub mod audit;
pub mod chksyn;
pub mod config;
pub mod csr;
pub mod dz;
pub mod erraddr;
pub mod lance;
pub mod map;
pub mod prom;
pub mod rtc;
pub mod serial;
pub mod trace;
pub mod turbochannel;

pub use config::{Attachment, BoardConfig, LineTiming};
pub use map::{AccessClass, Region};
pub use prom::{BootRegisters, PromAction, PromResult};

use crate::bus::{BusError, Cycles, Device, Width};
use crate::net::segment::{Segment, Station, Transmission, WireEvent};
use crate::net::time::Clock;

use chksyn::CheckSyndrome;
use csr::Csr;
use dz::Dz;
use erraddr::ErrorAddress;
use lance::Lance;
use prom::Prom;
use rtc::Rtc;
use trace::{TraceEntry, TraceLog};
use turbochannel::OptionRom;

/// Cause bit numbers relative to IP2, as [`Kn02::interrupt_lines`] returns them.
pub mod line {
    /// IP2: the CSR's cascade of serial lines and TURBOchannel slots.
    pub const CASCADE: u8 = 1 << 0;
    /// IP3: the clock.
    pub const CLOCK: u8 = 1 << 1;
    /// IP5: a bus or memory error.
    pub const MEMORY: u8 = 1 << 3;
}

/// The board.
#[derive(Debug)]
pub struct Kn02 {
    ram_bytes: u32,
    csr: Csr,
    error_address: ErrorAddress,
    check_syndrome: CheckSyndrome,
    dz: Dz,
    rtc: Rtc,
    lance: Lance,
    option_rom: OptionRom,
    prom: Prom,
    segment: Option<Segment>,
    trace: TraceLog,
}

impl Kn02 {
    /// A board just switched on.
    #[must_use]
    pub fn new(config: BoardConfig) -> Kn02 {
        let clock = Clock::new(config.clock_hz);
        let prom = Prom::new(&config);
        let lance =
            Lance::new(clock, config.lance_latency_ns, !matches!(config.ethernet, Attachment::Unplugged));
        Kn02 {
            ram_bytes: config.ram_bytes,
            csr: Csr::new(config.ram_bytes),
            error_address: ErrorAddress::new(),
            check_syndrome: CheckSyndrome::new(),
            dz: Dz::new(clock, config.line_timing, config.lines),
            rtc: Rtc::new(clock, &config.start_date),
            lance,
            option_rom: OptionRom::new(config.station),
            prom,
            segment: match config.ethernet {
                Attachment::Private(segment) => Some(segment),
                Attachment::Shared | Attachment::Unplugged => None,
            },
            trace: TraceLog::new(),
        }
    }

    /// Reads physical address `paddr`, which is not in RAM.
    ///
    /// # Errors
    /// [`BusError`] where nothing answers; ERRADDR then holds the address.
    pub fn read(&mut self, paddr: u32, width: Width, now: Cycles) -> Result<u32, BusError> {
        let (region, offset) = Region::decode(paddr);
        let result = match region {
            Region::LanceBuffer => self.lance.read_memory(offset, width),
            Region::LanceRegisters => self.lance.read(offset, width, now),
            Region::LanceRom => self.option_rom.read(offset, width, now),
            Region::Rom => self.prom.read(offset, width, now),
            Region::CheckSyndrome => self.check_syndrome.read(offset, width, now),
            Region::ErrorAddress => self.error_address.read(offset, width, now),
            Region::Dz => self.dz.read(offset, width, now),
            Region::Rtc => self.rtc.read(offset, width, now),
            Region::Csr => {
                self.refresh(now);
                self.csr.read(offset, width, now)
            }
            Region::Memory | Region::EmptySlot(_) | Region::Reserved | Region::Outside => Err(BusError),
        };
        match result {
            Ok(value) => self.trace.access(region, paddr, width, None, value, now),
            Err(BusError) => {
                self.error_address.latch(paddr, false);
                self.trace.unanswered(region, paddr, width, None, now);
            }
        }
        result
    }

    /// Writes physical address `paddr`, which is not in RAM.
    ///
    /// # Errors
    /// [`BusError`] where nothing answers. The processor takes no exception for it: ERRADDR holds
    /// the address and IP5 is raised.
    pub fn write(&mut self, paddr: u32, value: u32, width: Width, now: Cycles) -> Result<(), BusError> {
        let (region, offset) = Region::decode(paddr);
        let result = match region {
            Region::LanceBuffer => self.lance.write_memory(offset, value, width),
            Region::LanceRegisters => {
                let result = self.lance.write(offset, value, width, now);
                self.step_segment();
                result
            }
            Region::LanceRom | Region::Rom => {
                self.trace.rom_write(region, paddr, width, value, now);
                return Ok(());
            }
            Region::CheckSyndrome => self.check_syndrome.write(offset, value, width, now),
            Region::ErrorAddress => self.error_address.write(offset, value, width, now),
            Region::Dz => self.dz.write(offset, value, width, now),
            Region::Rtc => self.rtc.write(offset, value, width, now),
            Region::Csr => {
                let result = self.csr.write(offset, value, width, now);
                self.dz.set_board_controls(self.csr.fast_line_rate(), self.csr.transmitters_disabled());
                result
            }
            Region::Memory | Region::EmptySlot(_) | Region::Reserved | Region::Outside => Err(BusError),
        };
        match result {
            Ok(()) => self.trace.access(region, paddr, width, Some(value), value, now),
            Err(BusError) => {
                self.error_address.latch(paddr, true);
                self.trace.unanswered(region, paddr, width, Some(value), now);
            }
        }
        result
    }

    /// What kind of access `paddr` is, for the processor's timing.
    #[must_use]
    pub const fn classify(paddr: u32) -> AccessClass {
        Region::decode(paddr).0.class()
    }

    /// The status with which a program ended the run through the board: there is no such way on
    /// the hardware, and none here.
    #[must_use]
    pub const fn exit_status(&self) -> Option<u32> {
        None
    }

    /// Brings every device up to `now`.
    pub fn advance(&mut self, now: Cycles) {
        self.dz.advance(now);
        self.rtc.advance(now);
        self.lance.advance(now);
        self.step_segment();
    }

    /// The processor's interrupt lines: Cause IP7..IP2 in bits 5..0, see [`line`]. Call after
    /// [`advance`](Kn02::advance) or after any access to a device.
    #[must_use]
    pub fn interrupt_lines(&self) -> u8 {
        let mut lines = 0;
        if self.csr.cascade(self.pending()) {
            lines |= line::CASCADE;
        }
        if self.rtc.interrupt() {
            lines |= line::CLOCK;
        }
        if self.error_address.interrupt() {
            lines |= line::MEMORY;
        }
        lines
    }

    /// The earliest cycle at which the board may change something that the processor can see
    /// without asking.
    #[must_use]
    pub fn next_event(&self) -> Option<Cycles> {
        [self.dz.next_event(), self.rtc.next_event(), self.lance.next_event()].into_iter().flatten().min()
    }

    /// Interrupt requests of the CSR's eight inputs.
    fn pending(&self) -> u8 {
        u8::from(self.dz.interrupt()) << csr::INPUT_DZ | u8::from(self.lance.interrupt()) << csr::INPUT_LANCE
    }

    fn refresh(&mut self, now: Cycles) {
        self.advance(now);
        let pending = self.pending();
        self.csr.set_pending(pending);
    }

    /// Lets the board's own segment, if it has one, carry what the LANCE wants to send.
    fn step_segment(&mut self) {
        if let Some(segment) = &mut self.segment
            && (self.lance.has_transmissions() || !segment.is_idle())
        {
            segment.exchange(&mut [&mut self.lance], u64::MAX);
        }
    }

    /// RAM fitted, in bytes.
    #[must_use]
    pub const fn ram_bytes(&self) -> u32 {
        self.ram_bytes
    }

    /// Writes what the PROM leaves in RAM (the arguments) and returns the registers that it enters
    /// a loaded program with.
    #[must_use]
    pub fn boot(&mut self, ram: &mut [u8]) -> BootRegisters {
        self.prom.boot(ram)
    }

    /// The callback that the instruction at physical address `paddr` stands for, if the processor
    /// has fetched one of the PROM's callback words.
    #[must_use]
    pub fn prom_hook(&self, paddr: u32) -> Option<u32> {
        match Region::decode(paddr) {
            (Region::Rom, offset) => self.prom.hook(offset),
            _ => None,
        }
    }

    /// Performs the PROM callback `index` with the o32 arguments `args`; further arguments lie in
    /// RAM at the caller's stack pointer `sp` + 16. The processor puts the value into `v0` and goes
    /// on with the next instruction (which returns), or does what [`PromResult::action`] says.
    pub fn prom_call(
        &mut self,
        index: u32,
        args: [u32; 4],
        sp: u32,
        ram: &mut [u8],
        now: Cycles,
    ) -> PromResult {
        self.refresh(now);
        let result = self.prom.call(
            index,
            args,
            sp,
            &mut prom::Machine { ram, dz: &mut self.dz, rtc: &mut self.rtc, csr: &mut self.csr, now },
        );
        if let PromAction::Unsupported(function) = result.action {
            self.trace.prom(function, prom::stub_address(index), result.value, now);
        }
        result
    }

    /// Switches the log of accesses on or off. Unanswered accesses are kept in any case.
    pub fn set_trace(&mut self, on: bool) {
        self.trace.set(on);
    }

    /// What has been logged since the last call.
    pub fn take_trace(&mut self) -> Vec<TraceEntry> {
        self.trace.take()
    }

    /// The board's own segment, if it has one.
    #[must_use]
    pub fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }

    /// The Ethernet controller, as a station of a shared segment and for inspection.
    #[must_use]
    pub fn lance(&self) -> &Lance {
        &self.lance
    }

    /// Pushes out what the serial backends hold back. The machine does not notice.
    pub fn flush(&mut self) {
        self.dz.flush();
    }

    /// Ends a run: what the serial lines have under way goes out.
    pub fn finish(&mut self) {
        self.dz.finish();
    }
}

impl Station for Kn02 {
    fn take_transmissions(&mut self, into: &mut Vec<Transmission>) {
        self.lance.take_transmissions(into);
    }

    fn deliver(&mut self, event: WireEvent) {
        self.lance.deliver(event);
    }
}

/// The part of a 32-bit register that an access of `width` at byte `offset` reads.
pub(crate) fn lane_read(register: u32, offset: u32, width: Width) -> u32 {
    let shifted = register >> (8 * (offset & 3));
    match width {
        Width::Byte => shifted & 0xff,
        Width::Half => shifted & 0xffff,
        Width::Word => register,
    }
}

/// A 32-bit register after an access of `width` at byte `offset` has written `value` to its part.
pub(crate) fn lane_write(register: u32, offset: u32, value: u32, width: Width) -> u32 {
    let shift = 8 * (offset & 3);
    let mask = match width {
        Width::Byte => 0xff << shift,
        Width::Half => 0xffff << shift,
        Width::Word => return value,
    };
    register & !mask | value << shift & mask
}

#[cfg(test)]
#[path = "tests_kn02.rs"]
mod tests;
