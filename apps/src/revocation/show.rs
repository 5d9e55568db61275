//! The story, as the parent tells it.

use apps::demonstration::log::Log;
use apps::demonstration::part::Part;
use apps::demonstration::upcalls::{kind, word};
use apps::demonstration::{self, Narrator, Us, quantum};
use apps::testing::lab::peek;
use apps::testing::space::in_stlb;
use apps::testing::{Failure, Outcome};
use exos::abi::calls::Fact;
use exos::abi::layout::{ANY, Mapping, PAGE_SIZE, RESERVE, Resource};
use exos::abi::map;
use exos::abi::{Capability, Error, Name};
use exos::memory::{self, Page, WINDOWS};
use exos::{call, print, println, slice};

use crate::victim::BASE;
use crate::words::*;

const PAGES: u32 = Resource::Pages as u32;
const SLICES: u32 = Resource::Slices as u32;
/// A deadline that has passed already.
const NOW: u32 = u32::MAX;

/// Tells it; the answer is an exit status.
pub extern "C" fn run() -> u32 {
    demonstration::tell("revocation", "resources wanted back, and taken (paper, sections 3.3 and 3.4)", story)
}

fn story(narrator: &mut Narrator) -> Outcome {
    let victim = furnished(narrator)?;
    request(narrator, &victim)?;
    let stores = lend_stores(&victim)?;
    imperative(narrator, &victim)?;
    nothing_lost(narrator, &victim, &stores)?;
    reserve(narrator, &victim)?;
    slices(narrator, &victim)?;
    victim.destroy();
    Ok(())
}

/// Yields to whose turn is next: the child has its turns, and then it is this environment's again.
fn turn() -> Result<(), Error> {
    slice::yield_to(Name::NOBODY)
}

/// Has the child do something, in slices of its own.
fn command(victim: &Part, command: Command) -> Outcome {
    victim.set(COMMAND, command as u32);
    for _ in 0..50 {
        turn()?;
        if victim.get(COMMAND) == 0 {
            return Ok(());
        }
    }
    Err(Failure::new(format_args!("V does not finish what it was told")))
}

/// Pages of a name, by the map of pages, which everybody may read (section 3.1: exposing names).
fn owned(name: Name) -> Result<u32, Error> {
    let (first, pages) = (call::machine(Fact::MapPage as u32)?, call::machine(Fact::Pages as u32)?);
    let mut count = 0;
    let mut mapped = ANY;
    for page in 0..pages {
        let at = (size_of::<map::Header>() + page as usize * size_of::<map::Entry>()) as u32;
        if at / PAGE_SIZE != mapped {
            mapped = at / PAGE_SIZE;
            let public = Capability::PUBLIC;
            memory::pin(memory::myself(), WINDOWS[0], first + mapped, Mapping::empty(), public)?;
        }
        count += u32::from(peek(WINDOWS[0] + at % PAGE_SIZE) == name.0);
    }
    memory::unpin(memory::myself(), WINDOWS[0])?;
    Ok(count)
}

/// Whether nobody owns a page.
fn is_free(page: u32) -> bool {
    call::page_owner(page) == Ok(Name::NOBODY.0)
}

/// What the child's page of data is, as far as it has told.
fn is_whole(victim: &Part, page: usize) -> bool {
    victim.get(FOUND + page) == found::WHOLE
}

/// The error with which the kernel refused to bind a page of data when the child looked at it.
fn refusal(victim: &Part, page: usize) -> Option<Error> {
    let found = victim.get(FOUND + page);
    if found & 0xff == found::REFUSED { Error::from_code((found >> 8).wrapping_neg()) } else { None }
}

/// How many pages of data the child found whole.
fn whole(victim: &Part) -> usize {
    (0..DATA).filter(|page| is_whole(victim, *page)).count()
}

/// Opens the child's log: now, at the beginning of a slice of this environment's, which does not end soon.
fn open_log(victim: &Part) -> Result<u32, Error> {
    turn()?;
    victim.set(word::COUNT, 0);
    Ok(call::clock())
}

fn log_of(victim: &Part, begin: u32) -> Log {
    Log::gather(begin, &[('V', victim.page)])
}

/// The child's pages of data: what it knows of them, what the kernel's books say, what it found when it looked.
fn print_data(victim: &Part) -> Outcome {
    println!("   page of data    address   used   physical page      owner   in the STLB   contents");
    for page in 0..DATA {
        let address = BASE + page as u32 * PAGE_SIZE;
        let (number, used) = (victim.get(PAGE + page), victim.get(USED + page));
        print!("   {page:12}   {address:08x}   {used:4}");
        if number == ANY {
            println!("   given back");
            continue;
        }
        let owner = if call::page_owner(number)? == victim.name().0 { "V" } else { "nobody" };
        let bound = if in_stlb(victim.name(), address)?.is_some() { "yes" } else { "no" };
        print!("   {number:13}   {owner:>8}   {bound:>11}   ");
        match (victim.get(FOUND + page), refusal(victim, page)) {
            (found::WHOLE, _) => println!("as written"),
            (_, Some(error)) => println!("a miss: {error:?}"),
            _ => println!("damaged"),
        }
    }
    println!();
    Ok(())
}

fn furnished(narrator: &mut Narrator) -> Result<Part, Failure> {
    narrator.step("A child with pages");
    narrator.say(format_args!(
        "This program is environment P. It spawns V, gives it position 1 of the vector of time slices, and \
         lets it allocate {DATA} pages of data and {PINNED} pages that it pins with guaranteed mappings. The data \
         it binds by itself when it misses; how often it has used each page it counts, and nobody else does:"
    ));
    let victim = Part::spawn("revocation", 0)?;
    let name = victim.name();
    let position = call::slice_alloc(1)?;
    call::slice_give(position, name.0)?;
    victim.set(POSITION, position);
    command(&victim, Command::Furnish)?;
    command(&victim, Command::Look)?;
    print_data(&victim)?;
    let pages = owned(name)?;
    narrator.claim(
        pages as usize == DATA + PINNED,
        format_args!("V ({:08x}) owns {pages} pages by the kernel's map, which everybody may read", name.0),
    );
    narrator.claim(whole(&victim) == DATA, format_args!("V's {DATA} pages of data hold what it wrote"));
    Ok(victim)
}

fn request(narrator: &mut Narrator, victim: &Part) -> Outcome {
    const WANTED: u32 = 2;
    narrator.step("Visible revocation: a request, which the environment answers");
    narrator.say(format_args!(
        "P, as V's parent, asks it: \"return {WANTED} pages\" (the call `revoke`, without a deadline). Aegis does not \
         choose pages. It tells V by an upcall at the start of its next slice; V chooses those that it uses least."
    ));
    victim.set(WILLING, 1);
    let before = owned(victim.name())?;
    let least = least_used(victim);
    let begin = open_log(victim)?;
    call::revoke(victim.name().0, PAGES, WANTED, 0)?;
    let unasked = still_owned(victim);
    turn()?;
    let log = log_of(victim, begin);
    // What it was told it has seen to; this is for its main program to note what is left of the wish.
    turn()?;
    command(victim, Command::Look)?;
    print_data(victim)?;
    narrator
        .claim(unasked == before, format_args!("before V's next slice nothing happened: it owned {unasked}"));
    let asked = log.of('V', kind::ASKED).next().map_or(0, |event| event.at);
    narrator.claim(
        log.of('V', kind::ASKED).count() == 1
            && log.events().first().is_some_and(|event| event.is(kind::ASKED)),
        format_args!("V was asked once, instead of its slice's start, {} us after the call", us(asked)),
    );
    let given = [victim.get(GIVEN_WHICH), victim.get(GIVEN_WHICH + 1)];
    narrator.claim(
        victim.get(GIVEN) == WANTED && given == least,
        format_args!("V gave back {} and {}: the two that it had used least", given[0], given[1]),
    );
    let after = owned(victim.name())?;
    narrator.claim(
        after == before - WANTED && given.into_iter().all(is_free) && victim.get(WISH) == 0,
        format_args!("nobody owns them now, V owns {after}, and {} are wanted still", victim.get(WISH)),
    );
    let whole = whole(victim);
    narrator.claim(
        whole == DATA - WANTED as usize,
        format_args!("the {whole} that V kept hold what it wrote: it lost nothing that it needs"),
    );
    Ok(())
}

fn us(ticks: u32) -> Us {
    Us::new(ticks, quantum())
}

/// How many of its pages are the child's: those that it has told of.
fn still_owned(victim: &Part) -> u32 {
    let numbers = (PAGE..PAGE + DATA).chain(PIN..PIN + PINNED).map(|index| victim.get(index));
    numbers.filter(|number| call::page_owner(*number) == Ok(victim.name().0)).count() as u32
}

/// The numbers of the two pages that the child has used least.
fn least_used(victim: &Part) -> [u32; 2] {
    let mut pages: [usize; DATA] = core::array::from_fn(|page| page);
    pages.sort_unstable_by_key(|page| victim.get(USED + page));
    [victim.get(PAGE + pages[0]), victim.get(PAGE + pages[1])]
}

/// Lends pages of this environment's to the child to save contents to.
fn lend_stores(victim: &Part) -> Result<[Page; STORES], Error> {
    let stores = [Page::any()?, Page::any()?];
    for (index, store) in stores.iter().enumerate() {
        let [low, high] = store.write.words();
        for (offset, word) in [store.number, low, high].into_iter().enumerate() {
            victim.set(STORE + 3 * index + offset, word);
        }
    }
    Ok(stores)
}

fn imperative(narrator: &mut Narrator, victim: &Part) -> Outcome {
    const WANTED: u32 = 2;
    const DEADLINE: u32 = 3;
    narrator.step("The abort protocol: an imperative, a deadline, repossession");
    narrator.say(format_args!(
        "Now V ignores what it is asked. Beforehand it loads two entries of its repossession vector with \
         resources to save to: pages {} and {}, which P has lent it. P says \"return {WANTED} pages within {DEADLINE} \
         turns\"; the turns are V's own, time in which it could have answered:",
        victim.get(STORE),
        victim.get(STORE + 3)
    ));
    victim.set(WILLING, 0);
    victim.set(GIVEN, 0);
    command(victim, Command::Load)?;
    let before = owned(victim.name())?;
    let begin = open_log(victim)?;
    call::revoke(victim.name().0, PAGES, WANTED, DEADLINE)?;
    println!("   turn of V   still wanted   turns left   V owns after it");
    let mut after = [0; DEADLINE as usize + 1];
    let mut wishes = [[0; 2]; DEADLINE as usize + 1];
    for (index, (pages, wish)) in after.iter_mut().zip(&mut wishes).enumerate() {
        turn()?;
        *pages = still_owned(victim);
        *wish = [victim.get(WISH), victim.get(WISH + 2)];
        println!("   {:9}   {:12}   {:10}   {pages:15}", index + 1, wish[0], wish[1]);
    }
    println!();
    let log = log_of(victim, begin);
    narrator.claim(
        log.of('V', kind::ASKED).count() == 1 && victim.get(GIVEN) == 0,
        format_args!("V was asked by an upcall, and gave back {}", victim.get(GIVEN)),
    );
    narrator.claim(
        after == [before, before, before - WANTED, before - WANTED]
            && wishes == [[2, 3], [2, 2], [2, 1], [0, 0]],
        format_args!("it kept its {before} pages until its third turn had ended; then {WANTED} were taken"),
    );
    told_of_loss(narrator, &log);
    println!();
    print_vector(victim);
    vector_is_right(narrator, victim, WANTED)
}

fn told_of_loss(narrator: &mut Narrator, log: &Log) {
    let upcalls = log.events().iter().map(|event| event.kind & 0xff);
    let lost = log.of('V', kind::LOST).next().map_or(0, |event| event.at);
    narrator.claim(
        upcalls.eq([kind::ASKED, kind::START, kind::START, kind::LOST]),
        format_args!("V was told at the start of its fourth turn, {} us after the call", us(lost)),
    );
}

/// An entry of the repossession vector, as the child read it: resource, number, where it is saved.
fn lost(victim: &Part, index: usize) -> [u32; 3] {
    [0, 1, 2].map(|word| victim.get(LOST_WHICH + 3 * index + word))
}

fn print_vector(victim: &Part) {
    println!("   V's repossession vector, as V read it in that upcall:\n");
    println!("   entry   resource   number   contents saved to");
    for index in 0..victim.get(LOST) as usize {
        let [resource, number, saved] = lost(victim, index);
        let resource = if resource == PAGES { "page" } else { "slice" };
        print!("   {index:5}   {resource:>8}   {number:6}   ");
        if saved == ANY { println!("nowhere") } else { println!("page {saved}") }
    }
    println!();
}

fn vector_is_right(narrator: &mut Narrator, victim: &Part, wanted: u32) -> Outcome {
    let entries = [lost(victim, 0), lost(victim, 1)];
    let mine = |number: u32| (0..DATA).any(|page| victim.get(PAGE + page) == number);
    narrator.claim(
        victim.get(LOST) == wanted
            && entries
                .iter()
                .all(|[resource, number, _]| *resource == PAGES && is_free(*number) && mine(*number)),
        format_args!("it names {} pages of V's data, and they are free now", victim.get(LOST)),
    );
    narrator.claim(
        entries.map(|entry| entry[2]) == [victim.get(STORE), victim.get(STORE + 3)],
        format_args!("their contents were saved to the resources that V had loaded it with"),
    );
    Ok(())
}

/// Which page of data has this number.
fn data_page(victim: &Part, number: u32) -> Option<usize> {
    (0..DATA).find(|page| victim.get(PAGE + page) == number)
}

fn nothing_lost(narrator: &mut Narrator, victim: &Part, stores: &[Page; STORES]) -> Outcome {
    narrator.step("Bindings broken, contents kept");
    narrator.say(format_args!(
        "V's page table still has the pages that were taken, with their capabilities. V looks at all its data:"
    ));
    let taken = [lost(victim, 0)[1], lost(victim, 1)[1]];
    command(victim, Command::Look)?;
    print_data(victim)?;
    let [first, second] = taken.map(|number| data_page(victim, number).unwrap_or(0));
    broken(narrator, victim, &[first, second])?;
    cleared(narrator, taken[0])?;
    for (page, store) in [first, second].into_iter().zip(stores) {
        let same = holds(*store, |offset| contents(page, offset))?;
        narrator
            .claim(same, format_args!("P finds all that V wrote to page {page} in page {}", store.number));
    }
    println!();
    narrator.say(format_args!("V allocates two pages and reads the contents back into them:"));
    command(victim, Command::ReadBack)?;
    command(victim, Command::Look)?;
    print_data(victim)?;
    let whole = whole(victim);
    narrator.claim(
        whole == 4,
        format_args!("all {whole} pages hold what V wrote, at the same addresses: nothing is lost"),
    );
    Ok(())
}

fn broken(narrator: &mut Narrator, victim: &Part, pages: &[usize; 2]) -> Outcome {
    let mut unbound = true;
    let mut refused = true;
    for page in pages {
        unbound &= in_stlb(victim.name(), BASE + *page as u32 * PAGE_SIZE)?.is_none();
        refused &= refusal(victim, *page) == Some(Error::Denied);
    }
    narrator.claim(
        unbound,
        format_args!("the software TLB, which everybody may read, has no binding of pages {pages:?}"),
    );
    narrator.claim(refused, format_args!("V missed there, and Aegis refused to bind them again: Denied"));
    Ok(())
}

/// A page that changes hands comes cleared.
fn cleared(narrator: &mut Narrator, number: u32) -> Outcome {
    let page = Page::allocate(number)?;
    let zeroes = holds(page, |_| 0)?;
    narrator
        .claim(zeroes, format_args!("P allocates page {number}, which was taken, and finds zeroes in it"));
    page.free()?;
    Ok(())
}

/// Whether all words of a page are as they should be.
fn holds(page: Page, word: impl Fn(u32) -> u32) -> Result<bool, Error> {
    memory::pin(memory::myself(), WINDOWS[0], page.number, Mapping::empty(), page.read)?;
    let mut offsets = (0..PAGE_SIZE).step_by(4);
    let holds = offsets.all(|offset| peek(WINDOWS[0] + offset) == word(offset));
    memory::unpin(memory::myself(), WINDOWS[0])?;
    Ok(holds)
}

fn reserve(narrator: &mut Narrator, victim: &Part) -> Outcome {
    const WANTED: u32 = 100;
    narrator.step("The guaranteed reserve");
    narrator.say(format_args!(
        "P wants {WANTED} pages, at once. Aegis takes first what is not pinned, then what is pinned beyond the \
         first {RESERVE}. Those it never takes: a library OS keeps there what it cannot live without, such as page \
         tables and the code of its handlers."
    ));
    let pinned = |index: usize| call::page_owner(victim.get(PIN + index)) == Ok(victim.name().0);
    let before = owned(victim.name())?;
    call::revoke(victim.name().0, PAGES, WANTED, NOW)?;
    let after = owned(victim.name())?;
    narrator.claim(
        after as usize == RESERVE && (0..PINNED).all(|index| pinned(index) == (index < RESERVE)),
        format_args!("V owned {before} pages and owns {after}: the first {RESERVE} that it had pinned"),
    );
    turn()?;
    let missing = WANTED - (before - after);
    narrator.claim(
        victim.get(LOST) == before - after && victim.get(EMERGENCY) == missing,
        format_args!(
            "V was told that {} were taken, and of the emergency that {} could not be",
            victim.get(LOST),
            victim.get(EMERGENCY)
        ),
    );
    println!();
    print_vector(victim);
    let unsaved = (0..victim.get(LOST) as usize).all(|index| lost(victim, index)[2] == ANY);
    narrator.claim(unsaved, format_args!("nothing was saved: the entries that V had loaded serve once"));
    call::revoke(victim.name().0, PAGES, 1, NOW)?;
    let (again, turns) = (owned(victim.name())?, victim.get(TURNS));
    command(victim, Command::Load)?;
    narrator.claim(
        again == after && victim.lives() && victim.get(TURNS) > turns,
        format_args!(
            "asked for one more, it keeps its {again}; it lives, has its turns and carries out a command"
        ),
    );
    Ok(())
}

fn slices(narrator: &mut Narrator, victim: &Part) -> Outcome {
    narrator.step("The same for time slices");
    for (index, position) in [3, 7].into_iter().enumerate() {
        call::slice_alloc(position)?;
        call::slice_give(position, victim.name().0)?;
        victim.set(POSITION + 1 + index, position);
    }
    narrator.say(format_args!(
        "P gives V positions 3 and 7 besides its own, 1, and asks for one back. V answers again:"
    ));
    victim.set(WILLING, 1);
    call::revoke(victim.name().0, SLICES, 1, 0)?;
    turn()?;
    let (given, free) = (victim.get(GIVEN_WHICH), take(3));
    narrator.claim(
        victim.get(GIVEN) == 1 && given == 3 && free,
        format_args!("V chose to give back position {given}, and P can allocate it"),
    );
    victim.set(WILLING, 0);
    println!();
    narrator.say(format_args!(
        "Then V ignores the wish for another, with a deadline of four turns, two a round:"
    ));
    // At the beginning of a slice, which does not end before the child's.
    turn()?;
    call::revoke(victim.name().0, SLICES, 1, 4)?;
    let kept = [7, 7].map(|position| turn().is_ok() && !take(position));
    turn()?;
    print_vector(victim);
    narrator.claim(
        kept == [true, false] && victim.get(LOST) == 1 && lost(victim, 0) == [SLICES, 7, ANY],
        format_args!("V had position 7 after two turns and not after four; its vector names it"),
    );
    call::revoke(victim.name().0, SLICES, 64, NOW)?;
    let (left, turns) = (!take(1), victim.get(TURNS));
    turn()?;
    narrator.claim(
        left && victim.get(TURNS) > turns,
        format_args!("P wants 64 at once: the last slice, position 1, is not taken, and V runs in it"),
    );
    Ok(())
}

/// Whether a position can be allocated; it is freed again.
fn take(position: u32) -> bool {
    call::slice_alloc(position).is_ok_and(|taken| call::slice_free(taken).is_ok())
}
