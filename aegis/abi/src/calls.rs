//! The one table of Aegis's calls. Numbers, the kernel's dispatch, the user stubs and docs/calls.md
//! are made from it.
//!
//! A call is made with its number in `v0` and up to eight words in `a0`..`a3`, `t0`..`t3`. It leaves
//! an [`Error`](crate::Error) in `v0` when it refuses and a non-negative value there otherwise, and
//! its result, if it has one, in `v1`. Numbers are [`BASE`] plus multiples of eight, clear of those
//! that systems on MIPS use (0..1000, 4000..6999), so that a library operating system can emulate
//! their calls: a number that is not in this table is an exception of the caller.

/// Number of the first call.
pub const BASE: u32 = 0x2000;
/// Size of the table, gaps included; numbers are `BASE + 8 n` for `n` below this.
pub const SLOTS: usize = 64;

/// Whether a call runs on the kernel's stack. These are the two paths of the paper's Table 4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// Assembly without a stack; on success no register but a result is altered.
    NoStack,
    /// On the kernel's stack; caller-saved registers come back zero or as they were.
    Stack,
    /// A primitive operation of the paper's Table 3: no register is altered at all. Refused, it is an
    /// exception of the caller (system call), with the error in its `Cause` word
    /// ([`cause::error`](crate::environment::cause::error)).
    Primitive,
}

/// Expands `$callback!` with the table of calls. A row is
///
/// ```text
/// /// what it does
/// slot Variant function path (argument, ...) -> result [Error, ...] "the paper's name";
/// ```
#[macro_export]
macro_rules! for_each_call {
    ($callback:ident) => {
        $callback! {
            /// Does nothing: the null call of Table 4, without a stack.
            0 Null null NoStack () -> none [] "getpid's counterpart (Table 4)";
            /// Does nothing on the path that every call with a stack takes.
            1 NullStack null_stack Stack () -> none [] "getpid's counterpart, with a stack (Table 4)";
            /// Reads the machine's counter: ticks, modulo 2^32, of a rate that `machine` tells.
            2 Clock clock NoStack () -> ticks [] "microsecond counter (section 4)";
            /// Tells a fact about the machine, by its index (`Fact`).
            3 Machine machine Stack (fact) -> value [Invalid] "";
            /// Writes up to twelve bytes, packed little-endian into three words, to the console.
            4 ConsoleWrite console_write Stack (bytes0, bytes1, bytes2, count) -> none [Invalid] "";
            /// Takes a byte that waits at the console.
            5 ConsoleRead console_read Stack () -> byte [Exhausted] "";
            /// Gives an unguessable word from the kernel's generator; two make a capability.
            6 Random random Stack () -> word [] "";
            /// Stops the machine with an exit status; only the first environment may.
            7 Halt halt Stack (status) -> none [Denied] "";

            /// Allocates the physical page `page`, or any, for the caller, zeroed unless the caller had it last, with the read and the write capability that it chose.
            8 PageAlloc page_alloc Stack (page, read_low, read_high, write_low, write_high) -> page [NoPage, Busy, Exhausted] "Alloc";
            /// Frees a page of the caller's and breaks every binding to it.
            9 PageFree page_free Stack (page) -> none [NoPage, Denied] "Dealloc";
            /// Changes the capabilities of a page of the caller's and breaks every binding made with the old ones but the caller's own.
            10 PageProtect page_protect Stack (page, read_low, read_high, write_low, write_high) -> none [NoPage, Denied] "";
            /// Tells who owns a page, or whose own page it is: an environment's name, or zero for nobody.
            11 PageOwner page_owner Stack (page) -> name [NoPage] "";
            /// Writes the data cache's view of a page back to where instructions are fetched from. Needs a capability to read it.
            12 CacheFlush cache_flush Stack (page, low, high) -> none [NoPage, Denied] "";
            /// Tells the time since the machine was started, in microseconds modulo 2^32.
            13 Microseconds microseconds Stack () -> microseconds [] "microsecond counter (section 4)";

            /// Creates an environment, the caller its parent. It owns no time slice and has no mapping but its own page.
            16 EnvironmentCreate environment_create Stack () -> name [Exhausted] "";
            /// Destroys an environment, itself or a child, and frees all that it owned. Its children become its parent's.
            17 EnvironmentDestroy environment_destroy Stack (name) -> none [NoEnvironment, Denied, Busy] "";
            /// Sets where one kind of event (`Event`) enters an environment, the caller or its child.
            18 Bind bind Stack (name, event, pc) -> none [NoEnvironment, Denied, Invalid] "exception, interrupt and protected entry contexts (section 5.1)";
            /// Pins `page` at page `vpn` of the second segment of the caller or its child, with the mapping's bits, as far as the capability allows; no page unpins.
            19 Guarantee guarantee Stack (name, vpn, page, bits, low, high) -> none [NoEnvironment, Denied, Invalid, NoPage] "guaranteed mapping (section 5.1)";
            /// Ends the caller's last-resort state, so that the next fault in a fault handler gets it again.
            20 LastResortDone last_resort_done Stack () -> none [] "";
            /// Limits what a child of the caller's and its descendants together may have of a resource (`Resource`), all ones for no limit; tells what they have. What is beyond stays theirs, but there is no more.
            21 Limit limit Stack (name, resource, limit) -> used [NoEnvironment, Denied, Invalid] "";

            /// Allocates a position in the vector of time slices, or any, for the caller.
            24 SliceAlloc slice_alloc Stack (position) -> position [Invalid, Busy, Exhausted] "Alloc";
            /// Frees a position of the caller's.
            25 SliceFree slice_free Stack (position) -> none [Invalid, Denied] "Dealloc";
            /// Gives a position of the caller's to a child of its own, for good.
            26 SliceGive slice_give Stack (position, name) -> none [Invalid, Denied, NoEnvironment, Exhausted] "";
            /// Donates the rest of the slice to the environment named, or to the next slice's holder when the name is zero. The caller keeps nothing: it must have saved its registers.
            27 Yield yield_to Stack (name) -> never [NoEnvironment] "Yield";
            /// Tells the owner of a position; zero if it is free.
            28 SliceOwner slice_owner Stack (position) -> name [Invalid] "";

            /// Binds the page of an address in the first segment of the current address space to a physical page: `entry` holds its number in bits 31..12 and the mapping's bits, as far as the capability allows.
            32 TlbWrite tlb_write Primitive (address, entry, low, high) -> none [Invalid, NoPage, Denied] "TLBwr";
            /// Takes back what is bound to the page of an address in the first segment.
            33 TlbDelete tlb_delete Primitive (address) -> none [Invalid] "TLBvadelete";
            /// Goes on in the address space of the caller or its child, until the caller leaves the processor. The caller's own page stays where it is.
            34 CidSwitch cid_switch Primitive (name) -> none [NoEnvironment, Denied, Busy] "CIDswitch";
            /// Enables the floating-point coprocessor for the caller, or disables it.
            35 FpuMod fpu_mod Primitive (enable) -> none [Unsupported] "FPUmod";
            /// Does `tlb_write` for `count` pages from an address on, with entries that it reads from byte `offset` of a page that a capability to read it covers; an entry without the valid bit takes back. All of it or nothing.
            36 TlbWriteRange tlb_write_range Stack (address, count, table, offset, table_low, table_high, low, high) -> none [Invalid, NoPage, Denied] "TLBwr";
            /// Does `tlb_delete` for `count` pages from an address on.
            37 TlbDeleteRange tlb_delete_range Stack (address, count) -> none [Invalid] "TLBvadelete";

            /// Asks the caller or its child for `count` units of a resource (pages or slices). With a deadline other than zero what is not given back before so many of its own turns have ended is taken by force, at once if the deadline is all ones; a reserve of eight pinned pages and one slice is never taken.
            40 Revoke revoke Stack (name, resource, count, deadline) -> none [NoEnvironment, Denied, Invalid] "visible revocation and the abort protocol (sections 3.3 and 3.4)";
            /// Loads entry `index` of the caller's repossession vector with a page, and the capability to write it, that the contents of a page taken by force are saved to; no page unloads it.
            41 Backing backing Stack (index, page, low, high) -> none [Invalid, NoPage, Denied] "repossession vector (section 3.4)";
            /// Says that the caller has read its repossession vector, which is empty then.
            42 RepossessionDone repossession_done Stack () -> none [] "";

            /// Test builds only: provokes a fault inside the kernel, of the kind named.
            56 CheckFault check_fault Stack (kind) -> none [Unsupported] "";
            /// Test builds only: raises the clock interrupt `ticks` from now, unless that is zero; 1 in `kind` empties the hardware TLB in it, 2 makes it end the slice. The result tells once where the last one came: its pc, plus 1 if that is a branch whose delay slot it interrupted.
            57 CheckTimer check_timer Stack (ticks, kind) -> landed [Unsupported] "";
            /// Test builds only: checks the kernel's invariants; the result counts what was checked.
            58 CheckInvariants check_invariants Stack () -> checked [Unsupported] "";
            /// Test builds only: breaks an invariant of the kernel's, in the way named, for `check_invariants` to find.
            59 CheckPlant check_plant Stack (kind) -> none [Unsupported] "";
        }
    };
}

macro_rules! define {
    ($( $(#[doc = $doc:literal])* $slot:literal $variant:ident $function:ident $path:ident ($($argument:ident),*) -> $result:ident [$($error:ident),*] $paper:literal; )*) => {
        /// A call of Aegis.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u32)]
        pub enum Call {
            $( $(#[doc = $doc])* $variant = BASE + 8 * $slot, )*
        }

        impl Call {
            /// Every call, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// What the table says of this call.
            #[must_use]
            pub const fn row(self) -> Row {
                match self {
                    $( Self::$variant => Row {
                        call: self,
                        function: stringify!($function),
                        path: Path::$path,
                        arguments: &[$(stringify!($argument)),*],
                        result: stringify!($result),
                        errors: &[$($crate::Error::$error),*],
                        paper: $paper,
                        summary: concat!($($doc),*),
                    }, )*
                }
            }
        }
    };
}

/// A row of the table of calls.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call.
    pub call: Call,
    /// Name of its stub and its handler.
    pub function: &'static str,
    /// With or without a stack.
    pub path: Path,
    /// Names of its arguments, in the order of their registers.
    pub arguments: &'static [&'static str],
    /// What `v1` holds afterwards; `none`, or `never` for a call that does not return.
    pub result: &'static str,
    /// The errors that it can answer.
    pub errors: &'static [crate::Error],
    /// What the paper calls it; empty where the paper has no word.
    pub paper: &'static str,
    /// What it does.
    pub summary: &'static str,
}

for_each_call!(define);

impl Call {
    /// The number that goes into `v0`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The call with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|call| call.number() == number)
    }
}

/// What the call `machine` can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Fact {
    /// Physical pages that the machine has.
    Pages = 0,
    /// First physical page of the boot image, which everybody may read.
    ImagePage = 1,
    /// Pages of the boot image; zero if there is none.
    ImagePages = 2,
    /// Ticks of the counter in a time slice.
    QuantumTicks = 3,
    /// Environments that live.
    Environments = 4,
    /// Pages that are free.
    FreePages = 5,
    /// 1 if this is a test build of the kernel.
    TestBuild = 6,
    /// The name of the caller.
    Myself = 7,
    /// The name of the caller's parent, or zero.
    Parent = 8,
    /// 1 if the command line that the kernel was started with contains the word `quick`.
    Quick = 9,
    /// The board: 0 malta, 1 DECstation.
    Board = 10,
    /// A number for the programs from the command line (`seed=N`), or zero.
    Seed = 11,
    /// First physical page of the map of pages ([`map`](crate::map)), which everybody may read.
    MapPage = 12,
    /// How many pages it has.
    MapPages = 13,
    /// First physical page of the software TLB, which everybody may read; it has eight.
    StlbPage = 14,
}

impl Fact {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::Pages,
        Self::ImagePage,
        Self::ImagePages,
        Self::QuantumTicks,
        Self::Environments,
        Self::FreePages,
        Self::TestBuild,
        Self::Myself,
        Self::Parent,
        Self::Quick,
        Self::Board,
        Self::Seed,
        Self::MapPage,
        Self::MapPages,
        Self::StlbPage,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_multiples_clear_of_other_systems() {
        let mut last = 0;
        for call in Call::ALL {
            let number = call.number();
            assert!(number > last && number % 8 == 0);
            assert!((number - BASE) as usize / 8 < SLOTS);
            assert!(number > 7000, "Linux on MIPS numbers its calls 4000..6999");
            assert_eq!(number & !crate::name::SELECTOR, BASE);
            assert_eq!(Call::from_number(number), Some(*call));
            last = number;
        }
        assert_eq!(Call::from_number(BASE + 4), None);
    }

    #[test]
    fn a_call_has_at_most_eight_arguments() {
        for call in Call::ALL {
            assert!(call.row().arguments.len() <= 8);
        }
    }
}
