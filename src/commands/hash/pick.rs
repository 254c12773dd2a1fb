//! Fields by chance, each as likely as any other.
use super::prelude::*;
use super::write_element;
use crate::base::random::Chance;
use crate::command::Task;
use crate::commands::key::find::{Names, SLICE};
use crate::store::Hash as Fields;
use crate::store::value::Collection;
use crate::store::value::hash::Field;
use crate::wire::reply::Reply;

// --- HRANDFIELD key [count [WITHVALUES]]
form! { pub HRandField<'a> { key: Key<'a, READ>, options: Option<Picks> } }
form! { pub Picks { count: Amount, [#[once] withvalues: "WITHVALUES"] } }
number! { Amount: integer, else NotAnInteger; |n| n != i64::MIN, else NotALong }
impl<'a> Command<'a> for HRandField<'a> {
    const FACTS: Facts = facts("HRANDFIELD", "hash", "6.2.0", READONLY, "Returns fields of a hash, by chance.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let with_values = self.options.is_some_and(|picks| picks.withvalues);
        let count = self.options.map(|picks| picks.count.0);
        if with_values && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
            return Err(Refusal::OutOfRange);
        }
        cx.view::<Fields, _>(self.key)?;
        let (database, now_ms, most) = (cx.database(), cx.now_ms(), cx.server.config.proto_max_bulk_len);
        let Context { data, server, reply, .. } = cx;
        let hash = data.peek(database, self.key.0, now_ms).map(|entry| entry.view::<Fields>()).transpose()?;
        let hash = hash.filter(|hash| hash.len_at(now_ms) > 0);
        let chance = &mut server.chance;
        let (Some(hash), Some(count)) = (hash, count) else {
            match hash.and_then(|hash| hash.random(now_ms, &mut || chance.next())) {
                Some(field) => write_element(reply, field.name),
                None if count.is_some() => reply.array(0),
                None => reply.null(),
            }
            return Ok(Outcome::Done);
        };
        if count >= 0 {
            let (len, count) = (hash.len_at(now_ms), (count as usize).min(hash.len_at(now_ms)));
            begin(count, with_values, reply);
            sample(hash, len, count, now_ms, chance, |field| write(field, with_values, reply));
            return Ok(Outcome::Done);
        }
        let count = count.unsigned_abs();
        let each = hash.heap_bytes() / hash.len() + 2 * size_of::<usize>();
        if count.saturating_mul(each as u64) > most {
            return Err(Refusal::ResultTooLarge);
        }
        if count as usize <= SLICE {
            begin(count as usize, with_values, reply);
            draw(hash, count as usize, now_ms, chance, |field| write(field, with_values, reply));
            return Ok(Outcome::Done);
        }
        let (key, left) = (self.key.0.into(), count as usize);
        let mut draws = Draws { database, key, with_values, left, drawn: Names::default(), told: None };
        if draws.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(draws))) }
    }
}

/// With values, RESP3 has pairs.
fn begin(count: usize, with_values: bool, reply: &mut Reply) {
    let is_flat = with_values && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * count } else { count });
}

fn write(field: Field, with_values: bool, reply: &mut Reply) {
    if with_values && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    write_element(reply, field.name);
    if with_values {
        write_element(reply, field.value);
    }
}

fn draw(hash: &Fields, count: usize, now_ms: i64, chance: &mut Chance, show: impl FnMut(Field)) {
    (0..count).filter_map(|_| hash.random(now_ms, &mut || chance.next())).for_each(show);
}

/// Many draws, in slices: they are collected, and then told. A hash that goes meanwhile ends it.
struct Draws {
    database: usize,
    key: Box<[u8]>,
    with_values: bool,
    left: usize,
    drawn: Names,
    /// How many of them the reply has, once it is begun.
    told: Option<usize>,
}

impl Task for Draws {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let (now_ms, with_values) = (cx.now_ms(), self.with_values);
        let Context { data, server, reply, .. } = cx;
        if self.left > 0 {
            let count = self.left.min(SLICE);
            let hash = data.look(self.database, &self.key, now_ms).and_then(|entry| entry.view::<Fields>().ok());
            self.left = if hash.is_some() { self.left - count } else { 0 };
            if let Some(hash) = hash {
                let drawn = &mut self.drawn;
                draw(hash, count, now_ms, &mut server.chance, |field| {
                    drawn.push(field.name.bytes(&mut Digits::new()));
                    if with_values {
                        drawn.push(field.value.bytes(&mut Digits::new()));
                    }
                });
            }
            if self.left > 0 {
                return false;
            }
        }
        let width = 1 + with_values as usize;
        let from = self.told.unwrap_or_else(|| {
            begin(self.drawn.len() / width, with_values, reply);
            0
        });
        let to = self.drawn.len().min(from + width * SLICE);
        for at in (from..to).step_by(width) {
            if with_values && reply.protocol() == Protocol::Resp3 {
                reply.array(2);
            }
            (at..at + width).for_each(|at| reply.bulk(self.drawn.get(at)));
        }
        self.told = Some(to);
        to == self.drawn.len()
    }
}

/// So many of `len` fields, each once.
fn sample(hash: &Fields, len: usize, count: usize, now_ms: i64, chance: &mut Chance, mut show: impl FnMut(Field)) {
    // Few of many are drawn until they are enough; for others one walk decides of each field.
    if count < len / 8 {
        let mut seen = std::collections::HashSet::with_capacity(count);
        while seen.len() < count {
            let field = hash.random(now_ms, &mut || chance.next()).expect("it has some");
            if seen.insert(Box::<[u8]>::from(field.name.bytes(&mut Digits::new()))) {
                show(field);
            }
        }
        return;
    }
    let (mut left, mut wanted) = (len, count);
    for field in hash.iter(now_ms) {
        if wanted == 0 {
            return;
        }
        if chance.below(left as u64) < wanted as u64 {
            show(field);
            wanted -= 1;
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::assert_even;
    use crate::store::HashLimits;
    use crate::store::database::KeyHasher;
    use crate::store::value::hash::FieldExpiry;

    /// Rows, tables, a table of which most is gone, one of which most is due; few of them, some, nearly all.
    #[test]
    #[cfg_attr(miri, ignore = "it draws for long")]
    fn every_field_is_as_likely_to_be_in_a_sample() {
        let hasher = KeyHasher::new([1, 2, 3, 4]);
        let limits = HashLimits { listpack_entries: 128, listpack_value: 64, hasher };
        for (before, left, goes) in [(50, 50, true), (1_000, 1_000, true), (30_000, 300, true), (3_000, 300, false)] {
            let mut hash = Fields::default();
            let name = |n: usize| format!("f{n}").into_bytes();
            for n in 0..before {
                hash.set(&name(n), b"v", FieldExpiry::Never, 0, &limits);
                match n >= left {
                    true if goes => assert!(hash.remove(&name(n), 0)),
                    true => hash.expire(&name(n), Some(5), &limits),
                    false => {}
                }
            }
            let mut chance = Chance::from_seed(7);
            for picked in [1, left / 10, left / 2, left - 1] {
                assert_even(&format!("{picked} of {left}"), left, 400, |show| {
                    let mut count = 0;
                    sample(&hash, left, picked, 5, &mut chance, |field| {
                        let text = field.name.bytes(&mut Digits::new())[1..].to_vec();
                        show(String::from_utf8(text).unwrap().parse().unwrap());
                        count += 1;
                    });
                    assert_eq!(count, picked);
                });
            }
        }
    }
}
