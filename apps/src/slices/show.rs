//! The story, as the first environment tells it.

use apps::demonstration::log::{Event, Letters, Log};
use apps::demonstration::upcalls::{self, kind, wait, word};
use apps::demonstration::{self, Narrator, Us, quantum};
use apps::testing::Outcome;
use exos::abi::Error;
use exos::abi::layout::{EXCESS_LIMIT, QUANTUM_US, SLICES};
use exos::{call, print, println, slice};

use crate::cast::{Cast, FIRST};
use crate::child::{AFTER, GAVE, Run, TO};

/// What the children are given.
const GIFTS: [(char, &[u32]); 3] = [('A', &[10, 11, 12]), ('B', &[5, 20, 40]), ('C', &[30])];
/// The position of the one that will not give way.
const LATE: u32 = 50;
/// For how many timer interrupts it stays the first time.
const STAYS: u32 = 3;

/// Tells it; the answer is an exit status.
pub extern "C" fn run() -> u32 {
    demonstration::tell("slices", "the processor as a vector of time slices (paper, section 5.1.1)", story)
}

fn story(narrator: &mut Narrator) -> Outcome {
    upcalls::own_page()?;
    upcalls::bind()?;
    let mut cast = Cast::new();
    first_vector(narrator, &cast)?;
    allocation(narrator, &mut cast)?;
    order(narrator, &cast)?;
    lending(narrator, &cast)?;
    excess(narrator, &mut cast)?;
    destruction(narrator, &cast)?;
    ending(narrator, &mut cast)
}

/// Prints the vector, sixteen positions a row.
fn print_vector(owners: &[char; SLICES]) {
    println!("   position  +0 +1 +2 +3 +4 +5 +6 +7 +8 +9 10 11 12 13 14 15");
    for (row, letters) in owners.as_chunks::<16>().0.iter().enumerate() {
        print!("   {:8} ", 16 * row);
        for letter in letters {
            print!("  {letter}");
        }
        println!();
    }
}

/// The owners in the order in which their slices come.
fn round(owners: &[char; SLICES]) -> Letters {
    owners.iter().copied().filter(|owner| *owner != '.').collect()
}

/// Whether a time is so many slices, give or take a hundredth of one.
fn is_slices(ticks: u32, slices: u32) -> bool {
    ticks.abs_diff(slices * quantum()) <= slices * quantum() / 100
}

fn first_vector(narrator: &mut Narrator, cast: &Cast) -> Outcome {
    narrator.step("The vector");
    narrator.say(format_args!(
        "Aegis lets programs allocate time as they allocate pages: a slice is a position in a vector of \
         {SLICES}. The kernel goes round the vector; a position that nobody owns takes no time. A slice lasts \
         {QUANTUM_US} us, {} ticks of this machine's counter.",
        quantum()
    ));
    narrator.say(format_args!(
        "This program is environment P, the first. Which positions are free it finds by allocating each, \
         which are its own by giving each to itself, which the kernel lets the owner alone do. A dot is free:"
    ));
    let owners = cast.owners()?;
    print_vector(&owners);
    let free = owners.iter().filter(|owner| **owner == '.').count();
    println!();
    narrator.claim(
        owners[0] == FIRST && free == SLICES - 1,
        format_args!("P owns position 0, which Aegis gave the first environment; {free} are free"),
    );
    Ok(())
}

fn allocation(narrator: &mut Narrator, cast: &mut Cast) -> Outcome {
    narrator.step("Allocation: a program chooses its positions");
    narrator.say(format_args!(
        "P spawns three children. It allocates positions for them by number, and gives them away for good:"
    ));
    let mut granted = true;
    for (letter, positions) in GIFTS {
        cast.join(letter)?;
        for position in positions {
            let answers = cast.give(letter, *position)?;
            println!(
                "   slice_alloc({position:2}): {:?}, slice_give({position:2}, {letter}): {:?}",
                answers[0], answers[1]
            );
            granted &= answers == [Ok(*position), Ok(0)];
        }
    }
    println!();
    narrator.say(format_args!(
        "A's are neighbours: one long slice, and few switches, for a program that computes. B's lie apart: it \
         waits less for its next one, as an interactive program wants. The vector now, each environment \
         having probed:"
    ));
    let owners = cast.owners()?;
    print_vector(&owners);
    println!();
    let whose = |position: u32| owners[position as usize];
    let as_given =
        GIFTS.iter().all(|(letter, positions)| positions.iter().all(|place| whose(*place) == *letter));
    let owned = owners.iter().filter(|owner| **owner != '.').count();
    narrator.claim(granted, format_args!("each position was granted as it was named"));
    narrator.claim(as_given && owned == 8, format_args!("each is its new owner's, and the rest is free"));
    refusals(narrator);
    Ok(())
}

fn refusals(narrator: &mut Narrator) {
    let (taken, beyond) = (call::slice_alloc(5), call::slice_alloc(SLICES as u32));
    narrator.claim(
        taken == Err(Error::Busy) && beyond == Err(Error::Invalid),
        format_args!("P cannot allocate B's position 5 ({taken:?}), nor position {SLICES} ({beyond:?})"),
    );
    let freed = call::slice_free(5);
    narrator.claim(
        freed == Err(Error::Denied),
        format_args!("P cannot free what it has given away ({freed:?}): it is B's"),
    );
}

fn order(narrator: &mut Narrator, cast: &Cast) -> Outcome {
    const ROUNDS: u32 = 2;
    narrator.step("The order in which they run");
    narrator.say(format_args!(
        "Aegis tells an environment when a slice starts and when it ends, by upcalls. Here each upcall notes \
         the time, then ExOS's handler does its work: at the end it saves the registers, which the kernel \
         does not, and yields; at the start it restores them. All compute, and yield at the end alone."
    ));
    let owners = cast.owners()?;
    let vector = round(&owners);
    let begin = cast.open()?;
    cast.tell(Run::Compute);
    let log = cast.record(begin, ROUNDS);
    narrator.say(format_args!(
        "{ROUNDS} rounds as the logs have them, a letter for a quarter of a slice, below the positions:"
    ));
    print!("   ");
    for _ in 0..ROUNDS {
        for position in (0..SLICES).filter(|position| owners[*position] != '.') {
            print!("{position:>4}");
        }
    }
    println!();
    picture(&log, cast, 4, ROUNDS * vector.as_str().len() as u32);
    println!();
    narrator.say(format_args!("The upcalls of the first round:"));
    let second = log.of(FIRST, kind::START).nth(1).map_or(0, |event| event.at);
    table(&log, |event| event.at < second);
    println!();
    let columns = ROUNDS * vector.as_str().len() as u32;
    let measured: Letters = log.sampled(0, quantum(), columns).collect();
    let expected: Letters = (0..ROUNDS).flat_map(|_| vector.as_str().chars()).collect();
    narrator.claim(
        measured == expected,
        format_args!("they ran as {measured}: in the order of the positions, round after round"),
    );
    lengths(narrator, &log);
    Ok(())
}

/// What the logs say of the lengths of slices and of the time between them.
fn lengths(narrator: &mut Narrator, log: &Log) {
    let mut right = true;
    for (letter, slices) in [(FIRST, 1), ('A', 3), ('B', 1), ('C', 1)] {
        for (start, end) in log.of(letter, kind::START).zip(log.of(letter, kind::END)) {
            right &= is_slices(end.at - start.at, slices);
        }
    }
    narrator.claim(right, format_args!("from a start to the next end it is one slice, and three for A"));
    let told = (log.of('A', kind::START).count(), log.of('A', kind::END).count());
    narrator.claim(
        told == (2, 2),
        format_args!(
            "A was told {} starts and {} ends in 2 rounds: neighbours are one long slice",
            told.0, told.1
        ),
    );
    let switches = log.events().windows(2).filter(|pair| pair[0].is(kind::END) && pair[1].is(kind::START));
    let longest = switches.map(|pair| pair[1].at - pair[0].at).max().unwrap_or(u32::MAX);
    let longest = Us::new(longest, quantum());
    narrator.claim(
        longest.whole() < 200,
        format_args!("from one's end to another's start it took {longest} us at most, saving included"),
    );
}

/// Who ran, a row for each environment.
fn picture(log: &Log, cast: &Cast, columns_per_slice: u32, slices: u32) {
    let width = quantum() / columns_per_slice;
    for letter in core::iter::once(FIRST).chain(cast.players().map(|player| player.letter)) {
        let row = log.sampled(0, width, slices * columns_per_slice);
        let row: Letters =
            row.map(|found| if found.eq_ignore_ascii_case(&letter) { found } else { '.' }).collect();
        println!("   {letter}  {row}");
    }
}

/// The upcalls for which a condition holds, with their times.
fn table(log: &Log, wanted: impl Fn(&Event) -> bool) {
    println!("      upcall                    at, us   us since the last");
    let mut last = 0;
    for event in log.events().iter().filter(|event| wanted(event)) {
        let (at, since) = (Us::new(event.at, quantum()), Us::new(event.at - last, quantum()));
        println!("   {}  {:18} {at:13} {since:19}", event.who, event.what());
        last = event.at;
    }
}

fn lending(narrator: &mut Narrator, cast: &Cast) -> Outcome {
    narrator.step("Yielding to a named environment");
    narrator.say(format_args!(
        "Who yields may name the environment that gets the rest of its slice. P yields to C after a quarter of \
         its slice, C to A after another. A letter for an eighth of a slice:"
    ));
    let (c, a) = (cast.player('C')?, cast.player('A')?);
    let vector = round(&cast.owners()?);
    let begin = cast.open()?;
    cast.tell(Run::Compute);
    c.set(TO, a.name().0);
    c.set(AFTER, quantum() / 4);
    c.tell(Run::Lend);
    wait((quantum() / 4).saturating_sub(call::clock().wrapping_sub(begin)));
    let gave = [call::clock().wrapping_sub(begin), 0];
    slice::yield_to(c.name())?;
    let gave = [gave[0], c.get(GAVE).wrapping_sub(begin)];
    let log = cast.record(begin, 1);
    picture(&log, cast, 8, vector.as_str().len() as u32);
    println!();
    table(&log, |event| event.at < 5 * quantum() / 4);
    println!();
    entered(narrator, &log, &gave);
    let end = log.of('A', kind::END).next().map_or(0, |event| event.at);
    narrator.claim(
        is_slices(end, 1) && log.of(FIRST, kind::END).all(|event| event.at > end),
        format_args!(
            "the end of P's slice, {} us after its start, was told A, which ran",
            Us::new(end, quantum())
        ),
    );
    let measured: Letters = log.sampled(quantum(), quantum(), vector.as_str().len() as u32).collect();
    let expected: Letters = vector.as_str().chars().cycle().skip(1).take(vector.as_str().len()).collect();
    narrator.claim(
        measured == expected,
        format_args!("then the vector went on as before, {measured}: position 0 is P's, it was lent once"),
    );
    Ok(())
}

/// Whether those that were yielded to ran at once.
fn entered(narrator: &mut Narrator, log: &Log, gave: &[u32; 2]) {
    for ((from, to), gave) in [(FIRST, 'C'), ('C', 'A')].into_iter().zip(*gave) {
        let start = log.of(to, kind::START).next().map_or(u32::MAX, |event| event.at);
        let took = Us::new(start.wrapping_sub(gave), quantum());
        narrator.claim(
            took.whole() < 200,
            format_args!(
                "{from} yielded to {to} at {} us; {to} ran {took} us later",
                Us::new(gave, quantum())
            ),
        );
    }
}

/// Prints who ran in each round, from one start of the first environment's slice to the next, a letter for a slice;
/// tells the rounds.
fn rounds(log: &Log) -> ([Letters; 6], usize) {
    let mut rows = [Letters::EMPTY; 6];
    let mut count = 0;
    let starts = || log.of(FIRST, kind::START).map(|event| event.at);
    for (begin, end) in starts().zip(starts().skip(1)) {
        let slices = (end - begin + quantum() / 2) / quantum();
        let row: Letters = log.sampled(begin, quantum(), slices).collect();
        println!("   round {}   {row}", count + 1);
        if let Some(place) = rows.get_mut(count) {
            *place = row;
            count += 1;
        }
    }
    (rows, count)
}

fn excess(narrator: &mut Narrator, cast: &mut Cast) -> Outcome {
    narrator.step("Excess time: counted, and paid for");
    narrator.say(format_args!(
        "The end of a slice is an upcall, not a seizure: an environment may finish what it is at. But the clock \
         ticks on, and Aegis counts the ticks in `excess`, a word of the environment's page. For each of them \
         the environment forfeits a later slice. A new child D, at position {LATE}, stays in its end-of-slice \
         handler until `excess` is {STAYS}, once. A letter for a slice, small where D should have given way:"
    ));
    cast.join('D')?;
    let given = cast.give('D', LATE)?;
    let vector = round(&cast.owners()?);
    let begin = cast.open()?;
    cast.player('D')?.set(word::STAY, STAYS);
    cast.tell(Run::Compute);
    let log = cast.record(begin, STAYS + 2);
    let (rows, count) = rounds(&log);
    println!();
    narrator.claim(
        given == [Ok(LATE), Ok(0)] && vector.as_str().ends_with('D'),
        format_args!("D owns position {LATE}: the round is {vector} now"),
    );
    counted(narrator, &log);
    forfeited(narrator, &vector, &rows[..count]);
    Ok(())
}

fn counted(narrator: &mut Narrator, log: &Log) {
    let end = log.of('D', kind::END).next().map_or(0, |event| event.at);
    let leave = log.of('D', kind::LEAVE).next();
    let (number, stayed) = leave.map_or((0, 0), |event| (event.number(), event.at - end));
    narrator.claim(
        number == STAYS && is_slices(stayed, STAYS),
        format_args!("D stayed for {} us, in which Aegis counted {number} ticks", Us::new(stayed, quantum())),
    );
    let next = log.events().iter().find(|event| event.is(kind::START) && event.at > end);
    let whole = next.is_some_and(|next| {
        next.who == FIRST
            && log.of(FIRST, kind::END).any(|event| event.at > next.at && is_slices(event.at - next.at, 1))
    });
    narrator.claim(whole, format_args!("P, who was next, had to wait, but its slice was a whole one"));
}

fn forfeited(narrator: &mut Narrator, vector: &Letters, rows: &[Letters]) {
    let without: Letters = vector.as_str().chars().filter(|letter| *letter != 'D').collect();
    let late: Letters = vector.as_str().chars().chain((0..STAYS).map(|_| 'd')).collect();
    let paid = rows.iter().skip(1).take_while(|row| **row == without).count();
    narrator.claim(
        rows.first() == Some(&late) && paid == STAYS as usize,
        format_args!("D had none of the next {paid} rounds; all others had what they own"),
    );
    narrator.claim(
        rows.last() == Some(vector) && rows.len() == STAYS as usize + 2,
        format_args!("after that D runs as before: what it owed is paid"),
    );
}

fn destruction(narrator: &mut Narrator, cast: &Cast) -> Outcome {
    narrator.step("Past the threshold: destroyed");
    let d = cast.player('D')?;
    narrator.say(format_args!(
        "Now D, whose name is {:08x}, stays for good. Aegis allows {EXCESS_LIMIT} ticks; at the next it destroys \
         the environment, and says so:",
        d.name().0
    ));
    let lived = d.lives();
    let begin = cast.open()?;
    d.set(word::STAY, u32::MAX);
    cast.tell(Run::Compute);
    let log = cast.record(begin, 2);
    println!();
    rounds(&log);
    println!();
    let end = log.of('D', kind::END).next().map_or(0, |event| event.at);
    let next = log.events().iter().find(|event| event.is(kind::START) && event.at > end);
    let stayed = next.map_or(0, |event| event.at - end);
    narrator.claim(lived && !d.lives(), format_args!("D lived before, and does not live now"));
    narrator.claim(
        // The kernel breaks all its bindings and reports before anybody runs.
        stayed / quantum() == EXCESS_LIMIT + 1 && next.is_some_and(|event| event.who == FIRST),
        format_args!(
            "{} us after D's end P ran: {EXCESS_LIMIT} ticks, one more, and the destruction itself",
            Us::new(stayed, quantum())
        ),
    );
    let free = call::slice_alloc(LATE);
    narrator.claim(
        free == Ok(LATE),
        format_args!("its slice is free: P can allocate position {LATE} ({free:?})"),
    );
    call::slice_free(LATE)?;
    Ok(())
}

fn ending(narrator: &mut Narrator, cast: &mut Cast) -> Outcome {
    narrator.step("The end");
    narrator.say(format_args!("P destroys its children. What they owned is free at once; the vector:"));
    cast.leave();
    let owners = cast.owners()?;
    print_vector(&owners);
    println!();
    narrator.claim(
        owners[0] == FIRST && owners[1..].iter().all(|owner| *owner == '.'),
        format_args!("all but position 0 is free, as at the beginning"),
    );
    Ok(())
}
