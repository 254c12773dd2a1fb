//! Members by chance, and a walk through all of them.
use super::prelude::*;
use super::{begin_list, write_pair};
use crate::base::number::{print_float, print_float_in_17_digits};
use crate::base::random::Chance;
use crate::command::outcome::Task;
use crate::commands::key::find::{Cursor, Names, begin, judge_walk};
use crate::commands::list::write_element;
use crate::commands::set::scan::WalkOptions;
use crate::store::value::Collection;
use crate::store::value::sorted_set::Element;
use crate::store::{Entry, SortedSet, Walk};
use std::collections::BTreeSet;

// --- ZRANDMEMBER key [count [WITHSCORES]]
form! { pub ZRandMember<'a> { key: Key<'a, READ>, options: Option<Picks> } }
form! { pub Picks { count: PickCount, [#[once] withscores: "WITHSCORES"] } }
number! { PickCount: integer, else NotAnInteger; |n| n != i64::MIN, else NotALong }
impl<'a> Command<'a> for ZRandMember<'a> {
    const FACTS: Facts =
        facts("ZRANDMEMBER", "sorted-set", "6.2.0", READONLY, "Returns members of a sorted set, by chance.")
            .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        if self.options.is_some_and(|picks| picks.withscores && picks.count.0.unsigned_abs() > i64::MAX as u64 / 2) {
            return Err(Refusal::OutOfRange);
        }
        cx.view::<SortedSet, _>(self.key)?;
        let (database, now_ms, most) = (cx.database(), cx.now_ms(), cx.server.config.proto_max_bulk_len);
        let Context { data, server, reply, .. } = cx;
        let set = data.peek(database, self.key.0, now_ms).map(Entry::view::<SortedSet>).transpose()?;
        let (set, Picks { count: PickCount(count), withscores }) = match (set, self.options) {
            (Some(set), Some(picks)) => (set, picks),
            (Some(set), None) => {
                draw(set, &mut server.chance, |member, _| write_element(reply, member));
                return Ok(Outcome::Done);
            }
            (None, Some(_)) => {
                reply.array(0);
                return Ok(Outcome::Done);
            }
            (None, None) => return cx.null(),
        };
        if count >= 0 {
            let count = usize::try_from(count).map_or(set.len(), |count| count.min(set.len()));
            begin_list(reply, count, withscores);
            sample(set, count, &mut server.chance, |member, score| write_pair(reply, member, score, withscores));
            return Ok(Outcome::Done);
        }
        let count = count.unsigned_abs();
        let each = set.heap_bytes() / set.len() + size_of::<usize>();
        if count.saturating_mul(each as u64) > most {
            return Err(Refusal::ResultTooLarge);
        }
        if count as usize <= SLICE {
            begin_list(reply, count as usize, withscores);
            for _ in 0..count {
                draw(set, &mut server.chance, |member, score| write_pair(reply, member, score, withscores));
            }
            return Ok(Outcome::Done);
        }
        let key = self.key.0.into();
        let mut draws = Draws { database, key, left: count as usize, withscores, drawn: vec![], told: None };
        if draws.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(draws))) }
    }
}

/// So many are drawn, or told, at a time.
const SLICE: usize = 4096;

/// A member, each as likely as any other.
fn draw(set: &SortedSet, chance: &mut Chance, mut show: impl FnMut(Element, f64)) {
    let at = chance.below(set.len() as u64) as usize;
    set.visit(at..at + 1, false, |member, score| {
        show(member, score);
        true
    });
}

/// So many different members, each choice of them as likely as any other.
fn sample(set: &SortedSet, count: usize, chance: &mut Chance, mut show: impl FnMut(Element, f64)) {
    let len = set.len();
    if count == len {
        // Redis begins with the last.
        set.visit(0..len, true, |member, score| {
            show(member, score);
            true
        });
    } else if count > len / 8 {
        // Each is taken as likely as so many of those left are wanted.
        let (mut wanted, mut left) = (count, len);
        set.visit(0..len, false, |member, score| {
            if chance.below(left as u64) < wanted as u64 {
                show(member, score);
                wanted -= 1;
            }
            left -= 1;
            wanted > 0
        });
    } else {
        let mut ranks = BTreeSet::new();
        while ranks.len() < count {
            ranks.insert(chance.below(len as u64) as usize);
        }
        for rank in ranks {
            set.visit(rank..rank + 1, false, |member, score| {
                show(member, score);
                true
            });
        }
    }
}

/// Many draws, in slices: they are collected, and then told. A set that goes meanwhile ends it.
struct Draws {
    database: usize,
    key: Box<[u8]>,
    left: usize,
    withscores: bool,
    drawn: Vec<(f64, Box<[u8]>)>,
    /// So many of them.
    told: Option<usize>,
}

impl Task for Draws {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let now_ms = cx.now_ms();
        let Context { data, server, reply, .. } = cx;
        if self.left > 0 {
            let set = data.look(self.database, &self.key, now_ms).and_then(|entry| entry.view::<SortedSet>().ok());
            let count = self.left.min(SLICE);
            self.left = if set.is_some() { self.left - count } else { 0 };
            for _ in 0..count {
                let Some(set) = set else { break };
                draw(set, &mut server.chance, |member, score| {
                    self.drawn.push((score, member.bytes(&mut Digits::new()).into()));
                });
            }
            if self.left > 0 {
                return false;
            }
        }
        let from = self.told.unwrap_or_else(|| {
            begin_list(reply, self.drawn.len(), self.withscores);
            0
        });
        let to = self.drawn.len().min(from + SLICE);
        for (score, member) in &self.drawn[from..to] {
            write_pair(reply, Element::Bytes(member), *score, self.withscores);
        }
        self.told = Some(to);
        to == self.drawn.len()
    }
}

// --- ZSCAN key cursor [MATCH pattern] [COUNT count]
form! { pub ZScan<'a> { key: Key<'a, READ>, cursor: Cursor, options: WalkOptions<'a> } }
impl<'a> Command<'a> for ZScan<'a> {
    const FACTS: Facts = facts(
        "ZSCAN",
        "sorted-set",
        "2.8.0",
        READONLY,
        "Returns some of the members of a sorted set with their scores, and where to go on.",
    )
    .hint(&["nondeterministic_output"]);
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        judge_walk::<SortedSet>(words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let walk = Walk { cursor: self.cursor.0, hasher: cx.data.hasher().clone() };
        let (set, reply) = cx.view::<SortedSet, _>(self.key)?;
        let (mut found, mut next) = (Names::default(), None);
        if let Some(set) = set {
            // As Redis keeps them, so it prints them.
            let print = if set.encoding() == "listpack" { print_float } else { print_float_in_17_digits };
            let (mut digits, mut text) = (Digits::new(), vec![]);
            next = set.scan(&walk, self.options.count(), |member, score| {
                let member = member.bytes(&mut digits);
                if self.options.wants(member) {
                    found.push(member);
                    text.clear();
                    print(score, &mut text);
                    found.push(&text);
                }
            });
        }
        begin(next, reply);
        found.tell_some(found.len(), reply);
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::assert_even;
    use crate::store::SortedSetLimits;
    use crate::store::database::KeyHasher;

    fn set(count: usize, entries: usize) -> SortedSet {
        let limits = SortedSetLimits { entries, value: 64, hasher: KeyHasher::new([1, 2, 3, 4]) };
        let mut set = SortedSet::default();
        for number in 0..count {
            set.change(number.to_string().as_bytes(), &limits, |_| Some(number as f64));
        }
        set
    }

    #[test]
    fn every_member_is_as_likely() {
        for (count, entries) in [(50, 128), (1000, 0)] {
            let (set, mut chance) = (set(count, entries), Chance::from_seed(5));
            assert_even(&format!("one of {count}"), count, count * 40, |show| {
                draw(&set, &mut chance, |_, score| show(score as usize));
            });
            for picked in [1, count / 10, count / 2, count - 1] {
                assert_even(&format!("{picked} of {count}"), count, 4000, |show| {
                    sample(&set, picked, &mut chance, |_, score| show(score as usize));
                });
            }
        }
    }
}
