extern crate std;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
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

#[derive(Clone, Copy, Debug)]
enum Step {
    /// By the number of the parent among the living.
    Create(usize),
    Remove(usize),
    Charge(usize, usize),
    Discharge(usize, usize),
    /// A page or slice of the first one's goes to the second, or comes back.
    HandDown(usize, usize, usize),
    Limit(usize, usize, usize, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let one = || 0..8usize;
    let kind = || 0..2usize;
    prop_oneof![
        4 => one().prop_map(Step::Create),
        1 => one().prop_map(Step::Remove),
        5 => (one(), kind()).prop_map(|(who, kind)| Step::Charge(who, kind)),
        2 => (one(), kind()).prop_map(|(who, kind)| Step::Discharge(who, kind)),
        2 => (one(), one(), kind()).prop_map(|(from, to, kind)| Step::HandDown(from, to, kind)),
        3 => (one(), one(), 0..RESOURCES, prop_oneof![0..6u32, Just(u32::MAX)])
            .prop_map(|(who, by, kind, limit)| Step::Limit(who, by, kind, limit)),
    ]
}

/// What is known of one: its parent, what it has itself, and how much its family may have.
#[derive(Clone, Debug)]
struct Account {
    parent: Option<Name>,
    own: [u32; RESOURCES],
    limit: [u32; RESOURCES],
}

/// A family tree, in which everything is counted anew each time.
#[derive(Default)]
struct Model(BTreeMap<u32, Account>);

impl Model {
    fn name(&self, index: usize) -> Name {
        Name(*self.0.keys().nth(index % self.0.len()).expect("there is one"))
    }

    fn parent(&self, name: Name) -> Option<Name> {
        self.0[&name.0].parent
    }

    fn is_below(&self, name: Name, ancestor: Name) -> bool {
        name == ancestor || self.parent(name).is_some_and(|parent| self.is_below(parent, ancestor))
    }

    /// What one and its descendants have; of environments, how many descendants there are.
    fn used(&self, name: Name, kind: usize) -> u32 {
        let family = self.0.iter().filter(|(other, _)| self.is_below(Name(**other), name));
        if kind == Resource::Environments as usize {
            family.count() as u32 - 1
        } else {
            family.map(|(_, account)| account.own[kind]).sum()
        }
    }

    /// Whether one and all of its ancestors may have more.
    fn may(&self, name: Name, kind: usize) -> bool {
        self.used(name, kind) < self.0[&name.0].limit[kind]
            && self.parent(name).is_none_or(|up| self.may(up, kind))
    }
}

const KINDS: [Resource; RESOURCES] = [Resource::Pages, Resource::Slices, Resource::Environments];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn accounts_follow_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let mut books = Table::EMPTY;
        let mut table = Environments::new(&mut books);
        let mut model = Model::default();
        let mut dead: Vec<Name> = Vec::new();
        let first = table.create(7, Name::NOBODY).unwrap().0;
        model.0.insert(first.0, Account { parent: None, own: [0; RESOURCES], limit: [u32::MAX; RESOURCES] });
        for step in steps {
            match step {
                Step::Create(parent) => {
                    let parent = model.name(parent);
                    let allowed = model.may(parent, Resource::Environments as usize);
                    let created = table.create(7, parent);
                    prop_assert_eq!(created.is_ok(), allowed);
                    if let Ok((name, _)) = created {
                        prop_assert!(!dead.contains(&name) && !model.0.contains_key(&name.0));
                        prop_assert!(model.0.keys().all(|other| Name(*other).tag() != name.tag()));
                        let limit = [u32::MAX; RESOURCES];
                        model.0.insert(name.0, Account { parent: Some(parent), own: [0; RESOURCES], limit });
                    }
                }
                Step::Remove(who) => {
                    let name = model.name(who);
                    if name == first {
                        continue;
                    }
                    // It has nothing any more when it is removed.
                    let own = core::mem::take(&mut model.0.get_mut(&name.0).unwrap().own);
                    for (kind, own) in KINDS.into_iter().zip(own) {
                        table.discharge(name, kind, own);
                    }
                    table.remove(name).unwrap();
                    let gone = model.0.remove(&name.0).unwrap();
                    dead.push(name);
                    let children: Vec<u32> =
                        model.0.iter().filter(|(_, a)| a.parent == Some(name)).map(|(child, _)| *child).collect();
                    for child in &children {
                        model.0.get_mut(child).unwrap().parent = gone.parent;
                    }
                    for child in children {
                        for kind in 0..RESOURCES {
                            let used = model.used(Name(child), kind);
                            let limit = &mut model.0.get_mut(&child).unwrap().limit[kind];
                            if gone.limit[kind] != u32::MAX {
                                *limit = (*limit).min(used);
                            }
                        }
                    }
                }
                Step::Charge(who, kind) => {
                    let name = model.name(who);
                    let allowed = model.may(name, kind);
                    prop_assert_eq!(table.charge(name, KINDS[kind]).is_ok(), allowed);
                    if allowed {
                        model.0.get_mut(&name.0).unwrap().own[kind] += 1;
                    }
                }
                Step::Discharge(who, kind) => {
                    let name = model.name(who);
                    let own = &mut model.0.get_mut(&name.0).unwrap().own[kind];
                    if *own > 0 {
                        *own -= 1;
                        table.discharge(name, KINDS[kind], 1);
                    }
                }
                Step::HandDown(from, to, kind) => {
                    let (from, to) = (model.name(from), model.name(to));
                    // What the kernel asks for: a child gets what its parent has.
                    if model.parent(to) != Some(from) || model.0[&from.0].own[kind] == 0 {
                        continue;
                    }
                    let allowed = model.used(to, kind) < model.0[&to.0].limit[kind];
                    prop_assert_eq!(table.hand_down(to, from, KINDS[kind]).is_ok(), allowed);
                    if allowed && to.0 % 2 == 0 {
                        table.hand_back(to, from, KINDS[kind]);
                    } else if allowed {
                        model.0.get_mut(&from.0).unwrap().own[kind] -= 1;
                        model.0.get_mut(&to.0).unwrap().own[kind] += 1;
                    }
                }
                Step::Limit(who, by, kind, limit) => {
                    let (name, by) = (model.name(who), model.name(by));
                    let wanted =
                        if model.parent(name) == Some(by) { Ok(model.used(name, kind)) } else { Err(Error::Denied) };
                    prop_assert_eq!(table.limit(name, by, KINDS[kind], limit), wanted);
                    if wanted.is_ok() {
                        model.0.get_mut(&name.0).unwrap().limit[kind] = limit;
                    }
                }
            }
            prop_assert_eq!(table.count(), model.0.len());
            for (name, account) in &model.0 {
                let name = Name(*name);
                let found = table.get(name).unwrap();
                prop_assert_eq!(found.parent, account.parent.unwrap_or(Name::NOBODY));
                let used = [0, 1, 2].map(|kind| found.used(KINDS[kind]));
                prop_assert_eq!(used, [0, 1, 2].map(|kind| model.used(name, kind)));
                prop_assert_eq!(table.tagged(name.tag()).map(|found| found.name), Some(name));
            }
            for name in &dead {
                prop_assert_eq!(table.get(*name), Err(Error::NoEnvironment));
            }
        }
    }
}
