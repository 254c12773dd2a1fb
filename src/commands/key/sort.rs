//! SORT: the elements of a list, a set or a sorted set in order, told or stored. What the order depends on is read in one
//! moment. Then it is sorted no further than it is told: where nothing else is looked up or stored, in slices. Bytes
//! compare as bytes, in no locale.
mod pattern;
mod weights;

use super::prelude::*;
use crate::base::number;
use crate::command::Task;
use crate::commands::key::find::{Names, SLICE};
use crate::commands::list::{fill, write_element};
use crate::store::value::list::{Element, End};
use crate::store::{Collection, List, SortedSet};
use category::{DANGEROUS, KEYSPACE, LIST, SET, SORTEDSET};
use pattern::{Found, Pattern, find};
use std::fmt::{Debug, Formatter, Result as Formatted};
use std::ops::Range;
use weights::{Taker, Weights};

// --- SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]
form! { pub Sort<'a> { key: Key<'a, READ>, options: Options<'a, true> } }
impl<'a> Command<'a> for Sort<'a> {
    const FACTS: Facts = facts(
        "SORT",
        "generic",
        "1.0.0",
        WRITE | DENYOOM,
        "Sorts the elements of a list, a set or a sorted set, and stores them if asked to.",
    )
    .and(SET | SORTEDSET | LIST | DANGEROUS)
    .but_not(KEYSPACE);
    fn run(self, cx: &mut Context) -> Ran {
        sort(self.key, self.options, cx)
    }
}

// --- SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
form! { pub SortRo<'a> { key: Key<'a, READ>, options: Options<'a, false> } }
impl<'a> Command<'a> for SortRo<'a> {
    const FACTS: Facts =
        facts("SORT_RO", "generic", "7.0.0", READONLY, "Returns the elements of a list, a set or a sorted set sorted.")
            .and(SET | SORTEDSET | LIST | DANGEROUS)
            .but_not(KEYSPACE);
    fn run(self, cx: &mut Context) -> Ran {
        sort(self.key, self.options, cx)
    }
}

// --- Options

choice! { pub SortOption<'a> {
    "BY" => By(KeyPattern<'a, READ>), "LIMIT" => Limit(Window), "GET" => Get(KeyPattern<'a, READ>), "ASC" => Ascending,
    "DESC" => Descending, "ALPHA" => Alpha, "STORE" => Store(Key<'a, PUT>),
} }
choice! { pub Order { "ASC" => Asc, "DESC" => Desc } }
form! { pub Window { offset: Int, count: Int } }

/// Of each the last counts, but for GET, of which all do.
#[derive(Clone, Copy)]
pub struct Options<'a, const STORES: bool> {
    by: Option<KeyPattern<'a, READ>>,
    window: Option<Window>,
    is_descending: bool,
    is_alpha: bool,
    store: Option<Key<'a, PUT>>,
    /// All options, in which GET is looked for again.
    words: Words<'a>,
}

impl<'a, const STORES: bool> Options<'a, STORES> {
    fn gets(&self) -> impl Iterator<Item = KeyPattern<'a, READ>> + use<'a, STORES> {
        let mut words = self.words;
        std::iter::from_fn(move || {
            while let Ok(Some(option)) = SortOption::maybe(&mut words) {
                if let SortOption::Get(pattern) = option {
                    return Some(pattern);
                }
            }
            None
        })
    }
}

const FIELDS: [Field; 6] = [
    Field::new("by_pattern", &["BY"], &[KeyPattern::<READ>::SYNTAX], false),
    Field::new("limit", &["LIMIT"], &[Window::SYNTAX], false),
    Field::new("get_pattern", &["GET"], &[KeyPattern::<READ>::SYNTAX], false),
    Field::new("order", &[], &[Order::SYNTAX], false),
    Field::new("sorting", &["ALPHA"], &[], false),
    Field::new("destination", &["STORE"], &[Key::<PUT>::SYNTAX], false),
];

impl<'a, const STORES: bool> Grammar<'a> for Options<'a, STORES> {
    const SYNTAX: Syntax = Syntax::Options(FIELDS.split_at(if STORES { 6 } else { 5 }).0);
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        let (by, window, store) = (None, None, None);
        let mut all = Options { by, window, is_descending: false, is_alpha: false, store, words: *words };
        while let Some(option) = SortOption::maybe(words)? {
            match option {
                SortOption::By(pattern) => all.by = Some(pattern),
                SortOption::Limit(window) => all.window = Some(window),
                SortOption::Get(_) => {}
                SortOption::Ascending => all.is_descending = false,
                SortOption::Descending => all.is_descending = true,
                SortOption::Alpha => all.is_alpha = true,
                SortOption::Store(_) if !STORES => return Err(Refusal::Syntax),
                SortOption::Store(key) => all.store = Some(key),
            }
        }
        Ok(all)
    }
    fn print(&self, to: &mut OwnedWords) {
        let flags = [(self.is_descending, SortOption::Descending), (self.is_alpha, SortOption::Alpha)];
        let flags = flags.into_iter().filter(|(is_said, _)| *is_said).map(|(_, flag)| flag);
        let first = self.by.map(SortOption::By).into_iter().chain(self.window.map(SortOption::Limit));
        let last = self.store.map(SortOption::Store);
        first.chain(self.gets().map(SortOption::Get)).chain(flags).chain(last).for_each(|option| option.print(to));
    }
}

impl<const STORES: bool> Debug for Options<'_, STORES> {
    fn fmt(&self, to: &mut Formatter) -> Formatted {
        let mut shown = to.debug_struct("Options");
        shown.field("by", &self.by).field("limit", &self.window).field("get", &self.gets().collect::<Vec<_>>());
        shown.field("desc", &self.is_descending).field("alpha", &self.is_alpha).field("store", &self.store).finish()
    }
}

impl<const STORES: bool> PartialEq for Options<'_, STORES> {
    fn eq(&self, other: &Self) -> bool {
        let all = |of: &Self| (of.by, of.window, of.is_descending, of.is_alpha, of.store);
        all(self) == all(other) && self.gets().eq(other.gets())
    }
}

// --- The order

/// What is sorted, and how far that has come. Ranges of places are cut in halves, of which the first is cut again, until
/// they are short enough to be sorted; what is not wanted is not sorted.
struct Sorter {
    names: Names,
    /// What decides where the ranks are the same, if not the names.
    weights: Option<Weights>,
    items: Vec<Item>,
    is_descending: bool,
    /// Invariant: ranges of items, none of which has one that belongs into another. The next one is the last.
    left: Vec<Range<usize>>,
    /// Places in the order.
    wanted: Range<usize>,
    /// Nothing is to be sorted.
    is_sorted: bool,
}

struct Item {
    rank: u64,
    /// The number of its name.
    at: usize,
}

enum Step {
    /// These places are sorted, and come next.
    Sorted(Range<usize>),
    /// A long range was cut.
    Cut,
    End,
}

impl Sorter {
    fn step(&mut self) -> Step {
        while let Some(range) = self.left.pop() {
            let wanted = range.start.max(self.wanted.start)..range.end.min(self.wanted.end);
            if wanted.is_empty() {
                continue;
            }
            let Sorter { names, weights, is_descending, .. } = self;
            let order = |a: &Item, b: &Item| {
                let order = a.rank.cmp(&b.rank).then_with(|| match weights {
                    Some(weights) => weights.order(a.at, b.at),
                    None => names.get(a.at).cmp(names.get(b.at)),
                });
                if *is_descending { order.reverse() } else { order }.then(a.at.cmp(&b.at))
            };
            if range.len() <= SLICE {
                if !self.is_sorted {
                    self.items[range].sort_unstable_by(order);
                }
                return Step::Sorted(wanted);
            }
            let half = range.len() / 2;
            if !self.is_sorted {
                self.items[range.clone()].select_nth_unstable_by(half, order);
            }
            let middle = range.start + half;
            self.left.extend([middle..range.end, range.start..middle]);
            return Step::Cut;
        }
        Step::End
    }

    fn names(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        self.items[range].iter().map(|item| self.names.get(item.at))
    }
}

/// A number whose order as an integer is that of the floats.
fn rank_of_float(score: f64) -> u64 {
    // Adding zero makes of the negative one the other.
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The same of bytes, as far as eight of them decide.
pub fn rank_of_bytes(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let count = bytes.len().min(8);
    first[..count].copy_from_slice(&bytes[..count]);
    u64::from_be_bytes(first)
}

// --- SORT itself

fn sort<const STORES: bool>(key: Key<READ>, options: Options<STORES>, cx: &mut Context) -> Ran {
    let gets: Vec<Pattern> = options.gets().map(|pattern| Pattern::new(pattern.0)).collect();
    let mut sorter = gather(key, &options, cx)?;
    let each = gets.len().max(1);
    let most = cx.server.config.proto_max_bulk_len as usize;
    // What is told once is no larger than the key itself; more often, if that is known to be little enough.
    let is_bounded = each == 1 || sorter.names.bytes().saturating_mul(each) <= most;
    if options.store.is_none() && is_bounded && gets.iter().all(|get| matches!(get, Pattern::Element)) {
        cx.reply.array(sorter.wanted.len() * each);
        let mut telling = Telling { sorter, each, sorted: 0..0 };
        return if telling.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(telling))) };
    }
    let count = sorter.wanted.len().saturating_mul(each);
    if count.saturating_mul(LEAST_BYTES) > most {
        return Err(Refusal::ResultTooLarge);
    }
    let gets = if gets.is_empty() { vec![Pattern::Element] } else { gets };
    match options.store {
        None => tell(&mut sorter, &gets, count, most, cx),
        Some(destination) => store(&mut sorter, &gets, destination, most, cx),
    }
}

/// What is sorted, and by what.
fn gather<const STORES: bool>(key: Key<READ>, options: &Options<STORES>, cx: &mut Context) -> Result<Sorter, Refusal> {
    let mut by = options.by.map(|pattern| Pattern::new(pattern.0));
    let mut is_alpha = options.is_alpha;
    let (mut names, mut digits) = (Names::default(), Digits::new());
    let (mut wanted, mut is_sorted) = (0..0, by.is_some_and(|by| !matches!(by, Pattern::Key { .. })));
    let mut take = |element: Element| names.push(element.bytes(&mut digits));
    // Redis makes a skiplist of it, though it only reads.
    let limits = cx.server.config.sorted_set_limits(cx.data.hasher());
    let (database, now_ms) = (cx.database(), cx.now_ms());
    cx.data.reshape(database, key.0, now_ms, |set: &mut SortedSet| set.expect(usize::MAX, &limits));
    match cx.read(key).map(|entry| entry.value()) {
        None => {}
        Some(Value::List(list)) => {
            wanted = options.within(list.len());
            match (is_sorted, options.is_descending) {
                (false, _) => list.iter().for_each(take),
                (true, false) => list.visit(wanted.clone(), take),
                (true, true) => list.iter().rev().skip(wanted.start).take(wanted.len()).for_each(take),
            }
        }
        Some(Value::Set(set)) => {
            wanted = options.within(set.len());
            // What is stored must be the same wherever it is.
            if is_sorted && options.store.is_some() {
                (by, is_sorted, is_alpha) = (None, false, true);
            }
            match is_sorted {
                false => set.iter().for_each(take),
                true => set.iter().skip(wanted.start).take(wanted.len()).for_each(take),
            }
        }
        Some(Value::SortedSet(set)) => {
            let len = set.len();
            wanted = options.within(len);
            let ranks = match (is_sorted, options.is_descending) {
                (false, _) => 0..len,
                (true, false) => wanted.clone(),
                (true, true) => len - wanted.end..len - wanted.start,
            };
            set.visit(ranks, is_sorted && options.is_descending, |member, _| {
                take(member);
                true
            });
        }
        Some(_) => return Err(Refusal::WrongType),
    }
    let mut weights = None;
    let mut items: Vec<Item> = (0..names.len()).map(|at| Item { rank: 0, at }).collect();
    if is_sorted {
        wanted = 0..names.len();
    } else if let Some(by) = by {
        let (mut taker, mut number) = (is_alpha.then(|| Taker::new(cx.room())), 0);
        find(&[by], (0..names.len()).map(|at| names.get(at)), cx, |weight, _| {
            let (weight, name) = (weight.bytes(&mut digits), names.get(number));
            items[number].rank = match (&mut taker, weight) {
                (Some(taker), weight) => taker.take(name, weight)?,
                (None, None) => rank_of_float(0.0),
                (None, Some(weight)) => rank_of_float(number::bound(weight).ok_or(Refusal::NotDoubles)?),
            };
            number += 1;
            Ok(())
        })?;
        weights = taker.map(Taker::end);
    } else {
        for item in &mut items {
            let name = names.get(item.at);
            item.rank = match is_alpha {
                true => rank_of_bytes(name),
                false => rank_of_float(number::bound(name).ok_or(Refusal::NotDoubles)?),
            };
        }
    }
    let left = std::iter::once(0..items.len()).collect();
    Ok(Sorter { names, weights, items, is_descending: options.is_descending, left, wanted, is_sorted })
}

impl<const STORES: bool> Options<'_, STORES> {
    /// The places that are wanted of so many.
    fn within(&self, len: usize) -> Range<usize> {
        let Some(Window { offset: Int(offset), count: Int(count) }) = self.window else { return 0..len };
        let start = usize::try_from(offset.max(0)).map_or(len, |offset| offset.min(len));
        start..usize::try_from(count).map_or(len, |count| start.saturating_add(count).min(len))
    }
}

/// The elements themselves, `each` so many times, in slices.
struct Telling {
    sorter: Sorter,
    each: usize,
    /// Places in the order that come next, each counted `each` times.
    sorted: Range<usize>,
}

/// No more bytes are told in one slice, but for the last.
const TOLD_BYTES_MAX: usize = 1 << 20;

impl Task for Telling {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let (sorter, each) = (&mut self.sorter, self.each);
        if self.sorted.is_empty() {
            match sorter.step() {
                Step::Sorted(range) => self.sorted = range.start * each..range.end * each,
                Step::Cut => return false,
                Step::End => return true,
            }
        }
        let mut bytes = 0;
        while bytes < TOLD_BYTES_MAX
            && let Some(at) = self.sorted.next()
        {
            let name = sorter.names.get(sorter.items[at / each].at);
            cx.reply.bulk(name);
            bytes += name.len();
        }
        self.sorted.is_empty() && sorter.left.is_empty()
    }
}

/// A null, which is the shortest that a result is.
const LEAST_BYTES: usize = 3;

fn tell(sorter: &mut Sorter, gets: &[Pattern], count: usize, most: usize, cx: &mut Context) -> Ran {
    let (mark, before) = (cx.reply.mark(), cx.reply.output().len());
    cx.reply.array(count);
    let mut told = Ok(());
    while told.is_ok() {
        match sorter.step() {
            Step::Sorted(range) => {
                told = find(gets, sorter.names(range), cx, |found, reply| {
                    match found {
                        Found::Nothing => reply.null(),
                        Found::Same(bytes) => reply.bulk(bytes),
                        Found::Text(entry) => write_text(reply, entry)?,
                        Found::Field(element) => write_element(reply, element),
                    }
                    if reply.output().len() - before > most { Err(Refusal::ResultTooLarge) } else { Ok(()) }
                });
            }
            Step::Cut => {}
            Step::End => return Ok(Outcome::Done),
        }
    }
    cx.reply.output().undo(mark);
    told.map(|()| Outcome::Done)
}

fn store(sorter: &mut Sorter, gets: &[Pattern], destination: Key<PUT>, most: usize, cx: &mut Context) -> Ran {
    let (mut list, fill, mut bytes) = (List::default(), fill(cx), 0);
    loop {
        match sorter.step() {
            Step::Sorted(range) => find(gets, sorter.names(range), cx, |found, _| {
                let mut digits = Digits::new();
                let element = found.bytes(&mut digits).unwrap_or_default();
                bytes += element.len() + LEAST_BYTES;
                if bytes > most {
                    return Err(Refusal::ResultTooLarge);
                }
                list.push(End::Right, element);
                Ok(())
            })?,
            Step::Cut => {}
            Step::End => break,
        }
    }
    // Redis says what it is when it is there as a whole.
    list.expect(0, 0, fill);
    let (count, mut door) = (list.len(), cx.open(destination));
    if count > 0 {
        door.put_counting(list, NewExpiry::Never, Event::list("sortstore"));
    } else {
        door.remove(Event::DEL);
    }
    cx.count(count)
}
