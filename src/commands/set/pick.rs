//! Members by chance, each as likely as any other: taken out, or only shown.
use super::prelude::*;
use super::{limits, write_element};
use crate::commands::draws::{self, Picks};
use crate::commands::key::find::Names;
use crate::store::value::Collection;
use crate::store::value::set::Element;
use crate::store::{Set as Members, SetLimits};

// --- SPOP key [count]
form! { pub SPop<'a> { key: Key<'a, POP>, count: Option<Late<'a, NotNegative>> } }
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
        if door.remove_counting(len, POPPED) {
            door.note(Event::DEL);
            cx.record(|words| _ = words.text("DEL").word(key.0));
        }
        return Ok(Outcome::Done);
    }
    let mut popped = Names::default();
    reply.set(count);
    if count > 0 {
        let old = door.edit(POPPED, |set: &mut Members| {
            let old = set.pop_many(count, &mut || chance.next(), &limits, |member| {
                write_element(reply, member);
                if is_recorded {
                    popped.push(member.bytes(&mut Digits::new()));
                }
            });
            settle(set, count, &limits);
            (old, count)
        })?;
        door.discard(old);
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
impl<'a> Command<'a> for SRandMember<'a> {
    const FACTS: Facts = facts("SRANDMEMBER", "set", "1.0.0", READONLY, "Returns members of a set, by chance.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let count = self.count.map(Late::read).transpose()?.map(|picks| picks.0);
        draws::pick::<Members>(self.key, count, false, cx)
    }
}
