use std::vec::Vec;

use proptest::prelude::*;

use super::*;

extern crate std;

fn run(policy: &mut dyn Policy, quanta: usize, ready: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    (0..quanta)
        .map(|quantum| {
            let client = {
                let ready = (0..CLIENTS).filter(|client| ready(quantum, *client)).collect();
                policy.pick(&ready).expect("somebody is ready")
            };
            policy.charge(client);
            client
        })
        .collect()
}

#[test]
fn the_order_of_figure_3() {
    let mut policy = Stride::new();
    for share in 1..=3 {
        policy.set_share(share, share as u32);
    }
    let order = run(&mut policy, 100, &|_, client| (1..=3).contains(&client));
    let paper: Vec<usize> = [3, 2, 3, 3, 1, 2].into_iter().cycle().take(100).collect();
    let counts = [1, 2, 3].map(|client| order.iter().filter(|found| **found == client).count());
    assert_eq!(counts, [1, 2, 3].map(|client| paper.iter().filter(|found| **found == client).count()));
    assert_eq!(&order[..12], &paper[..12]);
    assert_eq!(order, paper);
}

#[test]
fn nobody_ready_is_nobody_picked() {
    for policy in [&mut Stride::new() as &mut dyn Policy, &mut RoundRobin::new(), &mut Lottery::new(1)] {
        assert_eq!(policy.pick(&Clients::new()), None);
    }
}

#[test]
fn who_waits_saves_up_nothing() {
    let mut policy = Stride::new();
    run(&mut policy, 1000, &|_, client| client == 1);
    let order = run(&mut policy, 100, &|_, client| client == 1 || client == 2);
    let second = order.iter().filter(|client| **client == 2).count();
    assert!((49..=51).contains(&second), "{second}");
}

proptest! {
    #[test]
    fn a_set_of_clients_is_one(changes in prop::collection::vec((0..CLIENTS + 5, any::<bool>()), 0..200), from in 0..CLIENTS + 5) {
        let mut set = Clients::new();
        let mut expected = std::collections::BTreeSet::new();
        for (client, there) in changes {
            if there && client < CLIENTS {
                expected.insert(client);
            } else {
                expected.remove(&client);
            }
            if there { set.insert(client) } else { set.remove(client) }
            prop_assert_eq!(set.contains(client), expected.contains(&client));
        }
        prop_assert_eq!(set.first_from(from), expected.range(from..).next().copied());
        prop_assert!(set.iter().eq(expected.iter().copied()));
        let other: Clients = [from].into_iter().collect();
        expected.remove(&from);
        prop_assert!(set.without(&other).iter().eq(expected));
    }

    #[test]
    fn stride_keeps_the_shares(tickets in prop::collection::vec(1u32..50, 2..10), quanta in 1usize..2000) {
        let mut policy = Stride::new();
        for (client, tickets) in tickets.iter().enumerate() {
            policy.set_share(client, *tickets);
        }
        let order = run(&mut policy, quanta, &|_, client| client < tickets.len());
        let total: u32 = tickets.iter().sum();
        let tickets_len = tickets.len();
        for (client, tickets) in tickets.iter().enumerate() {
            let got = order.iter().filter(|found| **found == client).count() as f64;
            let ideal = quanta as f64 * f64::from(*tickets) / f64::from(total);
            // Any two are within a quantum of each other's due, so one and all the others within as many as there are.
            prop_assert!((got - ideal).abs() <= tickets_of_others(tickets_len) + tickets_error(quanta), "client {} got {} of {}", client, got, ideal);
        }
    }

    #[test]
    fn nobody_starves(seed: u32, clients in 1usize..20, quanta in 500usize..1000) {
        for policy in [&mut Stride::new() as &mut dyn Policy, &mut RoundRobin::new(), &mut Lottery::new(seed)] {
            let order = run(policy, quanta, &|_, client| client < clients);
            for client in 0..clients {
                prop_assert!(order.contains(&client));
            }
        }
    }

    #[test]
    fn only_who_is_ready_is_picked(masks in prop::collection::vec(1u32.., 1..200), seed: u32) {
        for policy in [&mut Stride::new() as &mut dyn Policy, &mut RoundRobin::new(), &mut Lottery::new(seed)] {
            let ready = |quantum: usize, client: usize| client < 32 && masks[quantum] >> client & 1 != 0;
            let order = run(policy, masks.len(), &ready);
            for (quantum, client) in order.into_iter().enumerate() {
                prop_assert!(ready(quantum, client));
            }
        }
    }

    #[test]
    fn lottery_is_fair_in_the_long_run(seed: u32) {
        let mut policy = Lottery::new(seed);
        policy.set_share(1, 3);
        let order = run(&mut policy, 20_000, &|_, client| client < 2);
        let second = order.iter().filter(|client| **client == 1).count();
        prop_assert!((14_500..15_500).contains(&second), "{}", second);
    }
}

/// How many quanta a client can be off.
fn tickets_of_others(clients: usize) -> f64 {
    clients as f64
}

/// How far rounded strides may lead away from the shares.
fn tickets_error(quanta: usize) -> f64 {
    quanta as f64 * 50.0 / 65536.0
}
