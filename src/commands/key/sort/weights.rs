//! What ALPHA sorts by where BY names it: a text for each element, or none, which comes before all. A long text of an
//! element that stands there often is kept once, and no more is kept than a result may take. Looks nothing up.
use crate::command::refusal::Refusal;
use crate::command::room::Room;
use crate::commands::key::find::Names;
use crate::commands::key::sort::rank_of_bytes;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Bytes of a text from which on it is looked whether the element had it before.
const REPEATED_BYTES_MIN: usize = 256;

/// Texts by the number of their element.
#[derive(Default)]
pub struct Weights {
    /// With a byte before each, so that one that is empty is not none.
    texts: Names,
    /// Where the text of this number stands under another. Invariant: that one is smaller, and is not here itself.
    same: HashMap<usize, usize>,
}

/// Takes the texts, one after the other.
pub struct Taker<'n> {
    taken: Weights,
    long: HashMap<&'n [u8], usize>,
    room: Room,
}

impl<'n> Taker<'n> {
    pub fn new(room: Room) -> Self {
        Taker { taken: Weights::default(), long: HashMap::new(), room }
    }

    /// The text of the next element. Gives its rank.
    pub fn take(&mut self, element: &'n [u8], text: Option<&[u8]>) -> Result<u64, Refusal> {
        let Weights { texts, same } = &mut self.taken;
        let number = texts.len();
        let Some(text) = text else {
            texts.push(&[]);
            return Ok(0);
        };
        if text.len() >= REPEATED_BYTES_MIN {
            let first = *self.long.entry(element).or_insert(number);
            if first != number {
                texts.push(&[]);
                same.insert(number, first);
                return Ok(rank_of_bytes(texts.get(first)));
            }
        }
        self.room.takes(text.len());
        self.room.kept()?;
        texts.push_joined(&[&[1], text]);
        Ok(rank_of_bytes(texts.get(number)))
    }

    pub fn end(self) -> Weights {
        self.taken
    }
}

impl Weights {
    pub fn order(&self, a: usize, b: usize) -> Ordering {
        let first = |number| self.same.get(&number).copied().unwrap_or(number);
        let (a, b) = if self.same.is_empty() { (a, b) } else { (first(a), first(b)) };
        if a == b { Ordering::Equal } else { self.texts.get(a).cmp(self.texts.get(b)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_kept_once() {
        let (long, longer) = (vec![b'x'; 1000], vec![b'x'; 1001]);
        let mut taker = Taker::new(Room::new(3000));
        let all: [(&[u8], Option<&[u8]>); 8] = [
            (b"a", Some(&long)),
            (b"b", Some(&longer)),
            (b"a", Some(&long)),
            (b"c", None),
            (b"d", Some(b"")),
            (b"b", Some(&longer)),
            (b"c", None),
            (b"a", Some(&long)),
        ];
        let ranks: Vec<u64> = all.iter().map(|(element, text)| taker.take(element, *text).unwrap()).collect();
        assert_eq!(taker.take(b"e", Some(&long)).unwrap_err(), Refusal::ResultTooLarge);
        let weights = taker.end();
        assert_eq!(weights.texts.bytes(), 1001 + 1002 + 1);
        for (a, (_, one)) in all.iter().enumerate() {
            for (b, (_, other)) in all.iter().enumerate() {
                assert_eq!(weights.order(a, b), one.cmp(other), "{a} {b}");
                assert!(one.cmp(other) == ranks[a].cmp(&ranks[b]) || ranks[a] == ranks[b], "{a} {b}");
            }
        }
    }
}
