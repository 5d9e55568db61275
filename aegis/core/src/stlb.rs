//! The software TLB: bindings that the kernel has checked, in front of an environment's own miss handler
//! (paper, section 5.4). Direct mapped; the assembly that refills the hardware TLB reads it in place.

use aegis_abi::Name;
use aegis_abi::map::{Binding, STLB_ENTRIES, TAG, index, key, vpn_of};

/// Entries that the pages of one number in all address spaces share.
const WAYS: usize = 4;

/// The STLB.
#[derive(Debug)]
pub struct Stlb<'a> {
    entries: &'a mut [Binding; STLB_ENTRIES],
}

impl<'a> Stlb<'a> {
    /// An empty one.
    pub fn new(entries: &'a mut [Binding; STLB_ENTRIES]) -> Self {
        entries.fill(Binding::EMPTY);
        Self { entries }
    }

    /// Binds a page of an address space, in place of what the entry held.
    pub fn insert(&mut self, name: Name, vpn: u32, mapping: u32) {
        self.entries[index(name, vpn)] = Binding { key: key(name, vpn), mapping };
    }

    /// The mapping of a page, if it is here.
    #[must_use]
    pub fn get(&self, name: Name, vpn: u32) -> Option<u32> {
        let entry = self.entries[index(name, vpn)];
        (entry.key == key(name, vpn)).then_some(entry.mapping)
    }

    /// Forgets a page.
    pub fn remove(&mut self, name: Name, vpn: u32) {
        let entry = &mut self.entries[index(name, vpn)];
        if entry.key == key(name, vpn) {
            *entry = Binding::EMPTY;
        }
    }

    /// Forgets the pages of a range, however long it is, in time bounded by the size of the table.
    pub fn remove_range(&mut self, name: Name, pages: core::ops::Range<u32>) {
        let (rows, _) = self.entries.as_chunks_mut::<WAYS>();
        if pages.len() > rows.len() {
            let tag = key(name, 0);
            return self.retain(|binding| binding.key & TAG != tag || !pages.contains(&vpn_of(binding.key)));
        }
        // Pages side by side have entries side by side, up to the end of the table, and go on at its beginning.
        let (row, column) = (index(name, pages.start) / WAYS, index(name, pages.start) % WAYS);
        let (before, behind) = rows.split_at_mut(row);
        let here = pages.len().min(behind.len());
        let wanted = forget(&mut behind[..here], column, key(name, pages.start));
        forget(&mut before[..pages.len() - here], column, wanted);
    }

    /// Forgets every binding but those to keep.
    pub fn retain(&mut self, mut keep: impl FnMut(Binding) -> bool) {
        for entry in self.entries.iter_mut().filter(|entry| entry.key != 0) {
            if !keep(*entry) {
                *entry = Binding::EMPTY;
            }
        }
    }

    /// The bindings that there are.
    pub fn bindings(&self) -> impl Iterator<Item = Binding> {
        self.entries.iter().copied().filter(|entry| entry.key != 0)
    }
}

/// Forgets pages side by side from `key` on; tells the key behind them.
fn forget(rows: &mut [[Binding; WAYS]], column: usize, mut key: u32) -> u32 {
    const NEXT: u32 = aegis_abi::map::key(Name(0), 1);
    const MANY: usize = 4;
    let column = column % WAYS;
    // Of a change of a hundred pages' protection this is most of the kernel's part. Usually all of four are bound: they are
    // loaded together, so that none is waited for, and forgotten together. What an entry maps to means nothing without its key.
    let (fours, rest) = rows.as_chunks_mut::<MANY>();
    let one = |row: &mut [Binding; WAYS], key: u32| {
        if row[column].key == key {
            row[column].key = Binding::EMPTY.key;
        }
    };
    for four in fours {
        let keys: [u32; MANY] = core::array::from_fn(|place| key.wrapping_add(NEXT * place as u32));
        let differs = (0..MANY).fold(0, |differs, place| differs | (four[place][column].key ^ keys[place]));
        if differs == 0 {
            four.iter_mut().for_each(|row| row[column].key = Binding::EMPTY.key);
        } else {
            four.iter_mut().zip(keys).for_each(|(row, key)| one(row, key));
        }
        key = key.wrapping_add(NEXT * MANY as u32);
    }
    for row in rest {
        one(row, key);
        key = key.wrapping_add(NEXT);
    }
    key
}

#[cfg(test)]
mod tests;
