//! All pages at once.

use exos::vm::{Protection, map, protect};

use super::Outcome;
use super::state::{Model, PAGES};
use crate::model_says;
use crate::vm_tests::word;

/// Bits for the physical pages of 64 MB.
const WORDS: usize = 512;

impl Model {
    /// Compares all that is known of each page, and reads what is there and may be read.
    pub(super) fn verify(&mut self) -> Outcome {
        let mut taken = [0u32; WORDS];
        for index in 0..PAGES {
            self.told(index)?;
            let page = self.pages[index];
            if page.share == 0
                && let Some(number) = map::physical(self.address(index))
            {
                let bits = &mut taken[number as usize / 32 % WORDS];
                model_says!(*bits & 1 << (number % 32) == 0, "two pages are the same physical one");
                *bits |= 1 << (number % 32);
            }
            if page.touched && page.protection != Protection::None {
                self.compare(index)?;
            }
        }
        Ok(())
    }

    /// Compares the contents of a page that may be read.
    pub(super) fn compare(&self, index: usize) -> Outcome {
        // SAFETY: mapped, and not without access.
        let found = unsafe { word(self.address(index), 0).read_volatile() };
        model_says!(self.value(index).is_none_or(|value| value == found), "a page's first word is another");
        model_says!(self.last_word_is_right(index), "a page's last word is another");
        Ok(())
    }

    /// Compares the contents of all pages, those without access too, and writes all of them over. Shared pages get values
    /// that follow from `salt`, if they are to be written.
    pub(super) fn write_over(&mut self, salt: u32, shares: bool) -> Outcome {
        for index in 0..PAGES {
            let page = self.pages[index];
            if !page.mapped() {
                continue;
            }
            let lifted = protect(self.address(index), 4096, Protection::ReadWrite);
            model_says!(lifted == Ok(()), "a page is not unprotected");
            self.pages[index].protection = Protection::ReadWrite;
            self.compare(index)?;
            self.pages[index].touched = true;
            if page.share == 0 {
                self.put(index, salt.wrapping_mul(index as u32) | 1);
            } else if shares {
                self.put(index, Self::of_share(salt, page.share - 1));
            }
        }
        Ok(())
    }

    /// What [`Self::write_over`] writes to a shared page.
    pub(super) fn of_share(salt: u32, share: usize) -> u32 {
        salt ^ (share as u32) << 8 | 1
    }
}
