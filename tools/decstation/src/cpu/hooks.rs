//! Watching a run instruction by instruction: breakpoints, strict mode, traces, profiles.
//!
//! A watched run takes exactly the cycles of an unwatched one.

use std::collections::BTreeSet;

use super::strict::State;
use super::{Cpu, Stop, Strict};
use crate::bus::{Board, Cycles};
use crate::counters::Counters;
use crate::cp0::{Exception, Vector};
use crate::isa;

/// One step of the processor, as an [`Observer`] sees it.
#[derive(Debug)]
pub struct Executed<'a> {
    /// Address of the instruction.
    pub pc: u32,
    /// The instruction; `None` if none was executed (an interrupt, a fault of the fetch itself, a
    /// PROM service).
    pub word: Option<u32>,
    /// It was in user mode.
    pub user: bool,
    /// The address-space id, 0..63.
    pub asid: u32,
    /// The time at which the step began.
    pub started: Cycles,
    /// What the step took, an interrupt's entry before it included.
    pub took: Counters,
    /// The exception that it ended in.
    pub exception: Option<Exception>,
    /// The general registers after it (a load's result not yet among them).
    pub regs: &'a [u32; 32],
    /// The load under way: register and value.
    pub loading: (usize, u32),
}

/// Something that is told of every step.
pub trait Observer {
    /// One step was taken.
    fn executed(&mut self, step: &Executed<'_>);

    /// Whether it has seen what it was waiting for: the run stops.
    fn done(&self) -> bool {
        false
    }

    /// The run is over.
    fn finish(&mut self) {}

    /// Access to the concrete observer after the run.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Everything that watches a run.
#[derive(Default)]
pub struct Hooks {
    /// Strict mode's memory, if it is on.
    pub strict: Option<Strict>,
    /// Who is told of every step.
    pub observers: Vec<Box<dyn Observer>>,
    /// Addresses before whose instruction to stop.
    pub breakpoints: BTreeSet<u32>,
    /// Stop after one step.
    pub single_step: bool,
    word: Option<u32>,
    exception: Option<Exception>,
}

impl Hooks {
    pub(super) fn exception(&mut self, code: Exception, _vector: Vector) {
        self.exception = Some(code);
        if let Some(strict) = self.strict.as_mut() {
            strict.pipeline_flushed();
        }
    }
}

impl<B: Board> Cpu<B> {
    /// The hooks, made if there are none.
    pub fn hooks_mut(&mut self) -> &mut Hooks {
        self.hooks.get_or_insert_default()
    }

    /// Called with every instruction before it is executed.
    pub(super) fn before(&mut self, pc: u32, word: u32) {
        let state = State {
            loading: self.load_reg,
            delay_slot: self.delay_next,
            operands: (self.regs[isa::rs(word)], self.regs[isa::rt(word)]),
            status: self.cp0.status,
        };
        let Some(hooks) = self.hooks.as_mut() else {
            return;
        };
        hooks.word = Some(word);
        if let Some(strict) = hooks.strict.as_mut()
            && let Some(report) = strict.check(pc, word, state)
        {
            self.request_stop(Stop::Fault(report));
        }
    }

    pub(super) fn run_watched(&mut self, until: Cycles) -> Stop {
        self.until = until;
        self.next_check = 0;
        let mut first = true;
        loop {
            let before = self.counters();
            if self.cycle >= self.next_check
                && let Some(stop) = self.service()
            {
                return stop;
            }
            let pc = self.pc;
            let (user, asid) = (self.cp0.user(), self.cp0.entry_hi >> 6 & 63);
            let Some(hooks) = self.hooks.as_mut() else {
                return Stop::Limit;
            };
            if !first && hooks.breakpoints.contains(&pc) {
                return Stop::Breakpoint;
            }
            hooks.word = None;
            first = false;
            self.step::<true>();
            let after = self.counters();
            let Some(mut hooks) = self.hooks.take() else {
                return Stop::Limit;
            };
            let step = Executed {
                pc,
                word: hooks.word,
                user,
                asid,
                started: before.cycles,
                took: after - before,
                exception: hooks.exception.take(),
                regs: &self.regs,
                loading: (self.load_reg, self.load_value),
            };
            for observer in &mut hooks.observers {
                observer.executed(&step);
            }
            let single = hooks.single_step;
            let done = hooks.observers.iter().any(|o| o.done());
            self.hooks = Some(hooks);
            if done {
                return self.stop.take().unwrap_or(Stop::Observed);
            }
            if single {
                return self.stop.take().unwrap_or(Stop::Breakpoint);
            }
        }
    }
}
