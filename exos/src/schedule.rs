//! Handing out time slices to processes (paper, section 7.3: extensible schedulers).
//!
//! One environment, an ordinary program, owns the slices of the machine and yields each to a process, directly. Which one is a
//! [`Policy`]'s choice: replacing the policy is linking another one (docs/extending.md does). A process that waits gives the rest of its slice back,
//! and gets the processor again when what it waits for has come.
//!
//! The same environment takes in orphans, wakes who sleeps, and finds out who was destroyed without a word.

use aegis_abi::environment::Event;
use aegis_abi::layout::{ANY, Mapping, PAGE_SIZE};
use aegis_abi::{Error, Name};
pub use exos_core::schedule::{Policy, RoundRobin, Stride};

use crate::layout::PROCESS_TABLE;
use crate::memory::{self, Page, WINDOWS};
use crate::process::arguments::{Block, FileWords, MAGIC};
use crate::process::exec::{self, ExecError};
use crate::process::exit::{self, reap};
use crate::process::table::{self, PROCESSES, channel, get, set, state};
use crate::start::START_PAGE;
use crate::vm::Rights;
use crate::{call, println, process, signal, slice, spawn};

/// Turns that a process may have between SIGKILL and its end: it may be in the middle of something.
const DEAF_TURNS: u32 = 16;

/// A family of processes: the environment that made it is its scheduler, at place 0 of the table.
pub struct Family {
    pages: [u32; 4],
    rights: Rights,
    /// The next place to be looked at for an environment that is gone.
    probed: usize,
    /// The shares that the policy has been told.
    shares: [u32; PROCESSES],
}

/// Makes a family of processes, starts the second program of the boot image as the first of them, and hands out slices by a
/// policy until it ends; tells its status.
pub fn run_image(policy: &mut dyn Policy) -> u32 {
    let started = (|| {
        let mut family = Family::new().map_err(ExecError::from)?;
        let mut name = [0; 16];
        let name = spawn::name_of(1, &mut name).ok_or(ExecError::NotFound)?;
        let first = family.start(name, &[name], &["PATH=image", "USER=student"])?;
        Ok::<_, ExecError>((family, first))
    })();
    match started {
        Ok((mut family, first)) => family.run(first, policy),
        Err(error) => {
            println!("init: cannot start the first process: {error}");
            1
        }
    }
}

impl Family {
    /// Makes the table of processes, and this environment their scheduler.
    ///
    /// # Errors
    /// Those of the calls `page_alloc` and `guarantee`.
    pub fn new() -> Result<Self, Error> {
        let rights = Rights { read: memory::capability(), write: memory::capability() };
        let ([a, b], [c, d]) = (rights.read.words(), rights.write.words());
        let mut pages = [0; 4];
        for page in &mut pages {
            *page = call::page_alloc(ANY, a, b, c, d)?;
        }
        process::pin_table(memory::myself(), &pages, rights.write)?;
        // SAFETY: the table has just been pinned there.
        unsafe { core::ptr::write_bytes(PROCESS_TABLE.start as *mut u8, 0, 4 * PAGE_SIZE as usize) };
        table::set_scheduler(memory::myself());
        set!(0, state, state::READY);
        set!(0, name, memory::myself().0);
        Ok(Self { pages, rights, probed: 1, shares: [0; PROCESSES] })
    }

    /// Starts a program of the boot image as the first process of the family, with these arguments; the console is its input
    /// and output. Tells its place.
    ///
    /// # Errors
    /// [`ExecError`].
    pub fn start(&mut self, name: &str, arguments: &[&str], variables: &[&str]) -> Result<usize, ExecError> {
        let program = exec::find(name)?;
        let slot = table::claim(0).ok_or(ExecError::NoMemory)?;
        let environment = Name(call::environment_create().inspect_err(|_| set!(slot, state, state::FREE))?);
        let started = Page::any().map_err(ExecError::from).and_then(|page| {
            self.fill(slot, page, &program, arguments, variables)
                .and_then(|()| self.prepare(slot, environment, name, page, &program))
                // It is this environment's: nothing else gives it back.
                .inspect_err(|_| {
                    let _ = page.free();
                })
        });
        if let Err(error) = started {
            let _ = call::environment_destroy(environment.0);
            set!(slot, state, state::FREE);
            return Err(error);
        }
        set!(slot, state, state::READY);
        Ok(slot)
    }

    /// Fills the page that the program begins with.
    fn fill(
        &self,
        slot: usize,
        page: Page,
        program: &exec::Program,
        arguments: &[&str],
        variables: &[&str],
    ) -> Result<(), ExecError> {
        let window = WINDOWS[1];
        memory::pin(memory::myself(), window, page.number, Mapping::WRITABLE, page.write)?;
        // SAFETY: a page of this environment's, mapped writable there; nothing else refers to it.
        let block = unsafe {
            core::ptr::write_bytes(window as *mut u8, 0, PAGE_SIZE as usize);
            &mut *(window as *mut Block)
        };
        block.magic = MAGIC;
        block.place = slot as u32 + 1;
        block.table = [self.rights.read.words(), self.rights.write.words()];
        block.table_pages = self.pages;
        block.start_read = page.read.words();
        (block.data_page, block.data_pages, block.data_bytes) = program.data;
        for file in &mut block.files[..3] {
            *file = FileWords { kind: 1, ..FileWords::default() };
        }
        let mut room = true;
        for argument in arguments {
            room &= block.push(&[argument]);
            block.arguments += 1;
        }
        for variable in variables {
            room &= block.push(&[variable]);
            block.variables += 1;
        }
        memory::unpin(memory::myself(), window)?;
        if room { Ok(()) } else { Err(ExecError::TooLong) }
    }

    /// Pins what the process begins with.
    fn prepare(
        &self,
        slot: usize,
        child: Name,
        name: &str,
        page: Page,
        program: &exec::Program,
    ) -> Result<(), ExecError> {
        let mut text = [0; 16];
        for (to, from) in text.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        set!(slot, program, text);
        set!(slot, name, child.0);
        memory::pin(child, START_PAGE, page.number, Mapping::WRITABLE, page.write)?;
        process::pin_table(child, &self.pages, self.rights.write)?;
        exec::pin_text(child, program)?;
        call::bind(child.0, Event::SliceStart as u32, program.entry)?;
        Ok(())
    }

    /// Hands out slices until the process at `first` has ended; tells its status.
    pub fn run(&mut self, first: usize, policy: &mut dyn Policy) -> u32 {
        for tick in 0u32.. {
            self.look_around(first, tick);
            self.tell_shares(policy);
            if get!(first, state) == state::ZOMBIE {
                return reap(first).1;
            }
            let ready = |client: usize| client != 0 && get!(client, state) == state::READY;
            match policy.pick(table::used(), &ready) {
                Some(client) => {
                    self.turn(client);
                    policy.charge(client);
                }
                // Nobody can run: whoever waits for a key or a time is looked for again.
                None => continue,
            }
        }
        unreachable!("the loop counts around")
    }

    /// Tells the policy which shares have changed ([`process::set_share`]).
    fn tell_shares(&mut self, policy: &mut dyn Policy) {
        for (client, known) in self.shares.iter_mut().enumerate().take(table::used()).skip(1) {
            let share = get!(client, share);
            if share != *known {
                *known = share;
                policy.set_share(client, share);
            }
        }
    }

    /// Gives a process a turn.
    pub fn turn(&mut self, client: usize) {
        let turns = get!(client, turns).wrapping_add(1);
        set!(client, turns, turns);
        let gone = slice::yield_to(Name(get!(client, name))).is_err();
        // Who does not attend to anything, though slices of its have begun, does not listen; its parent may destroy it.
        let deaf = get!(client, attention) != 0
            && signal::is_pending(client, signal::SIGKILL)
            && turns.wrapping_sub(get!(client, killed_at)) > DEAF_TURNS;
        if gone || deaf {
            exit::bury(client);
        }
    }

    /// What is to be done between turns: orphans, sleepers, the console, the dead.
    fn look_around(&mut self, first: usize, tick: u32) {
        let now = call::microseconds().unwrap_or(0);
        let due = |at: u32| now.wrapping_sub(at).cast_signed() >= 0;
        let mut somebody_runs = false;
        for slot in 1..table::used() {
            match get!(slot, state) {
                state::READY => somebody_runs = true,
                state::ZOMBIE if get!(slot, parent) == 0 && tick > 0 && slot != first => {
                    reap(slot);
                }
                state::BLOCKED if get!(slot, waits_for) == channel::TIME && due(get!(slot, wake_at)) => {
                    table::wake_one(slot)
                }
                _ => {}
            }
            if get!(slot, alarm) != 0 && table::lives(slot) && due(get!(slot, alarm_at)) {
                set!(slot, alarm, 0);
                signal::post(slot, signal::SIGALRM);
            }
        }
        // Nobody tells when a key has come: who waits for one looks for itself, often if there is nothing else to do.
        if !somebody_runs || tick.is_multiple_of(4) {
            table::wake(channel::CONSOLE);
        }
        // One place each time: who was destroyed while it waited, and who has ended and could go.
        self.probed = self.probed % table::used().saturating_sub(1).max(1) + 1;
        let slot = self.probed;
        let name = Name(get!(slot, name));
        if matches!(get!(slot, state), state::READY | state::BLOCKED | state::LENDING) && !exit::lives(name) {
            exit::bury(slot);
        }
        if get!(slot, state) == state::LENDING && !process::borrowed_from(slot) {
            // Whoever was to wake it was ended or lost its slice before it did.
            let _ = slice::yield_to(name);
        }
    }
}
