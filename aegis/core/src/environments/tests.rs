use super::*;

#[test]
fn a_name_dies_with_its_environment() {
    let mut table = Environments::new();
    let first = table.create(1, Name::NOBODY).unwrap();
    let child = table.create(2, first).unwrap();
    assert_eq!(table.get(child).unwrap().parent, first);
    assert_eq!(table.remove(child).unwrap().page, 2);
    assert_eq!(table.get(child), Err(Error::NoEnvironment));
    assert_eq!(table.remove(child), Err(Error::NoEnvironment));
    let next = table.create(3, first).unwrap();
    assert_eq!(next.id(), child.id());
    assert_ne!(next, child);
    assert_eq!(table.get(child), Err(Error::NoEnvironment));
}

#[test]
fn rights_are_the_parents_and_ones_own() {
    let mut table = Environments::new();
    let first = table.create(1, Name::NOBODY).unwrap();
    let child = table.create(2, first).unwrap();
    let other = table.create(3, first).unwrap();
    assert!(table.get_as(child, first).is_ok());
    assert!(table.get_as(child, child).is_ok());
    assert_eq!(table.get_as(child, other), Err(Error::Denied));
    assert_eq!(table.get_as(first, child), Err(Error::Denied));
    assert_eq!(table.get_as(child.asynchronous(), first), Err(Error::NoEnvironment));
}

#[test]
fn a_dead_parents_children_are_its_own_parents() {
    let mut table = Environments::new();
    let first = table.create(1, Name::NOBODY).unwrap();
    let child = table.create(2, first).unwrap();
    let grandchild = table.create(3, child).unwrap();
    assert!(table.get_as(grandchild, first).is_err());
    table.remove(child).unwrap();
    assert_eq!(table.get_as(grandchild, first).map(|found| found.parent), Ok(first));
    table.remove(first).unwrap();
    assert_eq!(table.get(grandchild).map(|found| found.parent), Ok(Name::NOBODY));
}

#[test]
fn as_many_as_the_table_holds_with_distinct_tags() {
    let mut table = Environments::new();
    for round in 0..5000 {
        while let Ok(name) = table.create(0, Name::NOBODY) {
            assert!(table.living().filter(|other| other.name.tag() == name.tag()).count() == 1);
        }
        assert_eq!(table.count(), ENVIRONMENTS);
        let victim = table.living().nth(round * 7 % ENVIRONMENTS).unwrap().name;
        table.remove(victim).unwrap();
    }
}
