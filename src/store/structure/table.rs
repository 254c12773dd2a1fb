//! A hash table that never grows all at once: many small tables (segments), found through a directory by bits of the
//! hash, each split alone when it fills. hashbrown places by the low bits of the hash and tags by its top seven, so
//! segments are chosen by the bits from 32 up (chosen by low bits a find took 421 ns instead of 36).
//! It orders its items by those bits too, which is the order of `scan`: a split never changes it.
//! It does not hash and does not compare: both are the caller's.
//!
//! ```text
//!   hash    63..57  56 ........ 32  31 .. 28  27 ......... 0
//!           (tag)   directory                 (bucket)
//!   order           52 ........ 28            27 ......... 0     below 2^53
//! ```
use hashbrown::HashTable;

/// Bits of the hash that choose the segment. No directory is deeper.
const DIRECTORY_BITS: u32 = 25;
const LOW_BITS: u32 = 28;
/// All orders are below this. (Cursors stay exact in clients that make doubles of numbers.)
pub const ORDER_END: u64 = 1 << (DIRECTORY_BITS + LOW_BITS);

/// A segment splits when it has so many items, a few hundred more or less so that not all split in the same moment.
const SPLIT_AT: usize = 3200;
const STAGGER: usize = 384;

/// `random` draws so often before it counts; in a table of so few segments it counts at once.
const RANDOM_TRIES: usize = 64;
const COUNTED_SEGMENTS: usize = 16;

pub trait Hashed {
    fn hash(&self) -> u64;
}

/// Where an item stands; true until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    segment: u32,
    bucket: u32,
}

#[derive(Debug)]
pub struct Table<T> {
    /// Numbers of segments, by the top `depth` bits of the directory's bits.
    /// Invariant: a segment of depth d stands in 2^(depth - d) places in a row, all with the same top d bits.
    directory: Vec<u32>,
    depth: u32,
    segments: Vec<Segment<T>>,
    len: usize,
}

#[derive(Debug)]
struct Segment<T> {
    items: HashTable<T>,
    depth: u32,
    split_at: usize,
}

impl<T: Hashed> Default for Table<T> {
    fn default() -> Self {
        Table { directory: vec![0], depth: 0, segments: vec![Segment::new(0, 0)], len: 0 }
    }
}

impl<T: Hashed> Segment<T> {
    fn new(depth: u32, number: usize) -> Self {
        let stagger = (number.wrapping_mul(0x9E37_79B9) >> 16) % STAGGER;
        Segment { items: HashTable::new(), depth, split_at: SPLIT_AT + stagger }
    }
}

/// The place of a hash in the order of `scan`.
#[inline]
pub fn order(hash: u64) -> u64 {
    ((hash >> 32) & ((1 << DIRECTORY_BITS) - 1)) << LOW_BITS | hash & ((1 << LOW_BITS) - 1)
}

impl<T: Hashed> Table<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> u32 {
        let bits = (hash >> 32) as u32 & ((1 << DIRECTORY_BITS) - 1);
        self.directory[(bits >> (DIRECTORY_BITS - self.depth)) as usize]
    }

    #[inline]
    pub fn find(&self, hash: u64, mut same: impl FnMut(&T) -> bool) -> Option<Place> {
        let segment = self.segment_of(hash);
        let bucket = self.segments[segment as usize].items.find_bucket_index(hash, |item| same(item))?;
        Some(Place { segment, bucket: bucket as u32 })
    }

    /// The first item whose tag is that of this hash: what `find` would look at first.
    #[inline]
    pub fn candidate(&self, hash: u64) -> Option<&T> {
        self.segments[self.segment_of(hash) as usize].items.iter_hash(hash).next()
    }

    #[inline]
    pub fn get(&self, place: Place) -> &T {
        self.segments[place.segment as usize].items.get_bucket(place.bucket as usize).expect("a place of this table")
    }

    #[inline]
    pub fn get_mut(&mut self, place: Place) -> &mut T {
        let items = &mut self.segments[place.segment as usize].items;
        items.get_bucket_mut(place.bucket as usize).expect("a place of this table")
    }

    /// Adds an item that is not there yet.
    pub fn insert(&mut self, item: T) -> Place {
        let hash = item.hash();
        let mut segment = self.segment_of(hash);
        while self.segments[segment as usize].items.len() >= self.segments[segment as usize].split_at {
            if !self.split(segment, hash) {
                self.segments[segment as usize].split_at *= 2;
            }
            segment = self.segment_of(hash);
        }
        self.len += 1;
        let occupied = self.segments[segment as usize].items.insert_unique(hash, item, |item| item.hash());
        Place { segment, bucket: occupied.bucket_index() as u32 }
    }

    pub fn remove(&mut self, place: Place) -> T {
        let items = &mut self.segments[place.segment as usize].items;
        let Ok(entry) = items.get_bucket_entry(place.bucket as usize) else { panic!("a place of this table") };
        self.len -= 1;
        entry.remove().0
    }

    /// False: it cannot be split.
    #[cold]
    fn split(&mut self, segment: u32, hash: u64) -> bool {
        let depth = self.segments[segment as usize].depth;
        if depth == DIRECTORY_BITS {
            return false;
        }
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|number| [*number; 2]).collect();
            self.depth += 1;
        }
        let new = self.segments.len() as u32;
        let mut upper = Segment::new(depth + 1, new as usize);
        let lower = &mut self.segments[segment as usize];
        lower.depth += 1;
        let bit = 1u64 << (32 + DIRECTORY_BITS - 1 - depth);
        for item in lower.items.extract_if(|item| item.hash() & bit != 0) {
            upper.items.insert_unique(item.hash(), item, |item| item.hash());
        }
        self.segments.push(upper);
        // The places of the segment are all that share its top bits; the upper half of them is the new one's.
        let top = (hash >> 32) as u32 & ((1 << DIRECTORY_BITS) - 1);
        let first = ((top >> (DIRECTORY_BITS - depth)) as usize) << (self.depth - depth);
        let count = 1usize << (self.depth - depth);
        self.directory[first + count / 2..first + count].fill(new);
        true
    }

    /// Visits items in order from `cursor` on, at least `count` of them if there are so many, and returns the cursor
    /// that goes on from there, or `None` at the end. Items of the same order come together.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&T)) -> Option<u64> {
        let (mut from, mut left) = (cursor, count.max(1));
        while from < ORDER_END {
            let segment =
                &self.segments[self.directory[(from >> LOW_BITS >> (DIRECTORY_BITS - self.depth)) as usize] as usize];
            let span = ORDER_END >> segment.depth;
            let end = (from / span + 1) * span;
            let mut here: Vec<(u64, &T)> =
                segment.items.iter().map(|item| (order(item.hash()), item)).filter(|(at, _)| *at >= from).collect();
            if here.len() > left {
                here.select_nth_unstable_by_key(left - 1, |(at, _)| *at);
                let last = here[left - 1].0;
                here.iter().filter(|(at, _)| *at <= last).for_each(|(_, item)| visit(item));
                return Some(last + 1);
            }
            here.iter().for_each(|(_, item)| visit(item));
            left -= here.len();
            from = end;
            if left == 0 {
                break;
            }
        }
        (from < ORDER_END).then_some(from)
    }

    /// Some item, all equally likely. `chance` gives random numbers. It always ends, however few items are left in a
    /// table that was large: after a bounded number of tries it counts.
    pub fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        let mut below = |n: usize| (chance() % n as u64) as usize;
        // To count is quick where segments are few. Else: a segment is met as often as it has hashes, so to be chosen as
        // often as it has items it is kept as often as it is full.
        let tries = if self.segments.len() <= COUNTED_SEGMENTS { 0 } else { RANDOM_TRIES };
        let kept = (0..tries).find_map(|_| {
            let segment = &self.segments[self.directory[below(self.directory.len())] as usize];
            let full = (SPLIT_AT + STAGGER) << (self.depth - segment.depth);
            (below(full) < segment.items.len()).then_some(segment)
        });
        let segment = kept.or_else(|| {
            let mut left = below(self.len);
            self.segments.iter().find(|segment| {
                let found = left < segment.items.len();
                left = left.saturating_sub(segment.items.len());
                found
            })
        })?;
        let items = &segment.items;
        let drawn = (0..RANDOM_TRIES).find_map(|_| items.get_bucket(below(items.num_buckets())));
        drawn.or_else(|| items.iter().nth(below(items.len())))
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flat_map(|segment| segment.items.iter())
    }

    /// Bytes on the heap, without what the items own.
    pub fn heap_bytes(&self) -> usize {
        let items: usize = self.segments.iter().map(|segment| segment.items.allocation_size()).sum();
        items + self.directory.capacity() * 4 + self.segments.capacity() * size_of::<Segment<T>>()
    }

    pub fn check(&self) {
        assert_eq!(self.directory.len(), 1 << self.depth);
        assert_eq!(self.len, self.segments.iter().map(|segment| segment.items.len()).sum::<usize>());
        for (number, segment) in self.segments.iter().enumerate() {
            let places = self.directory.iter().filter(|place| **place == number as u32).count();
            assert_eq!(places, 1 << (self.depth - segment.depth));
            assert!(segment.items.iter().all(|item| self.segment_of(item.hash()) == number as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Item(u64);
    impl Hashed for Item {
        fn hash(&self) -> u64 {
            mix(self.0)
        }
    }

    fn mix(n: u64) -> u64 {
        let n = (n ^ 0x5DEE_CE66).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let n = (n ^ n >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        n ^ n >> 32
    }

    #[test]
    fn does_what_a_map_does() {
        let (mut table, mut model) = (Table::default(), BTreeMap::new());
        for step in 0..60_000u64 {
            let key = mix(step) % 20_000;
            let place = table.find(mix(key), |item: &Item| item.0 == key);
            assert_eq!(place.is_some(), model.contains_key(&key));
            match place {
                Some(place) if step % 3 == 0 => {
                    assert_eq!(table.remove(place), Item(key));
                    model.remove(&key);
                }
                Some(_) => {}
                None => {
                    let place = table.insert(Item(key));
                    assert_eq!(*table.get(place), Item(key));
                    model.insert(key, ());
                }
            }
            if step % 10_000 == 0 {
                table.check();
            }
        }
        table.check();
        assert!(table.depth > 1, "it has split");
        assert_eq!(table.len(), model.len());
        assert!(table.iter().all(|item| model.contains_key(&item.0)));
    }

    /// Whatever is added, removed and split meanwhile: what stays is returned exactly once.
    #[test]
    fn scan_returns_what_stays_exactly_once() {
        let mut table = Table::default();
        (0..5_000).for_each(|key| _ = table.insert(Item(key)));
        let (mut seen, mut cursor, mut next) = (HashSet::new(), Some(0), 10_000);
        while let Some(from) = cursor {
            let mut here = 0;
            cursor = table.scan(from, 10, &mut |item| {
                assert!(seen.insert(item.0), "{} came twice", item.0);
                here += 1;
            });
            assert!(here <= 11 && (here >= 10 || cursor.is_none()), "asked for 10, got {here}");
            for _ in 0..30 {
                table.insert(Item(next));
                next += 1;
            }
        }
        table.check();
        assert!((0..5_000).all(|key| seen.contains(&key)));
    }

    fn numbers() -> impl FnMut() -> u64 {
        let mut state = 0;
        move || {
            state += 1;
            mix(state)
        }
    }

    #[test]
    fn random_is_fair() {
        // Few segments, and many that are unevenly full.
        for (keys, gone) in [(8_000, 0), (80_000, 75_000)] {
            let mut table = Table::default();
            (0..keys).for_each(|key| _ = table.insert(Item(key)));
            for key in 0..gone {
                let place = table.find(mix(key), |item| item.0 == key).unwrap();
                table.remove(place);
            }
            let (mut counts, mut chance) = (vec![0u32; keys as usize], numbers());
            let left = keys - gone;
            for _ in 0..left * 50 {
                counts[table.random(&mut chance).unwrap().0 as usize] += 1;
            }
            let chi: f64 =
                counts[gone as usize..].iter().map(|count| (*count as f64 - 50.0).powi(2) / 50.0).sum::<f64>();
            assert!(chi < left as f64 * 1.1, "chi-square {chi} over {} degrees", left - 1);
        }
    }

    /// The last one of many is found without drawing for it again and again.
    #[test]
    fn random_finds_the_last_item() {
        let mut table = Table::default();
        (0..100_000).for_each(|key| _ = table.insert(Item(key)));
        for key in 1..100_000 {
            let place = table.find(mix(key), |item| item.0 == key).unwrap();
            table.remove(place);
        }
        let (mut chance, mut drawn) = (numbers(), 0);
        let mut count = || {
            drawn += 1;
            chance()
        };
        assert_eq!(table.random(&mut count), Some(&Item(0)));
        assert!(drawn < 300, "{drawn} numbers");
    }
}
