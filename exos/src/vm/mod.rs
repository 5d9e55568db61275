//! Virtual memory, at user level (paper, section 6.2; Tables 10 and 13).
//!
//! As in the paper, the page table is the process's own, here behind the trait
//! [`PageTable`](exos_core::page_table::PageTable): which one is chosen when the program is linked
//! ([`process!`](crate::process!)). Aegis only checks bindings: a miss in both TLBs comes here ([`fault`]), the table is
//! searched, and the mapping presented with its capability. Dirty and referenced bits are the library's: a page is
//! bound read-only until it is written.
//!
//! - [`fault`]: misses, stores to what is mapped read-only, and the program's own fault handler
//! - [`protect`]: protection, by page and by range
//! - [`map`]: anonymous memory, shared pages, the heap, caching, choice of physical pages
//! - [`pages`]: where physical pages come from: colours, and which must be cleared
//! - [`swap`]: pages that Aegis wants back go to a backing store (the paper's ExOS had none)
//! - `repossession`: what Aegis has taken by force
//!
//! Everything that changes the table runs on the handlers' pinned stack ([`pinned`]): on the program's own, a fault
//! on the stack itself could find the table half changed.

use core::arch::global_asm;

use aegis_abi::{Capability, Error};
use exos_core::page_table::{PageTable, Pte, Soft};

use crate::layout::{HANDLER_STACK_TOP, PAGE_TABLE};
use crate::{call, memory};

pub mod fault;
pub mod map;
pub mod pages;
pub mod protect;
mod repossession;
pub mod swap;

pub use fault::{Handler, set_handler};
pub use map::{Protection, Share};
pub use pages::Colouring;
pub use protect::{is_dirty, is_referenced, protect};

/// Why the library refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VmError {
    /// The range is not in the first segment, not aligned, or wraps around.
    Range,
    /// Something is mapped there already.
    Taken,
    /// Nothing is mapped there.
    Unmapped,
    /// No memory is left, or no room in one of the library's tables.
    NoMemory,
    /// Aegis refused: a capability does not cover the access.
    Refused(Error),
}

impl From<Error> for VmError {
    fn from(error: Error) -> Self {
        match error {
            Error::Exhausted => Self::NoMemory,
            error => Self::Refused(error),
        }
    }
}

/// What to present for a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rights {
    pub read: Capability,
    pub write: Capability,
}

/// Places of [`Vm::rights`] that are always the same: the process's own pages, and what everybody may read.
pub(crate) const OWN: usize = 0;
/// See [`OWN`].
pub(crate) const PUBLIC: usize = 1;
/// As many as an entry of the table can name.
const RIGHTS: usize = 64;

/// In [`Pte::entry`] of a page that is not there: it is at this place of the backing store.
pub(crate) const SWAPPED: u32 = 1;
/// In [`Pte::entry`] of a page that is not there: it begins as zeroes.
pub(crate) const DEMAND: u32 = 2;
/// In [`Pte::entry`] of a page that is not there: it was taken by force, and what was in it is nowhere.
pub(crate) const LOST: u32 = 4;
/// In [`Pte::entry`]: one of these if the page is not there.
pub(crate) const ABSENT: u32 = SWAPPED | DEMAND | LOST;

/// Memory that comes into being, as zeroes, when it is touched: pages `start..end`; both are zero in an unused place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Region {
    pub start: u32,
    pub end: u32,
    /// [`Soft`] bits of its pages.
    pub soft: u32,
}

const REGIONS: usize = 32;

/// The virtual memory of this process. All zeroes before [`start`].
pub(crate) struct Vm {
    pub table: Option<&'static mut dyn PageTable<'static>>,
    /// Entries that the table's memory has room for.
    pub units: usize,
    pub rights: [Rights; RIGHTS],
    pub regions: [Region; REGIONS],
    /// The end of the heap, an address.
    pub heap_end: u32,
    pub pages: pages::Source,
    pub swap: swap::Swap,
}

const NO_RIGHTS: Rights = Rights { read: Capability::NONE, write: Capability::NONE };

#[unsafe(link_section = ".bss.pinned.vm")]
static mut VM: Vm = Vm {
    table: None,
    units: 0,
    rights: [NO_RIGHTS; RIGHTS],
    regions: [Region { start: 0, end: 0, soft: 0 }; REGIONS],
    heap_end: 0,
    pages: pages::Source::NEW,
    swap: swap::Swap::NEW,
};

/// The virtual memory of this process.
///
/// Only from [`pinned`] operations and handlers, which do not interrupt each other but where they call the program's own
/// fault handler, and then hold no reference.
#[inline(always)]
pub(crate) fn vm() -> &'static mut Vm {
    // SAFETY: see above: no two references are used at a time.
    unsafe { &mut *&raw mut VM }
}

/// Begins: with these rights to the process's own pages, and a table that has no memory yet.
pub(crate) fn start(own: Rights, table: &'static mut dyn PageTable<'static>) {
    let vm = vm();
    vm.rights[OWN] = own;
    vm.rights[PUBLIC] = Rights { read: Capability::PUBLIC, write: Capability::NONE };
    vm.table = Some(table);
}

impl Vm {
    #[inline(always)]
    pub(crate) fn table(&mut self) -> &mut dyn PageTable<'static> {
        match &mut self.table {
            Some(table) => *table,
            None => unreachable!("virtual memory is started before anything is mapped"),
        }
    }

    /// Enters a page into the table, and gives the table memory first if it needs some.
    pub(crate) fn insert(&mut self, pte: Pte) -> Result<(), VmError> {
        if self.table().insert(pte).is_ok() {
            return Ok(());
        }
        let wants = self.table().wants();
        self.grow_table(wants)?;
        self.table().insert(pte).map_err(|_| VmError::NoMemory)
    }

    /// Pins so much memory behind the table that it has room for `units` entries.
    fn grow_table(&mut self, units: usize) -> Result<(), VmError> {
        const UNITS_IN_PAGE: usize = aegis_abi::layout::PAGE_SIZE as usize / size_of::<Pte>();
        let units = units.next_multiple_of(UNITS_IN_PAGE);
        if units > (PAGE_TABLE.end - PAGE_TABLE.start) as usize / size_of::<Pte>() {
            return Err(VmError::NoMemory);
        }
        while self.units < units {
            let address = PAGE_TABLE.start + (self.units * size_of::<Pte>()) as u32;
            let (page, clean) = self.take_table_page((self.units / UNITS_IN_PAGE) as u32)?;
            let own = self.rights[OWN];
            memory::pin(memory::myself(), address, page, aegis_abi::layout::Mapping::WRITABLE, own.write)
                .inspect_err(|_| self.give_page(page))?;
            if !clean {
                pages::clear(address);
            }
            self.units += UNITS_IN_PAGE;
        }
        self.table().release();
        // SAFETY: the memory is pinned there and nothing else's; the table has given up the slice over its beginning.
        let memory = unsafe { core::slice::from_raw_parts_mut(PAGE_TABLE.start as *mut Pte, self.units) };
        self.table().extend(memory);
        Ok(())
    }

    /// The place of rights to somebody's pages.
    pub(crate) fn place_of(&mut self, rights: Rights) -> Result<usize, VmError> {
        if let Some(place) = self.rights.iter().position(|found| *found == rights) {
            return Ok(place);
        }
        let place = match self.free_rights() {
            Some(place) => place,
            None => {
                self.forget_rights();
                self.free_rights().ok_or(VmError::NoMemory)?
            }
        };
        self.rights[place] = rights;
        Ok(place)
    }

    fn free_rights(&self) -> Option<usize> {
        self.rights.iter().position(|found| *found == NO_RIGHTS)
    }

    /// Forgets the rights to pages of others that no entry names any more. Nobody counts the entries of each: pages come
    /// and go far more often than the list is full.
    fn forget_rights(&mut self) {
        use aegis_abi::layout::{SECOND_SEGMENT_END, USER_END};
        let mut named = 1u64 << OWN | 1 << PUBLIC;
        let (mut at, end) = (crate::layout::page(SECOND_SEGMENT_END), crate::layout::page(USER_END));
        while let run = self.table().run(at, end)
            && let Some(last) = run.last()
        {
            at = last.vpn() + 1;
            named |= run.iter().fold(0, |named, pte| named | 1 << pte.capability());
        }
        for (place, rights) in self.rights.iter_mut().enumerate() {
            if named & 1 << place == 0 {
                *rights = NO_RIGHTS;
            }
        }
    }

    /// Binds the page of an entry that is there: writable only if it may be written, has been, and is nobody else's copy.
    #[inline(always)]
    pub(crate) fn bind(&self, pte: Pte) -> Result<(), VmError> {
        Error::from_code(self.bind_code(pte)).map_or(Ok(()), |error| Err(error.into()))
    }

    /// The same; the answer is a negative word if Aegis refuses.
    #[inline(always)]
    fn bind_code(&self, pte: Pte) -> u32 {
        let rights = &self.rights[pte.capability()];
        let soft = pte.soft();
        let writable = soft.contains(Soft::WRITE | Soft::DIRTY) && !soft.contains(Soft::COW);
        let (entry, capability) = if writable {
            (pte.entry | aegis_abi::layout::Mapping::WRITABLE.bits(), rights.write)
        } else {
            (pte.entry, rights.read)
        };
        let [low, high] = capability.words();
        call::tlb_write_code(crate::layout::address(pte.vpn()), entry, low, high)
    }

    /// The region that a page is in.
    pub(crate) fn region_of(&mut self, vpn: u32) -> Option<&mut Region> {
        self.regions.iter_mut().find(|region| (region.start..region.end).contains(&vpn))
    }
}

global_asm!(
    ".pushsection .text.hot, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    // exos_pinned(a, b, c, f): f(a, b, c) on the handlers' stack.
    ".globl exos_pinned",
    "exos_pinned:",
    "srl $8, $sp, {SECOND_SEGMENT}",
    "move $9, $sp",
    "beqz $8, 1f", // a handler: its own stack will do
    "move $25, $7",
    "addiu $sp, $zero, {TOP}",
    "1: sw $31, -8($sp)",
    "sw $9, -4($sp)",
    "jalr $25",
    "addiu $sp, $sp, -24",
    "lw $31, 16($sp)",
    "lw $sp, 20($sp)",
    "jr $31",
    "nop",
    ".set pop",
    ".popsection",
    SECOND_SEGMENT = const aegis_abi::layout::SECOND_SEGMENT_END.trailing_zeros(),
    TOP = const HANDLER_STACK_TOP,
);

/// What crosses from one stack to the other and back.
#[repr(C)]
struct Crossing<A: Copy, R: Copy> {
    operation: fn(A) -> R,
    argument: A,
    result: core::mem::MaybeUninit<R>,
}

unsafe extern "C" {
    fn exos_pinned(a: u32, b: u32, c: u32, f: extern "C" fn(u32, u32, u32) -> u32) -> u32;
}

/// The quick form of [`pinned`], for what fits into registers.
#[inline(always)]
pub(crate) fn pinned_words(arguments: [u32; 3], operation: extern "C" fn(u32, u32, u32) -> u32) -> u32 {
    let [a, b, c] = arguments;
    // SAFETY: the function calls `operation` with its arguments, and keeps what a callee keeps.
    unsafe { exos_pinned(a, b, c, operation) }
}

/// Runs an operation on the handlers' stack, where nothing that it touches can fault: the program's stack is read before and
/// written after it, not in between.
#[inline(always)]
pub(crate) fn pinned<A: Copy, R: Copy>(argument: A, operation: fn(A) -> R) -> R {
    extern "C" fn cross<A: Copy, R: Copy>(crossing: u32, _: u32, _: u32) -> u32 {
        let crossing = crossing as *mut Crossing<A, R>;
        // SAFETY: `pinned` made it and waits. Volatile: the argument is copied now.
        let (operation, argument) = unsafe {
            (
                (&raw const (*crossing).operation).read_volatile(),
                (&raw const (*crossing).argument).read_volatile(),
            )
        };
        let result = operation(argument);
        // SAFETY: as above.
        unsafe { (&raw mut (*crossing).result).write_volatile(core::mem::MaybeUninit::new(result)) };
        0
    }
    let mut crossing = Crossing { operation, argument, result: core::mem::MaybeUninit::uninit() };
    pinned_words([&raw mut crossing as u32, 0, 0], cross::<A, R>);
    // SAFETY: `cross` has initialised it; the compiler is told that the call above may have written it.
    unsafe { (&raw const crossing.result).read_volatile().assume_init() }
}

/// Does nothing on the handlers' stack and back: what a quick operation costs before it does anything.
#[inline(always)]
pub fn cross() {
    extern "C" fn nothing(_: u32, _: u32, _: u32) -> u32 {
        0
    }
    pinned_words([0; 3], nothing);
}
