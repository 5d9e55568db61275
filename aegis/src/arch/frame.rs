//! The state of what a trap interrupted, in the same form on every processor.

/// The registers of what a trap interrupted, where the slow way in saves them and the slow way out
/// finds them. Word `n` of `registers` is register `n`; that of k0 is not used.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct TrapFrame {
    /// General registers.
    pub registers: [u32; 32],
    /// HI.
    pub hi: u32,
    /// LO.
    pub lo: u32,
    /// Where to resume.
    pub pc: u32,
    /// `Cause`.
    pub cause: u32,
    /// `BadVAddr`.
    pub bad_address: u32,
    /// `Status`.
    pub status: u32,
    /// The kernel's address of the page of the environment that ran, and that will run.
    pub page: u32,
    /// `EntryHi`, and on an R3000 `Context`: the address space that it ran in, and that will run.
    pub entry_hi: u32,
    /// See `entry_hi`.
    pub context: u32,
    /// What `page` was when the trap came: for a trap in the kernel, on whose behalf it ran.
    pub previous: u32,
}

/// Registers by name, as indices of [`TrapFrame::registers`].
pub mod register {
    /// v0.
    pub const V0: usize = 2;
    /// a0.
    pub const A0: usize = 4;
    /// a1.
    pub const A1: usize = 5;
    /// a2.
    pub const A2: usize = 6;
    /// a3.
    pub const A3: usize = 7;
    /// k1.
    pub const K1: usize = 27;
}

impl TrapFrame {
    /// Lets another environment run when the trap is over: the one with this page, at `pc`, in its own
    /// address space.
    pub fn enter(&mut self, page: u32, entry_hi: u32, pc: u32) {
        self.page = page;
        self.pc = pc;
        self.set_space(entry_hi);
    }

    /// Goes on in another address space when the trap is over.
    pub fn set_space(&mut self, entry_hi: u32) {
        self.entry_hi = entry_hi;
        self.context = entry_hi;
    }

    /// All zero.
    pub const fn new() -> Self {
        Self {
            registers: [0; 32],
            hi: 0,
            lo: 0,
            pc: 0,
            cause: 0,
            bad_address: 0,
            status: 0,
            page: 0,
            entry_hi: 0,
            context: 0,
            previous: 0,
        }
    }
}
