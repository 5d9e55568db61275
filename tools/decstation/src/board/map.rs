//! The KN02's physical address map: one table of named regions, used to decode accesses and to name
//! them in traces.
//!
//! ```text
//! 0000_0000  RAM (up to 480 MB; what is not fitted does not answer)
//! 1e00_0000  TURBOchannel slots 0..6, 4 MB each
//!            slot 5 = SCSI (not fitted), slot 6 (1f80_0000) = PMAD-AA LANCE:
//!              +00_0000  buffer memory, 128 KB       +10_0000  RDP, RAP
//!              +1c_0000  ROM (byte 0 of each word) and station address (byte 2)
//!              +20_0000  the lower 2 MB again, so the ROM is seen at +3c_0000
//! 1fc0_0000  system ROM                   1fd0_0000  CHKSYN      1fd8_0000  ERRADDR
//! 1fc8_0000  reserved, no answer          1fe0_0000  DZ          1fe8_0000  clock
//!                                         1ff0_0000  CSR         1ff8_0000  system ROM again
//! ```
//!
//! Source: DECstation 5000/200 KN02 System Module Functional Specification (August 1990), and for
//! slot 6 the PMAD-AA TURBOchannel Ethernet Module Functional Specification. Each system-slot
//! device answers in the whole of its 512 KB: the board decodes no further than the device needs.

/// First physical address of the TURBOchannel option slots; RAM ends below it.
pub const TURBOCHANNEL_BASE: u32 = 0x1e00_0000;
/// Bytes of one TURBOchannel slot.
pub const SLOT_BYTES: u32 = 0x0040_0000;
/// First physical address of the LANCE's slot (6).
pub const LANCE_BASE: u32 = 0x1f80_0000;
/// First physical address of the system slot (7), where the ROM lies.
pub const ROM_BASE: u32 = 0x1fc0_0000;
/// Bytes that each device of the system slot occupies.
pub const SYSTEM_DEVICE_BYTES: u32 = 0x0008_0000;
/// The reserved part of the system slot. The board does not answer there; the machine puts its
/// counters, which no DECstation has, in front of it.
pub const RESERVED_BASE: u32 = 0x1fc8_0000;
/// CHKSYN, the ECC check and syndrome register.
pub const CHKSYN_BASE: u32 = 0x1fd0_0000;
/// ERRADDR, the error address register.
pub const ERRADDR_BASE: u32 = 0x1fd8_0000;
/// The DZ serial lines.
pub const DZ_BASE: u32 = 0x1fe0_0000;
/// The DS1287 clock.
pub const RTC_BASE: u32 = 0x1fe8_0000;
/// The control and status register.
pub const CSR_BASE: u32 = 0x1ff0_0000;
/// The second image of the system ROM.
pub const ROM_IMAGE_BASE: u32 = 0x1ff8_0000;
/// One past the last physical address that the board decodes.
pub const END: u32 = 0x2000_0000;

/// What answers at a physical address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Region {
    /// Below the TURBOchannel slots, where RAM may be fitted.
    Memory,
    /// An option slot (0..=5) that holds no module.
    EmptySlot(u8),
    /// The LANCE's 128 KB of buffer memory.
    LanceBuffer,
    /// The LANCE's two register ports.
    LanceRegisters,
    /// The LANCE module's identification ROM and station address.
    LanceRom,
    /// The system ROM or its second image.
    Rom,
    /// The reserved part of the system slot.
    Reserved,
    /// ECC check and syndrome bits.
    CheckSyndrome,
    /// Error address.
    ErrorAddress,
    /// Serial lines.
    Dz,
    /// Clock and battery-backed memory.
    Rtc,
    /// Control and status.
    Csr,
    /// Above the board's address space.
    Outside,
}

/// How the processor's timing treats an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessClass {
    /// The LANCE's buffer memory: the `lance_word` parameter, per 32-bit word.
    LanceBuffer,
    /// A device register: `device_read` and `device_write`.
    Register,
    /// The system ROM or an option ROM: byte-wide parts behind a register's handshake.
    Rom,
    /// Nothing answers: the access ends in a bus timeout.
    Empty,
}

impl Region {
    /// The region that holds physical address `paddr`, and the offset in it after the folding of
    /// images that incomplete decoding makes.
    #[must_use]
    pub const fn decode(paddr: u32) -> (Region, u32) {
        if paddr < TURBOCHANNEL_BASE {
            return (Region::Memory, paddr);
        }
        if paddr >= END {
            return (Region::Outside, paddr);
        }
        if paddr < LANCE_BASE {
            let slot = (paddr - TURBOCHANNEL_BASE) / SLOT_BYTES;
            return (Region::EmptySlot(slot as u8), paddr % SLOT_BYTES);
        }
        if paddr < ROM_BASE {
            return Region::decode_lance(paddr - LANCE_BASE);
        }
        let offset = paddr % SYSTEM_DEVICE_BYTES;
        let region = match paddr & !(SYSTEM_DEVICE_BYTES - 1) {
            ROM_BASE | ROM_IMAGE_BASE => Region::Rom,
            RESERVED_BASE => Region::Reserved,
            CHKSYN_BASE => Region::CheckSyndrome,
            ERRADDR_BASE => Region::ErrorAddress,
            DZ_BASE => Region::Dz,
            RTC_BASE => Region::Rtc,
            _ => Region::Csr,
        };
        (region, offset)
    }

    /// The LANCE module decodes 21 address bits, so its slot shows it twice.
    const fn decode_lance(offset: u32) -> (Region, u32) {
        let offset = offset & 0x001f_ffff;
        if offset < 0x0010_0000 {
            (Region::LanceBuffer, offset & 0x0001_ffff)
        } else if offset < 0x001c_0000 {
            (Region::LanceRegisters, offset & 0x7)
        } else {
            (Region::LanceRom, offset & 0x0003_ffff)
        }
    }

    /// The name that traces print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Region::Memory => "memory (not fitted)",
            Region::EmptySlot(0) => "TURBOchannel slot 0 (empty)",
            Region::EmptySlot(1) => "TURBOchannel slot 1 (empty)",
            Region::EmptySlot(2) => "TURBOchannel slot 2 (empty)",
            Region::EmptySlot(5) => "TURBOchannel slot 5 (SCSI, not fitted)",
            Region::EmptySlot(_) => "TURBOchannel reserved slot",
            Region::LanceBuffer => "LANCE buffer memory",
            Region::LanceRegisters => "LANCE registers",
            Region::LanceRom => "LANCE ROM and station address",
            Region::Rom => "system ROM",
            Region::Reserved => "system slot, reserved",
            Region::CheckSyndrome => "CHKSYN",
            Region::ErrorAddress => "ERRADDR",
            Region::Dz => "DZ serial lines",
            Region::Rtc => "clock (DS1287)",
            Region::Csr => "CSR",
            Region::Outside => "outside the address space",
        }
    }

    /// The kind of access that the processor's timing charges for.
    #[must_use]
    pub const fn class(self) -> AccessClass {
        match self {
            Region::LanceBuffer => AccessClass::LanceBuffer,
            Region::LanceRom | Region::Rom => AccessClass::Rom,
            Region::Memory | Region::EmptySlot(_) | Region::Reserved | Region::Outside => AccessClass::Empty,
            _ => AccessClass::Register,
        }
    }
}

#[cfg(test)]
#[path = "tests_map.rs"]
mod tests;
