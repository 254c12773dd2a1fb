//! The wheel's buckets: levels of 256 slots, each level 256 times as coarse as the one before. A bucket bears the number of
//! its span of time, so that nothing here depends on where the clock stood: it may jump. Knows neither duplicates nor keys.
use crate::store::structure::pile::Pile;
use std::array;

/// A bucket of the finest level spans so many milliseconds, as a power of two: that much later a key may be met.
pub const RESOLUTION_BITS: u32 = 3;
const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
/// Enough for all of 63 bits of milliseconds.
const LEVELS: usize = 8;
const NONE: u64 = u64::MAX;

/// Bits that no hash has: on level 1 an item bears here the slot of level 0 that it will go to. So most items are looked up
/// once: when they are due. (By these bits no table orders or finds.)
pub const SPARE: u64 = SLOTS as u64 - 1;

#[inline]
const fn shift(level: usize) -> u32 {
    RESOLUTION_BITS + SLOT_BITS * level as u32
}

/// When a bucket is to be looked at: on the finest level when its time is over, since all of it is due then; on the others
/// when its time begins, to be spread over finer ones.
#[inline]
fn moment(level: usize, number: u64) -> u64 {
    match (number, level) {
        (NONE, _) => NONE,
        (_, 0) => (number + 1) << shift(0),
        _ => number << shift(level),
    }
}

#[derive(Debug)]
struct Level {
    /// Which bucket stands in a slot. Invariant: the slot is the number's low bits; `NONE` where the pile is empty.
    numbers: [u64; SLOTS],
    piles: [Pile; SLOTS],
    /// Invariant: the least of the numbers.
    first: u64,
}

impl Level {
    fn new() -> Box<Level> {
        Box::new(Level { numbers: [NONE; SLOTS], piles: array::from_fn(|_| Pile::default()), first: NONE })
    }

    #[inline]
    fn first_slot(&self) -> usize {
        self.first as usize % SLOTS
    }

    #[inline]
    fn pop(&mut self) -> Option<u64> {
        let slot = self.first_slot();
        let item = self.piles[slot].pop()?;
        if self.piles[slot].is_empty() {
            self.vacate(slot);
        }
        Some(item)
    }

    fn vacate(&mut self, slot: usize) {
        self.numbers[slot] = NONE;
        self.first = self.numbers.iter().copied().min().unwrap_or(NONE);
    }
}

/// An item that came up.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// Due, or of a bucket that has begun: its key knows.
    Due(u64),
    /// Not before this moment.
    Later(u64, u64),
}

#[derive(Debug)]
pub(super) struct Levels {
    levels: [Option<Box<Level>>; LEVELS],
    /// Due already when they were filed.
    overdue: Pile,
    /// When something is to be done. Invariant: the first moment of all buckets; 0 if something is overdue.
    pub moment: u64,
}

impl Default for Levels {
    fn default() -> Self {
        Levels { levels: Default::default(), overdue: Pile::default(), moment: NONE }
    }
}

impl Levels {
    /// Files a hash on the finest level that reaches so far from `now`, or on a coarser one, where buckets of the past are
    /// in the way. False: a bucket of the future is, so the clock has gone back.
    #[inline]
    pub fn add(&mut self, at_ms: u64, now_ms: u64, hash: u64) -> bool {
        debug_assert_eq!(hash & SPARE, 0);
        let Some(distance) = (at_ms >> RESOLUTION_BITS).checked_sub(now_ms >> RESOLUTION_BITS) else {
            self.overdue.push(hash);
            self.moment = 0;
            return true;
        };
        let mut level = ((distance | 1).ilog2() / SLOT_BITS) as usize;
        // What lies across the edges of buckets may touch one more than there are slots.
        if (at_ms >> shift(level)) - (now_ms >> shift(level)) == SLOTS as u64 {
            level += 1;
        }
        // The last level has more slots than there are spans: nothing is in the way there.
        while let Err(other) = self.put(level, at_ms, hash) {
            if other > at_ms >> shift(level) {
                return false;
            }
            level += 1;
        }
        true
    }

    /// An error: the bucket that is in the way.
    #[inline]
    fn put(&mut self, number: usize, at_ms: u64, hash: u64) -> Result<(), u64> {
        let level = self.levels[number].get_or_insert_with(Level::new);
        let bucket = at_ms >> shift(number);
        let slot = bucket as usize % SLOTS;
        match level.numbers[slot] {
            old if old == bucket => {}
            NONE => {
                level.numbers[slot] = bucket;
                level.first = level.first.min(bucket);
                self.moment = self.moment.min(moment(number, bucket));
            }
            other => return Err(other),
        }
        let fine = if number == 1 { at_ms >> RESOLUTION_BITS & SPARE } else { 0 };
        level.piles[slot].push(hash | fine);
        Ok(())
    }

    /// An item of a bucket whose moment has come, the finest level first.
    #[inline]
    pub fn take(&mut self, now_ms: u64) -> Option<Taken> {
        if now_ms < self.moment {
            return None;
        }
        if let Some(hash) = self.take_overdue() {
            return Some(Taken::Due(hash));
        }
        let has_come =
            |&number: &usize| self.levels[number].as_ref().is_some_and(|level| moment(number, level.first) <= now_ms);
        let number = (0..LEVELS).find(has_come)?;
        let (item, bucket) = self.pop(number)?;
        let hash = item & !SPARE;
        if number == 1 {
            let slot = bucket << SLOT_BITS | item & SPARE;
            if moment(0, slot) > now_ms {
                return Some(Taken::Later(hash, slot << RESOLUTION_BITS));
            }
        }
        Some(Taken::Due(hash))
    }

    /// Puts back what was taken for later, one level finer. False: there is no room, so the clock has gone back.
    #[inline]
    pub fn put_finer(&mut self, hash: u64, at_ms: u64) -> bool {
        self.put(0, at_ms, hash).is_ok()
    }

    /// Some item, whatever its time; of the first buckets first.
    pub fn take_any(&mut self) -> Option<u64> {
        if !self.overdue.is_empty() {
            return self.take_overdue();
        }
        let number =
            (0..LEVELS).find(|&number| self.levels[number].as_ref().is_some_and(|level| level.first != NONE))?;
        self.pop(number).map(|(item, _)| item & !SPARE)
    }

    #[inline]
    fn take_overdue(&mut self) -> Option<u64> {
        let hash = self.overdue.pop()?;
        if self.overdue.is_empty() {
            self.moment = self.first_moment();
        }
        Some(hash)
    }

    #[inline]
    fn pop(&mut self, number: usize) -> Option<(u64, u64)> {
        let level = self.levels[number].as_mut()?;
        let first = level.first;
        let item = level.pop()?;
        if level.first != first {
            self.moment = self.first_moment();
        }
        Some((item, first))
    }

    /// Frees a chunk of items. How many there were in it.
    pub fn drop_chunk(&mut self) -> usize {
        if !self.overdue.is_empty() {
            let count = self.overdue.drop_chunk();
            self.moment = self.first_moment();
            return count;
        }
        let Some(level) = self.levels.iter_mut().flatten().find(|level| level.first != NONE) else { return 0 };
        let slot = level.first_slot();
        let count = level.piles[slot].drop_chunk();
        if level.piles[slot].is_empty() {
            level.vacate(slot);
            self.moment = self.first_moment();
        }
        count
    }

    fn first_moment(&self) -> u64 {
        if !self.overdue.is_empty() {
            return 0;
        }
        let levels = self.levels.iter().enumerate();
        levels.filter_map(|(number, level)| Some(moment(number, level.as_ref()?.first))).min().unwrap_or(NONE)
    }

    pub fn is_empty(&self) -> bool {
        self.moment == NONE
    }

    /// Bytes without those of the items.
    pub fn heap_bytes(&self) -> usize {
        self.levels.iter().flatten().count() * size_of::<Level>()
    }

    /// Every item, with the moment from which on it would be found.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let levels = self.levels.iter().enumerate().filter_map(|(number, level)| Some((number, level.as_ref()?)));
        let overdue = self.overdue.iter().map(|hash| (hash, 0));
        overdue.chain(levels.flat_map(|(number, level)| {
            let buckets = level.numbers.iter().zip(&level.piles).filter(|(bucket, _)| **bucket != NONE);
            buckets.flat_map(move |(bucket, pile)| {
                pile.iter().map(move |item| {
                    let fine = if number == 1 { (item & SPARE) << RESOLUTION_BITS } else { 0 };
                    (item & !SPARE, (bucket << shift(number)) + fine)
                })
            })
        }))
    }

    #[cfg(test)]
    pub fn chunks(&self) -> usize {
        self.levels.iter().flatten().flat_map(|level| &level.piles).map(Pile::chunks).sum()
    }

    pub fn check(&self) {
        for level in self.levels.iter().flatten() {
            assert_eq!(level.first, level.numbers.iter().copied().min().unwrap_or(NONE));
            for (slot, (bucket, pile)) in level.numbers.iter().zip(&level.piles).enumerate() {
                assert_eq!(*bucket == NONE, pile.is_empty());
                assert!(*bucket == NONE || *bucket as usize % SLOTS == slot);
            }
        }
        assert_eq!(self.moment, self.first_moment());
    }
}
