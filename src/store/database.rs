//! One database: its entries, the memory they stand in, their deadlines. Reads stand here; a write goes through the door
//! (door.rs), which uses what stands here below. Unsafe, since an entry must be changed and freed with the arena that it was
//! made with; here is the only pair of the two.
#![allow(unsafe_code)]
use super::entry::{Entry, NEVER};
use super::expiry::Deadlines;
use super::structure::arena::Arena;
use super::structure::table::{self, Place, Table};
use super::text::{Content, Long};
use ahash::RandomState;
use std::hash::{BuildHasher, Hasher};

#[derive(Debug)]
pub struct Database {
    /// Invariant: its entries were made with `arena`.
    table: Table<Entry, KeyHasher>,
    arena: Arena,
    pub(super) deadlines: Deadlines,
    /// Invariant: counts the entries that expire.
    volatile: usize,
    /// Invariant: the sum of `Entry::bytes`.
    bytes: usize,
    /// Invariant: counts the entries that point to a long string.
    longs: usize,
}

/// How keys are hashed: all databases alike.
#[derive(Clone, Debug)]
pub struct KeyHasher(RandomState);

impl KeyHasher {
    /// `seed`: keys come from strangers, who must not know it.
    pub fn new(seed: [u64; 4]) -> KeyHasher {
        KeyHasher(RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]))
    }

    #[inline]
    pub fn key(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}

impl table::Hasher<Entry> for KeyHasher {
    #[inline]
    fn hash(&self, entry: &Entry) -> u64 {
        self.key(entry.key())
    }

    #[inline]
    fn prefetch(&self, entry: &Entry) {
        entry.prefetch();
    }
}

/// So many deadlines tell the average.
const TTL_SAMPLE: usize = 256;

impl Database {
    pub(super) fn new(hasher: KeyHasher) -> Database {
        Database {
            table: Table::new(hasher),
            arena: Arena::default(),
            deadlines: Deadlines::default(),
            volatile: 0,
            bytes: 0,
            longs: 0,
        }
    }

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

    /// Bytes of all entries, as `Entry::bytes` counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
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
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.table.hasher().key(key)
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<Place> {
        self.table.find(hash, |entry| entry.key() == key)
    }

    #[inline]
    pub(super) fn candidate(&self, hash: u64) -> Option<&Entry> {
        self.table.candidate(hash)
    }

    #[inline]
    pub(super) fn get(&self, place: Place) -> &Entry {
        self.table.get(place)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: Place) -> &mut Entry {
        self.table.get_mut(place)
    }

    pub(super) fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<&Entry> {
        self.table.random(chance)
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

    /// Bytes that are held for entries beyond those that they take.
    pub fn spare_bytes(&self) -> usize {
        self.arena.held_bytes() - self.arena.used_bytes()
    }
}

// --- What the door does to it

impl Database {
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], content: Content, deadline_ms: i64, now_ms: i64) -> Place {
        self.longs += matches!(content, Content::Long(_)) as usize;
        self.volatile += (deadline_ms != NEVER) as usize;
        let entry = Entry::new(&mut self.arena, key, content, deadline_ms, now_ms);
        self.bytes += entry.bytes();
        self.table.insert(hash, entry)
    }

    /// Gives back a long string that was there.
    #[inline]
    pub(super) fn put(&mut self, place: Place, content: Content, deadline_ms: i64) -> Option<Box<Long>> {
        let entry = self.table.get_mut(place);
        self.longs += matches!(content, Content::Long(_)) as usize;
        self.volatile += (deadline_ms != NEVER) as usize;
        self.volatile -= (entry.deadline_ms() != NEVER) as usize;
        self.bytes -= entry.bytes();
        // SAFETY: the entries of the table were made with the arena.
        let freed = unsafe { entry.put(&mut self.arena, content, deadline_ms) };
        self.bytes += entry.bytes();
        self.longs -= freed.is_some() as usize;
        freed
    }

    pub(super) fn set_deadline(&mut self, place: Place, deadline_ms: i64) {
        let entry = self.table.get_mut(place);
        self.volatile += (deadline_ms != NEVER) as usize;
        self.volatile -= (entry.deadline_ms() != NEVER) as usize;
        self.bytes -= entry.bytes();
        // SAFETY: the entries of the table were made with the arena.
        unsafe { entry.set_deadline(&mut self.arena, deadline_ms) };
        self.bytes += entry.bytes();
    }

    /// Writes over a piece of a string.
    pub(super) fn write_at(&mut self, place: Place, offset: usize, bytes: &[u8]) {
        let entry = self.table.get_mut(place);
        self.longs -= entry.is_long() as usize;
        self.bytes -= entry.bytes();
        // SAFETY: the entries of the table were made with the arena.
        unsafe { entry.write_at(&mut self.arena, offset, bytes) };
        self.bytes += entry.bytes();
        self.longs += entry.is_long() as usize;
    }

    /// Takes an entry out of the table and the accounts. It is freed, or carried elsewhere, at once.
    #[inline]
    fn take(&mut self, place: Place) -> Entry {
        let entry = self.table.remove(place);
        self.longs -= entry.is_long() as usize;
        self.volatile -= (entry.deadline_ms() != NEVER) as usize;
        self.bytes -= entry.bytes();
        entry
    }

    /// Gives back a long string that was there.
    #[inline]
    pub(super) fn remove(&mut self, place: Place) -> Option<Box<Long>> {
        let entry = self.take(place);
        // SAFETY: the entries of the table were made with the arena.
        unsafe { entry.free(&mut self.arena) }
    }

    /// Gives an entry another key, which is not there.
    pub(super) fn rename(&mut self, place: Place, hash: u64, key: &[u8]) -> Place {
        let old = self.take(place);
        // SAFETY: the entries of the table were made with the arena; the twin has what the old one pointed to.
        let new = unsafe {
            let new = old.twin(&mut self.arena, key);
            old.free_cell(&mut self.arena);
            new
        };
        self.adopt(hash, new)
    }

    /// Moves an entry to another database, under a key that is not there.
    pub(super) fn carry(&mut self, place: Place, to: &mut Database, hash: u64, key: &[u8]) -> Place {
        let old = self.take(place);
        // SAFETY: the entries of either table were made with its arena; the twin has what the old one pointed to.
        let new = unsafe {
            let new = old.twin(&mut to.arena, key);
            old.free_cell(&mut self.arena);
            new
        };
        to.adopt(hash, new)
    }

    fn adopt(&mut self, hash: u64, entry: Entry) -> Place {
        self.longs += entry.is_long() as usize;
        self.volatile += (entry.deadline_ms() != NEVER) as usize;
        self.bytes += entry.bytes();
        self.table.insert(hash, entry)
    }

    /// Frees up to `most` entries of a database that nobody will use again. True: there are more.
    pub(super) fn free_some(&mut self, most: usize) -> bool {
        let Database { table, arena, .. } = self;
        // SAFETY: the entries of the table were made with the arena.
        table.pop_some(most, &mut |entry| drop(unsafe { entry.free(arena) }));
        !table.is_empty()
    }

    /// Whether an item of the deadlines is still true.
    pub(super) fn due(&self, deadline_ms: i64, hash: u64) -> Option<Place> {
        self.table.find(hash, |entry| entry.deadline_ms() == deadline_ms && self.hash(entry.key()) == hash)
    }

    /// Rids the deadlines of items that are no longer true: of `most` at once, whatever the size of the table.
    #[inline]
    pub(super) fn sift(&mut self, most: usize) {
        let mut deadlines = std::mem::take(&mut self.deadlines);
        deadlines.sift(self.volatile, most, |(deadline_ms, hash)| self.due(*deadline_ms, *hash).is_some());
        self.deadlines = deadlines;
    }

    pub fn check(&self) {
        self.table.check();
        self.arena.check();
        assert_eq!(self.volatile, self.table.iter().filter(|entry| entry.expires_ms().is_some()).count());
        assert_eq!(self.bytes, self.table.iter().map(Entry::bytes).sum());
        assert_eq!(self.longs, self.table.iter().filter(|entry| entry.is_long()).count());
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        while self.free_some(usize::MAX) {}
    }
}
