//! Accesses that are answered and yet reach no register that the documents give: images of a device
//! behind its first one, and the parts of a word where a register narrower than a word is not.
//!
//! The board is taken to decode no further than a device needs, so these accesses raise no error. A
//! program that makes them has mostly lost its way, so the log reports them. Not reported, because
//! operating systems are meant to use them: the second image of the LANCE's slot, in which they look
//! for the identification ROM, and the ROM's second image.

use super::map::Region;
use super::trace::Note;
use crate::bus::Width;

/// Bytes of the clock's registers, a word each.
const RTC_BYTES: u32 = 0x100;
/// Bytes of the serial lines' registers: four, 8 bytes apart.
const DZ_BYTES: u32 = 0x20;
/// Bytes of the LANCE's two ports.
const LANCE_PORT_BYTES: u32 = 8;
/// Where the LANCE's ports are in its slot.
const LANCE_PORTS: u32 = 0x10_0000;
/// Bytes of the LANCE's buffer memory.
const BUFFER_BYTES: u32 = 0x2_0000;

/// What is odd about an answered access to `paddr`, if anything.
#[must_use]
pub const fn oddity(region: Region, paddr: u32, width: Width, write: bool) -> Option<Note> {
    let offset = paddr % super::map::SYSTEM_DEVICE_BYTES;
    let slot = paddr % super::map::SLOT_BYTES;
    let (image, nothing) = match region {
        Region::LanceBuffer => (slot >= BUFFER_BYTES, false),
        // 16-bit ports: the upper half of each word is nowhere, and a byte is half a port.
        Region::LanceRegisters => {
            (slot >= LANCE_PORTS + LANCE_PORT_BYTES, offset & 2 != 0 || matches!(width, Width::Byte))
        }
        // 16-bit registers, of which LPR can only be written whole.
        Region::Dz => {
            let half_of_lpr = write && offset & 0x18 == 8 && matches!(width, Width::Byte);
            (offset >= DZ_BYTES || offset & 4 != 0, offset & 2 != 0 || half_of_lpr)
        }
        Region::Rtc => (offset >= RTC_BYTES, offset & 3 != 0),
        Region::Csr | Region::CheckSyndrome | Region::ErrorAddress => (offset >= 4, false),
        _ => (false, false),
    };
    if nothing {
        Some(Note::NoRegister)
    } else if image {
        Some(Note::Image)
    } else {
        None
    }
}

#[cfg(test)]
#[path = "tests_audit.rs"]
mod tests;
