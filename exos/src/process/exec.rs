//! exec: another program in the same environment (named by the authors' talk, not described in the paper).
//!
//! The code of a program is the boot image's own pages, pinned where they are read; its data is copied when it is
//! written. What changes the code cannot be in the code: the last instructions run in the page of the new program's
//! arguments.

use core::arch::global_asm;

use aegis_abi::environment::{EnvironmentPage, Event};
use aegis_abi::layout::{ENVIRONMENT_PAGE, Mapping, PAGE_SHIFT, PAGE_SIZE, SECOND_SEGMENT_END, USER_END};
use aegis_abi::{Call, Capability, Error, Name};
use exos_core::elf::{self, Executable, Limits, Malformed};

use super::arguments::{Block, CODE_WORDS, MAGIC, block};
use super::table::set;
use super::{borrow_no_more, hot, slot};
use crate::layout::{DATA, MAPPINGS, PAGE_TABLE, TEXT, page};
use crate::memory::{self, WINDOWS};
use crate::spawn::{self, SpawnError};
use crate::start::START_PAGE;
use crate::vm::{pinned, vm};
use crate::{call, io};

/// Why a program cannot be executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecError {
    /// The boot image has no program of this name.
    NotFound,
    /// Its file is damaged, or no program for a process.
    Malformed(Malformed),
    /// The arguments and environment variables are too long together.
    TooLong,
    /// No memory.
    NoMemory,
    /// Aegis refused.
    Refused(Error),
}

impl core::fmt::Display for ExecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFound => write!(f, "there is no such program"),
            Self::Malformed(what) => write!(f, "not a program that runs as a process ({what:?})"),
            Self::TooLong => write!(f, "arguments and environment variables are too long"),
            Self::NoMemory => write!(f, "no memory"),
            Self::Refused(error) => write!(f, "Aegis refused: {error:?}"),
        }
    }
}

impl From<Error> for ExecError {
    fn from(error: Error) -> Self {
        match error {
            Error::Exhausted => Self::NoMemory,
            error => Self::Refused(error),
        }
    }
}

impl From<SpawnError> for ExecError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Refused(error) => error.into(),
            SpawnError::NotFound | SpawnError::Malformed(_) => Self::NotFound,
        }
    }
}

/// Where the parts of a process's program may be.
pub(crate) const LIMITS: Limits = Limits { read_only: TEXT, writable: DATA..MAPPINGS.start };

/// A program of the boot image: where it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub entry: u32,
    /// First page in the image, first virtual page, and how many.
    pub text: (u32, u32, u32),
    /// First page in the image, how many, and bytes.
    pub data: (u32, u32, u32),
}

/// Finds a program of the boot image and checks its file.
pub(crate) fn find(name: &str) -> Result<Program, ExecError> {
    let (first, bytes) = spawn::find(name)?;
    let executable: Executable = spawn::with_public_page(first, |page| {
        elf::check(&page[..bytes.min(PAGE_SIZE) as usize], bytes, &LIMITS)
    })?
    .map_err(ExecError::Malformed)?;
    let mut program = Program { entry: executable.entry, text: (0, 0, 0), data: (0, 0, 0) };
    for segment in &executable.segments[..executable.count] {
        let place = first + segment.file_offset / PAGE_SIZE;
        let pages = segment.file_bytes.div_ceil(PAGE_SIZE);
        if segment.writable {
            if segment.address != DATA || program.data.1 != 0 {
                return Err(ExecError::Malformed(Malformed::OutsideLimits));
            }
            program.data = (place, pages, segment.file_bytes);
        } else {
            if program.text.2 != 0 || segment.file_bytes != segment.memory_bytes {
                return Err(ExecError::Malformed(Malformed::OutsideLimits));
            }
            program.text = (place, page(segment.address), pages);
        }
    }
    Ok(program)
}

/// Executes another program of the boot image, with these arguments; the first is usually its name. Open files and the
/// environment variables stay, and so does what is ignored of the signals; handlers do not.
/// Returns only if that is not possible; nothing has changed then.
///
/// # Errors
/// [`ExecError`].
pub fn exec(name: &str, arguments: &[&str]) -> ExecError {
    match prepare(name, arguments) {
        Ok((program, page)) => pinned((program, page), |(program, page)| begin(program, page)),
        Err(error) => error,
    }
}

/// The page of the new program's arguments, made while the old one still runs: what they name is its memory.
fn prepare(name: &str, arguments: &[&str]) -> Result<(Program, u32), ExecError> {
    let program = find(name)?;
    let number = pinned((), |()| vm().take_page(page(START_PAGE))).map_err(|_| ExecError::NoMemory)?.0;
    let rights = pinned((), |()| hot().rights());
    let window = WINDOWS[1];
    let filled = memory::pin(memory::myself(), window, number, Mapping::WRITABLE, rights.write)
        .map_err(ExecError::from)
        .and_then(|()| fill(window, program, arguments));
    let closed = memory::unpin(memory::myself(), window);
    match filled.and(closed.map_err(ExecError::from)) {
        Ok(()) => {
            let [low, high] = rights.read.words();
            let _ = call::cache_flush(number, low, high);
            let mut text = [0; 16];
            for (to, from) in text.iter_mut().zip(name.bytes()) {
                *to = from;
            }
            set!(slot(), program, text);
            Ok((program, number))
        }
        Err(error) => {
            pinned(number, |number| vm().give_page(number));
            Err(error)
        }
    }
}

/// Fills a block that is mapped at an address.
fn fill(address: u32, program: Program, arguments: &[&str]) -> Result<(), ExecError> {
    unsafe extern "C" {
        static exos_exec_code: [u32; CODE_WORDS];
    }
    // SAFETY: a page of this process's, mapped writable there; nothing else refers to it.
    let next = unsafe {
        core::ptr::write_bytes(address as *mut u8, 0, PAGE_SIZE as usize);
        &mut *(address as *mut Block)
    };
    let old = block();
    next.magic = MAGIC;
    next.place = old.place;
    next.table = old.table;
    next.table_pages = old.table_pages;
    (next.data_page, next.data_pages, next.data_bytes) = program.data;
    next.files = io::files();
    for argument in arguments {
        if !next.push(&[argument]) {
            return Err(ExecError::TooLong);
        }
        next.arguments += 1;
    }
    for variable in old.variables() {
        if !next.push(&[variable]) {
            return Err(ExecError::TooLong);
        }
        next.variables += 1;
    }
    // SAFETY: the code is that long, and stays.
    next.code = unsafe { exos_exec_code };
    Ok(())
}

/// The point of no return, on the handlers' stack.
fn begin(program: Program, number: u32) -> ! {
    borrow_no_more();
    let vm = vm();
    vm.drop_pages(page(SECOND_SEGMENT_END), page(USER_END));
    vm.free_lent();
    vm.swap.forget_store();
    let me = memory::myself();
    let environment = memory::environment();
    for vpn in page(PAGE_TABLE.start)..page(PAGE_TABLE.end) {
        let mapping = environment.guaranteed[vpn as usize];
        if mapping != 0 {
            vm.give_page(mapping >> PAGE_SHIFT);
        }
    }
    let old = environment.guaranteed[page(START_PAGE) as usize] >> PAGE_SHIFT;
    let rights = hot().rights();
    hot().start_read = rights.read.words();
    hot().ignored = crate::signal::ignored();
    // From here on nothing that the old program has bound is entered any more: no slice's end, which it is not told.
    let quiet = call::bind(me.0, Event::SliceEnd as u32, 0)
        .and_then(|_| call::bind(me.0, Event::Revocation as u32, 0))
        .and_then(|_| call::bind(me.0, Event::Repossession as u32, 0))
        // Nor its service: the new program may have none, and other code where it was.
        .and_then(|_| call::bind(me.0, Event::Synchronous as u32, 0))
        .and_then(|_| call::bind(me.0, Event::Asynchronous as u32, 0))
        .and_then(|_| call::bind(me.0, Event::SliceStart as u32, program.entry))
        .map(|_| ())
        .and_then(|()| memory::pin(me, START_PAGE, number, Mapping::WRITABLE, rights.write));
    if quiet.is_err() {
        super::exit(127);
    }
    // It is another's for the first program of a family.
    let _ = call::page_free(old);
    let code = START_PAGE as usize + core::mem::offset_of!(Block, code);
    // SAFETY: the code was written there and flushed to where instructions are fetched; it does not come back.
    unsafe {
        let code: extern "C" fn(u32, u32, u32, u32) -> ! = core::mem::transmute(code);
        code(program.text.0, program.text.1, program.text.2, program.entry)
    }
}

// a0 = first page of the code in the image, a1 = its first virtual page, a2 = how many, a3 = the entry. Pins the new code,
// unpins what is left of the old, and enters it with a0 = 1. No stack, and no address of its own.
global_asm!(
    ".pushsection .rodata.exec, \"a\", @progbits",
    ".set push",
    ".set noreorder",
    ".set noat",
    ".align 2",
    ".globl exos_exec_code",
    "exos_exec_code:",
    "move $16, $4",
    "move $17, $5",
    "addu $18, $5, $6",
    "move $19, $7",
    "li $20, {TEXT_FIRST}",
    "1: lw $4, {NAME}($zero)",
    "move $5, $20",
    "sltu $8, $20, $17",
    "bnez $8, 2f", // before the new code
    "addiu $6, $zero, -1",
    "sltu $8, $20, $18",
    "beqz $8, 2f", // behind it
    "nop",
    "subu $6, $20, $17",
    "addu $6, $6, $16",
    "2: move $7, $zero",
    "li $8, 1", // what everybody may read
    "move $9, $zero",
    "li $2, {GUARANTEE}",
    "syscall",
    "bltz $2, 3f",
    "addiu $20, $20, 1",
    "sltiu $8, $20, {TEXT_LAST}",
    "bnez $8, 1b",
    "nop",
    "jr $19",
    "li $4, 1",
    "3: lw $4, {NAME}($zero)", // cannot happen: the image's pages are everybody's
    "li $2, {DESTROY}",
    "syscall",
    "b 3b",
    "nop",
    ".space 4 * {WORDS} - (. - exos_exec_code)",
    ".set pop",
    ".popsection",
    TEXT_FIRST = const TEXT.start >> PAGE_SHIFT,
    TEXT_LAST = const TEXT.end >> PAGE_SHIFT,
    WORDS = const CODE_WORDS,
    GUARANTEE = const Call::Guarantee as u32,
    DESTROY = const Call::EnvironmentDestroy as u32,
    NAME = const ENVIRONMENT_PAGE as usize + core::mem::offset_of!(EnvironmentPage, name),
);

/// Pins the code of a program in an environment.
pub(crate) fn pin_text(who: Name, program: &Program) -> Result<(), Error> {
    let (first, vpn, pages) = program.text;
    for index in 0..pages {
        memory::pin(who, (vpn + index) << PAGE_SHIFT, first + index, Mapping::empty(), Capability::PUBLIC)?;
    }
    Ok(())
}
