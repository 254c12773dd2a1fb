//! Members that are taken from an end: the lowest scores, or the highest. Some of these commands wait where there are none.
use super::prelude::*;
use super::{begin_list, write_pair, write_score};
use crate::commands::list::ends::{MoreThanZero, Numkeys};
use crate::commands::list::write_element;
use crate::commands::wait::{Timeout, null_array, wait};
use crate::store::value::Collection;
use crate::store::value::sorted_set::Element;
use crate::store::{Door, SortedSet};

choice! { pub Where { "MIN" => Min, "MAX" => Max } }
impl Where {
    fn pop(self) -> (&'static str, Event) {
        match self {
            Where::Min => ("ZPOPMIN", Event::sorted_set("zpopmin")),
            Where::Max => ("ZPOPMAX", Event::sorted_set("zpopmax")),
        }
    }
}

// --- BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]
form! { pub BZMPop<'a> {
    timeout: Late<'a, Timeout>, key: List<'a, Key<'a, POP>, Numkeys>, r#where: Where, [#[once] count: "COUNT" MoreThanZero]
} }
impl<'a> Command<'a> for BZMPop<'a> {
    const FACTS: Facts = facts(
        "BZMPOP",
        "sorted-set",
        "7.0.0",
        WRITE | BLOCKING,
        "Takes members from an end of the first sorted set that has some, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let timeout = self.timeout.read()?;
        if pop_first(self.key.iter(), self.r#where, self.count, cx)? {
            return Ok(Outcome::Done);
        }
        wait(self.key.iter().map(|key| key.0), SortedSet::TYPE, timeout, null_array, cx)
    }
}

// --- BZPOPMAX key [key ...] timeout
form! { pub BZPopMax<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout } }
impl<'a> Command<'a> for BZPopMax<'a> {
    const FACTS: Facts = facts(
        "BZPOPMAX",
        "sorted-set",
        "5.0.0",
        WRITE | BLOCKING | FAST,
        "Takes the member with the highest score of the first sorted set that has one, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_or_wait(self.key, Where::Max, self.timeout, cx)
    }
}

// --- BZPOPMIN key [key ...] timeout
form! { pub BZPopMin<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout } }
impl<'a> Command<'a> for BZPopMin<'a> {
    const FACTS: Facts = facts(
        "BZPOPMIN",
        "sorted-set",
        "5.0.0",
        WRITE | BLOCKING | FAST,
        "Takes the member with the lowest score of the first sorted set that has one, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_or_wait(self.key, Where::Min, self.timeout, cx)
    }
}

// --- ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]
form! { pub ZMPop<'a> { key: List<'a, Key<'a, POP>, Numkeys>, r#where: Where, [#[once] count: "COUNT" MoreThanZero] } }
impl<'a> Command<'a> for ZMPop<'a> {
    const FACTS: Facts = facts(
        "ZMPOP",
        "sorted-set",
        "7.0.0",
        WRITE,
        "Takes members from an end of the first sorted set that has some.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        if !pop_first(self.key.iter(), self.r#where, self.count, cx)? {
            cx.reply.null_array();
        }
        Ok(Outcome::Done)
    }
}

// --- ZPOPMAX key [count]
form! { pub ZPopMax<'a> { key: Key<'a, POP>, count: Option<Late<'a, NotNegative>> } }
impl<'a> Command<'a> for ZPopMax<'a> {
    const FACTS: Facts = facts(
        "ZPOPMAX",
        "sorted-set",
        "5.0.0",
        WRITE | FAST,
        "Takes the members with the highest scores out of a sorted set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_alone(self.key, Where::Max, self.count, cx)
    }
}

// --- ZPOPMIN key [count]
form! { pub ZPopMin<'a> { key: Key<'a, POP>, count: Option<Late<'a, NotNegative>> } }
impl<'a> Command<'a> for ZPopMin<'a> {
    const FACTS: Facts = facts(
        "ZPOPMIN",
        "sorted-set",
        "5.0.0",
        WRITE | FAST,
        "Takes the members with the lowest scores out of a sorted set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_alone(self.key, Where::Min, self.count, cx)
    }
}

// --- What they share

/// In RESP3 members with scores are pairs only where a count was asked for.
fn pop_alone(key: Key<POP>, from: Where, count: Option<Late<NotNegative>>, cx: &mut Context) -> Ran {
    let count = count.map(Late::read).transpose()?;
    let (mut door, reply) = cx.change(key);
    let len = door.view::<SortedSet>()?.map_or(0, Collection::len);
    let taken = count.map_or(1, |count| usize::try_from(count.0).unwrap_or(usize::MAX)).min(len);
    match count {
        None => reply.array(2 * taken),
        Some(_) => begin_list(reply, taken, true),
    }
    take(&mut door, taken, from, |member, score| {
        if count.is_some() {
            write_pair(reply, member, score, true);
        } else {
            write_element(reply, member);
            write_score(reply, score);
        }
    })?;
    Ok(Outcome::Done)
}

fn take(door: &mut Door, count: usize, from: Where, visit: impl FnMut(Element, f64)) -> Result<(), Refusal> {
    if count > 0 {
        let old = door.edit(from.pop().1, |set: &mut SortedSet| {
            let len = set.len();
            let range = if from == Where::Min { 0..count } else { len - count..len };
            (set.remove_range(range, from == Where::Max, visit), count)
        })?;
        door.discard(old);
    }
    Ok(())
}

/// Takes members from the first set that is there, and answers with its key and them. False: none is.
fn pop_first<'a>(
    keys: impl Iterator<Item = Key<'a, POP>>,
    from: Where,
    count: Option<MoreThanZero>,
    cx: &mut Context,
) -> Result<bool, Refusal> {
    for key in keys {
        let (mut door, reply) = cx.change(key);
        let Some(len) = door.view::<SortedSet>()?.map(Collection::len) else { continue };
        let taken = count.map_or(1, |count| usize::try_from(count.0).unwrap_or(usize::MAX)).min(len);
        reply.array(2);
        reply.bulk(key.0);
        reply.array(taken);
        take(&mut door, taken, from, |member, score| {
            reply.array(2);
            write_element(reply, member);
            write_score(reply, score);
        })?;
        cx.record(|words| _ = words.text(from.pop().0).word(key.0).text(taken));
        return Ok(true);
    }
    Ok(false)
}

fn pop_or_wait<'a>(keys: ManyThenOne<'a, Key<'a, POP>>, from: Where, timeout: Timeout, cx: &mut Context) -> Ran {
    for key in keys.iter() {
        let (mut door, reply) = cx.change(key);
        if door.view::<SortedSet>()?.is_none() {
            continue;
        }
        reply.array(3);
        reply.bulk(key.0);
        take(&mut door, 1, from, |member, score| {
            write_element(reply, member);
            write_score(reply, score);
        })?;
        cx.record(|words| _ = words.text(from.pop().0).word(key.0));
        return Ok(Outcome::Done);
    }
    wait(keys.iter().map(|key| key.0), SortedSet::TYPE, timeout, null_array, cx)
}
