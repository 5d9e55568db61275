//! The software TLB: bindings that the kernel has checked, in front of an environment's own miss handler
//! (paper, section 5.4). Direct mapped; the assembly that refills the hardware TLB reads it in place.

use aegis_abi::Name;
use aegis_abi::map::{Binding, STLB_ENTRIES, TAG, index, key, vpn_of};

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
        if pages.len() <= STLB_ENTRIES {
            for vpn in pages {
                self.remove(name, vpn);
            }
        } else {
            let tag = key(name, 0);
            self.retain(|binding| binding.key & TAG != tag || !pages.contains(&vpn_of(binding.key)));
        }
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

#[cfg(test)]
mod tests;
