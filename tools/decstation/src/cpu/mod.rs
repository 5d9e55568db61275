//! The processor: an interpreter of MIPS-I with the R2000/R3000's system coprocessor, caches, write
//! buffer and clock.
//!
//! - [`exec`] executes instructions; [`fetch`] and [`data`] are the two ways to memory;
//!   [`translate`](self::translate) is address translation; [`cop0`] the system coprocessor's
//!   instructions; [`softtlb`] a short cut of the model, not of the machine.
//! - Time: an instruction issues in one cycle and its data access follows at the end of that cycle;
//!   every wait is added to the clock under its [`Stall`] kind. Stalls never overlap.
//! - Load delay: a load's result is kept aside until the next instruction has read its operands.

mod cop0;
mod data;
mod exec;
mod fetch;
mod hazards;
mod hooks;
mod softtlb;
mod state;
mod strict;
mod translate;

use crate::bus::{Board, Cycles};
use crate::cache::Cache;
use crate::counter_device::CounterDevice;
use crate::counters::{Counters, STALLS, Stall};
use crate::cp0::{Cp0, Exception, Vector, status};
use crate::isa;
use crate::params::{Params, PartialStore};
use crate::tlb::{self, Tlb};
use crate::wbuf::WriteBuffer;

pub use hooks::{Executed, Hooks, Observer};
use softtlb::SoftTlb;
pub use strict::Strict;

/// Why the processor stopped running.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The guest gave the machine back to the PROM, in this way.
    Halt(&'static str),
    /// The given time is reached.
    Limit,
    /// The guest ended the run with this status.
    Exit(u32),
    /// The model found something that a report must name: a TLB shutdown, a strict-mode violation.
    Fault(String),
    /// The program counter is at a breakpoint.
    Breakpoint,
    /// An observer has seen what it was waiting for.
    Observed,
}

/// The constant costs of [`Params`] that the processor needs, in cycles.
#[derive(Clone, Debug)]
struct Costs {
    icache_fetch: u32,
    dcache_fetch: u32,
    miss: Cycles,
    partial: PartialStore,
    device_read: Cycles,
    lance_word: Cycles,
    exception: Cycles,
    micro_tlb: Cycles,
    mult: Cycles,
    div: Cycles,
}

/// The processor with its caches, RAM and the board behind them.
pub struct Cpu<B> {
    regs: [u32; 32],
    hi: u32,
    lo: u32,
    /// Address of the next instruction and of the one after it.
    pc: u32,
    npc: u32,
    /// The next instruction is in a branch delay slot.
    delay_next: bool,
    /// The instruction being executed, and whether it is in a delay slot.
    cur_pc: u32,
    cur_delay: bool,
    /// A load whose result the next instruction does not see yet.
    load_reg: usize,
    load_value: u32,
    /// When HI and LO can be read.
    hilo_ready: Cycles,
    /// System coprocessor.
    pub cp0: Cp0,
    tlb: Tlb,
    micro_tlb: [u32; 2],

    icache: Cache,
    dcache: Cache,
    wbuf: WriteBuffer,
    /// Main memory from physical address 0.
    pub ram: Vec<u8>,
    /// What is not memory.
    pub board: B,
    /// The counters as the guest reads them.
    pub counter_device: CounterDevice,

    cycle: Cycles,
    stalls: [Cycles; STALLS],
    nops: u64,
    icache_misses: u64,
    dcache_misses: u64,
    exceptions: u64,
    utlb_misses: u64,
    hilo_windows: u64,
    costs: Costs,

    /// The page that instructions come from: virtual, physical, and the tag bit that a hit needs
    /// (one that no tag has, where the cache is not used).
    fetch_page: u32,
    fetch_base: u32,
    fetch_flag: u32,
    soft_fetch: SoftTlb,
    soft_load: SoftTlb,
    soft_store: SoftTlb,
    /// The key bits of the soft TLBs for the current mode and address space.
    mode: u32,

    /// When to look at the board and at interrupts again.
    next_check: Cycles,
    until: Cycles,
    stop: Option<Stop>,
    /// What watches the run, if anything does.
    pub hooks: Option<Box<Hooks>>,
}

/// A `fetch_page` that no program counter is in.
const NO_PAGE: u32 = 1;
/// Tag bit of a cached word.
const CACHED: u32 = 1;
/// Tag bit that no cached word has.
const UNCACHED: u32 = 2;
/// Mode bits under which no data access is remembered: data cache isolated, caches swapped.
const ISOLATED: u32 = 4;
const SWAPPED: u32 = 8;

impl<B: Board> Cpu<B> {
    /// A processor after reset, with `ram_bytes` of zeroed memory (a multiple of 4096).
    #[must_use]
    pub fn new(params: &Params, ram_bytes: usize, board: B) -> Self {
        let mut cpu = Cpu {
            regs: [0; 32],
            hi: 0,
            lo: 0,
            pc: 0xbfc0_0000,
            npc: 0xbfc0_0004,
            delay_next: false,
            cur_pc: 0xbfc0_0000,
            cur_delay: false,
            load_reg: 0,
            load_value: 0,
            hilo_ready: 0,
            cp0: Cp0::new(params.cpu.prid()),
            tlb: Tlb::default(),
            micro_tlb: [NO_PAGE; 2],
            icache: Cache::new(params.cache_bytes),
            dcache: Cache::new(params.cache_bytes),
            wbuf: WriteBuffer::new(params),
            ram: vec![0; ram_bytes],
            board,
            counter_device: CounterDevice::new(params.clock_hz),
            cycle: 0,
            stalls: [0; STALLS],
            nops: 0,
            icache_misses: 0,
            dcache_misses: 0,
            exceptions: 0,
            utlb_misses: 0,
            hilo_windows: 0,
            costs: Costs {
                icache_fetch: params.icache_fetch,
                dcache_fetch: params.dcache_fetch,
                miss: params.miss.into(),
                partial: params.partial_store,
                device_read: params.device_read.into(),
                lance_word: params.lance_word.into(),
                exception: params.exception_entry.into(),
                micro_tlb: params.micro_tlb_miss.into(),
                mult: params.mult_cycles.into(),
                div: params.div_cycles.into(),
            },
            fetch_page: NO_PAGE,
            fetch_base: 0,
            fetch_flag: UNCACHED,
            soft_fetch: SoftTlb::default(),
            soft_load: SoftTlb::default(),
            soft_store: SoftTlb::default(),
            mode: 0,
            next_check: 0,
            until: 0,
            stop: None,
            hooks: None,
        };
        cpu.mode_changed();
        cpu
    }

    /// Runs until time `until`, or until something else stops it.
    pub fn run(&mut self, until: Cycles) -> Stop {
        if self.hooks.is_some() { self.run_watched(until) } else { self.run_plain(until) }
    }

    fn run_plain(&mut self, until: Cycles) -> Stop {
        self.until = until;
        self.next_check = 0;
        loop {
            if self.cycle >= self.next_check
                && let Some(stop) = self.service()
            {
                return stop;
            }
            self.step::<false>();
        }
    }

    /// Looks at the board: time, exit, interrupts.
    #[cold]
    #[inline(never)]
    fn service(&mut self) -> Option<Stop> {
        if let Some(stop) = self.stop.take() {
            return Some(stop);
        }
        self.board.advance(self.cycle);
        if let Some(status) = self.counter_device.exit_status() {
            return Some(Stop::Exit(status));
        }
        if self.cycle >= self.until {
            return Some(Stop::Limit);
        }
        self.cp0.set_lines(self.board.interrupt_lines());
        let event = self.board.next_event().unwrap_or(Cycles::MAX);
        self.next_check = event.max(self.cycle + 1).min(self.until);
        if self.cp0.interrupt_pending() {
            self.cur_pc = self.pc;
            self.cur_delay = self.delay_next;
            self.raise(Exception::Int);
        }
        None
    }

    #[inline]
    fn stall(&mut self, kind: Stall, cycles: Cycles) {
        self.cycle += cycles;
        self.stalls[kind as usize] += cycles;
    }

    /// The state that translation depends on changed: privilege, address space, isolation.
    fn mode_changed(&mut self) {
        let bit = |set: u32, mode| if self.cp0.status & set != 0 { mode } else { 0 };
        self.mode = self.cp0.entry_hi & tlb::ASID_MASK
            | bit(status::KUC, 2)
            | bit(status::ISC, ISOLATED)
            | bit(status::SWC, SWAPPED)
            | 1;
        self.fetch_page = NO_PAGE;
    }

    /// After a change of Status or Cause by the program.
    fn status_changed(&mut self) {
        self.mode_changed();
        if self.cp0.interrupt_pending() {
            self.next_check = 0;
        }
    }

    fn request_stop(&mut self, stop: Stop) {
        if self.stop.is_none() {
            self.stop = Some(stop);
        }
        self.next_check = 0;
    }

    #[inline]
    fn commit_load(&mut self) {
        self.regs[self.load_reg & 31] = self.load_value;
        self.load_reg = 0;
        self.load_value = 0;
    }

    /// Takes an exception at the current instruction, through the general vector.
    #[cold]
    fn raise(&mut self, code: Exception) {
        self.enter(code, Vector::General, 0);
    }

    #[cold]
    #[inline(never)]
    fn enter(&mut self, code: Exception, vector: Vector, coprocessor: u32) {
        self.commit_load();
        if code == Exception::Int {
            self.check_hilo_window();
        }
        let epc = if self.cur_delay { self.cur_pc.wrapping_sub(4) } else { self.cur_pc };
        let handler = self.cp0.enter(code, vector, epc, self.cur_delay, coprocessor);
        self.jump(handler);
        self.exceptions += 1;
        if vector == Vector::Utlb {
            self.utlb_misses += 1;
        }
        self.stall(Stall::Exception, self.costs.exception);
        self.mode_changed();
        if let Some(hooks) = self.hooks.as_mut() {
            hooks.exception(code, vector);
        }
    }

    /// Counts an interrupt at an `mfhi` or `mflo` with a multiply, divide or move to HI or LO in
    /// the next two instructions: by the time the interrupt is recognised the hardware has begun
    /// those, so that the read, done again afterwards, finds HI and LO spoilt. The model keeps the
    /// result. (Kane: two instructions must lie between.)
    fn check_hilo_window(&mut self) {
        let at = |cpu: &Self, va| cpu.peek_code(va).unwrap_or(0);
        if !isa::reads_hilo(at(self, self.cur_pc)) {
            return;
        }
        let (first, second) =
            if self.cur_pc == self.pc { (self.npc, self.npc.wrapping_add(4)) } else { (self.pc, self.npc) };
        if isa::writes_hilo(at(self, first)) || isa::writes_hilo(at(self, second)) {
            self.hilo_windows += 1;
            let pc = self.cur_pc;
            if let Some(hooks) = self.hooks.as_mut()
                && hooks.strict.is_some()
            {
                self.request_stop(Stop::Fault(format!(
                    "an interrupt at {pc:08x} breaks a HI/LO window: mfhi/mflo with a mult, div, \
                     mthi or mtlo in the next two instructions"
                )));
            }
        }
    }

    /// Continues at `pc`, not in a delay slot.
    pub fn jump(&mut self, pc: u32) {
        self.pc = pc;
        self.npc = pc.wrapping_add(4);
        self.delay_next = false;
    }

    /// The counts since reset.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            cycles: self.cycle,
            instructions: self.cycle - self.stalls.iter().sum::<u64>(),
            nops: self.nops,
            stalls: self.stalls,
            icache_misses: self.icache_misses,
            dcache_misses: self.dcache_misses,
            exceptions: self.exceptions,
            utlb_misses: self.utlb_misses,
            hilo_windows: self.hilo_windows,
        }
    }

    /// The time: cycles since reset.
    #[must_use]
    pub fn now(&self) -> Cycles {
        self.cycle
    }
}
