//! Names for addresses, from the symbol tables of ELF files.

/// One name.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Symbol {
    start: u32,
    size: u32,
    name: String,
}

/// The names of one or more programs, searchable by address.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    sorted: Vec<Symbol>,
}

impl Symbols {
    /// Adds names: address, size in bytes (0 where unknown), name.
    pub fn extend(&mut self, names: impl IntoIterator<Item = (u32, u32, String)>) {
        self.sorted.extend(names.into_iter().map(|(start, size, name)| Symbol { start, size, name }));
        self.sorted.sort_by(|a, b| (a.start, a.size, &b.name).cmp(&(b.start, b.size, &a.name)));
    }

    /// The name that `address` belongs to, and the offset from it. A name without a size reaches to
    /// the next one, but not across a segment's end.
    #[must_use]
    pub fn find(&self, address: u32) -> Option<(&str, u32)> {
        let after = self.sorted.partition_point(|s| s.start <= address);
        let symbol =
            self.sorted[..after].iter().rev().take(8).find(|s| s.size == 0 || address - s.start < s.size)?;
        let offset = address - symbol.start;
        (offset < 1 << 20).then_some((symbol.name.as_str(), offset))
    }

    /// `name+0x10`, or the bare address.
    #[must_use]
    pub fn describe(&self, address: u32) -> String {
        match self.find(address) {
            Some((name, 0)) => name.to_owned(),
            Some((name, offset)) => format!("{name}+{offset:#x}"),
            None => format!("{address:08x}"),
        }
    }

    /// The address of `name`.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u32> {
        self.sorted.iter().find(|s| s.name == name).map(|s| s.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_size_and_by_next() {
        let mut s = Symbols::default();
        s.extend([(0x100, 0x10, "sized".to_owned()), (0x200, 0, "label".to_owned())]);
        assert_eq!(s.describe(0x104), "sized+0x4");
        assert_eq!(s.describe(0x110), "00000110");
        assert_eq!(s.describe(0x200), "label");
        assert_eq!(s.describe(0x2fc), "label+0xfc");
        assert_eq!(s.address("label"), Some(0x200));
    }
}
