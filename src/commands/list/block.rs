//! The commands that wait for an element where there is none. When something has changed at their keys, they run again, as
//! if they had come just then; only the deadline stays.
use super::ends::{MoreThanZero, Numkeys, Side, pop_first, pop_one};
use super::prelude::*;
use super::shift::shift;
use crate::commands::wait::{Timeout, null_array, wait};
use crate::store::value::list::End;
use crate::store::value::{Collection, List as Elements};

// --- BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout
form! { pub BLMove<'a> {
    source: Key<'a, POP>, destination: Key<'a, INSERT>, wherefrom: Side, whereto: Side, timeout: Timeout
} }
impl<'a> Command<'a> for BLMove<'a> {
    const FACTS: Facts = facts(
        "BLMOVE",
        "list",
        "6.2.0",
        WRITE | DENYOOM | BLOCKING,
        "Takes an element from a list, and waits if there is none, and puts it into another.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let (from, to) = (self.wherefrom.end(), self.whereto.end());
        shift_or_wait(self.source, self.destination, from, to, self.timeout, cx)
    }
}

// --- BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]
form! { pub BLMPop<'a> {
    timeout: Late<'a, Timeout>, key: List<'a, Key<'a, POP>, Numkeys>, r#where: Side, [#[once] count: "COUNT" MoreThanZero]
} }
impl<'a> Command<'a> for BLMPop<'a> {
    const FACTS: Facts = facts(
        "BLMPOP",
        "list",
        "7.0.0",
        WRITE | BLOCKING,
        "Takes elements from an end of the first list that has some, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let timeout = self.timeout.read()?;
        if pop_first(self.key.iter(), self.r#where.end(), self.count, cx)? {
            return Ok(Outcome::Done);
        }
        wait(self.key.iter().map(|key| key.0), Elements::TYPE, timeout, null_array, cx)
    }
}

// --- BLPOP key [key ...] timeout
form! { pub BLPop<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout } }
impl<'a> Command<'a> for BLPop<'a> {
    const FACTS: Facts = facts(
        "BLPOP",
        "list",
        "2.0.0",
        WRITE | BLOCKING,
        "Takes the first element of the first list that has one, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_or_wait(self.key, End::Left, self.timeout, cx)
    }
}

// --- BRPOP key [key ...] timeout
form! { pub BRPop<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout } }
impl<'a> Command<'a> for BRPop<'a> {
    const FACTS: Facts = facts(
        "BRPOP",
        "list",
        "2.0.0",
        WRITE | BLOCKING,
        "Takes the last element of the first list that has one, and waits if none has.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        pop_or_wait(self.key, End::Right, self.timeout, cx)
    }
}

// --- BRPOPLPUSH source destination timeout
form! { pub BRPopLPush<'a> { source: Key<'a, POP>, destination: Key<'a, INSERT>, timeout: Timeout } }
impl<'a> Command<'a> for BRPopLPush<'a> {
    const FACTS: Facts = facts(
        "BRPOPLPUSH",
        "list",
        "2.2.0",
        WRITE | DENYOOM | BLOCKING,
        "Takes the last element of a list, and waits if there is none, and puts it first into another.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        shift_or_wait(self.source, self.destination, End::Right, End::Left, self.timeout, cx)
    }
}

// --- What they share

fn pop_or_wait<'a>(keys: ManyThenOne<'a, Key<'a, POP>>, end: End, timeout: Timeout, cx: &mut Context) -> Ran {
    if pop_one(keys.iter(), end, cx)? {
        return Ok(Outcome::Done);
    }
    wait(keys.iter().map(|key| key.0), Elements::TYPE, timeout, null_array, cx)
}

fn shift_or_wait(
    source: Key<POP>,
    destination: Key<INSERT>,
    from: End,
    to: End,
    timeout: Timeout,
    cx: &mut Context,
) -> Ran {
    if !shift(source, destination, from, to, cx)? {
        return wait(std::iter::once(source.0), Elements::TYPE, timeout, null, cx);
    }
    let name = |end| if end == End::Left { "LEFT" } else { "RIGHT" };
    cx.record(|words| {
        words.text("LMOVE").word(source.0).word(destination.0).text(name(from)).text(name(to));
    });
    Ok(Outcome::Done)
}

/// As Redis: in a transaction there is no element; at the deadline, no list.
fn null(cx: &mut Context) {
    if cx.at_once { cx.reply.null() } else { cx.reply.null_array() }
}
