//! Where a mix's time goes: what it consists of, times what that costs.

use std::any::Any;

use decstation::cpu::{Executed, Observer};
use decstation::isa::{self, Op};

use super::costs::Costs;
use super::loops::Loop;

/// Counts instructions by what they cost.
#[derive(Default)]
struct Kinds {
    all: f64,
    arithmetic: f64,
    branches: f64,
    multiplies: f64,
    loads: f64,
    stores: f64,
    partial_stores: f64,
    misses: f64,
}

impl Observer for Kinds {
    fn executed(&mut self, step: &Executed<'_>) {
        self.all += 1.0;
        self.misses += step.took.dcache_misses as f64;
        let word = step.word.unwrap_or(0);
        *(match isa::decode(word) {
            Op::Nop | Op::Mflo | Op::Mfhi => return,
            Op::Mult | Op::Multu => &mut self.multiplies,
            Op::Lb | Op::Lbu | Op::Lh | Op::Lhu | Op::Lw | Op::Lwl | Op::Lwr => &mut self.loads,
            Op::Sw => &mut self.stores,
            Op::Sb | Op::Sh | Op::Swl | Op::Swr => &mut self.partial_stores,
            _ if isa::is_branch(word) => &mut self.branches,
            _ => &mut self.arithmetic,
        }) += 1.0;
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Prints, for each mix and its nanoseconds an instruction, the shares in percent.
pub fn table(mixes: &[(Loop, f64)], c: &Costs) {
    let titles = ["fetch", "execute", "branches", "mult", "loads", "stores", "misses", "other"];
    print!("\n{:<32}", "% of the host's time");
    titles.iter().for_each(|title| print!(" {title:>9}"));
    println!();
    for (mix, ns) in mixes {
        let mut machine = mix.machine();
        machine.run_for(50_000);
        machine.0.cpu.hooks_mut().observers.push(Box::new(Kinds::default()));
        machine.run_for(50_000);
        let hooks = machine.0.cpu.hooks_mut();
        let Some(k) = hooks.observers[0].as_any().downcast_ref::<Kinds>() else {
            return;
        };
        let parts = [
            c.instruction * k.all,
            c.arithmetic * k.arithmetic,
            c.branch * k.branches,
            c.multiply * k.multiplies,
            c.load * k.loads,
            c.store * k.stores + c.partial_store * k.partial_stores,
            c.data_miss * k.misses,
        ];
        let whole = ns * k.all;
        print!("{:<32}", mix.name);
        for part in parts.into_iter().chain([whole - parts.iter().sum::<f64>()]) {
            print!(" {:>9.1}", part * 100.0 / whole);
        }
        println!();
    }
    println!("(other: what follows from the order of things, such as the host's branch prediction)\n");
}
