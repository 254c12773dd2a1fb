//! All databases, and what they share: the hash's seed, the ledger that every change goes through. Time is an argument:
//! an entry whose moment has come is never seen, and is removed by who meets it.
use super::access::{Access, Used};
use super::database::{Database, Edited, KeyHasher};
use super::door::{Door, NewExpiry};
use super::entry::{Entry, NEVER, Value};
use super::event::{Event, Lapsed, Ledger};
use super::structure::table::{Place, Start};
use super::text::{Content, Text};
use super::value::{Collection, Hash};

/// So many look-ups wait for memory together.
pub use super::structure::index::WARMED_MAX;
use super::structure::index::{Group, Index};

/// So many entries are moved where else a piece of memory would be freed.
const COMPACTED: usize = 32;

pub struct Keyspace {
    pub(super) databases: Vec<Database>,
    hasher: KeyHasher,
    pub ledger: Ledger,
    /// DEBUG SET-ACTIVE-EXPIRE: keys that are due are removed though nobody asks for them.
    pub active_expire: bool,
    /// CLIENT PAUSE: what has expired is not seen, but stays, unless a write is in its way.
    pub paused: bool,
    hint: Option<Place>,
}

/// Where the entry of a key was when it was looked for. It is looked for there first, wherever it is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hint(Place);

impl Keyspace {
    /// `seed`: keys come from strangers, who must not know it.
    pub fn new(databases: usize, seed: [u64; 4]) -> Keyspace {
        let hasher = KeyHasher::new(seed);
        let databases = (0..databases).map(|_| Database::new(hasher.clone())).collect();
        let ledger = Ledger { access: Access::new(seed[0]), ..Ledger::default() };
        Keyspace { databases, hasher, ledger, active_expire: true, paused: false, hint: None }
    }

    /// Bytes of all entries, as `Entry::bytes` counts them.
    pub fn bytes(&self) -> usize {
        self.databases.iter().map(Database::bytes).sum()
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
        let place = self.meet(database, key, now_ms).ok()?;
        Some(self.databases[database].get(place))
    }

    /// The same, and that it is missing is an event.
    #[inline]
    pub fn look_or_miss(&mut self, database: usize, key: &[u8], now_ms: i64) -> Option<&Entry> {
        let Ok(place) = self.meet(database, key, now_ms) else {
            self.ledger.missed(database, key);
            return None;
        };
        Some(self.databases[database].get(place))
    }

    /// The same for who uses the value. That it is missing is an event.
    pub fn read(&mut self, database: usize, key: &[u8], now_ms: i64) -> Option<&mut Entry> {
        self.read_here(database, key, now_ms)
    }

    /// The same, in its place.
    #[inline(always)]
    pub fn read_here(&mut self, database: usize, key: &[u8], now_ms: i64) -> Option<&mut Entry> {
        let Ok(place) = self.meet(database, key, now_ms) else {
            self.ledger.missed(database, key);
            return None;
        };
        let entry = self.databases[database].get_mut(place);
        self.ledger.used(entry, now_ms);
        Some(entry)
    }

    #[inline(always)]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.key(key)
    }

    /// Where the look-up of a key of this hash will begin; the slots there are fetched into the cache.
    #[inline(always)]
    pub fn foresee(&self, database: usize, hash: u64) -> Start {
        self.databases[database].prefetch(hash)
    }

    /// The entry that this look-up would compare first, whatever its key and its time: for who fetches it too.
    #[inline(always)]
    pub fn candidate(&self, database: usize, start: Start) -> Option<(Hint, &Entry)> {
        self.databases[database].candidate(start).map(|(place, entry)| (Hint(place), entry))
    }

    /// What finds the elements of the large collection that such a look-up has found.
    #[inline]
    pub fn index(&self, database: usize, Hint(place): Hint) -> Option<&dyn Index> {
        self.databases[database].get(place).value().index()
    }

    /// Fetches into the cache what look-ups of these keys will touch first, `WARMED_MAX` of them at most, and tells where
    /// each may be.
    #[inline]
    pub fn warm<'k>(&self, database: usize, keys: impl Iterator<Item = &'k [u8]>) -> Group<Option<Hint>> {
        // A loop for each step: the more addresses follow each other closely, the more of them are waited for together.
        let hashes = Group::of(keys.map(|key| self.hash(key)));
        let starts = Group::of(hashes.iter().map(|hash| self.foresee(database, hash)));
        let found = Group::of(starts.iter().map(|start| self.candidate(database, start)));
        found.iter().flatten().for_each(|(_, entry)| entry.prefetch());
        Group::of(found.iter().map(|found| found.map(|(hint, _)| hint)))
    }

    /// The entry of a key that was looked up just now. For who looks at several at once.
    pub fn peek(&self, database: usize, key: &[u8], now_ms: i64) -> Option<&Entry> {
        let database = &self.databases[database];
        database.find(key, now_ms).ok().filter(|(_, expired)| !expired).map(|(place, _)| database.get(place))
    }

    /// How keys are hashed, and members of collections.
    pub fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// The next look-up begins there. (In batches a GET takes 90 instructions less so.)
    #[inline]
    pub fn expect(&mut self, hint: Option<Hint>) {
        self.hint = hint.map(|Hint(place)| place);
    }

    /// The place of a live entry. `Err`: there is none; the key's hash.
    #[inline(always)]
    fn meet(&mut self, database: usize, key: &[u8], now_ms: i64) -> Result<Place, u64> {
        match self.hint.take() {
            Some(place) if self.databases[database].has(key, place, now_ms) => Ok(place),
            _ => self.search(database, key, now_ms),
        }
    }

    /// Apart: what it returns goes through memory, in pieces that the processor does not hand on (5 ns).
    #[inline(never)]
    fn search(&mut self, database: usize, key: &[u8], now_ms: i64) -> Result<Place, u64> {
        match self.databases[database].find(key, now_ms)? {
            (place, false) => Ok(place),
            (place, true) => {
                self.expire(database, place, now_ms);
                Err(self.hasher.key(key))
            }
        }
    }

    /// The one way to change an entry, or to make one. It counts as a use, whatever is done then.
    #[inline(always)]
    pub fn open<'a>(&'a mut self, database: usize, key: &'a [u8], now_ms: i64) -> Door<'a> {
        let place = self.meet_to_change(database, key, now_ms);
        Door::new(&mut self.databases[database], &mut self.ledger, database, key, place, now_ms)
    }

    /// Apart from `open`, which makes a door where it is wanted: what is returned through memory, by halves, and read at
    /// once as a whole is not handed on by the processor (5 ns).
    #[inline(never)]
    fn meet_to_change(&mut self, database: usize, key: &[u8], now_ms: i64) -> Result<Place, u64> {
        let place = self.meet(database, key, now_ms);
        if self.paused && place.is_err() {
            self.clear(database, key, now_ms);
        }
        if let Ok(place) = place {
            self.ledger.used(self.databases[database].get_mut(place), now_ms);
        }
        place
    }

    /// Moves an entry to another key, another database, or both, over whatever is there: one change, of which each key
    /// has its own event. False: there is no such entry.
    pub fn relocate(&mut self, from: (usize, &[u8]), to: (usize, &[u8]), events: [Event; 2], now_ms: i64) -> bool {
        assert!(from != to, "it is there already");
        if self.look(from.0, from.1, now_ms).is_none() {
            return false;
        }
        self.open(to.0, to.1, now_ms).take();
        let place = self.meet(from.0, from.1, now_ms).expect("it was there");
        let (hash, entry) = (self.hasher.key(to.1), self.databases[from.0].get(place));
        let due_ms = entry.due_ms();
        self.ledger.before_change(from.0, from.1, || Some(entry));
        self.ledger.before_change(to.0, to.1, || None);
        let place = if from.0 == to.0 {
            self.databases[from.0].rename(place, hash, to.1, now_ms)
        } else {
            let [source, target] = self.databases.get_disjoint_mut([from.0, to.0]).expect("two databases");
            let place = source.carry(place, target, hash, to.1, now_ms);
            self.ledger.deadlines.sift(source, now_ms);
            place
        };
        self.ledger.thinned(&self.databases[from.0], from.0);
        let made = self.databases[to.0].get(place).value().type_name();
        self.ledger.note_new(to.0, to.1, || made);
        if due_ms != NEVER {
            self.ledger.deadlines.moved(&mut self.databases[to.0], to.0, place, hash, NEVER, now_ms);
        }
        self.ledger.dirty += 1;
        self.ledger.note(from.0, from.1, events[0]);
        self.ledger.note(to.0, to.1, events[1]);
        true
    }

    /// Puts the value of one key at another, with its expiry, over whatever is there. False: there is no such entry.
    pub fn duplicate(&mut self, from: (usize, &[u8]), to: (usize, &[u8]), event: Event, now_ms: i64) -> bool {
        assert!(from != to, "it is there already");
        let Ok(place) = self.meet(from.0, from.1, now_ms) else { return false };
        let entry = self.databases[from.0].get_mut(place);
        let (expiry, mut copy) = (entry.expiry(), Vec::new());
        let content = match entry.value() {
            // Both have the same bytes until one of them is changed.
            Value::String(Text::Long(_)) => Content::Long(entry.long_mut().expect("it is long").share().into()),
            Value::String(text) => Content::of(text).copied(&mut copy),
            value => Content::Held(value.copied().expect("no string")),
        };
        self.open(to.0, to.1, now_ms).renew(content, expiry, event);
        true
    }

    /// Puts an entry here that was saved once: nothing has changed by that, and nobody is told. False: the key is there
    /// already, and is not to be replaced.
    #[allow(clippy::too_many_arguments, reason = "all that is known of an entry")]
    pub fn load(
        &mut self,
        database: usize,
        key: &[u8],
        content: Content,
        expiry: NewExpiry,
        used: Option<Used>,
        replace: bool,
        now_ms: i64,
    ) -> bool {
        let (observed, dirty) = (std::mem::take(&mut self.ledger.observed), self.ledger.dirty);
        let mut door = self.open(database, key, now_ms);
        let is_wanted = replace || door.entry().is_none();
        if is_wanted {
            door.renew(content, expiry, Event::NEW);
            used.into_iter().for_each(|used| door.set_used(used));
        }
        (self.ledger.observed, self.ledger.dirty) = (observed, dirty);
        is_wanted
    }

    /// So many keys are about to be loaded into a database: if it has none yet, it gets room for them. Only a hint.
    pub fn make_room(&mut self, database: usize, keys: usize) {
        self.databases[database].make_room(keys);
    }

    /// Some entry whose time has not come. Those whose time has come are removed as they are met.
    pub fn random(&mut self, database: usize, now_ms: i64, chance: &mut dyn FnMut() -> u64) -> Option<&Entry> {
        /// So many expired ones in a row mean that nearly all are.
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let entry = self.databases[database].random(chance)?;
            let key = entry.key().to_vec();
            if let Ok(place) = self.meet(database, &key, now_ms) {
                return Some(self.databases[database].get(place));
            }
        }
        self.databases[database].iter().find(|entry| !entry.is_expired(now_ms))
    }

    /// What has expired during a pause, and stayed, goes: a write is in its way. (CLIENT PAUSE within a transaction.)
    #[cold]
    fn clear(&mut self, database: usize, key: &[u8], now_ms: i64) {
        if let Ok((place, _)) = self.databases[database].find(key, now_ms) {
            self.expire_now(database, place, now_ms);
        }
    }

    #[cold]
    pub(super) fn expire(&mut self, database: usize, place: Place, now_ms: i64) {
        if !self.paused {
            self.expire_now(database, place, now_ms);
        }
    }

    fn expire_now(&mut self, database: usize, place: Place, now_ms: i64) {
        let entry = self.databases[database].get(place);
        self.ledger.before_change(database, entry.key(), || Some(entry));
        self.ledger.expired += 1;
        self.ledger.note(database, entry.key(), Event::EXPIRED);
        if let Some(lapsed) = &mut self.ledger.lapsed {
            lapsed.push(Lapsed { database, key: entry.key().into(), fields: vec![] });
        }
        let freed = self.databases[database].remove(place);
        self.ledger.removed(&self.databases[database], database, freed);
        self.ledger.deadlines.sift(&mut self.databases[database], now_ms);
    }

    /// Removes elements of an entry whose time has come: up to so many. Its place, if some of what is left expires.
    pub(super) fn lapse(&mut self, database: usize, place: Place, now_ms: i64, most: usize) -> Option<Place> {
        let entry = self.databases[database].get(place);
        if entry.due_ms() as u64 <= now_ms.max(0) as u64 {
            self.ledger.before_change(database, entry.key(), || Some(entry));
            let (key, mut names): (Box<[u8]>, Vec<Box<[u8]>>) = (entry.key().into(), vec![]);
            let is_told = self.ledger.lapsed.is_some();
            let show = &mut |name: &[u8]| names.extend(is_told.then(|| name.into()));
            let lapse = |hash: &mut Hash| hash.lapse(now_ms, most, show);
            let edited = self.databases[database].edit(place, lapse).expect("only hashes have such");
            let Edited { result: gone, emptied, .. } = edited;
            self.ledger.expired_fields += gone as u64;
            self.ledger.note(database, &key, Event::FIELDS_EXPIRED);
            if let Some(lapsed) = &mut self.ledger.lapsed {
                lapsed.push(Lapsed { database, key: key.clone(), fields: names });
            }
            if emptied {
                let freed = self.databases[database].remove(place);
                self.ledger.note(database, &key, Event::DEL);
                self.ledger.removed(&self.databases[database], database, freed);
                self.ledger.deadlines.sift(&mut self.databases[database], now_ms);
                return None;
            }
        }
        Some(place).filter(|place| self.databases[database].get(*place).due_ms() != NEVER)
    }

    /// The same for a key that is about to be used, where such are known.
    #[inline]
    pub fn lapse_at(&mut self, database: usize, key: &[u8], now_ms: i64) {
        if self.databases[database].partly_volatile() > 0 && !self.paused {
            self.lapse_found(database, key, now_ms);
        }
    }

    #[cold]
    fn lapse_found(&mut self, database: usize, key: &[u8], now_ms: i64) {
        /// What is left is not seen, and goes when the loop has time.
        const MOST: usize = 64;
        if let Ok(place) = self.meet(database, key, now_ms)
            && self.databases[database]
                .get(place)
                .view::<Hash>()
                .is_ok_and(|hash| hash.due_ms().is_some_and(|at_ms| at_ms <= now_ms))
        {
            self.lapse(database, place, now_ms, MOST);
        }
    }

    /// Gives the collection of a key, if it is of this type, another form: nothing that counts as a change.
    pub fn reshape<T: Collection>(&mut self, database: usize, key: &[u8], now_ms: i64, reshape: impl FnOnce(&mut T)) {
        if let Ok(place) = self.meet(database, key, now_ms)
            && self.databases[database].get(place).view::<T>().is_ok()
        {
            self.ledger.before_change(database, key, || Some(self.databases[database].get(place)));
            _ = self.databases[database].edit(place, reshape);
        }
    }

    /// Removes all keys of a database. How many there were.
    pub fn flush(&mut self, number: usize) -> usize {
        let old = std::mem::replace(&mut self.databases[number], Database::new(self.hasher.clone()));
        if self.ledger.barrier.is_some() {
            old.iter().for_each(|entry| self.ledger.before_change(number, entry.key(), || Some(entry)));
        }
        let count = old.len();
        self.ledger.dirty += count as u64;
        if count > 0 {
            self.ledger.note(number, b"", Event::FLUSHED);
        }
        self.ledger.trash.database(old);
        count
    }

    /// Frees up to `most` pieces of what has been removed, or moves entries together where many have been.
    pub fn tidy(&mut self, most: usize) {
        if self.ledger.trash.is_empty() {
            if let Some(&number) = self.ledger.sparse.first()
                && !self.databases[number].compact(most * COMPACTED)
            {
                self.ledger.sparse.remove(&number);
            }
        } else {
            self.ledger.trash.free_some(most);
        }
    }

    /// Frees all that has been removed, however long that takes.
    pub fn empty_trash(&mut self) {
        while !self.ledger.trash.is_empty() {
            self.ledger.trash.free_some(1 << 20);
        }
    }

    /// There is something to free.
    pub fn is_freeing(&self) -> bool {
        !self.ledger.trash.is_empty()
    }

    /// How many times as much of it waits as should.
    pub fn arrears(&self) -> usize {
        self.ledger.trash.arrears()
    }

    /// There is something to tidy.
    pub fn is_untidy(&self) -> bool {
        !self.ledger.trash.is_empty() || !self.ledger.sparse.is_empty()
    }

    pub fn swap(&mut self, one: usize, other: usize) {
        self.databases.swap(one, other);
        self.ledger.deadlines.swapped(one, other);
        // Whichever of them it is; what has nothing to do goes when it is looked at.
        self.ledger.sparse.extend([one, other]);
        if let Some(barrier) = &mut self.ledger.barrier {
            barrier.swapped(one, other);
        }
        self.ledger.dirty += 1;
        self.ledger.note(one, b"", Event::SWAPPED);
        self.ledger.note(other, b"", Event::SWAPPED);
    }

    pub fn check(&self) {
        self.databases.iter().for_each(Database::check);
        self.ledger.deadlines.check(&self.databases);
    }
}
