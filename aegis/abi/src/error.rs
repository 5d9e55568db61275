//! What a call answers when it refuses.

/// Why Aegis refused a call. A refused call has changed nothing.
///
/// Errors are negative, so that they differ from every call number and from zero: after a call `v0`
/// holds zero or the call's own number (success) or one of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Error {
    /// An argument is outside the range that the call documents.
    Invalid = -1,
    /// The capability does not cover the access, or the caller is neither owner nor parent.
    Denied = -2,
    /// No living environment has this name.
    NoEnvironment = -3,
    /// The physical page does not exist or is not in a state that the call can use.
    NoPage = -4,
    /// The resource is in use by somebody.
    Busy = -5,
    /// Nothing of this resource is left.
    Exhausted = -6,
    /// The machine, or this build of the kernel, does not have it.
    Unsupported = -7,
}

impl Error {
    /// Every error, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Invalid,
        Self::Denied,
        Self::NoEnvironment,
        Self::NoPage,
        Self::Busy,
        Self::Exhausted,
        Self::Unsupported,
    ];

    /// The word that the call leaves in `v0`.
    #[must_use]
    pub const fn code(self) -> u32 {
        (self as i32).cast_unsigned()
    }

    /// Reads `v0` after a call: `None` is success.
    #[must_use]
    pub fn from_code(v0: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == v0)
    }

    /// A sentence for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Invalid => "argument out of range",
            Self::Denied => "not permitted by this capability or to this environment",
            Self::NoEnvironment => "no such environment",
            Self::NoPage => "no such page, or not in a state to be used",
            Self::Busy => "in use",
            Self::Exhausted => "none left",
            Self::Unsupported => "not on this machine",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_negative_and_read_back() {
        for error in Error::ALL {
            assert!(error.code() > 0x8000_0000);
            assert_eq!(Error::from_code(error.code()), Some(error));
        }
        assert_eq!(Error::from_code(0), None);
        assert_eq!(Error::from_code(crate::Call::Null.number()), None);
    }
}
