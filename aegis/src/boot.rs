//! From the first Rust instruction to the first environment.

use aegis_abi::layout::{ADDRESS_SPACE_IDS, ENVIRONMENTS, PAGE_SHIFT, PAGE_SIZE};
use aegis_abi::{Name, image, map};
use aegis_core::capability::Generator;
use aegis_core::environments::{Environments, Table};
use aegis_core::pages::{Pages, Record};
use aegis_core::revocation::Backings;
use aegis_core::slices::Slices;
use aegis_core::stlb::Stlb;

use crate::kernel::{self, Kernel};
use crate::memory::{page_address, page_of};
use crate::{arch, board, first, memory, report, schedule};

/// The most memory that the kernel manages: kseg0 has room for more, its records are made for this.
const MEMORY_LIMIT: u32 = 256 << 20;

unsafe extern "C" {
    /// The end of the kernel's own memory; the boot image, if there is one, begins here.
    static __image_start: [u8; 0];
}

static mut ENVIRONMENTS_TABLE: Table = Table::EMPTY;
static mut BACKINGS: Backings = Backings::EMPTY;

/// Called by the assembly, on the kernel's stack, with .bss clear.
pub extern "C" fn boot(a0: u32, a1: u32, a2: u32, a3: u32) -> ! {
    let arguments: board::BootArguments = [a0, a1, a2, a3];
    arch::init();
    let options = options(&arguments);
    let bytes = board::memory_bytes(&arguments).min(MEMORY_LIMIT);
    let page_count = bytes >> PAGE_SHIFT;
    let image_start = &raw const __image_start as u32;
    // SAFETY: the linker script keeps a page there, and the tool that adds the image puts it there.
    let header = unsafe { &*(image_start as *const image::Header) };
    let image_pages = header.total_pages().filter(|pages| page_of(image_start) + pages < page_count);
    let map_start = image_start + (image_pages.unwrap_or(0) << PAGE_SHIFT);
    let map_bytes = (size_of::<map::Header>() as u32 + page_count * size_of::<map::Entry>() as u32)
        .next_multiple_of(PAGE_SIZE);
    let records_start = map_start + map_bytes;
    let records_bytes = page_count * size_of::<Record>() as u32;
    let free_start = (records_start + records_bytes).next_multiple_of(PAGE_SIZE);
    if free_start >= page_address(page_count) {
        report!("aegis: {} bytes of memory are too few", bytes);
        board::exit(1);
    }
    // SAFETY: the books lie in RAM behind kernel and image, in pages that never leave the kernel and
    // that nothing else refers to; they are cleared first, and zeroes are valid values of all three.
    let mut pages = unsafe {
        core::ptr::write_bytes(map_start as *mut u8, 0, (free_start - map_start) as usize);
        let header = map_start as *mut map::Header;
        Pages::new(
            &mut *header,
            core::slice::from_raw_parts_mut(header.add(1).cast::<map::Entry>(), page_count as usize),
            core::slice::from_raw_parts_mut(records_start as *mut Record, page_count as usize),
        )
    };
    arch::set_records(records_start, page_count);
    for page in page_of(free_start)..page_count {
        pages.give(page);
    }
    let map = (page_of(map_start), map_bytes >> PAGE_SHIFT);
    let stlb = &raw mut memory::STLB;
    let stlb_pages = page_of(stlb as u32)..page_of(stlb as u32 + size_of::<memory::StlbTable>() as u32);
    for page in (map.0..map.0 + map.1).chain(stlb_pages) {
        pages.publish(page);
    }
    report!(
        "aegis: {}, {} KB of memory, {} of {} pages free",
        board::NAME,
        bytes >> 10,
        pages.count().1,
        pages.count().0
    );
    report!(
        "aegis: {} TLB entries, {ADDRESS_SPACE_IDS} address-space ids, room for {ENVIRONMENTS} environments",
        arch::TLB_ENTRIES
    );
    let seed = u64::from(board::entropy()) << 32 | u64::from(options.1);
    kernel::install(Kernel {
        pages,
        // SAFETY: once, at boot; nothing else refers to it.
        environments: Environments::new(unsafe { &mut *&raw mut ENVIRONMENTS_TABLE }),
        // SAFETY: nobody else writes it; the assembly only reads.
        stlb: Stlb::new(unsafe { &mut (*stlb).0 }),
        slices: Slices::new(arch::running()),
        overrun: 0,
        told: Name::NOBODY,
        generator: Generator::new([seed, !seed.rotate_left(29)]),
        spaces: [Name::NOBODY; ADDRESS_SPACE_IDS],
        cached: [false; ENVIRONMENTS],
        yielded: [false; ENVIRONMENTS],
        visited: Name::NOBODY,
        // SAFETY: as above.
        backings: unsafe { &mut *&raw mut BACKINGS },
        map,
        image: (page_of(image_start), image_pages.unwrap_or(0)),
        first: Name::NOBODY,
        options,
        exit_status: 0,
    });
    match kernel::with(|kernel| first::build(kernel, header)) {
        Ok(()) => {}
        Err(why) => {
            report!("aegis: no first environment: {why}");
            board::exit(1);
        }
    }
    board::start_clock();
    schedule::run_next()
}

/// Reads `quick` and `seed=N` from the command line.
fn options(arguments: &board::BootArguments) -> (bool, u32) {
    let mut quick = false;
    let mut seed = 0;
    for word in board::command_line(arguments).flat_map(|line| line.split(|byte| *byte == b' ')) {
        if word == b"quick" {
            quick = true;
        } else if let Some(digits) = word.strip_prefix(b"seed=") {
            seed = core::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
    }
    (quick, seed)
}
