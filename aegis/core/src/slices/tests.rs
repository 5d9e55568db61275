use super::*;

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
