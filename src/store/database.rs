//! One database: its entries, the memory they stand in, their deadlines. Reads stand here; a write goes through the door
//! (door.rs), which uses what stands here below. Unsafe, since an entry must be changed and freed with the arena that it was
//! made with; here is the only pair of the two.
#![allow(unsafe_code)]
use super::entry::{Account, Entry};
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
    /// Invariant: counts the entries that have memory beside their cell, or a cell that is no part of a page.
    apart: usize,
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

/// About so many entries are in a chunk of the arena.
const CHUNK_ENTRIES: usize = 4096;
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
            apart: 0,
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
    fn count(&mut self, account: Account) {
        self.bytes += account.bytes;
        self.volatile += account.expires as usize;
        self.apart += account.apart as usize;
    }

    #[inline]
    fn discount(&mut self, account: Account) {
        self.bytes -= account.bytes;
        self.volatile -= account.expires as usize;
        self.apart -= account.apart as usize;
    }

    #[inline]
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], content: Content, deadline_ms: i64, now_ms: i64) -> Place {
        let entry = Entry::new(&mut self.arena, key, content, deadline_ms, now_ms);
        self.count(entry.account());
        self.table.insert(hash, entry)
    }

    /// Changes an entry with the arena, and keeps the accounts.
    #[inline]
    fn change<R>(&mut self, place: Place, change: impl FnOnce(&mut Entry, &mut Arena) -> R) -> R {
        let entry = self.table.get_mut(place);
        let before = entry.account();
        let result = change(entry, &mut self.arena);
        let after = entry.account();
        self.discount(before);
        self.count(after);
        result
    }

    /// Gives back a long string that was there.
    #[inline]
    pub(super) fn put(&mut self, place: Place, content: Content, deadline_ms: i64, now_ms: i64) -> Option<Box<Long>> {
        let entry = self.table.get_mut(place);
        entry.touch(now_ms);
        if let Some(shape) = entry.plain(&content, deadline_ms) {
            entry.write(shape, content);
            return None;
        }
        // SAFETY: the entries of the table were made with the arena.
        self.change(place, |entry, arena| unsafe { entry.put(arena, content, deadline_ms) })
    }

    pub(super) fn set_deadline(&mut self, place: Place, deadline_ms: i64) {
        // SAFETY: the entries of the table were made with the arena.
        self.change(place, |entry, arena| unsafe { entry.set_deadline(arena, deadline_ms) })
    }

    /// Writes over a piece of a string.
    pub(super) fn write_at(&mut self, place: Place, offset: usize, bytes: &[u8]) {
        // SAFETY: the entries of the table were made with the arena.
        self.change(place, |entry, arena| unsafe { entry.write_at(arena, offset, bytes) })
    }

    /// Takes an entry out of the table and the accounts. It is freed, or carried elsewhere, at once.
    #[inline]
    fn take(&mut self, place: Place) -> Entry {
        let entry = self.table.remove(place);
        self.discount(entry.account());
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
        self.count(entry.account());
        self.table.insert(hash, entry)
    }

    /// Frees something of a database that nobody will use again: up to `most` entries, or as many pieces of memory. True:
    /// there is more. Entries that own nothing beside their cell go with the arena's chunks, without a look at them.
    pub(super) fn free_some(&mut self, most: usize) -> bool {
        let Database { table, arena, apart, .. } = self;
        if *apart > 0 {
            table.pop_some(most, &mut |entry| {
                *apart -= entry.account().apart as usize;
                // SAFETY: the entries of the table were made with the arena.
                drop(unsafe { entry.free(arena) });
            });
            return true;
        }
        // SAFETY: none of the entries is looked at again; none has memory beside its cell.
        unsafe { arena.discard(most / CHUNK_ENTRIES + 1) || table.pop_some(most, &mut |_| {}) }
    }

    // --- Memory that deletes leave behind

    /// So much is held for entries that are gone that it is worth moving others.
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        self.arena.wants_moving()
    }

    /// Moves up to `most` entries together. True: it is worth going on.
    pub(super) fn compact(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let Some(cell) = self.arena.next_to_move() else { break };
            // SAFETY: every cell that is in use holds an entry of the table.
            let hash = unsafe { Entry::with_cell(cell, |entry| self.hash(entry.key())) };
            let place = self.table.find(hash, |entry| entry.is_at(cell)).expect("a cell of an entry of this table");
            // SAFETY: the entries of the table were made with the arena.
            unsafe { self.table.get_mut(place).relocate(&mut self.arena) };
        }
        self.arena.wants_moving()
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
        let count = |of: fn(&Account) -> usize| self.table.iter().map(|entry| of(&entry.account())).sum::<usize>();
        assert_eq!(self.bytes, count(|account| account.bytes));
        assert_eq!(self.volatile, count(|account| account.expires as usize));
        assert_eq!(self.apart, count(|account| account.apart as usize));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        while self.free_some(usize::MAX) {}
    }
}
