//! The kernel's state, in one place and behind one lock.

use aegis_abi::layout::{ADDRESS_SPACE_IDS, ENVIRONMENTS};
use aegis_abi::{Error, Name};
use aegis_core::capability::Generator;
use aegis_core::environments::{Environment, Environments};
use aegis_core::pages::Pages;
use aegis_core::revocation::Backings;
use aegis_core::slices::Slices;
use aegis_core::stlb::Stlb;
use spin::{Mutex, MutexGuard};

use crate::arch;
use crate::memory;

/// Everything that Aegis remembers, but for what stands in the environments' own pages.
pub struct Kernel {
    /// Physical pages.
    pub pages: Pages<'static>,
    /// Environments.
    pub environments: Environments<'static>,
    /// Bindings that were checked when they were made.
    pub stlb: Stlb<'static>,
    /// Time slices.
    pub slices: Slices<'static>,
    /// Clock ticks since the slice ended that its successor waits for.
    pub overrun: u32,
    /// Who was told last that this slice is over.
    pub told: Name,
    /// Source of capabilities.
    pub generator: Generator,
    /// Which environment each address-space id stands for in the hardware TLB: the one whose space it is, or
    /// one that visits that space and has its own page there.
    pub spaces: [Name; ADDRESS_SPACE_IDS],
    /// Which environments, by id, may stand in somebody's transfer cache.
    pub cached: [bool; ENVIRONMENTS],
    /// Which environments, by id, somebody may remember to have yielded to.
    pub yielded: [bool; ENVIRONMENTS],
    /// The address space that was visited last (`cid_switch`).
    pub visited: Name,
    /// The map of pages: its first page and how many there are.
    pub map: (u32, u32),
    /// What repossession vectors are loaded with.
    pub backings: &'static mut Backings,
    /// The boot image: its first page and how many there are.
    pub image: (u32, u32),
    /// The first environment's name.
    pub first: Name,
    /// From the command line: `quick`, and `seed=N`.
    pub options: (bool, u32),
    /// What the machine ends with when its last environment is gone.
    pub exit_status: u32,
}

static KERNEL: Mutex<Option<Kernel>> = Mutex::new(None);

/// Puts the kernel's state in place, once, at boot.
pub fn install(kernel: Kernel) {
    *KERNEL.lock() = Some(kernel);
}

/// Runs `f` on the kernel's state. Does not nest.
pub fn with<R>(f: impl FnOnce(&mut Kernel) -> R) -> R {
    let mut guard: MutexGuard<'_, Option<Kernel>> = KERNEL.lock();
    let kernel = guard.as_mut().expect("the kernel's state is installed before anything traps");
    f(kernel)
}

impl Kernel {
    /// The name of the environment that made the call being handled.
    #[allow(clippy::unused_self, reason = "the caller is part of the kernel's state, if not of this struct")]
    pub fn caller(&self) -> Name {
        Name(memory::environment_page(arch::caller_page()).name)
    }

    /// The environment named, if the caller may act on it.
    pub fn subject(&self, name: u32) -> Result<Environment, Error> {
        self.environments.get_as(Name(name), self.caller())
    }
}
