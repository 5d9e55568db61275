//! The paper's page table: a linear vector, sorted, looked up by binary search.

use super::{Full, PageTable, Pte};
use aegis_abi::layout::PAGE_SHIFT;

/// A sorted vector of entries.
#[derive(Debug)]
pub struct Linear<'a> {
    memory: &'a mut [Pte],
    length: usize,
}

impl<'a> Linear<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        Self { memory, length: 0 }
    }

    /// Where the first entry of a page that is not below `vpn` is, or would be.
    ///
    /// Each step halves what is left, whatever it finds: the number of steps depends on the length alone.
    #[inline]
    fn lower_bound(&self, vpn: u32) -> usize {
        let wanted = vpn << PAGE_SHIFT;
        let mut rest = &self.memory[..self.length];
        let mut base = 0;
        while rest.len() > 1 {
            let half = rest.len() / 2;
            // In bounds: half is at least one.
            if rest[half - 1].tag < wanted {
                base += half;
                rest = &rest[half..];
            } else {
                rest = &rest[..half];
            }
        }
        match rest.first() {
            Some(pte) if pte.tag < wanted => base + 1,
            _ => base,
        }
    }
}

impl<'a> PageTable<'a> for Linear<'a> {
    #[inline]
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        let index = self.lower_bound(vpn);
        self.memory[..self.length].get_mut(index).filter(|pte| pte.vpn() == vpn)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        let first = self.lower_bound(vpn);
        let last = self.lower_bound(end);
        &mut self.memory[first..last.max(first)]
    }

    fn insert(&mut self, pte: Pte) -> Result<(), Full> {
        let index = self.lower_bound(pte.vpn());
        if let Some(found) =
            self.memory[..self.length].get_mut(index).filter(|found| found.vpn() == pte.vpn())
        {
            *found = pte;
            return Ok(());
        }
        if self.length == self.memory.len() {
            return Err(Full);
        }
        self.memory.copy_within(index..self.length, index + 1);
        self.memory[index] = pte;
        self.length += 1;
        Ok(())
    }

    fn remove(&mut self, vpn: u32) -> Option<Pte> {
        let index = self.lower_bound(vpn);
        let pte = *self.memory[..self.length].get(index).filter(|pte| pte.vpn() == vpn)?;
        self.memory.copy_within(index + 1..self.length, index);
        self.length -= 1;
        self.memory[self.length] = Pte::EMPTY;
        Some(pte)
    }

    fn len(&self) -> usize {
        self.length
    }

    fn wants(&self) -> usize {
        self.length + 1
    }

    fn release(&mut self) -> &'a mut [Pte] {
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        self.memory = memory;
    }
}
