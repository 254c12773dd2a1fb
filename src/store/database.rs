//! One database: its entries and their deadlines. Reads stand here; a write goes through the door (door.rs).
use super::entry::Entry;
use super::expiry::Deadlines;
use super::structure::table::{self, Item, Place, Table};
use ahash::RandomState;
use std::hash::{BuildHasher, Hasher};

impl Item for Entry {
    #[inline]
    fn tag(&self) -> u16 {
        self.tag
    }
    #[inline]
    fn set_tag(&mut self, tag: u16) {
        self.tag = tag;
    }
}

/// The hash that the entry holds.
#[derive(Debug, Default)]
pub(super) struct Held;

impl table::Hasher<Entry> for Held {
    #[inline]
    fn hash(&self, entry: &Entry) -> u64 {
        entry.hash
    }
}

#[derive(Debug, Default)]
pub struct Database {
    pub(super) table: Table<Entry, Held>,
    pub(super) deadlines: Deadlines,
    /// How many keys expire. Invariant: counts the entries whose `expires_ms` is not `NEVER`.
    pub(super) volatile: usize,
}

#[inline]
pub(super) fn hash(hasher: &RandomState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// So many deadlines tell the average.
const TTL_SAMPLE: usize = 256;

impl Database {
    /// Keys, those included that have expired but that nobody has met since.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Keys that expire.
    pub fn volatile(&self) -> usize {
        self.volatile
    }

    /// How long keys that expire have left on average: of some of them.
    pub fn average_ttl_ms(&self, now_ms: i64) -> i64 {
        if self.volatile == 0 {
            return 0;
        }
        let (mut sum, mut count) = (0, 0);
        for deadline_ms in self.deadlines.some(TTL_SAMPLE) {
            sum += (deadline_ms - now_ms).max(0) as i128;
            count += 1;
        }
        (sum / count.max(1)) as i64
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<Place> {
        self.table.find(hash, |entry| *entry.key == *key)
    }

    /// Entries in hash order from `cursor` on: about `count`, and the cursor of the next call.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&Entry)) -> Option<u64> {
        self.table.scan(cursor, count, visit)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.table.iter()
    }

    /// Bytes of the table itself.
    pub fn table_bytes(&self) -> usize {
        self.table.heap_bytes()
    }

    /// Rids the deadlines of items that are no longer true: of `most` at once, whatever the size of the table.
    #[inline]
    pub(super) fn sift(&mut self, most: usize) {
        let Database { table, deadlines, volatile } = self;
        deadlines.sift(*volatile, most, |(deadline_ms, hash)| {
            table.find(*hash, |entry| entry.hash == *hash && entry.expires_ms == *deadline_ms).is_some()
        });
    }

    pub fn check(&self) {
        self.table.check();
        assert_eq!(self.volatile, self.table.iter().filter(|entry| entry.expires_ms().is_some()).count());
    }
}
