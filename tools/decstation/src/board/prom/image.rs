//! The ROM's contents: tables, the two functions that are code, and which word stands for which
//! callback.

use crate::asm::{self, r};
use crate::board::lane_read;
use crate::board::map::ROM_BASE;
use crate::bus::Width;

/// The callback vector.
pub const VECTOR: u32 = 0x1000;
/// TURBOchannel information.
pub const TC_INFO: u32 = 0x1100;
/// Where a program that returns ends up: entry 2, restart.
pub const RESTART: u32 = 8 * 2;
/// Strings that getenv hands out.
pub const STRINGS: u32 = 0x4000;
/// Bytes for them.
pub const STRING_BYTES: usize = 0x2000;

/// The bitmap of memory that the older environment variable `bitmap` points to.
pub const BITMAP: u32 = 0x6000;
/// Bytes for it: 480 MB.
pub const BITMAP_BYTES: usize = 15_360;

const BYTES: usize = 0xa000;
const STUBS: u32 = 0x2000;
const STUB_BYTES: u32 = 16;
/// Entries of the callback vector, 0x00 to 0xac.
const CALLBACKS: u32 = 0x2c;
/// Entry points of the older PROMs.
const ENTRIES: u32 = 56;
/// Index of the first of them.
const FIRST_ENTRY: u32 = 64;
/// setjmp and longjmp, which are code: a callback cannot change registers other than v0.
const SETJMP: u32 = 0x2800;
const LONGJMP: u32 = 0x2880;
/// Registers that a jump buffer keeps: s0..s7, sp, s8, ra.
const JUMP_REGISTERS: [u32; 11] = [16, 17, 18, 19, 20, 21, 22, 23, r::SP, 30, r::RA];

const COP3: u32 = 0x13 << 26;
const JR_RA: u32 = 0x03e0_0008;
const J: u32 = 0x02 << 26;

/// What the firmware can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    MemCpy,
    MemSet,
    StrCat,
    StrCmp,
    StrCpy,
    StrLen,
    StrNCat,
    StrNCpy,
    StrNCmp,
    GetChar,
    Gets,
    Puts,
    PutChar,
    Printf,
    SPrintf,
    StrToL,
    SetEnv,
    GetEnv,
    UnsetEnv,
    SlotAddress,
    Nothing,
    MsDelay,
    Leds,
    ClearCache,
    GetSysId,
    GetBitmap,
    GetTcInfo,
    /// Seconds since 1970 by the clock.
    Time,
    /// Switches a slot's interrupt off, or on.
    EnableInterrupt(bool),
    /// Whether a slot requests an interrupt.
    TestInterrupt,
    Rex,
    Halt,
    Reset,
    Exception,
    /// Not provided: its name and what it returns.
    Missing(&'static str, u32),
}

const FAILED: u32 = u32::MAX;

impl Call {
    /// The callback with this index: the vector's entries, then the older entry points.
    pub fn from_index(index: u32) -> Option<Call> {
        if let Some(entry) = index.checked_sub(FIRST_ENTRY) {
            return Call::from_entry(entry);
        }
        Some(match index * 4 {
            0x00 => Call::MemCpy,
            0x04 => Call::MemSet,
            0x08 => Call::StrCat,
            0x0c => Call::StrCmp,
            0x10 => Call::StrCpy,
            0x14 => Call::StrLen,
            0x18 => Call::StrNCat,
            0x1c => Call::StrNCpy,
            0x20 => Call::StrNCmp,
            0x24 => Call::GetChar,
            0x28 => Call::Gets,
            0x2c => Call::Puts,
            0x30 => Call::Printf,
            0x34 => Call::SPrintf,
            0x3c => Call::StrToL,
            0x40 => Call::Missing("signal", 0),
            0x44 => Call::Missing("raise", FAILED),
            0x48 => Call::Time,
            0x54 => Call::Missing("bootinit", FAILED),
            0x58 => Call::Missing("bootread", FAILED),
            0x5c => Call::Missing("bootwrite", FAILED),
            0x60 => Call::SetEnv,
            0x64 => Call::GetEnv,
            0x68 => Call::UnsetEnv,
            0x6c => Call::SlotAddress,
            0x74 => Call::MsDelay,
            0x78 => Call::Leds,
            0x7c => Call::ClearCache,
            0x80 => Call::GetSysId,
            0x84 => Call::GetBitmap,
            0x88 => Call::EnableInterrupt(false),
            0x8c => Call::EnableInterrupt(true),
            0x90 => Call::TestInterrupt,
            // io_poll; wbflush, since fetching the ROM drains the buffer; console_init.
            0x38 | 0x70 | 0x98 => Call::Nothing,
            0x94 => Call::Missing("the reserved entry", FAILED),
            // What the halt button's interrupt calls: back to the console.
            0x9c => Call::Halt,
            0xa0 => Call::Missing("showfault", 0),
            0xa4 => Call::GetTcInfo,
            0xa8 => Call::Missing("execute_cmd", FAILED),
            0xac => Call::Rex,
            _ => return None,
        })
    }

    fn from_entry(entry: u32) -> Option<Call> {
        Some(match entry {
            0 | 4 | 5 => Call::Reset,
            2 | 3 | 54 => Call::Halt,
            6..=11 => Call::Missing("device I/O of the older PROMs", FAILED),
            12 => Call::GetChar,
            13 | 14 => Call::PutChar,
            15 => Call::Gets,
            16 => Call::Puts,
            17 => Call::Printf,
            28 | 29 => Call::ClearCache,
            32 | 48 => Call::Exception,
            33 => Call::GetEnv,
            34 | 45 => Call::SetEnv,
            36 => Call::StrCmp,
            37 => Call::StrLen,
            38 => Call::StrCpy,
            39 => Call::StrCat,
            46 => Call::UnsetEnv,
            0..ENTRIES => Call::Missing("an entry of the older PROMs", FAILED),
            _ => return None,
        })
    }
}

/// Where the word of callback `index` lies.
pub const fn stub(index: u32) -> u32 {
    STUBS + STUB_BYTES * index
}

/// The callback index of the word at `offset`, if it is one.
pub fn hook(offset: u32) -> Option<u32> {
    let into = offset.checked_sub(STUBS)?;
    let index = into / STUB_BYTES;
    (into.is_multiple_of(STUB_BYTES) && index < FIRST_ENTRY + ENTRIES).then_some(index)
}

/// setjmp(buffer): the registers that a callee keeps go into the buffer; 0.
fn setjmp() -> Vec<u32> {
    let mut code: Vec<u32> =
        JUMP_REGISTERS.iter().zip(0..).map(|(&register, n)| asm::sw(register, 4 * n, r::A0)).collect();
    code.extend([asm::jr(r::RA), asm::addu(r::V0, r::ZERO, r::ZERO)]);
    code
}

/// longjmp(buffer, value): returns from that setjmp with the value, or 1 for 0.
fn longjmp() -> Vec<u32> {
    let mut code: Vec<u32> =
        JUMP_REGISTERS.iter().zip(0..).map(|(&register, n)| asm::lw(register, 4 * n, r::A0)).collect();
    code.extend([
        asm::bne(r::A1, r::ZERO, 2),
        asm::addu(r::V0, r::A1, r::ZERO),
        asm::addiu(r::V0, r::ZERO, 1),
        asm::jr(r::RA),
        asm::NOP,
    ]);
    code
}

/// The ROM.
pub struct Image {
    bytes: Box<[u8]>,
}

impl Image {
    /// A ROM with its tables.
    pub fn new() -> Image {
        let mut image = Image { bytes: vec![0; BYTES].into_boxed_slice() };
        for index in 0..CALLBACKS {
            image.put(VECTOR + 4 * index, super::KSEG1 + ROM_BASE + stub(index));
        }
        for entry in 0..ENTRIES {
            let target = ROM_BASE + stub(FIRST_ENTRY + entry);
            image.put(8 * entry, J | target >> 2 & 0x03ff_ffff);
        }
        for index in 0..FIRST_ENTRY + ENTRIES {
            image.put(stub(index), COP3 | index);
            image.put(stub(index) + 4, JR_RA);
        }
        image.put_function(0x4c, SETJMP, &setjmp());
        image.put_function(0x50, LONGJMP, &longjmp());
        // Revision, clock period in ns, slot size in MB, I/O timeout in cycles, DMA range in MB,
        // longest DMA burst in words, parity.
        for (value, index) in [1, 40, 4, 10, 480, 128, 0].into_iter().zip(0..) {
            image.put(TC_INFO + 4 * index, value);
        }
        image
    }

    fn put(&mut self, offset: u32, word: u32) {
        self.bytes[offset as usize..][..4].copy_from_slice(&word.to_le_bytes());
    }

    /// Puts code at `place` and its address into the callback vector at `offset`.
    fn put_function(&mut self, offset: u32, place: u32, code: &[u32]) {
        self.put(VECTOR + offset, super::KSEG1 + ROM_BASE + place);
        for (&word, index) in code.iter().zip(0..) {
            self.put(place + 4 * index, word);
        }
    }

    /// Puts `bytes` at ROM offset `offset`.
    pub fn put_bytes(&mut self, offset: u32, bytes: &[u8]) {
        self.bytes[offset as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Puts a string with its terminator at `offset` into the strings' area.
    pub fn put_string(&mut self, offset: usize, text: &str) {
        let start = STRINGS as usize + offset;
        self.bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
        self.bytes[start + text.len()] = 0;
    }

    /// Reads as the bus does; the ROM is zero behind its contents.
    pub fn read(&self, offset: u32, width: Width) -> u32 {
        let word = (offset & !3) as usize;
        let register = self
            .bytes
            .get(word..word + 4)
            .map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        lane_read(register, offset, width)
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Image")
    }
}
