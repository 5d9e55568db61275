//! A child of a demonstration, from the side of the one that tells the story.

use exos::abi::Name;
use exos::abi::layout::{Mapping, PAGE_SIZE};
use exos::memory;
use exos::spawn::{self, Child};

use crate::testing::Failure;
use crate::testing::lab::{peek, poke};

/// Where the children's pages are mapped here.
const PAGES: u32 = 0x0007_0000;

/// A child, and the page that it shares with this environment (see [`upcalls`](super::upcalls)).
pub struct Part {
    child: Child,
    /// Where its page is mapped here.
    pub page: u32,
}

impl Part {
    /// Spawns one from a program of the boot image; `index`, below eight, tells those that live at once apart.
    ///
    /// # Errors
    /// When it cannot be spawned.
    pub fn spawn(program: &str, index: u32) -> Result<Self, Failure> {
        let child = spawn::spawn(program, &[])?;
        let page = PAGES + index * PAGE_SIZE;
        let shared = child.start_page;
        memory::pin(memory::myself(), page, shared.number, Mapping::WRITABLE, shared.write)?;
        Ok(Self { child, page })
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> Name {
        self.child.name
    }

    /// A word of its page.
    #[must_use]
    pub fn get(&self, index: usize) -> u32 {
        peek(self.page + 4 * index as u32)
    }

    /// Changes a word of its page.
    pub fn set(&self, index: usize, value: u32) {
        poke(self.page + 4 * index as u32, value);
    }

    /// Whether it lives.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.child.lives()
    }

    /// Lends it slices until a word of its page is as it should be.
    ///
    /// # Errors
    /// When it is dead, or the word does not become so.
    pub fn run_until(&self, index: usize, value: u32) -> Result<(), Failure> {
        for _ in 0..20 {
            self.child.run()?;
            if self.get(index) == value {
                return Ok(());
            }
        }
        Err(Failure::new(format_args!("the child does not answer")))
    }

    /// Destroys it, and frees what it was lent.
    pub fn destroy(self) {
        self.child.destroy();
    }
}
