//! Arguments of every kind, weighted towards those that look right.

use exos::abi::calls::Fact;
use exos::abi::environment::Event;
use exos::abi::layout::{ANY, Mapping, PAGE_SHIFT, SECOND_SEGMENT_END};
use exos::abi::{Call, Capability, Name};
use exos::memory;

use super::shared::{Words, board, names, stats};
use super::values::{KINDS, entry};
use super::worker::{FIRST_SEGMENT, Fuzzer, in_playground};

/// Pages of the second segment that are mapped at random, first and last range; the program lies between.
pub const PLAYGROUND: [core::ops::Range<u32>; 2] = [5..0x10, 0x68..0x7c];

impl Fuzzer {
    /// Something that one of the three has put on the board.
    fn from_board(&mut self, range: core::ops::Range<usize>) -> u32 {
        let index = range.start + self.random.below(range.len() as u32) as usize;
        Words::BOARD.get(index)
    }

    /// Puts something on the board, now and then.
    pub fn tell(&mut self, range: core::ops::Range<usize>, word: u32) {
        if self.random.one_in(2) {
            let index = range.start + self.random.below(range.len() as u32) as usize;
            Words::BOARD.set(index, word);
        }
    }

    fn page(&mut self) -> u32 {
        match self.random.below(20) {
            0..5 => self.pages.any(&mut self.random).unwrap_or(ANY),
            5..7 => {
                let vpn = self.random.within(&PLAYGROUND);
                self.mapped[vpn as usize]
            }
            7..12 => self.from_board(board::PAGES),
            12 => self.image + self.random.below(16),
            13 => self.machine_pages + self.random.below(8),
            14 => memory::environment().guaranteed[1] >> PAGE_SHIFT,
            15 => self.random.odd(),
            16 => self.public + self.random.below(8),
            17 => memory::environment().guaranteed[16 + self.random.below(32) as usize] >> PAGE_SHIFT,
            _ => self.random.below(self.machine_pages),
        }
    }

    fn capability(&mut self) -> [u32; 2] {
        match self.random.below(16) {
            0 => Capability::NONE.words(),
            1 | 2 => Capability::PUBLIC.words(),
            3 => [self.random.word(), self.random.word()],
            4 => [self.capabilities[0].words()[0], self.random.word()],
            5..12 => self.capabilities[0].words(),
            _ => self.random.pick(&self.capabilities).words(),
        }
    }

    /// A capability that it would know again.
    fn own_capability(&mut self) -> [u32; 2] {
        match self.random.below(16) {
            0 => self.capability(),
            1..12 => self.capabilities[0].words(),
            _ => self.random.pick(&self.capabilities).words(),
        }
    }

    fn name(&mut self) -> u32 {
        let three = names(board::THREE);
        let echoes = names(board::ECHOES);
        match self.random.below(20) {
            0..7 => self.children.any(&mut self.random).unwrap_or(self.echo.0),
            7 | 8 => self.myself.0,
            9 => self.echo.0,
            10 => self.random.pick(&echoes).0,
            11 => self.random.pick(&three).0,
            12 => self.twin.unwrap_or(self.echo).0,
            13 | 14 => self.from_board(board::NAMES),
            15 => self.dead.any(&mut self.random).unwrap_or(0x8000_0040),
            16 => self.random.pick(&[self.myself.0, self.echo.0, Words::BOARD.get(board::SUPERVISOR)]),
            17 => self.random.pick(&[self.myself.0, self.echo.0]) | Name::ASYNCHRONOUS,
            // A name of another generation, or with a bit where none belongs.
            18 => self.echo.0 ^ 1 << self.random.below(31),
            _ => self.random.odd(),
        }
    }

    fn position(&mut self) -> u32 {
        match self.random.below(8) {
            0..3 => self.slices.any(&mut self.random).unwrap_or(0),
            3 => 64 + self.random.below(4),
            4 => self.random.odd(),
            5 => self.from_board(board::SLICES),
            _ => self.random.below(64),
        }
    }

    /// An address in the first segment, or one that programs get wrong.
    fn address(&mut self) -> u32 {
        let inside = self.random.word() & 0xfff;
        match self.random.below(16) {
            0 => self.random.odd(),
            1 => self.random.below(SECOND_SEGMENT_END),
            2 => 0x8000_0000 | self.random.word(),
            _ => {
                let range = self.random.pick(&FIRST_SEGMENT);
                (range.0 + self.random.below(range.1)) << PAGE_SHIFT | inside
            }
        }
    }

    /// A page and bits for the first segment.
    fn mapping(&mut self) -> u32 {
        let bits = self.random.pick(&[0, Mapping::WRITABLE.bits(), Mapping::all().bits(), 0xfff]);
        let page = if self.random.one_in(32) { self.random.word() } else { self.page() };
        page << PAGE_SHIFT | bits
    }

    /// A number of pages.
    fn length(&mut self) -> u32 {
        match self.random.below(8) {
            0 => self.random.odd(),
            1 => self.random.below(4096),
            _ => self.random.below(24),
        }
    }

    /// Entries for a range: most of one kind, so that all of them can be allowed.
    fn fill_entries(&mut self, count: u32) {
        let own = self.random.one_in(2);
        for index in 0..count.min(512) {
            let entry = match (own, self.random.below(4)) {
                (_, 0) => 0,
                (true, _) => self.pages.any(&mut self.random).unwrap_or(self.image) << PAGE_SHIFT,
                (false, 1) if self.random.one_in(8) => self.mapping(),
                _ => (self.image + self.random.below(4)) << PAGE_SHIFT,
            };
            let valid = if entry == 0 { 0 } else { Mapping::VALID.bits() };
            Words::STATS.set(stats::ENTRIES + index as usize, entry | valid);
        }
    }

    /// Arguments for a call, or nothing if it had better not be made with what came up.
    pub fn arguments(&mut self, call: Call) -> Option<[u32; 8]> {
        let mut arguments: [u32; 8] = core::array::from_fn(|_| self.random.odd());
        let mut put = |words: &[u32]| arguments[..words.len()].copy_from_slice(words);
        match call {
            Call::Machine => put(&[self.random.below(Fact::ALL.len() as u32 + 2)]),
            Call::ConsoleWrite => {
                // Dots, as a sign of life; longer ones are refused.
                let dots = u32::from_le_bytes(*b"....");
                let count = match self.random.below(256) {
                    0 => 1 + self.random.below(12),
                    1..128 => 0,
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
                // It ends itself seldom, its echo never: the others use it.
                if name == self.echo.0 || name == self.myself.0 && !self.random.one_in(32) {
                    return None;
                }
                put(&[name]);
            }
            Call::Bind => put(&self.bind()?),
            Call::Guarantee => put(&self.guarantee()?),
            Call::Limit => {
                let limit = match self.random.below(4) {
                    0 | 1 => ANY,
                    2 => 0,
                    _ => self.random.below(16),
                };
                put(&[self.name(), self.random.below(4), limit]);
            }
            Call::SliceAlloc => {
                let position = if self.random.one_in(2) { ANY } else { self.position() };
                put(&[position]);
            }
            Call::SliceFree | Call::SliceOwner => put(&[self.position()]),
            Call::SliceGive => {
                let name = if self.random.one_in(4) { self.limited } else { self.name() };
                if name == self.echo.0 || self.is_twin(name) {
                    // They live on and would keep them all.
                    return None;
                }
                put(&[self.position(), name]);
            }
            Call::Yield => put(&[if self.random.one_in(4) { 0 } else { self.name() }]),
            Call::TlbWrite => {
                let [low, high] = self.capability();
                put(&[self.address(), self.mapping(), low, high]);
            }
            Call::TlbDelete => put(&[self.address()]),
            Call::CidSwitch => put(&[self.space()?]),
            Call::FpuMod => put(&[self.random.below(3)]),
            Call::TlbWriteRange => put(&self.write_range()),
            Call::TlbDeleteRange => put(&[self.address(), self.length()]),
            Call::Revoke => {
                let count = if self.random.one_in(8) { self.random.odd() } else { self.random.below(8) };
                let deadline = self.random.pick(&[0, 0, 1, 2, 8, ANY]);
                put(&[self.name(), self.random.below(3), count, deadline]);
            }
            Call::Backing => {
                let [low, high] = self.capability();
                let page = if self.random.one_in(16) { ANY } else { self.page() };
                put(&[self.random.below(10), page, low, high]);
            }
            // Those that there are stop the machine of a test build.
            Call::CheckFault | Call::CheckPlant => put(&[KINDS + self.random.odd().min(ANY - KINDS)]),
            // Some end this slice in the middle of what follows.
            Call::CheckTimer => put(&[
                if self.random.one_in(2) { self.random.below(4000) } else { self.random.odd() },
                self.random.below(4),
            ]),
            // Reading all of memory takes long; the loop does so now and then.
            Call::CheckInvariants => return None,
            _ => {}
        }
        Some(arguments)
    }

    fn bind(&mut self) -> Option<[u32; 3]> {
        let (name, event) = (self.name(), self.random.below(40));
        let event = if self.random.one_in(8) { self.random.odd() } else { event };
        let mut pc = self.random.pc();
        // An interrupt could use them meanwhile: they are bound to where they are bound already.
        let slices = Event::SliceStart as u32..=Event::Repossession as u32;
        if name == self.myself.0 && slices.contains(&event) && pc < 1 << 31 && pc.is_multiple_of(4) {
            pc = entry(event)?;
        }
        Some([name, event, pc])
    }

    fn guarantee(&mut self) -> Option<[u32; 6]> {
        let name = if self.random.one_in(2) { self.myself.0 } else { self.name() };
        let ([low, high], vpn) = (self.capability(), self.random.vpn(&PLAYGROUND));
        let spared = name == self.myself.0 || name == self.echo.0 || self.is_twin(name);
        if spared && vpn < 128 && vpn > 1 && !in_playground(vpn) {
            return None;
        }
        let page = if self.random.one_in(6) { ANY } else { self.page() };
        Some([name, vpn, page, self.random.bits(), low, high])
    }

    /// An address space: it would end in most of its children's, which have no code.
    fn space(&mut self) -> Option<u32> {
        let shares = |name: &u32| Name(*name).address_space() == self.myself.address_space();
        let sharing = self.children.words().iter().copied().find(shares);
        let name = match self.random.below(8) {
            0..2 => self.twin?.0,
            2 => self.second?.0,
            3 => self.myself.0,
            4 => sharing?,
            5 => self.random.pick(&names(board::THREE)).0,
            6 => self.random.pick(&names(board::ECHOES)).0,
            _ => self.name(),
        };
        let mine = name != self.myself.0 && !self.is_twin(name) && sharing != Some(name);
        // One of its own that it may have forgotten is not to be told from one of the others'.
        let known = self.dead.words().contains(&name) || names(board::THREE).contains(&Name(name));
        let foreign = names(board::ECHOES).contains(&Name(name)) && name != self.echo.0;
        let nobody = !super::worker::lives(name);
        (!mine || known || foreign || nobody).then_some(name)
    }

    fn write_range(&mut self) -> [u32; 8] {
        let count = self.length();
        self.fill_entries(count);
        let (address, [low, high]) = (self.address(), self.capability());
        let offset = match self.random.below(16) {
            0 => self.random.odd(),
            1 => 4096 - 4 * count.min(1024),
            _ => 4 * stats::ENTRIES as u32,
        };
        let (mut table, mut readable) = (self.stats_page, self.stats_read.words());
        match self.random.below(8) {
            0 => table = self.page(),
            1 => readable = self.capability(),
            _ => {}
        }
        [address, count, table, offset, readable[0], readable[1], low, high]
    }
}
