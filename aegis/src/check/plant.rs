//! Errors in the kernel's state, one for each invariant that is checked.

use aegis_abi::environment::{Peer, cause};
use aegis_abi::layout::{ANY, ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, Resource};
use aegis_abi::map::{Entry, FREE, Header, KERNEL, key};
use aegis_abi::{Capability, Error, Name};
use aegis_core::slices::Turn;

use super::tlb;
use crate::arch;
use crate::kernel::Kernel;
use crate::memory::{environment_page, page_address};

/// A virtual page of the second segment and one of the first, which the caller uses neither of.
const SECOND: u32 = 0x78;
const FIRST: u32 = 0x90;
/// A name that nobody has.
const DEAD: Name = Name::new(0xff, 0x1_5555);

/// The public entry of a page.
fn entry(kernel: &Kernel, page: u32) -> &'static mut Entry {
    // SAFETY: the map lies there, and nobody refers to it while this is used.
    unsafe {
        let header = page_address(kernel.map.0) as *mut Header;
        &mut *header.add(1).cast::<Entry>().add(page as usize)
    }
}

/// How many there are.
const KINDS: u32 = 45;

/// Breaks an invariant.
pub fn plant(kernel: &mut Kernel, kind: u32) -> Result<(), Error> {
    if kind >= KINDS {
        return Err(Error::Unsupported);
    }
    let caller = kernel.environments.get(kernel.caller())?;
    let context = environment_page(page_address(caller.page));
    let name = caller.name;
    // A page of the caller's, one that is free, and one of the kernel's.
    let mine = kernel.allocate(ANY, name, Capability::PUBLIC, Capability::PUBLIC)?;
    let free = kernel.pages.free_list().next().ok_or(Error::Exhausted)?;
    let books = kernel.map.0;
    let mapping = |page: u32, bits: Mapping| page << PAGE_SHIFT | (bits | Mapping::VALID).bits();
    let writable = |page: u32| mapping(page, Mapping::WRITABLE);
    let readable = |page: u32| mapping(page, Mapping::empty());
    match kind {
        // SAFETY: the header of the map of pages; it is meant to be wrong afterwards.
        0 => unsafe { (*(page_address(books) as *mut Header)).free += 1 },
        1 => entry(kernel, free).owner = KERNEL,
        2 => kernel.pages.bind(free, key(name, FIRST)),
        3 => entry(kernel, mine).owner = KERNEL,
        4 => entry(kernel, books).owner = DEAD.0,
        5 => {
            let lost = kernel.take_cleared()?;
            entry(kernel, lost).owner = FREE;
        }
        6 => kernel.stlb.insert(name, FIRST, writable(mine)),
        7 => {
            kernel.pages.bind(books, key(name, FIRST));
            kernel.stlb.insert(name, FIRST, writable(books));
        }
        8 => kernel.stlb.insert(name, SECOND, writable(mine)),
        9 => context.guaranteed[SECOND as usize] = writable(mine),
        10 => {
            kernel.pages.bind(books, key(name, SECOND));
            context.guaranteed[SECOND as usize] = writable(books);
        }
        11 => context.guaranteed[1] = writable(caller.page),
        12 => context.guaranteed[1] = readable(mine),
        13 => context.peers[0] = Peer { name: DEAD.0, page: 0 },
        14 => context.peers[0] = Peer { name: name.0, page: 0 },
        15 | 36 => {
            context.peers[0] = Peer { name: name.0, page: page_address(caller.page) };
            kernel.cached[name.id() as usize] = kind == 15;
            if kind == 36 {
                return Ok(());
            }
            kernel.spaces[name.address_space() as usize] = Name::NOBODY;
        }
        16 => context.handler_pc[cause::OVERFLOW as usize] = page_address(books),
        17 => context.name = DEAD.0,
        18 => kernel.pages.hand_over(caller.page, caller.owner(), Capability::PUBLIC),
        19 => kernel.spaces[63] = DEAD,
        20 => kernel.visited = DEAD,
        21 => kernel.slices.set_successor(Some(DEAD)),
        22 => kernel.first = DEAD,
        23 => kernel.backings.0[DEAD.id() as usize][0].page = mine,
        24 => _ = kernel.slices.allocate(ANY, DEAD)?,
        25 => _ = kernel.slices.next(DEAD, |_, _| Turn::Taken),
        26 => kernel.environments.charge(name, Resource::Pages)?,
        27 => kernel.environments.charge(name, Resource::Slices)?,
        28 => kernel.environments.charge(name, Resource::Environments)?,
        29 => {
            // Charged to the child alone.
            let child = kernel.create(name)?;
            kernel.environments.charge(child, Resource::Slices)?;
            kernel.environments.discharge(name, Resource::Slices, 1);
        }
        30 => tlb::place(FIRST << PAGE_SHIFT, |_| readable(mine)),
        31 => {
            kernel.pages.bind(books, key(name, FIRST));
            kernel.pages.bind(books, key(name, FIRST + 1));
            tlb::place(FIRST << PAGE_SHIFT, |_| writable(books));
        }
        32 => tlb::place(SECOND << PAGE_SHIFT, |_| readable(mine)),
        33 => {
            // The STLB says another page.
            for page in [mine, books] {
                kernel.pages.bind(page, key(name, FIRST));
            }
            kernel.stlb.insert(name, FIRST, readable(books));
            tlb::place(FIRST << PAGE_SHIFT, |vpn| if vpn == FIRST { readable(mine) } else { 0 });
        }
        34 => tlb::place(ENVIRONMENT_PAGE, |_| writable(caller.page)),
        37 => context.yielded[0] = Peer { name: DEAD.0, page: 0 },
        38 => context.yielded[0] = Peer { name: name.0, page: 0 },
        39 => {
            context.yielded[0] = Peer { name: name.0, page: page_address(caller.page) };
            kernel.yielded[name.id() as usize] = false;
        }
        40 => context.yield_pc = context.slice_start_pc + 4,
        41 => {
            context.yield_pc = context.slice_start_pc;
            context.revocation_pc = context.slice_start_pc;
            context.revocation.untold = 1;
        }
        42 => {
            arch::flush_tlb();
            context.yield_pc = context.slice_start_pc;
            kernel.spaces[name.address_space() as usize] = Name::NOBODY;
        }
        43 => kernel.slices.lend(DEAD, name),
        44 => {
            kernel.slices.lend(name, DEAD);
            kernel.slices.set_successor(Some(name));
        }
        _ => {
            tlb::place(FIRST << PAGE_SHIFT, |_| readable(mine));
            kernel.spaces[name.address_space() as usize] = Name::NOBODY;
        }
    }
    Ok(())
}
