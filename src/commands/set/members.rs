//! Members of one set: they come, go, and are asked for.
use super::prelude::*;
use super::{limits, write_element};
use crate::store::Set as Members;
use crate::store::value::Collection;

// --- SADD key member [member ...]
form! { pub SAdd<'a> { key: Key<'a, INSERT>, member: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for SAdd<'a> {
    const FACTS: Facts = facts("SADD", "set", "1.0.0", WRITE | DENYOOM | FAST, "Puts members into a set.");
    fn run(self, cx: &mut Context) -> Ran {
        let limits = limits(cx);
        let (mut door, reply) = cx.change(self.key);
        let added = door.edit(ADDED, |set: &mut Members| {
            set.expect(self.member.iter().next().expect("one at least").0, self.member.len(), &limits);
            let added = self.member.iter().filter(|member| set.add(member.0, &limits)).count();
            (added, added)
        })?;
        reply.count(added);
        Ok(Outcome::Done)
    }
}

// --- SCARD key
form! { pub SCard<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for SCard<'a> {
    const FACTS: Facts = facts("SCARD", "set", "1.0.0", READONLY | FAST, "Returns how many members a set has.");
    fn run(self, cx: &mut Context) -> Ran {
        let count = match cx.measure(self.key) {
            Some(entry) => entry.view::<Members>()?.len(),
            None => 0,
        };
        cx.count(count)
    }
}

// --- SISMEMBER key member
form! { pub SIsMember<'a> { key: Key<'a, LOOK>, member: Bytes<'a> } }
impl<'a> Command<'a> for SIsMember<'a> {
    const FACTS: Facts =
        facts("SISMEMBER", "set", "1.0.0", READONLY | FAST, "Returns whether something is a member of a set.");
    fn run(self, cx: &mut Context) -> Ran {
        let is_member = match cx.measure(self.key) {
            Some(entry) => entry.view::<Members>()?.contains(self.member.0),
            None => false,
        };
        cx.integer(is_member as i64)
    }
}

// --- SMEMBERS key
form! { pub SMembers<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for SMembers<'a> {
    const FACTS: Facts = facts("SMEMBERS", "set", "1.0.0", READONLY, "Returns all members of a set.")
        .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        let (set, reply) = cx.view::<Members, _>(self.key)?;
        reply.set(set.map_or(0, Collection::len));
        set.into_iter().flat_map(Members::iter).for_each(|member| write_element(reply, member));
        Ok(Outcome::Done)
    }
}

// --- SMISMEMBER key member [member ...]
form! { pub SMIsMember<'a> { key: Key<'a, READ>, member: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for SMIsMember<'a> {
    const FACTS: Facts = facts(
        "SMISMEMBER",
        "set",
        "6.2.0",
        READONLY | FAST,
        "Returns of each of several whether it is a member of a set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let (set, reply) = cx.view::<Members, _>(self.key)?;
        reply.array(self.member.len());
        for group in self.member.groups() {
            set.inspect(|set| set.warm(group.clone().map(|member| member.0), false));
            group.for_each(|member| reply.integer(set.is_some_and(|set| set.contains(member.0)) as i64));
        }
        Ok(Outcome::Done)
    }
}

// --- SMOVE source destination member
form! { pub SMove<'a> { source: Key<'a, POP>, destination: Key<'a, INSERT>, member: Bytes<'a> } }
impl<'a> Command<'a> for SMove<'a> {
    const FACTS: Facts =
        facts("SMOVE", "set", "1.0.0", WRITE | FAST, "Takes a member from a set and puts it into another.");
    fn run(self, cx: &mut Context) -> Ran {
        let limits = limits(cx);
        let Some(set) = cx.open(self.source).view::<Members>()?.map(|set| set.contains(self.member.0)) else {
            return cx.integer(0);
        };
        cx.open(Key::<INSERT>(self.destination.0)).view::<Members>()?;
        if set && self.source.0 != self.destination.0 {
            let removed = cx.open(self.source).edit(REMOVED, |set: &mut Members| (set.remove(self.member.0), 1))?;
            assert!(removed, "it was just there");
            cx.open(self.destination).edit(ADDED, |set: &mut Members| {
                let added = set.add(self.member.0, &limits);
                ((), added as usize)
            })?;
        }
        cx.integer(set as i64)
    }
}

// --- SREM key member [member ...]
form! { pub SRem<'a> { key: Key<'a, REMOVE>, member: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for SRem<'a> {
    const FACTS: Facts = facts("SREM", "set", "1.0.0", WRITE | FAST, "Takes members out of a set.");
    fn run(self, cx: &mut Context) -> Ran {
        let (mut door, reply) = cx.change(self.key);
        let removed = door.edit(REMOVED, |set: &mut Members| {
            let mut removed = 0;
            for group in self.member.groups() {
                set.warm(group.clone().map(|member| member.0), true);
                removed += group.filter(|member| set.remove(member.0)).count();
            }
            (removed, removed)
        })?;
        reply.count(removed);
        Ok(Outcome::Done)
    }
}

const ADDED: Event = Event::set("sadd");
pub const REMOVED: Event = Event::set("srem");
