//! Coprocessor 0 of the R2000 and R3000: the system control registers.
//!
//! Kane, *MIPS RISC Architecture*, chapters 4 to 6.

use crate::bus::Cycles;
use crate::tlb;

/// Register numbers, as `mfc0` and `mtc0` name them.
pub mod reg {
    #![allow(missing_docs)]
    pub const INDEX: usize = 0;
    pub const RANDOM: usize = 1;
    pub const ENTRY_LO: usize = 2;
    pub const CONTEXT: usize = 4;
    pub const BAD_VADDR: usize = 8;
    pub const ENTRY_HI: usize = 10;
    pub const STATUS: usize = 12;
    pub const CAUSE: usize = 13;
    pub const EPC: usize = 14;
    pub const PRID: usize = 15;
}

/// Status register bits.
pub mod status {
    #![allow(missing_docs)]
    pub const IEC: u32 = 1 << 0;
    pub const KUC: u32 = 1 << 1;
    pub const IM: u32 = 0xff00;
    pub const ISC: u32 = 1 << 16;
    pub const SWC: u32 = 1 << 17;
    pub const PZ: u32 = 1 << 18;
    pub const CM: u32 = 1 << 19;
    pub const PE: u32 = 1 << 20;
    pub const TS: u32 = 1 << 21;
    pub const BEV: u32 = 1 << 22;
    pub const CU0: u32 = 1 << 28;
    pub const CU1: u32 = 1 << 29;
    /// What `mtc0` can change: CU3..0, BEV, CM, PZ, SwC, IsC, the mask and the KU/IE stack.
    /// PE clears by writing a one; TS is read-only. RE (user-mode byte order) is not modelled.
    pub const WRITABLE: u32 = 0xf000_0000 | BEV | CM | PZ | SWC | ISC | IM | 0x3f;
}

/// Cause register bits.
pub mod cause {
    #![allow(missing_docs)]
    pub const BD: u32 = 1 << 31;
    pub const CE_SHIFT: u32 = 28;
    pub const IP: u32 = 0xff00;
    /// The two software interrupts: all that `mtc0` can change.
    pub const SOFTWARE: u32 = 0x0300;
    /// The six hardware lines.
    pub const HARDWARE: u32 = 0xfc00;
}

/// Exception codes, Cause 6:2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Exception {
    /// Interrupt.
    Int = 0,
    /// Store to a page that is valid and not dirty.
    Mod = 1,
    /// TLB: no or no valid entry, fetch or load.
    TlbL = 2,
    /// TLB: no or no valid entry, store.
    TlbS = 3,
    /// Address error, fetch or load.
    AdEL = 4,
    /// Address error, store.
    AdES = 5,
    /// Bus error, fetch.
    Ibe = 6,
    /// Bus error, load.
    Dbe = 7,
    /// `syscall`.
    Sys = 8,
    /// `break`.
    Bp = 9,
    /// Reserved instruction.
    Ri = 10,
    /// Coprocessor unusable.
    CpU = 11,
    /// Arithmetic overflow.
    Ov = 12,
}

/// Where an exception goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vector {
    /// A TLB miss of an address in kuseg.
    Utlb,
    /// Everything else.
    General,
}

/// The registers, except those that time computes.
#[derive(Clone, Debug)]
pub struct Cp0 {
    /// P 31, index 13:8.
    pub index: u32,
    /// PFN and flags.
    pub entry_lo: u32,
    /// VPN and ASID.
    pub entry_hi: u32,
    /// PTEBase 31:21, BadVPN 20:2.
    pub context: u32,
    /// The address of the last address or TLB exception.
    pub bad_vaddr: u32,
    /// Status.
    pub status: u32,
    /// Cause; the hardware lines are kept here as last sampled.
    pub cause: u32,
    /// Where to resume.
    pub epc: u32,
    /// Implementation and revision.
    pub prid: u32,
}

impl Cp0 {
    /// The state after reset: kernel mode, interrupts off, bootstrap vectors.
    #[must_use]
    pub fn new(prid: u32) -> Self {
        Cp0 {
            index: 0,
            entry_lo: 0,
            entry_hi: 0,
            context: 0,
            bad_vaddr: 0,
            status: status::BEV,
            cause: 0,
            epc: 0,
            prid,
        }
    }

    /// Whether the processor is in user mode.
    #[inline]
    #[must_use]
    pub fn user(&self) -> bool {
        self.status & status::KUC != 0
    }

    /// Random: it starts at 63, steps down each cycle and wraps from 8 to 63, so that `tlbwr` never
    /// replaces the first eight entries.
    #[must_use]
    pub fn random(now: Cycles) -> u32 {
        63 - (now % 56) as u32
    }

    /// Whether an unmasked interrupt is pending and interrupts are enabled.
    #[inline]
    #[must_use]
    pub fn interrupt_pending(&self) -> bool {
        self.status & status::IEC != 0 && self.status & self.cause & status::IM != 0
    }

    /// Sets the hardware lines: bits 5..0 are IP7..IP2.
    pub fn set_lines(&mut self, lines: u8) {
        self.cause = self.cause & !cause::HARDWARE | u32::from(lines & 0x3f) << 10;
    }

    /// Reads register `n`; undefined ones read zero.
    #[must_use]
    pub fn read(&self, n: usize, now: Cycles) -> u32 {
        match n {
            reg::INDEX => self.index,
            reg::RANDOM => Self::random(now) << 8,
            reg::ENTRY_LO => self.entry_lo,
            reg::CONTEXT => self.context,
            reg::BAD_VADDR => self.bad_vaddr,
            reg::ENTRY_HI => self.entry_hi,
            reg::STATUS => self.status,
            reg::CAUSE => self.cause,
            reg::EPC => self.epc,
            reg::PRID => self.prid,
            _ => 0,
        }
    }

    /// Writes register `n`; read-only ones ignore it.
    pub fn write(&mut self, n: usize, v: u32) {
        match n {
            reg::INDEX => self.index = self.index & 0x8000_0000 | v & 0x3f00,
            reg::ENTRY_LO => self.entry_lo = v & tlb::LO_MASK,
            reg::CONTEXT => self.context = self.context & 0x001f_fffc | v & 0xffe0_0000,
            reg::ENTRY_HI => self.entry_hi = v & tlb::HI_MASK,
            reg::STATUS => {
                let kept = self.status & (status::TS | status::PE & !v);
                self.status = kept | v & status::WRITABLE;
            }
            reg::CAUSE => self.cause = self.cause & !cause::SOFTWARE | v & cause::SOFTWARE,
            reg::EPC => self.epc = v,
            _ => {}
        }
    }

    /// Pushes the KU/IE stack and records the cause; returns the handler's address.
    /// `coprocessor` is CE, for [`Exception::CpU`].
    pub fn enter(
        &mut self,
        code: Exception,
        vector: Vector,
        epc: u32,
        delay_slot: bool,
        coprocessor: u32,
    ) -> u32 {
        self.epc = epc;
        self.cause = self.cause & cause::IP
            | (code as u32) << 2
            | coprocessor << cause::CE_SHIFT
            | if delay_slot { cause::BD } else { 0 };
        self.status = self.status & !0x3f | (self.status & 0xf) << 2;
        let bev = self.status & status::BEV != 0;
        match (vector, bev) {
            (Vector::Utlb, false) => 0x8000_0000,
            (Vector::General, false) => 0x8000_0080,
            (Vector::Utlb, true) => 0xbfc0_0100,
            (Vector::General, true) => 0xbfc0_0180,
        }
    }

    /// `rfe`: pops the KU/IE stack; the old pair stays.
    pub fn rfe(&mut self) {
        self.status = self.status & !0xf | self.status >> 2 & 0xf;
    }

    /// Records a bad address.
    pub fn bad_address(&mut self, va: u32) {
        self.bad_vaddr = va;
    }

    /// After an access to the word around `va` on behalf of `lwl`, `lwr`, `swl` or `swr`: if it
    /// took an address or TLB exception, the bad address is `va` itself.
    pub fn refine_bad_address(&mut self, va: u32) {
        let code = self.cause >> 2 & 31;
        let addressing = (Exception::Mod as u32..=Exception::AdES as u32).contains(&code);
        if addressing {
            self.bad_vaddr = va;
        }
    }

    /// Records the address of a TLB exception: BadVAddr, Context and EntryHi's VPN.
    pub fn tlb_address(&mut self, va: u32) {
        self.bad_vaddr = va;
        self.context = self.context & 0xffe0_0000 | va >> 10 & 0x001f_fffc;
        self.entry_hi = self.entry_hi & tlb::ASID_MASK | va & tlb::PAGE_MASK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_three_deep() {
        let mut c = Cp0::new(0x230);
        c.write(reg::STATUS, 0x3f & 0b00_01_11); // current user, enabled; previous 01
        assert_eq!(c.enter(Exception::Sys, Vector::General, 0x400000, false, 0), 0x8000_0080);
        assert_eq!(c.status & 0x3f, 0b01_11_00);
        c.rfe();
        assert_eq!(c.status & 0x3f, 0b01_01_11);
    }

    #[test]
    fn the_index_probe_bit_is_read_only() {
        let mut c = Cp0::new(0x230);
        c.write(reg::INDEX, u32::MAX);
        assert_eq!(c.index, 0x3f00);
    }

    #[test]
    fn context_holds_the_page_and_the_base() {
        let mut c = Cp0::new(0x230);
        c.write(reg::CONTEXT, u32::MAX);
        assert_eq!(c.context, 0xffe0_0000);
        c.tlb_address(0x7fff_f123);
        assert_eq!(c.context, 0xffe0_0000 | 0x7_ffff << 2);
        assert_eq!(c.entry_hi, 0x7fff_f000);
    }

    #[test]
    fn random_runs_63_to_8() {
        let seen: std::collections::BTreeSet<_> = (0..200).map(Cp0::random).collect();
        assert_eq!((seen.len(), seen.first(), seen.last()), (56, Some(&8), Some(&63)));
        assert_eq!(Cp0::random(1), 62);
    }
}
