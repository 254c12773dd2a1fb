//! Elements by chance, for SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: some of them, each once, or as many draws as are asked
//! for. Very many draws are made in slices. How one is drawn, and that it is fair, is the collection's business.
use super::prelude::*;
use crate::command::{Room, Task};
use crate::commands::key::find::{Names, SLICE};
use crate::commands::list::write_element;
use crate::commands::sorted_set::{begin_list, write_score};
use crate::store::value::Collection;
use crate::store::value::hash::{Element, Field};
use crate::store::{Hash, Set, SortedSet};
use crate::wire::reply::Reply;
use std::collections::HashSet;
use std::marker::PhantomData;

number! { Picks: integer, else NotAnInteger; |n| n != i64::MIN, else NotALong }

/// An element, and what stands beside it.
#[derive(Clone, Copy)]
pub struct Drawn<'a> {
    pub name: Element<'a>,
    beside: Beside<'a>,
}

#[derive(Clone, Copy)]
enum Beside<'a> {
    Nothing,
    Value(Element<'a>),
    Score(f64),
}

impl<'a> From<Element<'a>> for Drawn<'a> {
    fn from(name: Element<'a>) -> Self {
        Drawn { name, beside: Beside::Nothing }
    }
}

impl<'a> From<Field<'a>> for Drawn<'a> {
    fn from(field: Field<'a>) -> Self {
        Drawn { name: field.name, beside: Beside::Value(field.value) }
    }
}

impl<'a> From<(Element<'a>, f64)> for Drawn<'a> {
    fn from((name, score): (Element<'a>, f64)) -> Self {
        Drawn { name, beside: Beside::Score(score) }
    }
}

/// A collection from which elements are drawn.
pub trait Urn: Collection {
    /// How many of its elements are seen.
    fn seen(&self, _now_ms: i64) -> usize {
        self.len()
    }

    /// Shows an element, at each draw all equally likely, until `visit` says false. It has some.
    fn draw(&self, now_ms: i64, chance: &mut dyn FnMut() -> u64, visit: &mut dyn FnMut(Drawn) -> bool);

    /// Shows each element once, until `visit` says false. The whole may have an order of its own.
    fn walk(&self, now_ms: i64, whole: bool, visit: &mut dyn FnMut(Drawn) -> bool);
}

impl Urn for Set {
    fn draw(&self, _: i64, chance: &mut dyn FnMut() -> u64, visit: &mut dyn FnMut(Drawn) -> bool) {
        while self.random(chance).is_some_and(|member| visit(member.into())) {}
    }

    fn walk(&self, _: i64, _: bool, visit: &mut dyn FnMut(Drawn) -> bool) {
        _ = self.iter().all(|member| visit(member.into()));
    }
}

impl Urn for Hash {
    fn seen(&self, now_ms: i64) -> usize {
        self.len_at(now_ms)
    }

    fn draw(&self, now_ms: i64, chance: &mut dyn FnMut() -> u64, visit: &mut dyn FnMut(Drawn) -> bool) {
        Hash::draw(self, now_ms, chance, &mut |field| visit(field.into()));
    }

    fn walk(&self, now_ms: i64, _: bool, visit: &mut dyn FnMut(Drawn) -> bool) {
        _ = self.iter(now_ms).all(|field| visit(field.into()));
    }
}

impl Urn for SortedSet {
    fn draw(&self, _: i64, chance: &mut dyn FnMut() -> u64, visit: &mut dyn FnMut(Drawn) -> bool) {
        let mut goes_on = !self.is_empty();
        while goes_on {
            let rank = (chance() % self.len() as u64) as usize;
            self.visit(rank..rank + 1, false, |member, score| {
                goes_on = visit((member, score).into());
                goes_on
            });
        }
    }

    /// Redis shows the whole from its last on.
    fn walk(&self, _: i64, whole: bool, visit: &mut dyn FnMut(Drawn) -> bool) {
        self.visit(0..self.len(), whole, |member, score| visit((member, score).into()));
    }
}

/// What the three commands do. `count`: how many, each once; below zero, how many draws.
pub fn pick<T: Urn>(key: Key<READ>, count: Option<i64>, beside: bool, cx: &mut Context) -> Ran {
    if beside && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(Refusal::OutOfRange);
    }
    cx.view::<T, _>(key)?;
    let (database, now_ms, mut room) = (cx.database(), cx.now_ms(), cx.room());
    let Context { data, server, reply, .. } = cx;
    let urn = data.peek(database, key.0, now_ms).map(|entry| entry.view::<T>()).transpose()?;
    let urn = urn.filter(|urn| urn.seen(now_ms) > 0);
    let chance = &mut || server.chance.next();
    let (Some(urn), Some(count)) = (urn, count) else {
        match urn {
            Some(urn) => {
                some(urn, 1, now_ms, chance, &mut |drawn| {
                    write_element(reply, drawn.name);
                    true
                });
            }
            None if count.is_some() => reply.array(0),
            None => reply.null(),
        }
        return Ok(Outcome::Done);
    };
    if count >= 0 {
        let count = urn.seen(now_ms).min(count as usize);
        begin_list(reply, count, beside);
        sample(urn, count, now_ms, chance, &mut |drawn| write(drawn, beside, reply));
        return Ok(Outcome::Done);
    }
    let count = count.unsigned_abs();
    let least = (1 + beside as usize) * size_of::<usize>();
    if !room.has(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(least)) {
        return Err(Refusal::ResultTooLarge);
    }
    if count as usize <= SLICE {
        let before = reply.mark();
        begin_list(reply, count as usize, beside);
        let fits = some(urn, count as usize, now_ms, chance, &mut |drawn| {
            write(drawn, beside, reply);
            room.takes(bytes(&drawn, beside))
        });
        if !fits {
            reply.output().undo(before);
            return Err(Refusal::ResultTooLarge);
        }
        return Ok(Outcome::Done);
    }
    let mut draws = Draws {
        database,
        key: key.0.into(),
        beside,
        room,
        left: count as usize,
        names: Names::default(),
        scores: vec![],
        told: None,
        of: PhantomData::<T>,
    };
    if draws.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(draws))) }
}

fn write(drawn: Drawn, beside: bool, reply: &mut Reply) {
    if beside && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    write_element(reply, drawn.name);
    match drawn.beside {
        Beside::Value(value) if beside => write_element(reply, value),
        Beside::Score(score) if beside => write_score(reply, score),
        _ => {}
    }
}

/// What is drawn says how large it is: an average would count what is due too.
fn bytes(drawn: &Drawn, beside: bool) -> usize {
    let bytes = |element: &Element| element.bytes(&mut Digits::new()).len() + size_of::<usize>();
    let more = match &drawn.beside {
        Beside::Value(value) if beside => bytes(value),
        Beside::Score(_) if beside => size_of::<f64>(),
        _ => 0,
    };
    bytes(&drawn.name) + more
}

/// So many draws, until `show` says false. Were they all shown?
fn some<T: Urn>(
    urn: &T,
    count: usize,
    now_ms: i64,
    chance: &mut dyn FnMut() -> u64,
    show: &mut dyn FnMut(Drawn) -> bool,
) -> bool {
    let (mut left, mut goes_on) = (count, true);
    urn.draw(now_ms, chance, &mut |drawn| {
        goes_on = show(drawn);
        left -= 1;
        goes_on && left > 0
    });
    goes_on
}

/// So many elements, each once, each choice of them as likely as any other.
fn sample<T: Urn>(urn: &T, count: usize, now_ms: i64, chance: &mut dyn FnMut() -> u64, show: &mut dyn FnMut(Drawn)) {
    let (mut wanted, mut left) = (count, urn.seen(now_ms));
    if count == 0 {
    } else if count < left / 8 {
        // Few of many are drawn until they are enough.
        let mut seen = HashSet::with_capacity(count);
        urn.draw(now_ms, chance, &mut |drawn| {
            if seen.insert(Box::<[u8]>::from(drawn.name.bytes(&mut Digits::new()))) {
                show(drawn);
            }
            seen.len() < count
        });
    } else {
        // One walk decides of each: it is taken as likely as so many of those left are wanted.
        urn.walk(now_ms, count == left, &mut |drawn| {
            if chance() % (left as u64) < wanted as u64 {
                show(drawn);
                wanted -= 1;
            }
            left -= 1;
            wanted > 0
        });
    }
}

/// Many draws, in slices: they are collected, and then told. A collection that goes meanwhile ends it.
struct Draws<T> {
    database: usize,
    key: Box<[u8]>,
    /// What stands beside an element is wanted too.
    beside: bool,
    room: Room,
    left: usize,
    /// Each with its value behind it, if that is wanted.
    names: Names,
    scores: Vec<f64>,
    /// How many words of `names` the reply has, once it is begun.
    told: Option<usize>,
    of: PhantomData<T>,
}

impl<T: Urn> Draws<T> {
    /// False: it is too much.
    fn collect(&mut self, cx: &mut Context) -> bool {
        let now_ms = cx.now_ms();
        let Context { data, server, .. } = cx;
        let urn = data.look(self.database, &self.key, now_ms).and_then(|entry| entry.view::<T>().ok());
        let Some(urn) = urn.filter(|urn| urn.seen(now_ms) > 0) else {
            self.left = 0;
            return true;
        };
        let count = self.left.min(SLICE);
        self.left -= count;
        some(urn, count, now_ms, &mut || server.chance.next(), &mut |drawn| {
            if !self.room.takes(bytes(&drawn, self.beside)) {
                return false;
            }
            self.names.push(drawn.name.bytes(&mut Digits::new()));
            match drawn.beside {
                Beside::Value(value) if self.beside => self.names.push(value.bytes(&mut Digits::new())),
                Beside::Score(score) if self.beside => self.scores.push(score),
                _ => {}
            }
            true
        })
    }
}

impl<T: Urn> Task for Draws<T> {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        if self.left > 0 {
            if !self.collect(cx) {
                _ = cx.error(Refusal::ResultTooLarge.text());
                return true;
            }
            if self.left > 0 {
                return false;
            }
        }
        let reply = &mut cx.reply;
        let (names, scores) = (&self.names, &self.scores);
        let width = if self.beside && scores.is_empty() { 2 } else { 1 };
        let from = self.told.unwrap_or_else(|| {
            begin_list(reply, names.len() / width, self.beside);
            0
        });
        let to = names.len().min(from + width * SLICE);
        for at in (from..to).step_by(width) {
            let beside = match scores.get(at) {
                Some(score) => Beside::Score(*score),
                None if width == 2 => Beside::Value(Element::Bytes(names.get(at + 1))),
                None => Beside::Nothing,
            };
            write(Drawn { name: Element::Bytes(names.get(at)), beside }, self.beside, reply);
        }
        self.told = Some(to);
        to == names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::{Chance, assert_even};
    use crate::store::database::KeyHasher;
    use crate::store::value::hash::FieldExpiry;
    use crate::store::{HashLimits, SetLimits, SortedSetLimits};

    const NOW_MS: i64 = 5;

    fn number(drawn: Drawn, word: &str) -> usize {
        let name = drawn.name.bytes(&mut Digits::new()).to_vec();
        String::from_utf8(name).unwrap().strip_prefix(word).unwrap().parse().unwrap()
    }

    /// One of them, few, some, nearly all.
    fn is_fair<T: Urn>(urn: &T, word: &str, left: usize) {
        let mut chance = Chance::from_seed(7);
        assert_even(&format!("one of {left}"), left, left * 40, |show| {
            some(urn, 1, NOW_MS, &mut || chance.next(), &mut |drawn| {
                show(number(drawn, word));
                true
            });
        });
        for picked in [1, left / 10, left / 2, left - 1] {
            assert_even(&format!("{picked} of {left}"), left, 400, |show| {
                let mut count = 0;
                sample(urn, picked, NOW_MS, &mut || chance.next(), &mut |drawn| {
                    show(number(drawn, word));
                    count += 1;
                });
                assert_eq!(count, picked);
            });
        }
        // Draws one after the other are as likely too.
        let (mut round, mut drawn_before) = (0, vec![0; left]);
        some(urn, left * 60, NOW_MS, &mut || chance.next(), &mut |drawn| {
            round += 1;
            drawn_before[number(drawn, word)] += 1;
            true
        });
        assert_eq!(round, left * 60);
        let chi: f64 = drawn_before.iter().map(|count| (*count as f64 - 60.0).powi(2) / 60.0).sum();
        assert!(chi < left as f64 + 4.0 * (2.0 * left as f64).sqrt(), "{left} in a row: chi-square {chi}");
    }

    /// Rows, integers, tables, a table of which most is gone.
    #[test]
    #[cfg_attr(miri, ignore = "it draws for long")]
    fn every_member_of_a_set_is_as_likely() {
        let hasher = KeyHasher::new([1, 2, 3, 4]);
        let limits = SetLimits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher };
        for (before, left, word) in [(50, 50, "m"), (300, 300, ""), (1_000, 1_000, "m"), (30_000, 300, "m")] {
            let mut set = Set::default();
            let name = |n: usize| format!("{word}{n}").into_bytes();
            (0..before).for_each(|n| assert!(set.add(&name(n), &limits)));
            (left..before).for_each(|n| assert!(set.remove(&name(n))));
            is_fair(&set, word, left);
        }
    }

    /// Rows, tables, a table of which most is gone, such of which most is due, or nearly all.
    #[test]
    #[cfg_attr(miri, ignore = "it draws for long")]
    fn every_field_of_a_hash_is_as_likely() {
        let hasher = KeyHasher::new([1, 2, 3, 4]);
        let limits = HashLimits { listpack_entries: 128, listpack_value: 64, hasher };
        let kinds =
            [(50, 50, true), (1_000, 1_000, true), (30_000, 300, true), (3_000, 300, false), (20_000, 20, false)];
        for (before, left, goes) in kinds {
            let mut hash = Hash::default();
            let name = |n: usize| format!("f{n}").into_bytes();
            for n in 0..before {
                hash.set(&name(n), b"v", FieldExpiry::Never, 0, &limits);
                match n >= left {
                    true if goes => assert!(hash.remove(&name(n), 0)),
                    true => hash.expire(&name(n), Some(NOW_MS), &limits),
                    false => {}
                }
            }
            is_fair(&hash, "f", left);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it draws for long")]
    fn every_member_of_a_sorted_set_is_as_likely() {
        for (count, entries) in [(50, 128), (1_000, 0)] {
            let limits = SortedSetLimits { entries, value: 64, hasher: KeyHasher::new([1, 2, 3, 4]) };
            let mut set = SortedSet::default();
            for number in 0..count {
                set.change(number.to_string().as_bytes(), &limits, |_| Some(number as f64));
            }
            is_fair(&set, "", count);
        }
    }
}
