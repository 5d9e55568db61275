//! Names for addresses, from the symbol tables of ELF files.

/// One name.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Symbol {
    start: u32,
    size: u32,
    name: String,
    /// The address space that it holds in; `None`: in all.
    space: Option<u32>,
}

/// Where an address is meant: in one user address space, by its identifier, or in all.
pub type Space = Option<u32>;

/// The names of one or more programs, searchable by address.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    sorted: Vec<Symbol>,
}

impl Symbols {
    /// Adds names: address, size in bytes (0 where unknown), name.
    pub fn extend(&mut self, names: impl IntoIterator<Item = (u32, u32, String)>) {
        self.extend_in(None, names);
    }

    /// The same for a program of the address space `space` alone.
    pub fn extend_in(&mut self, space: Space, names: impl IntoIterator<Item = (u32, u32, String)>) {
        self.sorted.extend(names.into_iter().map(|(start, size, name)| Symbol { start, size, name, space }));
        self.sorted.sort_by(|a, b| (a.start, a.size, &b.name).cmp(&(b.start, b.size, &a.name)));
    }

    /// The name that `address` belongs to, and the offset from it. A name without a size reaches to
    /// the next one, but not across a segment's end.
    #[must_use]
    pub fn find(&self, address: u32) -> Option<(&str, u32)> {
        self.search(address, |_| true)
    }

    /// The same as seen from the address space `space`.
    #[must_use]
    pub fn find_in(&self, space: Space, address: u32) -> Option<(&str, u32)> {
        self.search(address, |s| s.space.is_none() || s.space == space)
    }

    fn search(&self, address: u32, fits: impl Fn(&Symbol) -> bool) -> Option<(&str, u32)> {
        let after = self.sorted.partition_point(|s| s.start <= address);
        let near = self.sorted[..after].iter().rev().filter(|s| fits(s)).take(8);
        let symbol = { near }.find(|s| s.size == 0 || address - s.start < s.size)?;
        let offset = address - symbol.start;
        (offset < 1 << 20).then_some((symbol.name.as_str(), offset))
    }

    /// `name+0x10`, or the bare address.
    #[must_use]
    pub fn describe(&self, address: u32) -> String {
        described(self.find(address), address)
    }

    /// The same as seen from the address space `space`.
    #[must_use]
    pub fn describe_in(&self, space: Space, address: u32) -> String {
        described(self.find_in(space, address), address)
    }

    /// The address of `name`.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u32> {
        Some(self.locate(name)?.1)
    }

    /// The address of `name`, and the address space that it holds in.
    #[must_use]
    pub fn locate(&self, name: &str) -> Option<(Space, u32)> {
        self.sorted.iter().find(|s| s.name == name).map(|s| (s.space, s.start))
    }
}

fn described(found: Option<(&str, u32)>, address: u32) -> String {
    match found {
        Some((name, 0)) => name.to_owned(),
        Some((name, offset)) => format!("{name}+{offset:#x}"),
        None => format!("{address:08x}"),
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

    #[test]
    fn programs_at_one_address_are_told_apart_by_their_space() {
        let mut s = Symbols::default();
        s.extend_in(Some(1), [(0x100, 0x10, "client".to_owned())]);
        s.extend_in(Some(2), [(0x100, 0x20, "server".to_owned())]);
        assert_eq!(s.describe_in(Some(1), 0x104), "client+0x4");
        assert_eq!(s.describe_in(Some(2), 0x104), "server+0x4");
        assert_eq!(s.describe_in(Some(3), 0x104), "00000104");
        assert_eq!(s.locate("server"), Some((Some(2), 0x100)));
    }
}
