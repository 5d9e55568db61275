//! Address translation and the rights of segments. Kane, *MIPS RISC Architecture*, chapter 4.
//!
//! kuseg 0..2 GB is mapped; kseg0 0x80000000 and kseg1 0xa0000000 show the first 512 MB of physical
//! memory, cached and uncached, to the kernel alone; kseg2 from 0xc0000000 is mapped, kernel alone.

use super::{Cpu, NO_PAGE, Stop};
use crate::bus::Board;
use crate::cp0::{Exception, Vector, status};
use crate::tlb::{self, Entry, Found};

/// What an address is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Fetch,
    Load,
    Store,
}

/// A translated address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Physical {
    pub paddr: u32,
    pub cached: bool,
    /// The page went through the TLB.
    pub mapped: bool,
}

/// A refusal, before it becomes an exception.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    Address(Exception),
    Tlb(Exception, Vector),
}

impl Access {
    fn address_error(self) -> Exception {
        match self {
            Access::Store => Exception::AdES,
            _ => Exception::AdEL,
        }
    }

    fn tlb_error(self) -> Exception {
        match self {
            Access::Store => Exception::TlbS,
            _ => Exception::TlbL,
        }
    }
}

impl<B: Board> Cpu<B> {
    /// Translates `va` for `access`; alignment is the caller's.
    pub(super) fn translate(&mut self, va: u32, access: Access) -> Result<Physical, Refusal> {
        match self.look_up(va, access) {
            Ok(p) => Ok(p),
            Err(Ok(refusal)) => Err(refusal),
            Err(Err((a, b))) => {
                self.shut_down(va, a, b);
                Err(Refusal::Tlb(access.tlb_error(), Vector::General))
            }
        }
    }

    /// The same without side effects. An inner error names two entries that both match.
    pub(super) fn look_up(
        &self,
        va: u32,
        access: Access,
    ) -> Result<Physical, Result<Refusal, (usize, usize)>> {
        if va >= 0x8000_0000 && self.cp0.user() {
            return Err(Ok(Refusal::Address(access.address_error())));
        }
        if (0x8000_0000..0xc000_0000).contains(&va) {
            return Ok(Physical { paddr: va & 0x1fff_ffff, cached: va < 0xa000_0000, mapped: false });
        }
        let key = va & tlb::PAGE_MASK | self.cp0.entry_hi & tlb::ASID_MASK;
        let lo = match self.tlb.find(key) {
            Found::One(i) => self.tlb.get(i).lo,
            Found::None => {
                let vector = if va < 0x8000_0000 { Vector::Utlb } else { Vector::General };
                return Err(Ok(Refusal::Tlb(access.tlb_error(), vector)));
            }
            Found::Several(a, b) => return Err(Err((a, b))),
        };
        if lo & tlb::LO_V == 0 {
            return Err(Ok(Refusal::Tlb(access.tlb_error(), Vector::General)));
        }
        if access == Access::Store && lo & tlb::LO_D == 0 {
            return Err(Ok(Refusal::Tlb(Exception::Mod, Vector::General)));
        }
        Ok(Physical {
            paddr: lo & tlb::PAGE_MASK | va & !tlb::PAGE_MASK,
            cached: lo & tlb::LO_N == 0,
            mapped: true,
        })
    }

    /// Turns a refusal into the exception.
    #[cold]
    pub(super) fn refuse(&mut self, va: u32, refusal: Refusal) {
        match refusal {
            Refusal::Address(code) => {
                self.cp0.bad_address(va);
                self.raise(code);
            }
            Refusal::Tlb(code, vector) => {
                self.cp0.tlb_address(va);
                self.enter(code, vector, 0);
            }
        }
    }

    /// Takes the address error of an unaligned access.
    #[cold]
    pub(super) fn unaligned(&mut self, va: u32, access: Access) {
        self.refuse(va, Refusal::Address(access.address_error()));
    }

    /// Two entries match: the R2000 and R3000 set TS and stop translating until reset. Here it is
    /// the end of the run.
    #[cold]
    pub(super) fn shut_down(&mut self, va: u32, a: usize, b: usize) {
        self.cp0.status |= status::TS;
        let (x, y) = (self.tlb.get(a), self.tlb.get(b));
        self.request_stop(Stop::Fault(format!(
            "TLB shutdown at {:08x}: entries {a} ({:08x} {:08x}) and {b} ({:08x} {:08x}) both match \
             {va:08x}",
            self.cur_pc, x.hi, x.lo, y.hi, y.lo
        )));
    }

    /// Writes a TLB entry, and drops what the model remembers of the pages concerned.
    pub fn tlb_write(&mut self, index: usize, entry: Entry) {
        let old = self.tlb.set(index, entry);
        for hi in [old.hi, entry.hi] {
            self.soft_fetch.forget(hi);
            self.soft_load.forget(hi);
            self.soft_store.forget(hi);
        }
        self.fetch_page = NO_PAGE;
        self.micro_tlb = [NO_PAGE; 2];
    }

    /// The TLB, for reports and debuggers.
    #[must_use]
    pub fn tlb(&self) -> &tlb::Tlb {
        &self.tlb
    }

    /// The physical address of `va` as the kernel's debugger sees it: without side effects.
    #[must_use]
    pub fn peek_address(&self, va: u32) -> Option<u32> {
        self.look_up(va, Access::Load).ok().map(|p| p.paddr)
    }

    /// The word of memory at `va`, without side effects: RAM, not what the caches hold.
    #[must_use]
    pub fn peek(&self, va: u32) -> Option<u32> {
        let pa = self.peek_address(va)? as usize & !3;
        let bytes = self.ram.get(pa..pa + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The instruction that would be executed at `va`: from the cache if it holds it.
    #[must_use]
    pub fn peek_code(&self, va: u32) -> Option<u32> {
        let p = self.soft_fetch.get(va, self.mode).or_else(|| self.peek_address(va))?;
        if self.icache.hit(p) {
            return Some(self.icache.line(p).word);
        }
        let pa = p as usize & !3;
        let bytes = self.ram.get(pa..pa + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}
