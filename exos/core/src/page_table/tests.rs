use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

extern crate std;

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, u32),
    Remove(u32),
    Find(u32),
    Run(u32, u32),
}

/// Pages as programs have them: neighbours in a few places, and some anywhere.
fn page() -> impl Strategy<Value = u32> {
    prop_oneof![0x100u32..0x180, 0x10000u32..0x10400, 0x7ffc0u32..0x7fff0, 0x80u32..0x7ffff]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (page(), any::<u32>()).prop_map(|(vpn, entry)| Step::Insert(vpn, entry)),
        3 => page().prop_map(Step::Remove),
        3 => page().prop_map(Step::Find),
        1 => (page(), 0u32..2000).prop_map(|(vpn, count)| Step::Run(vpn, count)),
        1 => Just(Step::Run(0x80, 0x7ff80)),
    ]
}

/// Gives a table longer memory with the same beginning, as its owner does.
fn grow(table: &mut dyn PageTable<'static>) {
    let old = table.release();
    let before = old.len();
    // The table sees its memory again before it is asked what it wants.
    table.extend(old);
    let units = table.wants().next_multiple_of(512);
    let old = table.release();
    assert!(units > before, "full with {before} units, and wants {units}");
    let mut longer = vec![Pte::EMPTY; units];
    longer[..before].copy_from_slice(old);
    table.extend(Box::leak(longer.into_boxed_slice()));
}

fn all(table: &mut dyn PageTable<'static>, first: u32, end: u32) -> Vec<Pte> {
    let mut found = Vec::new();
    let mut at = first;
    while at < end {
        let run = table.run(at, end);
        let Some(last) = run.last() else { break };
        at = last.vpn() + 1;
        found.extend_from_slice(run);
    }
    found
}

/// Takes steps on a table and on a map, and compares.
fn agree(table: &mut dyn PageTable<'static>, steps: &[Step]) {
    let mut model: BTreeMap<u32, Pte> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Insert(vpn, entry) => {
                let pte = Pte::new(*vpn, Soft::READ, (*entry % 64) as usize, *entry);
                if table.insert(pte).is_err() {
                    grow(table);
                    table.insert(pte).expect("there is room now");
                }
                model.insert(*vpn, pte);
            }
            Step::Remove(vpn) => assert_eq!(table.remove(*vpn), model.remove(vpn)),
            Step::Find(vpn) => assert_eq!(table.find(*vpn).copied(), model.get(vpn).copied()),
            Step::Run(vpn, count) => {
                let expected: Vec<Pte> = model.range(*vpn..vpn + count).map(|(_, pte)| *pte).collect();
                assert_eq!(all(table, *vpn, vpn + count), expected);
            }
        }
        assert_eq!(table.len(), model.len());
    }
    for (vpn, pte) in &model {
        assert_eq!(table.find(*vpn), Some(&mut pte.clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn tables_agree_with_a_map(steps in prop::collection::vec(step(), 1..1500)) {
        agree(&mut Linear::new(&mut []), &steps);
        agree(&mut Inverted::new(&mut []), &steps);
        agree(&mut Clustered::new(&mut []), &steps);
    }

    #[test]
    fn fields_read_back(vpn in 1u32..0x8_0000, soft in 0u32..64, place in 0usize..64, entry in any::<u32>()) {
        let soft = Soft::from_bits_truncate(soft);
        let mut pte = Pte::new(vpn, soft, place, entry);
        prop_assert_eq!((pte.vpn(), pte.soft(), pte.capability(), pte.entry), (vpn, soft, place, entry));
        pte.set_soft(Soft::COW);
        let pte = pte.with_capability(63 - place);
        prop_assert_eq!((pte.vpn(), pte.soft(), pte.capability()), (vpn, Soft::COW, 63 - place));
    }
}

fn filled(table: &mut dyn PageTable<'static>, pages: u32) {
    for vpn in 0x10000..0x10000 + pages {
        let pte = Pte::new(vpn, Soft::READ, 0, vpn << 12);
        if table.insert(pte).is_err() {
            grow(table);
            table.insert(pte).expect("there is room now");
        }
    }
}

#[test]
fn a_linear_table_gives_a_range_at_once_and_the_hashed_ones_by_sixteen_pages() {
    let mut linear = Linear::new(&mut []);
    filled(&mut linear, 1024);
    assert_eq!(linear.run(0x10010, 0x10074).len(), 100);
    let mut clustered = Clustered::new(&mut []);
    filled(&mut clustered, 1024);
    assert_eq!(clustered.run(0x10018, 0x10074).len(), 8);
    assert_eq!(clustered.run(0x10020, 0x10074).len(), 16);
    let mut inverted = Inverted::new(&mut []);
    filled(&mut inverted, 1024);
    assert_eq!(inverted.run(0x10018, 0x10074).len(), 8);
    assert_eq!(inverted.run(0x10020, 0x10074).len(), 16);
}

#[test]
fn neighbours_of_an_inverted_table_need_no_second_probe() {
    let mut table = Inverted::new(&mut []);
    filled(&mut table, 1024);
    assert!((0x10000..0x10400).all(|vpn| table.is_at_home(vpn)));
}

#[test]
fn an_inverted_table_takes_pages_of_one_column() {
    let mut table = Inverted::new(&mut []);
    let pages = || (0..700u32).map(|index| 0x400 + 16 * index);
    for vpn in pages() {
        let pte = Pte::new(vpn, Soft::READ, 0, vpn << 12);
        if table.insert(pte).is_err() {
            grow(&mut table);
            table.insert(pte).expect("there is room now");
        }
    }
    assert!(pages().all(|vpn| table.find(vpn).is_some_and(|pte| pte.page() == vpn)));
    for vpn in pages().step_by(2) {
        assert_eq!(table.remove(vpn).map(Pte::page), Some(vpn));
    }
    assert!(pages().enumerate().all(|(index, vpn)| table.find(vpn).is_some() == (index % 2 == 1)));
}
