use super::*;
use proptest::prelude::*;

const A: Name = Name::new(1, 1);
const B: Name = Name::new(2, 2);
const READ: Capability = Capability(11);
const WRITE: Capability = Capability(22);

fn machine(records: &mut [Page]) -> Pages<'_> {
    let mut pages = Pages::new(records);
    for number in 2..pages.count().0 as u32 {
        pages.give(number);
    }
    pages
}

#[test]
fn a_chosen_page_can_be_had_once() {
    let mut records = [Page::KERNEL; 8];
    let mut pages = machine(&mut records);
    assert_eq!(pages.allocate(5, A, READ, WRITE), Ok(Allocated { number: 5, dirty: true }));
    assert_eq!(pages.allocate(5, B, READ, WRITE), Err(Error::Busy));
    assert_eq!(pages.allocate(0, B, READ, WRITE), Err(Error::Busy));
    assert_eq!(pages.allocate(8, B, READ, WRITE), Err(Error::NoPage));
}

#[test]
fn only_the_owner_frees_and_protects() {
    let mut records = [Page::KERNEL; 8];
    let mut pages = machine(&mut records);
    pages.allocate(5, A, READ, WRITE).unwrap();
    assert_eq!(pages.free(5, B), Err(Error::Denied));
    assert_eq!(pages.protect(5, B, READ, READ), Err(Error::Denied));
    assert_eq!(pages.free(1, A), Err(Error::Denied));
    assert_eq!(pages.free(6, A), Err(Error::NoPage));
    assert_eq!(pages.free(9, A), Err(Error::NoPage));
    assert_eq!(pages.free(5, A), Ok(()));
    assert_eq!(pages.free(5, A), Err(Error::NoPage));
}

#[test]
fn a_free_page_fits_nothing_and_old_capabilities_die() {
    let mut records = [Page::KERNEL; 8];
    let mut pages = machine(&mut records);
    pages.allocate(5, A, READ, WRITE).unwrap();
    assert_eq!(pages.right(5, WRITE), Right::Write);
    pages.protect(5, A, Capability(33), Capability(44)).unwrap();
    assert_eq!(pages.right(5, WRITE), Right::None);
    pages.free(5, A).unwrap();
    assert_eq!(pages.right(5, Capability(44)), Right::None);
    assert_eq!(pages.right(5, Capability::NONE), Right::None);
}

#[test]
fn a_page_is_dirty_for_another_owner_only() {
    let mut records = [Page::KERNEL; 8];
    let mut pages = machine(&mut records);
    pages.allocate(5, A, READ, WRITE).unwrap();
    pages.free(5, A).unwrap();
    assert!(!pages.allocate(5, A, READ, WRITE).unwrap().dirty);
    pages.free(5, A).unwrap();
    assert!(pages.allocate(5, B, READ, WRITE).unwrap().dirty);
}

#[test]
fn the_dead_leave_nothing_clean_behind() {
    let mut records = [Page::KERNEL; 8];
    let mut pages = machine(&mut records);
    for number in 3..6 {
        pages.allocate(number, A, READ, WRITE).unwrap();
    }
    pages.allocate(6, B, READ, WRITE).unwrap();
    pages.free(4, A).unwrap();
    pages.purge(A);
    assert_eq!(pages.count().1, 5);
    assert_eq!(pages.get(6).map(|page| page.owner), Some(B));
    for number in 3..6 {
        assert_eq!(pages.right(number, WRITE), Right::None);
        // Even for one with the same name.
        assert!(pages.allocate(number, A, READ, WRITE).unwrap().dirty);
    }
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
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Against a model that is an array of owners.
    #[test]
    fn allocation_follows_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let mut records = [Page::KERNEL; 16];
        let mut pages = machine(&mut records);
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
                    prop_assert_eq!(pages.free(number, owner).is_ok(), mine);
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
        }
    }
}
