//! Translation: the environment's own bindings in the first segment, guaranteed mappings in the second, and
//! what happens on a miss (paper, section 5.4; Table 3).
//!
//! The software TLB stands in front of everything: the assembly refills the hardware's TLB from it. A
//! binding is checked once, when it is made; then both TLBs hold it until it is broken.

use aegis_abi::calls::Call;
use aegis_abi::environment::cause;
use aegis_abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END, USER_END};
use aegis_abi::map::key;
use aegis_abi::{Capability, Error, Name};
use aegis_core::capability::Right;
use aegis_core::environments::Environment;

use crate::arch::{self, TrapFrame, register};
use crate::environment::deliver_system_call;
use crate::kernel::{self, Kernel};
use crate::memory::{environment_page, page_address};

/// Pages from which on a range is flushed with the whole TLB, which is cheaper then.
const MANY_PAGES: usize = 32;

/// The page of an address in the first segment.
fn first_segment(address: u32) -> Result<u32, Error> {
    if (SECOND_SEGMENT_END..USER_END).contains(&address) {
        Ok(address >> PAGE_SHIFT)
    } else {
        Err(Error::Invalid)
    }
}

impl Kernel {
    /// The environment in whose address space the caller runs: its own, but for [`Call::CidSwitch`].
    pub fn space(&self) -> Result<Environment, Error> {
        let caller = self.caller();
        let own = caller.address_space() == arch::address_space();
        self.environments.get(if own { caller } else { self.visited })
    }

    /// Whether a page may be bound with these bits.
    fn check_binding(&self, entry: u32, capability: Capability) -> Result<(), Error> {
        let page = entry >> PAGE_SHIFT;
        if page as usize >= self.pages.count().0 {
            return Err(Error::NoPage);
        }
        let writable = Mapping::from_bits_truncate(entry).contains(Mapping::WRITABLE);
        let needed = if writable { Right::Write } else { Right::Read };
        if self.pages.right(page, capability) < needed {
            return Err(Error::Denied);
        }
        Ok(())
    }

    /// Binds a virtual page. It has been checked that it may be.
    fn bind_page(&mut self, space: Name, vpn: u32, entry: u32) {
        let page = entry >> PAGE_SHIFT;
        let bits = Mapping::from_bits_truncate(entry) | Mapping::VALID;
        self.pages.bind(page, key(space, vpn));
        self.stlb.insert(space, vpn, page << PAGE_SHIFT | bits.bits());
    }

    /// Takes a virtual page out of both TLBs.
    pub fn forget(&mut self, space: Name, vpn: u32) {
        self.stlb.remove(space, vpn);
        arch::forget_tlb(space.address_space(), vpn);
    }

    fn tlb_write(&mut self, address: u32, entry: u32, capability: Capability) -> Result<(), Error> {
        let space = self.space()?.name;
        let vpn = first_segment(address)?;
        self.check_binding(entry, capability)?;
        self.bind_page(space, vpn, entry);
        arch::forget_tlb(space.address_space(), vpn);
        Ok(())
    }

    fn tlb_delete(&mut self, address: u32) -> Result<(), Error> {
        let space = self.space()?.name;
        self.forget(space, first_segment(address)?);
        Ok(())
    }

    /// The pages of a range in the first segment.
    fn range(address: u32, count: u32) -> Result<core::ops::Range<u32>, Error> {
        let first = first_segment(address)?;
        let end = first.checked_add(count).filter(|end| *end <= USER_END >> PAGE_SHIFT);
        Ok(first..end.ok_or(Error::Invalid)?)
    }

    fn forget_range(&mut self, space: Name, pages: core::ops::Range<u32>) {
        self.stlb.remove_range(space, pages.clone());
        if pages.len() >= MANY_PAGES {
            arch::flush_tlb();
        } else {
            for vpn in pages {
                arch::forget_tlb(space.address_space(), vpn);
            }
        }
    }

    /// The call `tlb_delete_range`.
    pub fn tlb_delete_range(&mut self, address: u32, count: u32) -> Result<(), Error> {
        let pages = Self::range(address, count)?;
        let space = self.space()?.name;
        self.forget_range(space, pages);
        Ok(())
    }

    /// The call `tlb_write_range`: entries come from a page that the caller may read, `(page, offset, capability)`.
    pub fn tlb_write_range(
        &mut self,
        (address, count): (u32, u32),
        (table, offset, readable): (u32, u32, Capability),
        capability: Capability,
    ) -> Result<(), Error> {
        let pages = Self::range(address, count)?;
        let fits = count.checked_mul(4).and_then(|bytes| bytes.checked_add(offset));
        if !offset.is_multiple_of(4) || fits.is_none_or(|end| end > PAGE_SIZE) {
            return Err(Error::Invalid);
        }
        self.pages.used(table)?;
        if self.pages.right(table, readable) < Right::Read {
            return Err(Error::Denied);
        }
        let entries = (page_address(table) + offset) as *const u32;
        let read = |index: u32| {
            // SAFETY: the words lie inside a page of RAM that is in use; nobody else runs meanwhile.
            let entry = unsafe { entries.add(index as usize).read_volatile() };
            Mapping::from_bits_truncate(entry).contains(Mapping::VALID).then_some(entry)
        };
        for entry in (0..count).filter_map(read) {
            self.check_binding(entry, capability)?;
        }
        let space = self.space()?.name;
        self.forget_range(space, pages.clone());
        for (index, vpn) in pages.enumerate() {
            // Once more: what was read was in the cache, and what was stored uncached is behind it.
            if let Some(entry) = read(index as u32)
                && self.check_binding(entry, capability).is_ok()
            {
                self.bind_page(space, vpn, entry);
            }
        }
        Ok(())
    }

    /// Changes the address space that the caller goes on in.
    fn cid_switch(&mut self, name: Name) -> Result<Name, Error> {
        let caller = self.caller();
        let space = self.environments.get_as(name, caller)?.name;
        if space != caller {
            if space.address_space() == caller.address_space() {
                // Only the hardware's id tells the two apart.
                return Err(Error::Busy);
            }
            let id = space.address_space() as usize;
            if core::mem::replace(&mut self.visited, space) != space && self.spaces[id] == caller {
                // Another space that shares the id was visited: what the TLB holds of it is not this one's.
                self.spaces[id] = Name::NOBODY;
            }
        }
        self.claim_space(space, caller);
        Ok(space)
    }

    /// The mapping that a miss wants: of the STLB, or a guaranteed one. Zero if there is none.
    fn mapping(&mut self, runner: Environment, space: Environment, vpn: u32) -> u32 {
        const OWN_PAGE: u32 = ENVIRONMENT_PAGE >> PAGE_SHIFT;
        if vpn >= SECOND_SEGMENT_END >> PAGE_SHIFT {
            return self.stlb.get(space.name, vpn).unwrap_or(0);
        }
        if vpn == OWN_PAGE {
            // The runner's own page stays where it is when it visits. So it is never in the STLB.
            return environment_page(page_address(runner.page)).guaranteed[OWN_PAGE as usize];
        }
        let mapping = environment_page(page_address(space.page)).guaranteed[vpn as usize];
        if mapping != 0 {
            self.stlb.insert(space.name, vpn, mapping);
        }
        mapping
    }
}

/// A miss that the assembly has not refilled.
pub fn miss(frame: &mut TrapFrame) {
    let address = frame.bad_address;
    let even = address >> PAGE_SHIFT & !1;
    let found = kernel::with(|kernel| {
        let runner = kernel.environments.get(kernel.caller())?;
        let space = kernel.space()?;
        let pair = [even, even + 1].map(|vpn| kernel.mapping(runner, space, vpn));
        if pair[(address >> PAGE_SHIFT & 1) as usize] == 0 {
            return Err(Error::NoPage);
        }
        arch::refill(address, |vpn| pair[vpn as usize & 1]);
        Ok(())
    });
    if found.is_err() {
        crate::trap::miss(frame);
    }
}

/// A primitive operation in the frame. It alters no register; refused, it is an exception of the caller.
pub fn primitive(frame: &mut TrapFrame) {
    let argument = |register: usize| frame.registers[register];
    let (a0, a1) = (argument(register::A0), argument(register::A1));
    let capability = Capability::from_words(argument(register::A2), argument(register::A3));
    let call = Call::from_number(argument(register::V0));
    let result = kernel::with(|kernel| match call {
        Some(Call::TlbWrite) => kernel.tlb_write(a0, a1, capability),
        Some(Call::TlbDelete) => kernel.tlb_delete(a0),
        Some(Call::CidSwitch) => {
            let space = kernel.cid_switch(Name(a0))?;
            frame.set_space(arch::entry_hi(space));
            Ok(())
        }
        // The modelled DECstations have no floating-point unit, and malta is held to that.
        _ => Err(Error::Unsupported),
    });
    match result {
        Ok(()) => frame.pc += 4,
        Err(error) => {
            frame.cause = cause::with_error(frame.cause, error);
            deliver_system_call(frame);
        }
    }
}
