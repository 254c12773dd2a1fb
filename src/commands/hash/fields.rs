//! Fields of a hash: set, read, counted, removed.
use super::prelude::*;
use super::{limits, write_element};
use crate::store::Collection;
use crate::store::Hash as Fields;
use crate::store::value::hash::{Element, Field, FieldExpiry};
use crate::wire::reply::{Of, Reply};

pub const SET: Event = Event::hash("hset");
pub const REMOVED: Event = Event::hash("hdel");

// --- HDEL key field [field ...]
form! { pub HDel<'a> { key: Key<'a, REMOVE>, field: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for HDel<'a> {
    const FACTS: Facts = facts("HDEL", "hash", "2.0.0", WRITE | FAST, "Removes fields of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let (mut door, reply) = cx.change(self.key);
        let removed = door.edit(REMOVED, |hash: &mut Fields| {
            let mut removed = 0;
            for group in self.field.groups() {
                hash.warm(group.clone().map(|field| field.0), true);
                removed += group.filter(|field| hash.remove(field.0, now_ms)).count();
            }
            (removed, removed)
        })?;
        reply.count(removed);
        Ok(Outcome::Done)
    }
}

// --- HEXISTS key field
form! { pub HExists<'a> { key: Key<'a, LOOK>, field: Bytes<'a> } }
impl<'a> Command<'a> for HExists<'a> {
    const FACTS: Facts = facts("HEXISTS", "hash", "2.0.0", READONLY | FAST, "Returns whether a hash has a field.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let exists = match cx.measure(self.key) {
            Some(entry) => entry.view::<Fields>()?.get(self.field.0, now_ms).is_some(),
            None => false,
        };
        cx.integer(exists as i64)
    }
}

// --- HGET key field
form! { pub HGet<'a> { key: Key<'a, READ>, field: Bytes<'a> } }
impl<'a> Command<'a> for HGet<'a> {
    const FACTS: Facts = facts("HGET", "hash", "2.0.0", READONLY | FAST, "Returns the value of a field of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let (hash, reply) = cx.view::<Fields, _>(self.key)?;
        write_value(reply, hash.and_then(|hash| hash.get(self.field.0, now_ms)));
        Ok(Outcome::Done)
    }
}

// --- HGETALL key
form! { pub HGetAll<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for HGetAll<'a> {
    const FACTS: Facts = facts("HGETALL", "hash", "2.0.0", READONLY, "Returns all fields of a hash and their values.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, Of::Map, cx, |reply, field| {
            write_element(reply, field.name);
            write_element(reply, field.value);
        })
    }
}

// --- HKEYS key
form! { pub HKeys<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for HKeys<'a> {
    const FACTS: Facts = facts("HKEYS", "hash", "2.0.0", READONLY, "Returns all fields of a hash.")
        .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, Of::Array, cx, |reply, field| write_element(reply, field.name))
    }
}

// --- HLEN key
form! { pub HLen<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for HLen<'a> {
    const FACTS: Facts = facts("HLEN", "hash", "2.0.0", READONLY | FAST, "Returns how many fields a hash has.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let count = match cx.measure(self.key) {
            Some(entry) => entry.view::<Fields>()?.len_at(now_ms),
            None => 0,
        };
        cx.count(count)
    }
}

// --- HMGET key field [field ...]
form! { pub HMGet<'a> { key: Key<'a, READ>, field: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for HMGet<'a> {
    const FACTS: Facts = facts("HMGET", "hash", "2.0.0", READONLY | FAST, "Returns the values of fields of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let (hash, reply) = cx.view::<Fields, _>(self.key)?;
        reply.array(self.field.len());
        for group in self.field.groups() {
            hash.inspect(|hash| hash.warm(group.clone().map(|field| field.0), false));
            group.for_each(|field| write_value(reply, hash.and_then(|hash| hash.get(field.0, now_ms))));
        }
        Ok(Outcome::Done)
    }
}

// --- HMSET key field value [field value ...]
form! { pub HMSet<'a> { key: Key<'a, UPDATE>, data: Many<'a, Pair<'a>> } }
impl<'a> Command<'a> for HMSet<'a> {
    const FACTS: Facts = facts("HMSET", "hash", "2.0.0", WRITE | DENYOOM | FAST, "Sets fields of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        set(self.key, self.data, cx)?;
        cx.ok()
    }
}

// --- HSET key field value [field value ...]
form! { pub HSet<'a> { key: Key<'a, UPDATE>, data: Many<'a, Pair<'a>> } }
form! { pub Pair<'a> { field: Bytes<'a>, value: Bytes<'a> } }
impl<'a> Command<'a> for HSet<'a> {
    const FACTS: Facts =
        facts("HSET", "hash", "2.0.0", WRITE | DENYOOM | FAST, "Sets fields of a hash, and returns how many are new.");
    fn run(self, cx: &mut Context) -> Ran {
        let new = set(self.key, self.data, cx)?;
        cx.count(new)
    }
}

// --- HSETNX key field value
form! { pub HSetNx<'a> { key: Key<'a, INSERT>, field: Bytes<'a>, value: Bytes<'a> } }
impl<'a> Command<'a> for HSetNx<'a> {
    const FACTS: Facts =
        facts("HSETNX", "hash", "2.0.0", WRITE | DENYOOM | FAST, "Sets a field of a hash that is not there.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits) = (cx.now_ms(), limits(cx));
        let (mut door, reply) = cx.change(self.key);
        let is_new = door.edit(SET, |hash: &mut Fields| {
            let is_new = hash.get(self.field.0, now_ms).is_none();
            if is_new {
                hash.expect(1, [self.field.0, self.value.0].into_iter(), &limits);
                hash.set(self.field.0, self.value.0, FieldExpiry::Never, now_ms, &limits);
            }
            (is_new, is_new as usize)
        })?;
        reply.integer(is_new as i64);
        Ok(Outcome::Done)
    }
}

// --- HSTRLEN key field
form! { pub HStrLen<'a> { key: Key<'a, LOOK>, field: Bytes<'a> } }
impl<'a> Command<'a> for HStrLen<'a> {
    const FACTS: Facts =
        facts("HSTRLEN", "hash", "3.2.0", READONLY | FAST, "Returns the length of the value of a field of a hash.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let field = match cx.measure(self.key) {
            Some(entry) => entry.view::<Fields>()?.get(self.field.0, now_ms),
            None => None,
        };
        let length = field.map_or(0, |field| field.value.bytes(&mut Digits::new()).len());
        cx.count(length)
    }
}

// --- HVALS key
form! { pub HVals<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for HVals<'a> {
    const FACTS: Facts = facts("HVALS", "hash", "2.0.0", READONLY, "Returns all values of a hash.")
        .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, Of::Array, cx, |reply, field| write_element(reply, field.value))
    }
}

// --- What they share

#[inline]
pub fn write_value(reply: &mut Reply, field: Option<Field>) {
    match field.map(|field| field.value) {
        Some(Element::Bytes(bytes)) => reply.bulk(bytes),
        Some(value) => write_element(reply, value),
        None => reply.null(),
    }
}

fn tell(key: Key<READ>, of: Of, cx: &mut Context, mut write: impl FnMut(&mut Reply, Field)) -> Ran {
    cx.lapse(key);
    let now_ms = cx.now_ms();
    let (hash, reply) = cx.view::<Fields, _>(key)?;
    let count = hash.map_or(0, |hash| hash.len_at(now_ms));
    match of {
        Of::Map => reply.map(count),
        Of::Set => reply.set(count),
        Of::Array => reply.array(count),
    }
    hash.into_iter().flat_map(|hash| hash.iter(now_ms)).for_each(|field| write(reply, field));
    Ok(Outcome::Done)
}

/// How many are new.
#[inline]
fn set<'a>(key: Key<'a, UPDATE>, data: Many<'a, Pair<'a>>, cx: &mut Context) -> Result<usize, Refusal> {
    cx.lapse(key);
    let (now_ms, limits) = (cx.now_ms(), limits(cx));
    let (mut door, _) = cx.change(key);
    Ok(door.edit(SET, |hash: &mut Fields| {
        hash.expect(data.len(), data.iter().flat_map(|Pair { field, value }| [field.0, value.0]), &limits);
        let (mut new, mut all) = (0, 0);
        for Pair { field, value } in data.iter() {
            new += hash.set(field.0, value.0, FieldExpiry::Never, now_ms, &limits) as usize;
            all += 1;
        }
        (new, all)
    })?)
}
