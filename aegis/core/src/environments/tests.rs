extern crate std;
use super::*;
use std::vec::Vec;

#[test]
fn a_name_dies_with_its_environment() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    assert_eq!(table.get(child).unwrap().parent, first);
    assert_eq!(table.remove(child).unwrap().page, 2);
    assert_eq!(table.get(child), Err(Error::NoEnvironment));
    assert_eq!(table.remove(child), Err(Error::NoEnvironment));
    let next = table.create(3, first).unwrap().0;
    assert_eq!(next.id(), child.id());
    assert_ne!(next, child);
    assert_eq!(table.get(child), Err(Error::NoEnvironment));
}

#[test]
fn rights_are_the_parents_and_ones_own() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    let other = table.create(3, first).unwrap().0;
    assert!(table.get_as(child, first).is_ok());
    assert!(table.get_as(child, child).is_ok());
    assert_eq!(table.get_as(child, other), Err(Error::Denied));
    assert_eq!(table.get_as(first, child), Err(Error::Denied));
    assert_eq!(table.get_as(child.asynchronous(), first), Err(Error::NoEnvironment));
}

#[test]
fn a_dead_parents_children_are_its_own_parents() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    let grandchild = table.create(3, child).unwrap().0;
    assert!(table.get_as(grandchild, first).is_err());
    table.remove(child).unwrap();
    assert_eq!(table.get_as(grandchild, first).map(|found| found.parent), Ok(first));
    table.remove(first).unwrap();
    assert_eq!(table.get(grandchild).map(|found| found.parent), Ok(Name::NOBODY));
}

#[test]
fn as_many_as_the_table_holds_with_distinct_tags() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    // Tags of the dead, since all that they had left behind was forgotten.
    let mut left = std::collections::BTreeSet::new();
    let mut forgotten = 0;
    for round in 0..5000 {
        while let Ok((name, used)) = table.create(0, Name::NOBODY) {
            assert!(table.living().filter(|other| other.name.tag() == name.tag()).count() == 1);
            assert_eq!(used, left.contains(&name.tag()), "tag {:x} in round {round}", name.tag());
            if used {
                left.clear();
                forgotten += 1;
            }
        }
        assert_eq!(table.count(), ENVIRONMENTS);
        let victim = table.living().nth(round * 7 % ENVIRONMENTS).unwrap().name;
        table.remove(victim).unwrap();
        left.insert(victim.tag());
    }
    assert!((4..40).contains(&forgotten), "forgotten {forgotten} times");
}

#[test]
fn a_tag_finds_its_environment() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    assert_eq!(table.tagged(child.tag()).map(|found| found.name), Some(child));
    table.remove(child).unwrap();
    assert_eq!(table.tagged(child.tag()), None);
    assert_eq!(table.tagged(first.tag()).map(|found| found.name), Some(first));
}

#[test]
fn the_first_environments_differ_in_the_high_bits_of_their_address_spaces() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let spaces = [(); 4].map(|()| table.create(0, Name::NOBODY).unwrap().0.address_space() >> 4);
    assert_eq!(spaces, [0, 2, 1, 3]);
    let mut all: Vec<u32> = table.living().map(|found| found.name.address_space()).collect();
    while table.count() < 64 {
        all.push(table.create(0, Name::NOBODY).unwrap().0.address_space());
    }
    all.sort_unstable();
    assert_eq!(all, (0..64).collect::<Vec<_>>());
}

#[test]
fn a_limit_holds_for_all_descendants_together() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    let grandchild = table.create(3, child).unwrap().0;
    assert_eq!(table.limit(child, first, Resource::Pages, 3), Ok(0));
    assert_eq!(table.limit(grandchild, first, Resource::Pages, 3), Err(Error::Denied));
    assert_eq!(table.limit(child, child, Resource::Pages, 9), Err(Error::Denied));
    for who in [child, grandchild, grandchild] {
        table.charge(who, Resource::Pages).unwrap();
    }
    for who in [child, grandchild] {
        assert_eq!(table.charge(who, Resource::Pages), Err(Error::Exhausted));
    }
    table.charge(first, Resource::Pages).unwrap();
    assert_eq!(table.get(first).unwrap().used(Resource::Pages), 4);
    table.discharge(grandchild, Resource::Pages, 2);
    assert_eq!(table.get(child).unwrap().used(Resource::Pages), 1);
    assert_eq!(table.get(first).unwrap().used(Resource::Pages), 2);
    table.charge(child, Resource::Pages).unwrap();
}

#[test]
fn environments_are_limited_too() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let child = table.create(2, first).unwrap().0;
    table.limit(child, first, Resource::Environments, 1).unwrap();
    let grandchild = table.create(3, child).unwrap().0;
    assert_eq!(table.create(4, grandchild), Err(Error::Exhausted));
    table.remove(grandchild).unwrap();
    assert!(table.create(4, child).is_ok());
    // The child's own death gives back what it was, and its orphans stay on the account of its parent.
    assert_eq!(table.get(first).unwrap().used(Resource::Environments), 2);
    table.remove(child).unwrap();
    assert_eq!(table.get(first).unwrap().used(Resource::Environments), 1);
}

#[test]
fn what_is_handed_down_is_charged_to_the_child_alone() {
    let mut books = Table::EMPTY;
    let mut table = Environments::new(&mut books);
    let first = table.create(1, Name::NOBODY).unwrap().0;
    let parent = table.create(2, first).unwrap().0;
    let child = table.create(3, parent).unwrap().0;
    let used = |table: &Environments<'_>| {
        [first, parent, child].map(|name| table.get(name).unwrap().used(Resource::Slices))
    };
    table.charge(parent, Resource::Slices).unwrap();
    // A parent that has all it may have can still give it to its child.
    table.limit(parent, first, Resource::Slices, 1).unwrap();
    table.hand_down(child, parent, Resource::Slices).unwrap();
    assert_eq!(used(&table), [1, 1, 1]);
    table.hand_back(child, parent, Resource::Slices);
    assert_eq!(used(&table), [1, 1, 0]);
    table.hand_down(parent, parent, Resource::Slices).unwrap();
    table.hand_back(parent, parent, Resource::Slices);
    assert_eq!(used(&table), [1, 1, 0]);
    table.limit(child, parent, Resource::Slices, 0).unwrap();
    assert_eq!(table.hand_down(child, parent, Resource::Slices), Err(Error::Exhausted));
    assert_eq!(used(&table), [1, 1, 0]);
}
