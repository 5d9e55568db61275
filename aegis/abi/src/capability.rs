//! Capabilities: 64-bit values that prove a right to a page by being known (paper, section 3.2).

/// A capability. Whoever can present the value that a page records has the right that goes with it.
///
/// Deviation: the paper's "self-authenticating capabilities" are read as unguessable values that the
/// kernel remembers beside each page; see docs/fidelity.md.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability(pub u64);

impl Capability {
    /// Fits nothing: a page that records it as a capability gives that right to nobody.
    pub const NONE: Self = Self(0);
    /// The well-known capability of what everybody may read, such as the boot image.
    pub const PUBLIC: Self = Self(1);

    /// The two words in which a capability crosses the call boundary, low first.
    #[must_use]
    pub const fn words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    /// The inverse of [`Self::words`].
    #[must_use]
    pub const fn from_words(low: u32, high: u32) -> Self {
        Self((high as u64) << 32 | low as u64)
    }
}
