//! What must be true of the kernel's state between any two instructions of an environment's. A violation is
//! a panic that names it.

use aegis_abi::Name;
use aegis_abi::environment::EVENTS;
use aegis_abi::layout::{
    ADDRESS_SPACE_IDS, ANY, ENVIRONMENT_PAGE, ENVIRONMENTS, GUARANTEED_PAGES, Mapping, PAGE_SHIFT, RESOURCES,
    Resource, SLICES,
};
use aegis_abi::map::{key, vpn_of};
use aegis_core::pages::{Bound, State};
use spin::Mutex;

use super::tlb;
use crate::kernel::Kernel;
use crate::memory::{environment_page, is_user_code, page_address};
use crate::revocation::untold;

const OWN_PAGE: u32 = ENVIRONMENT_PAGE >> PAGE_SHIFT;

/// Checks everything; the answer counts what was checked.
pub fn check(kernel: &Kernel) -> u32 {
    check_pages(kernel)
        + check_environments(kernel)
        + check_names(kernel)
        + check_slices(kernel)
        + check_charges(kernel)
        + check_stlb(kernel)
        + check_tlb(kernel)
}

/// Each page has one state, is in the list that goes with it, and its owner lives.
fn check_pages(kernel: &Kernel) -> u32 {
    let (count, free) = kernel.pages.count();
    let mut listed = kernel.pages.free_list().take(count + 1).count();
    assert_eq!(listed, free, "the count of free pages");
    for number in kernel.pages.free_list() {
        assert_eq!(kernel.pages.state(number), Some(State::Free), "page {number} of the free list");
        assert_eq!(kernel.pages.bound(number), Bound::None, "free page {number} is bound");
    }
    for environment in kernel.environments.living() {
        for number in kernel.pages.of(environment.name) {
            let owned = Some(State::Owned(environment.name));
            assert_eq!(kernel.pages.state(number), owned, "page {number} of an owner's list");
            listed += 1;
        }
    }
    for number in 0..count as u32 {
        match kernel.pages.state(number) {
            Some(State::Kernel) => listed += 1,
            Some(State::Owned(owner)) => {
                assert!(kernel.environments.get(owner).is_ok(), "the owner of page {number} is dead");
            }
            _ => {}
        }
    }
    assert_eq!(listed, count, "every page is in one list or the kernel's");
    count as u32
}

/// Every binding of the STLB that can match is one that its page knows of, and allowed.
fn check_stlb(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    for binding in kernel.stlb.bindings() {
        let Some(space) = kernel.environments.tagged(binding.key >> 21) else { continue };
        let (vpn, number) = (vpn_of(binding.key), binding.mapping >> PAGE_SHIFT);
        assert_ne!(vpn, OWN_PAGE, "an environment's own page in the STLB");
        if (vpn as usize) < GUARANTEED_PAGES {
            let guaranteed = environment_page(page_address(space.page)).guaranteed[vpn as usize];
            assert_eq!(binding.mapping, guaranteed, "a guaranteed mapping in the STLB");
        }
        assert!(is_known(kernel, number, binding.key), "page {number} does not know its STLB entry");
        check_mapping(kernel, number, binding.mapping & Mapping::WRITABLE.bits() != 0);
        checked += 1;
    }
    checked
}

/// Whether a page knows that a virtual page is bound to it.
fn is_known(kernel: &Kernel, number: u32, key: u32) -> bool {
    let bound = kernel.pages.bound(number);
    bound == Bound::Many || bound == Bound::At(key)
}

/// A mapping is of a page that is in use, and of the kernel's only to read.
fn check_mapping(kernel: &Kernel, number: u32, writable: bool) {
    let state = kernel.pages.state(number);
    assert!(!matches!(state, None | Some(State::Free)), "page {number} is mapped without right");
    assert!(!(writable && state == Some(State::Kernel)), "page {number} of the kernel's is writable");
}

/// Every entry of the hardware's TLB that user mode can reach is a guaranteed mapping or a binding that its
/// page knows of, and the same as the STLB's if that has one.
fn check_tlb(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    tlb::for_each(|entry| {
        let runner = kernel.spaces.get(entry.space as usize).copied().unwrap_or(Name::NOBODY);
        assert_ne!(runner, Name::NOBODY, "a TLB entry of nobody's address space {}", entry.space);
        checked += 1;
        let runner = kernel.environments.get(runner).expect("whose TLB entry it is lives");
        if entry.vpn == OWN_PAGE {
            assert_eq!(entry.page, runner.page, "the own page in the TLB");
            assert!(!entry.writable, "the own page in the TLB is writable");
            return;
        }
        let own = runner.name.address_space() == entry.space;
        let Ok(space) = kernel.environments.get(if own { runner.name } else { kernel.visited }) else {
            return;
        };
        if space.name.address_space() != entry.space {
            // Left behind in a space that was visited: the next visit to another and its owner empty the TLB.
            return;
        }
        let wanted = if (entry.vpn as usize) < GUARANTEED_PAGES {
            Some(environment_page(page_address(space.page)).guaranteed[entry.vpn as usize])
        } else {
            kernel.stlb.get(space.name, entry.vpn)
        };
        if let Some(wanted) = wanted {
            let found = (entry.page, entry.writable);
            let wanted = (wanted >> PAGE_SHIFT, wanted & Mapping::WRITABLE.bits() != 0);
            assert_eq!(found, wanted, "page {:#x} of {:08x} in the TLB", entry.vpn, space.name.0);
        }
        let known = is_known(kernel, entry.page, key(space.name, entry.vpn));
        assert!(known, "page {} does not know its TLB entry", entry.page);
        check_mapping(kernel, entry.page, entry.writable);
    });
    checked
}

/// Environments' own pages: names, guaranteed mappings, transfer caches, entries.
fn check_environments(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    for environment in kernel.environments.living() {
        let page = environment_page(page_address(environment.page));
        assert_eq!(page.name, environment.name.0, "an environment's page has its name");
        let state = kernel.pages.state(environment.page);
        assert_eq!(state, Some(State::Kernel), "an environment's own page is the kernel's");
        for (vpn, entry) in page.guaranteed.iter().enumerate().filter(|(_, entry)| **entry != 0) {
            let (vpn, number) = (vpn as u32, entry >> PAGE_SHIFT);
            let writable = entry & Mapping::WRITABLE.bits() != 0;
            checked += 1;
            if vpn == OWN_PAGE {
                assert_eq!(number, environment.page, "the environment's own page");
                assert!(!writable, "the environment's own page is read-only");
                continue;
            }
            let known = is_known(kernel, number, key(environment.name, vpn));
            assert!(known, "page {number} does not know its guaranteed mapping");
            check_mapping(kernel, number, writable);
        }
        for peer in page.peers.iter().filter(|peer| peer.name != 0) {
            let callee = kernel.environments.get(Name(peer.name)).expect("cached callees live");
            assert_eq!(page_address(callee.page), peer.page, "a cached callee has its page");
            assert!(kernel.cached[callee.name.id() as usize], "a cached callee is known to be one");
            let space = callee.name.address_space() as usize;
            assert_eq!(kernel.spaces[space], callee.name, "a cached callee has its address-space id");
            checked += 1;
        }
        for peer in page.yielded.iter().filter(|peer| peer.name != 0) {
            let callee = kernel.environments.get(Name(peer.name)).expect("those yielded to live");
            assert_eq!(page_address(callee.page), peer.page, "one yielded to has its page");
            assert!(kernel.yielded[callee.name.id() as usize], "one yielded to is known to be one");
            checked += 1;
        }
        if page.yield_pc != 0 {
            assert_eq!(page.yield_pc, page.slice_start_pc, "a yield enters where slices start");
            assert!(!untold(page_address(environment.page)), "a yield passes over what is untold");
            let space = environment.name.address_space() as usize;
            assert_eq!(kernel.spaces[space], environment.name, "a yield enters an address space of another");
        }
        for event in 0..EVENTS as u32 {
            if let Some(pc) = page.entry(event) {
                assert!(is_user_code(*pc), "an entry in the kernel");
            }
        }
    }
    checked
}

/// Whoever the kernel remembers lives: parents, address spaces, visits, turns, backings.
fn check_names(kernel: &Kernel) -> u32 {
    let lives = |name: Name| name == Name::NOBODY || kernel.environments.get(name).is_ok();
    let living = kernel.environments.living().count();
    assert_eq!(living, kernel.environments.count(), "the count of environments");
    for environment in kernel.environments.living() {
        let tagged = kernel.environments.tagged(environment.name.tag()).map(|found| found.name);
        assert_eq!(tagged, Some(environment.name), "an environment has its tag");
        assert!(lives(environment.parent), "the parent of {:08x} is dead", environment.name.0);
    }
    for (id, space) in kernel.spaces.iter().enumerate() {
        assert!(lives(*space), "address space {id} is a dead one's");
    }
    assert!(lives(kernel.visited), "the address space visited is a dead one's");
    assert!(kernel.slices.successor().is_none_or(lives), "whose turn it is is dead");
    assert!(lives(kernel.first), "the first environment is dead");
    for (id, loaded) in kernel.backings.0.iter().enumerate() {
        let owned = kernel.environments.living().any(|environment| environment.name.id() as usize == id);
        let empty = loaded.iter().all(|backing| backing.page == ANY);
        assert!(owned || empty, "the repossession vector of a dead one, {id}, is loaded");
    }
    (living + ADDRESS_SPACE_IDS) as u32
}

/// Owners and holders of slices live.
fn check_slices(kernel: &Kernel) -> u32 {
    let mut checked = 0;
    for position in 0..SLICES as u32 {
        let Some(slice) = kernel.slices.get(position) else { continue };
        assert!(kernel.environments.get(slice.owner).is_ok(), "the owner of slice {position} is dead");
        assert!(kernel.environments.get(slice.holder).is_ok(), "the holder of slice {position} is dead");
        checked += 1;
    }
    let lender = kernel.slices.lender();
    if lender != Name::NOBODY {
        assert!(kernel.environments.get(lender).is_ok(), "the lender of this turn is dead");
        assert!(kernel.slices.successor().is_none(), "a turn that is over is lent");
    }
    checked
}

/// What environments own, by id: too much for the stack.
static OWNED: Mutex<[[u32; RESOURCES]; ENVIRONMENTS]> = Mutex::new([[0; RESOURCES]; ENVIRONMENTS]);

/// An environment is charged with what it and its descendants own, no more and no less.
fn check_charges(kernel: &Kernel) -> u32 {
    let mut owned = OWNED.lock();
    *owned = [[0; RESOURCES]; ENVIRONMENTS];
    let mut add = |name: Name, resource: Resource, units: u32| {
        let mut at = name;
        while let Ok(environment) = kernel.environments.get(at) {
            owned[at.id() as usize][resource as usize] += units;
            at = environment.parent;
        }
    };
    for environment in kernel.environments.living() {
        add(environment.name, Resource::Pages, kernel.pages.of(environment.name).count() as u32);
        add(environment.parent, Resource::Environments, 1);
    }
    for slice in (0..SLICES as u32).filter_map(|position| kernel.slices.get(position)) {
        add(slice.owner, Resource::Slices, 1);
    }
    for environment in kernel.environments.living() {
        for resource in Resource::ALL {
            let wanted = owned[environment.name.id() as usize][resource as usize];
            let name = environment.name.0;
            assert_eq!(environment.used(resource), wanted, "the charge of {name:08x} for {resource:?}");
        }
    }
    kernel.environments.count() as u32
}
