//! The paper's page table: a linear vector, sorted, looked up by binary search.

use super::{Full, PageTable, Pte};
use aegis_abi::layout::PAGE_SHIFT;

/// A sorted vector of entries.
#[derive(Debug)]
pub struct Linear<'a> {
    memory: &'a mut [Pte],
    length: usize,
    /// The largest power of two that is not above the length.
    power: usize,
}

impl<'a> Linear<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        Self { memory, length: 0, power: 0 }
    }

    /// The last entry of a page that is not above `vpn`, if there are entries: the first one if all are above.
    ///
    /// Each step halves what is left, whatever it finds. What is left is a power of two of entries from the beginning on, so that
    /// both halves are as long: on this processor that is a third less than halving any number.
    #[inline]
    fn search(&mut self, vpn: u32) -> Option<&mut Pte> {
        let limit = (vpn << PAGE_SHIFT) | ((1 << PAGE_SHIFT) - 1);
        let entries = self.memory.get_mut(..self.length)?;
        let power = self.power;
        // The last `power` entries or the first ones: together they are all.
        let (_, last) = entries.split_at_mut_checked(entries.len().checked_sub(power)?)?;
        let from_end = last.first()?.tag <= limit;
        let entries = self.memory.get_mut(..self.length)?;
        let at = if from_end { entries.len() - power } else { 0 };
        let mut rest = entries.get_mut(at..at + power)?;
        while rest.len() > 1 {
            let half = rest.len() / 2;
            let (low, high) = rest.split_at_mut(half);
            rest = match high {
                [pte, ..] if pte.tag <= limit => high,
                _ => low,
            };
        }
        rest.first_mut()
    }

    /// Where the first entry of a page that is not below `vpn` is, or would be.
    fn lower_bound(&self, vpn: u32) -> usize {
        self.memory[..self.length].partition_point(|pte| pte.vpn() < vpn)
    }

    /// Notes how many entries there are.
    fn set_length(&mut self, length: usize) {
        self.length = length;
        self.power = if length == 0 { 0 } else { 1 << length.ilog2() };
    }
}

impl<'a> PageTable<'a> for Linear<'a> {
    #[inline]
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        self.search(vpn).filter(|pte| pte.vpn() == vpn)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        let first = self.lower_bound(vpn);
        // Usually all of them are there.
        let all = first + end.saturating_sub(vpn) as usize;
        let entries = &self.memory[..self.length];
        let whole =
            all.checked_sub(1).and_then(|last| entries.get(last)).is_some_and(|pte| pte.vpn() + 1 == end);
        let last = if whole { all } else { self.lower_bound(end) };
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
        self.set_length(self.length + 1);
        Ok(())
    }

    fn remove(&mut self, vpn: u32) -> Option<Pte> {
        let index = self.lower_bound(vpn);
        let pte = *self.memory[..self.length].get(index).filter(|pte| pte.vpn() == vpn)?;
        self.memory.copy_within(index + 1..self.length, index);
        self.set_length(self.length - 1);
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
