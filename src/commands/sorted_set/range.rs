//! Ranges by rank, by score and by name: read, or stored.
use super::bounds::{Bounds, Limit, NameEnd, RankEnd, ScoreEnd};
use super::prelude::*;
use super::{begin_list, limits, write_pair};
use crate::store::value::sorted_set::Element;
use crate::store::{Collection, SortedSet};
use std::ops::Range;

// The option that has two numbers. Redis reads them at once, and takes it for no option if they are not there.
form! { pub LimitWords { offset: Int, count: Int } }

// --- ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
form! { pub ZRange<'a> {
    key: Key<'a, READ>,
    start: NameEnd<'a>,
    stop: NameEnd<'a>,
    [#[once] sortby: By, #[once] rev: "REV", limit: "LIMIT" LimitWords, withscores: "WITHSCORES"]
} }
choice! { pub By { "BYSCORE" => Score, "BYLEX" => Name } }
impl<'a> Command<'a> for ZRange<'a> {
    const FACTS: Facts =
        facts("ZRANGE", "sorted-set", "1.2.0", READONLY, "Returns the members of a sorted set within a range.");
    fn run(self, cx: &mut Context) -> Ran {
        let asked = Asked {
            by: self.sortby,
            reverse: self.rev,
            limit: self.limit.map(LimitWords::limit),
            with_scores: self.withscores,
        };
        asked.read(self.key, self.start.0, self.stop.0, cx)
    }
}

impl LimitWords {
    fn limit(self) -> Limit {
        Limit { offset: self.offset.0, count: self.count.0 }
    }
}

/// What a command asks for, by its name or by its options.
struct Asked {
    by: Option<By>,
    reverse: bool,
    limit: Option<Limit>,
    with_scores: bool,
}

impl Asked {
    fn bounds<'w>(&self, start: &'w [u8], stop: &'w [u8]) -> Result<Bounds<'w>, Refusal> {
        if self.by.is_none() && self.limit.is_some_and(|limit| limit.count != -1) {
            return Err(Refusal::LimitByRank);
        }
        if self.by == Some(By::Name) && self.with_scores {
            return Err(Refusal::ScoresByName);
        }
        let (min, max) = if self.reverse { (stop, start) } else { (start, stop) };
        match self.by {
            None => Bounds::ranks(start, stop),
            Some(By::Score) => Bounds::scores(min, max),
            Some(By::Name) => Bounds::names(min, max),
        }
    }

    fn within(&self, bounds: Bounds, set: &SortedSet) -> Range<usize> {
        let range = bounds.within(set, self.reverse);
        match self.limit {
            Some(limit) if self.by.is_some() => limit.cut(range, self.reverse, set),
            _ => range,
        }
    }

    fn read(&self, key: Key<READ>, start: &[u8], stop: &[u8], cx: &mut Context) -> Ran {
        let bounds = self.bounds(start, stop)?;
        let (set, reply) = cx.view::<SortedSet, _>(key)?;
        let range = set.map_or(0..0, |set| self.within(bounds, set));
        begin_list(reply, range.len(), self.with_scores);
        if let Some(set) = set {
            set.visit(range, self.reverse, |member, score| {
                write_pair(reply, member, score, self.with_scores);
                true
            });
        }
        Ok(Outcome::Done)
    }
}

// --- ZRANGEBYLEX key min max [LIMIT offset count]
// (WITHSCORES has a refusal of its own, here and below.)
form! { pub ZRangeByLex<'a> {
    key: Key<'a, READ>, min: NameEnd<'a>, max: NameEnd<'a>, [limit: "LIMIT" LimitWords, withscores: "WITHSCORES"]
} }
impl<'a> Command<'a> for ZRangeByLex<'a> {
    const FACTS: Facts = facts(
        "ZRANGEBYLEX",
        "sorted-set",
        "2.8.9",
        READONLY,
        "Returns the members whose names lie within a range, if all have the same score.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let limit = self.limit.map(LimitWords::limit);
        let asked = Asked { by: Some(By::Name), reverse: false, limit, with_scores: self.withscores };
        asked.read(self.key, self.min.0, self.max.0, cx)
    }
}

// --- ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
form! { pub ZRangeByScore<'a> {
    key: Key<'a, READ>, min: ScoreEnd<'a>, max: ScoreEnd<'a>, [withscores: "WITHSCORES", limit: "LIMIT" LimitWords]
} }
impl<'a> Command<'a> for ZRangeByScore<'a> {
    const FACTS: Facts =
        facts("ZRANGEBYSCORE", "sorted-set", "1.0.5", READONLY, "Returns the members whose scores lie within a range.");
    fn run(self, cx: &mut Context) -> Ran {
        let limit = self.limit.map(LimitWords::limit);
        let asked = Asked { by: Some(By::Score), reverse: false, limit, with_scores: self.withscores };
        asked.read(self.key, self.min.0, self.max.0, cx)
    }
}

// --- ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
form! { pub ZRangeStore<'a> {
    dst: Key<'a, PUT>,
    src: Key<'a, READ>,
    min: NameEnd<'a>,
    max: NameEnd<'a>,
    [#[once] sortby: By, #[once] rev: "REV", limit: "LIMIT" LimitWords]
} }
impl<'a> Command<'a> for ZRangeStore<'a> {
    const FACTS: Facts = facts(
        "ZRANGESTORE",
        "sorted-set",
        "6.2.0",
        WRITE | DENYOOM,
        "Stores the members of a sorted set within a range as another sorted set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let limit = self.limit.map(LimitWords::limit);
        let asked = Asked { by: self.sortby, reverse: self.rev, limit, with_scores: false };
        let bounds = asked.bounds(self.min.0, self.max.0)?;
        let limits = limits(cx);
        let mut members: Vec<(f64, Element)> = vec![];
        cx.view::<SortedSet, _>(self.src)?;
        let source = cx.data.peek(cx.database(), self.src.0, cx.now_ms());
        if let Some(set) = source.map(|entry| entry.view::<SortedSet>()).transpose()? {
            let range = asked.within(bounds, set);
            cx.afford(set.heap_bytes() / set.len() * range.len())?;
            members.reserve(range.len());
            set.visit(range, asked.reverse, |member, score| {
                members.push((score, member));
                true
            });
        }
        // Redis adds one after the other, and as long as they are a row no zero has a sign.
        let most = if asked.by.is_none() && members.len() > limits.entries { 0 } else { limits.entries };
        let mut digits = Digits::new();
        let mut is_short = |(_, member): &&(f64, Element)| member.bytes(&mut digits).len() <= limits.value;
        let row = members.iter().take(most).take_while(&mut is_short).count();
        members[..row].iter_mut().for_each(|(score, _)| *score += 0.0);
        if asked.reverse {
            members.reverse();
        }
        store(self.dst, SortedSet::of(&members, &limits), "zrangestore", cx)
    }
}

// --- ZREVRANGE key start stop [WITHSCORES]
// (A LIMIT that cuts nothing is taken too, as in Redis.)
form! { pub ZRevRange<'a> {
    key: Key<'a, READ>, start: RankEnd<'a>, stop: RankEnd<'a>, [withscores: "WITHSCORES", limit: "LIMIT" LimitWords]
} }
impl<'a> Command<'a> for ZRevRange<'a> {
    const FACTS: Facts = facts(
        "ZREVRANGE",
        "sorted-set",
        "1.2.0",
        READONLY,
        "Returns the members of a sorted set from one place to another, counted from its end.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let asked =
            Asked { by: None, reverse: true, limit: self.limit.map(LimitWords::limit), with_scores: self.withscores };
        asked.read(self.key, self.start.0, self.stop.0, cx)
    }
}

// --- ZREVRANGEBYLEX key max min [LIMIT offset count]
form! { pub ZRevRangeByLex<'a> {
    key: Key<'a, READ>, max: NameEnd<'a>, min: NameEnd<'a>, [limit: "LIMIT" LimitWords, withscores: "WITHSCORES"]
} }
impl<'a> Command<'a> for ZRevRangeByLex<'a> {
    const FACTS: Facts = facts(
        "ZREVRANGEBYLEX",
        "sorted-set",
        "2.8.9",
        READONLY,
        "Returns the members whose names lie within a range from the last one on, if all have the same score.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let limit = self.limit.map(LimitWords::limit);
        let asked = Asked { by: Some(By::Name), reverse: true, limit, with_scores: self.withscores };
        asked.read(self.key, self.max.0, self.min.0, cx)
    }
}

// --- ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
form! { pub ZRevRangeByScore<'a> {
    key: Key<'a, READ>, max: ScoreEnd<'a>, min: ScoreEnd<'a>, [withscores: "WITHSCORES", limit: "LIMIT" LimitWords]
} }
impl<'a> Command<'a> for ZRevRangeByScore<'a> {
    const FACTS: Facts = facts(
        "ZREVRANGEBYSCORE",
        "sorted-set",
        "2.2.0",
        READONLY,
        "Returns the members whose scores lie within a range from the greatest one on.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let limit = self.limit.map(LimitWords::limit);
        let asked = Asked { by: Some(By::Score), reverse: true, limit, with_scores: self.withscores };
        asked.read(self.key, self.max.0, self.min.0, cx)
    }
}

// --- What others use

/// Puts a set where the client wants it; one without members leaves nothing there. Answers with how many it has.
pub fn store(to: Key<PUT>, result: SortedSet, event: &'static str, cx: &mut Context) -> Ran {
    let (mut door, reply) = cx.change(to);
    reply.count(door.store(result, Event::sorted_set(event)));
    Ok(Outcome::Done)
}
