//! The table that the assembly's dispatch of calls jumps through, made from the one of `aegis-abi`.

/// A row: eight bytes, as far apart as the numbers of calls.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    /// The path that the call takes, in assembly.
    pub path: unsafe extern "C" fn(),
    /// Its handler in Rust, if it has one.
    pub handler: *const (),
}

// SAFETY: the pointers are addresses of code.
unsafe impl Sync for Entry {}

/// Defines `entries!`, which makes a port's table: gaps take `$foreign`, calls what the port's `entry!`
/// says. (`$d` is a dollar sign.)
macro_rules! table {
    ($foreign:ident, $d:tt) => {
        macro_rules! entries {
            ($d( $d(#[$doc:meta])* $slot:literal $variant:ident $function:ident $path:ident ($d($argument:ident),*) -> $result:ident [$d($error:ident),*] $paper:literal; )*) => {{
                let mut table = [Entry { path: $foreign, handler: ptr::null() }; calls::SLOTS];
                $d( table[$slot] = entry!($path $function); )*
                table
            }};
        }
    };
}
pub(super) use table;
