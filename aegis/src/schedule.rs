//! The processor as time slices: the clock's interrupt, the end of a turn, yield (paper, section
//! 5.1.1).
//!
//! The kernel saves no registers of an environment that loses the processor: it says that the slice
//! ends, and the environment saves what it needs and yields. One that does not is counted, and
//! destroyed past [`EXCESS_LIMIT`].

use aegis_abi::environment::Peer;
use aegis_abi::layout::EXCESS_LIMIT;
use aegis_abi::name::SELECTOR;
use aegis_abi::{Error, Name};
use aegis_core::environments::{Environment, Environments};
use aegis_core::slices::Turn;

use crate::arch::{self, TrapFrame, register};
use crate::board;
use crate::kernel::{self, Kernel};
use crate::memory::{environment_page, page_address};
use crate::{environment, history, report, revocation};

/// Whether an environment can be given the processor: it lives, and says where it starts.
fn runnable(environments: &Environments<'_>, name: Name) -> bool {
    environments.get(name).is_ok_and(|found| environment_page(page_address(found.page)).slice_start_pc != 0)
}

impl Kernel {
    /// Ends the turn in which `running` ran last and finds whose is next.
    pub fn end_turn(&mut self, running: Name) -> Option<Name> {
        // Whoever lends its turn, or has it held by another, had it.
        let owner = self.slices.owner();
        self.deadline_nears(running);
        if owner != running {
            self.deadline_nears(owner);
        }
        let environments = &mut self.environments;
        self.slices.next(running, |name, pays| {
            if !runnable(environments, name) {
                Turn::Dead
            } else if pays && environments.pay(name) {
                Turn::Forfeited
            } else {
                Turn::Taken
            }
        })
    }

    /// Whose turn it is when `running` gives the processor up.
    fn successor_of(&mut self, running: Name) -> Option<Name> {
        let successor = self.slices.successor();
        self.slices.set_successor(None);
        match successor {
            Some(name) if runnable(&self.environments, name) => Some(name),
            // The turn is that one's, who cannot take it: it is nobody's to keep.
            Some(_) => self.end_turn(Name::NOBODY),
            None => self.end_turn(running),
        }
    }
}

/// The clock ticks: a time slice ends.
pub fn clock_interrupt(frame: &mut TrapFrame) {
    #[cfg(feature = "check")]
    if crate::check::clock_interrupt(frame) {
        return;
    }
    board::next_tick();
    end_slice(frame);
}

/// Ends the current slice: tells whoever runs in it, or counts what it overruns.
///
/// The count is the slice's. A transfer can leave a slice that is over to somebody else, who is told at
/// the next tick; but it takes no ticks back, and past the last but one there are no transfers. So the
/// one that is destroyed ran for a whole tick after it was told, and the successor's turn always comes.
pub fn end_slice(frame: &mut TrapFrame) {
    let page = environment_page(frame.page);
    let running = Name(page.name);
    let over = kernel::with(|kernel| {
        if kernel.slices.successor().is_some() {
            kernel.overrun += 1;
            page.excess = kernel.overrun;
            kernel.environments.owe(running);
            if kernel.overrun >= EXCESS_LIMIT {
                // Its transfers come to the kernel from here on, which refuses them.
                page.peers = [Peer::default(); 64];
            }
        } else {
            match kernel.end_turn(running) {
                Some(next) if next != running || revocation::untold(frame.page) => {
                    history::note("slice end", running.0, next.0);
                    kernel.slices.set_successor(Some(next));
                    kernel.overrun = 0;
                    kernel.told = Name::NOBODY;
                }
                // The next slice is its own too: contiguous slices are one long one.
                _ => return false,
            }
        }
        if kernel.told != running {
            kernel.told = running;
            if page.slice_end_pc != 0 {
                save_for_handler(frame, page.slice_end_pc);
            }
        }
        kernel.overrun > EXCESS_LIMIT
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

/// Begins the turn of an environment: with a whole quantum, however much or little of its own the
/// last one took, or yielding just before a tick would leave the next one nothing.
fn begin_turn(environment: Environment) -> ! {
    board::start_clock();
    start(environment)
}

/// Gives the processor to an environment, at the start of its slice or of what is lent to it.
fn start(environment: Environment) -> ! {
    let page = environment_page(page_address(environment.page));
    page.excess = 0;
    kernel::with(|kernel| kernel.claim_space(environment.name, environment.name));
    let pc = revocation::entry(environment);
    page.yield_pc = if revocation::untold(page_address(environment.page)) { 0 } else { page.slice_start_pc };
    arch::enter(page, pc)
}

/// The call `yield`: gives up the rest of the slice, to `name` or to the next slice's holder.
///
/// The assembly does the same by itself for whom the caller has yielded to before, as long as the slice is
/// not over and that one's page says where it can be entered at once (`yield_pc`).
pub fn yield_to(name: Name) -> Error {
    let chosen = kernel::with(|kernel| {
        let caller = kernel.caller();
        if name != Name::NOBODY {
            if !runnable(&kernel.environments, name) {
                return Err(Error::NoEnvironment);
            }
            if kernel.slices.successor().is_none() {
                kernel.slices.lend(caller, name);
                let callee = kernel.environments.get(name)?;
                // The next time it takes the short way, in assembly.
                let slot = (name.0 & SELECTOR) as usize / 8;
                environment_page(arch::caller_page()).yielded[slot] =
                    Peer { name: name.0, page: page_address(callee.page) };
                kernel.yielded[name.id() as usize] = true;
                return Ok(Some((callee, start as fn(_) -> !)));
            }
            // Its slice is over: there is no rest to donate.
        }
        let next = kernel.successor_of(caller).and_then(|next| kernel.environments.get(next).ok());
        Ok(next.map(|found| (found, begin_turn as fn(_) -> !)))
    });
    match chosen {
        Ok(Some((environment, enter))) => enter(environment),
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
        Some(environment) => begin_turn(environment),
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
