//! The 64-entry, fully associative translation buffer of the R2000 and R3000.
//!
//! Kane, *MIPS RISC Architecture*, chapter 4. One 4 KB page an entry; EntryHi is VPN 31:12 and
//! ASID 11:6, EntryLo is PFN 31:12 and N 11, D 10, V 9, G 8.

/// Number of entries.
pub const ENTRIES: usize = 64;
/// EntryHi: the bits that exist (VPN and ASID).
pub const HI_MASK: u32 = 0xffff_ffc0;
/// EntryHi: the ASID.
pub const ASID_MASK: u32 = 0x0000_0fc0;
/// EntryLo: the bits that exist.
pub const LO_MASK: u32 = 0xffff_ff00;
/// EntryLo: non-cacheable.
pub const LO_N: u32 = 0x800;
/// EntryLo: dirty, that is, writable.
pub const LO_D: u32 = 0x400;
/// EntryLo: valid.
pub const LO_V: u32 = 0x200;
/// EntryLo: global, the ASID is ignored.
pub const LO_G: u32 = 0x100;
/// A virtual or physical page's address bits.
pub const PAGE_MASK: u32 = 0xffff_f000;

/// One translation, as `tlbr` returns it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// VPN and ASID.
    pub hi: u32,
    /// PFN and flags.
    pub lo: u32,
}

impl Entry {
    fn matches(self, hi: u32) -> bool {
        let relevant = if self.lo & LO_G == 0 { HI_MASK } else { PAGE_MASK };
        (self.hi ^ hi) & relevant == 0
    }
}

/// What a look-up finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// No entry.
    None,
    /// Exactly one entry: its index.
    One(usize),
    /// More than one: the hardware shuts the TLB down. The first two indices.
    Several(usize, usize),
}

/// The entries. After power-up they hold anything; here each translates another kseg0
/// page, which the hardware never looks up, so that nothing matches.
#[derive(Clone, Debug)]
pub struct Tlb {
    entries: [Entry; ENTRIES],
}

impl Default for Tlb {
    fn default() -> Self {
        Tlb { entries: std::array::from_fn(|i| Entry { hi: 0x8000_0000 + ((i as u32) << 12), lo: 0 }) }
    }
}

impl Tlb {
    /// Finds the entry for EntryHi `hi` (VPN and ASID).
    #[must_use]
    pub fn find(&self, hi: u32) -> Found {
        let mut found = Found::None;
        for (i, e) in self.entries.iter().enumerate() {
            if e.matches(hi) {
                found = match found {
                    Found::None => Found::One(i),
                    Found::One(first) => return Found::Several(first, i),
                    Found::Several(..) => found,
                };
            }
        }
        found
    }

    /// The entry at `index` (modulo 64).
    #[must_use]
    pub fn get(&self, index: usize) -> Entry {
        self.entries[index % ENTRIES]
    }

    /// Replaces the entry at `index` (modulo 64); returns the old one.
    pub fn set(&mut self, index: usize, entry: Entry) -> Entry {
        let new = Entry { hi: entry.hi & HI_MASK, lo: entry.lo & LO_MASK };
        std::mem::replace(&mut self.entries[index % ENTRIES], new)
    }

    /// All entries, for reports and the state hash.
    #[must_use]
    pub fn entries(&self) -> &[Entry; ENTRIES] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asid_matters_unless_global() {
        let mut t = Tlb::default();
        t.set(3, Entry { hi: 0x0040_0000 | 5 << 6, lo: 0x0001_2000 | LO_V });
        t.set(4, Entry { hi: 0x0050_0000 | 5 << 6, lo: 0x0001_3000 | LO_V | LO_G });
        assert_eq!(t.find(0x0040_0000 | 5 << 6), Found::One(3));
        assert_eq!(t.find(0x0040_0000 | 6 << 6), Found::None);
        assert_eq!(t.find(0x0050_0000 | 6 << 6), Found::One(4));
    }

    #[test]
    fn duplicates_are_seen() {
        let mut t = Tlb::default();
        t.set(1, Entry { hi: 0x1000, lo: LO_G });
        t.set(9, Entry { hi: 0x1000, lo: LO_V });
        assert_eq!(t.find(0x1000), Found::Several(1, 9));
    }
}
