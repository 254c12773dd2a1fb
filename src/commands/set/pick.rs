//! Members by chance, each as likely as any other: taken out, or only shown.
use super::prelude::*;
use super::{limits, write_element};
use crate::base::random::Chance;
use crate::command::Task;
use crate::commands::key::find::{Names, SLICE};
use crate::store::value::Collection;
use crate::store::value::set::Element;
use crate::store::{Set as Members, SetLimits};

// --- SPOP key [count]
form! { pub SPop<'a> { key: Key<'a, POP>, count: Option<Late<'a, Positive>> } }
number! { Positive: integer, else NotPositive; |n| n >= 0, else NotPositive }
impl<'a> Command<'a> for SPop<'a> {
    const FACTS: Facts = facts("SPOP", "set", "1.0.0", WRITE | FAST, "Takes members out of a set, by chance.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        if let Some(count) = self.count {
            return pop_many(self.key, count.read()?.0 as usize, cx);
        }
        let is_recorded = cx.record.wanted;
        let (mut door, reply, chance) = cx.change_by_chance(self.key);
        let mut popped = Vec::new();
        if door.view::<Members>()?.is_none() {
            reply.null();
            return Ok(Outcome::Done);
        }
        door.edit(POPPED, |set: &mut Members| {
            let show = |member: Element| {
                write_element(reply, member);
                if is_recorded {
                    popped.extend_from_slice(member.bytes(&mut Digits::new()));
                }
            };
            (set.pop(&mut || chance.next(), show), 1)
        })?;
        cx.record(|words| _ = words.text("SREM").word(self.key.0).word(&popped));
        Ok(Outcome::Done)
    }
}

const POPPED: Event = Event::set("spop");
/// So many members are recorded in one command.
const RECORDED: usize = 1024;

fn pop_many(key: Key<POP>, count: usize, cx: &mut Context) -> Ran {
    let (limits, is_recorded) = (limits(cx), cx.record.wanted);
    let (mut door, reply, chance) = cx.change_by_chance(key);
    let len = door.view::<Members>()?.map_or(0, Collection::len);
    if count >= len {
        let set = door.view::<Members>()?;
        reply.set(len);
        set.into_iter().flat_map(Members::iter).for_each(|member| write_element(reply, member));
        // The whole goes unfelt, however large.
        if door.remove(POPPED) {
            door.note(Event::DEL);
            cx.record(|words| _ = words.text("DEL").word(key.0));
        }
        return Ok(Outcome::Done);
    }
    let mut popped = Names::default();
    reply.set(count);
    if count > 0 {
        door.edit(POPPED, |set: &mut Members| {
            for _ in 0..count {
                set.pop(&mut || chance.next(), |member| {
                    write_element(reply, member);
                    if is_recorded {
                        popped.push(member.bytes(&mut Digits::new()));
                    }
                });
            }
            settle(set, count, &limits);
            ((), count)
        })?;
    }
    for from in (0..popped.len()).step_by(RECORDED) {
        cx.record(|words| {
            words.text("SREM").word(key.0);
            (from..popped.len().min(from + RECORDED)).for_each(|at| _ = words.word(popped.get(at)));
        });
    }
    Ok(Outcome::Done)
}

/// Where few stay, Redis puts those into a new set.
fn settle(set: &mut Members, popped: usize, limits: &SetLimits) {
    const FEW: usize = 5;
    if set.len() * FEW <= popped {
        set.settle(limits);
    }
}

// --- SRANDMEMBER key [count]
form! { pub SRandMember<'a> { key: Key<'a, READ>, count: Option<Late<'a, Picks>> } }
number! { Picks: integer, else NotAnInteger; |n| n != i64::MIN, else NotALong }
impl<'a> Command<'a> for SRandMember<'a> {
    const FACTS: Facts = facts("SRANDMEMBER", "set", "1.0.0", READONLY, "Returns members of a set, by chance.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let count = self.count.map(Late::read).transpose()?;
        cx.view::<Members, _>(self.key)?;
        let (database, now_ms, most) = (cx.database(), cx.now_ms(), cx.server.config.proto_max_bulk_len);
        let Context { data, server, reply, .. } = cx;
        let set = data.peek(database, self.key.0, now_ms).map(|entry| entry.view::<Members>()).transpose()?;
        let chance = &mut server.chance;
        let (Some(set), Some(Picks(count))) = (set, count) else {
            match set {
                Some(set) => write_element(reply, set.random(&mut || chance.next()).expect("no set is empty")),
                None if self.count.is_some() => reply.array(0),
                None => reply.null(),
            }
            return Ok(Outcome::Done);
        };
        if count >= 0 {
            let count = (count as usize).min(set.len());
            reply.array(count);
            sample(set, count, chance, |member| write_element(reply, member));
            return Ok(Outcome::Done);
        }
        let count = count.unsigned_abs();
        let each = set.heap_bytes() / set.len() + size_of::<usize>();
        if count.saturating_mul(each as u64) > most {
            return Err(Refusal::ResultTooLarge);
        }
        if count as usize <= SLICE {
            reply.array(count as usize);
            draw(set, count as usize, chance, |member| write_element(reply, member));
            return Ok(Outcome::Done);
        }
        let mut draws = Draws { database, key: self.key.0.into(), left: count as usize, drawn: Names::default() };
        if draws.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(draws))) }
    }
}

fn draw(set: &Members, count: usize, chance: &mut Chance, mut show: impl FnMut(Element)) {
    (0..count).for_each(|_| show(set.random(&mut || chance.next()).expect("no set is empty")));
}

/// Many draws, in slices: they are collected, and then told. A set that goes meanwhile ends it.
struct Draws {
    database: usize,
    key: Box<[u8]>,
    left: usize,
    drawn: Names,
}

impl Task for Draws {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let now_ms = cx.now_ms();
        let Context { data, server, reply, .. } = cx;
        if self.left > 0 {
            let count = self.left.min(SLICE);
            let set = data.look(self.database, &self.key, now_ms).and_then(|entry| entry.view::<Members>().ok());
            self.left = if set.is_some() { self.left - count } else { 0 };
            if let Some(set) = set {
                let drawn = &mut self.drawn;
                draw(set, count, &mut server.chance, |member| drawn.push(member.bytes(&mut Digits::new())));
            }
            if self.left > 0 {
                return false;
            }
        }
        self.drawn.tell_some(SLICE, reply)
    }
}

/// So many members, each once.
fn sample(set: &Members, count: usize, chance: &mut Chance, mut show: impl FnMut(Element)) {
    let mut left = set.len();
    // Few of many are drawn until they are enough; for others one walk decides of each member.
    if count < left / 8 {
        let mut seen = std::collections::HashSet::with_capacity(count);
        while seen.len() < count {
            let member = set.random(&mut || chance.next()).expect("no set is empty");
            let mut digits = Digits::new();
            if seen.insert(Box::<[u8]>::from(member.bytes(&mut digits))) {
                show(member);
            }
        }
        return;
    }
    let mut wanted = count;
    for member in set.iter() {
        if wanted == 0 {
            return;
        }
        if chance.below(left as u64) < wanted as u64 {
            show(member);
            wanted -= 1;
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::assert_even;
    use crate::store::database::KeyHasher;

    /// Rows, integers, tables, a table of which most is gone; few of them, some, nearly all.
    #[test]
    #[cfg_attr(miri, ignore = "it draws for long")]
    fn every_member_is_as_likely_to_be_in_a_sample() {
        let hasher = KeyHasher::new([1, 2, 3, 4]);
        let limits = SetLimits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher };
        for (before, left, word) in [(50, 50, "m"), (300, 300, ""), (1_000, 1_000, "m"), (30_000, 300, "m")] {
            let mut set = Members::default();
            let name = |n: usize| format!("{word}{n}").into_bytes();
            (0..before).for_each(|n| assert!(set.add(&name(n), &limits)));
            (left..before).for_each(|n| assert!(set.remove(&name(n))));
            let mut chance = Chance::from_seed(7);
            for picked in [1, left / 10, left / 2, left - 1] {
                assert_even(&format!("{picked} of {left}"), left, 400, |show| {
                    let mut count = 0;
                    sample(&set, picked, &mut chance, |member| {
                        let text = member.bytes(&mut Digits::new())[word.len()..].to_vec();
                        show(String::from_utf8(text).unwrap().parse().unwrap());
                        count += 1;
                    });
                    assert_eq!(count, picked);
                });
            }
        }
    }
}
