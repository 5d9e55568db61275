//! The processor as time slices: the clock's interrupt, the end of a turn, yield (paper, section
//! 5.1.1).
//!
//! The kernel saves no registers of an environment that loses the processor: it says that the slice
//! ends, and the environment saves what it needs and yields. One that does not is counted, and
//! destroyed past [`EXCESS_LIMIT`].

use aegis_abi::layout::EXCESS_LIMIT;
use aegis_abi::{Error, Name};
use aegis_core::environments::Environment;

use crate::arch::{self, TrapFrame, register};
use crate::board;
use crate::kernel::{self, Kernel};
use crate::memory::{environment_page, page_address};
use crate::{environment, history, report};

impl Kernel {
    /// Whether an environment can be given the processor: it lives, and says where it starts.
    fn runnable(&self, name: Name) -> bool {
        self.environments
            .get(name)
            .is_ok_and(|found| environment_page(page_address(found.page)).slice_start_pc != 0)
    }

    /// Ends the turn in which `running` ran last and finds whose is next.
    fn end_turn(&mut self, running: Name) -> Option<Name> {
        // The vector asks about environments while it changes itself; lend it to itself.
        let mut slices = core::mem::take(&mut self.slices);
        let next = slices.next(running, |name| self.runnable(name));
        self.slices = slices;
        next
    }

    /// Whose turn it is when `running` gives the processor up.
    fn successor_of(&mut self, running: Name) -> Option<Name> {
        match self.successor.take() {
            Some(name) if self.runnable(name) => Some(name),
            _ => self.end_turn(running),
        }
    }
}

/// The clock ticks: a time slice ends.
pub fn clock_interrupt(frame: &mut TrapFrame) {
    #[cfg(feature = "check")]
    if crate::check::clock_interrupt() {
        return;
    }
    board::next_tick();
    end_slice(frame);
}

/// Ends the current slice: tells its holder, or counts what it overruns.
pub fn end_slice(frame: &mut TrapFrame) {
    let page = environment_page(frame.page);
    let running = Name(page.name);
    let over = kernel::with(|kernel| {
        if kernel.successor.is_some() {
            // It was told and runs on.
            page.excess += 1;
            return page.excess > EXCESS_LIMIT;
        }
        match kernel.end_turn(running) {
            Some(next) if next != running => {
                kernel.successor = Some(next);
                history::note("slice end", running.0, next.0);
                if page.slice_end_pc != 0 {
                    save_for_handler(frame, page.slice_end_pc);
                }
            }
            // The next slice is its own too: contiguous slices are one long one.
            _ => {}
        }
        false
    });
    if over {
        environment::kill_running(frame.page, "it did not yield at the end of its slice", frame);
    }
}

/// Enters the handler of a slice's end: as an exception's, with k1 saved besides.
fn save_for_handler(frame: &mut TrapFrame, pc: u32) {
    let save = &mut environment_page(frame.page).slice_save;
    save.a0 = frame.registers[register::A0];
    save.a1 = frame.registers[register::A1];
    save.a2 = frame.registers[register::A2];
    save.k1 = frame.registers[register::K1];
    frame.registers[register::A0] = frame.pc;
    frame.registers[register::A1] = 0;
    frame.registers[register::A2] = frame.cause;
    frame.pc = pc;
}

/// Gives the processor to an environment, at the start of its slice.
fn start(environment: Environment) -> ! {
    let page = environment_page(page_address(environment.page));
    page.excess = 0;
    kernel::with(|kernel| kernel.claim_space(environment));
    arch::enter(page, page.slice_start_pc)
}

/// The call `yield`: gives up the rest of the slice, to `name` or to the next slice's holder.
pub fn yield_to(name: Name) -> Error {
    let chosen = kernel::with(|kernel| {
        let caller = kernel.caller();
        if name != Name::NOBODY {
            if !kernel.runnable(name) {
                return Err(Error::NoEnvironment);
            }
            if kernel.successor.is_none() {
                kernel.slices.lend(caller);
                return kernel.environments.get(name).map(Some);
            }
            // Its slice is over: there is no rest to donate.
        }
        Ok(kernel.successor_of(caller).and_then(|next| kernel.environments.get(next).ok()))
    });
    match chosen {
        Ok(Some(environment)) => start(environment),
        Ok(None) => idle(),
        Err(error) => error,
    }
}

/// Runs whoever is next, after the running environment is gone.
pub fn run_next() -> ! {
    let next = kernel::with(|kernel| {
        kernel.successor_of(Name::NOBODY).and_then(|next| kernel.environments.get(next).ok())
    });
    match next {
        Some(environment) => start(environment),
        None => idle(),
    }
}

/// Nobody has a slice that could come: no event is left that could change that, so the machine ends.
fn idle() -> ! {
    let (left, status) = kernel::with(|kernel| (kernel.environments.count(), kernel.exit_status));
    if left > 0 {
        report!("aegis: {left} environments are left, none with a time slice; halting");
        board::exit(1)
    }
    board::exit(status)
}
