extern crate std;
use super::*;
use aegis_abi::environment::REPOSSESSIONS;
use aegis_abi::map::{Entry, Header, key};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use crate::pages::{Owner, Record};
use crate::slices::{Running, Slices};

const A: Owner = Owner { name: Name::new(1, 1), serial: 1 };
const B: Owner = Owner { name: Name::new(2, 2), serial: 2 };
const READ: Capability = Capability(11);
/// The first is what pages are allocated with.
const WRITE: [Capability; 3] = [Capability(22), Capability(33), Capability(44)];
const NO_WISH: Revocation = Revocation { wanted: [0; 2], deadline: 0, untold: 0 };
/// Pages of the machine; the first two are the kernel's.
const PAGES: u32 = 28;

#[test]
fn a_wish_is_for_pages_or_slices() {
    for resource in [2, 3, u32::MAX] {
        let mut wish = NO_WISH;
        assert_eq!(ask(&mut wish, resource, 1, NOW), Err(Error::Invalid));
        assert_eq!(wish, NO_WISH);
    }
    let mut wish = NO_WISH;
    assert_eq!(ask(&mut wish, 1, 7, 3), Ok(false));
    assert_eq!(wish, Revocation { wanted: [0, 7], deadline: 3, untold: 1 });
    assert_eq!(ask(&mut wish, 0, 5, NOW), Ok(true));
    assert_eq!(wish, Revocation { wanted: [5, 7], deadline: 0, untold: 1 });
}

#[test]
fn a_deadline_passes_once() {
    let mut wish = NO_WISH;
    ask(&mut wish, 0, 1, 3).unwrap();
    let passes = [(); 6].map(|()| turn_ends(&mut wish));
    assert_eq!(passes, [false, false, true, false, false, false]);
}

#[test]
fn what_is_given_back_counts_and_no_more_than_was_wanted() {
    let mut wish = NO_WISH;
    ask(&mut wish, 0, 1, 3).unwrap();
    for resource in [Resource::Slices, Resource::Environments, Resource::Pages, Resource::Pages] {
        given_back(&mut wish, resource);
    }
    assert_eq!(wish.wanted, [0; 2]);
    // The deadline passes, and nothing is taken.
    let (force, mut loss) = (Force::begin(&mut wish), Repossession::NONE);
    assert_eq!(force.next(), None);
    assert!(!force.end(&mut loss));
    assert_eq!(loss, Repossession::NONE);
}

#[test]
fn a_loss_is_told_before_a_wish() {
    let (mut wish, mut loss) = (NO_WISH, Repossession::NONE);
    assert_eq!(news(&wish, &loss, true, true), None);
    wish.untold = 1;
    loss.untold = 1;
    assert_eq!(news(&wish, &loss, true, true), Some(News::Loss));
    assert_eq!(news(&wish, &loss, true, false), Some(News::Wish));
    assert_eq!(news(&wish, &loss, false, false), None);
}

#[test]
fn slices_that_cannot_be_taken_are_no_emergency() {
    let mut wish = Revocation { wanted: [0, 4], ..NO_WISH };
    let (mut force, mut loss) = (Force::begin(&mut wish), Repossession::NONE);
    assert_eq!(force.next(), Some(Resource::Slices));
    force.none_left(Resource::Slices);
    assert_eq!(force.next(), None);
    assert!(!force.end(&mut loss));
    assert_eq!(loss, Repossession::NONE);
}

/// What happens to the environment A, in a machine in which B has the rest.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A page is allocated by A, or by B.
    Allocate(u32, bool),
    Free(u32),
    /// A page can be written with another capability.
    Protect(u32, usize),
    /// A pins a page in its second segment, or unpins what is there.
    Pin(u32, u32),
    Unpin(u32),
    /// A page is bound elsewhere: in the first segment of A or of B.
    Bind(u32, bool),
    AllocateSlice(u32),
    FreeSlice(u32),
    Load(u32, u32, usize),
    Revoke(u32, u32, u32),
    TurnEnds,
    /// A's slice starts; whether it has a handler for a wish, and for a loss.
    Start(bool, bool),
    /// A has read the vector.
    Done,
}

fn step() -> impl Strategy<Value = Step> {
    let page = || prop_oneof![12 => 2..PAGES, 1 => Just(ANY), 1 => Just(0), 1 => Just(PAGES)];
    let vpn = || prop_oneof![8 => 2..16u32, 1 => 120..128u32];
    let count = prop_oneof![6 => 0..4u32, 2 => 4..30u32, 1 => Just(u32::MAX)];
    let deadline = prop_oneof![1 => Just(0), 3 => 1..4u32, 4 => Just(NOW)];
    prop_oneof![
        8 => (page(), any::<bool>()).prop_map(|(page, mine)| Step::Allocate(page, mine)),
        2 => page().prop_map(Step::Free),
        2 => (page(), 0..3usize).prop_map(|(page, write)| Step::Protect(page, write)),
        12 => (vpn(), page()).prop_map(|(vpn, page)| Step::Pin(vpn, page)),
        2 => vpn().prop_map(Step::Unpin),
        2 => (page(), any::<bool>()).prop_map(|(page, mine)| Step::Bind(page, mine)),
        2 => (0..6u32).prop_map(Step::AllocateSlice),
        1 => (0..6u32).prop_map(Step::FreeSlice),
        4 => (0..9u32, page(), 0..3usize).prop_map(|(at, page, write)| Step::Load(at, page, write)),
        5 => (0..3u32, count, deadline).prop_map(|(kind, count, deadline)| Step::Revoke(kind, count, deadline)),
        4 => Just(Step::TurnEnds),
        2 => any::<(bool, bool)>().prop_map(|(wish, loss)| Step::Start(wish, loss)),
        1 => Just(Step::Done),
    ]
}

/// A machine, as far as revocation is concerned, in which is done what it answers.
struct Machine<'a> {
    pages: Pages<'a>,
    slices: Slices<'a>,
    backings: std::boxed::Box<Backings>,
    guaranteed: [u32; GUARANTEED_PAGES],
    wish: Revocation,
    loss: Repossession,
}

impl Machine<'_> {
    fn free(&mut self, page: u32) -> Result<(), Error> {
        self.pages.check_owner(page, A.name)?;
        for entry in self.guaranteed.iter_mut().filter(|entry| **entry >> PAGE_SHIFT == page) {
            *entry = 0;
        }
        self.pages.unbind(page);
        self.pages.free(page, A.name)?;
        given_back(&mut self.wish, Resource::Pages);
        Ok(())
    }

    fn pin(&mut self, vpn: u32, page: u32) -> Result<(), Error> {
        self.pages.used(page)?;
        self.pages.bind(page, key(A.name, vpn));
        self.guaranteed[vpn as usize] = page << PAGE_SHIFT | 0x200;
        Ok(())
    }

    /// Does what is to be done; tells what was saved where.
    fn repossess(&mut self) -> Vec<(u32, u32)> {
        let mut copies = Vec::new();
        let mut force = Force::begin(&mut self.wish);
        while let Some(resource) = force.next() {
            let found = if resource == Resource::Pages {
                victim(&self.pages, A.name, &self.guaranteed)
            } else {
                self.slices.last_but_one_of(A.name)
            };
            let Some(number) = found else {
                force.none_left(resource);
                continue;
            };
            let mut saved = None;
            if resource == Resource::Pages {
                saved = self.backings.take(A.name, &self.pages, number);
                copies.extend(saved.map(|to| (number, to)));
                self.free(number).unwrap();
            } else {
                self.slices.free(number, A.name).unwrap();
            }
            force.took(&mut self.loss, resource, number, saved.unwrap_or(ANY));
        }
        force.end(&mut self.loss);
        copies
    }
}

/// What is to be: A's pages, those that it had last first; everybody's pages with what they can be written with;
/// what A has pinned and loaded; its slices; what is wanted of it, until when, and what it has lost.
#[derive(Default)]
struct Model {
    mine: Vec<u32>,
    write: BTreeMap<u32, Capability>,
    pinned: BTreeMap<u32, u32>,
    loaded: BTreeMap<u32, (u32, Capability)>,
    slices: BTreeSet<u32>,
    wanted: [u32; 2],
    turns: Option<u32>,
    wish_untold: bool,
    losses: Vec<(Resource, u32, Option<u32>)>,
    emergency: u32,
    loss_untold: bool,
}

impl Model {
    /// The pages that may never be taken: those behind the first eight mappings of its own pages.
    fn reserve(&self) -> Vec<u32> {
        self.pinned.values().copied().filter(|page| self.mine.contains(page)).take(8).collect()
    }

    fn free(&mut self, page: u32) {
        self.mine.retain(|mine| *mine != page);
        self.write.remove(&page);
        self.pinned.retain(|_, pinned| *pinned != page);
    }

    fn give_back(&mut self, resource: Resource) {
        let wanted = &mut self.wanted[resource as usize];
        *wanted = wanted.max(&mut 1).wrapping_sub(1);
    }

    /// All that is wanted is taken; tells what was saved where.
    fn force(&mut self) -> Vec<(u32, u32)> {
        let [pages, slices] = core::mem::take(&mut self.wanted);
        (self.turns, self.wish_untold) = (None, false);
        let mut copies = Vec::new();
        let before = self.losses.len();
        let loose =
            self.mine.iter().copied().filter(|page| !self.pinned.values().any(|pinned| pinned == page));
        let loose: Vec<u32> = loose.collect();
        let reserve = self.reserve();
        // Then the pinned ones from the end of the second segment, each as often as it is there.
        let mut order = loose;
        for page in self.pinned.values().rev() {
            if self.mine.contains(page) && !reserve.contains(page) && !order.contains(page) {
                order.push(*page);
            }
        }
        let missing = pages - (order.len() as u32).min(pages);
        for page in order.into_iter().take(pages as usize) {
            let fits = |(at, entry): (&u32, &(u32, Capability))| {
                (entry.0 != page && self.write.get(&entry.0) == Some(&entry.1)).then_some(*at)
            };
            let saved = self.loaded.iter().find_map(fits).map(|at| self.loaded.remove(&at).unwrap().0);
            copies.extend(saved.map(|to| (page, to)));
            self.losses.push((Resource::Pages, page, saved));
            self.free(page);
        }
        for _ in 0..slices {
            if self.slices.len() < 2 {
                break;
            }
            self.losses.push((Resource::Slices, self.slices.pop_last().unwrap(), None));
        }
        if self.losses.len() > before || missing > 0 {
            (self.loss_untold, self.emergency) = (true, missing);
        }
        copies
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn revocation_follows_the_model(
        owned in 0..16usize, steps in proptest::collection::vec(step(), 1..50)
    ) {
        let mut header = Header { pages: 0, free: 0, first_free: 0, last_free: 0 };
        let (mut map, mut records) =
            ([Entry { owner: 0, next: 0 }; PAGES as usize], [Record::NONE; PAGES as usize]);
        let mut running = Running::NEW;
        let mut machine = Machine {
            pages: Pages::new(&mut header, &mut map, &mut records),
            slices: Slices::new(&mut running),
            backings: std::boxed::Box::new(Backings::EMPTY),
            guaranteed: [0; GUARANTEED_PAGES],
            wish: NO_WISH,
            loss: Repossession::NONE,
        };
        (2..PAGES).for_each(|page| machine.pages.give(page));
        let mut model = Model::default();
        // So many that the reserve is full in most cases, all but a few of them pinned.
        for (index, vpn) in (0..owned).zip(2..) {
            let page = machine.pages.allocate(ANY, A, READ, WRITE[0]).unwrap().number;
            model.mine.insert(0, page);
            model.write.insert(page, WRITE[0]);
            if index % 5 != 4 {
                machine.pin(vpn, page).unwrap();
                model.pinned.insert(vpn, page);
            }
        }
        for step in steps {
            let reserve = model.reserve();
            let (mut copies, mut wanted_copies) = (Vec::new(), Vec::new());
            match step {
                Step::Allocate(page, mine) => {
                    if let Ok(allocated) = machine.pages.allocate(page, if mine { A } else { B }, READ, WRITE[0]) {
                        model.write.insert(allocated.number, WRITE[0]);
                        if mine {
                            model.mine.insert(0, allocated.number);
                        }
                    }
                }
                Step::Free(page) => {
                    let mine = model.mine.contains(&page);
                    prop_assert_eq!(machine.free(page).is_ok(), mine);
                    if mine {
                        model.free(page);
                        model.give_back(Resource::Pages);
                    }
                }
                Step::Protect(page, write) => {
                    // Where another was to be written with, it can be read with.
                    let read = WRITE[(write + 1) % 3];
                    let done = [A, B].map(|owner| machine.pages.protect(page, owner.name, read, WRITE[write]));
                    if done.iter().any(Result::is_ok) {
                        model.write.insert(page, WRITE[write]);
                    }
                }
                Step::Pin(vpn, page) => {
                    if machine.pin(vpn, page).is_ok() {
                        model.pinned.insert(vpn, page);
                    }
                }
                Step::Unpin(vpn) => {
                    // What may be bound is not known to be unbound.
                    machine.guaranteed[vpn as usize] = 0;
                    model.pinned.remove(&vpn);
                }
                Step::Bind(page, mine) => {
                    if machine.pages.used(page).is_ok() {
                        machine.pages.bind(page, key(if mine { A.name } else { B.name }, 0x90));
                    }
                }
                Step::AllocateSlice(position) => {
                    if machine.slices.allocate(position, A.name).is_ok() {
                        model.slices.insert(position);
                    }
                }
                Step::FreeSlice(position) => {
                    let freed = machine.slices.free(position, A.name).is_ok();
                    prop_assert_eq!(freed, model.slices.remove(&position));
                    if freed {
                        given_back(&mut machine.wish, Resource::Slices);
                        model.give_back(Resource::Slices);
                    }
                }
                Step::Load(at, page, write) => {
                    let capability = WRITE[write];
                    let kernels = page < 2;
                    let wanted = match model.write.get(&page) {
                        _ if at >= 8 => Err(Error::Invalid),
                        _ if page == ANY => Ok(()),
                        Some(found) if *found == capability => Ok(()),
                        None if !kernels => Err(Error::NoPage),
                        _ => Err(Error::Denied),
                    };
                    prop_assert_eq!(machine.backings.load(A.name, at, &machine.pages, page, capability), wanted);
                    if wanted.is_ok() {
                        model.loaded.remove(&at);
                        if page != ANY {
                            model.loaded.insert(at, (page, capability));
                        }
                    }
                }
                Step::Revoke(resource, count, deadline) => {
                    let answer = ask(&mut machine.wish, resource, count, deadline);
                    prop_assert_eq!(answer.is_ok(), resource < 2);
                    if answer == Ok(true) {
                        copies = machine.repossess();
                    }
                    if resource < 2 {
                        model.wanted[resource as usize] = count;
                        (model.turns, model.wish_untold) = (Some(deadline).filter(|turns| *turns > 0), true);
                        if deadline == u32::MAX {
                            wanted_copies = model.force();
                        }
                    }
                }
                Step::TurnEnds => {
                    if turn_ends(&mut machine.wish) {
                        copies = machine.repossess();
                    }
                    model.turns = model.turns.map(|turns| turns - 1);
                    if model.turns == Some(0) {
                        wanted_copies = model.force();
                    }
                }
                Step::Start(hears_wish, hears_loss) => {
                    let told = news(&machine.wish, &machine.loss, hears_wish, hears_loss);
                    match told {
                        Some(News::Loss) => machine.loss.untold = 0,
                        Some(News::Wish) => machine.wish.untold = 0,
                        None => {}
                    }
                    let wanted = if model.loss_untold && hears_loss {
                        model.loss_untold = false;
                        Some(News::Loss)
                    } else if model.wish_untold && hears_wish {
                        model.wish_untold = false;
                        Some(News::Wish)
                    } else {
                        None
                    };
                    prop_assert_eq!(told, wanted);
                }
                Step::Done => {
                    machine.loss = Repossession::NONE;
                    model.losses.clear();
                    (model.emergency, model.loss_untold) = (0, false);
                }
            }
            prop_assert_eq!(copies, wanted_copies);
            prop_assert_eq!(machine.pages.of(A.name).collect::<Vec<_>>(), &*model.mine);
            if matches!(step, Step::Revoke(..) | Step::TurnEnds) {
                prop_assert!(reserve.iter().all(|page| model.mine.contains(page)));
            }
            let entries = (0..).zip(machine.guaranteed).filter(|(_, entry)| *entry != 0);
            let pinned: BTreeMap<u32, u32> = entries.map(|(vpn, entry)| (vpn, entry >> PAGE_SHIFT)).collect();
            prop_assert_eq!(&pinned, &model.pinned);
            let slices: BTreeSet<u32> = (0..8).filter(|at| machine.slices.get(*at).is_some()).collect();
            prop_assert_eq!(&slices, &model.slices);
            for (at, backing) in (0..).zip(&machine.backings.0[A.name.id() as usize]) {
                let wanted = model.loaded.get(&at).map(|entry| entry.0);
                prop_assert_eq!(Some(backing.page).filter(|page| *page != ANY), wanted);
            }
            let wish = Revocation {
                wanted: model.wanted,
                deadline: model.turns.unwrap_or(0),
                untold: u32::from(model.wish_untold),
            };
            prop_assert_eq!(machine.wish, wish);
            let mut loss = Repossession {
                untold: u32::from(model.loss_untold),
                count: model.losses.len() as u32,
                emergency: model.emergency,
                ..Repossession::NONE
            };
            for (place, (resource, number, saved)) in loss.taken.iter_mut().zip(&model.losses) {
                *place = Taken { resource: *resource as u32, number: *number, saved: saved.unwrap_or(ANY) };
            }
            prop_assert_eq!(loss.taken.len(), REPOSSESSIONS);
            prop_assert_eq!(machine.loss, loss);
        }
    }
}
