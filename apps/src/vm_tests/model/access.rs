//! Loads and stores. What the protection forbids enters the fault handler, once; what nothing explains is a signal, whose
//! handler maps or unprotects the page.

use exos::exception::Frame;
use exos::vm::map::map;
use exos::vm::{Protection, protect, set_handler};
use exos::{println, signal, vm};

use super::Outcome;
use super::state::{FAR, Model, NEAR, Page};
use crate::model_says;
use crate::testing::single::Single;
use crate::vm_tests::random::Random;
use crate::vm_tests::word;

/// What handlers count, and how they mend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    loads: u32,
    stores: u32,
    signals: u32,
    /// The address of the last fault of the handler.
    address: u32,
}

const NOTHING: Seen = Seen { loads: 0, stores: 0, signals: 0, address: 0 };
static SEEN: Single<Seen> = Single::new(NOTHING);
/// What the handler sets the protection to.
static MEND: Single<Protection> = Single::new(Protection::ReadWrite);
/// The page that is touched, and whether it has to be mapped.
static TARGET: Single<(u32, bool)> = Single::new((0, false));

fn handler(_: &mut Frame, address: u32, store: bool) {
    let mut seen = SEEN.get();
    *(if store { &mut seen.stores } else { &mut seen.loads }) += 1;
    seen.address = address;
    SEEN.set(seen);
    // If it cannot be mended the fault comes again, and the run ends by its time limit.
    let _ = protect(address & !0xfff, 4096, MEND.get());
}

fn segv(_: u32) {
    let seen = SEEN.get();
    SEEN.set(Seen { signals: seen.signals + 1, ..seen });
    let (page, unmapped) = TARGET.get();
    let mended = match unmapped {
        true => map(page, 4096, Protection::ReadWrite).map(|_| ()),
        false => protect(page, 4096, Protection::ReadWrite),
    };
    if seen.signals > 1 {
        let _ = signal::set_action(signal::SIGSEGV, signal::Action::Default);
        println!("{page:08x}, unmapped {unmapped}: {mended:?}, {seen:?}");
        return;
    }
}

/// Lets SIGSEGV be mended.
pub(super) fn install() {
    let _ = signal::set_action(signal::SIGSEGV, signal::Action::Call(segv));
    set_handler(None);
}

impl Model {
    /// Sets the fault handler, or takes it away.
    pub(super) fn choose_handler(&mut self, random: &mut Random) -> Outcome {
        self.handler = random.below(4) != 0;
        set_handler(self.handler.then_some(handler));
        Ok(())
    }

    /// Loads from a page.
    pub(super) fn load(&mut self, random: &mut Random) -> Outcome {
        let index = self.page(random);
        let mend = if random.once_in(2) { Protection::Read } else { Protection::ReadWrite };
        self.touch(index, false, mend)
    }

    /// Stores to a page.
    pub(super) fn store(&mut self, random: &mut Random) -> Outcome {
        let index = self.page(random);
        if self.pages[index].share != 0 && !self.shares_known {
            return Ok(());
        }
        if random.once_in(2) {
            // What is there before the store has to be right, too.
            self.touch(index, false, Protection::Read)?;
        }
        self.touch(index, true, Protection::ReadWrite)?;
        // Where nothing can be mapped nothing is touched.
        if self.pages[index].mapped() {
            self.put(index, random.word() | 1);
        }
        Ok(())
    }

    /// Touches a page, mapping it if need be, and compares what is in it.
    fn touch(&mut self, index: usize, store: bool, mend: Protection) -> Outcome {
        let page = self.pages[index];
        let unmapped = !page.mapped();
        if unmapped && (index >= NEAR + FAR || !self.has_region()) {
            return Ok(());
        }
        let address = self.address(index);
        let before = page;
        let forbidden = match page.protection {
            Protection::None => true,
            Protection::Read => store,
            Protection::ReadWrite => false,
        };
        let mut expected = NOTHING;
        if unmapped {
            expected.signals = 1;
            self.pages[index] = Page::new(self.new_region(), Protection::ReadWrite);
        } else if forbidden && !self.handler {
            expected.signals = 1;
            self.pages[index].protection = Protection::ReadWrite;
        } else if forbidden {
            *(if store { &mut expected.stores } else { &mut expected.loads }) = 1;
            expected.address = address;
            self.pages[index].protection = mend;
        }
        MEND.set(mend);
        TARGET.set((address, unmapped));
        SEEN.set(NOTHING);
        let value = self.value(index);
        // SAFETY: a page of the model's, mapped there or mapped by the handlers.
        let found = unsafe {
            if store {
                // Stores that change nothing, for now.
                word(address, 0).write_volatile(value.unwrap_or(0));
                None
            } else {
                Some(word(address, 0).read_volatile())
            }
        };
        let seen = SEEN.get();
        if seen != expected {
            println!(
                "page {index}, {before:?}, store {store}, handler {}: {seen:?}, not {expected:?}",
                self.handler
            );
        }
        let page = &mut self.pages[index];
        page.touched = true;
        page.dirty |= store;
        model_says!(seen == expected, "other faults than the protection says");
        model_says!(
            found.is_none() || value.is_none() || found == value,
            "a page has not kept its first word"
        );
        model_says!(self.last_word_is_right(index), "a page has not kept its last word");
        Ok(())
    }

    /// What the first word of a page is, if this process knows it.
    #[must_use]
    pub(super) fn value(&self, index: usize) -> Option<u32> {
        let page = self.pages[index];
        match page.share {
            0 => Some(page.value),
            share if self.shares_known => Some(self.shares[share - 1].1),
            _ => None,
        }
    }

    /// Writes a value, and its complement to the end of the page, which can be written.
    pub(super) fn put(&mut self, index: usize, value: u32) {
        let address = self.address(index);
        // SAFETY: the caller has made it so.
        unsafe {
            word(address, 0).write_volatile(value);
            word(address, 1023).write_volatile(!value);
        }
        let page = &mut self.pages[index];
        (page.touched, page.dirty) = (true, true);
        match page.share {
            0 => page.value = value,
            share => self.shares[share - 1].1 = value,
        }
    }

    /// Whether the last word of a page that can be read fits the first.
    pub(super) fn last_word_is_right(&self, index: usize) -> bool {
        let expected = match self.value(index) {
            None => return true,
            Some(0) => 0,
            Some(value) => !value,
        };
        // SAFETY: the caller has touched the page.
        unsafe { word(self.address(index), 1023).read_volatile() == expected }
    }

    /// Asks about a page.
    pub(super) fn query(&self, random: &mut Random) -> Outcome {
        self.told(self.page(random))
    }

    /// What the library tells about a page without touching it.
    pub(super) fn told(&self, index: usize) -> Outcome {
        let (page, address) = (self.pages[index], self.address(index));
        let shared = page.share != 0;
        let known = |bit: bool| page.mapped().then_some(shared || bit);
        let (dirty, referenced) = (vm::is_dirty(address), vm::is_referenced(address));
        let forgets = self.swaps && page.touched;
        if dirty != known(page.dirty) || referenced != known(page.touched) && !forgets {
            println!("page {index}, {page:?}: dirty {dirty:?}, referenced {referenced:?}");
        }
        // Where the page is asked about does not matter.
        model_says!(vm::is_dirty(address + 8) == known(page.dirty), "is_dirty answers something else");
        model_says!(
            forgets || vm::is_referenced(address) == known(page.touched),
            "is_referenced answers something else"
        );
        let physical = vm::map::physical(address + 4092);
        if shared {
            let share = self.shares[page.share - 1].0;
            model_says!(physical == share.map(|share| share.page), "a shared page is another");
        } else {
            let there = physical.is_some();
            model_says!(there == page.touched || forgets, "physical answers something else");
        }
        Ok(())
    }
}
