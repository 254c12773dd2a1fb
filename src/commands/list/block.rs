//! The commands that wait for an element where there is none. When something has changed at their keys, they run again, as
//! if they had come just then; only the deadline stays.
use super::ends::{MoreThanZero, Numkeys, Side, pop_first, pop_one};
use super::prelude::*;
use super::shift::shift;
use crate::command::Block;
use crate::store::value::list::End;
use crate::store::value::{Collection, List as Elements};

/// How long to wait, in milliseconds; 0 is without end.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Timeout<'a> {
    word: &'a [u8],
    ms: u64,
}
impl<'a> Leaf<'a> for Timeout<'a> {
    const KIND: Kind = Kind::Double;
    const EXAMPLE: &'static str = "1";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        let seconds: f64 = std::str::from_utf8(word)
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|seconds: &f64| !seconds.is_nan())
            .ok_or(Refusal::TimeoutNotAFloat)?;
        let ms = (seconds * 1000.0).ceil();
        if ms > i64::MAX as f64 / 2.0 {
            return Err(Refusal::TimeoutOutOfRange);
        }
        if ms < 0.0 { Err(Refusal::TimeoutNegative) } else { Ok(Timeout { word, ms: ms as u64 }) }
    }
    fn print(&self, to: &mut OwnedWords) {
        to.word(self.word);
    }
}

// --- BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout
form! { pub BLMove<'a> {
    source: Key<'a, POP>, destination: Key<'a, INSERT>, wherefrom: Side, whereto: Side, timeout: Timeout<'a>
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
    timeout: Late<'a, Timeout<'a>>, key: List<'a, Key<'a, POP>, Numkeys>, r#where: Side, [#[once] count: "COUNT" MoreThanZero]
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
        wait(self.key.iter().map(|key| key.0), timeout, null_array, cx)
    }
}

// --- BLPOP key [key ...] timeout
form! { pub BLPop<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout<'a> } }
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
form! { pub BRPop<'a> { key: ManyThenOne<'a, Key<'a, POP>>, timeout: Timeout<'a> } }
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
form! { pub BRPopLPush<'a> { source: Key<'a, POP>, destination: Key<'a, INSERT>, timeout: Timeout<'a> } }
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
    wait(keys.iter().map(|key| key.0), timeout, null_array, cx)
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
        return wait(std::iter::once(source.0), timeout, null, cx);
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

fn null_array(cx: &mut Context) {
    cx.reply.null_array();
}

fn wait<'a>(keys: impl Iterator<Item = &'a [u8]>, timeout: Timeout, late: fn(&mut Context), cx: &mut Context) -> Ran {
    let deadline_us = (timeout.ms > 0).then(|| cx.now.mono_us.saturating_add(timeout.ms.saturating_mul(1000)));
    let keys = keys.map(Box::from).collect();
    Ok(Outcome::Block(Box::new(Block { keys, wants: Some(Elements::TYPE), deadline_us, words: None, late })))
}
