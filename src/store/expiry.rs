//! Which keys are due: a heap of (deadline, hash of the key). An item whose key has gone or has another deadline by now
//! is passed over when it comes up. It knows no values and removes no keys.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Debug, Default)]
pub struct Deadlines {
    /// Invariant: each key that expires has an item with its deadline.
    items: BinaryHeap<Reverse<(i64, u64)>>,
}

impl Deadlines {
    pub fn add(&mut self, deadline_ms: i64, hash: u64) {
        self.items.push(Reverse((deadline_ms, hash)));
    }

    pub fn first(&self) -> Option<i64> {
        self.items.peek().map(|Reverse((deadline_ms, _))| *deadline_ms)
    }

    /// The next item that is due.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<(i64, u64)> {
        if self.first()? > now_ms {
            return None;
        }
        self.items.pop().map(|Reverse(item)| item)
    }

    /// Some deadlines, about evenly chosen, stale ones among them.
    pub fn some(&self, most: usize) -> impl Iterator<Item = i64> {
        self.items.iter().step_by((self.items.len() / most).max(1)).map(|Reverse((deadline_ms, _))| *deadline_ms)
    }

    /// More than twice the keys that expire: most items are stale.
    pub fn is_stale(&self, keys: usize) -> bool {
        self.items.len() > 2 * keys + 1024
    }

    pub fn rebuild(&mut self, items: impl Iterator<Item = (i64, u64)>) {
        self.items = items.map(Reverse).collect();
    }

    pub fn clear(&mut self) {
        self.items = BinaryHeap::new();
    }
}
