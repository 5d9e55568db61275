//! A debugger's way in: the GDB remote serial protocol over TCP.
//!
//! `gdb-multiarch -ex 'set architecture mips:3000' -ex 'target remote 127.0.0.1:1234' aegis.elf`.
//! Registers are the 32 general ones, Status, LO, HI, BadVAddr, Cause and the PC. Memory is read
//! and written as the kernel sees it, through the TLB's present entries, in RAM only; a write also
//! reaches the caches. A stopped machine's clock stands still.

use std::net::TcpListener;

use anyhow::{Context, Result, anyhow};
use gdbstub::common::Signal;
use gdbstub::conn::ConnectionExt;
use gdbstub::stub::run_blocking::{BlockingEventLoop, Event, WaitForStopReasonError};
use gdbstub::stub::{DisconnectReason, GdbStub, SingleThreadStopReason};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::singlethread::{
    SingleThreadBase, SingleThreadResume, SingleThreadResumeOps, SingleThreadSingleStep,
    SingleThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{Breakpoints, BreakpointsOps, SwBreakpoint, SwBreakpointOps};
use gdbstub::target::{Target, TargetError, TargetResult};
use gdbstub_arch::mips::reg::MipsCoreRegs;
use gdbstub_arch::mips::{Mips, MipsBreakpointKind};

use crate::bus::Cycles;
use crate::cpu::Stop;
use crate::machine::Machine;

/// Cycles between two looks for the debugger's interrupt.
const SLICE: Cycles = 200_000;

/// A machine under a debugger.
struct Debugged<'a> {
    machine: &'a mut Machine,
    max_cycles: Cycles,
    stepping: bool,
    end: Option<Stop>,
}

/// Waits at `address` for a debugger and lets it run `machine`; returns how the run ended.
///
/// # Errors
/// The address cannot be listened on, or the connection breaks.
pub fn serve(address: &str, machine: &mut Machine, max_cycles: Cycles) -> Result<Stop> {
    let address = if address.starts_with(':') { format!("127.0.0.1{address}") } else { address.to_owned() };
    let listener =
        TcpListener::bind(&address).with_context(|| format!("cannot listen for a debugger at {address}"))?;
    eprintln!("decstation: waiting for a debugger at {}", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut target = Debugged { machine, max_cycles, stepping: false, end: None };
    let connection: Box<dyn ConnectionExt<Error = std::io::Error>> = Box::new(stream);
    let reason = GdbStub::new(connection)
        .run_blocking::<Loop<'_>>(&mut target)
        .map_err(|e| anyhow!("debugger connection: {e}"))?;
    let end = target.end.take();
    if reason == DisconnectReason::Disconnect && end.is_none() {
        machine.cpu.hooks_mut().breakpoints.clear();
        return Ok(machine.run(max_cycles));
    }
    Ok(end.unwrap_or(Stop::Breakpoint))
}

impl Target for Debugged<'_> {
    type Arch = Mips;
    type Error = &'static str;

    fn base_ops(&mut self) -> BaseOps<'_, Self::Arch, Self::Error> {
        BaseOps::SingleThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadBase for Debugged<'_> {
    fn read_registers(&mut self, regs: &mut MipsCoreRegs<u32>) -> TargetResult<(), Self> {
        let cpu = &self.machine.cpu;
        for (n, r) in regs.r.iter_mut().enumerate() {
            *r = cpu.reg(n);
        }
        (regs.hi, regs.lo) = cpu.hi_lo();
        regs.pc = cpu.pc();
        regs.cp0.status = cpu.cp0.status;
        regs.cp0.cause = cpu.cp0.cause;
        regs.cp0.badvaddr = cpu.cp0.bad_vaddr;
        Ok(())
    }

    fn write_registers(&mut self, regs: &MipsCoreRegs<u32>) -> TargetResult<(), Self> {
        let cpu = &mut self.machine.cpu;
        for (n, &r) in regs.r.iter().enumerate() {
            cpu.set_reg(n, r);
        }
        cpu.set_hi_lo(regs.hi, regs.lo);
        if regs.pc != cpu.pc() {
            cpu.jump(regs.pc);
        }
        Ok(())
    }

    fn read_addrs(&mut self, start: u32, data: &mut [u8]) -> TargetResult<usize, Self> {
        for (i, byte) in data.iter_mut().enumerate() {
            match self.machine.cpu.peek_byte(start.wrapping_add(i as u32)) {
                Some(b) => *byte = b,
                None if i == 0 => return Err(TargetError::NonFatal),
                None => return Ok(i),
            }
        }
        Ok(data.len())
    }

    fn write_addrs(&mut self, start: u32, data: &[u8]) -> TargetResult<(), Self> {
        for (i, &byte) in data.iter().enumerate() {
            if !self.machine.cpu.poke_byte(start.wrapping_add(i as u32), byte) {
                return Err(TargetError::NonFatal);
            }
        }
        Ok(())
    }

    fn support_resume(&mut self) -> Option<SingleThreadResumeOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadResume for Debugged<'_> {
    fn resume(&mut self, _signal: Option<Signal>) -> Result<(), Self::Error> {
        self.stepping = false;
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<SingleThreadSingleStepOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadSingleStep for Debugged<'_> {
    fn step(&mut self, _signal: Option<Signal>) -> Result<(), Self::Error> {
        self.stepping = true;
        Ok(())
    }
}

impl Breakpoints for Debugged<'_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Debugged<'_> {
    fn add_sw_breakpoint(&mut self, at: u32, _: MipsBreakpointKind) -> TargetResult<bool, Self> {
        self.machine.cpu.hooks_mut().breakpoints.insert(at);
        Ok(true)
    }

    fn remove_sw_breakpoint(&mut self, at: u32, _: MipsBreakpointKind) -> TargetResult<bool, Self> {
        Ok(self.machine.cpu.hooks_mut().breakpoints.remove(&at))
    }
}

impl Debugged<'_> {
    /// Runs a slice; a reason to tell the debugger, if there is one.
    fn run_slice(&mut self) -> Option<SingleThreadStopReason<u32>> {
        self.machine.cpu.hooks_mut().single_step = self.stepping;
        let until = self.machine.cpu.now().saturating_add(SLICE).min(self.max_cycles);
        let stop = self.machine.run(until);
        self.machine.cpu.board.flush();
        let reason = match &stop {
            Stop::Limit if self.machine.cpu.now() < self.max_cycles => return None,
            Stop::Breakpoint if self.stepping => return Some(SingleThreadStopReason::DoneStep),
            Stop::Breakpoint | Stop::Observed => return Some(SingleThreadStopReason::SwBreak(())),
            Stop::Limit => SingleThreadStopReason::Terminated(Signal::SIGXCPU),
            Stop::Exit(status) => SingleThreadStopReason::Exited(*status as u8),
            Stop::Halt(_) => SingleThreadStopReason::Exited(0),
            Stop::Fault(report) => {
                eprintln!("decstation: {report}");
                SingleThreadStopReason::Terminated(Signal::SIGABRT)
            }
        };
        self.end = Some(stop);
        Some(reason)
    }
}

/// The protocol's main loop.
struct Loop<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> BlockingEventLoop for Loop<'a> {
    type Target = Debugged<'a>;
    type Connection = Box<dyn ConnectionExt<Error = std::io::Error>>;
    type StopReason = SingleThreadStopReason<u32>;

    fn wait_for_stop_reason(
        target: &mut Self::Target,
        conn: &mut Self::Connection,
    ) -> Result<Event<Self::StopReason>, WaitForStopReasonError<&'static str, std::io::Error>> {
        loop {
            if conn.peek().map_err(WaitForStopReasonError::Connection)?.is_some() {
                let byte = conn.read().map_err(WaitForStopReasonError::Connection)?;
                return Ok(Event::IncomingData(byte));
            }
            if let Some(reason) = target.run_slice() {
                return Ok(Event::TargetStopped(reason));
            }
        }
    }

    fn on_interrupt(target: &mut Self::Target) -> Result<Option<Self::StopReason>, &'static str> {
        target.stepping = false;
        Ok(Some(SingleThreadStopReason::Signal(Signal::SIGINT)))
    }
}
