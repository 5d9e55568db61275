//! An inverted page table: its size is that of the memory that is mapped, not of the address space, and a page is found by
//! hashing its number (paper, section 7.2).
//!
//! The classic one has an entry for each physical page of the machine, and chains through them. A process knows only
//! its own pages, so this one has entries for these alone, and open addressing instead of chains: an entry is where its hash
//! says or in the places behind.

use super::{Full, PageTable, Pte};

/// Entries hashed by page.
#[derive(Debug)]
pub struct Inverted<'a> {
    memory: &'a mut [Pte],
    /// How many places are used, a power of two, or none.
    places: usize,
    length: usize,
}

/// Fewest places.
const LEAST: usize = 512;

impl<'a> Inverted<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        let mut table = Self { memory: &mut [], places: 0, length: 0 };
        table.extend(memory);
        table
    }

    pub(super) fn mask(&self) -> usize {
        self.places.wrapping_sub(1)
    }

    /// Neighbours stay neighbours, so that a range is searched without a probe too many; what is a table's size apart is mixed.
    pub(super) fn hash(vpn: u32) -> usize {
        (vpn ^ vpn >> 9 ^ vpn >> 15) as usize
    }

    /// Where a page is, or the empty place where the search for it ends.
    #[inline]
    pub(super) fn place(&self, vpn: u32) -> Option<usize> {
        if self.places == 0 {
            return None;
        }
        let mask = self.mask();
        let mut at = Self::hash(vpn) & mask;
        // Ends: there is always an empty place.
        loop {
            let tag = self.memory.get(at)?.tag;
            if tag == 0 || tag >> aegis_abi::layout::PAGE_SHIFT == vpn {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn put(&mut self, pte: Pte) {
        if let Some(at) = self.place(pte.vpn()) {
            self.memory[at] = pte;
        }
    }
}

impl<'a> PageTable<'a> for Inverted<'a> {
    #[inline]
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        let at = self.place(vpn)?;
        self.memory.get_mut(at).filter(|pte| pte.tag != 0)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        // Further apart than there are entries: looking at these is quicker than asking for each page.
        let mut first = vpn;
        if (end.saturating_sub(vpn) as usize) > self.places {
            let lowest = self.memory[..self.places]
                .iter()
                .filter(|pte| pte.tag != 0 && (vpn..end).contains(&pte.vpn()))
                .map(|pte| pte.vpn())
                .min();
            match lowest {
                Some(lowest) => first = lowest,
                None => return &mut [],
            }
        }
        for wanted in first..end {
            if let Some(at) = self.place(wanted)
                && self.memory[at].tag != 0
            {
                return &mut self.memory[at..=at];
            }
        }
        &mut []
    }

    fn insert(&mut self, pte: Pte) -> Result<(), Full> {
        match self.place(pte.vpn()) {
            Some(at) if self.memory[at].tag != 0 => {
                self.memory[at] = pte;
                Ok(())
            }
            Some(at) if self.places >= self.wants() => {
                self.memory[at] = pte;
                self.length += 1;
                Ok(())
            }
            _ => Err(Full),
        }
    }

    fn remove(&mut self, vpn: u32) -> Option<Pte> {
        let mut hole = self.place(vpn)?;
        let removed = self.memory[hole];
        if removed.tag == 0 {
            return None;
        }
        let mask = self.mask();
        let mut at = hole;
        // What lies behind and would not be found past the hole moves into it.
        loop {
            at = (at + 1) & mask;
            let pte = self.memory[at];
            if pte.tag == 0 {
                break;
            }
            let home = Self::hash(pte.vpn()) & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.memory[hole] = pte;
                hole = at;
            }
        }
        self.memory[hole] = Pte::EMPTY;
        self.length -= 1;
        Some(removed)
    }

    fn len(&self) -> usize {
        self.length
    }

    fn wants(&self) -> usize {
        // At most three quarters full.
        let places = (self.length + 1) * 4 / 3 + 1;
        places.next_power_of_two().max(LEAST)
    }

    fn release(&mut self) -> &'a mut [Pte] {
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        let old = self.places;
        self.places = if memory.is_empty() { 0 } else { 1 << memory.len().ilog2() };
        self.memory = memory;
        if old == 0 || old == self.places {
            return;
        }
        // What hashes elsewhere now moves. From an empty place on, so that no cluster is cut: there is one.
        let start = (0..old).find(|at| self.memory[*at].tag == 0).unwrap_or(0);
        for step in 0..old {
            let at = (start + step) % old;
            let pte = core::mem::take(&mut self.memory[at]);
            if pte.tag != 0 {
                self.put(pte);
            }
        }
    }
}
