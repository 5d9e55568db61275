//! A clustered page table (Talluri, Hill and Khalidi, SOSP 1995; the talk's variant of the paper's Table 13): hashed, like
//! an inverted one, but by blocks of sixteen pages side by side, so that a range costs one search in sixteen pages.

use super::{Full, PageTable, Pte};

/// Pages of a block.
const PAGES: usize = 16;
/// Units of a block: its header, and an entry for each page.
const UNITS: usize = PAGES + 1;
/// Fewest blocks.
const LEAST: usize = 16;

/// Blocks of entries, hashed.
#[derive(Debug)]
pub struct Clustered<'a> {
    /// Blocks, a power of two of them. The header's `tag` is one more than the block's number, zero if it is empty; its
    /// `entry` has a bit for each page that has an entry.
    memory: &'a mut [Pte],
    mask: usize,
    /// How many blocks there is room for: none before it has memory.
    capacity: usize,
    blocks: usize,
    length: usize,
}

impl<'a> Clustered<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        let mut table = Self { memory: &mut [], mask: 0, capacity: 0, blocks: 0, length: 0 };
        table.extend(memory);
        table
    }

    fn hash(block: u32) -> usize {
        (block ^ block >> 6 ^ block >> 11) as usize
    }

    /// Where the header of a block is, or the empty one where the search for it ends.
    #[inline]
    fn place(&self, block: u32) -> Option<usize> {
        let mut at = Self::hash(block) & self.mask;
        // Ends: there is always an empty block.
        loop {
            let tag = self.memory.get(at * UNITS)?.tag;
            if tag == 0 || tag == block + 1 {
                return Some(at * UNITS);
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Moves a block to where it belongs.
    fn put(&mut self, block: &[Pte; UNITS]) {
        if let Some(at) = self.place(block[0].tag - 1) {
            self.memory[at..at + UNITS].copy_from_slice(block);
        }
    }

    /// Takes the block at a header out.
    fn take(&mut self, at: usize) -> [Pte; UNITS] {
        let mut block = [Pte::EMPTY; UNITS];
        block.copy_from_slice(&self.memory[at..at + UNITS]);
        self.memory[at..at + UNITS].fill(Pte::EMPTY);
        block
    }

    /// Takes an empty block out of the table, and lets those behind it be found.
    fn drop_block(&mut self, at: usize) {
        self.take(at);
        self.blocks -= 1;
        let mut next = at / UNITS;
        loop {
            next = (next + 1) & self.mask;
            if self.memory[next * UNITS].tag == 0 {
                return;
            }
            let block = self.take(next * UNITS);
            self.put(&block);
        }
    }
}

impl<'a> PageTable<'a> for Clustered<'a> {
    #[inline]
    fn find(&mut self, vpn: u32) -> Option<&mut Pte> {
        let at = self.place(vpn / PAGES as u32)?;
        self.memory.get_mut(at + 1 + vpn as usize % PAGES).filter(|pte| pte.tag != 0)
    }

    fn run(&mut self, vpn: u32, end: u32) -> &mut [Pte] {
        let mut at = vpn;
        if (end.saturating_sub(vpn) as usize) > self.capacity * PAGES {
            // Looking at the blocks is quicker than asking for each.
            let lowest = (0..self.capacity)
                .map(|index| self.memory[index * UNITS])
                .filter(|header| header.tag != 0)
                .filter_map(|header| {
                    let first = (header.tag - 1) * PAGES as u32;
                    // The pages of the block from `vpn` on.
                    let from = vpn.saturating_sub(first).min(PAGES as u32);
                    let bits = header.entry >> from << from;
                    (bits != 0).then(|| first + bits.trailing_zeros())
                })
                .filter(|found| (vpn..end).contains(found))
                .min();
            match lowest {
                Some(lowest) => at = lowest,
                None => return &mut [],
            }
        }
        while at < end {
            let block = at / PAGES as u32;
            let Some(place) = self.place(block) else { return &mut [] };
            let from = at as usize % PAGES;
            let to = ((end - block * PAGES as u32) as usize).min(PAGES);
            // The pages of the block that are wanted, and there.
            let bits = (self.memory[place].entry & ((1 << to) - 1)) >> from;
            if bits != 0 {
                // Usually all of them: this processor counts bits slowly.
                let (skip, count) = match to - from {
                    all if bits == (1 << all) - 1 => (0, all),
                    _ => {
                        let skip = bits.trailing_zeros();
                        (skip as usize, (bits >> skip).trailing_ones() as usize)
                    }
                };
                let first = place + 1 + from + skip;
                return &mut self.memory[first..first + count];
            }
            at = (block + 1) * PAGES as u32;
        }
        &mut []
    }

    fn insert(&mut self, pte: Pte) -> Result<(), Full> {
        let (block, index) = (pte.vpn() / PAGES as u32, pte.vpn() as usize % PAGES);
        let place = self.place(block).ok_or(Full)?;
        if self.memory[place].tag == 0 {
            if self.capacity * UNITS < self.wants() {
                return Err(Full);
            }
            self.memory[place].tag = block + 1;
            self.blocks += 1;
        }
        let entry = &mut self.memory[place + 1 + index];
        if entry.tag == 0 {
            self.length += 1;
        }
        *entry = pte;
        self.memory[place].entry |= 1 << index;
        Ok(())
    }

    fn remove(&mut self, vpn: u32) -> Option<Pte> {
        let place = self.place(vpn / PAGES as u32)?;
        let index = vpn as usize % PAGES;
        let pte = core::mem::take(&mut self.memory[place + 1 + index]);
        if pte.tag == 0 {
            return None;
        }
        self.length -= 1;
        self.memory[place].entry &= !(1 << index);
        if self.memory[place].entry == 0 {
            self.drop_block(place);
        }
        Some(pte)
    }

    fn len(&self) -> usize {
        self.length
    }

    fn wants(&self) -> usize {
        let blocks = (self.blocks + 1) * 4 / 3 + 1;
        blocks.next_power_of_two().max(LEAST) * UNITS
    }

    fn release(&mut self) -> &'a mut [Pte] {
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        let old = self.capacity;
        let fit = memory.len() / UNITS;
        self.memory = memory;
        if fit == 0 {
            return;
        }
        self.capacity = 1 << fit.ilog2();
        self.mask = self.capacity - 1;
        if old == 0 || old == self.capacity {
            return;
        }
        let start = (0..old).find(|at| self.memory[*at * UNITS].tag == 0).unwrap_or(0);
        for step in 0..old {
            let at = (start + step) % old * UNITS;
            if self.memory[at].tag != 0 {
                let block = self.take(at);
                self.put(&block);
            }
        }
    }
}
