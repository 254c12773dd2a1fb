//! Which keys are due: a heap of (deadline, hash of the key). An item whose key has gone or has another deadline by now
//! is passed over when it comes up; when most are such, the heap is sifted, a few items at a time. It knows no values
//! and removes no keys.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

type Item = (i64, u64);
type Heap = BinaryHeap<Reverse<Item>>;

/// Fewer stale items are not worth the work.
const STALE_MIN: usize = 1024;

#[derive(Debug, Default)]
pub struct Deadlines {
    /// Invariant: each key that expires has an item with its deadline, here or in `unsifted`.
    items: Heap,
    /// What is left of a heap of mostly stale items. The others have gone back to `items`.
    unsifted: Heap,
}

impl Deadlines {
    pub fn add(&mut self, deadline_ms: i64, hash: u64) {
        self.items.push(Reverse((deadline_ms, hash)));
    }

    pub fn len(&self) -> usize {
        self.items.len() + self.unsifted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn first(&self) -> Option<i64> {
        [&self.items, &self.unsifted].into_iter().filter_map(|heap| Some(heap.peek()?.0.0)).min()
    }

    /// The next item that is due.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Item> {
        let first = self.first().filter(|first| *first <= now_ms)?;
        let here = self.items.peek().is_some_and(|item| item.0.0 == first);
        let heap = if here { &mut self.items } else { &mut self.unsifted };
        heap.pop().map(|Reverse(item)| item)
    }

    /// Some deadlines, about evenly chosen, stale ones among them.
    pub fn some(&self, most: usize) -> impl Iterator<Item = i64> {
        let all = self.items.iter().chain(&self.unsifted);
        all.step_by((self.len() / most).max(1)).map(|Reverse((deadline_ms, _))| *deadline_ms)
    }

    /// Keeps the items in proportion to the `keys` that expire. Looks at `most` items at most, and only if there are more
    /// than twice as many as keys: called with each item that is added, it costs little each time.
    #[inline]
    pub fn sift(&mut self, keys: usize, most: usize, is_true: impl FnMut(&Item) -> bool) {
        if !self.unsifted.is_empty() || self.items.len() > 2 * keys + STALE_MIN {
            self.sift_some(keys, most, is_true);
        }
    }

    #[cold]
    fn sift_some(&mut self, keys: usize, most: usize, mut is_true: impl FnMut(&Item) -> bool) {
        if keys == 0 {
            *self = Deadlines::default();
            return;
        }
        if self.unsifted.is_empty() {
            self.unsifted = std::mem::take(&mut self.items);
        }
        for _ in 0..most {
            let Some(item) = self.unsifted.pop() else { break };
            // Equal items come one after the other: the last of them stays.
            if self.unsifted.peek() != Some(&item) && is_true(&item.0) {
                self.items.push(item);
            }
        }
        if self.unsifted.is_empty() {
            self.unsifted = Heap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4;

    #[test]
    fn one_key_that_is_moved_again_and_again_keeps_few_items_and_looks_at_few() {
        let mut deadlines = Deadlines::default();
        for now in 0..100_000 {
            // Every other time to the same deadline as before.
            let deadline = now / 2;
            deadlines.add(deadline, 7);
            let mut looked = 0;
            deadlines.sift(1, MOST, |item| {
                looked += 1;
                *item == (deadline, 7)
            });
            assert!(looked <= MOST);
            assert!(deadlines.len() < 2 * STALE_MIN, "{} items", deadlines.len());
            assert!(deadlines.first().is_some_and(|first| first <= deadline), "no deadline is overslept");
        }
    }

    #[test]
    fn many_keys_are_sifted_a_few_at_a_time_and_none_is_lost() {
        const KEYS: u64 = 100_000;
        let mut deadlines = Deadlines::default();
        (0..KEYS).for_each(|key| deadlines.add(key as i64, key));
        // The first key goes ever farther away; the others stay.
        let mut first = 0;
        let mut began = false;
        for n in 0..3 * KEYS as i64 {
            first = KEYS as i64 + n;
            deadlines.add(first, 0);
            let mut looked = 0;
            let is_true = |item: &Item| {
                looked += 1;
                item.1 != 0 || item.0 == first
            };
            deadlines.sift(KEYS as usize, MOST, is_true);
            assert!(looked <= MOST);
            began |= !deadlines.unsifted.is_empty();
            assert!(deadlines.len() <= 3 * KEYS as usize, "{} items", deadlines.len());
        }
        assert!(began);
        let mut due: Vec<Item> = std::iter::from_fn(|| deadlines.pop_due(i64::MAX)).collect();
        assert!(due.is_sorted(), "in the order of their moments");
        due.retain(|item| item.1 != 0 || item.0 == first);
        due.dedup();
        let keys: Vec<u64> = due.iter().map(|item| item.1).collect();
        assert_eq!(keys, (1..KEYS).chain([0]).collect::<Vec<u64>>());
        assert!(deadlines.is_empty());
    }

    #[test]
    fn without_keys_all_items_go_at_once() {
        let mut deadlines = Deadlines::default();
        (0..5000).for_each(|key| deadlines.add(1, key));
        deadlines.sift(0, MOST, |_| panic!("there is nothing to look up"));
        assert!(deadlines.is_empty() && deadlines.first().is_none());
    }
}
