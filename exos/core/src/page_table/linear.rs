//! The paper's page table: a linear vector, sorted, looked up by binary search.

use super::{Full, PageTable, Pte};
use aegis_abi::layout::PAGE_SHIFT;

/// A sorted vector of entries.
#[derive(Debug)]
pub struct Linear<'a> {
    memory: &'a mut [Pte],
    length: usize,
    /// The largest power of two that is not above the length; zero while the memory is taken away.
    power: usize,
}

impl<'a> Linear<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        Self { memory, length: 0, power: 0 }
    }

    /// The last entry of a page that is not above `vpn`, the first one if all are above; `None` if there are none.
    ///
    /// Each step halves what is left, whatever it finds. What is left is a power of two of entries, the last of them or the
    /// first, so that both halves are as long. Most of what it takes to change a page's protection is here, so a step
    /// has neither a check that it stays inside of the vector nor a branch: ten instructions instead of fifteen.
    #[inline]
    #[allow(unsafe_code)]
    fn search(&mut self, vpn: u32) -> Option<&mut Pte> {
        if self.power == 0 {
            return None;
        }
        let end = (vpn + 1) << PAGE_SHIFT;
        // All ones if an entry's page is not above: tags are below 2^31.
        let not_above = |pte: &Pte| (pte.tag.wrapping_sub(end).cast_signed() >> 31).cast_unsigned() as usize;
        let size = size_of::<Pte>();
        // SAFETY: where `power` is not zero, it is at most `length`, which is at most the memory's; both halves of what is
        // looked at are inside of it. Each step goes on with one half, from `found` on, and ends with an entry.
        unsafe {
            let start = self.memory.as_mut_ptr();
            let last = (self.length - self.power) * size;
            let mut found = start.byte_add(last & not_above(&*start.byte_add(last)));
            let mut half = self.power * size / 2;
            while half != size / 2 {
                found = found.byte_add(half & not_above(&*found.byte_add(half)));
                half /= 2;
            }
            Some(&mut *found)
        }
    }

    /// Where the first entry of a page that is not below `vpn` is, or would be.
    fn lower_bound(&mut self, vpn: u32) -> usize {
        let start = self.memory.as_ptr().addr();
        // No page is above: see `search`.
        let Some(pte) = self.search(vpn.min((1 << (31 - PAGE_SHIFT)) - 1)) else { return 0 };
        (core::ptr::from_ref(pte).addr() - start) / size_of::<Pte>() + usize::from(pte.vpn() < vpn)
    }

    /// Notes how many entries there are.
    fn set_length(&mut self, length: usize) {
        debug_assert!(length <= self.memory.len());
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
        self.power = 0;
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        self.memory = memory;
        self.set_length(self.length.min(self.memory.len()));
    }
}
