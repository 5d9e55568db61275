//! One of the three. It makes random calls, and keeps by design, not by luck, what it needs to go on:
//!
//! - it does not unmap or map over its own code, data and stack: those pages are the supervisor's, and a
//!   guaranteed mapping of its own is tried in the playground, or where it must be refused;
//! - an entry of its own that it bound somewhere else is bound back at once, those that interrupts use
//!   excepted, which are bound to where they are bound already;
//! - the entries for transfers into its children are taken back at once: a child that is transferred to
//!   and dies would take this environment's state with it. One child, the echo, answers transfers, the
//!   others' too;
//! - another, the twin, has all of its mappings: whose address space can be visited; and a second one, if one
//!   comes up that shares the hardware's id of its address space with the first;
//! - what may end it is noted before it is made, and the supervisor starts it again.

use exos::abi::calls::Fact;
use exos::abi::environment::Event;
use exos::abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource};
use exos::abi::{Call, Capability, Error, Name};
use exos::{call, exception, memory, slice};

use super::arguments::PLAYGROUND;
use super::pool::Pool;
use super::random::Random;
use super::shared::{FOREIGN_ROW, TRANSFER_ROW, WORKERS, Words, board, fault, names, place, start, stats};
use super::touch::{self, load, store, wrong};
use super::values::entry;

/// How often the invariants are checked.
const CHECK_EVERY: u32 = 1000;
/// How often it changes between wanting more of everything and giving it back.
const MOOD: u32 = 4096;
/// Where an echo has its code.
const ECHO_PAGE: u32 = 0x10;
/// Pages of the first segment that are bound at random: first ones and how many. The second meet the
/// first in the STLB.
pub const FIRST_SEGMENT: [(u32, u32); 3] = [(0x80, 48), (0x1080, 16), (0x7_fff0, 16)];
const TRACKED: usize = 80;
/// What it writes into pages has this in its high half.
const STAMP: u32 = 0xa77a;

/// A worker's knowledge: what it owns, knows or knew.
pub struct Fuzzer {
    pub random: Random,
    pub myself: Name,
    pub echo: Name,
    pub twin: Option<Name>,
    pub second: Option<Name>,
    pub machine_pages: u32,
    pub image: u32,
    pub public: u32,
    pub stats_page: u32,
    pub stats_read: Capability,
    pub capabilities: [Capability; board::CAPABILITY_COUNT + 2],
    pub pages: Pool<512>,
    pub children: Pool<128>,
    pub dead: Pool<64>,
    pub slices: Pool<64>,
    /// A child that may have no slice, or few.
    pub limited: u32,
    /// Which page it mapped where in its own second segment, as far as it knows; [`ANY`] is none.
    pub mapped: [u32; 128],
    /// Which page it bound where in its first segment, likewise.
    pub bound: [u32; TRACKED],
    greedy: bool,
}

/// Makes random calls until the supervisor has enough.
pub extern "C" fn run() -> u32 {
    match Fuzzer::new() {
        Ok(mut fuzzer) => fuzzer.run(),
        // The others may have all there is: the supervisor tries again.
        Err(Error::Exhausted) => Words::STATS.set(stats::LEAVING, 1),
        Err(error) => fault(wrong::BEGIN, error.code()),
    }
    0
}

/// Whether an environment has this name: binding an event that does not exist does nothing.
pub fn lives(name: u32) -> bool {
    call::bind(name, ANY, 0) != Err(Error::NoEnvironment)
}

/// Whether a page of the second segment is mapped at random.
pub fn in_playground(vpn: u32) -> bool {
    PLAYGROUND.iter().any(|range| range.contains(&vpn))
}

/// An address of each page of the first segment that is tracked.
fn tracked_address(index: usize) -> u32 {
    let mut index = index as u32;
    for (first, count) in FIRST_SEGMENT {
        if index < count {
            return (first + index) << PAGE_SHIFT;
        }
        index -= count;
    }
    0
}

/// The place of a page of the first segment among those that are tracked.
fn tracked(address: u32) -> Option<usize> {
    let vpn = address >> PAGE_SHIFT;
    let mut before = 0;
    for (first, count) in FIRST_SEGMENT {
        if (first..first + count).contains(&vpn) {
            return Some((before + vpn - first) as usize);
        }
        before += count;
    }
    None
}

fn bump(row: usize, error: Option<Error>) {
    Words::STATS.bump(place(row, error));
}

fn row_of(call: Call) -> usize {
    Call::ALL.iter().position(|other| *other == call).unwrap_or(0)
}

impl Fuzzer {
    fn new() -> Result<Self, Error> {
        let words = Words::START;
        exception::handle(touch::handle)?;
        let myself = memory::myself();
        for event in [Event::Synchronous, Event::Asynchronous] {
            call::bind(myself.0, event as u32, touch::entered())?;
        }
        // What is wanted and what is taken shows in calls that are refused: go on as in any slice.
        for event in [Event::Revocation, Event::Repossession] {
            call::bind(myself.0, event as u32, slice::start_sequence().start)?;
        }
        let capabilities = core::array::from_fn(|index| {
            if index < board::CAPABILITY_COUNT {
                Words::BOARD.capability(board::CAPABILITIES + 2 * index)
            } else {
                memory::capability()
            }
        });
        let mut fuzzer = Self {
            random: Random::new(words.get(start::SEED)),
            myself,
            echo: Name(call::environment_create()?),
            twin: None,
            second: None,
            machine_pages: call::machine(Fact::Pages as u32)?,
            image: call::machine(Fact::ImagePage as u32)?,
            public: call::machine(Fact::StlbPage as u32)?,
            stats_page: words.get(start::STATS),
            stats_read: words.capability(start::STATS + 1),
            capabilities,
            pages: Pool::new(),
            children: Pool::new(),
            dead: Pool::new(),
            slices: Pool::new(),
            limited: 0,
            mapped: [ANY; 128],
            bound: [ANY; TRACKED],
            greedy: false,
        };
        let (page, capability) = (words.get(start::ECHO), words.capability(start::ECHO + 1));
        memory::pin(fuzzer.echo, ECHO_PAGE << PAGE_SHIFT, page, Mapping::empty(), capability)?;
        for event in [Event::Synchronous, Event::Asynchronous] {
            call::bind(fuzzer.echo.0, event as u32, ECHO_PAGE << PAGE_SHIFT)?;
        }
        let slot = words.get(start::SLOT) as usize % WORKERS;
        Words::BOARD.set(board::ECHOES + slot, fuzzer.echo.0);
        fuzzer.make_twin()?;
        Ok(fuzzer)
    }

    /// Makes an environment that has all of this one's mappings.
    fn make_twin(&mut self) -> Result<(), Error> {
        let twin = Name(call::environment_create()?);
        self.twin = Some(twin);
        self.furnish(twin)
    }

    /// Gives an environment all of this one's mappings.
    fn furnish(&mut self, twin: Name) -> Result<(), Error> {
        for vpn in (2..128).filter(|vpn| !in_playground(*vpn)) {
            let entry = memory::environment().guaranteed[vpn as usize];
            let page = entry >> PAGE_SHIFT;
            let words = Words::START;
            let known = (0..words.get(start::COUNT) as usize).map(|index| start::PAGES + 3 * index);
            if let Some(place) = known.into_iter().find(|place| entry != 0 && words.get(*place) == page) {
                let bits = Mapping::from_bits_truncate(entry) & Mapping::WRITABLE;
                memory::pin(twin, vpn << PAGE_SHIFT, page, bits, words.capability(place + 1))?;
            }
        }
        Ok(())
    }

    /// Whether an environment is the twin or the second one.
    pub fn is_twin(&self, name: u32) -> bool {
        [self.twin, self.second].contains(&Some(Name(name)))
    }

    fn run(&mut self) {
        while Words::BOARD.get(board::STOP) == 0 {
            let done = Words::STATS.get(stats::PROGRESS);
            if done % MOOD == 0 {
                self.greedy = !self.greedy;
            }
            if done % CHECK_EVERY == CHECK_EVERY - 1 {
                let answer = call::check_invariants();
                self.count(Call::CheckInvariants, answer);
            } else {
                self.step();
            }
            Words::STATS.bump(stats::PROGRESS);
        }
        loop {
            let _ = slice::yield_to(Name::NOBODY);
        }
    }

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
            12..16 => {
                let translation = [Call::TlbWrite, Call::TlbDelete, Call::TlbWriteRange, Call::PageProtect];
                let call = self.random.pick(&translation);
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
        bump(FOREIGN_ROW, None);
    }

    /// A protected control transfer. To succeed it must come back: from here or from an echo.
    fn transfer(&mut self) {
        let echo = self.random.pick(&names(board::ECHOES));
        let name = match self.random.below(8) {
            0 => self.myself.0,
            1 => self.myself.asynchronous().0,
            2 | 3 => self.echo.0,
            4 => self.echo.asynchronous().0,
            5 => echo.0,
            6 => self.dead.any(&mut self.random).unwrap_or(0),
            _ => self.random.word(),
        };
        self.transfer_to(name | 1 << 31);
    }

    fn transfer_to(&mut self, name: u32) {
        if names(board::THREE).iter().any(|one| *one != self.myself && *one == Name(name).synchronous()) {
            // The other would go on with this one's registers.
            return self.make_foreign(4000);
        }
        let arguments = core::array::from_fn(|_| self.random.odd());
        let answer = call::raw(name, arguments) as u32;
        let entered = answer == name || answer == self.myself.0;
        let error = Error::from_code(answer).filter(|_| !entered);
        bump(TRANSFER_ROW, error);
        if error.is_some_and(|error| !matches!(error, Error::NoEnvironment | Error::Busy)) {
            fault(wrong::UNDOCUMENTED, name);
        }
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
        let itself = arguments[0] == self.myself.0;
        let bound = (call == Call::Bind && itself).then(|| entry(arguments[1])).flatten();
        if call == Call::EnvironmentDestroy && itself {
            Words::STATS.set(stats::LEAVING, 1);
            bump(row_of(call), None);
        }
        let answer = self.make(call, arguments);
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

    /// Makes a call and counts its answer.
    fn make(&mut self, call: Call, arguments: [u32; 8]) -> Result<u32, Error> {
        let answer = call::raw(call.number(), arguments);
        let answer = match Error::from_code(answer as u32) {
            None => Ok((answer >> 32) as u32),
            Some(error) => Err(error),
        };
        self.count(call, answer);
        answer
    }

    fn count(&mut self, call: Call, answer: Result<u32, Error>) {
        bump(row_of(call), answer.err());
        if answer.is_err_and(|error| !call.row().errors.contains(&error)) {
            fault(wrong::UNDOCUMENTED, call.number());
        }
    }

    /// Learns from a call that succeeded, checks what can be checked, takes back what would end it.
    fn learn(&mut self, call: Call, arguments: &[u32; 8], value: u32, bound: Option<u32>) {
        let [first, second, third, fourth, ..] = *arguments;
        match call {
            Call::PageAlloc => {
                self.pages.add(value, &mut self.random);
                self.tell(board::PAGES, value);
            }
            Call::PageFree => self.forget(first),
            Call::EnvironmentCreate => {
                let (space, second) = (Name(value).address_space(), self.second.is_none());
                if second && self.twin.is_some_and(|twin| twin.address_space() == space) {
                    self.second = self.furnish(Name(value)).ok().map(|()| Name(value));
                }
                self.children.add(value, &mut self.random);
                self.tell(board::NAMES, value);
            }
            Call::EnvironmentDestroy => {
                self.children.remove(first);
                self.dead.add(first, &mut self.random);
                self.twin_gone(first);
            }
            Call::SliceAlloc => {
                self.slices.add(value, &mut self.random);
                self.tell(board::SLICES, value);
            }
            Call::SliceFree => {
                self.slices.remove(first);
            }
            Call::SliceGive if second != self.myself.0 => {
                self.slices.remove(first);
            }
            Call::Limit if second == Resource::Slices as u32 && third < 2 => self.limited = first,
            Call::Bind => self.take_back(first, second, third, bound),
            Call::Guarantee if first == self.myself.0 => self.look(second, third, fourth),
            Call::TlbWrite => self.look_first(first, second),
            Call::TlbDelete => self.gone(first, 1),
            Call::TlbDeleteRange => self.gone(first, second),
            Call::TlbWriteRange => self.gone_but(first, second, third == self.stats_page, fourth),
            Call::CidSwitch if first != self.myself.0 => self.visit(first),
            _ => {}
        }
    }

    /// Binds back an entry of its own, or takes one back that would run a child in the middle of this
    /// environment's computation.
    fn take_back(&mut self, name: u32, event: u32, pc: u32, bound: Option<u32>) {
        let transfer = [Event::Synchronous as u32, Event::Asynchronous as u32].contains(&event);
        let back = if name == self.myself.0 {
            bound
        } else if name == self.echo.0 && transfer {
            Some(ECHO_PAGE << PAGE_SHIFT)
        } else if transfer || name == self.echo.0 || self.is_twin(name) {
            Some(0)
        } else if event == Event::SliceStart as u32 && pc != 0 {
            // A few may run in slices that they are given. They fault and are destroyed.
            (!self.random.one_in(64)).then_some(0)
        } else {
            None
        };
        if let Some(back) = back {
            let _ = call::bind(name, event, back);
        }
    }

    /// Checks that a page that it has freed is mapped nowhere any more.
    fn forget(&mut self, page: u32) {
        self.pages.remove(page);
        for vpn in 0..self.mapped.len() {
            if self.mapped[vpn] == page {
                self.mapped[vpn] = ANY;
                if load((vpn as u32) << PAGE_SHIFT).is_some() {
                    fault(wrong::FREED, page);
                }
            }
        }
        for index in 0..self.bound.len() {
            if self.bound[index] == page {
                self.bound[index] = ANY;
                if load(tracked_address(index)).is_some() {
                    fault(wrong::FREED, page);
                }
            }
        }
    }

    /// Tries a mapping that was just made or taken away.
    fn look(&mut self, vpn: u32, page: u32, bits: u32) {
        let address = (vpn << PAGE_SHIFT) + (self.random.word() % PAGE_SIZE & !3);
        self.mapped[vpn as usize] = page;
        let found = load(address);
        if (page == ANY) != found.is_none() {
            // It may be another's, who has freed it just now, or have been taken.
            if page == ANY || call::page_owner(page) == Ok(self.myself.0) && memory::pinned(address).is_some()
            {
                fault(wrong::MAPPING, page);
            }
            return;
        }
        if page != ANY {
            let writable = Mapping::from_bits_truncate(bits).contains(Mapping::WRITABLE);
            self.write(address, found, page, writable);
        }
    }

    /// Writes to a page that can be read, and tells if that went as it must not.
    fn write(&mut self, address: u32, found: Option<u32>, page: u32, writable: bool) {
        let foreign = found.is_some_and(|word| word != 0 && word >> 16 != STAMP);
        if writable && foreign {
            fault(wrong::CONTENTS, page);
        }
        if store(address, STAMP << 16 | page & 0xffff) && !writable {
            fault(wrong::MAPPING, page);
        }
    }

    /// Tries a binding of the first segment that was just made. It may be gone already.
    fn look_first(&mut self, address: u32, entry: u32) {
        let page = entry >> PAGE_SHIFT;
        if let Some(index) = tracked(address) {
            self.bound[index] = page;
        }
        let address = address & !3;
        let found = load(address);
        if found.is_some() {
            self.write(address, found, page, entry & Mapping::WRITABLE.bits() != 0);
        }
    }

    /// Checks that what was taken back from the first segment is.
    fn gone(&mut self, address: u32, count: u32) {
        let first = address >> PAGE_SHIFT;
        for vpn in first..first.saturating_add(count.min(64)) {
            let address = vpn << PAGE_SHIFT;
            if let Some(index) = tracked(address) {
                if load(address).is_some() {
                    fault(wrong::FREED, self.bound[index]);
                }
                self.bound[index] = ANY;
            }
        }
    }

    /// Checks a range that was just written, with entries of its own `table` or from elsewhere.
    fn gone_but(&mut self, address: u32, count: u32, table: bool, offset: u32) {
        let ours = table && offset == 4 * stats::ENTRIES as u32;
        for index in 0..count.min(512) {
            let address = (address & !0xfff) + (index << PAGE_SHIFT);
            let entry = if ours { Words::STATS.get(stats::ENTRIES + index as usize) } else { ANY };
            if let Some(place) = tracked(address) {
                let bound = entry & Mapping::VALID.bits() != 0;
                self.bound[place] = if bound { entry >> PAGE_SHIFT } else { ANY };
                if ours && !bound && load(address).is_some() {
                    fault(wrong::FREED, entry >> PAGE_SHIFT);
                }
            }
        }
    }

    /// Forgets the twin or the second one if it is the one named, and makes another.
    fn twin_gone(&mut self, name: u32) {
        if self.second == Some(Name(name)) {
            self.second = None;
        } else if self.twin == Some(Name(name)) {
            (self.twin, self.second) = (None, None);
            let _ = self.make_twin();
        }
    }

    /// In the address space of a twin, which has the same pages at the same addresses.
    fn visit(&mut self, mut name: u32) {
        if !self.is_twin(name) {
            // It ends here, unless its slice has just ended.
            return;
        }
        for _ in 0..self.random.below(8) {
            let calls = [
                Call::TlbWrite,
                Call::TlbWrite,
                Call::TlbDelete,
                Call::TlbWriteRange,
                Call::PageFree,
                Call::CidSwitch,
            ];
            let call = self.random.pick(&calls);
            if call == Call::CidSwitch {
                let (Some(twin), Some(second)) = (self.twin, self.second) else { continue };
                name = if twin.0 == name { second.0 } else { twin.0 };
                let _ = self.make(call, [name, 0, 0, 0, 0, 0, 0, 0]);
                if self.random.one_in(4) {
                    let answer = call::check_invariants();
                    self.count(Call::CheckInvariants, answer);
                }
            } else if let Some(arguments) = self.arguments(call)
                && self.make(call, arguments).is_ok()
            {
                match call {
                    Call::PageFree => _ = self.pages.remove(arguments[0]),
                    // Into the hardware's TLB.
                    Call::TlbWrite => _ = load(arguments[0] & !3),
                    _ => {}
                }
            }
        }
        if self.random.one_in(16) {
            let answer = call::check_invariants();
            self.count(Call::CheckInvariants, answer);
        }
        let fall = self.random.one_in(20);
        if fall {
            // Whoever takes away the ground that it stands on falls.
            Words::STATS.set(stats::LEAVING, 1);
            let answer = call::environment_destroy(name);
            self.count(Call::EnvironmentDestroy, answer);
            let _ = load(tracked_address(0));
            Words::STATS.set(stats::LEAVING, 0);
        }
        let _ = self.make(Call::CidSwitch, [self.myself.0, 0, 0, 0, 0, 0, 0, 0]);
        if fall {
            self.twin_gone(name);
        }
    }
}
