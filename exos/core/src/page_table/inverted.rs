//! An inverted page table: its size is that of the memory that is mapped, not of the address space, and a page is found by
//! hashing its number (paper, section 7.2).
//!
//! The classic one has an entry for each physical page of the machine, and chains through them. A process knows only
//! its own pages, so this one has entries for these alone, and open addressing instead of chains.
//!
//! The places are rows of sixteen. The low four bits of a page's number are its column, the others are hashed to a row: so
//! sixteen pages side by side usually lie side by side, and a range is changed row by row. A row that is taken is followed
//! by the next one, in the same column; behind the last row of a column comes the first of the next column, so that every place
//! can be used, however the pages lie.

use super::{Full, PageTable, Pte};

/// Columns, as a power of two.
const COLUMN_BITS: u32 = 4;
const COLUMNS: usize = 1 << COLUMN_BITS;
/// Fewest places.
const LEAST: usize = 512;
/// In the tag of an entry that has not moved yet while the table grows: no page has this bit.
const UNMOVED: u32 = 1 << 31;

/// Entries hashed by page.
#[derive(Debug)]
pub struct Inverted<'a> {
    memory: &'a mut [Pte],
    /// Rows that are used, as a power of two, and one less than their number. Only where there is memory.
    row_bits: u32,
    mask: usize,
    length: usize,
}

impl<'a> Inverted<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        let mut table = Self { memory: &mut [], row_bits: 0, mask: 0, length: 0 };
        table.extend(memory);
        table
    }

    /// Places that are used; none before there is memory.
    fn places(&self) -> usize {
        if self.memory.is_empty() { 0 } else { (self.mask + 1) << COLUMN_BITS }
    }

    /// The row of sixteen pages. An odd factor parts the rows of neighbours and makes none of them meet.
    #[inline(always)]
    fn row(&self, vpn: u32) -> usize {
        let sixteen = vpn >> COLUMN_BITS;
        ((sixteen ^ sixteen >> 7).wrapping_mul(37)) as usize & self.mask
    }

    /// Where a page is if nothing is in its way.
    #[inline(always)]
    fn home(&self, vpn: u32) -> usize {
        (self.row(vpn) << COLUMN_BITS) + vpn as usize % COLUMNS
    }

    /// A place's number in the order in which places are tried.
    fn order(&self, at: usize) -> usize {
        ((at % COLUMNS) << self.row_bits) + (at >> COLUMN_BITS)
    }

    /// The place that is tried behind one.
    fn behind(&self, at: usize) -> usize {
        let next = (self.order(at) + 1) & (self.places() - 1);
        ((next & self.mask) << COLUMN_BITS) + (next >> self.row_bits)
    }

    /// Where a page is, or the empty place where the search for it ends. `None` if there is no memory.
    fn place(&self, vpn: u32) -> Option<usize> {
        let mut at = self.home(vpn);
        // Ends: there is always an empty place.
        loop {
            let pte = self.memory.get(at)?;
            if pte.vpn() == vpn || pte.tag == 0 {
                return Some(at);
            }
            at = self.behind(at);
        }
    }

    /// Finds a page that is not at home.
    #[inline(never)]
    fn find_elsewhere(&mut self, vpn: u32) -> Option<&mut Pte> {
        let at = self.place(vpn)?;
        self.memory.get_mut(at).filter(|pte| pte.tag != 0)
    }

    /// Whether a page is where it is looked for first.
    #[cfg(test)]
    pub(super) fn is_at_home(&self, vpn: u32) -> bool {
        self.place(vpn) == Some(self.home(vpn))
    }

    /// Moves an entry to where it belongs now, and what has not moved yet and is in its way, too.
    fn settle(&mut self, mut pte: Pte) {
        while pte.tag != 0 {
            pte.tag &= !UNMOVED;
            let mut at = self.home(pte.vpn());
            while self.memory[at].tag != 0 && self.memory[at].tag & UNMOVED == 0 {
                at = self.behind(at);
            }
            pte = core::mem::replace(&mut self.memory[at], pte);
        }
    }
}

impl<'a> PageTable<'a> for Inverted<'a> {
    #[inline]
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        let home = self.home(vpn);
        if self.memory.get(home)?.vpn() == vpn {
            return self.memory.get_mut(home);
        }
        self.find_elsewhere(vpn)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        // Further apart than there are entries: looking at these is quicker than asking for each page.
        let mut first = vpn;
        if end.saturating_sub(vpn) as usize > self.places() {
            let inside = |pte: &&Pte| pte.tag != 0 && (vpn..end).contains(&pte.vpn());
            match self.memory.iter().filter(inside).map(|pte| pte.vpn()).min() {
                Some(lowest) => first = lowest,
                None => return &mut [],
            }
        }
        for wanted in first..end {
            if let Some(at) = self.place(wanted)
                && self.memory[at].tag != 0
            {
                // What follows in the row, as far as it is the pages behind.
                let most = (COLUMNS - at % COLUMNS).min((end - wanted) as usize);
                let row = &mut self.memory[at..at + most];
                let mut count = 1;
                while count < most && row[count].vpn() == wanted + count as u32 {
                    count += 1;
                }
                return &mut row[..count];
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
            Some(at) if self.places() >= self.wants() => {
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
        let last = self.places() - 1;
        let mut at = hole;
        // What lies behind and would not be found past the hole moves into it.
        loop {
            at = self.behind(at);
            let pte = self.memory[at];
            if pte.tag == 0 {
                break;
            }
            let [home, here, gap] = [self.home(pte.vpn()), at, hole].map(|place| self.order(place));
            if (here.wrapping_sub(home) & last) >= (here.wrapping_sub(gap) & last) {
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
        let old = self.mask;
        self.memory = if memory.len() < COLUMNS { &mut [] } else { memory };
        if self.memory.is_empty() {
            return;
        }
        self.row_bits = self.memory.len().ilog2() - COLUMN_BITS;
        self.mask = (1 << self.row_bits) - 1;
        if self.length == 0 || old == self.mask {
            return;
        }
        for pte in self.memory.iter_mut().filter(|pte| pte.tag != 0) {
            pte.tag |= UNMOVED;
        }
        for at in 0..self.memory.len() {
            if self.memory[at].tag & UNMOVED != 0 {
                let pte = core::mem::take(&mut self.memory[at]);
                self.settle(pte);
            }
        }
    }
}
