//! Numbers in the fields of a hash.
use super::limits;
use super::prelude::*;
use crate::base::extended::Extended;
use crate::base::number::integer;
use crate::command::entry::Command;
use crate::store::Hash as Fields;
use crate::store::value::hash::FieldExpiry;

// --- HINCRBY key field increment
form! { pub HIncrBy<'a> { key: Key<'a, MODIFY>, field: Bytes<'a>, increment: Int } }
impl<'a> Command<'a> for HIncrBy<'a> {
    const FACTS: Facts =
        facts("HINCRBY", "hash", "2.0.0", WRITE | DENYOOM | FAST, "Adds to the integer in a field of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits) = (cx.now_ms(), limits(cx));
        let mut door = cx.open(self.key);
        let old = match door.view::<Fields>()?.and_then(|hash| hash.get(self.field.0, now_ms)) {
            Some(field) => integer(field.value.bytes(&mut Digits::new())).ok_or(Refusal::HashNotAnInteger)?,
            None => 0,
        };
        let sum = old.checked_add(self.increment.0).ok_or(Refusal::Overflow)?;
        door.edit(Event::hash("hincrby"), |hash: &mut Fields| {
            hash.set(self.field.0, Digits::new().format(sum).as_bytes(), FieldExpiry::Keep, now_ms, &limits);
            ((), 1)
        })?;
        cx.integer(sum)
    }
}

// --- HINCRBYFLOAT key field increment
form! { pub HIncrByFloat<'a> { key: Key<'a, MODIFY>, field: Bytes<'a>, increment: Increment } }
impl<'a> Command<'a> for HIncrByFloat<'a> {
    const FACTS: Facts =
        facts("HINCRBYFLOAT", "hash", "2.6.0", WRITE | DENYOOM | FAST, "Adds to the number in a field of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits) = (cx.now_ms(), limits(cx));
        let mut door = cx.open(self.key);
        let field = door.view::<Fields>()?.and_then(|hash| hash.get(self.field.0, now_ms));
        let expires = field.is_some_and(|field| field.expires_ms.is_some());
        let old = field.map_or(b"0".to_vec(), |field| field.value.bytes(&mut Digits::new()).to_vec());
        let old = Extended::parse(&old).ok_or(Refusal::HashNotAFloat)?;
        let sum = old.add(self.increment.0);
        if !sum.is_finite() {
            return Err(Refusal::NanOrInfinity);
        }
        let mut printed = Vec::new();
        sum.print(&mut printed);
        door.edit(Event::hash("hincrbyfloat"), |hash: &mut Fields| {
            hash.set(self.field.0, &printed, FieldExpiry::Keep, now_ms, &limits);
            ((), 1)
        })?;
        // As a sum it would be rounded by whatever machine reads it again.
        cx.record(|words| {
            match expires {
                false => words.text("HSET").word(self.key.0),
                true => words.text("HSETEX").word(self.key.0).text("KEEPTTL").text("FIELDS").text(1),
            };
            words.word(self.field.0).word(&printed);
        });
        cx.reply.bulk(&printed);
        Ok(Outcome::Done)
    }
}

/// A float with the bits that Redis counts in.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Increment(Extended);
impl<'a> Leaf<'a> for Increment {
    const KIND: Kind = Kind::Double;
    const EXAMPLE: &'static str = "1.5";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        let number = Extended::parse(word).ok_or(Refusal::NotAFloat)?;
        if number.is_finite() { Ok(Increment(number)) } else { Err(Refusal::NotFinite) }
    }
    fn print(&self, to: &mut OwnedWords) {
        let mut printed = Vec::new();
        self.0.print(&mut printed);
        to.word(&printed);
    }
}
