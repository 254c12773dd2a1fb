//! Clients that wait for a key, for a moment or for the end of a pause, in the order in which they came. It runs nothing.
use crate::command::Context;
use crate::command::words::OwnedWords;
use crate::server::Waits;
use crate::server::clients::ClientId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Room for so many keys that are waited for is kept.
const FEW: usize = 64;

/// A database's number and a key in it.
pub type Place = (usize, Box<[u8]>);

/// Invariants: `keys`, `deadlines` and `unparticular` hold exactly what the waits in `clients` say.
#[derive(Default)]
pub struct Waiting {
    clients: HashMap<ClientId, Wait>,
    keys: HashMap<Place, Queue>,
    deadlines: BTreeSet<(u64, ClientId)>,
    /// How many are tried at any change.
    unparticular: usize,
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

/// Who waits for a key: by what they want, for a key may change often and have nothing for thousands of them; and by the
/// turn in which each came. Invariant: none of the rows is empty.
#[derive(Default)]
struct Queue(Vec<(Option<&'static str>, BTreeMap<u64, ClientId>)>);

impl Queue {
    fn insert(&mut self, wants: Option<&'static str>, turn: u64, id: ClientId) {
        match self.0.iter_mut().find(|(wanted, _)| *wanted == wants) {
            Some((_, row)) => _ = row.insert(turn, id),
            None => self.0.push((wants, BTreeMap::from([(turn, id)]))),
        }
    }

    fn remove(&mut self, wants: Option<&'static str>, turn: u64) {
        self.0.retain_mut(|(wanted, row)| {
            if *wanted == wants {
                row.remove(&turn);
            }
            !row.is_empty()
        });
    }

    /// The first that came after a turn, of those who would be served by a value of this type.
    fn next(&self, after: u64, there: Option<&'static str>) -> Option<Waiter> {
        let rows = self.0.iter().filter(|(wants, _)| wants.is_none() || *wants == there);
        let firsts = rows.filter_map(|(_, row)| row.range(after + 1..).next());
        firsts.min_by_key(|(turn, _)| **turn).map(|(turn, id)| Waiter { turn: *turn, id: *id })
    }

    fn first_turn(&self) -> Option<u64> {
        self.0.iter().filter_map(|(_, row)| row.first_key_value()).map(|(turn, _)| *turn).min()
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
    pub database: usize,
    pub keys: Vec<Box<[u8]>>,
    pub wants: Option<&'static str>,
    pub deadline_us: Option<u64>,
    pub late: fn(&mut Context),
    /// Given by `add`.
    pub turn: u64,
    /// The memory of its words and keys, and of what stands for it under each. Given by `add`.
    pub bytes: usize,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    pub fn count(&self) -> Waits {
        Waits { keys: self.keys.len(), timed: self.deadlines.len() }
    }

    pub fn add(&mut self, id: ClientId, mut wait: Wait) {
        self.turns += 1;
        wait.turn = self.turns;
        let keys: usize = wait.keys.iter().map(|key| 2 * (key.len() + size_of::<Place>()) + size_of::<Queue>()).sum();
        wait.bytes = wait.words.memory() + keys;
        for key in &wait.keys {
            self.keys.entry((wait.database, key.clone())).or_default().insert(wait.wants, wait.turn, id);
        }
        self.unparticular += wait.wants.is_none() as usize;
        self.deadlines.extend(wait.deadline_us.map(|deadline_us| (deadline_us, id)));
        assert!(self.clients.insert(id, wait).is_none(), "a client waits once");
    }

    pub fn remove(&mut self, id: ClientId) -> Option<Wait> {
        self.postponed.remove(&id);
        let mut wait = self.clients.remove(&id)?;
        for key in &mut wait.keys {
            let place = (wait.database, std::mem::take(key));
            if let Some(queue) = self.keys.get_mut(&place) {
                queue.remove(wait.wants, wait.turn);
                if queue.0.is_empty() {
                    self.keys.remove(&place);
                }
            }
        }
        if self.keys.is_empty() {
            // What very many keys needed is not kept for few.
            self.keys.shrink_to(FEW);
        }
        self.unparticular -= wait.wants.is_none() as usize;
        wait.deadline_us.map(|deadline_us| self.deadlines.remove(&(deadline_us, id)));
        Some(wait)
    }

    /// The memory of what a client waits with.
    pub fn bytes(&self, id: ClientId) -> usize {
        let waits = self.clients.get(&id).map_or(0, |wait| wait.bytes);
        waits + self.postponed.get(&id).map_or(0, |postponed| postponed.words.memory())
    }

    // --- Pauses

    pub fn postpone(&mut self, id: ClientId, words: OwnedWords) {
        self.turns += 1;
        self.postponed.insert(id, Postponed { turn: self.turns, words, released: false });
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

    /// The first of those who wait for this key, came after this turn, and would be served by a value of this type.
    pub fn next_for(&self, place: &Place, after: u64, there: Option<&'static str>) -> Option<Waiter> {
        if there.is_none() && self.unparticular == 0 {
            return None;
        }
        self.keys.get(place)?.next(after, there)
    }

    /// All keys of a database that somebody waits for.
    pub fn keys_of(&self, database: usize) -> Vec<Place> {
        let mut keys: Vec<_> = self.keys.iter().filter(|((number, _), _)| *number == database).collect();
        keys.sort_unstable_by_key(|(_, queue)| queue.first_turn());
        keys.into_iter().map(|(place, _)| place.clone()).collect()
    }

    pub fn first_deadline_us(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_us, _)| *deadline_us)
    }

    pub fn pop_late(&mut self, now_us: u64) -> Option<ClientId> {
        self.deadlines.first().filter(|(deadline_us, _)| *deadline_us <= now_us).map(|(_, id)| *id)
    }
}
