//! Which keys are due: a hierarchical timing wheel of hashes, 8 bytes per item. An item is a hint: who takes it out looks
//! the key up, which knows when it expires. So a key whose deadline moves later, or that is removed, leaves its item, and
//! the item is filed again, or dropped, when it comes up. When many are stale they are sifted, a few at a time.
//! It knows no keys and reads no clock.
//!
//! ```text
//!   level 0   256 buckets of     8 ms    all of a bucket is due when its time is over
//!   level 1   256 buckets of     2 s     items know their slot of level 0, and go there when the bucket's time begins
//!   level 2   256 buckets of   524 s     items are looked up when the bucket's time begins, and filed on a finer level
//!   level 3   256 buckets of  37 hours   and so on, up to any moment in 63 bits
//! ```
//!
//! Invariant: every key with a deadline has an item in a bucket that begins no later, or among those that were overdue when
//! they were filed.
mod levels;
#[cfg(test)]
mod tests;

use levels::{Levels, Taken};
pub use levels::{RESOLUTION_BITS, SPARE};
use std::collections::VecDeque;

/// So many items come up at once.
pub const BATCH: usize = 32;
/// So many go to a finer level meanwhile: some microseconds.
const MOVES: usize = 512;
/// Fewer stale items are not worth the work. (In tests they are sifted all the time.)
const STALE_MIN: usize = if cfg!(test) { 16 } else { 1024 };

/// An item that came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub hash: u64,
    /// A key that bears this mark has another item since: this one is dropped.
    pub unless: Option<bool>,
}

#[derive(Debug, Default)]
pub struct Wheel {
    levels: Levels,
    /// What was filed before the last rounds began, and has not been looked at since.
    old: VecDeque<Old>,
    /// Invariant: counts the items of both.
    len: usize,
    /// What a key is marked with when an item of it is filed. It changes when a round of sifting begins: so a key tells
    /// whether it has an item since, and its older ones are dropped.
    mark: bool,
}

#[derive(Debug)]
struct Old {
    levels: Levels,
    /// What keys are marked with that were filed since. Unknown if another round was under way when this one began.
    /// Invariant: unknown of all but the first.
    mark: Option<bool>,
}

impl Wheel {
    /// Files a key, which bears this mark from now on.
    #[inline]
    #[must_use]
    pub fn add(&mut self, deadline_ms: i64, hash: u64, now_ms: i64) -> bool {
        let (at_ms, now_ms) = (deadline_ms.max(0) as u64, now_ms.max(0) as u64);
        self.len += 1;
        if !self.levels.add(at_ms, now_ms, hash) {
            self.begin_round();
            let filed = self.levels.add(at_ms, now_ms, hash);
            assert!(filed, "nothing is in the way");
        }
        self.mark
    }

    /// How many items there are, stale ones among them.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        let old: usize = self.old.iter().map(|old| old.levels.heap_bytes()).sum();
        self.levels.heap_bytes() + old + self.len * size_of::<u64>()
    }

    /// Before this moment nothing is to be done.
    #[inline]
    pub fn next_ms(&self) -> Option<i64> {
        let first = self.old.iter().map(|old| old.levels.moment).fold(self.levels.moment, u64::min);
        (!self.is_empty()).then(|| first.min(i64::MAX as u64) as i64)
    }

    /// Takes out some items of keys that may be due: `BATCH` at most. The caller looks each key up, and files it again if
    /// its time has not come. True: there may be more, though there be none now.
    pub fn take_due(&mut self, now_ms: i64, into: &mut Vec<Item>) -> bool {
        into.clear();
        let now_ms = now_ms.max(0) as u64;
        for Old { levels, mark } in &mut self.old {
            while into.len() < BATCH
                && let Some(Taken::Due(hash) | Taken::Later(hash, _)) = levels.take(now_ms)
            {
                into.push(Item { hash, unless: *mark });
            }
        }
        let mut moves = 0;
        while into.len() < BATCH && moves < MOVES {
            match self.levels.take(now_ms) {
                Some(Taken::Later(hash, at_ms)) if self.levels.put_finer(hash, at_ms) => moves += 1,
                Some(Taken::Due(hash) | Taken::Later(hash, _)) => into.push(Item { hash, unless: None }),
                None => break,
            }
        }
        self.taken(into.len());
        into.len() == BATCH || moves == MOVES
    }

    fn taken(&mut self, count: usize) {
        self.len -= count;
        self.old.retain(|old| !old.levels.is_empty());
        if self.is_empty() {
            self.levels = Levels::default();
        }
    }

    // --- What is stale goes

    /// Whether `sift` has something to do, with so many keys that expire. If that is called a few times with each item that
    /// is added and each key that is removed, there are never more items than twice as many as keys, and a few.
    #[inline]
    pub fn is_stale(&self, keys: usize) -> bool {
        !self.old.is_empty() || self.len > keys + keys / 2 + keys / 4 + STALE_MIN
    }

    /// Takes out some items of a round, and begins one if there is none. The caller looks each key up and files it again.
    #[cold]
    pub fn sift(&mut self, most: usize, into: &mut Vec<Item>) {
        into.clear();
        if self.old.is_empty() {
            self.begin_round();
        }
        while into.len() < most {
            let Some(Old { levels, mark }) = self.old.front_mut() else { break };
            match levels.take_any() {
                Some(hash) => into.push(Item { hash, unless: *mark }),
                None => _ = self.old.pop_front(),
            }
        }
        self.taken(into.len());
    }

    fn begin_round(&mut self) {
        let alone = self.old.is_empty();
        self.mark ^= alone;
        self.old.push_back(Old { levels: std::mem::take(&mut self.levels), mark: alone.then_some(self.mark) });
    }

    /// Frees some items, whose keys have all gone: `most` chunks of them. True: there are more.
    pub fn shed(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let count = self.old.front_mut().map_or(&mut self.levels, |old| &mut old.levels).drop_chunk();
            self.taken(count);
            if self.is_empty() {
                return false;
            }
        }
        true
    }

    // --- For tests

    /// Every item: its hash, and the moment from which on it would be found.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let levels = std::iter::once(&self.levels).chain(self.old.iter().map(|old| &old.levels));
        levels.flat_map(Levels::iter)
    }

    /// `keys`: the hashes and deadlines of all that expire.
    pub fn check(&self, keys: impl Iterator<Item = (u64, i64)>) {
        self.levels.check();
        self.old.iter().for_each(|old| old.levels.check());
        assert!(self.old.iter().skip(1).all(|old| old.mark.is_none()));
        let mut first = std::collections::HashMap::new();
        let mut count = 0;
        for (hash, at_ms) in self.iter() {
            let first = first.entry(hash).or_insert(at_ms);
            *first = at_ms.min(*first);
            count += 1;
        }
        assert_eq!(self.len, count);
        for (hash, deadline_ms) in keys {
            let found = first.get(&hash).expect("an item of each key that expires");
            assert!(*found <= deadline_ms.max(0) as u64, "a key is due at {deadline_ms} and found at {found}");
        }
    }
}
