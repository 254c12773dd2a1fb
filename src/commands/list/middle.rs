//! What changes the middle of a list: another element in the place of one, before or after one, some away, all but a range
//! away.
use super::fill;
use super::prelude::*;
use super::read::{place, range};
use crate::store::List as Elements;
use crate::store::value::Collection;
use crate::store::value::list::End;

// --- LINSERT key BEFORE | AFTER pivot element
form! { pub LInsert<'a> { key: Key<'a, INSERT>, r#where: Where, pivot: Bytes<'a>, element: Bytes<'a> } }
choice! { pub Where { "BEFORE" => Before, "AFTER" => After } }
impl<'a> Command<'a> for LInsert<'a> {
    const FACTS: Facts =
        facts("LINSERT", "list", "2.2.0", WRITE | DENYOOM, "Puts an element before or after another one of a list.");
    fn run(self, cx: &mut Context) -> Ran {
        let fill = fill(cx);
        let (mut door, reply) = cx.change(self.key);
        if door.view::<Elements>()?.is_none() {
            reply.integer(0);
            return Ok(Outcome::Done);
        }
        let length = door.edit(Event::list("linsert"), |list: &mut Elements| {
            list.expect(self.element.0.len(), 1, fill);
            let mut digits = Digits::new();
            let Some(pivot) = list.iter().position(|element| element.bytes(&mut digits) == self.pivot.0) else {
                return (-1, 0);
            };
            list.insert(pivot + (self.r#where == Where::After) as usize, self.element.0);
            (list.len() as i64, 1)
        })?;
        reply.integer(length);
        Ok(Outcome::Done)
    }
}

// --- LREM key count element
form! { pub LRem<'a> { key: Key<'a, REMOVE>, count: Long, element: Bytes<'a> } }
number! { Long: integer, else NotAnInteger; |n| n != i64::MIN, else NotALong }
impl<'a> Command<'a> for LRem<'a> {
    const FACTS: Facts = facts("LREM", "list", "1.0.0", WRITE, "Takes away elements of a list that are this one.");
    fn run(self, cx: &mut Context) -> Ran {
        let fill = fill(cx);
        let (mut door, reply) = cx.change(self.key);
        let (from, most) = match self.count.0 {
            0 => (End::Left, usize::MAX),
            count @ 1.. => (End::Left, count as usize),
            count => (End::Right, count.unsigned_abs() as usize),
        };
        let removed = door.edit(Event::list("lrem"), |list: &mut Elements| {
            let removed = list.remove(from, most, self.element.0, fill);
            if removed > 0 {
                list.settle(fill);
            }
            (removed, removed)
        })?;
        reply.count(removed);
        Ok(Outcome::Done)
    }
}

// --- LSET key index element
form! { pub LSet<'a> { key: Key<'a, UPDATE>, index: Late<'a, Int>, element: Bytes<'a> } }
impl<'a> Command<'a> for LSet<'a> {
    const FACTS: Facts =
        facts("LSET", "list", "1.0.0", WRITE | DENYOOM, "Puts an element in the place of another one.");
    fn run(self, cx: &mut Context) -> Ran {
        let fill = fill(cx);
        let (mut door, reply) = cx.change(self.key);
        let length = door.view::<Elements>()?.ok_or(Refusal::NoSuchKey)?.len();
        let at = place(self.index.read()?.0, length);
        let is_set = door.edit(Event::list("lset"), |list: &mut Elements| {
            list.expect(self.element.0.len(), 1, fill);
            if let Some(at) = at {
                list.set(at, self.element.0);
                list.settle(fill);
            }
            (at.is_some(), at.is_some() as usize)
        })?;
        if !is_set {
            return Err(Refusal::IndexOutOfRange);
        }
        reply.ok();
        Ok(Outcome::Done)
    }
}

// --- LTRIM key start stop
form! { pub LTrim<'a> { key: Key<'a, REMOVE>, start: Int, stop: Int } }
impl<'a> Command<'a> for LTrim<'a> {
    const FACTS: Facts = facts("LTRIM", "list", "1.0.0", WRITE, "Takes away the elements of a list outside a range.");
    fn run(self, cx: &mut Context) -> Ran {
        const LTRIM: Event = Event::list("ltrim");
        let fill = fill(cx);
        let (mut door, reply) = cx.change(self.key);
        if let Some(list) = door.view::<Elements>()? {
            let length = list.len();
            let left = range(self.start.0, self.stop.0, length);
            if left.is_empty() {
                // The whole goes unfelt, however large.
                door.remove_counting(length, LTRIM);
                door.note(Event::DEL);
            } else {
                let removed = length - left.len();
                door.edit(LTRIM, |list: &mut Elements| {
                    list.trim(left);
                    list.settle(fill);
                    ((), removed)
                })?;
                if removed == 0 {
                    // Redis tells of it all the same.
                    door.note(LTRIM);
                }
            }
        }
        reply.ok();
        Ok(Outcome::Done)
    }
}
