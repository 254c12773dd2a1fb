//! Entries of one arena against what they should hold, from a seed: after each step every entry is read again.
use super::super::text::INLINE_BYTES_MAX;
use super::*;
use crate::base::random::Chance;
use crate::store::List;
use crate::store::structure::arena::Arena;
use crate::store::text::{Content, Digits};
use crate::store::value::list::End;

struct Model {
    key: Vec<u8>,
    value: Vec<u8>,
    /// It is a list, and these are its elements.
    list: Option<Vec<Vec<u8>>>,
    encoding: &'static str,
    deadline_ms: i64,
}

struct Both {
    arena: Arena,
    entries: Vec<(Entry, Model)>,
    chance: Chance,
}

/// Around each border of the layout.
const LENGTHS: [usize; 10] = [0, 1, 7, 8, 44, 45, 254, 255, 256, INLINE_BYTES_MAX + 1];

impl Both {
    fn bytes(&mut self) -> Vec<u8> {
        let length = LENGTHS[self.chance.below(LENGTHS.len() as u64) as usize];
        let first = self.chance.below(256) as u8;
        (0..length).map(|at| first.wrapping_add(at as u8)).collect()
    }

    fn deadline(&mut self) -> i64 {
        if self.chance.below(2) == 0 { NEVER } else { self.chance.below(1 << 40) as i64 }
    }

    fn value(&mut self) -> Vec<u8> {
        if self.chance.below(3) == 0 { self.chance.below(1 << 50).to_string().into_bytes() } else { self.bytes() }
    }

    fn step(&mut self) {
        let kind = self.chance.below(10);
        if self.entries.len() < 3 || kind == 0 && self.entries.len() < 8 {
            let (key, value, deadline_ms) = (self.bytes(), self.value(), self.deadline());
            let entry = Entry::new(&mut self.arena, &key, Content::new(&value), deadline_ms, 5000);
            let encoding = encoding(&value);
            return self.entries.push((entry, Model { key, value, list: None, encoding, deadline_ms }));
        }
        let at = self.chance.below(self.entries.len() as u64) as usize;
        let (bytes, deadline_ms) = (self.value(), self.deadline());
        let (entry, model) = &mut self.entries[at];
        // SAFETY: all entries are made with this arena, here and below; what is removed is not used again.
        unsafe {
            match kind {
                0..3 => {
                    let pointed = points(entry);
                    let freed = entry.put(&mut self.arena, Content::new(&bytes), deadline_ms);
                    assert_eq!(freed.is_some_and(|held| is_held(&held, model)), pointed);
                    *model = Model {
                        key: model.key.clone(),
                        encoding: encoding(&bytes),
                        value: bytes,
                        list: None,
                        deadline_ms,
                    };
                }
                3 if model.list.is_none() => {
                    let offset = self.chance.below(model.value.len() as u64 + 20) as usize;
                    entry.write_at(&mut self.arena, offset, &bytes);
                    model.value.resize(model.value.len().max(offset + bytes.len()), 0);
                    model.value[offset..offset + bytes.len()].copy_from_slice(&bytes);
                    model.encoding = "raw";
                }
                4 => {
                    entry.set_deadline(&mut self.arena, deadline_ms);
                    model.deadline_ms = deadline_ms;
                }
                5 => {
                    let (entry, mut model) = self.entries.swap_remove(at);
                    model.key = bytes;
                    let twin = entry.twin(&mut self.arena, &model.key, 5000);
                    entry.free_cell(&mut self.arena);
                    self.entries.push((twin, model));
                }
                6 => {
                    entry.set_tag(0xBEEF);
                    entry.relocate(&mut self.arena);
                    assert_eq!(entry.tag(), 0xBEEF);
                    if let Some(long) = entry.long_mut() {
                        assert_eq!(long.share(), model.value);
                    }
                }
                7 => {
                    let (mut list, pointed) = (List::default(), points(entry));
                    list.push(End::Right, &bytes);
                    let freed = entry.put(&mut self.arena, Content::Held(list.hold()), deadline_ms);
                    assert_eq!(freed.is_some_and(|held| is_held(&held, model)), pointed);
                    (model.list, model.deadline_ms) = (Some(vec![bytes]), deadline_ms);
                }
                8 => match (entry.view_mut::<List>(), &mut model.list) {
                    (Ok(list), Some(elements)) => {
                        list.push(End::Right, &bytes);
                        elements.push(bytes);
                    }
                    (Err(WrongType), None) => assert!(entry.view::<List>().is_err()),
                    _ => panic!("{entry:?} is of the wrong type"),
                },
                _ => {
                    let (entry, model) = self.entries.swap_remove(at);
                    let pointed = points(&entry);
                    assert_eq!(entry.free(&mut self.arena).is_some_and(|held| is_held(&held, &model)), pointed);
                }
            }
        }
    }

    fn check(&self) {
        for (entry, model) in &self.entries {
            assert_eq!(entry.key(), model.key);
            match (entry.value(), &model.list) {
                (Value::String(text), None) => {
                    assert!(text.bytes(&mut Digits::new()) == model.value, "{} bytes", model.value.len());
                    assert_eq!((text.encoding(), text.len()), (model.encoding, model.value.len()));
                }
                (Value::List(list), Some(elements)) => assert!(holds(list, elements)),
                (value, _) => panic!("{value:?} is of the wrong type"),
            }
            assert_eq!(
                (entry.value().copied().is_some(), entry.deadline_ms(), entry.used().idle_s(7000)),
                (model.list.is_some(), model.deadline_ms, 2)
            );
        }
        let here = |entry: &Entry| arena::rounded(entry.shape().bytes());
        assert_eq!(self.arena.used_bytes(), self.entries.iter().map(|(entry, _)| here(entry)).sum());
    }
}

fn holds(list: &List, elements: &[Vec<u8>]) -> bool {
    list.iter().map(|element| element.bytes(&mut Digits::new()).to_vec()).eq(elements.iter().cloned())
}

/// Whether the value has memory of its own.
fn points(entry: &Entry) -> bool {
    entry.value().heap_bytes() > 0
}

/// Whether this is what the model had.
fn is_held(held: &Held, model: &Model) -> bool {
    match (held, &model.list) {
        (Held::Long(long), None) => ***long == *model.value,
        (Held::List(list), Some(elements)) => holds(list, elements),
        _ => false,
    }
}

fn encoding(value: &[u8]) -> &'static str {
    match crate::base::number::integer(value) {
        Some(_) => "int",
        None if value.len() <= 44 => "embstr",
        None => "raw",
    }
}

#[test]
fn holds_what_was_put_into_it() {
    let (seeds, steps) = if cfg!(miri) { (1, 100) } else { (10, 1000) };
    for seed in 0..seeds {
        let mut both = Both { arena: Arena::default(), entries: vec![], chance: Chance::from_seed(seed) };
        for _ in 0..steps {
            both.step();
            both.check();
        }
        for (entry, _) in both.entries.drain(..) {
            // SAFETY: made with this arena, and not used again.
            unsafe { entry.free(&mut both.arena) };
        }
        assert_eq!(both.arena.used_bytes(), 0, "seed {seed}");
    }
}
