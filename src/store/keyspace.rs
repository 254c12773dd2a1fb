//! All databases, and what they share: the hash's seed, the ledger that every change goes through. Time is an argument:
//! an entry whose moment has come is never seen, and is removed by who meets it.
use super::database::{Database, hash};
use super::door::Door;
use super::entry::Entry;
use super::event::{Event, Ledger};
use super::structure::table::Place;
use ahash::RandomState;

pub struct Keyspace {
    databases: Vec<Database>,
    hasher: RandomState,
    pub ledger: Ledger,
    /// DEBUG SET-ACTIVE-EXPIRE: keys that are due are removed though nobody asks for them.
    pub active_expire: bool,
}

impl Keyspace {
    /// `seed`: keys come from strangers, who must not know it.
    pub fn new(databases: usize, seed: [u64; 4]) -> Keyspace {
        let hasher = RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]);
        let databases = (0..databases).map(|_| Database::default()).collect();
        Keyspace { databases, hasher, ledger: Ledger::default(), active_expire: true }
    }

    pub fn database(&self, number: usize) -> &Database {
        &self.databases[number]
    }

    pub fn databases(&self) -> &[Database] {
        &self.databases
    }

    /// The entry, if it is there and its time has not come. Its clock stays as it is.
    #[inline]
    pub fn look(&mut self, database: usize, key: &[u8], now_ms: i64) -> Option<&Entry> {
        let place = self.meet(database, hash(&self.hasher, key), key, now_ms)?;
        Some(self.databases[database].table.get(place))
    }

    /// The same for who uses the value.
    #[inline]
    pub fn read(&mut self, database: usize, key: &[u8], now_ms: i64) -> Option<&mut Entry> {
        let place = self.meet(database, hash(&self.hasher, key), key, now_ms)?;
        let entry = self.databases[database].table.get_mut(place);
        entry.touch(now_ms);
        Some(entry)
    }

    /// The entry that a look-up of this key would compare first, whatever its key and its time.
    #[inline]
    pub fn candidate(&self, database: usize, key: &[u8]) -> Option<&Entry> {
        self.databases[database].table.candidate(hash(&self.hasher, key))
    }

    #[inline]
    fn meet(&mut self, database: usize, hash: u64, key: &[u8], now_ms: i64) -> Option<Place> {
        let place = self.databases[database].find(hash, key)?;
        if self.databases[database].table.get(place).is_expired(now_ms) {
            self.expire(database, place);
            return None;
        }
        Some(place)
    }

    /// The one way to change an entry, or to make one.
    #[inline]
    pub fn open<'a>(&'a mut self, database: usize, key: &'a [u8], now_ms: i64) -> Door<'a> {
        let hash = hash(&self.hasher, key);
        let place = self.meet(database, hash, key, now_ms);
        Door::new(&mut self.databases[database], &mut self.ledger, database, key, hash, place, now_ms)
    }

    /// Moves an entry to another key, another database, or both, over whatever is there: one change, of which each key
    /// has its own event. False: there is no such entry.
    pub fn relocate(&mut self, from: (usize, &[u8]), to: (usize, &[u8]), events: [Event; 2], now_ms: i64) -> bool {
        assert!(from != to, "it is there already");
        let Some(entry) = self.open(from.0, from.1, now_ms).take() else { return false };
        let expiry = entry.expiry();
        self.open(to.0, to.1, now_ms).install(entry.value, expiry);
        self.ledger.dirty += 1;
        self.ledger.note(from.0, from.1, events[0]);
        self.ledger.note(to.0, to.1, events[1]);
        true
    }

    /// Some entry whose time has not come. Those whose time has come are removed as they are met.
    pub fn random(&mut self, database: usize, now_ms: i64, chance: &mut dyn FnMut() -> u64) -> Option<&Entry> {
        /// So many expired ones in a row mean that nearly all are.
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let entry = self.databases[database].table.random(chance)?;
            let (hash, key) = (entry.hash, entry.key.clone());
            if let Some(place) = self.meet(database, hash, &key, now_ms) {
                return Some(self.databases[database].table.get(place));
            }
        }
        self.databases[database].table.iter().find(|entry| !entry.is_expired(now_ms))
    }

    #[cold]
    fn expire(&mut self, database: usize, place: Place) {
        let Database { table, volatile, .. } = &mut self.databases[database];
        let entry = table.get(place);
        self.ledger.before_change(database, &entry.key, Some(entry));
        let entry = table.remove(place);
        *volatile -= 1;
        self.ledger.bytes -= entry.bytes();
        self.ledger.expired += 1;
        self.ledger.note(database, &entry.key, Event::EXPIRED);
    }

    /// When the next key is due, if the loop should see to it.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        let volatile = self.ledger.volatile.iter();
        let first = volatile.filter_map(|number| self.databases[*number].deadlines.first()).min();
        first.filter(|_| self.active_expire)
    }

    /// Removes up to `most` keys that are due. True: there may be more.
    pub fn expire_due(&mut self, now_ms: i64, most: usize) -> bool {
        let mut left = most;
        let mut next = 0;
        while let Some(&number) = self.ledger.volatile.range(next..).next() {
            next = number + 1;
            while let Some((deadline_ms, hash)) = self.databases[number].deadlines.pop_due(now_ms) {
                let table = &self.databases[number].table;
                let due = table.find(hash, |entry| entry.hash == hash && entry.expires_ms == deadline_ms);
                due.into_iter().for_each(|place| self.expire(number, place));
                left -= 1;
                if left == 0 {
                    return true;
                }
            }
            self.databases[number].sift(most);
            if self.databases[number].deadlines.is_empty() {
                self.ledger.volatile.remove(&number);
            }
        }
        false
    }

    /// Removes all keys of a database. How many there were.
    pub fn flush(&mut self, number: usize) -> usize {
        let old = std::mem::take(&mut self.databases[number]);
        for entry in old.table.iter() {
            self.ledger.before_change(number, &entry.key, Some(entry));
            self.ledger.bytes -= entry.bytes();
        }
        self.ledger.dirty += old.len() as u64;
        if !old.is_empty() {
            self.ledger.note(number, b"", Event::FLUSHED);
        }
        old.len()
    }

    pub fn swap(&mut self, one: usize, other: usize) {
        self.databases.swap(one, other);
        // Whichever of them has deadlines; what has none goes when it is looked at.
        self.ledger.volatile.extend([one, other]);
        if let Some(barrier) = &mut self.ledger.barrier {
            barrier.swapped(one, other);
        }
        self.ledger.dirty += 1;
        self.ledger.note(one, b"", Event::SWAPPED);
        self.ledger.note(other, b"", Event::SWAPPED);
    }

    pub fn check(&self) {
        self.databases.iter().for_each(Database::check);
        let is_listed = |number: usize| self.ledger.volatile.contains(&number);
        assert!((0..self.databases.len()).all(|n| is_listed(n) || self.databases[n].deadlines.is_empty()));
        let bytes: usize = self.databases.iter().flat_map(Database::iter).map(Entry::bytes).sum();
        assert_eq!(self.ledger.bytes, bytes);
    }
}
