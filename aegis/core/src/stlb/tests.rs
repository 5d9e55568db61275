extern crate std;
use super::*;
use proptest::prelude::*;
use std::boxed::Box;
use std::collections::BTreeMap;

fn table() -> Box<[Binding; STLB_ENTRIES]> {
    Box::new([Binding::EMPTY; STLB_ENTRIES])
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u8, u32, u32),
    Remove(u8, u32),
    Purge(u32),
    Range(u8, u32, u32),
}

fn step() -> impl Strategy<Value = Step> {
    // Few ids and pages, so that entries meet.
    let place = (0..6u8, prop_oneof![0x80..0x88u32, 0x480..0x488u32]);
    prop_oneof![
        4 => (place.clone(), 1..8u32).prop_map(|((id, vpn), page)| Step::Insert(id * 16, vpn, page << 12 | 0x200)),
        2 => place.prop_map(|(id, vpn)| Step::Remove(id * 16, vpn)),
        1 => (1..8u32).prop_map(Step::Purge),
        1 => (0..6u8, 0x7e..0x8au32, prop_oneof![0..6u32, 1000..9000u32])
            .prop_map(|(id, vpn, count)| Step::Range(id * 16, vpn, count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Against a map: the STLB never answers with what was removed, replaced or purged, and forgets nothing
    /// but what a later binding took the place of.
    #[test]
    fn it_is_a_map_that_forgets(steps in proptest::collection::vec(step(), 1..120)) {
        let mut entries = table();
        let mut stlb = Stlb::new(&mut entries);
        let mut model: BTreeMap<(u8, u32), u32> = BTreeMap::new();
        let name = |id: u8| Name::new(id, u32::from(id));
        for step in steps {
            match step {
                Step::Insert(id, vpn, mapping) => {
                    stlb.insert(name(id), vpn, mapping);
                    model.retain(|(other, page), _| index(name(*other), *page) != index(name(id), vpn));
                    model.insert((id, vpn), mapping);
                }
                Step::Remove(id, vpn) => {
                    stlb.remove(name(id), vpn);
                    model.remove(&(id, vpn));
                }
                Step::Range(id, vpn, count) => {
                    stlb.remove_range(name(id), vpn..vpn + count);
                    model.retain(|(other, page), _| *other != id || !(vpn..vpn + count).contains(page));
                }
                Step::Purge(page) => {
                    stlb.retain(|binding| binding.mapping >> 12 != page);
                    model.retain(|_, mapping| *mapping >> 12 != page);
                }
            }
            for id in (0..6u8).map(|id| id * 16) {
                for vpn in (0x80..0x88).chain(0x480..0x488) {
                    prop_assert_eq!(stlb.get(name(id), vpn), model.get(&(id, vpn)).copied());
                }
            }
        }
        prop_assert_eq!(stlb.bindings().count(), model.len());
    }
}

#[test]
fn a_range_is_forgotten_whole_whether_all_of_it_is_bound() {
    const PAGES: core::ops::Range<u32> = 0x3f8..0x410; // over the end of the table
    let name = Name(16);
    for (start, count, missing) in (0..6)
        .flat_map(|start| (0..12).flat_map(move |count| (0..24).map(move |missing| (start, count, missing))))
    {
        let mut memory = table();
        let mut stlb = Stlb::new(&mut memory);
        let bound = |vpn: u32| vpn != PAGES.start + missing;
        PAGES.filter(|vpn| bound(*vpn)).for_each(|vpn| stlb.insert(name, vpn, vpn << 12 | 0x200));
        let range = PAGES.start + start..PAGES.start + start + count;
        stlb.remove_range(name, range.clone());
        for vpn in PAGES {
            let kept = bound(vpn) && !range.contains(&vpn);
            assert_eq!(
                stlb.get(name, vpn).is_some(),
                kept,
                "{vpn:#x} after {range:x?}, without page {missing}"
            );
        }
    }
}
