//! The firmware: memory size and command line, asked before the kernel takes the vectors' page.

use super::BootArguments;

/// The third boot argument of firmware that has a callback vector.
const MAGIC: u32 = 0x3046_4354;
/// Offset of `getbitmap` in the vector.
const GET_BITMAP: u32 = 0x84;
/// Memory to assume without firmware.
const LEAST: u32 = 8 << 20;

/// What `getbitmap` fills in: bytes of a page, then a bit for each page, set where memory is.
#[repr(C)]
struct Bitmap {
    page_bytes: u32,
    pages: [u8; 16384],
}

/// Bytes of memory from address zero.
pub fn memory_bytes(arguments: &BootArguments) -> u32 {
    let [_, _, magic, vector] = *arguments;
    if magic != MAGIC {
        return LEAST;
    }
    static mut BITMAP: Bitmap = Bitmap { page_bytes: 0, pages: [0; 16384] };
    let bitmap = &raw mut BITMAP;
    // SAFETY: the vector holds functions of the C calling convention at documented offsets; the
    // buffer has room for 512 MB of memory in pages of 4 KB.
    unsafe {
        let function = *((vector + GET_BITMAP) as *const u32);
        let get_bitmap: extern "C" fn(*mut Bitmap) -> u32 = core::mem::transmute(function as *const ());
        let bytes = get_bitmap(bitmap).min(16384) as usize;
        let pages = &(&(*bitmap).pages)[..bytes];
        let whole = pages.iter().position(|byte| *byte != 0xff).unwrap_or(bytes);
        whole as u32 * 8 * (*bitmap).page_bytes
    }
}

/// The words of the command line: argv behind the boot device and the kernel's name.
pub fn command_line(arguments: &BootArguments) -> impl Iterator<Item = &'static [u8]> {
    let [count, vector, ..] = *arguments;
    (2..count.min(16)).map(move |index| {
        // SAFETY: the firmware made a vector of `count` pointers to strings, in memory that the kernel
        // never hands out.
        unsafe {
            let string = *((vector + 4 * index) as *const u32);
            core::ffi::CStr::from_ptr(string as *const core::ffi::c_char).to_bytes()
        }
    })
}
