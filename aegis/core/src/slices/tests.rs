extern crate std;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: Name = Name::new(1, 1);
const B: Name = Name::new(2, 2);
const C: Name = Name::new(3, 3);

fn all(_: Name, _: bool) -> Turn {
    Turn::Taken
}

/// Those that `alive` picks take their turns.
fn only(alive: impl Fn(Name) -> bool) -> impl FnMut(Name, bool) -> Turn {
    move |name, _| if alive(name) { Turn::Taken } else { Turn::Dead }
}

#[test]
fn round_robin_in_order_of_position() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    assert_eq!(slices.next(A, all), None);
    slices.allocate(3, A).unwrap();
    slices.allocate(1, B).unwrap();
    slices.allocate(9, A).unwrap();
    let mut running = Name::NOBODY;
    let mut order = [Name::NOBODY; 6];
    for slot in &mut order {
        running = slices.next(running, all).unwrap();
        *slot = running;
    }
    assert_eq!(order, [B, A, A, B, A, A]);
}

#[test]
fn positions_are_allocated_like_pages() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    assert_eq!(slices.allocate(ANY, A), Ok(0));
    assert_eq!(slices.allocate(0, B), Err(Error::Busy));
    assert_eq!(slices.allocate(64, B), Err(Error::Invalid));
    assert_eq!(slices.free(0, B), Err(Error::Denied));
    assert_eq!(slices.free(64, A), Err(Error::Invalid));
    assert_eq!(slices.free(0, A), Ok(()));
    for _ in 0..SLICES {
        slices.allocate(ANY, B).unwrap();
    }
    assert_eq!(slices.allocate(ANY, B), Err(Error::Exhausted));
}

#[test]
fn a_synchronous_transfer_gives_all_future_turns() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    // A called B, which runs when the turn ends.
    assert_eq!(slices.next(B, all), Some(B));
    assert_eq!(slices.get(0), Some(Slice { owner: A, holder: B }));
    // B dies: the slice is A's again.
    assert_eq!(slices.next(B, only(|name| name != B)), Some(A));
}

#[test]
fn lending_ends_with_the_turn() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    slices.lend(A, B);
    // B, which has the rest, calls C; neither keeps anything.
    slices.lend(B, C);
    assert_eq!(slices.next(C, all), Some(A));
}

#[test]
fn death_and_gifts() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    slices.allocate(1, A).unwrap();
    slices.give(1, A, B).unwrap();
    assert_eq!(slices.give(1, A, C), Err(Error::Denied));
    slices.purge(A);
    assert_eq!(slices.get(0), None);
    assert_eq!(slices.next(A, only(|name| name == B)), Some(B));
    assert_eq!(slices.next(B, only(|_| false)), None);
}

#[test]
fn a_turn_does_not_touch_a_slice_that_changed_hands_in_it() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    slices.free(0, A).unwrap();
    slices.allocate(0, B).unwrap();
    assert_eq!(slices.next(A, all), Some(B));
    slices.give(0, B, C).unwrap();
    assert_eq!(slices.next(B, all), Some(C));
}

#[test]
fn what_the_dead_held_or_lent_goes_back_to_its_owner() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    assert_eq!(slices.next(B, all), Some(B));
    // B holds A's slice and lends this turn to C, which destroys B.
    slices.lend(B, C);
    slices.purge(B);
    assert_eq!(slices.get(0), Some(Slice { owner: A, holder: A }));
    assert_eq!(slices.next(C, all), Some(A));
}

#[test]
fn who_overran_pays_with_later_slices() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    for (position, owner) in [A, B, C].into_iter().enumerate() {
        slices.allocate(position as u32, owner).unwrap();
    }
    let mut owed = 2;
    let mut order = [Name::NOBODY; 7];
    let mut running = Name::NOBODY;
    for place in &mut order {
        running = slices
            .next(running, |name, pays| {
                if name == B && pays && owed > 0 {
                    owed -= 1;
                    Turn::Forfeited
                } else {
                    Turn::Taken
                }
            })
            .unwrap();
        *place = running;
    }
    assert_eq!(order, [C, A, C, A, B, C, A]);
}

#[test]
fn when_all_owe_the_machine_does_not_idle() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(5, A).unwrap();
    let turn = |_, pays| if pays { Turn::Forfeited } else { Turn::Taken };
    assert_eq!(slices.next(Name::NOBODY, turn), Some(A));
}

#[test]
fn one_slice_is_left_to_its_owner() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    assert_eq!(slices.last_but_one_of(A), None);
    slices.allocate(3, A).unwrap();
    assert_eq!(slices.last_but_one_of(A), None);
    slices.allocate(9, A).unwrap();
    slices.allocate(12, B).unwrap();
    assert_eq!(slices.last_but_one_of(A), Some(9));
}

#[test]
fn a_loan_that_is_given_back_is_over() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    slices.lend(A, B);
    slices.lend(B, C);
    slices.lend(C, A);
    // So what A does by a synchronous transfer to B is for good, although A has lent in this turn.
    assert_eq!(slices.next(B, all), Some(B));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Allocate(u32, u8),
    Free(u32, u8),
    Give(u32, u8, u8),
    /// Whoever runs yields to another, or transfers to it for good.
    Lend(u8),
    Transfer(u8),
    /// The turn ends; who is dead, and who owes a slice.
    Next(u8, u8),
    Purge(u8),
}

/// Few positions and owners, so that they meet.
fn step() -> impl Strategy<Value = Step> {
    let position = || prop_oneof![6 => 0..6u32, 1 => Just(63), 1 => Just(64), 1 => Just(ANY)];
    let who = || 0..4u8;
    prop_oneof![
        4 => (position(), who()).prop_map(|(position, who)| Step::Allocate(position, who)),
        2 => (position(), who()).prop_map(|(position, who)| Step::Free(position, who)),
        2 => (position(), who(), who()).prop_map(|(position, who, to)| Step::Give(position, who, to)),
        2 => who().prop_map(Step::Lend),
        2 => who().prop_map(Step::Transfer),
        6 => (0..16u8, 0..16u8).prop_map(|(dead, owes)| Step::Next(dead & (owes ^ 5), owes)),
        1 => who().prop_map(Step::Purge),
    ]
}

fn name(who: u8) -> Name {
    Name::new(who, u32::from(who) + 1)
}

/// What the vector is to do: slices by position, each with its owner and holder; the position whose turn it is while the slice there
/// is the same; and who gets that turn back.
#[derive(Default)]
struct Model {
    slices: BTreeMap<u32, (u8, u8)>,
    last: u32,
    turn: Option<u32>,
    lender: Option<u8>,
    running: Option<u8>,
}

impl Model {
    fn replace(&mut self, position: u32, slice: Option<(u8, u8)>) {
        match slice {
            Some(slice) => self.slices.insert(position, slice),
            None => self.slices.remove(&position),
        };
        self.turn = self.turn.filter(|turn| *turn != position);
    }

    fn next(&mut self, dead: u8, mut owes: u8) -> Option<u8> {
        if let Some(slice) = self.turn.and_then(|turn| self.slices.get_mut(&turn)) {
            // If nobody has run last, the owner holds it.
            slice.1 = self.lender.or(self.running).unwrap_or(slice.0);
        }
        (self.turn, self.lender) = (None, None);
        let mut order: std::vec::Vec<u32> = self.slices.keys().copied().collect();
        // Those behind the last one first.
        order.sort_by_key(|position| (*position <= self.last, *position));
        for pays in [true, false] {
            for position in &order {
                let (owner, holder) = self.slices.get_mut(position).expect("it is there");
                if dead >> *holder & 1 != 0 {
                    *holder = *owner;
                }
                let holder = *holder;
                if dead >> holder & 1 != 0 {
                    continue;
                }
                if pays && owes >> holder & 1 != 0 {
                    owes &= !(1 << holder);
                    continue;
                }
                (self.last, self.turn) = (*position, Some(*position));
                return Some(holder);
            }
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn turns_follow_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let mut now = Running::NEW;
        let mut slices = Slices::new(&mut now);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Allocate(position, who) => {
                    let wanted = match position {
                        ANY => (0..SLICES as u32).find(|free| !model.slices.contains_key(free)).ok_or(Error::Exhausted),
                        64.. => Err(Error::Invalid),
                        _ if model.slices.contains_key(&position) => Err(Error::Busy),
                        _ => Ok(position),
                    };
                    prop_assert_eq!(slices.allocate(position, name(who)), wanted);
                    if let Ok(position) = wanted {
                        model.slices.insert(position, (who, who));
                    }
                }
                Step::Free(position, who) | Step::Give(position, who, _) => {
                    let wanted = match model.slices.get(&position) {
                        _ if position >= SLICES as u32 => Err(Error::Invalid),
                        Some((owner, _)) if *owner == who => Ok(()),
                        _ => Err(Error::Denied),
                    };
                    let to = if let Step::Give(_, _, to) = step { Some(to) } else { None };
                    let got = match to {
                        Some(to) => slices.give(position, name(who), name(to)),
                        None => slices.free(position, name(who)),
                    };
                    prop_assert_eq!(got, wanted);
                    if wanted.is_ok() {
                        model.replace(position, to.map(|to| (to, to)));
                    }
                }
                Step::Lend(to) => {
                    if let Some(from) = model.running {
                        slices.lend(name(from), name(to));
                        // Whoever lends first has it back, until it is lent to them.
                        model.lender = model.lender.or(Some(from)).filter(|lender| *lender != to);
                        model.running = Some(to);
                    }
                }
                Step::Transfer(to) => model.running = model.running.and(Some(to)),
                Step::Next(dead, owes) => {
                    let mut left = owes;
                    let running = model.running.map_or(Name::NOBODY, name);
                    // Without anybody to run, nobody has run.
                    let got = slices.next(running, |who, pays| {
                        let bit = 1 << who.id();
                        if who == Name::NOBODY || dead & bit != 0 {
                            Turn::Dead
                        } else if pays && left & bit != 0 {
                            left &= !bit;
                            Turn::Forfeited
                        } else {
                            Turn::Taken
                        }
                    });
                    let wanted = model.next(dead, owes);
                    prop_assert_eq!(got, wanted.map(name));
                    model.running = wanted;
                }
                Step::Purge(who) => {
                    let owned: std::vec::Vec<u32> =
                        model.slices.iter().filter(|(_, slice)| slice.0 == who).map(|(at, _)| *at).collect();
                    prop_assert_eq!(slices.purge(name(who)) as usize, owned.len());
                    for position in owned {
                        model.replace(position, None);
                    }
                    for slice in model.slices.values_mut().filter(|slice| slice.1 == who) {
                        slice.1 = slice.0;
                    }
                    if model.lender == Some(who) {
                        model.lender = model.turn.map(|turn| model.slices[&turn].0);
                    }
                    if model.running == Some(who) {
                        // The kernel gives the processor to somebody else at once.
                        model.running = None;
                        let wanted = model.next(1 << who, 0);
                        let dead = [name(who), Name::NOBODY];
                        let alive = |found, _| if dead.contains(&found) { Turn::Dead } else { Turn::Taken };
                        prop_assert_eq!(slices.next(Name::NOBODY, alive), wanted.map(name));
                        model.running = wanted;
                    }
                }
            }
            let lender = model.lender.map_or(Name::NOBODY, name);
            prop_assert_eq!(slices.lender(), lender);
            prop_assert_eq!(slices.owner(), model.turn.map_or(Name::NOBODY, |turn| name(model.slices[&turn].0)));
            for position in (0..8).chain(62..SLICES as u32) {
                let wanted = model.slices.get(&position).map(|(owner, holder)| (name(*owner), name(*holder)));
                let held = |slice: Slice| if slice.holder == Name::NOBODY { slice.owner } else { slice.holder };
                prop_assert_eq!(slices.get(position).map(|slice| (slice.owner, held(slice))), wanted);
            }
            for who in 0..4 {
                let owned: std::vec::Vec<_> = model.slices.iter().filter(|(_, slice)| slice.0 == who).collect();
                let last = owned.last().filter(|_| owned.len() > 1).map(|(at, _)| **at);
                prop_assert_eq!(slices.last_but_one_of(name(who)), last);
            }
        }
    }
}

#[test]
fn a_holder_that_dies_before_its_turn_leaves_the_slice_to_its_owner() {
    let mut now = Running::NEW;
    let mut slices = Slices::new(&mut now);
    slices.allocate(0, A).unwrap();
    assert_eq!(slices.next(A, all), Some(A));
    // B was called and keeps the slice, has the next turn, and dies before that begins.
    assert_eq!(slices.next(B, all), Some(B));
    slices.purge(B);
    assert_eq!(slices.next(Name::NOBODY, all), Some(A));
    assert_eq!(slices.get(0).unwrap().holder, A);
}
