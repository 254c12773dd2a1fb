//! The walk through a table in the order of its hashes.
use super::{DIRECTORY_BITS, Hasher, Item, LOW_BITS, ORDER_END, Table, order};

impl<T: Item, H: Hasher<T>> Table<T, H> {
    /// Visits items in order from `cursor` on, at least `count` of them if there are so many, and returns the cursor
    /// that goes on from there, or `None` at the end. Items of the same order come together.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&T)) -> Option<u64> {
        let (mut from, mut left) = (cursor, count.max(1));
        while from < ORDER_END {
            let segment =
                &self.segments[self.directory[(from >> LOW_BITS >> (DIRECTORY_BITS - self.depth)) as usize] as usize];
            let span = ORDER_END >> segment.depth;
            let end = (from / span + 1) * span;
            let mut here: Vec<(u64, &T)> = segment
                .items
                .iter()
                .map(|item| (order(self.hasher.hash(item)), item))
                .filter(|(at, _)| *at >= from)
                .collect();
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
}
