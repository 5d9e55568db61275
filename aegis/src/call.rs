//! The handlers of the calls with a stack, by the names of the table in `aegis-abi` (paper, Tables 2
//! and 3). The null call's is in assembly, with the path that it measures.
//!
//! The assembly jumps here through the table; a handler's arguments are words from an environment,
//! hostile until checked. What a handler returns is in `v0` (low) and `v1` (high) afterwards.

use aegis_abi::calls::Fact;
use aegis_abi::environment::Repossession;
use aegis_abi::layout::{ANY, Mapping, Resource};
use aegis_abi::{Capability, Error, Name};
use aegis_core::capability::Right;
use aegis_core::pages::State;

use crate::kernel::{self, Kernel};
use crate::memory::page_of;
use crate::{arch, board, history, memory, schedule};

/// What the assembly hands back: `v0`, zero or an error, and `v1`.
type Answer = u64;

fn answer(result: Result<u32, Error>) -> Answer {
    match result {
        Ok(value) => u64::from(value) << 32,
        Err(error) => u64::from(error.code()),
    }
}

fn done(result: Result<(), Error>) -> Answer {
    answer(result.map(|()| 0))
}

fn with(f: impl FnOnce(&mut Kernel) -> Result<u32, Error>) -> Answer {
    answer(kernel::with(f))
}

/// See the table of calls.
pub extern "C" fn machine(fact: u32) -> Answer {
    with(|kernel| {
        let fact = *Fact::ALL.get(fact as usize).ok_or(Error::Invalid)?;
        let caller = kernel.caller();
        Ok(match fact {
            Fact::Pages => kernel.pages.count().0 as u32,
            Fact::ImagePage => kernel.image.0,
            Fact::ImagePages => kernel.image.1,
            Fact::QuantumTicks => board::quantum_ticks(),
            Fact::Environments => kernel.environments.count() as u32,
            Fact::FreePages => kernel.pages.count().1 as u32,
            Fact::TestBuild => u32::from(cfg!(feature = "check")),
            Fact::Myself => caller.0,
            Fact::Parent => kernel.environments.get(caller)?.parent.0,
            Fact::Quick => u32::from(kernel.options.0),
            Fact::Board => board::INDEX,
            Fact::Seed => kernel.options.1,
            Fact::MapPage => kernel.map.0,
            Fact::MapPages => kernel.map.1,
            Fact::StlbPage => page_of(&raw const memory::STLB as u32),
        })
    })
}

/// See the table of calls.
pub extern "C" fn console_write(bytes0: u32, bytes1: u32, bytes2: u32, count: u32) -> Answer {
    if count > 12 {
        return done(Err(Error::Invalid));
    }
    let words = [bytes0, bytes1, bytes2].map(u32::to_le_bytes);
    for byte in &words.as_flattened()[..count as usize] {
        board::put(*byte);
    }
    0
}

/// See the table of calls.
pub extern "C" fn console_read() -> Answer {
    answer(board::get().map(u32::from).ok_or(Error::Exhausted))
}

/// See the table of calls.
pub extern "C" fn random() -> Answer {
    with(|kernel| Ok(kernel.generator.word()))
}

/// See the table of calls.
pub extern "C" fn halt(status: u32) -> Answer {
    if kernel::with(|kernel| kernel.caller() == kernel.first) {
        board::exit(status);
    }
    done(Err(Error::Denied))
}

/// See the table of calls.
pub extern "C" fn page_alloc(
    page: u32,
    read_low: u32,
    read_high: u32,
    write_low: u32,
    write_high: u32,
) -> Answer {
    with(|kernel| {
        let read = Capability::from_words(read_low, read_high);
        let write = Capability::from_words(write_low, write_high);
        let caller = kernel.caller();
        kernel.allocate(page, caller, read, write)
    })
}

/// See the table of calls.
pub extern "C" fn page_free(page: u32) -> Answer {
    with(|kernel| kernel.free(page, kernel.caller()).map(|()| 0))
}

/// See the table of calls.
pub extern "C" fn page_protect(
    page: u32,
    read_low: u32,
    read_high: u32,
    write_low: u32,
    write_high: u32,
) -> Answer {
    with(|kernel| {
        let read = Capability::from_words(read_low, read_high);
        let write = Capability::from_words(write_low, write_high);
        let caller = kernel.caller();
        kernel.pages.protect(page, caller, read, write)?;
        kernel.break_bindings(page, Some(caller));
        Ok(0)
    })
}

/// See the table of calls.
pub extern "C" fn page_owner(number: u32) -> Answer {
    with(|kernel| {
        Ok(match kernel.pages.state(number).ok_or(Error::NoPage)? {
            State::Owned(owner) => owner,
            State::Kernel => {
                let mut environments = kernel.environments.living();
                environments.find(|found| found.page == number).map_or(Name::NOBODY, |found| found.name)
            }
            State::Free => Name::NOBODY,
        }
        .0)
    })
}

/// See the table of calls.
pub extern "C" fn cache_flush(page: u32, low: u32, high: u32) -> Answer {
    with(|kernel| {
        kernel.pages.state(page).ok_or(Error::NoPage)?;
        if kernel.pages.right(page, Capability::from_words(low, high)) < Right::Read {
            return Err(Error::Denied);
        }
        arch::flush_caches(page);
        Ok(0)
    })
}

/// See the table of calls.
pub extern "C" fn microseconds() -> Answer {
    answer(Ok(board::microseconds()))
}

/// See the table of calls.
pub extern "C" fn limit(name: u32, resource: u32, limit: u32) -> Answer {
    with(|kernel| {
        let resource = *Resource::ALL.get(resource as usize).ok_or(Error::Invalid)?;
        let caller = kernel.caller();
        kernel.environments.limit(Name(name), caller, resource, limit)
    })
}

/// See the table of calls.
pub extern "C" fn tlb_write_range(
    address: u32,
    count: u32,
    table: u32,
    offset: u32,
    table_low: u32,
    table_high: u32,
    low: u32,
    high: u32,
) -> Answer {
    let readable = Capability::from_words(table_low, table_high);
    let capability = Capability::from_words(low, high);
    done(kernel::with(|kernel| {
        kernel.tlb_write_range((address, count), (table, offset, readable), capability)
    }))
}

/// See the table of calls.
pub extern "C" fn tlb_delete_range(address: u32, count: u32) -> Answer {
    done(kernel::with(|kernel| kernel.tlb_delete_range(address, count)))
}

/// See the table of calls.
pub extern "C" fn revoke(name: u32, resource: u32, count: u32, deadline: u32) -> Answer {
    done(kernel::with(|kernel| {
        let victim = kernel.subject(name)?;
        kernel.revoke(victim, resource, count, deadline)
    }))
}

/// See the table of calls.
pub extern "C" fn backing(index: u32, page: u32, low: u32, high: u32) -> Answer {
    done(kernel::with(|kernel| kernel.set_backing(index, page, Capability::from_words(low, high))))
}

/// See the table of calls.
pub extern "C" fn repossession_done() -> Answer {
    memory::environment_page(arch::caller_page()).repossession = Repossession::NONE;
    0
}

/// See the table of calls.
pub extern "C" fn environment_create() -> Answer {
    with(|kernel| kernel.create(kernel.caller()).map(|name| name.0))
}

/// See the table of calls.
pub extern "C" fn environment_destroy(name: u32) -> Answer {
    let result = kernel::with(|kernel| {
        let victim = kernel.subject(name)?;
        let itself = victim.name == kernel.caller();
        if !itself && kernel.space()?.name == victim.name {
            // The caller stands in it.
            return Err(Error::Busy);
        }
        kernel.destroy(victim);
        Ok(itself)
    });
    match result {
        Ok(true) => schedule::run_next(),
        Ok(false) => 0,
        Err(error) => done(Err(error)),
    }
}

/// See the table of calls.
pub extern "C" fn bind(name: u32, event: u32, pc: u32) -> Answer {
    with(|kernel| {
        let subject = kernel.subject(name)?;
        kernel.bind(subject, event, pc)?;
        Ok(0)
    })
}

/// See the table of calls.
pub extern "C" fn guarantee(name: u32, vpn: u32, page: u32, bits: u32, low: u32, high: u32) -> Answer {
    with(|kernel| {
        let target = kernel.subject(name)?;
        if page == ANY {
            kernel.unpin(target, vpn)?;
        } else {
            let bits = Mapping::from_bits(bits).ok_or(Error::Invalid)?;
            kernel.guarantee(target, vpn, page, bits, Capability::from_words(low, high))?;
        }
        Ok(0)
    })
}

/// See the table of calls.
pub extern "C" fn last_resort_done() -> Answer {
    memory::environment_page(arch::caller_page()).in_last_resort = 0;
    0
}

/// See the table of calls.
pub extern "C" fn slice_alloc(position: u32) -> Answer {
    with(|kernel| {
        let caller = kernel.caller();
        kernel.environments.charge(caller, Resource::Slices)?;
        let allocated = kernel.slices.allocate(position, caller);
        if allocated.is_err() {
            kernel.environments.discharge(caller, Resource::Slices, 1);
        }
        allocated
    })
}

/// See the table of calls.
pub extern "C" fn slice_free(position: u32) -> Answer {
    with(|kernel| {
        let caller = kernel.caller();
        kernel.slices.free(position, caller)?;
        kernel.environments.discharge(caller, Resource::Slices, 1);
        kernel.given_back(caller, Resource::Slices);
        Ok(0)
    })
}

/// See the table of calls.
pub extern "C" fn slice_owner(position: u32) -> Answer {
    with(|kernel| kernel.slices.owner_of(position).map(|owner| owner.0))
}

/// See the table of calls.
pub extern "C" fn slice_give(position: u32, name: u32) -> Answer {
    with(|kernel| {
        let (to, caller) = (kernel.subject(name)?.name, kernel.caller());
        kernel.environments.hand_down(to, caller, Resource::Slices)?;
        let given = kernel.slices.give(position, caller, to);
        if given.is_err() {
            kernel.environments.hand_back(to, caller, Resource::Slices);
        }
        given.map(|()| 0)
    })
}

/// See the table of calls.
pub extern "C" fn yield_to(name: u32) -> Answer {
    history::note("yield", 0, name);
    done(Err(schedule::yield_to(Name(name))))
}

#[cfg(not(feature = "check"))]
mod unchecked {
    use super::{Answer, Error, done};

    /// See the table of calls.
    pub extern "C" fn check_fault(_kind: u32) -> Answer {
        done(Err(Error::Unsupported))
    }

    /// See the table of calls.
    pub extern "C" fn check_timer(_ticks: u32, _kind: u32) -> Answer {
        done(Err(Error::Unsupported))
    }

    /// See the table of calls.
    pub extern "C" fn check_invariants() -> Answer {
        done(Err(Error::Unsupported))
    }

    /// See the table of calls.
    pub extern "C" fn check_plant(_kind: u32) -> Answer {
        done(Err(Error::Unsupported))
    }
}
#[cfg(feature = "check")]
pub use crate::check::{check_fault, check_invariants, check_plant, check_timer};
#[cfg(not(feature = "check"))]
pub use unchecked::{check_fault, check_invariants, check_plant, check_timer};
