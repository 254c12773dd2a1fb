//! What the patterns of SORT lead to: another key's string or field for each element, for BY and for GET.
use crate::commands::key::find::Names;
use crate::commands::prelude::*;
use crate::store::value::list::Element;
use crate::store::{Entry, WARMED_MAX};
use crate::wire::reply::Reply;

#[derive(Clone, Copy)]
pub enum Pattern<'a> {
    /// `#`
    Element,
    /// A key with the element in the place of the star, or a field of the hash there.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
    /// Without a star it leads nowhere.
    Nothing,
}

impl<'a> Pattern<'a> {
    pub fn new(pattern: &'a [u8]) -> Pattern<'a> {
        if pattern == b"#" {
            return Pattern::Element;
        }
        let Some(star) = memchr::memchr(b'*', pattern) else { return Pattern::Nothing };
        let (before, after) = (&pattern[..star], &pattern[star + 1..]);
        match memchr::memmem::find(after, b"->") {
            Some(arrow) if arrow + 2 < after.len() => {
                Pattern::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) }
            }
            _ => Pattern::Key { before, after, field: None },
        }
    }
}

pub enum Found<'f> {
    Nothing,
    /// What one asked for oneself.
    Same(&'f [u8]),
    Text(&'f mut Entry),
    Field(Element<'f>),
}

impl Found<'_> {
    /// Its bytes; those of an integer are printed into `digits`.
    pub fn bytes<'b>(&'b self, digits: &'b mut Digits) -> Option<&'b [u8]> {
        match self {
            Found::Nothing => None,
            Found::Same(bytes) => Some(bytes),
            Found::Text(entry) => text(entry.value()).ok().map(|text| text.bytes(digits)),
            Found::Field(element) => Some(element.bytes(digits)),
        }
    }
}

/// No more keys are made at once when they have so many bytes: an element is as large as a client likes, and so is a
/// pattern.
const KEYS_BYTES_MAX: usize = 64 * 1024;

/// Shows what each pattern finds for each element, in order. Look-ups wait for memory together.
pub fn find<'e>(
    patterns: &[Pattern],
    elements: impl Iterator<Item = &'e [u8]>,
    cx: &mut Context,
    mut see: impl FnMut(Found, &mut Reply) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (database, now_ms) = (cx.database(), cx.now_ms());
    let Context { data, server, reply, .. } = cx;
    let mut wanted = elements.flat_map(|element| patterns.iter().map(move |pattern| (element, pattern)));
    let (mut some, mut keys) = (Vec::with_capacity(WARMED_MAX), Names::default());
    loop {
        some.clear();
        keys.clear();
        while some.len() < WARMED_MAX
            && keys.bytes() < KEYS_BYTES_MAX
            && let Some((element, pattern)) = wanted.next()
        {
            if let Pattern::Key { before, after, .. } = pattern {
                keys.push_joined(&[before, element, after]);
            }
            some.push((element, pattern));
        }
        if some.is_empty() {
            return Ok(());
        }
        data.warm(database, (0..keys.len()).map(|at| keys.get(at)));
        let mut next = 0..;
        for (element, pattern) in &some {
            match **pattern {
                Pattern::Nothing => see(Found::Nothing, reply)?,
                Pattern::Element => see(Found::Same(element), reply)?,
                Pattern::Key { field, .. } => {
                    let key = keys.get(next.next().expect("one for each"));
                    let entry = data.read(database, key, now_ms);
                    server.stats.looked_up(entry.is_some());
                    see(follow(entry, field, now_ms), reply)?;
                    if field.is_some() {
                        // Afterwards: a hash of which nothing is left was there when it was looked up.
                        data.lapse_at(database, key, now_ms);
                    }
                }
            }
        }
    }
}

fn follow<'f>(entry: Option<&'f mut Entry>, field: Option<&[u8]>, now_ms: i64) -> Found<'f> {
    let Some(entry) = entry else { return Found::Nothing };
    match field {
        None if matches!(entry.value(), Value::String(_)) => Found::Text(entry),
        None => Found::Nothing,
        Some(field) => match entry.value() {
            Value::Hash(hash) => hash.get(field, now_ms).map_or(Found::Nothing, |field| Found::Field(field.value)),
            _ => Found::Nothing,
        },
    }
}
