//! Instruction fetch beyond the common case of a hit in the current page.

use super::translate::Access;
use super::{CACHED, Cpu, NO_PAGE, Stop, UNCACHED};
use crate::board::PromAction;
use crate::bus::{Board, Width};
use crate::cache;
use crate::counters::Stall;
use crate::cp0::{Exception, status};
use crate::isa::{self, Op};

impl<B: Board> Cpu<B> {
    /// Fetches the instruction at `pc`. `None`: there is none, an exception or a PROM service took
    /// place instead.
    #[cold]
    #[inline(never)]
    pub(super) fn fetch_slow(&mut self) -> Option<(u32, Op)> {
        let pc = self.pc;
        self.cur_pc = pc;
        self.cur_delay = self.delay_next;
        if pc & 3 != 0 {
            self.unaligned(pc, Access::Fetch);
            return None;
        }
        if pc & 0xffff_f000 != self.fetch_page {
            self.enter_page(pc)?;
        }
        let paddr = self.fetch_base | pc & 0xffc;
        if self.fetch_flag == CACHED {
            let line = self.icache.line(paddr);
            if line.tag == cache::tag(paddr) {
                return Some((line.word, line.op));
            }
            return Some(self.icache_miss(paddr));
        }
        let word = self.fetch_uncommon(paddr)?;
        Some((word, isa::decode(word)))
    }

    /// The program counter is in another page than before: translates it.
    fn enter_page(&mut self, pc: u32) -> Option<()> {
        if let Some(paddr) = self.soft_fetch.get(pc, self.mode) {
            self.set_page(pc, paddr, CACHED);
            if !(0x8000_0000..0xc000_0000).contains(&pc) {
                self.micro_translate(pc);
            }
            return Some(());
        }
        let p = match self.translate(pc, Access::Fetch) {
            Ok(p) => p,
            Err(refusal) => {
                self.refuse(pc, refusal);
                return None;
            }
        };
        let whole_page = (p.paddr | 0xfff) as usize;
        let in_ram = whole_page < self.ram.len();
        let swapped = self.cp0.status & status::SWC != 0;
        if p.cached && in_ram && !swapped {
            self.soft_fetch.put(pc, self.mode, p.paddr);
            self.set_page(pc, p.paddr, CACHED);
        } else {
            self.set_page(pc, p.paddr, UNCACHED);
        }
        if p.mapped {
            self.micro_translate(pc);
        }
        Some(())
    }

    fn set_page(&mut self, pc: u32, paddr: u32, flag: u32) {
        self.fetch_page = pc & 0xffff_f000;
        self.fetch_base = paddr & 0xffff_f000;
        self.fetch_flag = flag;
    }

    /// The micro-TLB: the last two mapped instruction pages. Emptied when the TLB or the
    /// address-space id changes.
    fn micro_translate(&mut self, pc: u32) {
        let page = pc & 0xffff_f000;
        if self.micro_tlb[0] == page {
            return;
        }
        if self.micro_tlb[1] != page {
            self.stall(Stall::MicroTlb, self.costs.micro_tlb);
        }
        self.micro_tlb = [page, self.micro_tlb[0]];
    }

    pub(super) fn forget_micro_tlb(&mut self) {
        self.micro_tlb = [NO_PAGE; 2];
    }

    pub(super) fn ram_word(&self, paddr: u32) -> u32 {
        let at = paddr as usize & !3;
        u32::from_le_bytes([self.ram[at], self.ram[at + 1], self.ram[at + 2], self.ram[at + 3]])
    }

    /// Waits for the memory port, then for a block of `bytes` around `paddr`.
    pub(super) fn memory_read(&mut self, paddr: u32, bytes: u32, kind: Stall) {
        let wait = self.wbuf.read(paddr, bytes, self.cycle, self.costs.miss);
        self.stall(Stall::WriteBuffer, wait);
        self.stall(kind, self.costs.miss);
    }

    fn icache_miss(&mut self, paddr: u32) -> (u32, Op) {
        let bytes = self.costs.icache_fetch;
        self.icache_misses += 1;
        self.memory_read(paddr, bytes, Stall::ICache);
        let block = paddr & !(bytes - 1);
        for at in (block..block + bytes).step_by(4) {
            let word = self.ram_word(at);
            self.icache.fill_decoded(at, word);
        }
        let line = self.icache.line(paddr);
        (line.word, line.op)
    }

    /// Uncached memory, devices and ROM, and all of it while the caches are swapped.
    fn fetch_uncommon(&mut self, paddr: u32) -> Option<u32> {
        let in_ram = (paddr as usize) < self.ram.len();
        if in_ram {
            let kseg1 = (0xa000_0000..0xc000_0000).contains(&self.cur_pc);
            let swapped = self.cp0.status & status::SWC != 0;
            if swapped && !kseg1 {
                return Some(self.fetch_swapped(paddr));
            }
            self.memory_read(paddr, 4, Stall::Device);
            return Some(self.ram_word(paddr));
        }
        if let Some(index) = self.board.prom_entry(paddr) {
            self.prom_service(index);
            return None;
        }
        self.board_read_stall(paddr);
        let now = self.cycle;
        self.next_check = 0;
        match self.board.read(paddr, Width::Word, now) {
            Ok(word) => Some(word),
            Err(_) => {
                self.raise(Exception::Ibe);
                None
            }
        }
    }

    /// With the caches swapped, instructions come through the data cache.
    fn fetch_swapped(&mut self, paddr: u32) -> u32 {
        if !self.dcache.hit(paddr) {
            self.icache_misses += 1;
            let bytes = self.costs.icache_fetch;
            self.memory_read(paddr, bytes, Stall::ICache);
            let block = paddr & !(bytes - 1);
            for at in (block..block + bytes).step_by(4) {
                let word = self.ram_word(at);
                self.dcache.fill(at, word);
            }
        }
        self.dcache.line(paddr).word
    }

    /// The board executes a PROM service in place of the instruction, which takes the time that the
    /// board says.
    fn prom_service(&mut self, index: u32) {
        self.commit_load();
        let reply = self.board.prom_call(index, &self.regs, &mut self.ram, self.cycle);
        self.stall(Stall::Device, self.costs.device_read + reply.cycles);
        if let Some((paddr, bytes)) = reply.written {
            self.forget_cached(paddr, bytes);
        }
        self.next_check = 0;
        match reply.action {
            PromAction::Return | PromAction::Unsupported(_) => {}
            PromAction::ClearCaches => {
                self.icache.clear();
                self.dcache.clear();
            }
            PromAction::Retry => return,
            PromAction::Halt => self.request_stop(Stop::Halt("the program returned to the PROM")),
            PromAction::Reset => self.request_stop(Stop::Halt("the program asked for a reset")),
            PromAction::Exception => {
                let report = self.bootstrap_exception();
                self.request_stop(Stop::Fault(report));
            }
        }
        self.set_reg(2, reply.value);
        self.delay_next = false;
        self.pc = self.npc;
        self.npc = self.npc.wrapping_add(4);
    }

    /// What a PROM prints when an exception reaches it.
    fn bootstrap_exception(&self) -> String {
        let c = &self.cp0;
        format!(
            "exception with the bootstrap vectors: Cause {:08x} (code {}), EPC {:08x}, \
             BadVAddr {:08x}, Status {:08x}, ra {:08x}",
            c.cause,
            c.cause >> 2 & 31,
            c.epc,
            c.bad_vaddr,
            c.status,
            self.regs[31]
        )
    }

    /// Memory changed behind the data cache.
    fn forget_cached(&mut self, paddr: u32, bytes: u32) {
        let end = paddr.saturating_add(bytes);
        let mut at = paddr & !3;
        while at < end {
            if self.dcache.hit(at) {
                self.dcache.invalidate(at);
            }
            at += 4;
        }
    }
}
