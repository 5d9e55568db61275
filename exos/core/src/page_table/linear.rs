//! The paper's page table: a linear vector, sorted, looked up by binary search.

use super::{Full, PageTable, Pte};
use aegis_abi::layout::PAGE_SHIFT;

/// A sorted vector of entries.
#[derive(Debug)]
pub struct Linear<'a> {
    memory: &'a mut [Pte],
    length: usize,
    /// For the search: the steps from the largest power of two of entries that is not above the length down to one entry, and where
    /// the last so many begin, in bytes.
    steps: u32,
    last: usize,
}

/// How many steps [`Linear::search`] has written out; with more it finds nothing.
const MOST_STEPS: u32 = 13;
/// While there are no entries, or no memory.
const NO_STEPS: u32 = u32::MAX;
/// Entries that so many steps search: 64 MB of pages.
const MOST: usize = (2 << MOST_STEPS) - 1;

/// Enters a sequence of statements at the one with the number that is asked for, and goes on from there to the last, as C's
/// `switch` does: to leave a block is to come to the statement behind it. Any other number: none of them.
macro_rules! fall_through {
    (match $value:ident { $($number:literal => $label:lifetime { $statement:expr })+ }) => {
        'all: { fall_through!(@ [$($label $statement;)+] match $value { $($number => break $label,)+ _ => break 'all }) }
    };
    (@ [] $inner:expr) => { $inner };
    (@ [$label:lifetime $statement:expr; $($rest:tt)*] $inner:expr) => {
        fall_through!(@ [$($rest)*] { $label: { $inner } $statement; })
    };
}

impl<'a> Linear<'a> {
    /// Without entries, over memory that is all empty.
    #[must_use]
    pub fn new(memory: &'a mut [Pte]) -> Self {
        Self { memory, length: 0, steps: NO_STEPS, last: 0 }
    }

    /// The last entry of a page that is not above `vpn`, the first one if all are above; `None` if there are none.
    ///
    /// Each step halves what is left, whatever it finds. What is left is a power of two of entries, the last of them or the
    /// first, so that both halves are as long. Most of what it takes to change a page's protection is here, so the steps are
    /// written out, each with its distance as a constant, and have neither a check that they stay inside of the vector nor a
    /// branch: six instructions instead of fifteen.
    #[inline]
    #[allow(unsafe_code)]
    fn search(&mut self, vpn: u32) -> Option<&mut Pte> {
        let steps = self.steps;
        if steps > MOST_STEPS {
            return None;
        }
        let end = (vpn + 1) << PAGE_SHIFT;
        // All ones if an entry's page is not above: tags are below 2^31.
        let not_above = |pte: &Pte| (pte.tag.wrapping_sub(end).cast_signed() >> 31).cast_unsigned() as usize;
        // SAFETY: `1 << steps` entries from the beginning on, and from `last` on, are the memory's. Each step goes on with one
        // half of what is left, from `found` on, and the last one leaves an entry.
        unsafe {
            let start = self.memory.as_mut_ptr();
            let mut found = start.byte_add(self.last & not_above(&*start.byte_add(self.last)));
            macro_rules! step {
                ($bytes:literal) => {
                    found = found.byte_add($bytes & not_above(&*found.byte_add($bytes)))
                };
            }
            fall_through!(match steps {
                13 => 'a { step!(0x8000) }
                12 => 'b { step!(0x4000) }
                11 => 'c { step!(0x2000) }
                10 => 'd { step!(0x1000) }
                9 => 'e { step!(0x800) }
                8 => 'f { step!(0x400) }
                7 => 'g { step!(0x200) }
                6 => 'h { step!(0x100) }
                5 => 'i { step!(0x80) }
                4 => 'j { step!(0x40) }
                3 => 'k { step!(0x20) }
                2 => 'l { step!(0x10) }
                1 => 'm { step!(8) }
            });
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
        self.steps = length.checked_ilog2().unwrap_or(NO_STEPS);
        self.last = length.checked_ilog2().map_or(0, |steps| (length - (1 << steps)) * size_of::<Pte>());
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
        if self.length == self.memory.len() || self.length == MOST {
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
        self.steps = NO_STEPS;
        core::mem::take(&mut self.memory)
    }

    fn extend(&mut self, memory: &'a mut [Pte]) {
        self.memory = memory;
        self.set_length(self.length.min(self.memory.len()).min(MOST));
    }
}
