//! An item by chance.
use super::{Hasher, Item, SPLIT_AT, STAGGER, Table};

/// `random` draws so often before it counts; in a table of so few segments it counts at once.
const RANDOM_TRIES: usize = 64;
const COUNTED_SEGMENTS: usize = 16;

impl<T: Item, H: Hasher<T>> Table<T, H> {
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
}
