use super::*;
use proptest::prelude::*;

/// The first vectors of the reference paper's appendix: key 00..0f, message 00..07.
#[test]
fn siphash_of_eight_bytes() {
    let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
    assert_eq!(siphash(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
}

#[test]
fn a_capability_fits_itself_alone() {
    let (read, write) = (Capability(0x1234_5678_9abc_def0), Capability(42));
    assert_eq!(right(write, read, write), Right::Write);
    assert_eq!(right(read, read, write), Right::Read);
    for bit in 0..64 {
        assert_eq!(right(Capability(read.0 ^ 1 << bit), read, write), Right::None);
        assert_eq!(right(Capability(write.0 ^ 1 << bit), read, write), Right::None);
    }
}

#[test]
fn none_fits_nothing() {
    assert_eq!(right(Capability::NONE, Capability::NONE, Capability::NONE), Right::None);
}

#[test]
fn words_do_not_repeat_and_depend_on_the_key() {
    let mut a = Generator::new([1, 2]);
    let mut b = Generator::new([1, 3]);
    let mut seen = [0u32; 64];
    for slot in &mut seen {
        *slot = a.word();
        assert_ne!(*slot, b.word());
    }
    for (i, word) in seen.iter().enumerate() {
        assert!(!seen[i + 1..].contains(word));
    }
}

/// Capabilities that are equal, or differ in few bits, or in all.
fn near() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(1 << 32),
        Just(1 << 63),
        (0..64u32).prop_map(|bit| 1 << bit),
        any::<u64>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_is_shown_allows_what_it_is_equal_to(base in near(), a in near(), b in near(), c in near()) {
        let [presented, read, write] = [a, b, c].map(|bits| Capability(base ^ bits));
        let none = Capability::NONE;
        let wanted = if presented == write && write != none {
            Right::Write
        } else if presented == read && read != none {
            Right::Read
        } else {
            Right::None
        };
        prop_assert_eq!(right(presented, read, write), wanted);
    }
}
