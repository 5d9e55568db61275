//! The model's own short cut through address translation: not part of the machine.
//!
//! It remembers pages of cached RAM that an access of one kind (fetch, load, store) may use, keyed
//! by page, address-space id and mode, so that the common access needs one comparison. Everything
//! else goes the long way. Whoever writes a TLB entry drops the pages it touches.

const ENTRIES: usize = 256;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    key: u32,
    page: u32,
}

/// One table of remembered pages.
#[derive(Clone, Debug)]
pub struct SoftTlb {
    entries: [Entry; ENTRIES],
}

impl Default for SoftTlb {
    fn default() -> Self {
        SoftTlb { entries: [Entry::default(); ENTRIES] }
    }
}

#[inline]
fn slot(va: u32) -> usize {
    (va >> 12) as usize % ENTRIES
}

impl SoftTlb {
    /// The physical address of `va` for a key of `mode` bits (never zero), if remembered.
    #[inline]
    pub fn get(&self, va: u32, mode: u32) -> Option<u32> {
        let e = &self.entries[slot(va)];
        if e.key == va & 0xffff_f000 | mode { Some(e.page | va & 0xfff) } else { None }
    }

    /// Remembers that `va` is at physical `paddr`.
    pub fn put(&mut self, va: u32, mode: u32, paddr: u32) {
        self.entries[slot(va)] = Entry { key: va & 0xffff_f000 | mode, page: paddr & 0xffff_f000 };
    }

    /// Forgets the page of `va`, in every address space.
    pub fn forget(&mut self, va: u32) {
        self.entries[slot(va)] = Entry::default();
    }
}
