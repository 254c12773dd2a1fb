//! DEBUG DIGEST and DIGEST-VALUE: what all data, or a key's value, comes to in 20 bytes, the same in every server with
//! the same data, however it is held. Redis's algorithm. Where order does not matter digests are joined by exclusive or;
//! where it does, what was before goes into the next. Of an expiry only that there is one counts.
use crate::base::number;
use crate::command::Task;
use crate::commands::key::find::SLICE;
use crate::commands::prelude::*;
use crate::store::Entry;
use crate::wire::reply::Reply;
use sha1::{Digest as _, Sha1};

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Digest([u8; 20]);

impl Digest {
    fn join(&mut self, bytes: &[u8]) {
        self.0.iter_mut().zip(Sha1::digest(bytes)).for_each(|(own, other)| *own ^= other);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.join(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    /// The parts of an element, in their order.
    fn of_parts(parts: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        parts.iter().for_each(|part| digest.mix(part));
        digest
    }

    pub fn mix_value(&mut self, entry: &Entry, now_ms: i64) {
        let (mut digits, mut score_text) = (Digits::new(), Vec::new());
        let value = entry.value();
        self.mix(&redis_type(value).to_be_bytes());
        match value {
            Value::String(text) => self.mix(text.bytes(&mut digits)),
            Value::List(list) => list.iter().for_each(|element| self.mix(element.bytes(&mut digits))),
            Value::Set(set) => set.iter().for_each(|member| self.join(member.bytes(&mut digits))),
            Value::SortedSet(set) => set.visit(0..usize::MAX, false, |member, score| {
                score_text.clear();
                number::print_float_in_few_digits(score, &mut score_text);
                self.join(&Digest::of_parts(&[member.bytes(&mut digits), &score_text]).0);
                true
            }),
            Value::Hash(hash) => {
                let mut name_digits = Digits::new();
                for field in hash.iter(now_ms) {
                    let parts = [field.name.bytes(&mut name_digits), field.value.bytes(&mut digits)];
                    let mut digest = Digest::of_parts(&parts);
                    if field.expires_ms.is_some() {
                        digest.join(b"!!hexpire!!");
                    }
                    self.join(&digest.0);
                }
            }
        }
        if entry.expires_ms().is_some() {
            self.join(b"!!expire!!");
        }
    }

    pub fn write(&self, reply: &mut Reply) {
        reply.simple(&self.0.map(|byte| format!("{byte:02x}")).concat());
    }
}

/// The number that Redis has for a type.
fn redis_type(value: Value) -> u32 {
    match value {
        Value::String(_) => 0,
        Value::List(_) => 1,
        Value::Set(_) => 2,
        Value::SortedSet(_) => 3,
        Value::Hash(_) => 4,
    }
}

/// A walk through all data, in slices: what changes meanwhile counts as it is when the walk comes to it.
#[derive(Default)]
pub struct Walk {
    digest: Digest,
    database: usize,
    cursor: u64,
    /// A key of this database has been met, so that its number is in the digest.
    met: bool,
}

impl Task for Walk {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let now_ms = cx.now_ms();
        let Walk { digest, database, met, .. } = self;
        let next = cx.data.database(*database).scan(self.cursor, SLICE / 16, &mut |entry| {
            if entry.is_expired(now_ms) {
                return;
            }
            if !std::mem::replace(met, true) {
                digest.mix(&(*database as u32).to_be_bytes());
            }
            let mut own = Digest::default();
            own.mix(entry.key());
            own.mix_value(entry, now_ms);
            digest.join(&own.0);
        });
        match next {
            Some(cursor) => self.cursor = cursor,
            None => *self = Walk { digest: self.digest, database: self.database + 1, ..Walk::default() },
        }
        let done = self.database == cx.data.databases().len();
        if done {
            self.digest.write(&mut cx.reply);
        }
        done
    }
}
