//! Elements that come and go at the ends of a list.
use super::prelude::*;
use super::{fill, popped, pushed, write_element};
use crate::store::List as Elements;
use crate::store::value::Collection;
use crate::store::value::list::End;
use crate::wire::parser::LARGE_BYTES;

number! { MoreThanZero: integer, else CountNotPositive; |n| n > 0, else CountNotPositive }
choice! { pub Side { "LEFT" => Left, "RIGHT" => Right } }
impl Side {
    pub fn end(self) -> End {
        match self {
            Side::Left => End::Left,
            Side::Right => End::Right,
        }
    }
}

// --- LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]
form! { pub LMPop<'a> { key: List<'a, Key<'a, POP>, Numkeys>, r#where: Side, [#[once] count: "COUNT" MoreThanZero] } }
pub struct Numkeys;
impl Count for Numkeys {
    const NOT_A_NUMBER: Refusal = Refusal::NumkeysNotPositive;
    const TOO_FEW: Refusal = Refusal::NumkeysNotPositive;
}
impl<'a> Command<'a> for LMPop<'a> {
    const FACTS: Facts =
        facts("LMPOP", "list", "7.0.0", WRITE, "Takes elements from an end of the first list that has some.");
    fn run(self, cx: &mut Context) -> Ran {
        if !pop_first(self.key.iter(), self.r#where.end(), self.count, cx)? {
            cx.reply.null_array();
        }
        Ok(Outcome::Done)
    }
}

// --- LPOP key [count]
form! { pub LPop<'a> { key: Key<'a, POP>, count: Option<Late<'a, NotNegative>> } }
impl<'a> Command<'a> for LPop<'a> {
    const FACTS: Facts = facts("LPOP", "list", "1.0.0", WRITE | FAST, "Takes elements from the left end of a list.");
    const SURPLUS: Refusal = Refusal::WrongArity;
    fn run(self, cx: &mut Context) -> Ran {
        pop(self.key, End::Left, self.count.map(Late::read).transpose()?, cx)
    }
}

// --- LPUSH key element [element ...]
form! { pub LPush<'a> { key: Key<'a, INSERT>, element: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for LPush<'a> {
    const FACTS: Facts =
        facts("LPUSH", "list", "1.0.0", WRITE | DENYOOM | FAST, "Puts elements at the left end of a list.");
    fn run(self, cx: &mut Context) -> Ran {
        push(self.key, End::Left, self.element, true, cx)
    }
}

// --- LPUSHX key element [element ...]
form! { pub LPushX<'a> { key: Key<'a, INSERT>, element: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for LPushX<'a> {
    const FACTS: Facts = facts(
        "LPUSHX",
        "list",
        "2.2.0",
        WRITE | DENYOOM | FAST,
        "Puts elements at the left end of a list that is there.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        push(self.key, End::Left, self.element, false, cx)
    }
}

// --- RPOP key [count]
form! { pub RPop<'a> { key: Key<'a, POP>, count: Option<Late<'a, NotNegative>> } }
impl<'a> Command<'a> for RPop<'a> {
    const FACTS: Facts = facts("RPOP", "list", "1.0.0", WRITE | FAST, "Takes elements from the right end of a list.");
    const SURPLUS: Refusal = Refusal::WrongArity;
    fn run(self, cx: &mut Context) -> Ran {
        pop(self.key, End::Right, self.count.map(Late::read).transpose()?, cx)
    }
}

// --- RPUSH key element [element ...]
form! { pub RPush<'a> { key: Key<'a, INSERT>, element: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for RPush<'a> {
    const FACTS: Facts =
        facts("RPUSH", "list", "1.0.0", WRITE | DENYOOM | FAST, "Puts elements at the right end of a list.");
    fn run(self, cx: &mut Context) -> Ran {
        push(self.key, End::Right, self.element, true, cx)
    }
}

// --- RPUSHX key element [element ...]
form! { pub RPushX<'a> { key: Key<'a, INSERT>, element: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for RPushX<'a> {
    const FACTS: Facts = facts(
        "RPUSHX",
        "list",
        "2.2.0",
        WRITE | DENYOOM | FAST,
        "Puts elements at the right end of a list that is there.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        push(self.key, End::Right, self.element, false, cx)
    }
}

// --- What they share

/// More do not fit into one piece of memory.
const RESERVED_BYTES_MAX: usize = 64 * 1024;

#[inline]
fn push<'a>(key: Key<'a, INSERT>, end: End, elements: Many<'a, Bytes<'a>>, makes: bool, cx: &mut Context) -> Ran {
    let (fill, request) = (fill(cx), cx.request);
    let (mut door, reply) = cx.change(key);
    if !makes && door.view::<Elements>()?.is_none() {
        reply.integer(0);
        return Ok(Outcome::Done);
    }
    let length = door.edit(pushed(end), |list: &mut Elements| {
        let (count, bytes) = (elements.len(), elements.iter().map(|element| element.0.len()).sum());
        list.expect(bytes, count, fill);
        if count > 1 && bytes < RESERVED_BYTES_MAX {
            list.reserve(end, elements.iter().map(|element| element.0));
        }
        for element in elements.iter() {
            // One that was read into memory of its own stays there.
            let shared = if element.0.len() < LARGE_BYTES { None } else { request.share(element.0) };
            match shared {
                Some(shared) => list.push_shared(end, shared),
                None => list.push(end, element.0),
            }
        }
        (list.len(), count)
    })?;
    reply.count(length);
    Ok(Outcome::Done)
}

fn pop(key: Key<POP>, end: End, count: Option<NotNegative>, cx: &mut Context) -> Ran {
    let fill = fill(cx);
    let (mut door, reply) = cx.change(key);
    let Some(list) = door.view::<Elements>()? else {
        if count.is_some() {
            reply.null_array()
        } else {
            reply.null()
        }
        return Ok(Outcome::Done);
    };
    let taken = count.map_or(1, |count| (count.0 as usize).min(list.len()));
    if count.is_some() {
        reply.array(taken);
    }
    if taken > 0 {
        door.edit(popped(end), |list: &mut Elements| {
            for _ in 0..taken {
                write_element(reply, list.end(end).expect("it has so many"));
                list.drop_end(end);
            }
            list.settle(fill);
            ((), taken)
        })?;
    }
    Ok(Outcome::Done)
}

/// Takes elements from the first list that is there, and answers with its key and them. False: none is.
pub fn pop_first<'a>(
    keys: impl Iterator<Item = Key<'a, POP>>,
    end: End,
    count: Option<MoreThanZero>,
    cx: &mut Context,
) -> Result<bool, Refusal> {
    for key in keys {
        let list = cx.look(key).map(|entry| entry.view::<Elements>()).transpose()?;
        let Some(list) = list.map(Collection::len) else { continue };
        let taken = count.map_or(1, |count| (count.0 as usize).min(list));
        cx.reply.array(2);
        cx.reply.bulk(key.0);
        pop(key, end, Some(NotNegative(taken as i64)), cx)?;
        let name = if end == End::Left { "LPOP" } else { "RPOP" };
        cx.record(|words| _ = words.text(name).word(key.0).text(taken));
        return Ok(true);
    }
    Ok(false)
}

/// The same with one element, which is answered without a list around it.
pub fn pop_one<'a>(keys: impl Iterator<Item = Key<'a, POP>>, end: End, cx: &mut Context) -> Result<bool, Refusal> {
    for key in keys {
        if cx.look(key).map(|entry| entry.view::<Elements>()).transpose()?.is_none() {
            continue;
        }
        cx.reply.array(2);
        cx.reply.bulk(key.0);
        pop(key, end, None, cx)?;
        let name = if end == End::Left { "LPOP" } else { "RPOP" };
        cx.record(|words| _ = words.text(name).word(key.0));
        return Ok(true);
    }
    Ok(false)
}
