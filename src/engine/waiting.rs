//! Clients that wait for a key, for a moment or for the end of a pause, in the order in which they came. It runs nothing. A
//! wait is over at once, whatever it was for; under very many keys it is forgotten some keys at a time.
#[cfg(test)]
mod tests;

use crate::command::Context;
use crate::command::words::OwnedWords;
use crate::server::Waits;
use crate::server::clients::{ClientId, Kept};
use crate::store::Keyspace;
use crate::store::database::KeyHasher;
use hashbrown::HashTable;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Room for so many keys that are waited for is kept.
const FEW: usize = 64;
/// Keys that are forgotten when a wait is over; the rest follows in slices.
const FORGOTTEN_AT_ONCE: usize = 64;
/// Keys that are forgotten for each that is added: what is over never piles up.
const FORGOTTEN_PER_KEY: usize = 2;

/// A database's number and a key in it.
pub type Place = (usize, Box<[u8]>);

/// Invariants: `deadlines` and `wanted` hold exactly what the waits in `clients` say; the rows of `keys` those waits,
/// and what `over` says.
pub struct Waiting {
    clients: HashMap<ClientId, Wait>,
    keys: HashTable<Wanted>,
    hasher: KeyHasher,
    /// Waits that are over, and hashes of keys under which they still stand, and mean nothing.
    over: Vec<(u64, Vec<u64>)>,
    deadlines: BTreeSet<(u64, ClientId)>,
    /// How many want a value of each type; `None`: wait for no key.
    wanted: BTreeMap<Option<&'static str>, usize>,
    turns: u64,
    postponed: HashMap<ClientId, Postponed>,
    /// Where waiters would have been tried, had they not been paused.
    missed: HashSet<Place>,
}

#[derive(Clone, Copy)]
pub struct Waiter {
    pub turn: u64,
    pub id: ClientId,
}

/// A key that is waited for.
struct Wanted {
    hash: u64,
    database: usize,
    key: Box<[u8]>,
    queue: Queue,
}

impl Wanted {
    fn is(&self, database: usize, key: &[u8]) -> bool {
        self.database == database && *self.key == *key
    }
}

/// Who waits for a key: mostly one. Of several there are rows by what they want, for a key may change often and have nothing
/// for thousands of them; in each they stand by the turn in which they came. Invariant: none of the rows is empty.
enum Queue {
    One(Option<&'static str>, Waiter),
    Rows(Vec<(Option<&'static str>, BTreeMap<u64, ClientId>)>),
}

impl Queue {
    /// False: it was there.
    fn insert(&mut self, wants: Option<&'static str>, new: Waiter) -> bool {
        if let Queue::One(wanted, Waiter { turn, id }) = *self {
            if turn == new.turn {
                return false;
            }
            *self = Queue::Rows(vec![(wanted, BTreeMap::from([(turn, id)]))]);
        }
        let Queue::Rows(rows) = self else { unreachable!("it was just made so") };
        match rows.iter_mut().find(|(wanted, _)| *wanted == wants) {
            Some((_, row)) => row.insert(new.turn, new.id).is_none(),
            None => {
                rows.push((wants, BTreeMap::from([(new.turn, new.id)])));
                true
            }
        }
    }

    fn has(&self, turn: u64) -> bool {
        match self {
            Queue::One(_, waiter) => waiter.turn == turn,
            Queue::Rows(rows) => rows.iter().any(|(_, row)| row.contains_key(&turn)),
        }
    }

    /// False: it was the last.
    fn remove(&mut self, turn: u64) -> bool {
        match self {
            Queue::One(_, waiter) => waiter.turn != turn,
            Queue::Rows(rows) => {
                rows.retain_mut(|(_, row)| {
                    row.remove(&turn);
                    !row.is_empty()
                });
                !rows.is_empty()
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Queue::One(..) => 1,
            Queue::Rows(rows) => rows.iter().map(|(_, row)| row.len()).sum(),
        }
    }

    /// The first that came after a turn, of those who would be served by a value of this type.
    fn next(&self, after: u64, there: &'static str) -> Option<Waiter> {
        let would_do = |wants: &Option<&'static str>| *wants == Some(there);
        match self {
            Queue::One(wants, waiter) => Some(*waiter).filter(|waiter| waiter.turn > after && would_do(wants)),
            Queue::Rows(rows) => {
                let rows = rows.iter().filter(|(wants, _)| would_do(wants));
                let firsts = rows.filter_map(|(_, row)| row.range(after + 1..).next());
                firsts.min_by_key(|(turn, _)| **turn).map(|(turn, id)| Waiter { turn: *turn, id: *id })
            }
        }
    }
}

/// What a client has asked for while it was paused.
struct Postponed {
    turn: u64,
    words: OwnedWords,
    /// The pause has ended.
    released: bool,
}

pub struct Wait {
    pub words: OwnedWords,
    pub wants: Option<&'static str>,
    pub deadline_us: Option<u64>,
    pub late: fn(&mut Context),
    /// Given by `add`.
    pub turn: u64,
    /// Of the keys. Given by `add`.
    pub hashes: Vec<u64>,
}

fn words_bytes(words: &OwnedWords) -> usize {
    words.request().iter().map(<[u8]>::len).sum()
}

impl Waiting {
    /// `hasher`: that of the keyspace.
    pub fn new(hasher: KeyHasher) -> Waiting {
        Waiting {
            clients: HashMap::new(),
            keys: HashTable::new(),
            hasher,
            over: vec![],
            deadlines: BTreeSet::new(),
            wanted: BTreeMap::new(),
            turns: 0,
            postponed: HashMap::new(),
            missed: HashSet::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// (While very many keys are being forgotten, they count.)
    pub fn count(&self) -> Waits {
        Waits { keys: self.keys.len(), timed: self.deadlines.len() }
    }

    /// What the client waits with from now on.
    pub fn add(&mut self, id: ClientId, database: usize, keys: Vec<Box<[u8]>>, mut wait: Wait) -> Kept {
        self.forget(keys.len() * FORGOTTEN_PER_KEY);
        self.turns += 1;
        wait.turn = self.turns;
        let each = size_of::<Wanted>() + size_of::<u64>();
        let memory = wait.words.memory() + keys.iter().map(|key| key.len() + each).sum::<usize>();
        let kept = Kept { words: words_bytes(&wait.words), memory };
        let waiter = Waiter { turn: wait.turn, id };
        self.keys.reserve(keys.len(), |wanted| wanted.hash);
        wait.hashes.reserve_exact(keys.len());
        for key in keys {
            let hash = self.hasher.key(&key);
            let is_new = match self.keys.find_mut(hash, |wanted| wanted.is(database, &key)) {
                Some(wanted) => wanted.queue.insert(wait.wants, waiter),
                None => {
                    let queue = Queue::One(wait.wants, waiter);
                    self.keys.insert_unique(hash, Wanted { hash, database, key, queue }, |wanted| wanted.hash);
                    true
                }
            };
            wait.hashes.extend(is_new.then_some(hash));
        }
        *self.wanted.entry(wait.wants).or_default() += 1;
        self.deadlines.extend(wait.deadline_us.map(|deadline_us| (deadline_us, id)));
        assert!(self.clients.insert(id, wait).is_none(), "a client waits once");
        kept
    }

    /// The client waits for nothing any more. False: it did not.
    pub fn remove(&mut self, id: ClientId) -> bool {
        self.postponed.remove(&id);
        let Some(wait) = self.clients.remove(&id) else { return false };
        *self.wanted.get_mut(&wait.wants).expect("it was counted") -= 1;
        wait.deadline_us.map(|deadline_us| self.deadlines.remove(&(deadline_us, id)));
        self.over.push((wait.turn, wait.hashes));
        self.forget(FORGOTTEN_AT_ONCE);
        true
    }

    /// There are keys left to be forgotten.
    pub fn is_forgetting(&self) -> bool {
        !self.over.is_empty()
    }

    /// Removes waits that are over from up to so many keys.
    pub fn forget(&mut self, most: usize) {
        for _ in 0..most {
            let Some((turn, hashes)) = self.over.last_mut() else { return };
            let (turn, hash) = (*turn, hashes.pop());
            if hashes.is_empty() {
                self.over.pop();
            }
            let Some(hash) = hash else { continue };
            let found = self.keys.find_entry(hash, |wanted| wanted.hash == hash && wanted.queue.has(turn)).ok();
            let mut wanted = found.expect("a wait stands under all its keys");
            if !wanted.get_mut().queue.remove(turn) {
                wanted.remove();
            }
            if self.keys.is_empty() {
                // What very many keys needed is not kept for few.
                self.keys.shrink_to(FEW, |wanted| wanted.hash);
            }
        }
    }

    // --- Pauses

    /// What the client waits with from now on.
    pub fn postpone(&mut self, id: ClientId, words: OwnedWords) -> Kept {
        self.turns += 1;
        let kept = Kept { words: words_bytes(&words), memory: words.memory() };
        self.postponed.insert(id, Postponed { turn: self.turns, words, released: false });
        kept
    }

    /// What a client had asked for in a pause may begin now.
    pub fn is_released(&self, id: ClientId) -> bool {
        self.postponed.get(&id).is_some_and(|postponed| postponed.released)
    }

    pub fn take_released(&mut self, id: ClientId) -> Option<OwnedWords> {
        if !self.is_released(id) {
            return None;
        }
        self.postponed.remove(&id).map(|postponed| postponed.words)
    }

    /// Lets all of them begin. Who they are, the first first.
    pub fn release_postponed(&mut self) -> Vec<ClientId> {
        self.postponed.values_mut().for_each(|postponed| postponed.released = true);
        let mut all: Vec<_> = self.postponed.iter().map(|(id, postponed)| (postponed.turn, *id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// Somebody who waits for this key could not be tried.
    pub fn miss(&mut self, place: Place) {
        self.missed.insert(place);
    }

    pub fn take_missed(&mut self) -> HashSet<Place> {
        std::mem::take(&mut self.missed)
    }

    // --- Who is tried

    pub fn get(&self, id: ClientId) -> Option<&Wait> {
        self.clients.get(&id)
    }

    /// The words of one that is about to be tried; they are put back if it waits on.
    pub fn take_words(&mut self, id: ClientId) -> Option<OwnedWords> {
        self.clients.get_mut(&id).map(|wait| std::mem::take(&mut wait.words))
    }

    pub fn put_words(&mut self, id: ClientId, words: OwnedWords) {
        if let Some(wait) = self.clients.get_mut(&id) {
            wait.words = words;
        }
    }

    /// Somebody, whatever his keys, would be served by a value of this type.
    pub fn is_wanted(&self, made: &'static str) -> bool {
        self.wanted.get(&Some(made)).is_some_and(|count| *count > 0)
    }

    /// The first of those who wait for this key, came after this turn, and would be served by a value of this type.
    pub fn next_for(&self, place: &Place, after: u64, there: &'static str) -> Option<Waiter> {
        self.next_of(self.find(place.0, &place.1)?, after, there)
    }

    fn find(&self, database: usize, key: &[u8]) -> Option<&Wanted> {
        self.keys.find(self.hasher.key(key), |wanted| wanted.is(database, key))
    }

    fn next_of(&self, wanted: &Wanted, mut after: u64, there: &'static str) -> Option<Waiter> {
        loop {
            let next = wanted.queue.next(after, there)?;
            if self.clients.get(&next.id).is_some_and(|wait| wait.turn == next.turn) {
                return Some(next);
            }
            // That wait is over.
            after = next.turn;
        }
    }

    /// A database has other keys than before, or none: those for which somebody waits whom they would serve, the first who
    /// came first. Looked for are the keys that are waited for, or those that are there, whichever are fewer.
    pub fn served_by(&self, database: usize, data: &Keyspace, now_ms: i64) -> Vec<Place> {
        let mut found = vec![];
        let mut take = |wanted: &Wanted, there: &'static str| {
            let first = self.next_of(wanted, 0, there);
            found.extend(first.map(|first| (first.turn, (database, wanted.key.clone()))));
        };
        let there = data.database(database);
        if there.len() < self.keys.len() {
            for entry in there.iter().filter(|entry| !entry.is_expired(now_ms)) {
                if let Some(wanted) = self.find(database, entry.key()) {
                    take(wanted, entry.value().type_name());
                }
            }
        } else {
            for wanted in self.keys.iter().filter(|wanted| wanted.database == database) {
                if let Some(entry) = data.peek(database, &wanted.key, now_ms) {
                    take(wanted, entry.value().type_name());
                }
            }
        }
        found.sort_unstable_by_key(|(turn, _)| *turn);
        found.into_iter().map(|(_, place)| place).collect()
    }

    pub fn first_deadline_us(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_us, _)| *deadline_us)
    }

    pub fn pop_late(&mut self, now_us: u64) -> Option<ClientId> {
        self.deadlines.first().filter(|(deadline_us, _)| *deadline_us <= now_us).map(|(_, id)| *id)
    }

    pub fn check(&self) {
        let stand: usize = self.keys.iter().map(|wanted| wanted.queue.len()).sum();
        let live: usize = self.clients.values().map(|wait| wait.hashes.len()).sum();
        let over: usize = self.over.iter().map(|(_, hashes)| hashes.len()).sum();
        assert_eq!(stand, live + over);
        assert!(self.over.iter().all(|(_, hashes)| !hashes.is_empty()));
        for (wants, count) in &self.wanted {
            assert_eq!(*count, self.clients.values().filter(|wait| wait.wants == *wants).count());
        }
        assert_eq!(self.wanted.values().sum::<usize>(), self.clients.len());
        assert_eq!(self.deadlines.len(), self.clients.values().filter(|wait| wait.deadline_us.is_some()).count());
    }
}
