//! A hash table that never grows all at once: many small tables (segments), found through a directory by bits of the
//! hash, each split alone when it fills. hashbrown places by the low bits of the hash and tags by its top seven, so
//! segments are chosen by the bits from 32 up (chosen by low bits a find took 421 ns instead of 36).
//! It orders its items by those bits too, which is the order of `scan`: a split never changes it.
//! An item lends the table 16 bits, the tag: they tell most other items apart without a look at what the item points to.
//! It does not know how to hash and to compare: both are the caller's.
//!
//! ```text
//!   hash    63..57  56 ........ 32  31 .. 28  27 ......... 0
//!           (tag)   directory                 (bucket)
//!   order           52 ........ 28            27 ......... 0     below 2^53
//!   item's tag            the 16 bits of the order that follow the `depth` bits which all of its segment share
//! ```
mod random;
mod scan;
#[cfg(test)]
mod tests;

use hashbrown::HashTable;

/// Bits of the hash that choose the segment. No directory is deeper.
const DIRECTORY_BITS: u32 = 25;
const LOW_BITS: u32 = 28;
/// All orders are below this. (Cursors stay exact in clients that make doubles of numbers.)
pub const ORDER_END: u64 = 1 << (DIRECTORY_BITS + LOW_BITS);

/// A segment splits when it has so many items, a few hundred more or less so that not all split in the same moment.
const SPLIT_AT: usize = 3200;
const STAGGER: usize = 384;

/// So far ahead of its hash an item is fetched into the cache, where a segment is split.
const AHEAD: usize = 16;

/// An item has room for a tag. What it is, the table says.
pub trait Item {
    fn tag(&self) -> u16;
    fn set_tag(&mut self, tag: u16);
}

/// Hashes items when a segment is split: the same as what `find` and `insert` are told of them.
pub trait Hasher<T> {
    fn hash(&self, item: &T) -> u64;
    /// It will be hashed soon.
    fn prefetch(&self, _: &T) {}
}

/// Where an item stands; true until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    segment: u32,
    bucket: u32,
}

#[derive(Debug)]
pub struct Table<T, H> {
    hasher: H,
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

impl<T: Item, H: Hasher<T> + Default> Default for Table<T, H> {
    fn default() -> Self {
        Table::new(H::default())
    }
}

impl<T> Segment<T> {
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

/// What an item with this hash bears in a segment of this depth.
#[inline]
fn tag(hash: u64, depth: u32) -> u16 {
    (order(hash) >> (DIRECTORY_BITS + LOW_BITS - 16 - depth)) as u16
}

impl<T: Item, H: Hasher<T>> Table<T, H> {
    pub fn new(hasher: H) -> Self {
        Table { hasher, directory: vec![0], depth: 0, segments: vec![Segment::new(0, 0)], len: 0 }
    }

    pub fn hasher(&self) -> &H {
        &self.hasher
    }

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
        let Segment { items, depth, .. } = &self.segments[segment as usize];
        let tag = tag(hash, *depth);
        let bucket = items.find_bucket_index(hash, |item| item.tag() == tag && same(item))?;
        Some(Place { segment, bucket: bucket as u32 })
    }

    /// The first item whose tag is that of this hash: what `find` would compare first.
    #[inline]
    pub fn candidate(&self, hash: u64) -> Option<&T> {
        let Segment { items, depth, .. } = &self.segments[self.segment_of(hash) as usize];
        let tag = tag(hash, *depth);
        items.iter_hash(hash).find(|item| item.tag() == tag)
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
    pub fn insert(&mut self, hash: u64, mut item: T) -> Place {
        let mut segment = self.segment_of(hash);
        while self.segments[segment as usize].items.len() >= self.segments[segment as usize].split_at {
            if !self.split(segment, hash) {
                self.segments[segment as usize].split_at *= 2;
            }
            segment = self.segment_of(hash);
        }
        self.len += 1;
        let Segment { items, depth, .. } = &mut self.segments[segment as usize];
        item.set_tag(tag(hash, *depth));
        let occupied = items.insert_unique(hash, item, |item| self.hasher.hash(item));
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
        let whole = std::mem::take(&mut lower.items);
        whole.iter().take(AHEAD).for_each(|item| self.hasher.prefetch(item));
        let hashes: Vec<u64> = whole
            .iter()
            .zip(whole.iter().skip(AHEAD).map(Some).chain(std::iter::repeat(None)))
            .map(|(item, later)| {
                later.into_iter().for_each(|item| self.hasher.prefetch(item));
                self.hasher.hash(item)
            })
            .collect();
        let room = whole.len() / 2;
        for half in [&mut *lower, &mut upper] {
            half.items.reserve(room, |_| unreachable!("it is empty"));
        }
        for (mut item, hash) in whole.into_iter().zip(hashes) {
            let half = if hash & bit == 0 { &mut *lower } else { &mut upper };
            item.set_tag(tag(hash, depth + 1));
            half.items.insert_unique(hash, item, |item| self.hasher.hash(item));
        }
        self.segments.push(upper);
        // The places of the segment are all that share its top bits; the upper half of them is the new one's.
        let top = (hash >> 32) as u32 & ((1 << DIRECTORY_BITS) - 1);
        let first = ((top >> (DIRECTORY_BITS - depth)) as usize) << (self.depth - depth);
        let count = 1usize << (self.depth - depth);
        self.directory[first + count / 2..first + count].fill(new);
        true
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flat_map(|segment| segment.items.iter())
    }

    /// Takes up to `most` items out, a bounded piece of work, and gives back memory as it goes. False: it is empty.
    /// For a table that nobody uses any more: after the first call nothing else works.
    pub fn pop_some(&mut self, most: usize, sink: &mut dyn FnMut(T)) -> bool {
        self.directory = Vec::new();
        let mut left = most;
        while left > 0
            && let Some(segment) = self.segments.last_mut()
        {
            let before = segment.items.len();
            segment.items.extract_if(|_| true).take(left).for_each(&mut *sink);
            let taken = before - segment.items.len();
            self.len -= taken;
            // An empty segment is work too.
            left -= taken.max(1).min(left);
            if segment.items.is_empty() {
                self.segments.pop();
            }
        }
        !self.is_empty()
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
            for item in &segment.items {
                let hash = self.hasher.hash(item);
                assert_eq!((self.segment_of(hash), item.tag()), (number as u32, tag(hash, segment.depth)));
            }
        }
    }
}
