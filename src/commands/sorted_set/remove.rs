//! Members that go, by name or within a range.
use super::bounds::{Bounds, NameEnd, ScoreEnd};
use super::prelude::*;
use crate::store::SortedSet;
use crate::store::value::Collection;

// --- ZREM key member [member ...]
form! { pub ZRem<'a> { key: Key<'a, REMOVE>, member: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for ZRem<'a> {
    const FACTS: Facts = facts("ZREM", "sorted-set", "1.2.0", WRITE | FAST, "Takes members out of a sorted set.");
    fn run(self, cx: &mut Context) -> Ran {
        let (mut door, reply) = cx.change(self.key);
        let mut removed = 0;
        if door.view::<SortedSet>()?.is_some() {
            removed = door.edit(Event::sorted_set("zrem"), |set: &mut SortedSet| {
                let mut removed = 0;
                for group in self.member.groups() {
                    set.warm(group.clone().map(|member| member.0), true);
                    removed += group.filter(|member| set.remove(member.0).is_some()).count();
                }
                (removed, removed)
            })?;
        }
        reply.count(removed);
        Ok(Outcome::Done)
    }
}

// --- ZREMRANGEBYLEX key min max
form! { pub ZRemRangeByLex<'a> { key: Key<'a, REMOVE>, min: NameEnd<'a>, max: NameEnd<'a> } }
impl<'a> Command<'a> for ZRemRangeByLex<'a> {
    const FACTS: Facts = facts(
        "ZREMRANGEBYLEX",
        "sorted-set",
        "2.8.9",
        WRITE,
        "Takes away the members whose names lie within a range, if all have the same score.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        remove(self.key, Bounds::names(self.min.0, self.max.0)?, "zremrangebylex", cx)
    }
}

// --- ZREMRANGEBYRANK key start stop
form! { pub ZRemRangeByRank<'a> { key: Key<'a, REMOVE>, start: Int, stop: Int } }
impl<'a> Command<'a> for ZRemRangeByRank<'a> {
    const FACTS: Facts = facts(
        "ZREMRANGEBYRANK",
        "sorted-set",
        "2.0.0",
        WRITE,
        "Takes away the members of a sorted set from one place to another.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        remove(self.key, Bounds::Rank(self.start.0, self.stop.0), "zremrangebyrank", cx)
    }
}

// --- ZREMRANGEBYSCORE key min max
form! { pub ZRemRangeByScore<'a> { key: Key<'a, REMOVE>, min: ScoreEnd<'a>, max: ScoreEnd<'a> } }
impl<'a> Command<'a> for ZRemRangeByScore<'a> {
    const FACTS: Facts = facts(
        "ZREMRANGEBYSCORE",
        "sorted-set",
        "1.2.0",
        WRITE,
        "Takes away the members whose scores lie within a range.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        remove(self.key, Bounds::scores(self.min.0, self.max.0)?, "zremrangebyscore", cx)
    }
}

// --- What they share

fn remove(key: Key<REMOVE>, bounds: Bounds, event: &'static str, cx: &mut Context) -> Ran {
    let (mut door, reply) = cx.change(key);
    let event = Event::sorted_set(event);
    let Some(set) = door.view::<SortedSet>()? else {
        reply.integer(0);
        return Ok(Outcome::Done);
    };
    let range = bounds.within(set, false);
    let removed = range.len();
    if removed == set.len() {
        // The whole goes unfelt, however large.
        door.remove_counting(removed, event);
        door.note(Event::DEL);
    } else if removed > 0 {
        let old = door.edit(event, |set: &mut SortedSet| (set.remove_range(range, false, |_, _| {}), removed))?;
        door.discard(old);
    }
    reply.count(removed);
    Ok(Outcome::Done)
}
