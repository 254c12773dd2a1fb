//! The walk through a table in the order of its hashes. A cursor is a point in that order, which no split and no merge
//! moves: what stays in the table is met exactly once.
use super::{Hasher, Item, ORDER_BITS, TAG_BITS, Table, tag};

/// So far ahead of its visit an item is fetched into the cache, where many are asked for.
const AHEAD: usize = 8;

impl<T: Item, H: Hasher<T>> Table<T, H> {
    /// Visits items in order from `cursor` on, `count` of them if there are so many, and returns the cursor that goes on
    /// from there, or `None` at the end. Items of the same tag come together, so there may be a few more.
    /// No item is looked at but those, and those whose tag is the cursor's.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&T)) -> Option<u64> {
        const BELOW: u32 = 64 - ORDER_BITS;
        if cursor >= 1 << ORDER_BITS {
            return None;
        }
        let (mut from, mut left) = (cursor << BELOW, count.max(1));
        loop {
            let segment = self.segments.get(self.number_of(from));
            let (first, depth) = (tag(from, segment.depth), segment.depth);
            // Two segments have merged, and one was halfway through: the point lies amid a tag.
            let amid = from << depth << TAG_BITS != 0;
            let mut last = first;
            let slots = &segment.slots[segment.first(first)..];
            for (at, item) in slots.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?))) {
                if left == 0 && item.tag() != last {
                    let next = (segment.prefix as u64) << TAG_BITS | (last as u64 + 1);
                    return Some(next << (ORDER_BITS - TAG_BITS - depth));
                }
                if amid && item.tag() == first && self.hasher().hash(item) < from {
                    continue;
                }
                if left > AHEAD {
                    slots.get(at + AHEAD).into_iter().flatten().for_each(|item| self.hasher().prefetch(item));
                }
                last = item.tag();
                left = left.saturating_sub(1);
                visit(item);
            }
            let next = segment.prefix as u64 + 1;
            if next == 1 << depth {
                return None;
            }
            from = next << (64 - depth);
            if left == 0 {
                return Some(from >> BELOW);
            }
        }
    }
}
