//! Pieces of strings: append one, write over one, return one; and how long a string is.
use super::get_set::put;
use super::prelude::*;
use crate::store::text::{INLINE_BYTES_MAX, Long};
use crate::wire::output::SHARED_BYTES_MIN;
use std::ops::Range;

// --- APPEND key value
form! { pub Append<'a> { key: Key<'a, INSERT>, value: Bytes<'a> } }
impl<'a> Command<'a> for Append<'a> {
    const FACTS: Facts =
        facts("APPEND", "string", "2.0.0", WRITE | DENYOOM | FAST, "Appends to the string at a key, or makes it.");
    fn run(self, cx: &mut Context) -> Ran {
        const APPEND: Event = Event::string("append");
        let (longest, added) = (longest(cx), self.value.0);
        let mut door = cx.open(self.key);
        let Some(old) = door.value() else {
            put(self.key.0, self.value, NewExpiry::Never, APPEND, cx);
            return cx.count(added.len());
        };
        let length = text(old)?.len() + added.len();
        if length > longest {
            return Err(Refusal::TooLong);
        }
        door.write(length - added.len(), added, APPEND);
        cx.count(length)
    }
}

// --- GETRANGE key start end
form! { pub GetRange<'a> { key: Key<'a, READ>, start: Int, end: Int } }
impl<'a> Command<'a> for GetRange<'a> {
    const FACTS: Facts = facts("GETRANGE", "string", "2.4.0", READONLY, "Returns a piece of the string at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.answer(self.key, |entry, reply| {
            let Some(entry) = entry else {
                reply.bulk(b"");
                return Ok(());
            };
            let text = text(entry.value())?;
            let piece = piece(self.start.0, self.end.0, text.len());
            if piece.len() < SHARED_BYTES_MIN {
                reply.bulk(&text.bytes(&mut Digits::new())[piece]);
            } else {
                reply.shared(&entry.long_mut().expect("it is long").share().slice(piece));
            }
            Ok(())
        })
    }
}

// --- SETRANGE key offset value
form! { pub SetRange<'a> { key: Key<'a, UPDATE>, offset: Offset, value: Bytes<'a> } }
number! { Offset: integer, else NotAnInteger; |n| n >= 0, else OffsetOutOfRange }
impl<'a> Command<'a> for SetRange<'a> {
    const FACTS: Facts =
        facts("SETRANGE", "string", "2.2.0", WRITE | DENYOOM, "Writes over a piece of the string at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        const SETRANGE: Event = Event::string("setrange");
        let (longest, new, offset) = (longest(cx), self.value.0, self.offset.0 as usize);
        let mut door = cx.open(self.key);
        let there = door.value().is_some();
        let length = door.value().map(text).transpose()?.map_or(0, |text| text.len());
        if new.is_empty() {
            return cx.count(length);
        }
        if offset + new.len() > longest {
            return Err(Refusal::TooLong);
        }
        if there {
            door.write(offset, new, SETRANGE);
        } else {
            // Zeros that the allocator has at hand, not written one by one.
            let mut bytes = vec![0; offset + new.len()];
            bytes[offset..].copy_from_slice(new);
            let long = bytes.len() > INLINE_BYTES_MAX;
            let content = if long { Content::Long(Long::Own(bytes)) } else { Content::Raw(&bytes) };
            door.put(content, NewExpiry::Never, SETRANGE);
        }
        cx.count(length.max(offset + new.len()))
    }
}

// --- STRLEN key
form! { pub StrLen<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for StrLen<'a> {
    const FACTS: Facts =
        facts("STRLEN", "string", "2.2.0", READONLY | FAST, "Returns the length of the string at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        let length = cx.measure(self.key).map(|entry| text(entry.value())).transpose()?.map_or(0, |text| text.len());
        cx.count(length)
    }
}

// --- SUBSTR key start end
form! { pub SubStr<'a> { key: Key<'a, READ>, start: Int, end: Int } }
impl<'a> Command<'a> for SubStr<'a> {
    const FACTS: Facts = facts("SUBSTR", "string", "1.0.0", READONLY, "Returns a piece of the string at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        GetRange { key: self.key, start: self.start, end: self.end }.run(cx)
    }
}

// --- What they share

/// No string becomes longer.
fn longest(cx: &Context) -> usize {
    cx.server.config.proto_max_bulk_len as usize
}

/// Which bytes a range means that counts from either end, its end included. What lies before the first byte means that
/// byte, so -100 to -50 is the first one; but a range that runs backwards from the end is empty.
fn piece(start: i64, end: i64, length: usize) -> Range<usize> {
    let from_front = |at: i64| if at < 0 { (length as i64 + at).max(0) as usize } else { at as usize };
    let (first, last) = (from_front(start), from_front(end).min(length.saturating_sub(1)));
    if length == 0 || first > last || start < 0 && end < 0 && start > end { 0..0 } else { first..last + 1 }
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn ranges_as_redis_cuts_them() {
        let table = [
            (0, 3, "This"),
            (-3, -1, "ing"),
            (0, -1, "This is a string"),
            (10, 100, "string"),
            (5, 3, ""),
            (-1, -5, ""),
            (-100, -50, "T"),
            (-50, -100, ""),
            (3, -100, ""),
            (16, 16, ""),
            (15, 16, "g"),
            (i64::MIN, i64::MAX, "This is a string"),
            (i64::MAX, i64::MAX, ""),
            (i64::MIN, i64::MIN, "T"),
        ];
        let text = "This is a string";
        for (start, end, expected) in table {
            assert_eq!(&text[piece(start, end, text.len())], expected, "{start} {end}");
            assert!(piece(start, end, 0).is_empty());
        }
    }
}
