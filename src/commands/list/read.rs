//! What is read of a list: how long it is, one element, a range, where an element is.
use super::prelude::*;
use super::write_element;
use crate::store::List as Elements;
use crate::store::text::Digits;
use crate::store::value::Collection;
use crate::wire::reply::Of;
use std::ops::Range;

// --- LINDEX key index
form! { pub LIndex<'a> { key: Key<'a, READ>, index: Late<'a, Int> } }
impl<'a> Command<'a> for LIndex<'a> {
    const FACTS: Facts = facts("LINDEX", "list", "1.0.0", READONLY, "Returns the element of a list at a place.");
    fn run(self, cx: &mut Context) -> Ran {
        let (list, reply) = cx.view::<Elements, _>(self.key)?;
        let Some(list) = list else { return cx.null() };
        match place(self.index.read()?.0, list.len()).and_then(|at| list.get(at)) {
            Some(element) => write_element(reply, element),
            None => reply.null(),
        }
        Ok(Outcome::Done)
    }
}

// --- LLEN key
form! { pub LLen<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for LLen<'a> {
    const FACTS: Facts = facts("LLEN", "list", "1.0.0", READONLY | FAST, "Returns how many elements a list has.");
    fn run(self, cx: &mut Context) -> Ran {
        let length = match cx.measure(self.key) {
            Some(entry) => entry.view::<Elements>()?.len(),
            None => 0,
        };
        cx.count(length)
    }
}

// --- LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
form! { pub LPos<'a> {
    key: Key<'a, READ>,
    element: Bytes<'a>,
    [rank: "RANK" Rank, count: "COUNT" Matches, maxlen: "MAXLEN" Compared]
} }
number! { Matches: integer, else PosCountNegative; |n| n >= 0, else PosCountNegative }
number! { Compared: integer, else MaxlenNegative; |n| n >= 0, else MaxlenNegative }
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Rank(i64);
impl<'a> Leaf<'a> for Rank {
    const KIND: Kind = Kind::Integer;
    const EXAMPLE: &'static str = "1";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        match integer(word) {
            None => Err(Refusal::NotAnInteger),
            Some(0) => Err(Refusal::RankZero),
            Some(i64::MIN) => Err(Refusal::NotALong),
            Some(rank) => Ok(Rank(rank)),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        to.text(self.0);
    }
}
impl<'a> Command<'a> for LPos<'a> {
    const FACTS: Facts = facts("LPOS", "list", "6.0.6", READONLY, "Returns where in a list an element is.");
    fn run(self, cx: &mut Context) -> Ran {
        let (list, reply) = cx.view::<Elements, _>(self.key)?;
        let Some(Matches(_)) = self.count else {
            let mut first = None;
            list.into_iter().for_each(|list| self.find(list, &mut |at| first = Some(at)));
            match first {
                Some(at) => reply.count(at),
                None => reply.null(),
            }
            return Ok(Outcome::Done);
        };
        let (mark, mut found) = (reply.mark(), 0);
        list.into_iter().for_each(|list| {
            self.find(list, &mut |at| {
                reply.count(at);
                found += 1;
            })
        });
        reply.length_at(mark, Of::Array, found);
        Ok(Outcome::Done)
    }
}
impl LPos<'_> {
    fn find(&self, list: &Elements, show: &mut dyn FnMut(usize)) {
        let rank = self.rank.map_or(1, |rank| rank.0);
        let most = match self.count {
            None => 1,
            Some(Matches(0)) => usize::MAX,
            Some(Matches(most)) => most as usize,
        };
        let compared = self.maxlen.filter(|compared| compared.0 > 0).map_or(usize::MAX, |compared| compared.0 as usize);
        let (mut digits, len, passed) = (Digits::new(), list.len(), rank.unsigned_abs() as usize - 1);
        let mut is_meant = |element: crate::store::value::list::Element| element.bytes(&mut digits) == self.element.0;
        let found = |(at, is_it): (usize, bool)| is_it.then_some(at);
        if rank > 0 {
            let compared = list.iter().take(compared).map(&mut is_meant).enumerate();
            compared.filter_map(found).skip(passed).take(most).for_each(show);
        } else {
            let compared = list.iter().rev().take(compared).map(&mut is_meant).enumerate();
            compared.filter_map(found).skip(passed).take(most).for_each(|at| show(len - 1 - at));
        }
    }
}

// --- LRANGE key start stop
form! { pub LRange<'a> { key: Key<'a, READ>, start: Int, stop: Int } }
impl<'a> Command<'a> for LRange<'a> {
    const FACTS: Facts =
        facts("LRANGE", "list", "1.0.0", READONLY, "Returns the elements of a list from one place to another.");
    fn run(self, cx: &mut Context) -> Ran {
        let (list, reply) = cx.view::<Elements, _>(self.key)?;
        let wanted = range(self.start.0, self.stop.0, list.map_or(0, Collection::len));
        reply.array(wanted.len());
        if let Some(list) = list {
            list.visit(wanted, |element| write_element(reply, element));
        }
        Ok(Outcome::Done)
    }
}

// --- What they share

/// The place that an index means, which counts from either end.
pub fn place(index: i64, length: usize) -> Option<usize> {
    let at = if index < 0 { index + length as i64 } else { index };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// The places from one index to another.
pub fn range(start: i64, stop: i64, length: usize) -> Range<usize> {
    let from_front = |at: i64| if at < 0 { (at + length as i64).max(-1) } else { at };
    let (start, stop) = (from_front(start).max(0), from_front(stop).min(length as i64 - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}
