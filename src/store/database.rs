//! One database: its entries, the memory they stand in, their deadlines. Reads stand here; a write goes through the door
//! (door.rs), which uses what stands here below. Unsafe, since an entry must be changed and freed with the arena that it was
//! made with; here is the only pair of the two.
#![allow(unsafe_code)]
use super::entry::{Account, Entry, Held, NEVER};
use super::sizes::Sizes;
use super::structure::arena::Arena;
use super::structure::table::{self, Place, Start, Table};
use super::structure::wheel::{self, Wheel};
use super::text::Content;
use super::value::{Collection, WrongType};
use ahash::RandomState;
use std::hash::{BuildHasher, Hasher};

#[derive(Debug)]
pub struct Database {
    /// Invariant: its entries were made with `arena`.
    table: Table<Entry, KeyHasher>,
    arena: Arena,
    /// Invariant: has an item for each entry that expires.
    pub(super) wheel: Wheel,
    /// What came up of the wheel; empty but for its memory.
    batch: Vec<wheel::Item>,
    /// Invariant: counts the entries that expire.
    volatile: usize,
    /// Invariant: counts the entries with elements that expire.
    partly: usize,
    /// Invariant: the sum of their moments.
    deadlines_ms: i128,
    /// Invariant: the sum of `Entry::bytes`.
    bytes: usize,
    /// Invariant: counts the entries that have memory beside their cell, or a cell that is no part of a page.
    apart: usize,
    /// Invariant: counts the entries by their `Account::size`.
    sizes: Sizes,
}

/// What came of a change to a collection.
pub(super) struct Edited<R> {
    pub result: R,
    /// It has no elements any more.
    pub emptied: bool,
    /// When the first of its elements expires: before, and now.
    pub due: (Option<i64>, Option<i64>),
}

/// How keys are hashed: all databases alike.
#[derive(Clone, Debug)]
pub struct KeyHasher(RandomState);

impl KeyHasher {
    /// `seed`: keys come from strangers, who must not know it.
    pub fn new(seed: [u64; 4]) -> KeyHasher {
        KeyHasher(RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]))
    }

    #[inline(always)]
    pub fn key(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish() & !wheel::SPARE
    }

    #[inline]
    pub fn number(&self, number: u64) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write_u64(number);
        hasher.finish() & !wheel::SPARE
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
/// As much work to free as a piece of memory, be they freed one by one. (For fewer at a time the table would be searched
/// for them too often.)
const ENTRIES_FREED: usize = 16;
/// Stale items of the wheel go faster than new ones come.
const SIFTED_PER_ITEM: usize = 8;

impl Database {
    pub(super) fn new(hasher: KeyHasher) -> Database {
        Database {
            table: Table::new(hasher),
            arena: Arena::default(),
            wheel: Wheel::default(),
            batch: vec![],
            volatile: 0,
            partly: 0,
            deadlines_ms: 0,
            bytes: 0,
            apart: 0,
            sizes: Sizes::default(),
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

    /// Keys with elements that expire.
    pub fn partly_volatile(&self) -> usize {
        self.partly
    }

    /// Bytes of all entries, as `Entry::bytes` counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How large the values are.
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// How long keys that expire have left on average.
    pub fn average_ttl_ms(&self, now_ms: i64) -> i64 {
        let count = self.volatile.max(1) as i128;
        ((self.deadlines_ms - now_ms as i128 * self.volatile as i128) / count).clamp(0, i64::MAX as i128) as i64
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.table.hasher().key(key)
    }

    /// Is the live entry of this key at a place that was some entry's once?
    #[inline(always)]
    pub(super) fn has(&self, key: &[u8], place: Place, now_ms: i64) -> bool {
        self.table.peek(place).is_some_and(|entry| entry.has_key(key) && !entry.is_expired(now_ms))
    }

    /// The entry of a key, whether or not its time has come: true, if it has. `Err`: there is none; the key's hash.
    pub(super) fn find(&self, key: &[u8], now_ms: i64) -> Result<(Place, bool), u64> {
        let (hash, mut expired) = (self.hash(key), false);
        let found = self.table.find(hash, |entry| {
            expired = entry.is_expired(now_ms);
            entry.has_key(key)
        });
        found.map(|place| (place, expired)).ok_or(hash)
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) -> Start {
        self.table.prefetch(hash)
    }

    #[inline(always)]
    pub(super) fn candidate(&self, start: Start) -> Option<(Place, &Entry)> {
        self.table.candidate(start)
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

    /// Bytes of what knows when keys expire.
    pub fn wheel_bytes(&self) -> usize {
        self.wheel.heap_bytes()
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
        if account.deadline_ms != NEVER {
            self.volatile += 1;
            self.deadlines_ms += account.deadline_ms as i128;
        }
        self.apart += account.apart as usize;
        self.partly += account.partly as usize;
        self.sizes.add(account.size);
    }

    #[inline]
    fn discount(&mut self, account: Account) {
        self.bytes -= account.bytes;
        if account.deadline_ms != NEVER {
            self.volatile -= 1;
            self.deadlines_ms -= account.deadline_ms as i128;
        }
        self.apart -= account.apart as usize;
        self.partly -= account.partly as usize;
        self.sizes.take(account.size);
    }

    /// For so many entries, while there are none. A file has them in the order of their hashes as a rule, for which
    /// `Table::with_room` is meant.
    pub(super) fn make_room(&mut self, entries: usize) {
        if self.is_empty() {
            self.table = Table::with_room(self.table.hasher().clone(), entries);
        }
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

    /// Gives back what the entry pointed to.
    #[inline]
    pub(super) fn put(&mut self, place: Place, content: Content, deadline_ms: i64) -> Option<Held> {
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

    /// Changes the collection of an entry.
    #[inline]
    pub(super) fn edit<T: Collection, R>(
        &mut self,
        place: Place,
        edit: impl FnOnce(&mut T) -> R,
    ) -> Result<Edited<R>, WrongType> {
        let collection = self.table.get_mut(place).view_mut::<T>()?;
        let (bytes, size, due) = (collection.heap_bytes(), collection.size(), collection.due_ms());
        let result = edit(collection);
        self.bytes = self.bytes + collection.heap_bytes() - bytes;
        let (new, due) = (collection.size(), (due, collection.due_ms()));
        self.partly = self.partly + due.1.is_some() as usize - due.0.is_some() as usize;
        if new != size {
            self.sizes.take(size);
            self.sizes.add(new);
        }
        Ok(Edited { result, emptied: collection.is_empty(), due })
    }

    /// Takes an entry out of the table and the accounts. It is freed, or carried elsewhere, at once.
    #[inline]
    fn take(&mut self, place: Place) -> Entry {
        let entry = self.table.remove(place);
        self.discount(entry.account());
        entry
    }

    /// Gives back what the entry pointed to.
    #[inline]
    pub(super) fn remove(&mut self, place: Place) -> Option<Held> {
        let entry = self.take(place);
        // SAFETY: the entries of the table were made with the arena.
        unsafe { entry.free(&mut self.arena) }
    }

    /// Gives an entry another key, which is not there.
    pub(super) fn rename(&mut self, place: Place, hash: u64, key: &[u8], now_ms: i64) -> Place {
        let old = self.take(place);
        // SAFETY: the entries of the table were made with the arena; the twin has what the old one pointed to.
        let new = unsafe {
            let new = old.twin(&mut self.arena, key, now_ms);
            old.free_cell(&mut self.arena);
            new
        };
        self.adopt(hash, new)
    }

    /// Moves an entry to another database, under a key that is not there.
    pub(super) fn carry(&mut self, place: Place, to: &mut Database, hash: u64, key: &[u8], now_ms: i64) -> Place {
        let old = self.take(place);
        // SAFETY: the entries of either table were made with its arena; the twin has what the old one pointed to.
        let new = unsafe {
            let new = old.twin(&mut to.arena, key, now_ms);
            old.free_cell(&mut self.arena);
            new
        };
        to.adopt(hash, new)
    }

    fn adopt(&mut self, hash: u64, entry: Entry) -> Place {
        self.count(entry.account());
        self.table.insert(hash, entry)
    }

    /// Frees something of a database that nobody will use again: up to `most` pieces of memory, or some entries for each. True:
    /// there is more. Entries that own nothing beside their cell go with the arena's chunks, without a look at them. What
    /// takes long by itself is put to the large ones.
    pub(super) fn free_some(&mut self, most: usize, large: &mut Vec<Held>) -> bool {
        if self.wheel.shed(most) {
            return true;
        }
        let Database { table, arena, apart, .. } = self;
        if *apart > 0 {
            table.pop_some(most.saturating_mul(ENTRIES_FREED), &mut |entry| {
                *apart -= entry.account().apart as usize;
                // SAFETY: the entries of the table were made with the arena.
                large.extend(unsafe { entry.free(arena) }.filter(Held::is_large));
            });
            return true;
        }
        // SAFETY: none of the entries is looked at again; none has memory beside its cell.
        unsafe {
            arena.discard(most / CHUNK_ENTRIES + 1) || table.pop_some(most.saturating_mul(ENTRIES_FREED), &mut |_| {})
        }
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
}

// --- When entries expire

impl Database {
    /// Files an item for an entry that expires.
    pub(super) fn file(&mut self, place: Place, hash: u64, now_ms: i64) {
        let entry = self.table.get_mut(place);
        entry.set_mark(self.wheel.add(entry.due_ms(), hash, now_ms));
    }

    /// The entry that an item of the wheel means, if it is not stale. Of keys with the same hash, of which each has an item,
    /// the one that is due first.
    pub(super) fn meant(&self, item: &wheel::Item) -> Option<Place> {
        let (mut place, mut first_ms) = (None, NEVER as u64);
        let earlier = |first_ms: u64| {
            let means = |entry: &Entry| item.unless != Some(entry.mark()) && self.hash(entry.key()) == item.hash;
            self.table.find(item.hash, |entry| (entry.due_ms() as u64) < first_ms && means(entry))
        };
        while let Some(found) = earlier(first_ms) {
            (place, first_ms) = (Some(found), self.get(found).due_ms() as u64);
        }
        place
    }

    /// Rids the wheel of some stale items.
    #[cold]
    pub(super) fn sift(&mut self, now_ms: i64) {
        let mut batch = std::mem::take(&mut self.batch);
        self.wheel.sift(SIFTED_PER_ITEM, &mut batch);
        for item in &batch {
            if let Some(place) = self.meant(item) {
                self.file(place, item.hash, now_ms);
            }
        }
        self.batch = batch;
    }

    pub fn check(&self) {
        self.table.check();
        self.arena.check();
        let count = |of: fn(&Account) -> usize| self.table.iter().map(|entry| of(&entry.account())).sum::<usize>();
        assert_eq!(self.bytes, count(|account| account.bytes));
        assert_eq!(self.apart, count(|account| account.apart as usize));
        let mut sizes = Sizes::default();
        self.table.iter().for_each(|entry| sizes.add(entry.account().size));
        assert_eq!(self.sizes, sizes);
        let expire = || self.table.iter().filter(|entry| entry.deadline_ms() != NEVER);
        assert_eq!(self.volatile, expire().count());
        assert_eq!(self.deadlines_ms, expire().map(|entry| entry.deadline_ms() as i128).sum());
        assert_eq!(self.partly, count(|account| account.partly as usize));
        let due = self.table.iter().filter(|entry| entry.due_ms() != NEVER);
        self.wheel.check(due.map(|entry| (self.hash(entry.key()), entry.due_ms())));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        while self.free_some(usize::MAX, &mut vec![]) {}
    }
}
