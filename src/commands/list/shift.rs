//! An element that goes from an end of one list to an end of another, or of the same.
use super::ends::Side;
use super::prelude::*;
use super::{fill, popped, pushed};
use crate::store::List as Elements;
use crate::store::value::list::End;

// --- LMOVE source destination LEFT | RIGHT LEFT | RIGHT
form! { pub LMove<'a> { source: Key<'a, POP>, destination: Key<'a, INSERT>, wherefrom: Side, whereto: Side } }
impl<'a> Command<'a> for LMove<'a> {
    const FACTS: Facts =
        facts("LMOVE", "list", "6.2.0", WRITE | DENYOOM, "Takes an element from a list and puts it into another.");
    fn run(self, cx: &mut Context) -> Ran {
        if !shift(self.source, self.destination, self.wherefrom.end(), self.whereto.end(), cx)? {
            cx.reply.null();
        }
        Ok(Outcome::Done)
    }
}

// --- RPOPLPUSH source destination
form! { pub RPopLPush<'a> { source: Key<'a, POP>, destination: Key<'a, INSERT> } }
impl<'a> Command<'a> for RPopLPush<'a> {
    const FACTS: Facts = facts(
        "RPOPLPUSH",
        "list",
        "1.2.0",
        WRITE | DENYOOM,
        "Takes the last element of a list and puts it first into another.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        if !shift(self.source, self.destination, End::Right, End::Left, cx)? {
            cx.reply.null();
        }
        Ok(Outcome::Done)
    }
}

// --- What they share

/// Answers with the element. False: there is none.
pub fn shift(
    source: Key<POP>,
    destination: Key<INSERT>,
    from: End,
    to: End,
    cx: &mut Context,
) -> Result<bool, Refusal> {
    let fill = fill(cx);
    let list = cx.look(source).map(|entry| entry.view::<Elements>()).transpose()?;
    let Some(element) = list.and_then(|list| list.end(from)) else { return Ok(false) };
    let element = element.bytes(&mut Digits::new()).to_vec();
    if source.0 == destination.0 {
        let mut door = cx.open(source);
        door.edit(pushed(to), |list: &mut Elements| {
            list.drop_end(from);
            list.expect(element.len(), 1, fill);
            list.push(to, &element);
            list.settle(fill);
            ((), 1)
        })?;
        door.note(popped(from));
    } else {
        cx.open(destination).edit(pushed(to), |list: &mut Elements| {
            list.expect(element.len(), 1, fill);
            list.push(to, &element);
            ((), 1)
        })?;
        // Redis counts both as one change.
        cx.open(source).edit_further(popped(from), |list: &mut Elements| {
            list.drop_end(from);
            list.settle(fill);
            true
        })?;
    }
    cx.reply.bulk(&element);
    Ok(true)
}
