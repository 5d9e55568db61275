extern crate std;
use super::*;
use proptest::prelude::*;
use std::vec::Vec;

const A: Owner = Owner { name: Name::new(1, 1), serial: 1 };
const B: Owner = Owner { name: Name::new(2, 2), serial: 2 };
const READ: Capability = Capability(11);
const WRITE: Capability = Capability(22);

/// The books of a machine of so many pages.
struct Books<const N: usize> {
    header: Header,
    map: [Entry; N],
    records: [Record; N],
}

impl<const N: usize> Books<N> {
    fn new() -> Self {
        Self {
            header: Header { pages: 0, free: 0, first_free: 0, last_free: 0 },
            map: [Entry { owner: 0, next: 0 }; N],
            records: [Record::NONE; N],
        }
    }

    /// All pages but the first two are free.
    fn machine(&mut self) -> Pages<'_> {
        let mut pages = Pages::new(&mut self.header, &mut self.map, &mut self.records);
        for number in 2..N as u32 {
            pages.give(number);
        }
        pages
    }
}

#[test]
fn a_chosen_page_can_be_had_once() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    assert_eq!(pages.allocate(5, A, READ, WRITE), Ok(Allocated { number: 5, dirty: true }));
    assert_eq!(pages.allocate(5, B, READ, WRITE), Err(Error::Busy));
    assert_eq!(pages.allocate(0, B, READ, WRITE), Err(Error::Busy));
    assert_eq!(pages.allocate(8, B, READ, WRITE), Err(Error::NoPage));
}

#[test]
fn only_the_owner_frees_and_protects() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    pages.allocate(5, A, READ, WRITE).unwrap();
    assert_eq!(pages.free(5, B.name), Err(Error::Denied));
    assert_eq!(pages.protect(5, B.name, READ, READ), Err(Error::Denied));
    assert_eq!(pages.free(1, A.name), Err(Error::Denied));
    assert_eq!(pages.free(6, A.name), Err(Error::NoPage));
    assert_eq!(pages.free(9, A.name), Err(Error::NoPage));
    assert_eq!(pages.free(5, A.name), Ok(()));
    assert_eq!(pages.free(5, A.name), Err(Error::NoPage));
}

#[test]
fn a_free_page_fits_nothing_and_old_capabilities_die() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    pages.allocate(5, A, READ, WRITE).unwrap();
    assert_eq!(pages.right(5, WRITE), Right::Write);
    pages.protect(5, A.name, Capability(33), Capability(44)).unwrap();
    assert_eq!(pages.right(5, WRITE), Right::None);
    pages.free(5, A.name).unwrap();
    assert_eq!(pages.right(5, Capability(44)), Right::None);
    assert_eq!(pages.right(5, Capability::NONE), Right::None);
}

#[test]
fn a_page_is_dirty_for_another_owner_only() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    pages.allocate(5, A, READ, WRITE).unwrap();
    pages.free(5, A.name).unwrap();
    assert!(!pages.allocate(5, A, READ, WRITE).unwrap().dirty);
    pages.free(5, A.name).unwrap();
    assert!(pages.allocate(5, B, READ, WRITE).unwrap().dirty);
}

#[test]
fn a_name_that_is_used_again_finds_its_pages_dirty() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    pages.allocate(5, A, READ, WRITE).unwrap();
    pages.free(5, A.name).unwrap();
    let again = Owner { serial: 3, ..A };
    assert!(pages.allocate(5, again, READ, WRITE).unwrap().dirty);
}

#[test]
fn bindings_are_none_one_or_many() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    assert_eq!(pages.bound(5), Bound::None);
    pages.bind(5, 0x8020_0200);
    pages.bind(5, 0x8020_0200);
    assert_eq!(pages.bound(5), Bound::At(0x8020_0200));
    pages.bind(5, 0x8020_0204);
    assert_eq!(pages.bound(5), Bound::Many);
    pages.bind(5, 0x8020_0204);
    assert_eq!(pages.bound(5), Bound::Many);
    pages.unbind(5);
    assert_eq!(pages.bound(5), Bound::None);
}

#[test]
fn freed_pages_are_given_last_and_neighbours_together() {
    let mut books = Books::<8>::new();
    let mut pages = books.machine();
    let next = |pages: &mut Pages<'_>| pages.allocate(ANY, A, READ, WRITE).unwrap().number;
    assert_eq!([next(&mut pages), next(&mut pages)], [2, 3]);
    pages.free(2, A.name).unwrap();
    assert_eq!([next(&mut pages), next(&mut pages), next(&mut pages)], [4, 5, 6]);
    assert_eq!([next(&mut pages), next(&mut pages)], [7, 2]);
    assert_eq!(pages.allocate(ANY, A, READ, WRITE), Err(Error::Exhausted));
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(u32, bool),
    Free(u32, bool),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (prop_oneof![Just(ANY), 0..20u32], any::<bool>()).prop_map(|(n, who)| Step::Allocate(n, who)),
        (0..20u32, any::<bool>()).prop_map(|(n, who)| Step::Free(n, who)),
        Just(Step::Take),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    /// Against a model that is an array of owners.
    #[test]
    fn allocation_follows_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let mut books = Books::<16>::new();
        let mut pages = books.machine();
        let mut model: [Option<u8>; 16] = [None; 16];
        model[0] = Some(9);
        model[1] = Some(9);
        for step in steps {
            match step {
                Step::Allocate(number, who) => {
                    let owner = if who { A } else { B };
                    match pages.allocate(number, owner, READ, WRITE) {
                        Ok(Allocated { number: got, .. }) => {
                            prop_assert!(number == ANY || number == got);
                            prop_assert_eq!(model[got as usize], None);
                            model[got as usize] = Some(u8::from(who));
                        }
                        Err(Error::Exhausted) => prop_assert!(model.iter().all(Option::is_some)),
                        Err(Error::Busy) => prop_assert!(model[number as usize].is_some()),
                        Err(error) => prop_assert!(error == Error::NoPage && number >= 16),
                    }
                }
                Step::Free(number, who) => {
                    let owner = if who { A } else { B };
                    let mine = model.get(number as usize) == Some(&Some(u8::from(who)));
                    prop_assert_eq!(pages.free(number, owner.name).is_ok(), mine);
                    if mine {
                        model[number as usize] = None;
                    }
                }
                Step::Take => match pages.take() {
                    Ok(got) => {
                        prop_assert_eq!(model[got as usize], None);
                        model[got as usize] = Some(9);
                    }
                    Err(_) => prop_assert!(model.iter().all(Option::is_some)),
                },
            }
            prop_assert_eq!(pages.count().1, model.iter().filter(|owner| owner.is_none()).count());
            // Each list holds the pages that it should, each once.
            for (owner, code) in [(A, 1), (B, 0)] {
                let mut listed: Vec<u32> = pages.of(owner.name).collect();
                listed.sort_unstable();
                let owned = (0..16u32).filter(|number| model[*number as usize] == Some(code));
                prop_assert_eq!(listed, owned.collect::<Vec<_>>());
            }
            let mut listed: Vec<u32> = pages.free_list().collect();
            listed.sort_unstable();
            let free = (0..16u32).filter(|number| model[*number as usize].is_none());
            prop_assert_eq!(listed, free.collect::<Vec<_>>());
        }
    }
}
