//! Random calls: numbers and arguments of every kind, weighted towards those that look right.
//!
//! What the fuzzer needs to go on is kept by design, not by luck:
//!
//! - it does not destroy itself, and does not unmap or map over its own code, data and stack: a
//!   guaranteed mapping of its own is tried in the [`PLAYGROUND`], or where it must be refused;
//! - an entry of its own that it bound somewhere else is bound back at once, those of slices excepted,
//!   which an interrupt could use meanwhile: they are bound to where they are bound already;
//! - the entries for transfers into its children are taken back at once: a child that is transferred to
//!   and dies would take this environment's state with it. One child answers transfers, and is spared;
//! - the kinds of `check_fault` and `check_plant` that exist stop the machine of a test build, so it asks for others.

use exos::abi::calls::Fact;
use exos::abi::environment::Event;
use exos::abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE};
use exos::abi::{Call, Capability, Error, Name};
use exos::memory::{self, Page};
use exos::{call, exception, slice};

use super::pool::Pool;
use super::protocol::{self, OUTCOMES, TABLE, fault};
use super::random::Random;
use super::touch::{self, load, store, wrong};
use super::values::{KINDS, entry};

/// Pages of the second segment that the fuzzer maps, first and last range; its program lies between.
const PLAYGROUND: [core::ops::Range<u32>; 2] = [3..0x10, 0x68..0x80];
/// How often the invariants are checked.
const CHECK_EVERY: u32 = 1000;
/// How often the fuzzer changes between wanting more of everything and giving it back.
const MOOD: u32 = 4096;
/// Where the child that answers transfers has its code.
const ECHO_PAGE: u32 = 0x10;

/// The fuzzer's knowledge: what it owns, knows or knew.
struct Fuzzer {
    random: Random,
    myself: Name,
    echo: Name,
    others: [u32; 2],
    other_pages: [u32; protocol::PAGE_COUNT],
    machine_pages: u32,
    image: u32,
    capabilities: [Capability; 3],
    pages: Pool<2048>,
    children: Pool<256>,
    dead: Pool<64>,
    slices: Pool<64>,
    /// Which page it mapped where in its own second segment, as far as it knows; [`ANY`] is none.
    mapped: [u32; 128],
    greedy: bool,
}

/// Makes `wanted` random calls.
pub fn run(seed: u32, wanted: u32) {
    let Ok(mut fuzzer) = Fuzzer::new(seed) else {
        fault(wrong::BEGIN, 0);
        return;
    };
    for done in 0..wanted {
        if done % MOOD == 0 {
            fuzzer.greedy = !fuzzer.greedy;
        }
        if done % CHECK_EVERY == CHECK_EVERY - 1 {
            let answer = call::check_invariants();
            fuzzer.count(Call::CheckInvariants, answer);
        } else {
            fuzzer.step();
        }
        protocol::set(protocol::PROGRESS, done + 1);
    }
    protocol::set(protocol::DELIVERED, touch::delivered());
    protocol::set(protocol::FINISHED, 1);
}

/// Makes the child that answers transfers.
fn make_echo() -> Result<Name, Error> {
    let echo = Name(call::environment_create()?);
    let page = Page::any()?;
    let window = PLAYGROUND[1].start << PAGE_SHIFT;
    memory::pin(memory::myself(), window, page.number, Mapping::WRITABLE, page.write)?;
    let code = touch::echo_code();
    // SAFETY: the page is mapped writable at the window, and code is read.
    unsafe { core::ptr::copy_nonoverlapping(code.as_ptr(), window as *mut u8, code.len()) };
    memory::unpin(memory::myself(), window)?;
    let [low, high] = page.write.words();
    call::cache_flush(page.number, low, high)?;
    memory::pin(echo, ECHO_PAGE << PAGE_SHIFT, page.number, Mapping::empty(), page.read)?;
    for event in [Event::Synchronous, Event::Asynchronous] {
        call::bind(echo.0, event as u32, ECHO_PAGE << PAGE_SHIFT)?;
    }
    Ok(echo)
}

impl Fuzzer {
    fn new(seed: u32) -> Result<Self, Error> {
        exception::handle(touch::handle)?;
        let myself = memory::myself();
        for event in [Event::Synchronous, Event::Asynchronous] {
            call::bind(myself.0, event as u32, touch::entered())?;
        }
        let mut other_pages = [0; protocol::PAGE_COUNT];
        for (index, page) in other_pages.iter_mut().enumerate() {
            *page = protocol::get(protocol::PAGES + 1 + index);
        }
        Ok(Self {
            random: Random::new(seed),
            myself,
            echo: make_echo()?,
            others: [protocol::get(protocol::SUPERVISOR), protocol::get(protocol::WATCHER)],
            other_pages,
            machine_pages: call::machine(Fact::Pages as u32)?,
            image: call::machine(Fact::ImagePage as u32)?,
            capabilities: core::array::from_fn(|_| memory::capability()),
            pages: Pool::new(),
            children: Pool::new(),
            dead: Pool::new(),
            slices: Pool::new(),
            mapped: [ANY; 128],
            greedy: false,
        })
    }

    // ---- values -------------------------------------------------------------------------------

    fn page(&mut self) -> u32 {
        match self.random.below(16) {
            0..5 => self.pages.any(&mut self.random).unwrap_or(ANY),
            5..8 => {
                let vpn = self.random.within(&PLAYGROUND);
                self.mapped[vpn as usize]
            }
            8 => self.random.pick(&self.other_pages),
            9 => self.image + self.random.below(16),
            10 => self.machine_pages + self.random.below(8),
            11 => memory::environment().guaranteed[1] >> PAGE_SHIFT,
            12 => self.random.odd(),
            _ => self.random.below(self.machine_pages),
        }
    }

    fn capability(&mut self) -> [u32; 2] {
        match self.random.below(8) {
            0 => Capability::NONE.words(),
            1 => Capability::PUBLIC.words(),
            2 => [self.random.word(), self.random.word()],
            3 => [self.capabilities[0].words()[0], self.random.word()],
            _ => self.random.pick(&self.capabilities).words(),
        }
    }

    /// A capability that it would know again.
    fn own_capability(&mut self) -> [u32; 2] {
        if self.random.one_in(16) { self.capability() } else { self.random.pick(&self.capabilities).words() }
    }

    fn name(&mut self) -> u32 {
        match self.random.below(16) {
            0..6 => self.children.any(&mut self.random).unwrap_or(self.echo.0),
            6 | 7 => self.myself.0,
            8 => self.echo.0,
            9 | 10 => self.random.pick(&self.others),
            11 => self.dead.any(&mut self.random).unwrap_or(0x8000_0040),
            12 => self.random.pick(&[self.myself.0, self.echo.0, self.others[0]]) | Name::ASYNCHRONOUS,
            // A name of another generation, or with a bit where none belongs.
            13 => self.others[1] ^ 1 << self.random.below(31),
            14 => 1 << 31 | self.random.word(),
            _ => self.random.odd(),
        }
    }

    fn position(&mut self) -> u32 {
        match self.random.below(8) {
            0..3 => self.slices.any(&mut self.random).unwrap_or(0),
            3 => 64 + self.random.below(4),
            4 => self.random.odd(),
            _ => self.random.below(64),
        }
    }

    // ---- attempts -----------------------------------------------------------------------------

    fn step(&mut self) {
        match self.random.below(32) {
            0 | 1 => self.foreign(),
            2 | 3 => self.transfer(),
            4 => {
                // Any number at all; what it turns out to be is treated as such.
                let number = if self.random.one_in(2) { self.random.word() } else { self.random.odd() };
                match Call::from_number(number) {
                    Some(call) => self.call(call),
                    None if number >> 31 == 0 => self.make_foreign(number),
                    None => self.transfer_to(number),
                }
            }
            5..12 => {
                let call = self.random.more_or_less(self.greedy);
                self.call(call);
            }
            _ => {
                let call = self.random.pick(Call::ALL);
                self.call(call);
            }
        }
    }

    /// A system call that is not Aegis's.
    fn foreign(&mut self) {
        let number = self.random.foreign();
        match Call::from_number(number) {
            Some(call) => self.call(call),
            None => self.make_foreign(number),
        }
    }

    fn make_foreign(&mut self, number: u32) {
        let before = touch::delivered();
        let arguments = core::array::from_fn(|_| self.random.odd());
        let answer = call::raw(number, arguments) as u32;
        if answer != touch::FOREIGN || touch::delivered() != before + 1 {
            fault(wrong::DELIVERY, number);
        }
        bump(protocol::FOREIGN_ROW, 0);
    }

    /// A protected control transfer. To succeed it must come back: from here or from the echo.
    fn transfer(&mut self) {
        let name = match self.random.below(4) {
            0 => self.random.pick(&[self.myself, self.myself.asynchronous()]).0,
            1 => self.random.pick(&[self.echo, self.echo.asynchronous()]).0,
            _ => self.name() | 1 << 31,
        };
        self.transfer_to(name);
    }

    fn transfer_to(&mut self, name: u32) {
        let arguments = core::array::from_fn(|_| self.random.odd());
        let answer = call::raw(name, arguments) as u32;
        let entered = answer == name || answer == self.myself.0;
        match Error::from_code(answer).filter(|_| !entered) {
            None => bump(protocol::TRANSFER_ROW, 0),
            Some(error) => {
                bump(protocol::TRANSFER_ROW, index(error));
                if !matches!(error, Error::NoEnvironment | Error::Busy) {
                    fault(wrong::UNDOCUMENTED, name);
                }
            }
        }
    }

    /// An address in the first segment, or none that would do.
    fn first_segment(&mut self) -> u32 {
        if self.random.one_in(8) {
            self.random.odd()
        } else {
            0x0100_0000 + 0x1000 * self.random.below(2000) + self.random.below(16)
        }
    }

    /// Arguments for a call, or nothing if it had better not be made with what came up.
    fn arguments(&mut self, call: Call) -> Option<[u32; 8]> {
        let mut arguments: [u32; 8] = core::array::from_fn(|_| self.random.odd());
        let mut put = |words: &[u32]| arguments[..words.len()].copy_from_slice(words);
        match call {
            Call::Machine => put(&[self.random.below(Fact::ALL.len() as u32 + 2)]),
            Call::ConsoleWrite => {
                // Dots, as a sign of life; longer ones are refused.
                let dots = u32::from_le_bytes(*b"....");
                let count = match self.random.below(64) {
                    0 => 1 + self.random.below(12),
                    1..32 => 0,
                    _ => 13 + self.random.odd().min(ANY - 13),
                };
                put(&[dots, dots, dots, count]);
            }
            Call::PageAlloc => {
                let ([a, b], [c, d]) = (self.own_capability(), self.own_capability());
                let page = if self.random.one_in(3) { self.page() } else { ANY };
                put(&[page, a, b, c, d]);
            }
            Call::PageFree | Call::PageOwner => put(&[self.page()]),
            Call::PageProtect => {
                let ([a, b], [c, d]) = (self.own_capability(), self.own_capability());
                put(&[self.page(), a, b, c, d]);
            }
            Call::CacheFlush => {
                let [a, b] = self.capability();
                put(&[self.page(), a, b]);
            }
            Call::EnvironmentDestroy => {
                let name = self.name();
                if name == self.myself.0 || name == self.echo.0 {
                    return None;
                }
                put(&[name]);
            }
            Call::Bind => {
                let (name, event) = (self.name(), self.random.below(40));
                let event = if self.random.one_in(8) { self.random.odd() } else { event };
                let mut pc = self.random.pc();
                let slices = [Event::SliceStart as u32, Event::SliceEnd as u32];
                if name == self.myself.0 && slices.contains(&event) && pc < 1 << 31 && pc.is_multiple_of(4) {
                    pc = entry(event)?;
                }
                put(&[name, event, pc]);
            }
            Call::Guarantee => {
                let name = if self.random.one_in(2) { self.myself.0 } else { self.name() };
                let ([low, high], vpn) = (self.capability(), self.random.vpn(&PLAYGROUND));
                if name == self.myself.0 && vpn < 128 && vpn > 1 && !in_playground(vpn)
                    || name == self.echo.0 && vpn == ECHO_PAGE
                {
                    return None;
                }
                let page = if self.random.one_in(6) { ANY } else { self.page() };
                put(&[name, vpn, page, self.random.bits(), low, high]);
            }
            Call::SliceAlloc => {
                let position = if self.random.one_in(2) { ANY } else { self.position() };
                put(&[position]);
            }
            Call::SliceFree | Call::SliceOwner => put(&[self.position()]),
            Call::SliceGive => {
                let name = self.name();
                if name == self.echo.0 {
                    // It lives on and would keep them all.
                    return None;
                }
                put(&[self.position(), name]);
            }
            Call::Yield => put(&[if self.random.one_in(4) { 0 } else { self.name() }]),
            Call::CheckFault | Call::CheckPlant => put(&[KINDS + self.random.odd().min(ANY - KINDS)]),
            // Some end this slice in the middle of what follows.
            Call::CheckTimer => put(&[
                if self.random.one_in(2) { self.random.below(4000) } else { self.random.odd() },
                self.random.below(4),
            ]),
            Call::Limit => {
                let limit = if self.random.one_in(2) { ANY } else { self.random.below(100) };
                put(&[self.name(), self.random.below(4), limit]);
            }
            // Nothing that it needs lies in the first segment.
            Call::TlbWrite => {
                let [low, high] = self.capability();
                let (page, bits) = (self.page(), self.random.bits());
                put(&[self.first_segment(), page << PAGE_SHIFT | bits, low, high]);
            }
            Call::TlbDelete => put(&[self.first_segment()]),
            Call::TlbWriteRange => {
                let ([a, b], [c, d]) = (self.capability(), self.capability());
                let (page, count) = (self.page(), self.random.below(40));
                put(&[self.first_segment(), count, page, 4 * self.random.below(1100), a, b, c, d]);
            }
            Call::TlbDeleteRange => put(&[self.first_segment(), self.random.below(40)]),
            Call::CidSwitch => {
                // Its own code is not mapped in another's address space.
                let name = self.name();
                let child = name != self.myself.0 && call::bind(name, u32::MAX, 0) == Err(Error::Invalid);
                put(&[if child { self.myself.0 } else { name }]);
            }
            Call::Revoke => {
                // What is taken from it could be its own code.
                let name = self.name();
                if name == self.myself.0 || name == self.echo.0 {
                    return None;
                }
                put(&[
                    name,
                    self.random.below(3),
                    self.random.below(4),
                    if self.random.one_in(2) { 0 } else { ANY },
                ]);
            }
            Call::Backing => {
                let [low, high] = self.capability();
                put(&[self.random.below(10), self.page(), low, high]);
            }
            // Reading all of memory takes long; the loop does so now and then.
            Call::CheckInvariants if !self.random.one_in(64) => return None,
            _ => {}
        }
        Some(arguments)
    }

    fn call(&mut self, call: Call) {
        let Some(arguments) = self.arguments(call) else {
            return self.make_foreign(4000);
        };
        if call == Call::Yield {
            // What this environment yields with is saved by the library, so it comes back.
            let answer = slice::yield_to(Name(arguments[0])).map(|()| 0);
            return self.count(call, answer);
        }
        let bound =
            (call == Call::Bind && arguments[0] == self.myself.0).then(|| entry(arguments[1])).flatten();
        let answer = call::raw(call.number(), arguments);
        let answer = match Error::from_code(answer as u32) {
            None => Ok((answer >> 32) as u32),
            Some(error) => Err(error),
        };
        self.count(call, answer);
        match answer {
            Ok(value) => self.learn(call, &arguments, value, bound),
            Err(Error::NoEnvironment) => {
                if self.children.remove(arguments[0]) {
                    self.dead.add(arguments[0], &mut self.random);
                }
            }
            Err(_) => {}
        }
    }

    fn count(&mut self, call: Call, answer: Result<u32, Error>) {
        let row = Call::ALL.iter().position(|other| *other == call).unwrap_or(0);
        match answer {
            Ok(_) => bump(row, 0),
            Err(error) => {
                bump(row, index(error));
                if !call.row().errors.contains(&error) {
                    fault(wrong::UNDOCUMENTED, call.number());
                }
            }
        }
    }

    /// Learns from a call that succeeded, checks what can be checked, takes back what would end it.
    fn learn(&mut self, call: Call, arguments: &[u32; 8], value: u32, bound: Option<u32>) {
        let [first, second, third, fourth, ..] = *arguments;
        match call {
            Call::PageAlloc => self.pages.add(value, &mut self.random),
            Call::PageFree => {
                self.pages.remove(first);
                for vpn in 0..self.mapped.len() {
                    if self.mapped[vpn] == first {
                        self.mapped[vpn] = ANY;
                        if load((vpn as u32) << PAGE_SHIFT).is_some() {
                            fault(wrong::FREED, first);
                        }
                    }
                }
            }
            Call::EnvironmentCreate => self.children.add(value, &mut self.random),
            Call::EnvironmentDestroy => {
                self.children.remove(first);
                self.dead.add(first, &mut self.random);
            }
            Call::SliceAlloc => self.slices.add(value, &mut self.random),
            Call::SliceFree => {
                self.slices.remove(first);
            }
            Call::SliceGive if second != self.myself.0 => {
                self.slices.remove(first);
            }
            Call::Bind => self.take_back(first, second, third, bound),
            Call::Guarantee if first == self.myself.0 => self.look(second, third, fourth),
            _ => {}
        }
    }

    /// Binds back an entry of its own, or takes one back that would run a child in the middle of this
    /// environment's computation.
    fn take_back(&mut self, name: u32, event: u32, pc: u32, bound: Option<u32>) {
        let transfer = [Event::Synchronous as u32, Event::Asynchronous as u32].contains(&event);
        let back = if name == self.myself.0 {
            bound
        } else if event == Event::TlbMiss as u32 && protocol::quick() {
            // A handler that misses itself would miss for ever: GXemul lets no interrupt in between.
            Some(0)
        } else if name == self.echo.0 {
            transfer.then_some(ECHO_PAGE << PAGE_SHIFT)
        } else if transfer {
            Some(0)
        } else if event == Event::SliceStart as u32 && pc != 0 {
            // A few may run in slices that they are given. They fault and are destroyed.
            (!self.random.one_in(16)).then_some(0)
        } else {
            None
        };
        if let Some(back) = back {
            let _ = call::bind(name, event, back);
        }
    }

    /// Tries a mapping that was just made or taken away.
    fn look(&mut self, vpn: u32, page: u32, bits: u32) {
        let address = (vpn << PAGE_SHIFT) + (self.random.word() % PAGE_SIZE & !3);
        self.mapped[vpn as usize] = page;
        let found = load(address);
        if (page == ANY) != found.is_none() {
            fault(wrong::MAPPING, page);
        }
        if page == ANY {
            return;
        }
        let writable = Mapping::from_bits_truncate(bits).contains(Mapping::WRITABLE);
        let foreign = found.is_some_and(|word| word != 0 && word >> 16 != 0xa77a);
        if writable && foreign {
            fault(wrong::CONTENTS, page);
        }
        // Pages of the image can be read only; all that can be written are its own.
        if store(address, 0xa77a_0000 | page) != writable {
            fault(wrong::MAPPING, page);
        }
    }
}

fn in_playground(vpn: u32) -> bool {
    PLAYGROUND.iter().any(|range| range.contains(&vpn))
}

/// The place of an error in a row of the table.
fn index(error: Error) -> usize {
    1 + Error::ALL.iter().position(|other| *other == error).unwrap_or(0)
}

fn bump(row: usize, outcome: usize) {
    let word = TABLE + row * OUTCOMES + outcome;
    protocol::set(word, protocol::get(word) + 1);
}
