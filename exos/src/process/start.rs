//! From the first instruction of a process to its `main` (paper, section 5.1.1: an environment is entered where its slices
//! start, with nothing but what is pinned).
//!
//! Whoever starts a process pins its code, the page of its arguments and the table of processes, and nothing else: the
//! process allocates its user area itself, in a few instructions without a stack, so that it is its own and charged
//! to it.

use core::arch::global_asm;

use aegis_abi::environment::EnvironmentPage;
use aegis_abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE};
use aegis_abi::{Call, Name};
use exos_core::page_table::PageTable;

use super::table::{self, get};
use super::{arguments, hot};
use crate::layout::{DATA, HANDLER_STACK_TOP, STACK_END, USER_AREA, page};
use crate::vm::{self, vm};
use crate::{exception, io, process, signal, slice};

/// Where the words that outlive an exec are.
const HOT: u32 = 0x3000;

// a0 = 0 from Aegis, which enters with all registers zero; 1 from exec, which leaves the user area.
global_asm!(
    ".pushsection .text.process, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    ".globl exos_process_entry",
    "exos_process_entry:",
    "beqz $4, 2f",
    "nop",
    // After an exec what the last program has left is cleared.
    "addiu $8, $zero, 0x4000",
    "sll $8, $8, 1",
    "li $9, {END}",
    "1: sw $zero, 0($8)",
    "addiu $8, $8, 4",
    "bne $8, $9, 1b",
    "nop",
    "b 4f",
    "nop",
    // Capabilities for its own pages: s0, s1 to read, s2, s3 to write.
    "2: li $2, {RANDOM}",
    "syscall",
    "move $16, $3",
    "li $2, {RANDOM}",
    "syscall",
    "move $17, $3",
    "li $2, {RANDOM}",
    "syscall",
    "move $18, $3",
    "li $2, {RANDOM}",
    "syscall",
    "move $19, $3",
    "li $20, {FIRST}",
    "3: addiu $4, $zero, -1", // any page
    "move $5, $16",
    "move $6, $17",
    "move $7, $18",
    "move $8, $19",
    "li $2, {ALLOC}",
    "syscall",
    "bltz $2, 5f",
    "lw $4, {NAME}($zero)",
    "move $5, $20",
    "move $6, $3",
    "li $7, {WRITABLE}",
    "move $8, $18",
    "move $9, $19",
    "li $2, {GUARANTEE}",
    "syscall",
    "bltz $2, 5f",
    "addiu $20, $20, 1",
    "sltiu $8, $20, {LAST}",
    "bnez $8, 3b",
    "nop",
    "sw $16, {HOT}($zero)",
    "sw $17, {HOT} + 4($zero)",
    "sw $18, {HOT} + 8($zero)",
    "sw $19, {HOT} + 12($zero)",
    "4: addiu $sp, $zero, {TOP} - 32",
    "jal exos_process_start",
    "nop",
    // Onto the program's stack, which comes into being with its first store.
    "lui $sp, {STACK}",
    "addiu $sp, $sp, -32 - 0x1000",
    "jal exos_process_main",
    "nop",
    "5: lw $4, {NAME}($zero)", // no memory for it
    "li $2, {DESTROY}",
    "syscall",
    "b 5b",
    "nop",
    ".set pop",
    ".popsection",
    END = const USER_AREA.end,
    FIRST = const HOT >> PAGE_SHIFT,
    LAST = const USER_AREA.end >> PAGE_SHIFT,
    HOT = const HOT,
    TOP = const HANDLER_STACK_TOP,
    STACK = const (STACK_END + 0x1000) >> 16,
    WRITABLE = const Mapping::WRITABLE.bits(),
    RANDOM = const Call::Random as u32,
    ALLOC = const Call::PageAlloc as u32,
    GUARANTEE = const Call::Guarantee as u32,
    DESTROY = const Call::EnvironmentDestroy as u32,
    NAME = const ENVIRONMENT_PAGE as usize + core::mem::offset_of!(EnvironmentPage, name),
);

const _: () = assert!((STACK_END + 0x1000) & 0xffff == 0);

unsafe extern "C" {
    fn exos_main() -> u32;
    /// The end of data and bss.
    static __data_end: [u8; 0];
}

unsafe extern "Rust" {
    /// Defined by [`process!`](crate::process!): the page table of this program, without memory.
    fn exos_page_table() -> &'static mut dyn PageTable<'static>;
}

/// Address behind the program's data.
#[must_use]
pub fn data_end() -> u32 {
    &raw const __data_end as u32
}

/// On the handlers' stack, with nothing bound yet.
#[unsafe(no_mangle)]
extern "C" fn exos_process_start() {
    let block = arguments::block();
    let hot = hot();
    if hot.place == 0 {
        hot.place = block.place;
        hot.table = block.table;
        hot.table_pages = block.table_pages;
        hot.start_read = block.start_read;
    }
    io::close_none();
    signal::ignore(hot.ignored);
    attach();
    // SAFETY: `process!` defines it, once in each program.
    vm::start(hot.rights(), unsafe { exos_page_table() });
    let (page_of_data, pages) = (block.data_page, block.data_pages);
    let end = data_end();
    let mapped = vm().map_image(DATA, page_of_data, pages).and_then(|()| {
        vm().heap_end = end;
        let behind = page(DATA) + pages;
        if page(end + PAGE_SIZE - 1) > behind {
            vm().add_region(behind, page(end + PAGE_SIZE - 1), vm::Protection::ReadWrite.soft())?;
        }
        vm().start_stack()
    });
    if mapped.is_err() {
        super::exit::fail_to_start();
    }
    // What follows the data in the image's last page is not this program's.
    let tail = block.data_bytes % PAGE_SIZE;
    if tail != 0 {
        let from = DATA + (pages - 1) * PAGE_SIZE + tail;
        // SAFETY: mapped just now, to be copied when it is written.
        unsafe { core::ptr::write_bytes(from as *mut u8, 0, (PAGE_SIZE - tail) as usize) };
    }
    io::start(&block.files);
    table::set_ready(process::slot());
    // A slice that ended while nobody could be told is given back now.
    process::give_way_blindly();
}

/// Binds what enters this environment, and finds its place in the table.
pub(super) fn attach() {
    let entry = table::entry(process::slot());
    slice::bind();
    // SAFETY: the table is pinned.
    slice::watch_for_attention(unsafe { &raw const (*entry).attention });
    exception::bind_all().expect("bind the handlers");
    signal::bind();
    debug_assert_eq!(Name(get!(process::slot(), name)), crate::memory::myself());
}

/// On the program's stack.
#[unsafe(no_mangle)]
extern "C" fn exos_process_main() -> ! {
    // Or one that executes itself for ever would never attend to anything.
    signal::attend();
    // SAFETY: `process!` defines it, once in each program.
    let status = unsafe { exos_main() };
    process::exit(status)
}

/// Makes a function a program that runs as a process: `process!(main)`, where `fn main() -> u32` returns the exit
/// status. `process!(main, page_table: Inverted<'static>)` chooses a page table, one of
/// [`exos_core::page_table`](exos_core::page_table) or of one's own.
#[macro_export]
macro_rules! process {
    ($main:ident) => {
        $crate::process!($main, page_table: $crate::page_table::Linear<'static>);
    };
    ($main:ident, page_table: $table:ty) => {
        #[unsafe(no_mangle)]
        extern "C" fn exos_main() -> u32 {
            let main: fn() -> u32 = $main;
            main()
        }

        #[unsafe(no_mangle)]
        fn exos_page_table() -> &'static mut dyn $crate::page_table::PageTable<'static> {
            use core::mem::MaybeUninit;
            type Table = $table;
            #[unsafe(link_section = ".bss.pinned.table")]
            static mut TABLE: MaybeUninit<Table> = MaybeUninit::uninit();
            // SAFETY: called once, before anything is mapped.
            unsafe { (*&raw mut TABLE).write(Table::new(&mut [])) }
        }
    };
}
