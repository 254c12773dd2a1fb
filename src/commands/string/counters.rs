//! Strings as numbers: whole ones of 64 bits, which are kept as such, and floats, which are kept as text.
use super::expiry::Expiry;
use super::get_set::Set;
use super::prelude::*;
use crate::base::extended::Extended;

// --- DECR key
form! { pub Decr<'a> { key: Key<'a, MODIFY> } }
impl<'a> Command<'a> for Decr<'a> {
    const FACTS: Facts =
        facts("DECR", "string", "1.0.0", WRITE | DENYOOM | FAST, "Takes one from the integer at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        add(self.key, -1, cx)
    }
}

// --- DECRBY key decrement
form! { pub DecrBy<'a> { key: Key<'a, MODIFY>, decrement: Int } }
impl<'a> Command<'a> for DecrBy<'a> {
    const FACTS: Facts =
        facts("DECRBY", "string", "1.0.0", WRITE | DENYOOM | FAST, "Takes a number from the integer at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        add(self.key, self.decrement.0.checked_neg().ok_or(Refusal::DecrementOverflow)?, cx)
    }
}

// --- INCR key
form! { pub Incr<'a> { key: Key<'a, MODIFY> } }
impl<'a> Command<'a> for Incr<'a> {
    const FACTS: Facts = facts("INCR", "string", "1.0.0", WRITE | DENYOOM | FAST, "Adds one to the integer at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        add(self.key, 1, cx)
    }
}

// --- INCRBY key increment
form! { pub IncrBy<'a> { key: Key<'a, MODIFY>, increment: Int } }
impl<'a> Command<'a> for IncrBy<'a> {
    const FACTS: Facts =
        facts("INCRBY", "string", "1.0.0", WRITE | DENYOOM | FAST, "Adds a number to the integer at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        add(self.key, self.increment.0, cx)
    }
}

// --- INCRBYFLOAT key increment
form! { pub IncrByFloat<'a> { key: Key<'a, MODIFY>, increment: Late<'a, Increment> } }
impl<'a> Command<'a> for IncrByFloat<'a> {
    const FACTS: Facts =
        facts("INCRBYFLOAT", "string", "2.6.0", WRITE | DENYOOM | FAST, "Adds a number to the float at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        let mut door = cx.open(self.key);
        let mut digits = Digits::new();
        let old = door.value().map(text).transpose()?.map_or(&b"0"[..], |text| text.bytes(&mut digits));
        let old = Extended::parse(old).ok_or(Refusal::NotAFloat)?;
        let sum = old.add(self.increment.read()?.0);
        if !sum.is_finite() {
            return Err(Refusal::NanOrInfinity);
        }
        let mut printed = Vec::new();
        sum.print(&mut printed);
        door.put(Content::not_integer(&printed), NewExpiry::Keep, Event::string("incrbyfloat"));
        // As a sum it would be rounded by whatever machine reads it again.
        let set = Set {
            key: Key(self.key.0),
            value: Bytes(&printed),
            condition: None,
            equal: None,
            get: false,
            expiry: Some(Expiry::Keep),
        };
        cx.record(|words| set.print(words.text("SET")));
        cx.reply.bulk(&printed);
        Ok(Outcome::Done)
    }
}

/// A float with the bits that Redis counts in.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Increment(pub Extended);
impl<'a> Leaf<'a> for Increment {
    const KIND: Kind = Kind::Double;
    const EXAMPLE: &'static str = "1.5";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        Extended::parse(word).map(Increment).ok_or(Refusal::NotAFloat)
    }
    fn print(&self, to: &mut OwnedWords) {
        let mut printed = Vec::new();
        self.0.print(&mut printed);
        to.word(&printed);
    }
}

// --- What they share

#[inline]
fn add(key: Key<MODIFY>, increment: i64, cx: &mut Context) -> Ran {
    const INCRBY: Event = Event::string("incrby");
    let mut door = cx.open(key);
    // Nearly always that is all. (By way of a new value an INCR took 200 instructions more.)
    if let Some(sum) = door.add(increment, INCRBY) {
        return cx.integer(sum);
    }
    let old = match door.value() {
        Some(value) => text(value)?.integer().ok_or(Refusal::NotAnInteger)?,
        None => 0,
    };
    let sum = old.checked_add(increment).ok_or(Refusal::Overflow)?;
    door.put(Content::Integer(sum), NewExpiry::Keep, INCRBY);
    cx.integer(sum)
}
