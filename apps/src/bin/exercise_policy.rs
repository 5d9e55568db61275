//! The second exercise of docs/extending.md, solved: a scheduler of a program's own, chosen by relinking alone (paper,
//! section 7.3: extensible schedulers).
//!
//! Three jobs are started together, each with a number of turns that it needs and one by which it has to be done. In
//! turn, as by [`RoundRobin`], two of them are late. The policy below, earliest deadline first, is in time with
//! all three. Both are tried, and whether that is so is checked.
#![no_std]
#![no_main]

use exos::println;
use exos::process::ExecError;
use exos::process::table::PROCESSES;
use exos::schedule::{Clients, Family, Policy, RoundRobin};

exos::program!(main);

/// A job: what it works for, in turns, and the turn by which it has to be done.
struct Job {
    letter: char,
    work: &'static str,
    deadline: u32,
}

/// Each needs one more turn than it works for, to start. That makes 9, 7 and 4 turns: 4, 11, 20 if one follows the other. Two or
/// more turns are to spare, for turns that the clock cuts short.
const JOBS: [Job; 3] = [
    Job { letter: 'a', work: "8", deadline: 26 },
    Job { letter: 'b', work: "6", deadline: 14 },
    Job { letter: 'c', work: "3", deadline: 6 },
];

/// Earliest deadline first.
struct EarliestDeadline {
    /// By client; no deadline is the last.
    deadlines: [u32; PROCESSES],
}

impl EarliestDeadline {
    const fn new() -> Self {
        Self { deadlines: [u32::MAX; PROCESSES] }
    }
}

impl Policy for EarliestDeadline {
    fn pick(&mut self, ready: &Clients) -> Option<usize> {
        ready.iter().min_by_key(|client| self.deadlines[*client])
    }

    fn charge(&mut self, _: usize) {}

    /// Here the share is the turn by which a client has to be done.
    fn set_share(&mut self, client: usize, tickets: u32) {
        if let Some(deadline) = self.deadlines.get_mut(client) {
            *deadline = tickets;
        }
    }
}

const TURNS: usize = 64;

/// Another policy, and a note of what it chose: policies can be made of policies.
struct Noted<'a> {
    policy: &'a mut dyn Policy,
    clients: [usize; TURNS],
    turns: usize,
}

impl Policy for Noted<'_> {
    fn pick(&mut self, ready: &Clients) -> Option<usize> {
        self.policy.pick(ready)
    }

    fn charge(&mut self, client: usize) {
        if let Some(place) = self.clients.get_mut(self.turns) {
            *place = client;
        }
        self.turns += 1;
        self.policy.charge(client);
    }

    fn set_share(&mut self, client: usize, tickets: u32) {
        self.policy.set_share(client, tickets);
    }
}

fn main() -> u32 {
    let mut family = match Family::new() {
        Ok(family) => family,
        Err(error) => {
            println!("exercise: no table of processes: {error:?}");
            return 1;
        }
    };
    let (mut in_turn, mut earliest) = (RoundRobin::new(), EarliestDeadline::new());
    let (in_turn, earliest) = (
        in_time("in turn", &mut family, &mut in_turn),
        in_time("earliest deadline first", &mut family, &mut earliest),
    );
    match (in_turn, earliest) {
        (Ok(in_turn), Ok(earliest)) => {
            let late = in_turn == [true, false, false];
            println!("test in turn two jobs are late ... {}", if late { "ok" } else { "FAILED" });
            let good = earliest == [true; 3];
            println!("test by deadlines none is ... {}", if good { "ok" } else { "FAILED" });
            let passed = u32::from(late) + u32::from(good);
            println!("{passed} passed, {} failed", 2 - passed);
            u32::from(passed != 2)
        }
        (Err(error), _) | (_, Err(error)) => {
            println!("exercise: cannot start a job: {error:?}");
            1
        }
    }
}

/// Runs the jobs under a policy; tells which were done in time.
fn in_time(name: &str, family: &mut Family, policy: &mut dyn Policy) -> Result<[bool; 3], ExecError> {
    let mut noted = Noted { policy, clients: [0; TURNS], turns: 0 };
    let mut places = [0; 3];
    for (place, job) in places.iter_mut().zip(&JOBS) {
        *place = family.start("exercise_job", &["exercise_job", job.work], &[])?;
        noted.set_share(*place, job.deadline);
    }
    // Whoever ends meanwhile waits to be asked about.
    let statuses = places.map(|place| family.run(place, &mut noted));
    let order = &noted.clients[..noted.turns.min(TURNS)];
    exos::print!("{name}: ");
    for client in order {
        let job = JOBS.iter().zip(places).find(|(_, place)| place == client);
        exos::print!("{}", job.map_or('?', |(job, _)| job.letter));
    }
    println!();
    let mut in_time = [false; 3];
    for ((good, job), place) in in_time.iter_mut().zip(&JOBS).zip(places) {
        // One that never ran, or a list that was too short, is not in time.
        let done = order.iter().rposition(|client| *client == place).map_or(u32::MAX, |last| last as u32 + 1);
        *good = statuses == [0; 3] && noted.turns <= TURNS && done <= job.deadline;
        println!("  {} done after turn {done}, due by {}", job.letter, job.deadline);
    }
    Ok(in_time)
}
