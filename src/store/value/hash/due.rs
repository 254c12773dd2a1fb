//! When the fields of a hash expire: the moments in their order, each with the hash of its field. How many have come is
//! known without a walk through them all: what was counted before is not counted again while the clock goes on.
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;

#[derive(Clone, Default)]
pub struct Due {
    moments: BTreeSet<(i64, u64)>,
    /// Invariant: up to this moment, it included, there are so many.
    counted: Cell<(i64, usize)>,
}

impl Due {
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// A B-tree's nodes are two thirds full, about. (It does not tell.)
    pub fn heap_bytes(&self) -> usize {
        self.len() * size_of::<(i64, u64)>() * 3 / 2
    }

    #[inline]
    pub fn first(&self) -> Option<(i64, u64)> {
        self.moments.first().copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, u64)> {
        self.moments.iter().copied()
    }

    /// How many have come.
    pub fn count(&self, now_ms: i64) -> usize {
        let (until_ms, before) = self.counted.get();
        let between = |from_ms: i64, to_ms: i64| self.moments.range((from_ms + 1, 0)..=(to_ms, u64::MAX)).count();
        let count = match now_ms.cmp(&until_ms) {
            Ordering::Less => before - between(now_ms, until_ms),
            Ordering::Equal => before,
            Ordering::Greater => before + between(until_ms, now_ms),
        };
        self.counted.set((now_ms, count));
        count
    }

    /// False: it was there.
    pub fn insert(&mut self, at_ms: i64, hash: u64) -> bool {
        let is_new = self.moments.insert((at_ms, hash));
        let (until_ms, count) = self.counted.get_mut();
        *count += (is_new && at_ms <= *until_ms) as usize;
        is_new
    }

    /// False: it was not there.
    pub fn remove(&mut self, at_ms: i64, hash: u64) -> bool {
        let was_there = self.moments.remove(&(at_ms, hash));
        let (until_ms, count) = self.counted.get_mut();
        *count -= (was_there && at_ms <= *until_ms) as usize;
        was_there
    }

    pub fn pop_first(&mut self) -> Option<(i64, u64)> {
        let (at_ms, hash) = self.first()?;
        self.remove(at_ms, hash);
        Some((at_ms, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;

    /// However it changes, and wherever the clock goes.
    #[test]
    fn counts_what_has_come() {
        let (mut due, mut chance) = (Due::default(), Chance::from_seed(3));
        for _ in 0..if cfg!(miri) { 200 } else { 5_000 } {
            let (at_ms, hash) = (chance.below(300) as i64, chance.below(4));
            match chance.below(5) {
                0 => _ = due.remove(at_ms, hash),
                1 if chance.below(3) == 0 => _ = due.pop_first(),
                _ => _ = due.insert(at_ms, hash),
            }
            let now_ms = if chance.below(20) == 0 { -1 } else { chance.below(320) as i64 };
            assert_eq!(due.count(now_ms), due.iter().filter(|(at_ms, _)| *at_ms <= now_ms).count());
        }
    }

    #[test]
    fn what_was_counted_is_not_walked_through_again() {
        let mut due = Due::default();
        (0..1_000).for_each(|n| assert!(due.insert(n, 0)));
        assert_eq!(due.count(500), 501);
        assert!(due.remove(7, 0));
        assert_eq!(due.counted.get(), (500, 500));
    }
}
