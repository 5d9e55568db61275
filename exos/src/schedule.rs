//! Handing out time slices to processes (paper, section 7.3: extensible schedulers).
//!
//! One environment, an ordinary program, owns the slices of the machine and yields each to a process, directly. Which one is a
//! [`Policy`]'s choice: replacing the policy is linking another one (docs/extending.md does). A process that waits gives the rest of its slice back,
//! and gets the processor again when what it waits for has come.
//!
//! The same environment takes in orphans, wakes who sleeps, looks for keys, and finds out who was destroyed without a word. What
//! has changed since the last turn it is told (`tell_scheduler` and `tell_time` of the table): a turn costs as much beside a hundred
//! processes that wait as beside none.

use aegis_abi::environment::Event;
use aegis_abi::layout::{ANY, Mapping, PAGE_SIZE};
use aegis_abi::{Error, Name};
pub use exos_core::schedule::{Clients, Policy, RoundRobin, Stride};

use crate::layout::PROCESS_TABLE;
use crate::memory::{self, Page, WINDOWS};
use crate::process::arguments::{Block, FileWords, MAGIC};
use crate::process::exec::{self, ExecError};
use crate::process::exit::{self, reap};
use crate::process::table::{self, MASK, PROCESSES, channel, get, head, set, state};
use crate::start::START_PAGE;
use crate::vm::Rights;
use crate::{call, console, println, process, signal, slice, spawn};

/// Turns that a process may have between SIGKILL and its end: it may be in the middle of something.
const DEAF_TURNS: u32 = 16;

/// A family of processes: the environment that made it is its scheduler, at place 0 of the table.
pub struct Family {
    pages: [u32; 4],
    rights: Rights,
    /// The next place to be looked at for an environment that is gone.
    probed: usize,
    /// Those who can run, as far as the scheduler has heard.
    ready: Clients,
    /// Those whom this environment itself has started: their ends are [`Family::run`]'s.
    started: Clients,
    /// The shares that the policy knows: everybody's is one ticket until it is told another.
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
        head!(scheduler = memory::myself().0);
        set!(0, state, state::READY);
        set!(0, name, memory::myself().0);
        let nobody = Clients::new();
        Ok(Self { pages, rights, probed: 1, ready: nobody, started: nobody, shares: [1; PROCESSES] })
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
        self.started.insert(slot);
        table::set_ready(slot);
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

    /// Hands out slices until the process at a place, which this family has started, has ended; tells its status. Others that it
    /// has started keep theirs until they are waited for so, too.
    pub fn run(&mut self, place: usize, policy: &mut dyn Policy) -> u32 {
        // This policy may be another than the last, and have been told nothing yet.
        self.shares = [1; PROCESSES];
        (1..table::used()).for_each(table::tell_scheduler);
        for tick in 0u32.. {
            self.look_around(policy, tick);
            if get!(place, state) == state::ZOMBIE {
                self.started.remove(place);
                return reap(place).1;
            }
            match self.who_has_a_key().or_else(|| self.pick(policy)) {
                Some(client) => {
                    self.turn(client);
                    policy.charge(client);
                }
                // Nobody can run: whoever waits for more than a key looks for it again.
                None => wake_for_keys(),
            }
        }
        unreachable!("the loop counts around")
    }

    /// Lets the policy choose among those who can run.
    fn pick(&mut self, policy: &mut dyn Policy) -> Option<usize> {
        loop {
            let client = policy.pick(&self.ready).filter(|client| self.ready.contains(*client))?;
            if get!(client, state) == state::READY {
                return Some(client);
            }
            // It has begun to wait in a slice that somebody else yielded to it.
            self.ready.remove(client);
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
        if get!(client, state) != state::READY {
            self.ready.remove(client);
        }
    }

    /// What is to be done between turns. None of it takes longer the more processes there are, but where something has come up.
    fn look_around(&mut self, policy: &mut dyn Policy, tick: u32) {
        if head!(timed) != 0 {
            wake_sleepers();
        }
        if head!(news) != 0 {
            self.hear(policy);
        }
        if tick.is_multiple_of(4) {
            // Who waits for a key may wait for something else as well, which nobody tells it of.
            wake_for_keys();
            self.probe();
        }
    }

    /// Looks at the places where something has changed.
    fn hear(&mut self, policy: &mut dyn Policy) {
        let changed = slice::critical(|| {
            head!(news = 0);
            let changed = head!(changed);
            head!(changed = [0; MASK]);
            changed
        });
        for slot in Clients::of_words(changed).iter().filter(|slot| *slot != 0) {
            match get!(slot, state) {
                state::READY => self.ready.insert(slot),
                // An orphan; nobody else waits for its end.
                state::ZOMBIE if get!(slot, parent) == 0 && !self.started.contains(slot) => _ = reap(slot),
                _ => self.ready.remove(slot),
            }
            let share = get!(slot, share);
            if share != core::mem::replace(&mut self.shares[slot], share) {
                policy.set_share(slot, share);
            }
        }
    }

    /// Aegis tells nobody that a key has come: looks for one if somebody waits for it. Who does so is to have the next turn,
    /// before everybody else, so that what is typed is seen at once whoever computes.
    fn who_has_a_key(&mut self) -> Option<usize> {
        let first = who_wants_keys().first_from(0)?;
        console::take_key_along().then(|| {
            table::wake_one(first);
            first
        })
    }

    /// Looks at one place: who was destroyed while it waited, and who has ended and could go.
    fn probe(&mut self) {
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

/// Those who wait for a key, or have been woken to look for one and have not had a turn since.
fn who_wants_keys() -> Clients {
    let noted = Clients::of_words(head!(want_keys));
    let wants = |slot: &usize| table::lives(*slot) && get!(*slot, waits_for) == channel::CONSOLE;
    let wanting: Clients = noted.iter().filter(wants).collect();
    if wanting != noted {
        slice::critical(|| head!(want_keys = wanting.words()));
    }
    wanting
}

/// Lets those run who wait for a key.
fn wake_for_keys() {
    who_wants_keys().iter().for_each(table::wake_one);
}

/// Wakes who sleeps and raises alarms, if a time has come that somebody waits for; finds out which is the next.
fn wake_sleepers() {
    let now = call::microseconds().unwrap_or(0);
    let due = |at: u32| now.wrapping_sub(at).cast_signed() >= 0;
    if !due(head!(due)) {
        return;
    }
    head!(timed = 0);
    for slot in 1..table::used() {
        if get!(slot, state) == state::BLOCKED && get!(slot, waits_for) == channel::TIME {
            match get!(slot, wake_at) {
                at if due(at) => table::wake_one(slot),
                at => table::tell_time(at),
            }
        }
        if get!(slot, alarm) != 0 && table::lives(slot) {
            match get!(slot, alarm_at) {
                at if due(at) => {
                    set!(slot, alarm, 0);
                    signal::post(slot, signal::SIGALRM);
                }
                at => table::tell_time(at),
            }
        }
    }
}
