//! When fields of a hash expire: set, asked for, taken away. A moment that has passed removes them at once.
use super::fields::REMOVED;
use super::limits;
use super::prelude::*;
use crate::command::list::Reach;
use crate::store::Hash as Fields;
use crate::store::value::hash::EXPIRY_MS_MAX;
use std::fmt;

pub const EXPIRED: Event = Event::hash("hexpire");
pub const PERSISTED: Event = Event::hash("hpersist");

/// So many units as a span, or since 1970. What no field can have is refused as it is read.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Moment<const UNIT_MS: i64>(pub i64);
impl<'a, const UNIT_MS: i64> Leaf<'a> for Moment<UNIT_MS> {
    const KIND: Kind = Kind::Integer;
    const EXAMPLE: &'static str = "1";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        match integer(word).ok_or(Refusal::NotAnInteger)? {
            ..0 => Err(Refusal::ExpiryNegative),
            count if count > EXPIRY_MS_MAX / UNIT_MS => Err(Refusal::BadExpiry),
            count => Ok(Moment(count)),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        to.text(self.0);
    }
}
impl<const UNIT_MS: i64> Moment<UNIT_MS> {
    /// So long after `from_ms`, if a field can have that.
    pub fn after(self, from_ms: i64) -> Result<i64, Refusal> {
        let at_ms = self.0.checked_mul(UNIT_MS).and_then(|ms| ms.checked_add(from_ms));
        at_ms.filter(|at_ms| *at_ms <= EXPIRY_MS_MAX).ok_or(Refusal::BadExpiry)
    }
}

choice! { pub Condition clash FieldsMissing { "NX" => Endless, "XX" => Expiring, "GT" => Later, "LT" => Earlier } }

// --- HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
form! { pub HExpire<'a> {
    key: Key<'a, UPDATE>, seconds: Moment<1000>, [#[once] condition: Condition] fields: Named<'a, Bytes<'a>, NumFields>
} }
impl<'a> Command<'a> for HExpire<'a> {
    const FACTS: Facts =
        facts("HEXPIRE", "hash", "7.4.0", WRITE | FAST, "Sets in how many seconds fields of a hash expire.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        refused::<1000>(refusal, words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let at_ms = self.seconds.after(cx.now_ms())?;
        expire(self.key, at_ms, self.condition, self.fields.0, cx)
    }
}

// --- HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
form! { pub HExpireAt<'a> {
    key: Key<'a, UPDATE>, seconds: Moment<1000>, [#[once] condition: Condition] fields: Named<'a, Bytes<'a>, NumFields>
} }
impl<'a> Command<'a> for HExpireAt<'a> {
    const FACTS: Facts =
        facts("HEXPIREAT", "hash", "7.4.0", WRITE | FAST, "Sets the second at which fields of a hash expire.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn run(self, cx: &mut Context) -> Ran {
        expire(self.key, self.seconds.after(0)?, self.condition, self.fields.0, cx)
    }
}

// --- HEXPIRETIME key FIELDS numfields field [field ...]
form! { pub HExpireTime<'a> { key: Key<'a, READ>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HExpireTime<'a> {
    const FACTS: Facts =
        facts("HEXPIRETIME", "hash", "7.4.0", READONLY | FAST, "Returns the second at which fields of a hash expire.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        cx.judge_read::<Fields>(words)?;
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, self.fields.0, cx, |at_ms, _| seconds(at_ms))
    }
}

// --- HPERSIST key FIELDS numfields field [field ...]
form! { pub HPersist<'a> { key: Key<'a, UPDATE>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HPersist<'a> {
    const FACTS: Facts = facts("HPERSIST", "hash", "7.4.0", WRITE | FAST, "Lets fields of a hash expire no more.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits) = (cx.now_ms(), limits(cx));
        let (mut door, reply) = cx.change(self.key);
        door.edit(PERSISTED, |hash: &mut Fields| {
            reply.array(self.fields.0.len());
            let mut changed = false;
            for name in self.fields.0.iter() {
                match hash.get(name.0, now_ms).map(|field| field.expires_ms) {
                    None => reply.integer(MISSING),
                    Some(None) => reply.integer(ENDLESS),
                    Some(Some(_)) => {
                        hash.expire(name.0, None, &limits);
                        changed = true;
                        reply.integer(1);
                    }
                }
            }
            // Redis counts all of them as one change.
            ((), changed as usize)
        })?;
        Ok(Outcome::Done)
    }
}

// --- HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
form! { pub HPExpire<'a> {
    key: Key<'a, UPDATE>, milliseconds: Moment<1>, [#[once] condition: Condition] fields: Named<'a, Bytes<'a>, NumFields>
} }
impl<'a> Command<'a> for HPExpire<'a> {
    const FACTS: Facts =
        facts("HPEXPIRE", "hash", "7.4.0", WRITE | FAST, "Sets in how many milliseconds fields of a hash expire.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        refused::<1>(refusal, words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let at_ms = self.milliseconds.after(cx.now_ms())?;
        expire(self.key, at_ms, self.condition, self.fields.0, cx)
    }
}

// --- HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
form! { pub HPExpireAt<'a> {
    key: Key<'a, UPDATE>, milliseconds: Moment<1>, [#[once] condition: Condition] fields: Named<'a, Bytes<'a>, NumFields>
} }
impl<'a> Command<'a> for HPExpireAt<'a> {
    const FACTS: Facts =
        facts("HPEXPIREAT", "hash", "7.4.0", WRITE | FAST, "Sets the millisecond at which fields of a hash expire.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn run(self, cx: &mut Context) -> Ran {
        expire(self.key, self.milliseconds.after(0)?, self.condition, self.fields.0, cx)
    }
}

// --- HPEXPIRETIME key FIELDS numfields field [field ...]
form! { pub HPExpireTime<'a> { key: Key<'a, READ>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HPExpireTime<'a> {
    const FACTS: Facts = facts(
        "HPEXPIRETIME",
        "hash",
        "7.4.0",
        READONLY | FAST,
        "Returns the millisecond at which fields of a hash expire.",
    );
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        cx.judge_read::<Fields>(words)?;
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, self.fields.0, cx, |at_ms, _| at_ms)
    }
}

// --- HPTTL key FIELDS numfields field [field ...]
form! { pub HPTtl<'a> { key: Key<'a, READ>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HPTtl<'a> {
    const FACTS: Facts =
        facts("HPTTL", "hash", "7.4.0", READONLY | FAST, "Returns in how many milliseconds fields of a hash expire.")
            .hint(&["nondeterministic_output"]);
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        cx.judge_read::<Fields>(words)?;
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, self.fields.0, cx, |at_ms, now_ms| at_ms - now_ms)
    }
}

// --- HTTL key FIELDS numfields field [field ...]
form! { pub HTtl<'a> { key: Key<'a, READ>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HTtl<'a> {
    const FACTS: Facts =
        facts("HTTL", "hash", "7.4.0", READONLY | FAST, "Returns in how many seconds fields of a hash expire.")
            .hint(&["nondeterministic_output"]);
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        cx.judge_read::<Fields>(words)?;
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, self.fields.0, cx, |at_ms, now_ms| seconds(at_ms - now_ms))
    }
}

// --- What they share

/// There is no such field.
const MISSING: i64 = -2;
/// It does not expire.
const ENDLESS: i64 = -1;

fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}

/// Judges the span that stands behind the key. Redis has done so before it looks at what follows.
fn refused<const UNIT_MS: i64>(refusal: Refusal, mut words: Words, cx: &mut Context) -> Ran {
    words.skip(1);
    if let Ok(span) = Moment::<UNIT_MS>::parse(&mut words) {
        span.after(cx.now_ms())?;
    }
    Err(refusal)
}

fn tell<'a>(key: Key<READ>, names: List<'a, Bytes<'a>, Positive>, cx: &mut Context, left: fn(i64, i64) -> i64) -> Ran {
    cx.lapse(key);
    let now_ms = cx.now_ms();
    let (hash, reply) = cx.view::<Fields, _>(key)?;
    reply.array(names.len());
    for name in names.iter() {
        reply.integer(match hash.and_then(|hash| hash.get(name.0, now_ms)).map(|field| field.expires_ms) {
            None => MISSING,
            Some(None) => ENDLESS,
            Some(Some(at_ms)) => left(at_ms, now_ms),
        });
    }
    Ok(Outcome::Done)
}

fn expire<'a>(
    key: Key<'a, UPDATE>,
    at_ms: i64,
    condition: Option<Condition>,
    names: List<'a, Bytes<'a>, NumFields>,
    cx: &mut Context,
) -> Ran {
    cx.lapse(key);
    let (now_ms, limits) = (cx.now_ms(), limits(cx));
    let is_past = at_ms <= now_ms;
    let allows = |old_ms: Option<i64>| match condition {
        None => true,
        Some(Condition::Endless) => old_ms.is_none(),
        Some(Condition::Expiring) => old_ms.is_some(),
        Some(Condition::Later) => old_ms.is_some_and(|old_ms| at_ms > old_ms),
        Some(Condition::Earlier) => old_ms.is_none_or(|old_ms| at_ms < old_ms),
    };
    let mut changed: Vec<&[u8]> = vec![];
    let (mut door, reply) = cx.change(key);
    door.edit(if is_past { REMOVED } else { EXPIRED }, |hash: &mut Fields| {
        reply.array(names.len());
        hash.expect_expiry(&limits);
        for name in names.iter() {
            let Some(field) = hash.get(name.0, now_ms) else {
                reply.integer(MISSING);
                continue;
            };
            if !allows(field.expires_ms) {
                reply.integer(0);
                continue;
            }
            changed.push(name.0);
            if is_past {
                hash.remove(name.0, now_ms);
                reply.integer(2);
            } else {
                hash.expire(name.0, Some(at_ms), &limits);
                reply.integer(1);
            }
        }
        ((), changed.len())
    })?;
    if is_past {
        // They have expired, though it is told as a removal.
        cx.data.ledger.expired_fields += changed.len() as u64;
    }
    record(key.0, (!is_past).then_some(at_ms), &changed, cx);
    Ok(Outcome::Done)
}

/// That fields expire at a moment, or are gone.
pub fn record(key: &[u8], at_ms: Option<i64>, names: &[&[u8]], cx: &mut Context) {
    if names.is_empty() {
        return;
    }
    cx.record(|words| {
        match at_ms {
            Some(at_ms) => _ = words.text("HPEXPIREAT").word(key).text(at_ms).text("FIELDS").text(names.len()),
            None => _ = words.text("HDEL").word(key),
        }
        names.iter().for_each(|name| _ = words.word(name));
    });
}

// --- The names of fields, with their number before them

/// FIELDS, a number, so many fields.
pub struct Named<'a, T, E>(pub List<'a, T, E>);

/// What is said where FIELDS is not.
pub trait Refused {
    /// With fewer words behind it their number is not looked at.
    const LEAST: usize;
    fn missing(words: &mut Words) -> Refusal;
}

impl<T, E> Copy for Named<'_, T, E> {}
impl<T, E> Clone for Named<'_, T, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<'a, T: Grammar<'a> + Copy + PartialEq, E> PartialEq for Named<'a, T, E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<'a, T: Grammar<'a> + Copy + fmt::Debug, E> fmt::Debug for Named<'a, T, E> {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl<'a, T: Grammar<'a> + Copy, E: Reach + Refused> Grammar<'a> for Named<'a, T, E> {
    const SYNTAX: Syntax = Syntax::All(&[Field::new("fields", &["FIELDS"], &[List::<'a, T, E>::SYNTAX], true)]);
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        if !words.take("FIELDS") {
            return Err(E::missing(words));
        }
        if words.len() < E::LEAST { Err(Refusal::WrongArity) } else { List::parse(words).map(Named) }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to.text("FIELDS"));
    }
}

macro_rules! counted {
    ($name:ident, $not_positive:ident, $mismatch:ident, $least:literal to $most:expr, $missing:expr) => {
        pub struct $name;
        impl Count for $name {
            const NAME: &'static str = "numfields";
            const NOT_A_NUMBER: Refusal = Refusal::$not_positive;
            const MOST: usize = $most;
            const TOO_FEW: Refusal = Refusal::$not_positive;
            const TOO_MANY: Refusal = Refusal::$mismatch;
        }
        impl Refused for $name {
            const LEAST: usize = $least;
            fn missing(words: &mut Words) -> Refusal {
                let missing: fn(&mut Words) -> Refusal = $missing;
                missing(words)
            }
        }
    };
}
counted! { NumFields, NumFieldsNotPositive, FieldsMismatch, 0 to usize::MAX, |_| Refusal::FieldsMissing }
counted! { Positive, FieldCountNotPositive, FieldsMismatch, 0 to usize::MAX, |_| Refusal::FieldsMissing }
counted! { Given, BadFieldCount, WrongArity, 3 to i32::MAX as usize, |words| words.read().map_or_else(|missing| missing, |_| Refusal::UnknownArgument) }
