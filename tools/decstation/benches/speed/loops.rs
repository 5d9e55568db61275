//! Programs that do one thing, or a mixture, for ever.

use decstation::asm::{self, r};
use decstation::board::BoardConfig;
use decstation::cp0::reg;
use decstation::cpu::{Executed, Observer};
use decstation::machine::Machine;
use decstation::params::{Bound, Params};

/// Where the loop is, and what it finds in its registers: two addresses a cache size apart, and one
/// that is not cached.
const CODE: u32 = 0x8000_1000;
const DATA: u32 = 0x8010_0000;
const ALIAS: u32 = DATA + 0x1_0000;
const UNCACHED: u32 = 0xa010_0000;
/// A register of the clock chip.
const DEVICE: u32 = 0xbfe8_0000;

/// A loop.
#[derive(Clone)]
pub struct Loop {
    pub name: &'static str,
    /// Pieces of code and their addresses; the first runs first.
    pieces: Vec<(u32, Vec<u32>)>,
    /// Something is told of each step.
    watched: bool,
}

/// Sees everything and does nothing.
struct Idle;

impl Observer for Idle {
    fn executed(&mut self, _step: &Executed<'_>) {}

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// A machine that runs a loop: the whole 5000/200.
pub struct Running(pub Machine);

impl Running {
    pub fn run_for(&mut self, cycles: u64) {
        let until = self.0.cpu.now() + cycles;
        self.0.run(until);
    }

    pub fn instructions(&self) -> u64 {
        self.0.counters().instructions
    }

    pub fn cycles(&self) -> u64 {
        self.0.cpu.now()
    }
}

impl Loop {
    /// `body`, `times` over, and back.
    pub fn of(name: &'static str, body: &[u32], times: usize) -> Self {
        let mut code = body.repeat(times);
        code.push(asm::beq(0, 0, -(code.len() as i32) - 1));
        code.push(asm::addiu(r::T0, r::T0, 1));
        Loop { name, pieces: vec![(CODE, code)], watched: false }
    }

    /// Two jumps, from [`CODE`] to `there` and back.
    pub fn between(name: &'static str, there: u32) -> Self {
        let jump = |to| vec![asm::j(to), asm::NOP];
        Loop { name, pieces: vec![(CODE, jump(there)), (there, jump(CODE))], watched: false }
    }

    /// With the exception handler that continues behind the instruction.
    pub fn with_handler(mut self) -> Self {
        let k0 = r::K0;
        let handler = [asm::mfc0(k0, reg::EPC), asm::NOP, asm::addiu(k0, k0, 4), asm::jr(k0), asm::RFE];
        self.pieces.push((0x8000_0080, handler.to_vec()));
        self
    }

    pub fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// A machine about to run it.
    pub fn machine(&self) -> Running {
        let params = Params::built_in("5000/200", Bound::Central).expect("built-in parameters");
        let mut machine = Machine::new(params, 16 << 20, BoardConfig::default());
        let cpu = &mut machine.cpu;
        cpu.cp0.status = 0;
        for (va, code) in &self.pieces {
            for (i, w) in code.iter().enumerate() {
                cpu.ram[(va & 0x1fff_ffff) as usize + 4 * i..][..4].copy_from_slice(&w.to_le_bytes());
            }
        }
        for (n, value) in [(r::A0, DATA), (r::A1, ALIAS), (r::A2, UNCACHED), (r::A3, DEVICE)] {
            cpu.set_reg(n as usize, value);
        }
        cpu.jump(CODE);
        if self.watched {
            cpu.hooks_mut().observers.push(Box::new(Idle));
        }
        Running(machine)
    }
}

/// What programs are made of, in different proportions.
pub fn mixes() -> Vec<Loop> {
    vec![
        Loop::of(
            "integer",
            &[
                asm::addu(r::T1, r::T0, r::T2),
                asm::xor(r::T2, r::T1, r::T0),
                asm::sll(r::T3, r::T2, 3),
                asm::slt(r::T4, r::T3, r::T1),
                asm::beq(r::ZERO, r::T4, 1),
                asm::NOP,
                asm::subu(r::T5, r::T3, r::T1),
                asm::andi(r::T2, r::T5, 0xff),
            ],
            1,
        ),
        Loop::of(
            "memory",
            &[
                asm::lw(r::T1, 0, r::A0),
                asm::lw(r::T2, 4, r::A0),
                asm::addiu(r::T3, r::T1, 1),
                asm::sw(r::T3, 0, r::A0),
                asm::lbu(r::T4, 9, r::A0),
                asm::addu(r::T5, r::T2, r::T3),
                asm::sw(r::T5, 8, r::A0),
                asm::sb(r::T5, 12, r::A0),
            ],
            1,
        ),
        Loop::of(
            "matrix multiply, inner loop",
            &[
                asm::lw(r::T1, 0, r::A0),
                asm::lw(r::T2, 4, r::A0),
                asm::addiu(r::T3, r::T3, 600),
                asm::mult(r::T1, r::T2),
                asm::addiu(r::T4, r::T4, 4),
                asm::mflo(r::T5),
            ],
            1,
        ),
        Loop::of(
            "data misses, one in seven",
            &[
                asm::lw(r::T1, 0, r::A0),
                asm::addiu(r::A0, r::A0, 0x40),
                asm::lui(r::T2, 0xffef),
                asm::ori(r::T2, r::T2, 0xffff),
                asm::and(r::A0, r::A0, r::T2),
            ],
            1,
        ),
    ]
}
