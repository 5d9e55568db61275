//! fork: a child that copies itself (named by the authors' talk, not described in the paper).
//!
//! The parent makes an environment, pins its code and, to be read only, its own user area and page table in it, and lends it
//! the slice. The child allocates pages of its own for these and copies them, without a stack; then it is the parent,
//! up to the name. Ordinary pages are shared until one of the two writes them. They belong to whom they did before: the child
//! borrows, and a process that somebody borrows from keeps its pages until nobody does.

use core::arch::global_asm;
use core::mem::offset_of;

use aegis_abi::environment::{EnvironmentPage, Event};
use aegis_abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END};
use aegis_abi::{Call, Capability, Name};
use exos_core::page_table::Soft;

use super::table::{self, MASK, get, set, state};
use super::{Hot, ProcessError, USER_PAGES, exit, hot, slot, start};
use crate::layout::{HANDLER_STACK_TOP, PAGE_TABLE, TEXT, address, page};
use crate::memory::WINDOWS;
use crate::vm::{ABSENT, OWN, Rights, VmError, swap, vm};
use crate::{call, io, memory, slice};

const HOT: u32 = 0x3000;

global_asm!(
    ".pushsection .bss.pinned, \"aw\", @nobits",
    ".align 2",
    "exos_fork_context: .space 4 * 12",
    ".popsection",
    ".pushsection .text.fork, \"ax\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    // i32 exos_fork(void): keeps what a callee keeps, for both.
    ".globl exos_fork",
    "exos_fork:",
    // The program's stack is the child's too from now on: not to be written before it has copied the page table. And where
    // handlers are no signal's comes in between that might fork itself.
    "move $10, $sp",
    "srl $9, $sp, {SECOND_SEGMENT}",
    "beqz $9, 1f",
    "lui $8, %hi(exos_fork_context)",
    "addiu $sp, $zero, {TOP}",
    "1: addiu $8, $8, %lo(exos_fork_context)",
    "sw $16, 0($8)",
    "sw $17, 4($8)",
    "sw $18, 8($8)",
    "sw $19, 12($8)",
    "sw $20, 16($8)",
    "sw $21, 20($8)",
    "sw $22, 24($8)",
    "sw $23, 28($8)",
    "sw $30, 32($8)",
    "sw $10, 36($8)",
    "sw $31, 40($8)",
    "jal exos_fork_parent",
    "addiu $sp, $sp, -32",
    "exos_fork_return:",
    "lui $8, %hi(exos_fork_context)",
    "addiu $8, $8, %lo(exos_fork_context)",
    "lw $16, 0($8)",
    "lw $17, 4($8)",
    "lw $18, 8($8)",
    "lw $19, 12($8)",
    "lw $20, 16($8)",
    "lw $21, 20($8)",
    "lw $22, 24($8)",
    "lw $23, 28($8)",
    "lw $30, 32($8)",
    "lw $31, 40($8)",
    "lw $sp, 36($8)",
    "jr $31",
    "nop",
    // The child's first instructions: all registers are zero, and the parent's pages to be read.
    ".globl exos_fork_child",
    "exos_fork_child:",
    "li $2, {RANDOM}",
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
    "li $20, {USER_FIRST}",
    // Half a cache away from the parent's, so that the two are not in each other's way when they call each other; if that
    // is not to be had, any.
    "2: sll $8, $20, 2",
    "lw $22, {GUARANTEED}($8)",
    "li $23, 4",
    "srl $22, $22, 12",
    "addiu $22, $22, {HALF}",
    "6: move $4, $22",
    "move $5, $16",
    "move $6, $17",
    "move $7, $18",
    "move $8, $19",
    "li $2, {ALLOC}",
    "syscall",
    "bgez $2, 7f",
    "addiu $23, $23, -1",
    "bltz $23, 9f", // there is none at all
    "addiu $22, $22, 2 * {HALF}",
    "bnez $23, 6b",
    "nop",
    "b 6b",
    "addiu $22, $zero, -1",
    "7: move $21, $3", // the page
    "lw $4, {NAME}($zero)",
    "li $5, {WINDOW} >> 12",
    "move $6, $21",
    "li $7, {WRITABLE}",
    "move $8, $18",
    "move $9, $19",
    "li $2, {GUARANTEE}",
    "syscall",
    "bltz $2, 9f",
    "sll $8, $20, 12",
    "lui $9, {WINDOW} >> 16",
    "ori $9, $9, {WINDOW} & 0xffff",
    "addiu $10, $8, 4096",
    "3: lw $11, 0($8)",
    "lw $12, 4($8)",
    "lw $13, 8($8)",
    "lw $14, 12($8)",
    "addiu $8, $8, 16",
    "sw $11, 0($9)",
    "sw $12, 4($9)",
    "sw $13, 8($9)",
    "sw $14, 12($9)",
    "bne $8, $10, 3b",
    "addiu $9, $9, 16",
    "lw $4, {NAME}($zero)", // nowhere but at the window, and then nowhere but where it belongs
    "li $5, {WINDOW} >> 12",
    "addiu $6, $zero, -1",
    "li $2, {GUARANTEE}",
    "syscall",
    "lw $4, {NAME}($zero)",
    "move $5, $20",
    "move $6, $21",
    "li $7, {WRITABLE}",
    "move $8, $18",
    "move $9, $19",
    "li $2, {GUARANTEE}",
    "syscall",
    "bltz $2, 9f",
    "addiu $20, $20, 1",
    "sltiu $8, $20, {USER_LAST}",
    "bnez $8, 2b",
    "sltiu $8, $20, {TABLE}",
    "beqz $8, 4f",
    "nop",
    "li $20, {TABLE}", // behind the user area
    "4: lw $8, {TABLE_SIZE}($zero)",
    "nop",
    "addiu $8, $8, {TABLE}",
    "bne $20, $8, 2b",
    "move $4, $16",
    "lui $8, %hi(exos_fork_context)",
    "lw $8, %lo(exos_fork_context + 36)($8)",
    "nop",
    "srl $9, $8, {SECOND_SEGMENT}",
    "beqz $9, 5f", // in a handler: below
    "move $sp, $8",
    "addiu $sp, $zero, {TOP}",
    "5: addiu $sp, $sp, -32",
    "move $5, $17",
    "move $6, $18",
    "jal exos_fork_begin",
    "move $7, $19",
    "b exos_fork_return",
    "move $2, $zero",
    "9: lw $4, {NAME}($zero)", // no memory for it
    "li $2, {DESTROY}",
    "syscall",
    "b 9b",
    "nop",
    ".set pop",
    ".popsection",
    SECOND_SEGMENT = const SECOND_SEGMENT_END.trailing_zeros(),
    TOP = const HANDLER_STACK_TOP,
    GUARANTEED = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, guaranteed),
    HALF = const memory::COLOURS / 2,
    USER_FIRST = const USER_PAGES.start,
    USER_LAST = const USER_PAGES.end,
    TABLE = const PAGE_TABLE.start >> PAGE_SHIFT,
    TABLE_SIZE = const HOT as usize + offset_of!(Hot, table_size),
    WINDOW = const WINDOWS[0],
    WRITABLE = const Mapping::WRITABLE.bits(),
    RANDOM = const Call::Random as u32,
    ALLOC = const Call::PageAlloc as u32,
    GUARANTEE = const Call::Guarantee as u32,
    DESTROY = const Call::EnvironmentDestroy as u32,
    NAME = const ENVIRONMENT_PAGE as usize + offset_of!(EnvironmentPage, name),
);

unsafe extern "C" {
    fn exos_fork() -> i32;
    fn exos_fork_child();
}

/// The child's place in the table, for it to find.
#[unsafe(link_section = ".bss.pinned")]
static mut CHILD: usize = 0;

/// Makes a child that goes on here, too: the parent learns its number, the child zero.
///
/// # Errors
/// [`ProcessError::Exhausted`]: nothing is left of the attempt then.
pub fn fork() -> Result<u32, ProcessError> {
    // SAFETY: it keeps what a callee keeps, in both.
    let number = unsafe { exos_fork() };
    if slice::is_asked() {
        // Slices were given away in there, so none may have ended for a while.
        crate::signal::attend();
    }
    match number {
        number if number >= 0 => Ok(number.cast_unsigned()),
        _ => Err(ProcessError::Exhausted),
    }
}

/// On the handlers' stack.
#[unsafe(no_mangle)]
extern "C" fn exos_fork_parent() -> i32 {
    vm().free_lent();
    io::share();
    let Some(child) = table::claim(slot()) else { return -1 };
    // Known as soon as it is there: if this process is ended now, whoever buries it has to find it.
    let made = slice::critical(|| call::environment_create().inspect(|name| set!(child, name, *name)));
    let Ok(made) = made.map(Name) else {
        set!(child, state, state::FREE);
        return -1;
    };
    set!(child, program, get!(slot(), program));
    set!(child, share, get!(slot(), share));
    let mut lenders: [u32; MASK] = get!(slot(), lenders);
    lenders[slot() / 32] |= 1 << (slot() % 32);
    set!(child, lenders, lenders);
    // SAFETY: single-threaded; read by the child after it has copied it.
    unsafe { CHILD = child };
    if prepare(made).is_ok() {
        // It runs in this slice, and in whatever comes, until it is on its own.
        while get!(child, state) == state::STARTING {
            if slice::yield_to(made).is_err() {
                break;
            }
        }
        if get!(child, state) != state::STARTING {
            return get!(child, pid).cast_signed();
        }
    } else {
        let _ = call::environment_destroy(made.0);
    }
    set!(child, lenders, [0; MASK]);
    set!(child, state, state::FREE);
    -1
}

/// Pins what the child begins with, and shares the rest.
fn prepare(child: Name) -> Result<(), VmError> {
    let vm = vm();
    vm.swap_in_all()?;
    hot().table_size = (vm.units * size_of::<exos_core::page_table::Pte>()) as u32 / PAGE_SIZE;
    let environment = memory::environment();
    for vpn in page(TEXT.start)..page(TEXT.end) {
        let mapping = environment.guaranteed[vpn as usize];
        if mapping != 0 {
            memory::pin(child, address(vpn), mapping >> PAGE_SHIFT, Mapping::empty(), Capability::PUBLIC)?;
        }
    }
    let own = hot().rights().read;
    // The child borrows with these: that there is a place for them is found out here, where fork can still say no.
    vm.place_of(Rights { read: own, write: Capability::NONE })?;
    let [low, high] = hot().start_read;
    let table = page(PAGE_TABLE.start);
    for vpn in USER_PAGES.chain(table..table + hot().table_size) {
        let number = environment.guaranteed[vpn as usize] >> PAGE_SHIFT;
        let capability = if vpn == USER_PAGES.start { Capability::from_words(low, high) } else { own };
        memory::pin(child, address(vpn), number, Mapping::empty(), capability)?;
    }
    super::pin_table(child, &hot().table_pages, hot().table_rights().write)?;
    vm.share()?;
    // The last thing: before this it cannot run, whoever has the processor meanwhile.
    call::bind(child.0, Event::SliceStart as u32, exos_fork_child as *const () as u32)?;
    Ok(())
}

/// The child, on the handlers' stack: its memory is its own, and says that it is the parent.
#[unsafe(no_mangle)]
extern "C" fn exos_fork_begin(read_low: u32, read_high: u32, write_low: u32, write_high: u32) {
    let parent = hot().rights();
    let own = Rights {
        read: Capability::from_words(read_low, read_high),
        write: Capability::from_words(write_low, write_high),
    };
    let hot = hot();
    hot.set_rights(own);
    hot.start_read = own.read.words();
    hot.forget_pages();
    // Allocated without a stack, above; an exec frees some of them.
    let environment = memory::environment();
    let table = page(PAGE_TABLE.start);
    for vpn in USER_PAGES.chain(table..table + hot.table_size) {
        hot.know(environment.guaranteed[vpn as usize] >> PAGE_SHIFT);
    }
    // SAFETY: single-threaded.
    let child = unsafe { CHILD };
    hot.place = child as u32 + 1;
    start::attach();
    let lent = Rights { read: parent.read, write: Capability::NONE };
    if vm().borrow(own, lent).is_err() {
        exit::exit(127);
    }
    io::forked();
    table::set_ready(child);
    // A slice that ended while nobody could be told is given back now.
    super::give_way_blindly();
}

impl crate::vm::Vm {
    /// Shares all pages that are this process's alone: whoever writes one first copies it.
    fn share(&mut self) -> Result<(), VmError> {
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(aegis_abi::layout::USER_END));
        // Bindings are taken back by pieces without a hole.
        let mut piece = at..at;
        while let Some(pte) = self.table().run(at, end).first_mut() {
            let vpn = pte.vpn();
            at = vpn + 1;
            if pte.soft().contains(Soft::SHARED) || pte.entry & ABSENT != 0 {
                // Of what is not there yet each will have a page of its own.
                continue;
            }
            pte.set_soft(pte.soft() | Soft::COW);
            if vpn != piece.end {
                forget(&piece)?;
                piece = vpn..vpn;
            }
            piece.end = vpn + 1;
        }
        forget(&piece)
    }

    /// The child's part: what was the parent's own is borrowed.
    fn borrow(&mut self, own: Rights, lent: Rights) -> Result<(), VmError> {
        self.rights[OWN] = own;
        // The backing store is the parent's.
        self.swap = swap::Swap::NEW;
        let place = self.place_of(lent)?;
        let (mut at, end) = (page(SECOND_SEGMENT_END), page(aegis_abi::layout::USER_END));
        while let Some(pte) = self.table().run(at, end).first_mut() {
            at = pte.vpn() + 1;
            if pte.capability() == OWN && pte.entry & ABSENT == 0 {
                *pte = pte.with_capability(place);
            }
        }
        self.pages.held = USER_PAGES.len() as u32 + hot().table_size;
        Ok(())
    }
}

fn forget(piece: &core::ops::Range<u32>) -> Result<(), VmError> {
    if !piece.is_empty() {
        call::tlb_delete_range(address(piece.start), piece.len() as u32)?;
    }
    Ok(())
}
