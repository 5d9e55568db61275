//! Environments: creating and destroying them, their entries, and the slow side of protected control
//! transfer (paper, sections 5.1 and 5.5).

use aegis_abi::environment::{EVENTS, EnvironmentPage, Event, Peer, cause};
use aegis_abi::layout::{ENVIRONMENT_PAGE, EXCESS_LIMIT, Mapping, PAGE_SHIFT, Resource};
use aegis_abi::name::SELECTOR;
use aegis_abi::{Error, Name};
use aegis_core::environments::Environment;

use crate::arch::{self, TrapFrame, register};
use crate::kernel::{self, Kernel};
use crate::memory::{environment_page, is_user_code, page_address};
use crate::{history, schedule};

impl Kernel {
    /// Creates an environment with nothing but its own page.
    pub fn create(&mut self, parent: Name) -> Result<Name, Error> {
        let page = self.take_cleared()?;
        let (name, used) = match self.environments.create(page, parent) {
            Ok(created) => created,
            Err(error) => {
                self.pages.give(page);
                return Err(error);
            }
        };
        if used {
            // Its tag is used again: what the dead have left in the STLB must not become somebody's.
            let environments = &self.environments;
            self.stlb.retain(|binding| {
                environments.tagged(binding.key >> 21).is_some_and(|found| found.name != name)
            });
        }
        let context = environment_page(page_address(page));
        arch::init_page(context, name);
        context.guaranteed[(ENVIRONMENT_PAGE >> PAGE_SHIFT) as usize] =
            page << PAGE_SHIFT | Mapping::VALID.bits();
        history::note("create", name.0, parent.0);
        Ok(name)
    }

    /// Destroys an environment and frees all that it owned, at once.
    pub fn destroy(&mut self, victim: Environment) {
        history::note("destroy", victim.name.0, 0);
        self.free_all(victim);
        let slices = self.slices.purge(victim.name);
        self.environments.discharge(victim.name, Resource::Slices, slices);
        self.forget_peer(victim.name);
        if core::mem::take(&mut self.yielded[victim.name.id() as usize]) {
            self.forget_in(victim.name, |page| &mut page.yielded);
        }
        self.backings.forget(victim.name);
        for space in self.spaces.iter_mut().filter(|space| **space == victim.name) {
            *space = Name::NOBODY;
        }
        // Its own space may be one that another visits: its parent, which is left without it.
        if self.visited == victim.name {
            self.visited = Name::NOBODY;
            // The visitor would still be let in by what the STLB holds.
            self.stlb.retain(|binding| binding.key >> 21 != victim.name.tag());
        }
        let removed = self.environments.remove(victim.name);
        debug_assert!(removed.is_ok());
        self.pages.give(victim.page);
        if self.first == victim.name {
            // Names are used again one day; the right to halt the machine is not.
            self.first = Name::NOBODY;
        }
        if self.slices.successor() == Some(victim.name) {
            // The slice that it was to have had is passed over; the running one's is over all the same.
            let next = self.end_turn(Name::NOBODY);
            self.slices.set_successor(next);
        }
        arch::flush_tlb();
    }

    /// Takes an environment out of every transfer cache.
    fn forget_peer(&mut self, callee: Name) {
        if core::mem::take(&mut self.cached[callee.id() as usize]) {
            self.forget_in(callee, |page| &mut page.peers);
        }
    }

    fn forget_in(&mut self, callee: Name, cache: impl Fn(&mut EnvironmentPage) -> &mut [Peer; 64]) {
        let slot = (callee.0 & SELECTOR) as usize / 8;
        for environment in self.environments.living() {
            let peer = &mut cache(environment_page(page_address(environment.page)))[slot];
            if peer.name == callee.0 {
                *peer = Peer::default();
            }
        }
    }

    /// Makes the hardware's id of an address space stand for it as `runner` sees it: its environment, or one that
    /// visits it and has its own page there. Environments 64 apart share an id; taking it from another is
    /// invisible to both, since transfers to the loser and to the space's own environment miss every cache
    /// and come here again.
    pub fn claim_space(&mut self, space: Name, runner: Name) {
        let id = space.address_space() as usize;
        let loser = core::mem::replace(&mut self.spaces[id], runner);
        if loser != runner {
            for name in [loser, space] {
                if let Ok(environment) = self.environments.get(name) {
                    self.forget_peer(name);
                    environment_page(page_address(environment.page)).yield_pc = 0;
                }
            }
            arch::flush_tlb();
        }
    }

    /// Sets where an event enters an environment; zero unbinds it.
    pub fn bind(&mut self, subject: Environment, event: u32, pc: u32) -> Result<(), Error> {
        if event as usize >= EVENTS || !is_user_code(pc) {
            return Err(Error::Invalid);
        }
        let page = environment_page(page_address(subject.page));
        *page.entry(event).ok_or(Error::Invalid)? = pc;
        // It may be where slices start, or there is now a handler for what it has not been told yet.
        page.yield_pc = 0;
        if event == Event::Synchronous as u32 && pc == 0 {
            self.forget_peer(subject.name);
        }
        Ok(())
    }
}

/// A protected control transfer that missed the caller's transfer cache: either the callee is not in
/// it yet, and the transfer is begun anew once it is, or the name is nobody's, or it is asynchronous.
///
/// All registers are in the frame and go back as they came, but for `v0` when the transfer is
/// refused.
pub fn transfer(frame: &mut TrapFrame) {
    if let Err(error) = kernel::with(|kernel| kernel.transfer(frame)) {
        if frame.cause & cause::DELAY_SLOT != 0 {
            // There is no returning behind it: give the caller an exception instead.
            deliver_system_call(frame);
        } else {
            frame.registers[register::V0] = error.code();
            frame.pc += 4;
        }
    }
}

impl Kernel {
    fn transfer(&mut self, frame: &mut TrapFrame) -> Result<(), Error> {
        let wanted = Name(frame.registers[register::V0]);
        let callee = self.environments.get(wanted.synchronous())?;
        if self.slices.successor().is_some() && self.overrun >= EXCESS_LIMIT {
            // Whoever overran so far may not leave the end of it to somebody else.
            return Err(Error::Busy);
        }
        let page = page_address(callee.page);
        let name = Name(environment_page(frame.page).name);
        let context = environment_page(page);
        let entry = if wanted.is_asynchronous() { context.asynchronous_pc } else { context.synchronous_pc };
        if entry == 0 {
            return Err(Error::NoEnvironment);
        }
        self.claim_space(callee.name, callee.name);
        let shares_space = callee.name.address_space() == arch::address_space();
        if wanted.is_asynchronous() || shares_space {
            if wanted.is_asynchronous() && self.slices.successor().is_none() {
                // The rest of this slice and no more. One that is over has no rest, and the next
                // one is not the caller's to lend.
                self.slices.lend(name, callee.name);
            }
            context.caller = name.0;
            frame.enter(page, context.entry_hi, entry);
        } else {
            let slot = (wanted.0 & SELECTOR) as usize / 8;
            environment_page(frame.page).peers[slot] = Peer { name: wanted.0, page };
            self.cached[callee.name.id() as usize] = true;
            // `pc` is still at the syscall, which now hits. Were the address-space id the callee's
            // already, fetching it would refill the TLB with the caller's page under that id.
        }
        Ok(())
    }
}

/// Delivers the system call in the frame to its caller as an exception.
pub fn deliver_system_call(frame: &mut TrapFrame) {
    let page = environment_page(frame.page);
    let code = cause::SYSTEM_CALL as usize;
    page.saved_a0[code] = frame.registers[register::A0];
    page.saved_a1[code] = frame.registers[register::A1];
    page.saved_a2[code] = frame.registers[register::A2];
    frame.registers[register::A0] = frame.pc;
    frame.registers[register::A1] = 0;
    frame.registers[register::A2] = frame.cause;
    frame.pc = page.handler_pc[code];
}

/// Destroys the running environment because of what it did, and runs another.
pub fn kill_running(page: u32, why: &'static str, frame: &TrapFrame) -> ! {
    let name = Name(environment_page(page).name);
    crate::report!(
        "aegis: environment {} ({:08x}) destroyed: {why} (cause {:08x}, pc {:08x}, bad address {:08x})",
        name.id(),
        name.0,
        frame.cause,
        frame.pc,
        frame.bad_address
    );
    kernel::with(|kernel| {
        if kernel.first == name {
            kernel.exit_status = 1;
        }
        if let Ok(victim) = kernel.environments.get(name) {
            kernel.destroy(victim);
        }
    });
    schedule::run_next()
}
