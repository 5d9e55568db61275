//! The page that an environment shares with the kernel.
//!
//! Each environment has one physical page of the kernel's, mapped read-only at
//! [`ENVIRONMENT_PAGE`](crate::layout::ENVIRONMENT_PAGE) in its address space. It holds the four
//! contexts of the paper's section 5.1: where exceptions and interrupts are handled and where their
//! registers are saved, where protected control transfers enter, and the addressing context with the
//! guaranteed mappings. The kernel reaches it by its physical address, so dispatch never faults; the
//! environment reads it, and changes it by calls.
//!
//! Deviation: in the paper the save areas are memory that the application names. Here they are part
//! of this page, which belongs to the kernel: nobody can free or remap a save area that is in use.

use crate::layout::GUARANTEED_PAGES;

/// Hardware exception codes (`Cause` bits 6..2).
pub mod cause {
    /// Interrupt.
    pub const INTERRUPT: u32 = 0;
    /// Store to a page that is mapped read-only.
    pub const MODIFIED: u32 = 1;
    /// TLB miss or invalid entry, load or fetch.
    pub const TLB_LOAD: u32 = 2;
    /// TLB miss or invalid entry, store.
    pub const TLB_STORE: u32 = 3;
    /// Unaligned or privileged address, load or fetch.
    pub const ADDRESS_LOAD: u32 = 4;
    /// Unaligned or privileged address, store.
    pub const ADDRESS_STORE: u32 = 5;
    /// Bus error, fetch.
    pub const BUS_FETCH: u32 = 6;
    /// Bus error, load or store.
    pub const BUS_DATA: u32 = 7;
    /// System call that is not Aegis's.
    pub const SYSTEM_CALL: u32 = 8;
    /// Breakpoint.
    pub const BREAKPOINT: u32 = 9;
    /// Reserved instruction.
    pub const RESERVED: u32 = 10;
    /// Coprocessor unusable.
    pub const COPROCESSOR: u32 = 11;
    /// Arithmetic overflow.
    pub const OVERFLOW: u32 = 12;
    /// How many codes the hardware's field has.
    pub const COUNT: usize = 32;

    /// `Cause` bit 31: the exception was in a branch's delay slot.
    pub const DELAY_SLOT: u32 = 1 << 31;

    /// A `Cause` word with the error of a primitive operation that was refused.
    #[must_use]
    pub const fn with_error(cause: u32, error: crate::Error) -> u32 {
        cause | (error as i32).unsigned_abs() << 16
    }

    /// The error that a `Cause` word carries, if it does.
    #[must_use]
    pub fn error(cause: u32) -> Option<crate::Error> {
        crate::Error::from_code((cause >> 16 & 0xf).wrapping_neg())
    }

    /// The code in a `Cause` word.
    #[must_use]
    pub const fn code(cause: u32) -> u32 {
        cause >> 2 & 31
    }

    /// The same word with another code.
    #[must_use]
    pub const fn with_code(cause: u32, code: u32) -> u32 {
        cause & !(31 << 2) | code << 2
    }

    /// Whether the exception comes with a bad address.
    #[must_use]
    pub const fn has_bad_address(code: u32) -> bool {
        code >= MODIFIED && code <= ADDRESS_STORE
    }
}

/// What can enter an environment. Values below [`cause::COUNT`] are hardware exception codes; each
/// event has a PC of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Event {
    /// A TLB miss on an address that no binding of the kernel's covers.
    TlbMiss = 32,
    /// A miss in the second segment outside its guaranteed mappings: a fault of the fault handlers.
    LastResort = 33,
    /// A synchronous protected control transfer.
    Synchronous = 34,
    /// An asynchronous protected control transfer.
    Asynchronous = 35,
    /// A time slice begins.
    SliceStart = 36,
    /// A time slice ends.
    SliceEnd = 37,
    /// Instead of a slice's start: resources are wanted back ([`Revocation`]).
    Revocation = 38,
    /// Instead of a slice's start: resources were taken ([`Repossession`]).
    Repossession = 39,
}

/// How many events have a PC.
pub const EVENTS: usize = 40;

/// What is wanted back of an environment (paper, section 3.3). It is told at the start of its next slice, and gives
/// back what it likes: pages and slices that it frees count.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Revocation {
    /// How many units of each [`Resource`](crate::layout::Resource), pages and slices, are still wanted.
    pub wanted: [u32; 2],
    /// Turns of its own that it still has before what is wanted is taken by force; zero for no force.
    pub deadline: u32,
    /// Not zero until it has been told.
    pub untold: u32,
}

/// How many resources the repossession vector names; who loses more at once must look in the public maps.
pub const REPOSSESSIONS: usize = 16;

/// One resource that was taken by force.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Taken {
    /// Its [`Resource`](crate::layout::Resource).
    pub resource: u32,
    /// The page's number, or the slice's position.
    pub number: u32,
    /// The page that its contents were saved to, all ones if there was none.
    pub saved: u32,
}

/// The repossession vector (paper, section 3.4): what was taken by force since the environment last said that it has read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Repossession {
    /// Not zero until it has been told.
    pub untold: u32,
    /// How many resources were taken; `taken` names the first of them.
    pub count: u32,
    /// Pages that were wanted and not taken, since only the guaranteed reserve was left: the emergency in
    /// which it should give itself up to be swapped out.
    pub emergency: u32,
    /// Which were taken.
    pub taken: [Taken; REPOSSESSIONS],
}

impl Repossession {
    /// Nothing was taken.
    pub const NONE: Self = Self {
        untold: 0,
        count: 0,
        emergency: 0,
        taken: [Taken { resource: 0, number: 0, saved: 0 }; REPOSSESSIONS],
    };
}

/// Where three scratch registers are saved while their owner handles an event.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct SaveArea {
    /// `a0`; the handler finds the PC to resume at in the register.
    pub a0: u32,
    /// `a1`; the handler finds the bad address, or zero, in the register.
    pub a1: u32,
    /// `a2`; the handler finds the `Cause` word in the register.
    pub a2: u32,
    /// `k1`, for events that may interrupt the resumption from another.
    pub k1: u32,
}

/// A slot of a cache: a callee that this environment has called before, or one that it has yielded to.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Peer {
    /// The callee's name; zero when the slot is empty.
    pub name: u32,
    /// The kernel's address of the callee's page.
    pub page: u32,
}

/// The page. Exception contexts are indexed by exception code.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EnvironmentPage {
    /// The kernel's code for each exception.
    pub kernel_pc: [u32; cause::COUNT],
    /// The environment's handler for each exception.
    pub handler_pc: [u32; cause::COUNT],
    /// `a0`, saved when an exception is dispatched.
    pub saved_a0: [u32; cause::COUNT],
    /// `a1`, saved when an exception is dispatched.
    pub saved_a1: [u32; cause::COUNT],
    /// `a2`, saved when an exception is dispatched.
    pub saved_a2: [u32; cause::COUNT],

    /// The environment's name.
    pub name: u32,
    /// The name of the environment whose transfer entered this one last.
    pub caller: u32,
    /// Where synchronous transfers enter.
    pub synchronous_pc: u32,
    /// Where asynchronous transfers enter.
    pub asynchronous_pc: u32,
    /// What the kernel writes to `EntryHi` when this environment runs.
    pub entry_hi: u32,
    /// What the kernel writes to `Status` when this environment runs.
    pub status: u32,
    /// Where TLB misses enter.
    pub miss_pc: u32,
    /// Where the last resort enters.
    pub last_resort_pc: u32,
    /// Where a slice's start enters.
    pub slice_start_pc: u32,
    /// Where a slice's end enters.
    pub slice_end_pc: u32,
    /// Where the wish for resources enters.
    pub revocation_pc: u32,
    /// Where the loss of resources enters.
    pub repossession_pc: u32,
    /// Not zero from the last resort's entry until the environment says that it is done.
    pub in_last_resort: u32,
    /// Timer interrupts since the end of the slice.
    pub excess: u32,
    /// Where a yield to this environment enters it by the short way, which is where its slices start; zero when
    /// the long way has something to see to first.
    pub yield_pc: u32,
    /// What is wanted back.
    pub revocation: Revocation,
    /// What was taken.
    pub repossession: Repossession,
    /// Save area of TLB misses.
    pub miss_save: SaveArea,
    /// Save area of the last resort.
    pub last_resort_save: SaveArea,
    /// Save area of the clock interrupt.
    pub slice_save: SaveArea,

    /// The transfer cache, indexed by bits 8..3 of a name.
    pub peers: [Peer; 64],
    /// Those that this environment has yielded to before, indexed likewise.
    pub yielded: [Peer; 64],
    /// Guaranteed mappings by page of the second segment, in the form of an R3000 `EntryLo`; zero
    /// where there is none.
    pub guaranteed: [u32; GUARANTEED_PAGES],
}

const _: () = assert!(size_of::<EnvironmentPage>() <= crate::layout::PAGE_SIZE as usize);

impl EnvironmentPage {
    /// A page of zeroes: no context is bound.
    #[must_use]
    pub const fn new() -> Self {
        const SAVE: SaveArea = SaveArea { a0: 0, a1: 0, a2: 0, k1: 0 };
        Self {
            kernel_pc: [0; cause::COUNT],
            handler_pc: [0; cause::COUNT],
            saved_a0: [0; cause::COUNT],
            saved_a1: [0; cause::COUNT],
            saved_a2: [0; cause::COUNT],
            name: 0,
            caller: 0,
            synchronous_pc: 0,
            asynchronous_pc: 0,
            entry_hi: 0,
            status: 0,
            miss_pc: 0,
            last_resort_pc: 0,
            slice_start_pc: 0,
            slice_end_pc: 0,
            revocation_pc: 0,
            repossession_pc: 0,
            in_last_resort: 0,
            excess: 0,
            yield_pc: 0,
            revocation: Revocation { wanted: [0; 2], deadline: 0, untold: 0 },
            repossession: Repossession::NONE,
            miss_save: SAVE,
            last_resort_save: SAVE,
            slice_save: SAVE,
            peers: [Peer { name: 0, page: 0 }; 64],
            yielded: [Peer { name: 0, page: 0 }; 64],
            guaranteed: [0; GUARANTEED_PAGES],
        }
    }

    /// The place of an event's PC; `None` if there is no such event, or its PC is the kernel's.
    pub fn entry(&mut self, event: u32) -> Option<&mut u32> {
        const INTERRUPT: u32 = cause::INTERRUPT;
        Some(match event {
            INTERRUPT | cause::TLB_LOAD | cause::TLB_STORE => return None,
            0..32 => &mut self.handler_pc[event as usize],
            32 => &mut self.miss_pc,
            33 => &mut self.last_resort_pc,
            34 => &mut self.synchronous_pc,
            35 => &mut self.asynchronous_pc,
            36 => &mut self.slice_start_pc,
            37 => &mut self.slice_end_pc,
            38 => &mut self.revocation_pc,
            39 => &mut self.repossession_pc,
            _ => return None,
        })
    }
}

impl Default for EnvironmentPage {
    fn default() -> Self {
        Self::new()
    }
}
